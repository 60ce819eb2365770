"""What a map shows of one raster: where its tiles, values and colours are had, and its steps in time.

Turns what people hand to a map (jobs, services, names) into layers. Drawing them is for `map`, `panel` and `still`.
"""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote

from geojobs_lab.client import Job, Service
from geojobs_lab.client.styles import renderer_json
from geojobs_lab.client.urls import PREFIX
from geojobs_lab.client.values import VARIABLE, rasters_in
from geojobs_lab.errors import InvalidInput
from geojobs_lab.renderers import Renderer
from geojobs_lab.widgets.view import Bounds

_READY = 30.0  # seconds that a service may take to be published
_LOOK = 0.2  # seconds between two looks
_FORMULA = re.compile(r"\w+\s*[\[*/%<>=!&|+]|\w+\(|\w+\s+-|\w-")  # begins like one, in which x is not X

Result = Job | Service | str
"""What can be put on a map; a text is the name of a service."""


@dataclass(frozen=True, slots=True)
class ResultLayer:
    """One variable of a service, in its colours.

    Attributes
    ----------
    service : Service
    variable : Mapping
        The variable's part of the service's document.
    legend : Mapping
        As ``legend.json`` has it.
    renderer : Mapping or None
        A renderer's JSON; the server's own choice when None.
    """

    service: Service
    variable: Mapping[str, Any]
    legend: Mapping[str, Any]
    renderer: Mapping[str, Any] | None = None

    @property
    def title(self) -> str:
        """What people call it; the only variable of a job's result is called as its service."""
        document, name = self.service.document, self.variable["name"]
        if document.get("job") and document.get("title") and name == VARIABLE:
            return _capitalised(str(document["title"]))
        words = str(self.variable.get("long_name") or self.variable.get("standard_name") or name)
        return _capitalised(words.replace("_", " "))

    @property
    def unit(self) -> str:
        """The unit of its values; empty where it has none."""
        return str(self.variable.get("units") or "")

    @property
    def bounds(self) -> Bounds | None:
        """West, south, east, north in degrees; the east may lie beyond 180."""
        bounds = self.variable.get("lonlat_bounds") or self.service.bounds
        return (bounds[0], bounds[1], bounds[2], bounds[3]) if bounds else None

    @property
    def stops(self) -> list[tuple[float, str]]:
        """Its steps in time: Unix seconds, and the date in the file's own calendar."""
        axis = self.variable.get("time") or {}
        return [(float(stop["timestamp"]), str(stop["iso"])) for stop in axis.get("stops", ())]

    def path(self, what: str) -> str:
        """Return the URL of something below the variable (``"value/"``), relative to the API's root."""
        return str(self.variable["urls"]["value"]).partition(PREFIX)[2].removesuffix("value/") + what

    def tile_url(self, moment: str = "") -> str:
        """Return the root-relative URL template of its tiles at a date (at its first one when left out)."""
        url = self.service.tile_url(self.variable["name"], renderer=_without_labels(self.renderer))
        # The date itself and not its seconds: in a calendar of 360 days two steps can share these.
        return f"{url}{'&' if '?' in url else '?'}time={quote(moment, safe='')}" if moment else url

    def date_near(self, timestamp: float) -> str:
        """Return the date nearest to Unix seconds, the earlier of two; empty without a time axis."""
        return min(self.stops, key=lambda stop: abs(stop[0] - timestamp), default=(0.0, ""))[1]

    def _source(self) -> str:
        """Return what tells the layer from another of the same title."""
        title = str(self.service.document.get("title") or self.service.name)
        if title != self.title:
            return title
        job = self.service.document.get("job")
        return f"job {str(job)[:8]}" if job else self.service.name

    def page(self, tiles: str, side: str) -> dict[str, Any]:
        """Return what the page has to know.

        Parameters
        ----------
        tiles : str
            The id of the tile layer's model.
        side : {"", "left", "right"}
            Of a swipe.
        """
        return {
            "tiles": tiles,
            "side": side,
            "title": self.title,
            "unit": self.unit,
            "source": self._source(),
            "path": self.path(""),
            "url": self.tile_url(),
            "legend": dict(self.legend),
            "timestamps": [timestamp for timestamp, _ in self.stops],
            "dates": [date for _, date in self.stops],
        }


def result_layers(
    result: Result,
    variable: str | None,
    renderer: Renderer | Mapping[str, Any] | str | None,
    service_of: Callable[[str], Service],
) -> list[ResultLayer]:
    """Return the layers of one result.

    Parameters
    ----------
    result : Job, Service or str
        A job is waited for, and gives all its rasters, those of lists and data sets too.
    variable : str, optional
        The service's variable, or the job's output (``"cells/1"`` is one raster of a list); all outputs, or the only
        variable, when left out.
    renderer : Renderer, Mapping or str, optional
        The colours, as for `Service.legend`; the server's own when left out.
    service_of : callable
        Asks for a service by its name.

    Raises
    ------
    InvalidInput
        There is nothing of that kind to show; the message says what there is.
    JobFailed, JobRevoked
    """
    colours = renderer_json(renderer)
    if isinstance(result, Job):
        services = [_ready(service) for service in _outputs(result, variable)]
        return [_layer(service, name, colours) for service in services for name in service.variables]
    if isinstance(result, str):
        return [_layer(service_of(str(result)), variable, colours)]
    if not isinstance(result, Service):
        raise InvalidInput(
            f"results: {result!r:.80} is neither a job nor a service nor the name of one", field="results", value=result
        )
    # Those of a listing do not have their dates, and the colours may have changed since.
    return [_layer(result.refresh(), variable, colours)]


def _outputs(job: Job, name: str | None) -> list[Service]:
    names = list(rasters_in(job.wait().outputs))
    if not names:
        raise InvalidInput(f"results: job {job.uuid} has no raster outputs to show", field="results", value=job)
    wanted = [key for key in names if name in (None, key, key.rpartition("/")[0])]
    if not wanted:
        raise InvalidInput(
            f"variable: {name!r} is not a raster output of job {job.uuid} ({', '.join(names)})",
            field="variable",
            value=name,
        )
    return [job.service(key) for key in wanted]


def _layer(service: Service, name: str | None, renderer: Mapping[str, Any] | None) -> ResultLayer:
    service = _ready(service)
    found = [variable for variable in service.document["variables"] if name in (None, variable["name"])]
    if len(found) != 1:
        choices = ", ".join(service.variables)
        what = "several variables: name one of them" if name is None else f"no variable {name!r}: it has"
        raise InvalidInput(f"variable: service {service.name!r} has {what} ({choices})", field="variable", value=name)
    return ResultLayer(service, found[0], service.legend(found[0]["name"], renderer=renderer), renderer)


def _capitalised(words: str) -> str:
    return words if _FORMULA.match(words) else words[:1].upper() + words[1:]


def _ready(service: Service) -> Service:
    """Return the service as it is when it has been looked into, which takes a moment after the server's start."""
    end = time.monotonic() + _READY
    while service.state == "publishing" and time.monotonic() < end:
        time.sleep(_LOOK)
        service = service.refresh()
    if service.state != "ready":
        reason = service.document.get("reason") or "try again later"
        raise InvalidInput(
            f"results: service {service.name!r} is {service.state}: {reason}", field="results", value=service.name
        )
    return service


def _without_labels(renderer: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    """Return a renderer as tiles need it: proxies take no URL of more than some 8000 characters."""
    options = None if renderer is None else renderer.get("options")
    if renderer is None or not isinstance(options, Mapping) or "labels" not in options:
        return renderer
    return {**renderer, "options": {name: value for name, value in options.items() if name != "labels"}}
