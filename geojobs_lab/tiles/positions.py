"""Where the pixels of a picture lie among the cells of a grid.

On grids of longitude and latitude a row depends on the line of the picture alone and a column on its column alone: two
maps of one dimension. Elsewhere the exact way is gone for every sixteenth pixel along both sides, or every eighth, and
what lies between is interpolated. Where that would miss by more than a fraction of a pixel, at an edge of what can be
projected and at a seam, every pixel goes the exact way.
"""

from dataclasses import dataclass
from itertools import count

import numpy as np
from numpy.typing import ArrayLike

from geojobs_lab.rasters import AnyGrid, Grid
from geojobs_lab.rasters.projections import to_wgs84
from geojobs_lab.tiles.frames import Frame
from geojobs_lab.tiles.lastused import LastUsed
from geojobs_lab.tiles.lattice import (
    Flags,
    Floats,
    Lattice,
    any_of,
    extremes,
    is_separable,
    lattice,
    pixel_side,
    usual_step,
    wrong_squares,
)

_EDGE = 0.01  # of a cell: a centre that misses the grid by less is on it, so that rounding opens no seam
_SQUARES = (32, 16)  # pixels along the sides of the squares that are looked at, of 3 x 3 exact places each
_MOST_KEPT = 32 * 2**20  # bytes: what windows of a few maps show


@dataclass(frozen=True, slots=True)
class Positions:
    """Continuous places of pixels, in cells of the full resolution.

    Attributes
    ----------
    rows, cols : ndarray
        (lines,) and (columns,) of the picture where the grid is separable from it, else (lines, columns) both.
        They mean nothing where there is no cell.
    on_rows, on_cols : ndarray of bool or None
        Which of them have a cell; None where all have. Of places that are not separable both are one.
    cells : float
        How many cells a pixel has along its shorter side, typically.
    """

    rows: Floats
    cols: Floats
    on_rows: Flags | None
    on_cols: Flags | None
    cells: float

    @property
    def separable(self) -> bool:
        """Whether rows belong to lines and columns to columns."""
        return self.rows.ndim == 1

    @property
    def nbytes(self) -> int:
        """About how much memory it takes."""
        arrays = (self.rows, self.cols, self.on_rows, self.on_cols)
        return 1000 + sum(array.nbytes for array in arrays if array is not None)


_kept: LastUsed[Positions | None] = LastUsed(_MOST_KEPT)
_numbers = count()


class Placement:
    """What has to be known of a grid to place pixels on it: found out once, for all pictures.

    Parameters
    ----------
    grid : AnyGrid
    """

    def __init__(self, grid: AnyGrid) -> None:
        self.grid = grid
        self._number = next(_numbers)
        self.shape = grid.shape
        self.wraps = grid.wraps
        self._lonlat = grid.separable and grid.is_geographic
        self._regular = tuple(grid.transform)[:6] if isinstance(grid, Grid) else None
        self._straight = grid.separable
        # Single precision places a pixel within 1/256 of a cell of such a grid.
        self._dtype = np.dtype(np.float32 if max(grid.shape) <= 2**16 else np.float64)
        self._turning = grid.crs.is_geographic
        # Angles are cut opposite to the middle of the grid.
        self._cut = (grid.bounds[0] + grid.bounds[2]) / 2 - 180
        self._resolution = grid.resolution
        self._box = grid.lonlat_bounds
        self._transform = None if grid.is_geographic else to_wgs84(grid.crs).transform

    def positions(self, frame: Frame) -> Positions | None:
        """Return where the pixels of a frame lie, None where none has a cell; kept for the next step of time."""
        key = (self._number, frame.key)
        try:
            return _kept.get(key)
        except KeyError:
            found = self._find(frame)
            _kept.put(key, found, 500 if found is None else found.nbytes)
            return found

    def _find(self, frame: Frame) -> Positions | None:
        if self._lonlat and frame.is_cylindrical:
            lines, columns = (np.arange(size + 1) for size in frame.size)
            return self._separable(*frame.lonlat(lines, columns))
        return self._scattered(frame)

    # -- rows and columns by themselves

    def _separable(self, all_x: Floats, all_y: Floats) -> Positions | None:
        """Place columns by their x and lines by their y; there is one more of both, to tell their distance."""
        x, y = all_x[:-1], all_y[:-1]
        rows, cols = self.grid.positions(x, y)
        on_rows, on_cols = rows == rows, cols == cols  # NaN is what differs from itself
        if not (on_rows.all() and on_cols.all()):
            for nudge in (_EDGE, -_EDGE):
                dx, dy = self._resolution
                near_rows, near_cols = self.grid.positions(x + nudge * dx, y + nudge * dy)
                rows, cols = np.where(on_rows, rows, near_rows), np.where(on_cols, cols, near_cols)
                on_rows, on_cols = rows == rows, cols == cols
        if not (on_rows.any() and on_cols.any()):
            return None
        cells = min(usual_step(all_y, on_rows) / self._resolution[1], usual_step(all_x, on_cols) / self._resolution[0])
        return Positions(rows, cols, None if on_rows.all() else on_rows, None if on_cols.all() else on_cols, cells)

    # -- every pixel

    def _scattered(self, frame: Frame) -> Positions | None:
        for side in _SQUARES:
            down, across = (lattice(size, side) for size in frame.size)
            rows, cols, x, y = self._exact(frame, down.nodes[:, None], across.nodes[None, :])
            if self._straight and frame.is_cylindrical and is_separable(x, y):
                return self._cylindrical(frame)
            wrong = wrong_squares(rows, cols, down.gap, across.gap)
            if not wrong.any():
                break
        cells = pixel_side(rows, cols, down.gap, across.gap)
        rows_of, cols_of = (down.spread(places.astype(self._dtype), across) for places in (rows, cols))
        is_inside = self._regular is None or (_within(rows, self.shape[0]) and _within(cols, self.shape[1]))
        if wrong.any():
            is_inside = False
            due = wrong & self._near(frame, rows, cols, down, across)
            rows_of[wrong[np.ix_(down.square, across.square)]] = np.nan
            lines, columns = np.nonzero(due[np.ix_(down.square, across.square)])
            if lines.size:
                rows_of[lines, columns], cols_of[lines, columns], *_ = self._exact(frame, lines, columns)
        return self._found(rows_of, cols_of, cells, frame, is_inside=is_inside)

    def _exact(self, frame: Frame, lines: ArrayLike, columns: ArrayLike) -> tuple[Floats, Floats, Floats, Floats]:
        """Return rows, columns, x and y of pixels, whose lines and columns broadcast, all in one shape.

        On a regular grid rows and columns go on beyond its edges.
        """
        lon, lat = np.broadcast_arrays(*frame.lonlat(lines, columns))
        x, y = self._from_lonlat(lon, lat)
        if self._regular is None:
            return *self.grid.positions(x, y), x, y
        a, _, c, _, e, f = self._regular
        if self._turning:
            x = self._cut + (x - self._cut) % 360
        with np.errstate(invalid="ignore"):
            return (y - f) / e, (x - c) / a, x, y

    def _from_lonlat(self, lon: Floats, lat: Floats) -> tuple[Floats, Floats]:
        # As the grid does, without looking for the transformer by its CRS, which takes longer than its work.
        return (lon, lat) if self._transform is None else self._transform(lon, lat, direction="INVERSE")

    def _cylindrical(self, frame: Frame) -> Positions | None:
        """Place lines and columns on a grid whose projection keeps them straight: Mercator and the like."""
        height, width = frame.size
        lons, lats = frame.lonlat(np.arange(height + 1), np.arange(width + 1))
        x, _ = self._from_lonlat(lons, np.full(width + 1, lats[height // 2]))
        _, y = self._from_lonlat(np.full(height + 1, lons[width // 2]), lats)
        return self._separable(x, y)

    def _near(self, frame: Frame, rows: Floats, cols: Floats, down: "Lattice", across: "Lattice") -> Flags:
        """Tell which squares may hold cells."""
        low_row, high_row = extremes(rows)
        low_col, high_col = extremes(cols)
        ny, nx = self.shape
        with np.errstate(invalid="ignore"):
            high, wide = high_row - low_row, high_col - low_col  # once more as much round what is known
            near = (low_row - high <= ny) & (high_row + high >= 0) & (low_col - wide <= nx) & (high_col + wide >= 0)
        unknown = ~(np.isfinite(rows) & np.isfinite(cols))
        some = any_of(unknown) & ~any_of(~unknown)
        return np.where(some, self._in_box(frame, down, across), near | any_of(unknown))

    def _in_box(self, frame: Frame, down: "Lattice", across: "Lattice") -> Flags:
        """Tell which squares touch the box of longitudes and latitudes that holds the grid."""
        if not frame.is_cylindrical:
            return np.ones((down.squares, across.squares), dtype=bool)
        lons, lats = frame.lonlat(down.nodes, across.nodes)
        west, south, east, north = self._box
        dx, dy = abs(lons[-1] - lons[0]) / across.squares, abs(lats[0] - lats[-1]) / down.squares
        norths, souths = lats[:-1:2], lats[2::2]
        high = (souths - dy <= north) & (norths + dy >= south)
        # How far the western edge of a square lies east of the box's, and the other way round.
        after, before = (lons[:-1:2] - dx - west) % 360, (west - lons[:-1:2] + dx) % 360
        wide = (after <= east - west) | (before <= lons[2::2] - lons[:-1:2] + 2 * dx)
        return np.outer(high, wide)

    def _found(self, rows: Floats, cols: Floats, steps: float, frame: Frame, *, is_inside: bool) -> Positions | None:
        inside = None
        if not is_inside:
            ny, nx = self.shape
            with np.errstate(invalid="ignore"):
                inside = (rows >= -_EDGE) & (rows <= ny + _EDGE) & (cols >= -_EDGE) & (cols <= nx + _EDGE)
            if not inside.any():
                return None
            if inside.all():
                inside = None
        return Positions(rows, cols, inside, inside, steps if np.isfinite(steps) else self._guessed(frame))

    def _guessed(self, frame: Frame) -> float:
        """Return about how many cells a pixel has where no two exact places tell: the whole grid is a few pixels."""
        height, width = frame.size
        _, lat = frame.lonlat([height / 2, height / 2 + 1], [width / 2, width / 2])
        west, south, east, north = self._box
        cell = max((north - south) / self.shape[0], (east - west) / self.shape[1], 1e-9)
        found = abs(lat[1] - lat[0]) / cell
        return float(found) if np.isfinite(found) else 1.0


def _within(values: Floats, count: int) -> bool:
    return bool(values.min() >= 0 and values.max() <= count)
