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

from geojobs_lab.rasters.anygrid import Floats
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.projections import same_crs

METHODS = ("nearest", "bilinear", "average", "mode")

_POINTS = 2_000_000  # looked up at a time; each costs some 50 bytes
_WHOLE_TURN = 360.0  # degrees
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


def blocks_of(source: Grid, target: Grid, method: str) -> Iterator[slice]:
    """Yield slices of the target's rows, each small enough to be made at once."""
    across, down = _points_in_a_cell(source, target, method)
    step = max(1, _POINTS // (target.shape[1] * across * down))
    for start in range(0, target.shape[0], step):
        yield slice(start, min(start + step, target.shape[0]))


def resampler(source: Grid, target: Grid, rows: slice, method: str) -> Sample:
    """Return how rows of `target` are made from `source`."""
    across, down = _points_in_a_cell(source, target, method)
    a, _, c, _, e, f = tuple(target.transform)[:6]
    count = rows.stop - rows.start
    ys = f + e * (rows.start + (np.arange(count * down) + 0.5) / down)
    xs = c + a * (np.arange(target.shape[1] * across) + 0.5) / across
    x, y = _on(source, target, xs, ys)
    if method == "bilinear":
        return _Bilinear(source, x, y)
    return _Points(source, x, y, (down, across), method)


def _points_in_a_cell(source: Grid, target: Grid, method: str) -> tuple[int, int]:
    """Return how many points (along x, along y) are looked at in each cell of `target`."""
    if method in ("nearest", "bilinear"):
        return 1, 1
    if _separable(source, target):
        ratios = [new / old for new, old in zip(target.resolution, source.resolution, strict=True)]
    else:
        ratios = [_cells_across(source, target)] * 2
    return _dense(ratios[0]), _dense(ratios[1])


def _dense(ratio: float) -> int:
    # A multiple of a whole ratio, so that each old cell in a new one has the same number of points.
    cells = max(1, math.ceil(round(ratio, 3)))
    return cells * math.ceil(_DENSITY / cells)


def _cells_across(source: Grid, target: Grid) -> float:
    """Return how many cells of `source` lie side by side in one of `target`, at the most, going by their middles."""
    xs, ys = np.linspace(*target.bounds[0::2], 9), np.linspace(*target.bounds[1::2], 9)
    dx, dy = target.resolution
    x, y = np.meshgrid(xs, ys)
    most = 1.0
    with np.errstate(invalid="ignore"):
        here = np.array(_elsewhere(source, target, x, y))
        for step_x, step_y in ((dx, 0.0), (0.0, dy)):
            there = np.array(_elsewhere(source, target, x + step_x, y + step_y))
            apart = np.abs(there - here)
            if source.crs.is_geographic:
                apart[0] = np.minimum(apart[0], _WHOLE_TURN - apart[0])
            cells = np.hypot(apart[0] / source.resolution[0], apart[1] / source.resolution[1])
            cells = cells[np.isfinite(cells)]
            most = max([most, *([float(np.percentile(cells, 90))] if cells.size else [])])
    return min(most, float(max(source.shape)))


def _on(source: Grid, target: Grid, xs: Floats, ys: Floats) -> tuple[Floats, Floats]:
    """Return the points' x and y in the CRS of `source`.

    Of shapes (1, n) and (m, 1) where they do not depend on each other, else both (m, n).
    """
    if _separable(source, target):
        return xs[None, :], ys[:, None]
    return _elsewhere(source, target, *np.meshgrid(xs, ys))


def _elsewhere(source: Grid, target: Grid, x: Floats, y: Floats) -> tuple[Floats, Floats]:
    return source.from_lonlat(*target.to_lonlat(x, y))


def _separable(source: Grid, target: Grid) -> bool:
    return (source.is_geographic and target.is_geographic) or same_crs(source.crs, target.crs)


def _window(indices: Indices, inside: npt.NDArray[np.bool_]) -> slice:
    """Return the slice that holds all the indices that are meant, at least one."""
    meant = indices[inside]
    return slice(int(meant.min()), int(meant.max()) + 1) if meant.size else slice(0, 1)


class _Points:
    """Each point takes the value of the cell that holds it; a new cell takes the mean or the most frequent of its."""

    def __init__(self, source: Grid, x: Floats, y: Floats, per_cell: tuple[int, int], method: str) -> None:
        with np.errstate(invalid="ignore"):  # points off the Earth
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

    def __init__(self, source: Grid, x: Floats, y: Floats) -> None:
        turns = source.crs.is_geographic
        a, _, c, _, e, f = tuple(source.transform)[:6]
        with np.errstate(invalid="ignore"):  # points off the Earth
            across = source.bounds[0] + (x - source.bounds[0]) % _WHOLE_TURN if turns else x
            round_and_round = turns and abs(abs(a) * source.shape[1] - _WHOLE_TURN) < abs(a) * 1e-3
            self._x = _between((across - c) / a, source.shape[1], wraps=round_and_round)
            self._y = _between((y - f) / e, source.shape[0], wraps=False)
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
    """Place positions (in cells, 0 the outer edge of the first) between the centres of neighbours."""
    inside = (positions >= 0) & (positions <= count)
    from_centre = np.where(inside, positions, 0.5) - 0.5
    before = np.floor(from_centre).astype(np.intp)
    share = from_centre - before
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
