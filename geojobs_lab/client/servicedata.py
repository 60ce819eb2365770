"""What a server tells of a service, and what it computes of its data when it is asked.

The handle of a service (`services`) is built on this; pictures and files are not its matter.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlencode

from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import quote_path, service_path
from geojobs_lab.errors import InvalidInput


@dataclass(frozen=True, slots=True)
class ServiceData:
    """The document of a service, and the numbers of its variables.

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

    def _fetch(self, variable: str | None, what: str, query: Mapping[str, str | float], thing: str) -> bytes:
        from tempfile import TemporaryDirectory

        name = self._described(variable)["name"]
        path = f"{service_path(self.name)}variables/{quote_path(name)}/{what}{'?' if query else ''}{urlencode(query)}"
        with TemporaryDirectory(prefix="geojobs-") as folder:
            file = Path(folder) / "fetched"
            self.transport.download(path, file, doing=f"asking for {thing} of {self.name!r}, {name!r}")
            return file.read_bytes()

    def _ask(self, variable: str | None, what: str, query: Mapping[str, str | float]) -> dict[str, Any]:
        name = self._described(variable)["name"]
        path = f"{service_path(self.name)}variables/{quote_path(name)}/{what}"
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
