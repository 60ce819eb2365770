"""A map as a picture, for notebooks that are read where no widgets are: made of the server's own tiles and legends."""

import base64
import io
import math
from collections.abc import Iterator, Sequence
from html import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import PREFIX
from geojobs_lab.widgets.coastlines import coastline_data
from geojobs_lab.widgets.layers import ResultLayer
from geojobs_lab.widgets.view import Bounds, fitted, mercator

_WIDTH, _HEIGHT = 640, 420  # pixels of the picture at most
_TILE = 256
_DEEPEST = 12  # zoom
_INK, _GROUND = "#333333", "#eef2f5"


def still_html(layers: Sequence[tuple[ResultLayer, str, float]], bounds: Bounds) -> str:
    """Return a picture of layers with their legends.

    Parameters
    ----------
    layers : sequence of (ResultLayer, date, opacity)
        From the bottom to the top; the date may be empty.
    bounds : Bounds
        What is shown.

    Raises
    ------
    ClientError
        The server does not give tiles or legends.
    """
    what = "; ".join(_words(layer, date) for layer, date, _ in layers)
    with TemporaryDirectory(prefix="geojobs-") as folder:
        picture = _image(_map(layers, bounds, Path(folder) / "tile.png"), f"Map: {what}", _WIDTH)
        legends = "".join(
            _image(layer.service.legend_picture(layer.variable["name"], renderer=layer.renderer, form="png"), "", 320)
            for layer, _, _ in reversed(layers)
        )
    return f'<div style="max-width: {_WIDTH}px">{picture}<div>{legends}</div>{note_html(what)}</div>'


def note_html(what: str) -> str:
    """Return the line that stands for a map where there is no picture."""
    return f"<p>{escape(what)}. The map can be moved where this cell is run in Jupyter.</p>"


def _words(layer: ResultLayer, date: str) -> str:
    unit = f" ({layer.unit})" if layer.unit else ""
    return f"{layer.title}{unit}{f', {date}' if date else ''}"


def _image(png: bytes, alt: str, width: int) -> str:
    data = base64.b64encode(png).decode()
    return f'<img src="data:image/png;base64,{data}" alt="{escape(alt)}" style="max-width: {width}px; width: 100%">'


def _fetch(transport: Transport, path: str, file: Path) -> bytes:
    transport.download(path, file, doing="drawing a map for the notebook")
    return file.read_bytes()


def _map(layers: Sequence[tuple[ResultLayer, str, float]], bounds: Bounds, file: Path) -> bytes:
    """Return the map as a PNG; x and y are shares of the world in Web Mercator, y upwards."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: half a second that only a display costs
    from matplotlib.collections import LineCollection
    from matplotlib.figure import Figure
    from matplotlib.image import imread

    west, south, east, north = fitted(bounds)
    left, right, bottom, top = west / 360, east / 360, mercator(south), mercator(north)
    zoom = math.floor(math.log2(min(_WIDTH / (right - left), _HEIGHT / (top - bottom)) / _TILE))
    zoom = max(0, min(_DEEPEST, zoom + 1))  # one deeper: crisp on dense screens, and never many tiles
    scale = min(_WIDTH / (right - left), _HEIGHT / (top - bottom))  # pixels, of the whole world
    size = ((right - left) * scale / 100, (top - bottom) * scale / 100)
    figure = Figure(figsize=size, dpi=100, facecolor=_GROUND)
    FigureCanvasAgg(figure)
    axes = figure.add_axes((0, 0, 1, 1))
    for layer, date, opacity in layers:
        template = layer.tile_url(date).partition(PREFIX)[2]
        for x, y, extent in _tiles(left, right, bottom, top, zoom):
            path = template.replace("{z}", str(zoom)).replace("{x}", str(x)).replace("{y}", str(y))
            tile = imread(io.BytesIO(_fetch(layer.service.transport, path, file)))
            axes.imshow(tile, extent=extent, aspect="auto", alpha=opacity, interpolation="nearest")
    for feature in coastline_data(bounds)["features"]:
        lines: list[Any] = [
            [(x / 360, mercator(max(-85.0, min(85.0, y)))) for x, y in line]
            for line in feature["geometry"]["coordinates"]
        ]
        width = 0.8 if feature["properties"]["kind"] == "coastlines" else 0.5
        axes.add_collection(LineCollection(lines, colors="white", linewidths=width + 1.4, alpha=0.6))  # on dark tiles
        axes.add_collection(LineCollection(lines, colors=_INK, linewidths=width))
    axes.set(xlim=(left, right), ylim=(bottom, top))
    axes.axis("off")
    picture = io.BytesIO()
    figure.savefig(picture, format="png", dpi=100, facecolor=_GROUND, metadata={"Software": None})
    return picture.getvalue()


def _tiles(
    left: float, right: float, bottom: float, top: float, zoom: int
) -> Iterator[tuple[int, int, tuple[float, float, float, float]]]:
    """Yield column, row and place (left, right, bottom, top) of the tiles that cover an area."""
    count = 2**zoom
    for row in range(math.floor((0.5 - top) * count), math.ceil((0.5 - bottom) * count)):
        for column in range(math.floor((left + 0.5) * count), math.ceil((right + 0.5) * count)):
            west, north = column / count - 0.5, 0.5 - row / count
            yield column % count, row, (west, west + 1 / count, north - 1 / count, north)
