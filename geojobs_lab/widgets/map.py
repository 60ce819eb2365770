"""Results on an interactive map: tiles from the Jupyter server, coastlines, legends. Nothing comes from elsewhere."""

import math

from ipyleaflet import Map, TileLayer, WidgetControl
from ipywidgets import HTML, Layout

from geojobs_lab.client import Job, RasterOutput, Service
from geojobs_lab.errors import InvalidInput
from geojobs_lab.widgets.coastlines import coastline_layer
from geojobs_lab.widgets.legend import legend_html

_HEIGHT = 480  # CSS pixels
_WIDTH = 800  # CSS pixels that the map surely has; it takes what there is
_TILE = 256  # CSS pixels of a tile: the world at zoom 0
_NORTHMOST = 85.0  # degrees; Web Mercator ends there
_DEEPEST = 12  # zoom beyond which a first view does not go

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees."""


class ResultMap(Map):  # type: ignore[misc]  # ipyleaflet has no types
    """Published rasters on a map.

    Parameters
    ----------
    *results : Job or Service
        Jobs are waited for, and show all their raster outputs; the last one lies on top.

    Raises
    ------
    InvalidInput
        A job has no raster outputs, a service has several variables, or there is nothing to show.
    """

    def __init__(self, *results: Job | Service) -> None:
        services = [service for result in results for service in _services(result)]
        if not services:
            raise InvalidInput("results: give at least one job or service to show", field="results")
        bounds = _around([service.bounds for service in services if service.bounds is not None])
        center, zoom = _view(bounds)
        super().__init__(
            layers=(),  # no basemap: the default one asks a server on the internet
            center=center,
            zoom=zoom,
            scroll_wheel_zoom=True,
            layout=Layout(height=f"{_HEIGHT}px"),
        )
        for service in services:
            self.add(TileLayer(url=service.tile_url(), name=_title(service), attribution=""))
            legend = legend_html(service.legend(), _title(service))
            self.add(WidgetControl(widget=HTML(legend), position="bottomright"))
        self.add(coastline_layer(bounds))


def _services(result: Job | Service) -> list[Service]:
    if isinstance(result, Service):
        return [result]
    outputs = result.wait().outputs
    names = [name for name, value in outputs.items() if isinstance(value, RasterOutput)]
    if not names:
        raise InvalidInput(f"results: job {result.uuid} has no raster outputs to show", field="results", value=result)
    return [result.service(name) for name in names]


def _title(service: Service) -> str:
    variable = service.document["variables"][0]
    return str(variable.get("long_name") or service.document.get("title") or service.name)


def _around(all_bounds: list[Bounds]) -> Bounds:
    """Return what holds all bounds, its middle between -180 and 180 degrees; the whole Earth for none."""
    if not all_bounds:
        return -180.0, -60.0, 180.0, 75.0
    wests, souths, easts, norths = zip(*all_bounds, strict=True)
    west, east = min(wests), max(easts)
    turn = 360.0 * math.floor(((west + east) / 2 + 180.0) / 360.0)
    return west - turn, min(souths), east - turn, max(norths)


def _view(bounds: Bounds) -> tuple[tuple[float, float], int]:
    """Return the centre (latitude, longitude) and the deepest whole zoom that shows the bounds.

    Computed here and not by ipyleaflet, whose way waits for the browser, and does nothing before the map is shown.
    """
    west, south, east, north = bounds
    top, bottom = (_mercator(max(-_NORTHMOST, min(_NORTHMOST, latitude))) for latitude in (north, south))
    shares = (max(east - west, 1e-6) / 360.0 * _TILE / _WIDTH, max(top - bottom, 1e-6) * _TILE / _HEIGHT)
    zoom = math.floor(-math.log2(max(shares)))
    middle = math.degrees(math.atan(math.sinh((top + bottom) * math.pi)))
    return (middle, (west + east) / 2), max(0, min(_DEEPEST, zoom))


def _mercator(latitude: float) -> float:
    """Return the Web Mercator height of a latitude in degrees, as a share of the world: -0.5..0.5."""
    return math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)
