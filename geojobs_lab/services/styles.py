"""How the variables of services are drawn: as was set, as a request asks, or by what the data are like.

All of it may read files, so all of it is for threads. What was found out is kept as long as the file stays the same.
"""

import math
from collections.abc import Callable, Hashable, Mapping
from itertools import product
from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import InvalidInput, RendererNotValid
from geojobs_lab.services.files import version_key
from geojobs_lab.services.kept import Kept
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.services.service import Service

if TYPE_CHECKING:
    from geojobs_lab.rasters import RasterFile
    from geojobs_lab.renderers import Distribution, Renderer

_RENDERERS, _DISTRIBUTIONS = 256, 16  # kept; one of the latter takes 1 MB at most
_STEPS_LOOKED_AT = 12  # of a long series, to find the range that a stretch covers
_LAYER = 4_000_000  # cells: larger layers are looked at in their overviews
_USUAL_FILLS = (  # as they are, and those of 2 bytes unpacked by tenths and hundredths
    999, 999.9, 9999, 99999, 999999, 327.67, 327.68, 3276.7, 3276.8, 32767, 32768,
    1e20, 1e30, 1e34, 1e35, 1e36, 9.96921e36,
)  # fmt: skip
_MOST_CELLS = 64_000_000  # that are looked at in all, where there are no overviews either


class Styles:
    """The renderers of variables.

    Parameters
    ----------
    open_file : callable
        Returns a service's file, open for reading.
    """

    def __init__(self, open_file: "Callable[[Service], RasterFile]") -> None:
        self._open = open_file
        self._renderers: Kept[Renderer] = Kept(_RENDERERS)
        self._distributions: Kept[Distribution] = Kept(_DISTRIBUTIONS)

    def renderer(self, service: Service, variable: str, asked: str | None = None) -> "Renderer":
        """Return a renderer of a variable.

        Parameters
        ----------
        service : Service
        variable : str
        asked : str, optional
            A renderer's JSON. Without it: the one that was set; a colour for each class of a variable that tells its
            flags; or a stretch over the range of the values, without a fill that the file does not declare.

        Raises
        ------
        RendererNotValid
            It cannot be used.
        """
        load_libraries()
        key: tuple[Hashable, ...] = (*version_key(service), variable, asked)
        stored = service.renderers.get(variable) if asked is None else None
        if stored is not None:
            key = (service.name, service.created, service.revision, variable)
        return self._renderers.get(key, lambda: self._make(service, variable, asked if stored is None else stored))

    def to_store(
        self, service: Service, renderer: Mapping[str, Any], variable: str | None
    ) -> Mapping[str, Mapping[str, Any]]:
        """Return the JSON to be stored for a variable, or for all of them, with the limits that their data have now.

        Raises
        ------
        RendererNotValid
            It cannot be used.
        InvalidInput
            There is no such variable.
        """
        if variable is not None and variable not in service.variables:
            raise InvalidInput(
                f"variable: service {service.name!r} has no variable {variable!r}; it has {service.variables}",
                field="variable",
                value=variable,
            )
        names = service.variables if variable is None else [variable]
        return {name: self._make(service, name, renderer).to_json() for name in names}

    def _make(self, service: Service, variable: str, document: str | Mapping[str, Any] | None) -> "Renderer":
        from geojobs_lab.renderers import renderer_from_json

        if document is None:
            return self._default(service, variable)
        return renderer_from_json(document, lambda fill: self.distribution(service, variable, fill))

    def _default(self, service: Service, variable: str) -> "Renderer":
        from geojobs_lab.renderers import StretchedRenderer, UniqueRenderer

        try:
            return UniqueRenderer.from_flags(self._open(service).variable(variable).attributes)
        except RendererNotValid:  # it has none, or they do not fit each other
            values = self.distribution(service, variable)
            fill = self._undeclared_fill(service, variable, values)
            if fill is not None:
                values = self.distribution(service, variable, fill)
            limits = values.limits() if values.count else (0.0, 1.0)
            return StretchedRenderer.from_colormap("viridis", *limits, fill_value=fill)

    def _undeclared_fill(self, service: Service, variable: str, values: "Distribution") -> float | None:
        """Return the least or greatest value where it is a usual fill, and farther off than the others lie apart."""
        for end in (values.low, values.high):
            if any(math.isclose(abs(end), usual, rel_tol=1e-6) for usual in _USUAL_FILLS):
                others = self.distribution(service, variable, end)
                if others.count and min(abs(others.low - end), abs(others.high - end)) > others.high - others.low:
                    return end
        return None

    def distribution(self, service: Service, variable: str, fill_value: float | None = None) -> "Distribution":
        """Return how the values of a variable lie, a fill value left out.

        Of a series twelve steps are looked at, of other dimensions the first and the last position, such as the ground
        and the top of the air. Layers of more than four million cells are seen in their overviews of means, or, where
        there are none, in windows spread over them.
        """
        load_libraries()
        key = (*version_key(service), variable, fill_value)
        return self._distributions.get(key, lambda: _look(self._open(service), variable, fill_value))

    def clear(self) -> None:
        """Forget everything."""
        self._renderers.clear()
        self._distributions.clear()


def _look(file: "RasterFile", variable: str, fill_value: float | None) -> "Distribution":
    from geojobs_lab.rasters import summarise
    from geojobs_lab.renderers import Distribution

    info = file.variable(variable)
    positions = {dim: sorted({0, values.size - 1}) for dim, values in info.others.items()}
    if info.time is not None:
        count = len(info.time.stops)
        positions[info.time.name] = [*range(0, count, max(1, count // _STEPS_LOOKED_AT))]
    layers = [dict(zip(positions, chosen, strict=True)) for chosen in product(*positions.values())]
    ny, nx = info.grid.shape
    levels = file.levels(variable)
    factor = next((level for level in levels if ny * nx <= _LAYER * level**2), levels[-1])
    return Distribution.from_summary(
        summarise(file, variable, layers, fill_value=fill_value, factor=factor, most_cells=_MOST_CELLS)
    )
