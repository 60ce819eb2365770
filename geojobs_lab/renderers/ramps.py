"""Colours between colours: in red, green and blue, in hue, saturation and value, and along matplotlib's colormaps."""

import colorsys
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.values import shown

if TYPE_CHECKING:
    from matplotlib.colors import Colormap

COLOR_SPACES = ("rgb", "hsv")
_FEW_COLORS = 32  # a listed colormap of no more has colours to be told apart, not a ramp
_SAMPLES = (17, 33, 65, 129, 255)  # of a colormap, as many as it needs
_CLOSE = 8  # of 255: what a channel may be off


def ramp(stops: Sequence[tuple[float, Color]], count: int, color_space: str = "rgb") -> NDArray[np.uint8]:
    """Return `count` colours at even steps of value, (count, 4): red, green, blue, alpha.

    Parameters
    ----------
    stops : sequence of (value, Color)
        Rising.
    color_space : {"rgb", "hsv"}
        What is interpolated. In hsv the hue goes straight from that of one stop to that of the next, through those
        between (red 0° to blue 240° by green); a grey, which has none, takes its neighbour's.
    """
    values = np.array([value for value, _ in stops])
    channels = np.array([(color.red, color.green, color.blue, color.alpha) for _, color in stops])
    steps = np.linspace(values[0], values[-1], count)
    colors = np.column_stack([np.interp(steps, values, channel) for channel in channels.T])
    if color_space == "hsv":
        colors[:, :3] = _through_hues(steps, values, channels[:, :3])
    return colors.round().astype(np.uint8)


def _through_hues(
    steps: NDArray[np.float64], values: NDArray[np.float64], channels: NDArray[np.int_]
) -> NDArray[np.float64]:
    """Return red, green and blue, (steps, 3), 0..255."""
    hues, saturations, brights = np.array([colorsys.rgb_to_hsv(*color) for color in (channels / 255).tolist()]).T
    # Each stretch between two stops has two hues of its own: a grey may lie between different neighbours.
    begins = np.where(saturations[:-1] == 0, hues[1:], hues[:-1])
    ends = np.where(saturations[1:] == 0, begins, hues[1:])
    between = np.interp(steps, np.repeat(values, 2)[1:-1], np.column_stack([begins, ends]).ravel())
    mixed = zip(between, np.interp(steps, values, saturations), np.interp(steps, values, brights), strict=True)
    return 255 * np.array([colorsys.hsv_to_rgb(*color) for color in mixed])


def colormap_stops(name: str) -> tuple[tuple[float, Color], ...]:
    """Return the stops, 0..1, of a ramp that looks like a colormap of matplotlib.

    One that lists a few colours to be told apart (``tab10``, ``Set1``) becomes as many even steps.

    Raises
    ------
    RendererNotValid
        Matplotlib has no colormap of that name.
    """
    if not isinstance(name, str):
        raise _no_colormap(name)
    return _stops(name)


@lru_cache(maxsize=256)  # every tile of a map may come with the name
def _stops(name: str) -> tuple[tuple[float, Color], ...]:
    from matplotlib.colors import ListedColormap

    found = _colormap(name)
    if isinstance(found, ListedColormap) and found.N <= _FEW_COLORS:
        edges = np.linspace(0, 1, found.N + 1).tolist()
        colors = colormap_colors(name, found.N)
        return tuple((edge, color) for at, color in enumerate(colors) for edge in edges[at : at + 2])
    wanted = found(np.linspace(0, 1, 255), bytes=True).astype(int)
    for count in _SAMPLES:
        places = np.linspace(0, 1, count)
        stops = [(float(place), Color(*rgba)) for place, rgba in zip(places, found(places, bytes=True), strict=True)]
        if np.abs(ramp(stops, 255) - wanted).max() <= _CLOSE:
            break
    return tuple(stops)


def colormap_colors(name: str, count: int) -> list[Color]:
    """Return colours from one end of a colormap of matplotlib to the other, or the first of one that lists a few.

    Raises
    ------
    RendererNotValid
        Matplotlib has no colormap of that name.
    """
    from matplotlib.colors import ListedColormap

    found = _colormap(name)
    listed = isinstance(found, ListedColormap) and count <= found.N <= _FEW_COLORS
    samples = found(np.arange(count) if listed else np.linspace(0, 1, count), bytes=True)
    return [Color(*sample) for sample in samples]


def _colormap(name: str) -> "Colormap":
    from matplotlib import colormaps  # in functions only, because server configurations import this package

    if not isinstance(name, str) or name not in colormaps:
        raise _no_colormap(name)
    return colormaps[name]


def _no_colormap(name: object) -> RendererNotValid:
    return RendererNotValid(f"renderer: matplotlib has no colormap {shown(name)}", value=name, option="colormap")
