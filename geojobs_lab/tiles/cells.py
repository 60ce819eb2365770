"""Which cells of a grid the pixels of a tile fall into, in windows that can be read one after another."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.rasters import Grid

T = TypeVar("T", bound=np.generic)
Floats = NDArray[np.float64]
Cells = NDArray[np.intp]
"""Rows or columns of a grid; -1 for pixels that have none."""

_EDGE = 0.01  # of a cell: a centre that misses the grid by less is on it, so that rounding opens no seam
_MOST_CELLS = 4_000_000  # in a window (32 MB of float64), unless one line of pixels needs more


@dataclass(frozen=True, slots=True)
class Window:
    """A part of the grid to read, and the pixels that it fills.

    Attributes
    ----------
    rows, cols : slice
        Of the grid, as stored.
    pixels : tuple of slice
        Lines and columns of the tile.
    row_of, col_of : array
        The cell of each pixel, counted in the window; shapes that broadcast to that of `pixels`.
    inside : array or None
        Which pixels have a cell at all; None means all.
    """

    rows: slice
    cols: slice
    pixels: tuple[slice, slice]
    row_of: Cells
    col_of: Cells
    inside: NDArray[np.bool_] | None = None

    def pick(self, cells: NDArray[T]) -> NDArray[T]:
        """Return what each pixel takes of the window's cells, in the shape of `pixels`."""
        if self.row_of.shape[1] == 1 == self.col_of.shape[0]:  # four times faster one after the other
            return cells.take(self.row_of.ravel(), axis=0).take(self.col_of.ravel(), axis=1)
        return cells[self.row_of, self.col_of]


def windows(grid: Grid, lons: Floats, lats: Floats) -> Iterator[Window]:
    """Yield windows of a grid for the pixels of a picture; pixels in none have no cell.

    Parameters
    ----------
    grid : Grid
    lons : array, (columns,)
        Degrees, of the centres of the picture's columns; rising.
    lats : array, (lines,)
        Degrees, of the centres of the picture's lines; falling.
    """
    yield from (_separable if grid.is_geographic else _pointwise)(grid, lons, lats)


def _separable(grid: Grid, lons: Floats, lats: Floats) -> Iterator[Window]:
    """Rows depend on latitude alone and columns on longitude alone."""
    rows = _cells(lats, grid.transform.f, grid.transform.e, grid.shape[0])
    cols = _cells(_turned(lons, grid), grid.transform.c, grid.transform.a, grid.shape[1])
    for across in _runs(cols, falling=grid.transform.a < 0):
        for down in _runs(rows, falling=grid.transform.e > 0):
            wide = _span(cols[across])
            for lines in _bands(down, _length(wide) * _length(_span(rows[down]))):
                high = _span(rows[lines])
                row_of, col_of = rows[lines, None] - high.start, cols[None, across] - wide.start
                yield Window(high, wide, (lines, across), row_of, col_of)


def _pointwise(grid: Grid, lons: Floats, lats: Floats) -> Iterator[Window]:
    """Every pixel has its own place in the projection."""
    x, y = grid.from_lonlat(*np.meshgrid(lons, lats))
    if grid.crs.is_geographic:  # a rotated pole: its longitudes go round as well
        x = _turned(x, grid)
    rows = _cells(y, grid.transform.f, grid.transform.e, grid.shape[0])
    cols = _cells(x, grid.transform.c, grid.transform.a, grid.shape[1])
    inside = (rows >= 0) & (cols >= 0)
    if not inside.any():
        return
    cells = _length(_span(rows[inside])) * _length(_span(cols[inside]))
    for lines in _bands(slice(0, len(lats)), cells):
        here = inside[lines]
        if here.any():
            high, wide = _span(rows[lines][here]), _span(cols[lines][here])
            row_of = np.where(here, rows[lines] - high.start, 0)
            col_of = np.where(here, cols[lines] - wide.start, 0)
            yield Window(high, wide, (lines, slice(0, len(lons))), row_of, col_of, here)


def _turned(lons: Floats, grid: Grid) -> Floats:
    """Return longitudes turned by whole circles to lie east of the grid's western edge."""
    west = grid.bounds[0]
    return west + (lons - west) % 360


def _cells(places: Floats, edge: float, step: float, count: int) -> Cells:
    """Return the cells along one axis that hold places; `edge` is the outer one of the first cell."""
    positions = (places - edge) / step
    inside = (positions > -_EDGE) & (positions < count + _EDGE)
    positions[~inside] = 0
    cells = np.clip(np.floor(positions), 0, count - 1).astype(np.intp)
    cells[~inside] = -1
    return cells


def _runs(cells: Cells, *, falling: bool) -> Iterator[slice]:
    """Yield the runs of pixels that have cells and whose cells go one way: a seam in the grid ends a run."""
    turn = np.diff(cells) * (-1 if falling else 1) < 0
    gap = np.diff(cells < 0)
    edges = [0, *(np.flatnonzero(turn | gap) + 1).tolist(), len(cells)]
    for start, stop in pairwise(edges):
        if cells[start] >= 0:
            yield slice(start, stop)


def _bands(lines: slice, cells: int) -> Iterator[slice]:
    """Divide lines of pixels so that a band of them needs no more than `_MOST_CELLS` of `cells`, or is one line."""
    count = min(math.ceil(cells / _MOST_CELLS), _length(lines))
    edges = np.linspace(lines.start, lines.stop, count + 1).astype(int).tolist()
    for start, stop in pairwise(edges):
        yield slice(start, stop)


def _span(cells: Cells) -> slice:
    return slice(int(cells.min()), int(cells.max()) + 1)


def _length(part: slice) -> int:
    return int(part.stop - part.start)
