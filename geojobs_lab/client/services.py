"""A published service as the client sees it: its document, read; references and tile URLs made from it."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeAlias
from urllib.parse import urlencode, urljoin

from geojobs_lab.client.tables import Columns, Listing, html_table
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.client.values import VARIABLE
from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidInput

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from geojobs_lab.renderers import Renderer

    Style: TypeAlias = Renderer | Mapping[str, Any] | str


_COLORMAP = "viridis"  # where a stretch is given without one


@dataclass(frozen=True, slots=True)
class Service:
    """A published NetCDF file.

    Attributes
    ----------
    document : Mapping
        What the server tells of it, as in the REST contract.
    """

    document: Mapping[str, Any]
    transport: Transport = field(repr=False, compare=False)

    @property
    def name(self) -> str:
        """Its name; may hold ``/``."""
        return str(self.document["name"])

    @property
    def state(self) -> str:
        """One of ``publishing``, ``ready``, ``unavailable``."""
        return str(self.document["state"])

    @property
    def variables(self) -> tuple[str, ...]:
        """The names of its variables; empty while it is not ready."""
        return tuple(variable["name"] for variable in self.document.get("variables") or ())

    @property
    def bounds(self) -> tuple[float, float, float, float] | None:
        """West, south, east, north in degrees."""
        bounds = self.document.get("lonlat_bounds")
        return (bounds[0], bounds[1], bounds[2], bounds[3]) if bounds else None

    def reference(self, variable: str | None = None, time: float | str | None = None) -> ServiceReference:
        """Return the reference that a job's input takes: ``service://<name>:<variable>@<time>``.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out, or the whole service where the input takes a data set.
        time : float or str, optional
            Unix seconds or an ISO text in the file's own calendar; the whole time axis when left out.
        """
        return ServiceReference(self.name, variable and self._described(variable)["name"], time)

    def tile_url(
        self,
        variable: str | None = None,
        *,
        time: float | str | None = None,
        renderer: "Style | None" = None,
        absolute: bool = False,
    ) -> str:
        """Return the URL template of its map tiles; see `Client.tile_url`."""
        described = self._described(variable)
        query = {} if time is None else {"time": str(time)}
        query |= _renderer_query(renderer)
        address = self.transport.address
        if absolute and address.token:
            query["token"] = address.token
        url = str(described["urls"]["tiles"])
        if absolute:
            url = f"{urljoin(address.url, '/').rstrip('/')}{url}"
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url

    def legend(self, variable: str | None = None, *, renderer: "Style | None" = None) -> dict[str, Any]:
        """Return the legend of a variable's renderer, or of another one.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        renderer : Renderer, mapping or str, optional
            A renderer or its JSON; a colormap of matplotlib by its name; or options of a stretch (``{"colormap":
            "magma", "stretch": "log", "vmin": 1}``), whose limits are those of the data where they are left out. The
            service's own when left out.
        """
        return self._ask(variable, "legend.json", _renderer_query(renderer))

    def legend_picture(
        self,
        variable: str | None = None,
        *,
        renderer: "Style | None" = None,
        form: Literal["svg", "png"] = "svg",
    ) -> bytes:
        """Return the legend as a picture, a file of the form ``svg`` or ``png``; the rest as for `legend`."""
        if form not in ("svg", "png"):
            raise InvalidInput(f"form: {form!r} is not 'svg' or 'png'", field="form", value=form)

        return self._fetch(variable, f"legend.{form}", _renderer_query(renderer), "the legend")

    def image(
        self,
        bbox: Sequence[float],
        width: int,
        height: int,
        variable: str | None = None,
        *,
        crs: str | None = None,
        renderer: "Style | None" = None,
        **query: str | float,
    ) -> bytes:
        """Return a picture of a box, a PNG.

        Parameters
        ----------
        bbox : sequence of float
            Least x and y, greatest x and y, in the CRS of the picture; degrees of longitude and latitude by default.
        width, height : int
            Pixels.
        variable : str, optional
            The only variable when left out.
        crs : str, optional
            Such as ``"EPSG:3857"``.
        renderer : Renderer, mapping or str, optional
            As for `legend`.
        **query
            As in the REST contract: ``time``, ``resampling``, dimensions.
        """
        place: dict[str, str | float] = {"bbox": ",".join(map(str, bbox)), "width": width, "height": height}
        if crs is not None:
            place["crs"] = crs
        return self._fetch(variable, "image.png", {**query, **place, **_renderer_query(renderer)}, "a picture")

    def value(self, lon: float, lat: float, variable: str | None = None, **query: str | float) -> dict[str, Any]:
        """Return the value of the cell at a point, with its unit, place and time; as `series`."""
        return self._ask(variable, "value/", {"lon": lon, "lat": lat, **query})

    def series(self, lon: float, lat: float, variable: str | None = None, **query: str | float) -> dict[str, Any]:
        """Return all values through time of the cell at a point.

        Parameters
        ----------
        lon, lat : float
            Degrees.
        variable : str, optional
            The only variable when left out.
        **query
            Dimensions: ``level=850``, ``**{"level.index": 2}``.

        Returns
        -------
        dict
            ``values``, None where missing; their ``times`` (ISO) and ``timestamps`` (Unix seconds); ``unit``; ``lon``
            and ``lat`` of the cell's centre.
        """
        return self._ask(variable, "series/", {"lon": lon, "lat": lat, **query})

    def classify(
        self,
        variable: str | None = None,
        *,
        method: Literal["jenks", "quantile", "equal"] = "jenks",
        classes: int = 5,
        **query: str | float,
    ) -> dict[str, Any]:
        """Divide the values of a layer into classes.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        method : {"jenks", "quantile", "equal"}
            Natural breaks, as many cells in each class, or equal intervals.
        classes : int
            How many at most.
        **query
            ``colormap``, ``time``, dimensions.

        Returns
        -------
        dict
            ``breaks``, the upper limits of the classes; ``renderer``, the JSON that `tile_url`, `update` and maps
            take; ``min``, ``count``, ``sample`` (how many cells the breaks were found among), ``unit``.
        """
        return self._ask(variable, "classify/", {"method": method, "classes": classes, **query})

    def unique(self, variable: str | None = None, **query: str | float) -> dict[str, Any]:
        """Return the different values of a layer: at most 100 with the number of their cells, and how many there are.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        **query
            ``time``, dimensions.
        """
        return self._ask(variable, "unique/", query)

    def statistics(self, variable: str | None = None, **query: str | float) -> dict[str, Any]:
        """Return minimum, maximum, mean and so on of a variable's cells.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        **query
            As in the REST contract: ``time``, ``weights="area"``, dimensions.
        """
        return self._ask(variable, "statistics/", query)

    def read(self, variable: str | None = None, *, time: float | str | None = None) -> "xr.DataArray":
        """Return a variable, at the step nearest to a time or whole, in memory, with coordinates and CRS.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        time : float or str, optional
            Unix seconds or an ISO text in the file's own calendar.
        """
        return read_raster(self.transport, self.name, self._described(variable)["name"], time)

    def download(
        self,
        target: str | Path,
        *,
        format: Literal["nc", "tif", "csv"] = "nc",
        variable: str | None = None,
        **query: str | float,
    ) -> Path:
        """Write a file and return its path.

        Parameters
        ----------
        target : path
        format : {"nc", "tif", "csv"}
            The NetCDF file of the service; one layer as a GeoTIFF; a variable as a table, all steps in time unless one
            is named.
        variable : str, optional
            Of a GeoTIFF or a table; the only one when left out.
        **query
            ``time``, dimensions.
        """
        target = Path(target)
        if format != "nc":
            query = {"variable": self._described(variable)["name"], **query}
        download(self.transport, self.name, target, {"format": format, **query})
        return target

    def plot(self, variable: str | None = None, *, time: float | str | None = None, **options: Any) -> "Figure":
        """Draw a variable with matplotlib.

        Parameters
        ----------
        variable : str, optional
            The only variable when left out.
        time : float or str, optional
            As for `read`; the first step of a series when left out.
        **options
            As for `geojobs_lab.plots.map_figure`. Without a renderer, a range or a colormap the colours are those of
            the map tiles.
        """
        from geojobs_lab.client.pictures import draw

        return draw(self, variable, time, options)

    def refresh(self) -> "Service":
        """Return the service as it is now."""
        return read_service(self.transport, self.name)

    def update(
        self,
        *,
        title: str | None = None,
        temporary: bool | None = None,
        renderer: "Style | None" = None,
        variable: str | None = None,
    ) -> "Service":
        """Change the service, and return it as it is then.

        Parameters
        ----------
        title : str, optional
        temporary : bool, optional
            False keeps it for good, True lets it go when it is too old.
        renderer : Renderer or mapping, optional
            How it is drawn from now on: a renderer or its JSON.
        variable : str, optional
            Whose renderer is meant; of all variables when left out.

        Raises
        ------
        RequestRefused
            It belongs to the server's configuration (409), or what was given does not do (400).
        """
        style = renderer_json(renderer)
        given = {"title": title, "temporary": temporary, "renderer": style, "variable": variable}
        body = {name: value for name, value in given.items() if value is not None}
        doing = f"changing the service {self.name!r}"
        return Service(self.transport.request("PATCH", _path(self.name), doing=doing, json=body), self.transport)

    def keep(self) -> "Service":
        """Keep a temporary service for good, and return it as it is then."""
        return self.update(temporary=False)

    def delete(self) -> None:
        """Remove the service, and its file where the server wrote it.

        Raises
        ------
        RequestRefused
            A job uses it, or it belongs to the server's configuration (409).
        """
        self.transport.request("DELETE", _path(self.name), doing=f"removing the service {self.name!r}")

    def _fetch(self, variable: str | None, what: str, query: Mapping[str, str | float], thing: str) -> bytes:
        from tempfile import TemporaryDirectory

        name = self._described(variable)["name"]
        path = f"{_path(self.name)}variables/{quote_path(name)}/{what}{'?' if query else ''}{urlencode(query)}"
        with TemporaryDirectory(prefix="geojobs-") as folder:
            file = Path(folder) / "fetched"
            self.transport.download(path, file, doing=f"asking for {thing} of {self.name!r}, {name!r}")
            return file.read_bytes()

    def _ask(self, variable: str | None, what: str, query: Mapping[str, str | float]) -> dict[str, Any]:
        name = self._described(variable)["name"]
        path = f"{_path(self.name)}variables/{quote_path(name)}/{what}"
        doing = f"asking for {what.rstrip('/')} of {self.name!r}, {name!r}"
        answer: dict[str, Any] = self.transport.request("GET", path, doing=doing, params=query)
        return answer

    def _described(self, variable: str | None) -> Mapping[str, Any]:
        found: list[Mapping[str, Any]] = [
            d for d in self.document.get("variables") or () if variable in (None, d["name"])
        ]
        if len(found) != 1:
            choices = ", ".join(self.variables) or f"none: it is {self.state}"
            message = f"variable: {variable!r} is not one of service {self.name!r} ({choices})"
            raise InvalidInput(message, field="variable", value=variable)
        return found[0]

    def __repr__(self) -> str:
        return f"<Service {self.name!r}, {self.state}: {', '.join(self.variables) or 'no variables'}>"

    def _repr_html_(self) -> str:
        rows = [
            [
                variable["name"],
                variable.get("long_name") or "",
                variable.get("units") or "",
                " × ".join(str(size) for size in variable.get("shape") or ()),
            ]
            for variable in self.document.get("variables") or ()
        ]
        head = html_table(
            ["service", "title", "state"], [[self.name, str(self.document.get("title") or ""), self.state]]
        )
        return head + html_table(["variable", "long name", "units", "shape"], rows)


def read_service(transport: Transport, name: str) -> Service:
    """Ask for one service."""
    document = transport.request("GET", _path(name), doing=f"reading the service {name!r}")
    return Service(document, transport)


def list_services(
    documents: list[dict[str, Any]], transport: Transport, total: int, live: Callable[[], Any]
) -> Listing[Service]:
    """Return services as a readable list."""
    columns: Columns[Service] = {
        "name": lambda service: service.name,
        "title": lambda service: service.document.get("title"),
        "state": lambda service: service.state,
        "variables": lambda service: ", ".join(service.variables),
        "expires": lambda service: service.document.get("expires"),
    }
    return Listing([Service(d, transport) for d in documents], columns, title="services", total=total, live=live)


def read_raster(transport: Transport, name: str, variable: str, time: float | str | None = None) -> "xr.DataArray":
    """Return a variable of a service, at one time or whole, in memory, with coordinates and CRS."""
    from tempfile import TemporaryDirectory

    import rioxarray  # noqa: F401  # whoever gets the raster can ask its .rio

    from geojobs_lab.rasters import open_raster

    with TemporaryDirectory(prefix="geojobs-") as folder:
        file = Path(folder) / "result.nc"
        download(transport, name, file)
        with open_raster(file, variable, time) as raster:
            loaded: xr.DataArray = raster.load()
            return loaded


def read_result(transport: Transport, service: str, name: str) -> "xr.DataArray | xr.Dataset":
    """Return what a raster output's service holds, in memory: a raster by the output's name, or a data set."""
    from tempfile import TemporaryDirectory

    import rioxarray  # noqa: F401  # as above

    from geojobs_lab.rasters import open_raster_dataset

    with TemporaryDirectory(prefix="geojobs-") as folder:
        file = Path(folder) / "result.nc"
        download(transport, service, file)
        with open_raster_dataset(file) as dataset:
            loaded: xr.Dataset = dataset.load()
            return loaded[VARIABLE].rename(name) if list(loaded) == [VARIABLE] else loaded


def download(transport: Transport, name: str, target: Path, query: Mapping[str, str | float] | None = None) -> None:
    """Write the NetCDF file of a service, or what else a query asks for, to `target`."""
    path = f"{_path(name)}download/?{urlencode(query or {'format': 'nc'})}"
    transport.download(path, target, doing=f"downloading the service {name!r}")


def renderer_json(renderer: "Style | None") -> Mapping[str, Any] | None:
    """Return the JSON of a renderer, a colormap's name, or the options of a stretch; None is returned as it is."""
    if isinstance(renderer, str):
        renderer = {"colormap": renderer}
    if isinstance(renderer, Mapping):
        whole = not renderer or "type" in renderer or "colors" in renderer
        return renderer if whole else {"type": "stretched", "options": {"colormap": _COLORMAP, **renderer}}
    return None if renderer is None else renderer.to_json()


def _renderer_query(renderer: "Style | None") -> dict[str, str]:
    document = renderer_json(renderer)
    # Without spaces: some proxies refuse URLs of more than 8 kB.
    return {} if document is None else {"renderer": json.dumps(document, allow_nan=False, separators=(",", ":"))}


def _path(name: str) -> str:
    # "a/variables/b" as the name of a service would read as a variable's URL: its slashes are encoded
    path = quote_path(name)
    return f"services/{path.replace('/', '%2F') if {'variables', 'download'} & {*name.split('/')} else path}/"
