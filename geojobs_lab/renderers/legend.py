"""The legend of a renderer as a PNG."""

import io
import warnings
from threading import Lock

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.colors import Color
from geojobs_lab.renderers.base import Renderer, channels
from geojobs_lab.renderers.layout import WIDTH, Layout, Patch, legend_layout

_SCALE = 2  # device pixels a CSS pixel: crisp on dense screens, and steps of half a CSS pixel are whole
_INK = 0x22  # of a grey
_drawing = Lock()  # matplotlib's fonts are shared and not safe in threads


def legend_png(renderer: Renderer, title: str | None = None, unit: str | None = None) -> bytes:
    """Draw a legend: title and unit above, the ramp with round values below, or colours one by one with their labels.

    Colours are those of the tiles, pixel by pixel; what shows through is drawn over a chequered ground.

    Parameters
    ----------
    renderer : Renderer
    title : str, optional
        What is shown; long ones are broken into lines.
    unit : str, optional
        The unit of the values.

    Returns
    -------
    bytes
        A PNG, 640 pixels wide, meant to be shown 320 wide.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg  # here: only this function needs matplotlib
    from matplotlib.figure import Figure

    layout = legend_layout(renderer, title, unit)
    dpi = 100 * _SCALE  # 100 CSS pixels an inch
    with _drawing, warnings.catch_warnings():
        warnings.filterwarnings("ignore", "Glyph", UserWarning)  # not in the font: a box stands for it
        figure = Figure(figsize=(WIDTH / 100, layout.height / 100), dpi=dpi)
        FigureCanvasAgg(figure)
        figure.figimage(_painted(layout), origin="upper")
        for text in layout.texts:
            figure.text(
                text.x / WIDTH,
                1 - text.y / layout.height,
                text.words,
                size=text.size * 0.72,  # points
                color=(_INK / 255,) * 3,
                ha="center" if text.centred else "left",
                va="baseline",
                parse_math=False,
            )
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _painted(layout: Layout) -> NDArray[np.uint8]:
    """Return the picture without its texts, (height, width, 3) in device pixels."""
    picture = np.full((layout.height * _SCALE, WIDTH * _SCALE, 3), 255, dtype=np.uint8)
    for x, y, length in layout.ticks:
        left = round(x * _SCALE)
        picture[round(y * _SCALE) : round((y + length) * _SCALE), left : left + 1] = _INK
    for patch in layout.patches:
        row = _colors(patch)
        top, left = patch.y * _SCALE, round(patch.edges[0] * _SCALE)
        bottom, right = top + patch.height * _SCALE, left + len(row)
        picture[top - 1 : bottom + 1, left - 1 : right + 1] = _INK  # the frame
        picture[top:bottom, left:right] = _checked(row, bottom - top)
    return picture


def _colors(patch: Patch) -> NDArray[np.uint8]:
    """Return the colour of each column of device pixels, (columns, 4)."""
    widths = np.rint(np.diff(patch.edges) * _SCALE).astype(int)
    colors = np.array([channels(Color.from_hex(color)) for color in patch.colors], dtype=np.uint8)
    return np.repeat(colors, widths, axis=0)


def _checked(row: NDArray[np.uint8], height: int) -> NDArray[np.uint8]:
    """Return colours as a picture, (height, columns, 3), over a chequered ground where they are not opaque."""
    down, across = np.arange(height)[:, None] // 8, np.arange(len(row)) // 8
    ground = np.where((down + across) % 2 == 1, 204, 255)[..., None]
    alpha = row[:, 3:] / 255
    return np.rint(row[:, :3] * alpha + ground * (1 - alpha)).astype(np.uint8)
