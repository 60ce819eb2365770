"""A map of one raster, laid out for print: title, coastlines, graticule, colour bar."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from geojobs_lab.errors import RasterError
from geojobs_lab.plots.coastlines import borders, coastlines
from geojobs_lab.plots.geography import crossings, graticule, map_lines
from geojobs_lab.plots.scale import Scale, class_scale, renderer_scale
from geojobs_lab.rasters import Grid
from geojobs_lab.rasters.placing import Place, place_array
from geojobs_lab.renderers import Renderer

_INK, _SOFT_INK, _MISSING = "#1a1a1a", "#444444", "#dcdcdc"
# The room round the map, in inches.
_LEFT, _RIGHT, _BOTTOM = 0.62, 0.30, 1.12
_TITLE, _SUBTITLE, _TOP, _GAP = 0.34, 0.22, 0.14, 0.09
_NARROWEST = 4.0  # of the colour bar and of the titles
_BETWEEN = (1.5, 1.0)  # meridians, parallels: room for their labels
_CHARACTER = 0.085  # of a label
_BAR_HEIGHT, _BAR_BELOW = 0.17, 0.50
_SCREEN = 110  # pixels an inch of a figure in a notebook
_STEEPEST = 75.0  # degrees; the latitude whose proportions a plate carrée map nearer the pole takes


def map_figure(
    data: xr.DataArray,
    *,
    renderer: Renderer | None = None,
    cmap: str | None = None,
    vmin: float | None = None,
    vmax: float | None = None,
    title: str | None = None,
    subtitle: str | None = None,
    label: str | None = None,
    figsize: tuple[float, float] = (9.0, 6.0),
) -> Figure:
    """Draw a raster as a map.

    A latitude/longitude raster is drawn in plate carrée with the proportions of its middle latitude, any other in
    its own projection. Cells without data are grey.

    Parameters
    ----------
    data : xarray.DataArray
        Two-dimensional, with a place on the Earth.
    renderer : Renderer, optional
        Its colours; without it, classes with round limits.
    cmap : str, optional
        The colormap of matplotlib for the classes; chosen by the sign of the values when not given.
    vmin, vmax : float, optional
        The range of the classes, widened to round numbers; that of the values when not given.
    title, subtitle : str, optional
        The title is the raster's long name, standard name or name when not given.
    label : str, optional
        The text below the colour bar; the unit when not given.
    figsize : tuple of float
        The most width and height, in inches; the figure is as large as the map's proportions let it be.

    Returns
    -------
    matplotlib.figure.Figure
        To be saved with `savefig`; not registered with pyplot.

    Raises
    ------
    RasterError
        The raster is not two-dimensional, or has no place.
    """
    if data.ndim != 2:
        raise RasterError(f"a map needs a raster of two dimensions, not {dict(data.sizes)}: select one step first")
    place = place_array(data)
    grid, values = place.grid, _north_up(data, place)
    scale = renderer_scale(renderer) if renderer is not None else class_scale(values, cmap, vmin, vmax)
    title = _name(data) if title is None else title
    label = str(data.attrs.get("units", "")) if label is None else label

    figure, axes, bar = _layout(grid, figsize, _TOP + _TITLE * bool(title) + _SUBTITLE * bool(subtitle))
    xmin, ymin, xmax, ymax = grid.bounds
    image = axes.imshow(
        values,
        extent=(xmin, xmax, ymin, ymax),
        cmap=scale.cmap,
        norm=scale.norm,
        interpolation="nearest",
        aspect="auto",  # the layout has given the axes their proportions
    )
    _draw_graticule(axes, grid)
    axes.add_collection(LineCollection(map_lines(borders(), grid), colors=_INK, linewidths=0.5, alpha=0.75))
    axes.add_collection(LineCollection(map_lines(coastlines(), grid), colors=_INK, linewidths=0.8))
    axes.set(xlim=(xmin, xmax), ylim=(ymin, ymax), facecolor=_MISSING)
    _draw_bar(figure, bar, image, scale, label)
    _draw_titles(figure, axes, title, subtitle or "")
    return figure


class _Picture(Figure):
    """A figure that a notebook shows by itself: one that pyplot does not know has no picture there otherwise."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=_SCREEN)
        return buffer.getvalue()


def _north_up(data: xr.DataArray, place: Place) -> NDArray[np.floating]:
    """Return the values, (ny, nx), the northern row first and the western column first, NaN where missing."""
    values = np.asarray(data.transpose(place.y, place.x), dtype=float)
    transform = place.grid.transform
    return values[:: 1 if transform.e < 0 else -1, :: 1 if transform.a > 0 else -1]


def _name(data: xr.DataArray) -> str:
    name = data.attrs.get("long_name") or data.attrs.get("standard_name") or data.name or ""
    words = str(name).replace("_", " ")
    return words[:1].upper() + words[1:]


def _layout(grid: Grid, figsize: tuple[float, float], above: float) -> tuple[Figure, Axes, Axes]:
    """Return a figure with the axes of the map, in its true proportions, and those of the colour bar.

    `above` is the room for the titles, in inches.
    """
    xmin, ymin, xmax, ymax = grid.bounds
    width, height = xmax - xmin, ymax - ymin
    if grid.is_geographic:
        width *= math.cos(math.radians(min(abs(ymin + ymax) / 2, _STEEPEST)))
    scale = min((figsize[0] - _LEFT - _RIGHT) / width, (figsize[1] - above - _BOTTOM) / height)
    wide, high = width * scale, height * scale
    room = max(wide, _NARROWEST)
    total = np.array([_LEFT + room + _RIGHT, _BOTTOM + high + above])
    figure = _Picture(figsize=tuple(total), dpi=150, facecolor="white")
    left = _LEFT + (room - wide) / 2
    axes = figure.add_axes((left / total[0], _BOTTOM / total[1], wide / total[0], high / total[1]))
    span = max(0.8 * wide, _NARROWEST)
    left += (wide - span) / 2
    bar = figure.add_axes((left / total[0], _BAR_BELOW / total[1], span / total[0], _BAR_HEIGHT / total[1]))
    return figure, axes, bar


def _draw_graticule(axes: Axes, grid: Grid) -> None:
    xmin, ymin, _, _ = grid.bounds
    extent = axes.get_window_extent()
    inches = np.array([extent.width, extent.height]) / axes.figure.dpi
    meridians, parallels = graticule(grid, about=tuple(inches / _BETWEEN))
    parts = [part for line in meridians + parallels for part in line.parts]
    axes.add_collection(LineCollection(parts, colors=_INK, linewidths=0.4, alpha=0.35, linestyles=(0, (4, 3))))
    bottom = [(x, line.label) for line in meridians for x in crossings(line, 1, ymin)]
    left = [(y, line.label) for line in parallels for y in crossings(line, 0, xmin)]
    axes.set_xticks([x for x, _ in bottom], [label for _, label in bottom])
    axes.set_yticks([y for y, _ in left], [label for _, label in left])
    axes.tick_params(labelsize=9, length=3.5, width=0.7, color=_INK, labelcolor=_INK)
    axes.spines[:].set(linewidth=0.8, color=_INK)


def _draw_bar(figure: Figure, axes: Axes, image: Any, scale: Scale, label: str) -> None:
    bar = figure.colorbar(image, cax=axes, orientation="horizontal", extend=scale.extend, extendfrac=0.04)
    wide = sum(len(text) + 1.5 for text in scale.labels) * _CHARACTER
    every = math.ceil(wide / (axes.get_window_extent().width / figure.dpi))
    bar.set_ticks(scale.ticks[::every], labels=scale.labels[::every])
    bar.ax.tick_params(labelsize=9, length=3, width=0.7, color=_INK, labelcolor=_INK)
    bar.ax.minorticks_off()
    bar.outline.set(linewidth=0.7, edgecolor=_INK)
    bar.set_label(label, size=10, color=_INK, labelpad=3)


def _draw_titles(figure: Figure, axes: Axes, title: str, subtitle: str) -> None:
    place = axes.get_position()
    width, height = figure.get_size_inches()
    left = min(place.x0, _LEFT / width)
    above = place.y1 + _GAP / height
    if subtitle:
        line = figure.text(left, above, subtitle, size=10, color=_SOFT_INK, va="baseline", parse_math=False)
        _fitted(line, figure)
        above += _SUBTITLE / height
    if title:
        line = figure.text(left, above, title, size=14, color=_INK, weight="bold", va="baseline", parse_math=False)
        _fitted(line, figure)


def _fitted(text: Text, figure: Figure) -> None:
    """Make a text small enough to end within the figure."""
    agg = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]  # matplotlib leaves it untyped
    extent = text.get_window_extent(agg)
    room = 0.985 * figure.bbox.width - extent.x0
    text.set_fontsize(min(1.0, room / extent.width) * text.get_fontsize())
