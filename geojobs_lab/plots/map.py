"""A map of one raster, laid out for print: title, coastlines, graticule, colour bar or the colours one by one."""

import math
from io import BytesIO
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.collections import LineCollection
from matplotlib.figure import Figure
from matplotlib.text import Text
from numpy.typing import NDArray

from geojobs_lab.errors import RasterError
from geojobs_lab.plots.coastlines import Line, borders, coastlines
from geojobs_lab.plots.geography import crossings, graticule, map_lines
from geojobs_lab.plots.scale import Scale, class_scale, ramp_scale
from geojobs_lab.plots.swatches import Swatches
from geojobs_lab.rasters import AnyGrid, Grid
from geojobs_lab.rasters.placing import Place, place_array
from geojobs_lab.renderers import Renderer
from geojobs_lab.renderers.levels import spaced

_INK, _SOFT_INK, _MISSING = "#1a1a1a", "#444444", "#dcdcdc"
# The room round the map, in inches.
_LEFT, _RIGHT = 0.62, 0.30
_GRATICULE = 0.45  # below the map: its labels
_TITLE, _SUBTITLE, _TOP, _GAP = 0.34, 0.22, 0.14, 0.09
_NARROWEST = 4.0  # of the colour bar and of the titles
_BETWEEN = (1.5, 1.0)  # meridians, parallels: room for their labels
_CHARACTER = 0.085  # of a label
_BAR, _BAR_BELOW = 0.67, 0.50  # of the colour bar with its labels, and of these
_SCREEN = 110  # pixels an inch of a figure in a notebook
_FINE = 1600  # cells along the longer side of a map of cells that are not square
_SEAM = 0.7  # points beside a coastline or border
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

    A latitude/longitude raster, and one on a curvilinear grid, is drawn in plate carrée with the proportions of its
    middle latitude, any other in its own projection. Cells without a colour, such as missing ones, are grey.

    Parameters
    ----------
    data : xarray.DataArray
        Two-dimensional, with a place on the Earth.
    renderer : Renderer, optional
        Its colours, as on map tiles: with a ramp below them, or one by one where it has classes or single values.
        Without it, classes with round limits.
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
    grid, values = _north_up(data, place)
    title = _name(data) if title is None else title
    label = str(data.attrs.get("units", "")) if label is None else label
    picture, scale, swatches = _colored(values, renderer, cmap, vmin, vmax, label)

    above = _TOP + _TITLE * bool(title) + _SUBTITLE * bool(subtitle)
    figure, axes = _layout(grid, figsize, above, scale, swatches, label)
    xmin, ymin, xmax, ymax = grid.bounds
    # The layout has given the axes their proportions.
    axes.imshow(picture, extent=(xmin, xmax, ymin, ymax), interpolation="nearest", aspect="auto")
    _draw_graticule(axes, grid)
    _draw_line(axes, map_lines(borders(), grid), 0.5, 0.75)
    _draw_line(axes, map_lines(coastlines(), grid), 0.8, 1.0)
    axes.set(xlim=(xmin, xmax), ylim=(ymin, ymax), facecolor=_MISSING)
    _draw_titles(figure, axes, title, subtitle or "")
    return figure


class _Picture(Figure):
    """A figure that a notebook shows by itself: one that pyplot does not know has no picture there otherwise."""

    def _repr_png_(self) -> bytes:
        buffer = BytesIO()
        self.savefig(buffer, format="png", dpi=_SCREEN)
        return buffer.getvalue()


def _north_up(data: xr.DataArray, place: Place) -> tuple[Grid, NDArray[Any]]:
    """Return the grid of the map and its values, (ny, nx), the northern row first and the western column first.

    Cells of a regular grid are those of the map; others are drawn into one that is as fine as print.
    """
    grid = place.grid
    values = np.asarray(data.transpose(place.y, place.x))
    if isinstance(grid, Grid):
        return grid, values[:: 1 if grid.north_first else -1, :: 1 if grid.west_first else -1]
    fine = _print_grid(grid)
    x, y = fine.xs, fine.ys
    rows, cols = grid.cells(*((x, y) if grid.separable else np.meshgrid(x, y)))
    if grid.separable:
        rows, cols = np.broadcast_arrays(rows[:, None], cols[None, :])
    inside = (rows >= 0) & (cols >= 0)
    drawn = values[np.where(inside, rows, 0), np.where(inside, cols, 0)]
    return fine, drawn if inside.all() else np.where(inside, drawn, np.nan)


def _print_grid(grid: AnyGrid) -> Grid:
    """Return the regular grid over the bounds of another one, north up."""
    xmin, ymin, xmax, ymax = grid.bounds
    width, height = xmax - xmin, ymax - ymin
    step = max(width, height) / _FINE
    nx, ny = max(1, round(width / step)), max(1, round(height / step))
    return Grid(grid.crs, Affine(width / nx, 0, xmin, 0, -height / ny, ymax), (ny, nx))


def _colored(
    values: NDArray[Any],
    renderer: Renderer | None,
    cmap: str | None,
    vmin: float | None,
    vmax: float | None,
    unit: str,
) -> tuple[NDArray[Any], Scale | None, Swatches]:
    """Return values as colours, (ny, nx, 4), the scale where there is one, and what is shown one by one."""
    if renderer is None:
        scale = class_scale(values, cmap, vmin, vmax)
        return scale.mappable.to_rgba(np.ma.masked_invalid(values)), scale, Swatches(())
    picture, legend = renderer.palette()[renderer.indices(values)], renderer.legend()
    if "colors" in legend:
        return picture, ramp_scale(legend), Swatches.of(legend["others"])
    return picture, None, Swatches.of([*legend["entries"], *legend["others"]], unit)


def _name(data: xr.DataArray) -> str:
    name = data.attrs.get("long_name") or data.attrs.get("standard_name") or data.name or ""
    words = str(name).replace("_", " ")
    return words[:1].upper() + words[1:]


def _layout(
    grid: Grid, figsize: tuple[float, float], above: float, scale: Scale | None, swatches: Swatches, label: str
) -> tuple[Figure, Axes]:
    """Return a figure with the axes of the map, in its true proportions, and with what explains its colours below.

    `above` is the room for the titles, in inches.
    """
    xmin, ymin, xmax, ymax = grid.bounds
    width, height = xmax - xmin, ymax - ymin
    if grid.is_geographic:
        width *= math.cos(math.radians(min(abs(ymin + ymax) / 2, _STEEPEST)))
    widest = figsize[0] - _LEFT - _RIGHT
    bar = _BAR * (scale is not None)
    highest = figsize[1] - above - _GRATICULE - bar - swatches.height(widest)
    shrink = min(widest / width, max(highest, 0.6 * figsize[1]) / height)  # long lists make the figure higher
    wide, high = width * shrink, height * shrink
    room = max(wide, _NARROWEST)
    listed = swatches.height(room)
    bottom = _GRATICULE + bar + listed
    total = (_LEFT + room + _RIGHT, bottom + high + above)
    figure = _Picture(figsize=total, dpi=150, facecolor="white")

    def place(left: float, bottom: float, width: float, height: float) -> Axes:
        return figure.add_axes((left / total[0], bottom / total[1], width / total[0], height / total[1]))

    axes = place(_LEFT + (room - wide) / 2, bottom, wide, high)
    if scale is not None:
        span = max(0.8 * wide, _NARROWEST)
        axis = place(_LEFT + (room - span) / 2, listed + _BAR_BELOW, span, _BAR - _BAR_BELOW)
        _draw_bar(figure, axis, scale, label)
    if listed:
        swatches.draw(place(_LEFT, 0, room, listed), room)
    return figure, axes


def _draw_line(axes: Axes, lines: list[Line], width: float, alpha: float) -> None:
    """Draw lines that can be seen on any colour: dark, in a light seam."""
    seam = width + 2 * _SEAM
    axes.add_collection(LineCollection(lines, colors="white", linewidths=seam, alpha=0.6 * alpha, capstyle="round"))
    axes.add_collection(LineCollection(lines, colors=_INK, linewidths=width, alpha=alpha))


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


def _draw_bar(figure: Figure, axes: Axes, scale: Scale, label: str) -> None:
    bar = figure.colorbar(scale.mappable, cax=axes, orientation="horizontal", extend=scale.extend, extendfrac=0.04)
    wide = (max(map(len, scale.labels), default=0) + 1.5) * _CHARACTER
    length = axes.get_window_extent().width / figure.dpi
    kept = spaced([length * place for place in scale.places], wide)
    bar.set_ticks([scale.ticks[at] for at in kept], labels=[scale.labels[at] for at in kept])
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
