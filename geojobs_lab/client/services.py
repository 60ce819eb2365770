"""A published service as the client sees it: referred to, drawn, read, downloaded, changed."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal
from urllib.parse import urlencode, urljoin

from geojobs_lab.client.files import download, read_raster
from geojobs_lab.client.servicedata import ServiceData
from geojobs_lab.client.styles import renderer_json, renderer_query
from geojobs_lab.client.tables import html_table
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import service_path
from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidInput

if TYPE_CHECKING:
    import xarray as xr
    from matplotlib.figure import Figure

    from geojobs_lab.client.styles import Style


@dataclass(frozen=True, slots=True)
class Service(ServiceData):
    """A published NetCDF file.

    Attributes
    ----------
    document : Mapping
        What the server tells of it, as in the REST contract.
    """

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
        query |= renderer_query(renderer)
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
        return self._ask(variable, "legend.json", renderer_query(renderer))

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
        return self._fetch(variable, f"legend.{form}", renderer_query(renderer), "the legend")

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
        return self._fetch(variable, "image.png", {**query, **place, **renderer_query(renderer)}, "a picture")

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
        return Service(self.transport.request("PATCH", service_path(self.name), doing=doing, json=body), self.transport)

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
        self.transport.request("DELETE", service_path(self.name), doing=f"removing the service {self.name!r}")

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
    document = transport.request("GET", service_path(name), doing=f"reading the service {name!r}")
    return Service(document, transport)
