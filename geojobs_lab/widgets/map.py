"""Results on an interactive map: tiles from the Jupyter server, coastlines, legends. Nothing comes from elsewhere."""

from collections.abc import Mapping
from typing import Any, Self

from ipyleaflet import CircleMarker, Map, ScaleControl, TileLayer, WidgetControl, ZoomControl
from ipywidgets import Layout, Widget

from geojobs_lab.client import Client, Job, Service
from geojobs_lab.client.transport import Transport
from geojobs_lab.errors import ClientError, InvalidInput
from geojobs_lab.renderers import Renderer
from geojobs_lab.widgets.basemap import online_basemap
from geojobs_lab.widgets.coastlines import coastline_data, coastline_layer
from geojobs_lab.widgets.layers import Result, ResultLayer, result_layers
from geojobs_lab.widgets.panel import MapPanel
from geojobs_lab.widgets.still import note_html, still_html
from geojobs_lab.widgets.view import EVERYWHERE, Bounds, around, first_view

_CLASS = "geojobs-map"  # what the style sheet knows the map by
_DEEPEST = 22  # zoom to which tiles are shown
_RING = 7  # CSS pixels, the radius of the ring where a value was read
_INK = "#101010"  # its colour, by which the style sheet finds it, too


class ResultMap(Map):  # type: ignore[misc]  # ipyleaflet has no types
    """Published rasters on a map.

    Parameters
    ----------
    *results : Job, Service or str
        Jobs are waited for, and show all their raster outputs; a text is the name of a service. The last one lies on
        top.
    basemap : TileLayer or Mapping, optional
        One of ``ipyleaflet.basemaps``, from the internet; only coastlines and borders, which ask nobody, when left out.
    height : int
        CSS pixels.
    variable, renderer, opacity
        As for `add_result`, for all results.

    Raises
    ------
    InvalidInput
        There is nothing to show: no results, a job without rasters, a service that is not ready, several variables and
        none named.
    JobFailed, JobRevoked
    """

    _client: Client | None = None  # where names of services were given and nothing else

    def __init__(
        self,
        *results: Result,
        basemap: TileLayer | Mapping[str, Any] | None = None,
        height: int = 480,
        variable: str | None = None,
        renderer: Renderer | Mapping[str, Any] | str | None = None,
        opacity: float = 1.0,
    ) -> None:
        if not results:
            raise InvalidInput("results: give at least one job or service to show", field="results")
        self._connect(*results)
        found = [layer for result in results for layer in self._find(result, variable, renderer)]
        self._start(found[0].service.transport, basemap, height)
        for layer in found:
            self._show(layer, opacity)
        self._look()

    def add_result(
        self,
        result: Result,
        variable: str | None = None,
        renderer: Renderer | Mapping[str, Any] | str | None = None,
        opacity: float = 1.0,
        visible: bool = True,
    ) -> Self:
        """Put one more result on top.

        Parameters
        ----------
        result : Job, Service or str
        variable : str, optional
            The service's variable, or the job's output; the only variable, or all outputs, when left out.
        renderer : Renderer, Mapping or str, optional
            The colours: a renderer or its JSON, a colormap of matplotlib by its name, or options of a stretch
            (``{"colormap": "magma", "stretch": "log"}``); those that the server has for it when left out.
        opacity : float
            0..1.
        visible : bool

        Returns
        -------
        ResultMap
            This one.
        """
        for layer in self._find(result, variable, renderer):
            self._show(layer, opacity, visible=visible)
        self._look()
        return self

    @property
    def time(self) -> str:
        """The date that is shown, in the file's own calendar; empty where no layer has dates.

        Set it to a date (its beginning will do: ``"2070-06"``) or to Unix seconds.
        """
        return str(self._panel.time)

    @time.setter
    def time(self, moment: str | float) -> None:
        stops = sorted({stop for layer, _ in self._shown for stop in layer.stops})
        if isinstance(moment, str):
            stops = [stop for stop in stops if stop[1].startswith(moment)]
            chosen = stops[0] if stops else None
        else:
            chosen = min(stops, key=lambda stop: abs(stop[0] - moment), default=None)
        if chosen is None:
            raise InvalidInput(f"time: no layer has a step at {moment!r}", field="time", value=moment)
        self._panel.time = chosen[1]
        for layer, tiles in self._shown:
            tiles.url = layer.tile_url(self._date_of(layer, chosen))

    def close(self) -> None:
        """Remove the map from the page, and everything that it made; layers that were added to it stay as they are."""
        made: list[Widget] = getattr(self, "_made", [])
        if not made:  # closed before, or refused before anything was made
            return
        for widget in (*made, self.layout, self.style, self.default_style, self.dragging_style):
            widget.close()
        if self._client is not None:
            self._client.close()
        super().close()
        self._made.clear()

    def _connect(self, *results: Result) -> None:
        """Find the line to the server that names of services are asked on: that of another result, if there is one."""
        self._transport = next((found for result in results if (found := _transport(result))), None)

    def _start(self, transport: Transport, basemap: TileLayer | Mapping[str, Any] | None, height: int) -> None:
        """Make the map, with nothing on it yet."""
        self._made: list[Widget] = []
        self._shown: list[tuple[ResultLayer, TileLayer]] = []
        base = [] if basemap is None else [online_basemap(basemap)]
        self._made += [layer for layer in base if layer is not basemap]
        self._height = height
        self._coast = self._keep(coastline_layer(EVERYWHERE))
        # Not to be seen before the first click, when the page puts it there.
        ring = self._keep(CircleMarker(location=(0, 0), radius=_RING, weight=2, fill=False, color=_INK, opacity=0))
        super().__init__(
            layers=(*base, self._coast, ring),  # no others: ipyleaflet's own basemap asks a server on the internet
            scroll_wheel_zoom=True,
            zoom_control=False,
            attribution_control=basemap is not None,
            layout=Layout(height=f"{height}px"),
        )
        self._made += [control for control in (self.attribution_control_instance,) if control is not None]
        self.add_class(_CLASS)
        self._panel = self._keep(MapPanel(transport, map=self.model_id, mark=ring.model_id))
        self._made.append(self._panel.layout)
        for control in (
            ZoomControl(position="topleft"),
            ScaleControl(position="bottomleft", imperial=False),
            WidgetControl(widget=self._panel, position="topright", transparent_bg=True),
        ):
            self.add(self._keep(control))
        self.observe(self._forget, "layers")

    def _keep(self, widget: Any) -> Any:
        self._made.append(widget)
        return widget

    def _find(
        self, result: Result, variable: str | None, renderer: Renderer | Mapping[str, Any] | str | None
    ) -> list[ResultLayer]:
        return result_layers(result, variable, renderer, self._service)

    def _service(self, name: str) -> Service:
        from geojobs_lab.client.services import read_service

        if self._transport is None:
            self._client = Client()
            self._transport = self._client.transport
        return read_service(self._transport, name)

    def _show(self, layer: ResultLayer, opacity: float = 1.0, *, visible: bool = True, side: str = "") -> TileLayer:
        """Make the tile layer of a result and put it on the map (a swipe's control does that for its sides)."""
        stop = self._stop()
        if stop is None and layer.stops:
            stop = layer.stops[0]
            self._panel.time = stop[1]
        date = "" if stop is None else self._date_of(layer, stop)
        tiles = self._keep(
            TileLayer(
                url=layer.tile_url(date),
                name=layer.title,
                attribution="",
                opacity=opacity,
                visible=visible,
                max_zoom=_DEEPEST,
            )
        )
        self._shown.append((layer, tiles))
        if not side:
            self.add(tiles)
        self._panel.layers = [*self._panel.layers, layer.page(tiles.model_id, side)]
        return tiles

    def _stop(self) -> tuple[float, str] | None:
        """Return the step that is shown."""
        return next((stop for layer, _ in self._shown for stop in layer.stops if stop[1] == self._panel.time), None)

    @staticmethod
    def _date_of(layer: ResultLayer, stop: tuple[float, str]) -> str:
        """Return a layer's own date for a step: the same, or the nearest that it has."""
        return stop[1] if stop in layer.stops else layer.date_near(stop[0])

    def _look(self) -> None:
        """Turn to the data, and draw the lines about them."""
        bounds = around([layer.bounds for layer, _ in self._shown if layer.bounds is not None])
        for layer, tiles in self._shown:
            if layer.bounds is not None:
                with tiles.hold_sync():
                    for name, value in _extent(layer.bounds, once=bounds[2] - bounds[0] >= 360).items():
                        setattr(tiles, name, value)
        self._coast.data = coastline_data(bounds)
        self._panel.bounds = list(bounds)
        if not self._panel.fitted:  # later the view is the reader's own
            self.center, self.zoom = first_view(bounds, self._height)

    def _forget(self, change: Mapping[str, Any]) -> None:
        """Let go of what somebody took off the map."""
        gone = {layer.model_id for layer in change["old"]} - {layer.model_id for layer in change["new"]}
        self._shown = [(layer, tiles) for layer, tiles in self._shown if tiles.model_id not in gone]
        left = [layer for layer in self._panel.layers if layer["tiles"] not in gone]
        if len(left) != len(self._panel.layers):
            self._panel.layers = left

    def _repr_mimebundle_(self, **kwargs: Any) -> dict[str, Any]:
        bundle: dict[str, Any] = super()._repr_mimebundle_(**kwargs) or {}
        seen = [(layer, tiles) for layer, tiles in self._shown if tiles.visible]
        names = ", ".join(layer.title for layer, _ in self._shown)
        bundle["text/plain"] = f"<{type(self).__name__} of {names}>"
        try:
            stop = self._stop()
            dated = [(layer, self._date_of(layer, stop) if stop else "", tiles.opacity) for layer, tiles in seen]
            bundle["text/html"] = still_html(dated, tuple(self._panel.bounds))
        except ClientError:  # the map itself says why there are no tiles
            bundle["text/html"] = note_html(f"Map of {names}")
        return bundle


def _transport(result: Result) -> Transport | None:
    return result.transport if isinstance(result, Service) else result.transport if isinstance(result, Job) else None


def _extent(bounds: Bounds, *, once: bool) -> dict[str, Any]:
    """Return how far tiles go, so that none is asked for where there is nothing.

    `once`: on a map of the whole Earth everything is drawn on one of its copies only.
    """
    west, south, east, north = bounds
    if east <= 180:
        return {"bounds": [[south, west], [north, east]], "no_wrap": once}
    # Leaflet's bounds know no date line.
    return {"bounds": [[south, -180.0], [north, 180.0]] if once else None, "no_wrap": once}
