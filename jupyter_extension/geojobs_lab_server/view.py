"""What a URL below a variable asks for: which step, which position in other dimensions, in which colours.

Owns the reading of that part of the query. Finding the step is the work of `rasters`, the colours that of
`renderers`; both are loaded when the first view is opened, in a thread.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from hashlib import blake2b
from typing import TYPE_CHECKING

from tornado.web import RequestHandler

from geojobs_lab._version import __version__
from geojobs_lab.errors import InvalidInput, RendererNotValid
from geojobs_lab.services.publishing import VARIABLE
from geojobs_lab_server.service_documents import version_of
from geojobs_lab_server.styling import STYLE, asked_renderer, named

if TYPE_CHECKING:
    from geojobs_lab.rasters import RasterFile, VariableInfo
    from geojobs_lab.renderers import Renderer
    from geojobs_lab.services import Service, ServiceCatalogue

# Names in the query that are not dimensions: ours, Jupyter's, and jQuery's against caches.
_NO_DIMENSIONS = {"time", "v", "lon", "lat", "weights", "token", "no_track_activity", "_xsrf", "_", *STYLE}
_NEVER_DIMENSIONS = {"self", "best_fit"}  # `VariableInfo.select` has arguments of these names


@dataclass(frozen=True, slots=True)
class Opened:
    """A variable at one step, ready to be read (in threads)."""

    service: "Service"
    file: "RasterFile"
    info: "VariableInfo"
    selection: Mapping[str, int]

    @property
    def title(self) -> str:
        """What people call the variable; the only one of a job's result is called as its service."""
        if self.service.job is not None and self.info.name == VARIABLE:
            return self.service.title
        return self.info.long_name or (self.info.name == VARIABLE and self.file.title) or self.info.name


@dataclass(frozen=True, slots=True)
class View:
    """A variable of a service as the query wants it seen.

    Attributes
    ----------
    time : str or None
        Unix seconds or ISO text; the first step when None.
    dimensions : Mapping of str to str
        ``level`` (the nearest value) or ``level.index`` (a position).
    renderer : str or None
        A renderer's JSON; the variable's own when None.
    composed : bool
        Whether it was made of single options of the query.
    """

    service: "Service"
    variable: str
    time: str | None
    dimensions: Mapping[str, str]
    renderer: str | None
    composed: bool
    best_fit: bool

    @classmethod
    def of(
        cls,
        handler: RequestHandler,
        service: "Service",
        variable: str,
        *,
        best_fit: bool,
        reserved: Collection[str] = (),
    ) -> "View":
        """Read the query of a request; `reserved` are names that mean something else than a dimension there.

        Raises
        ------
        InvalidInput
            It names what no file can have.
        """
        query = {name: handler.get_query_argument(name) for name in handler.request.query_arguments}
        for name in _NEVER_DIMENSIONS.intersection(query):
            raise InvalidInput(f"{name}: there is no such dimension", field=name)
        return cls(
            service=service,
            variable=variable,
            time=query.get("time") or None,
            dimensions={
                name: value for name, value in query.items() if name not in _NO_DIMENSIONS and name not in reserved
            },
            renderer=asked_renderer(query),
            composed=not query.get("renderer"),
            best_fit=best_fit,
        )

    def etag(self, *more: object) -> str:
        """Return an entity tag for what is made of this view, `more` telling what."""
        parts = (
            __version__,
            self.service.name,
            version_of(self.service),
            self.variable,
            self.time,
            sorted(self.dimensions.items()),
            self.renderer,
            self.best_fit,
            more,
        )
        return f'"{blake2b(repr(parts).encode(), digest_size=12).hexdigest()}"'

    def open(self, catalogue: "ServiceCatalogue") -> Opened:
        """Open the file and find the step.

        Raises
        ------
        Unavailable
            The service cannot serve now.
        NotFound
            It has no such variable.
        InvalidInput
            The query names a step or a dimension that is not there.
        """
        file = catalogue.open(self.service)
        info = file.variable(self.variable)
        return Opened(self.service, file, info, info.select(time=self.time, best_fit=self.best_fit, **self.dimensions))

    def colours(self, catalogue: "ServiceCatalogue") -> "Renderer":
        """Return the renderer.

        Raises
        ------
        InvalidInput
            The query's cannot be used.
        """
        try:
            return catalogue.renderer(self.service, self.variable, self.renderer)
        except RendererNotValid as error:
            if self.composed:
                raise named(error) from error
            raise
