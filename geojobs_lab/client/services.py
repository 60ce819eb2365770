"""A published service as the client sees it: its document, read; references and tile URLs made from it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode, urljoin

from geojobs_lab.client.tables import Columns, Listing, html_table
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path
from geojobs_lab.documents import ServiceReference, dump_json
from geojobs_lab.errors import InvalidInput

if TYPE_CHECKING:
    import xarray as xr


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
            The only variable when left out.
        time : float or str, optional
            Unix seconds or an ISO text in the file's own calendar; the whole time axis when left out.
        """
        return ServiceReference(self.name, self._described(variable)["name"], time)

    def tile_url(
        self,
        variable: str | None = None,
        *,
        time: float | str | None = None,
        renderer: Mapping[str, Any] | None = None,
        absolute: bool = False,
    ) -> str:
        """Return the URL template of its map tiles; see `Client.tile_url`."""
        described = self._described(variable)
        query: dict[str, str] = {}
        if time is not None:
            query["time"] = str(time)
        if renderer is not None:
            query["renderer"] = dump_json(renderer)
        address = self.transport.address
        if absolute and address.token:
            query["token"] = address.token
        url = str(described["urls"]["tiles"])
        if absolute:
            url = f"{urljoin(address.url, '/').rstrip('/')}{url}"
        return f"{url}{'&' if '?' in url else '?'}{urlencode(query)}" if query else url

    def legend(self, variable: str | None = None) -> dict[str, Any]:
        """Return the legend of a variable's renderer."""
        return self._ask(variable, "legend.json", {})

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

    def download(self, target: str | Path) -> Path:
        """Write its NetCDF file to `target` and return that path."""
        target = Path(target)
        download(self.transport, self.name, target)
        return target

    def refresh(self) -> "Service":
        """Return the service as it is now."""
        return read_service(self.transport, self.name)

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


def download(transport: Transport, name: str, target: Path) -> None:
    """Write the NetCDF file of a service to `target`."""
    path = f"{_path(name)}download/?format=nc"
    transport.download(path, target, doing=f"downloading the service {name!r}")


def _path(name: str) -> str:
    # "a/variables/b" as the name of a service would read as a variable's URL: its slashes are encoded
    path = quote_path(name)
    return f"services/{path.replace('/', '%2F') if {'variables', 'download'} & {*name.split('/')} else path}/"
