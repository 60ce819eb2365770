"""Which cells of one grid make a cell of another, for any two grids on the Earth.

All of it goes by places: points in the new cells are looked up in the old grid. So it does not matter which way the
rows go, where the longitudes begin, and whether a pole is rotated.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.anygrid import AnyGrid, Floats
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.projections import same_crs

METHODS = ("nearest", "bilinear", "average", "mode")

_POINTS = 2_000_000  # looked up at a time; each costs some 50 bytes
_PROBES = 9  # cells along each side of a grid that stand for all
_DENSITY = 4  # points along a side of a new cell, at least, where a cell is made of several

Values = npt.NDArray[Any]
Indices = npt.NDArray[np.intp]


class Sample(Protocol):
    """How to make a block of the new grid.

    Attributes
    ----------
    rows, cols : slice
        The window of the old grid that it needs.
    """

    rows: slice
    cols: slice

    def values(self, window: Values) -> Values:
        """Return the block, (rows, columns); integers only where the window has them and none is missing."""


def blocks_of(source: AnyGrid, target: AnyGrid, method: str) -> Iterator[slice]:
    """Yield slices of the target's rows, each small enough to be made at once."""
    across, down = _points_in_a_cell(source, target, method)
    step = max(1, _POINTS // (target.shape[1] * across * down))
    for start in range(0, target.shape[0], step):
        yield slice(start, min(start + step, target.shape[0]))


def resampler(source: AnyGrid, target: AnyGrid, rows: slice, method: str) -> Sample:
    """Return how rows of `target` are made from `source`."""
    across, down = _points_in_a_cell(source, target, method)
    x, y = _on(source, target, *target.inner_points(rows, down, across))
    if method == "bilinear":
        return _Bilinear(source, x, y)
    return _Points(source, x, y, (down, across), method)


def _points_in_a_cell(source: AnyGrid, target: AnyGrid, method: str) -> tuple[int, int]:
    """Return how many points (along x, along y) are looked at in each cell of `target`."""
    if method in ("nearest", "bilinear"):
        return 1, 1
    if isinstance(source, Grid) and isinstance(target, Grid) and _separable(source, target):
        ratios = [new / old for new, old in zip(target.resolution, source.resolution, strict=True)]
    else:
        ratios = [_cells_across(source, target)] * 2
    return _dense(ratios[0]), _dense(ratios[1])


def _dense(ratio: float) -> int:
    # A multiple of a whole ratio, so that each old cell in a new one has the same number of points.
    cells = max(1, math.ceil(round(ratio, 3)))
    return cells * math.ceil(_DENSITY / cells)


def _cells_across(source: AnyGrid, target: AnyGrid) -> float:
    """Return how many cells of `source` lie side by side in one of `target`, at the most, going by some of them."""
    here, *there = (_looked_up(source, target, step) for step in ((0, 0), (1, 0), (0, 1)))
    most = 1.0
    for places in there:
        apart = np.abs(places - here)
        if source.wraps:
            apart[1] = np.minimum(apart[1], source.shape[1] - apart[1])
        cells = np.hypot(*apart)
        cells = cells[np.isfinite(cells)]
        most = max([most, *([float(np.percentile(cells, 90))] if cells.size else [])])
    return min(most, float(max(source.shape)))


def _looked_up(source: AnyGrid, target: AnyGrid, step: tuple[int, int]) -> Floats:
    """Return where cells all over `target`, or their neighbours a step further, are among those of `source`."""
    rows, cols = (
        np.unique(np.linspace(0, max(count - 2, 0), _PROBES).astype(int)) + by
        for count, by in zip(target.shape, step, strict=True)
    )
    rows, cols = np.minimum(rows, target.shape[0] - 1), np.minimum(cols, target.shape[1] - 1)
    x, y = _elsewhere(source, target, *target.centre(rows[:, None], cols[None, :]))
    return np.array(source.positions(x, y))


def _on(source: AnyGrid, target: AnyGrid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    """Return the points' x and y in the CRS of `source`.

    Of shapes (1, n) and (m, 1) where they do not depend on each other, else both (m, n).
    """
    if _separable(source, target):
        return x, y
    return _elsewhere(source, target, *np.broadcast_arrays(x, y))


def _elsewhere(source: AnyGrid, target: AnyGrid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    if source.is_geographic and target.is_geographic:
        return x, y
    return source.from_lonlat(*target.to_lonlat(x, y))


def _separable(source: AnyGrid, target: AnyGrid) -> bool:
    straight = source.separable and target.separable
    return straight and ((source.is_geographic and target.is_geographic) or same_crs(source.crs, target.crs))


def _window(indices: Indices, inside: npt.NDArray[np.bool_]) -> slice:
    """Return the slice that holds all the indices that are meant, at least one."""
    meant = indices[inside]
    return slice(int(meant.min()), int(meant.max()) + 1) if meant.size else slice(0, 1)


class _Points:
    """Each point takes the value of the cell that holds it; a new cell takes the mean or the most frequent of its."""

    def __init__(self, source: AnyGrid, x: Floats, y: Floats, per_cell: tuple[int, int], method: str) -> None:
        rows, cols = source.cells(x, y)
        self._per_cell = per_cell
        self._method = method
        self._inside = (rows >= 0) & (cols >= 0)
        self.rows, self.cols = _window(rows, rows >= 0), _window(cols, cols >= 0)
        self._rows = np.where(rows >= 0, rows - self.rows.start, 0)
        self._cols = np.where(cols >= 0, cols - self.cols.start, 0)

    def values(self, window: Values) -> Values:
        found: Values = window[self._rows, self._cols]
        if not self._inside.all():
            found = np.where(self._inside, found, found.dtype.type(np.nan) if found.dtype.kind == "f" else np.nan)
        if self._method == "nearest":
            return found
        down, across = self._per_cell
        ny, nx = found.shape[0] // down, found.shape[1] // across
        cells = found.reshape(ny, down, nx, across).swapaxes(1, 2).reshape(ny, nx, down * across)
        return _mean(cells) if self._method == "average" else _mode(cells)


def _mean(cells: Values) -> Values:
    """Return the means along the last axis, NaN left out."""
    there = ~np.isnan(cells)
    count = there.sum(axis=-1)
    total = np.where(there, cells, 0).sum(axis=-1, dtype=np.float64)
    means = np.divide(total, count, out=np.full(count.shape, np.nan), where=count > 0)
    result: Values = means
    return result.astype(cells.dtype) if cells.dtype.kind == "f" else result


def _mode(cells: Values) -> Values:
    """Return the most frequent values along the last axis, the least of equally frequent ones, NaN left out."""
    ordered = np.sort(cells, axis=-1)  # NaN last
    places = np.arange(ordered.shape[-1])
    begins = np.ones(ordered.shape, dtype=bool)
    begins[..., 1:] = ordered[..., 1:] != ordered[..., :-1]
    length = places - np.maximum.accumulate(np.where(begins, places, 0), axis=-1)
    if ordered.dtype.kind == "f":
        length = np.where(np.isnan(ordered), -1, length)
    best = length.argmax(axis=-1)[..., None]
    modes: Values = np.take_along_axis(ordered, best, axis=-1)[..., 0]
    return modes


@dataclass(frozen=True, slots=True)
class _Between:
    """Points along one axis: the cell before, the cell after (both within the window), the share of the latter."""

    before: Indices
    after: Indices
    share: Floats
    window: slice
    inside: npt.NDArray[np.bool_]


class _Bilinear:
    """Each point takes a weighted mean of the four cells around it."""

    def __init__(self, source: AnyGrid, x: Floats, y: Floats) -> None:
        down, along = source.centre_positions(x, y)
        self._x = _between(along, source.shape[1], wraps=source.wraps)
        self._y = _between(down, source.shape[0], wraps=False)
        rows, cols = source.cells(x, y)
        self.rows, self.cols = self._y.window, self._x.window
        self._inside = (rows >= 0) & (cols >= 0)
        self._rows = np.where(rows >= 0, rows - self.rows.start, 0)
        self._cols = np.where(cols >= 0, cols - self.cols.start, 0)

    def values(self, window: Values) -> Values:
        dtype = window.dtype if window.dtype.kind == "f" else np.dtype(np.float64)
        there = ~np.isnan(window)
        filled = np.where(there, window, 0).astype(np.float64)
        total: Any = 0.0
        weights: Any = 0.0
        for row, down in ((self._y.before, 1 - self._y.share), (self._y.after, self._y.share)):
            for col, along in ((self._x.before, 1 - self._x.share), (self._x.after, self._x.share)):
                weight = down * along * there[row, col]
                total = total + weight * filled[row, col]
                weights = weights + weight
        meant = self._inside & there[self._rows, self._cols]
        found: Values = np.divide(total, weights, out=np.full(meant.shape, np.nan), where=meant & (weights > 0))
        return found.astype(dtype)


def _between(positions: Floats, count: int, *, wraps: bool) -> _Between:
    """Place positions (in cells, 0 the first centre, NaN outside) between the centres of neighbours."""
    inside = ~np.isnan(positions)
    from_centre = np.where(inside, positions, 0.0)
    before = np.floor(from_centre).astype(np.intp)
    share: Floats = from_centre - before.astype(np.float64)
    after = before + 1
    if wraps:
        before, after = before % count, after % count
    else:
        before, after = np.clip(before, 0, count - 1), np.clip(after, 0, count - 1)
    both = np.concatenate([before[inside], after[inside]])
    window = _window(both, np.ones(both.shape, dtype=bool))
    return _Between(
        np.where(inside, before - window.start, 0),
        np.where(inside, after - window.start, 0),
        share,
        window,
        inside,
    )
