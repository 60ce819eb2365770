"""The legend of a renderer as a picture."""

import io
import textwrap
from threading import Lock

import numpy as np

from geojobs_lab.renderers.base import Renderer

_WIDTH = 3.2  # inches; 100 CSS pixels each
_DPI = 200  # two device pixels a CSS pixel: crisp on dense screens
_INK = "#222222"
_drawing = Lock()  # matplotlib's fonts are shared and not safe in threads


def legend_png(renderer: Renderer, title: str | None = None, unit: str | None = None) -> bytes:
    """Draw a legend: title and unit above, the ramp, round values below.

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

    legend = renderer.legend(unit)
    heading = " ".join(filter(None, (title, f"({unit})" if unit and title else unit)))
    lines = textwrap.wrap(heading.replace("$", r"\$"), 40, max_lines=4, placeholder=" …")
    head = 0.08 + 0.17 * len(lines)
    height = head + 0.55  # inches
    low, high = legend["range"]
    with _drawing:
        figure = Figure(figsize=(_WIDTH, height), dpi=_DPI, facecolor="white")
        FigureCanvasAgg(figure)
        axes = figure.add_axes((0.07, 0.30 / height, 0.86, 0.18 / height))
        axes.imshow(_checked(renderer.palette()[1:]), aspect="auto", extent=(low, high, 0, 1), interpolation="nearest")
        axes.set_yticks([])
        labels = [entry["label"] for entry in legend["entries"]]
        axes.set_xticks([entry["value"] for entry in legend["entries"]], labels)
        size = 8 * min(1.0, 44 / sum(map(len, labels)))  # points; more characters would run into each other
        axes.tick_params(axis="x", labelsize=size, length=3, width=0.6, color=_INK, labelcolor=_INK, pad=2)
        axes.spines[:].set(linewidth=0.6, color=_INK)
        for line, text in enumerate(lines):
            figure.text(0.07, 1 - (0.2 + 0.17 * line) / height, text, size=9, color=_INK)
        picture = io.BytesIO()
        figure.savefig(picture, format="png", metadata={"Software": None})
    return picture.getvalue()


def _checked(
    ramp: np.ndarray[tuple[int, ...], np.dtype[np.uint8]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    """Return the ramp as a picture, (8, 255, 4), over a chequered ground where it is not opaque."""
    ground = np.full((8, len(ramp), 3), 255, dtype=float)
    across = np.arange(len(ramp)) // 4
    ground[(np.arange(8)[:, None] // 4 + across) % 2 == 1] = 204
    alpha = ramp[None, :, 3:] / 255
    picture = np.full((8, len(ramp), 4), 255, dtype=np.uint8)
    picture[..., :3] = np.rint(ramp[None, :, :3] * alpha + ground * (1 - alpha))
    return picture
