"""Where the pixels of a picture lie among the cells of a grid.

On grids of longitude and latitude a row depends on the line of the picture alone and a column on its column alone: two
maps of one dimension. Elsewhere the exact way is gone for every sixteenth pixel along both sides, or every eighth, and
what lies between is interpolated. Where that would miss by more than a fraction of a pixel, at an edge of what can be
projected and at a seam, every pixel goes the exact way.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.rasters import AnyGrid, Grid
from geojobs_lab.rasters.projections import to_wgs84
from geojobs_lab.tiles.frames import Frame

Floats = NDArray[Any]
"""Single precision where that is enough."""
Flags = NDArray[np.bool_]

_EDGE = 0.01  # of a cell: a centre that misses the grid by less is on it, so that rounding opens no seam
_SQUARES = (32, 16)  # pixels along the sides of the squares that are looked at, of 3 x 3 exact places each
_ALLOWED = 0.5  # pixels that a square's middles may miss; with the middles as places the error is a quarter of that
_SAME = 1e-6  # of a cell: what rounding misses


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


class Placement:
    """What has to be known of a grid to place pixels on it: found out once, for all pictures.

    Parameters
    ----------
    grid : AnyGrid
    """

    def __init__(self, grid: AnyGrid) -> None:
        self.grid = grid
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
        """Return where the pixels of a frame lie, None where none has a cell."""
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
        cells = min(_step(all_y, on_rows) / self._resolution[1], _step(all_x, on_cols) / self._resolution[0])
        return Positions(rows, cols, None if on_rows.all() else on_rows, None if on_cols.all() else on_cols, cells)

    # -- every pixel

    def _scattered(self, frame: Frame) -> Positions | None:
        for side in _SQUARES:
            down, across = (_lattice(size, side) for size in frame.size)
            rows, cols, x, y = self._exact(frame, down.nodes[:, None], across.nodes[None, :])
            if self._straight and frame.is_cylindrical and _is_separable(x, y):
                return self._cylindrical(frame)
            wrong = _wrong(rows, cols, down.gap, across.gap)
            if not wrong.any():
                break
        cells = _steps(rows, cols, down.gap, across.gap)
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

    def _near(self, frame: Frame, rows: Floats, cols: Floats, down: "_Lattice", across: "_Lattice") -> Flags:
        """Tell which squares may hold cells."""
        low_row, high_row = _extremes(rows)
        low_col, high_col = _extremes(cols)
        ny, nx = self.shape
        with np.errstate(invalid="ignore"):
            high, wide = high_row - low_row, high_col - low_col  # once more as much round what is known
            near = (low_row - high <= ny) & (high_row + high >= 0) & (low_col - wide <= nx) & (high_col + wide >= 0)
        unknown = ~(np.isfinite(rows) & np.isfinite(cols))
        some = _any_of(unknown) & ~_any_of(~unknown)
        return np.where(some, self._in_box(frame, down, across), near | _any_of(unknown))

    def _in_box(self, frame: Frame, down: "_Lattice", across: "_Lattice") -> Flags:
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


@dataclass(frozen=True, slots=True, eq=False)
class _Lattice:
    """The exact places along one side of a picture, and how its pixels lie between them.

    Attributes
    ----------
    nodes : ndarray
        The pixels, not always whole, that go the exact way: two for each square, and the last one.
    gap : float
        Pixels between two of them.
    left, share : ndarray
        The node before each pixel, and how far it is on the way to the next.
    square : ndarray
        The square of each pixel.
    """

    nodes: Floats
    gap: float
    left: NDArray[np.intp]
    share: Floats
    square: NDArray[np.intp]

    @property
    def squares(self) -> int:
        return len(self.nodes) // 2

    def spread(self, values: Floats, across: "_Lattice") -> Floats:
        """Interpolate from the nodes to the pixels of a picture, of which this is the side from top to bottom."""
        with np.errstate(invalid="ignore", over="ignore"):
            lines = values[self.left]
            lines += (values[1:] - values[:-1])[self.left] * self.share[:, None]
            found = lines.take(across.left, axis=1)
            change = (lines[:, 1:] - lines[:, :-1]).take(across.left, axis=1)
            change *= across.share
            found += change
        return found


@lru_cache(maxsize=64)
def _lattice(size: int, side: int) -> _Lattice:
    gaps = 2 * max(1, -(-size // side))
    nodes = np.linspace(0, max(size - 1, 1e-3), gaps + 1)  # a single pixel has some width too
    places = np.arange(size) / nodes[1]
    left = np.minimum(places.astype(np.intp), gaps - 1)
    return _Lattice(nodes, float(nodes[1]), left, (places - left).astype(np.float32), left // 2)


def _wrong(rows: Floats, cols: Floats, gap_down: float, gap_across: float) -> Flags:
    """Tell in which squares the middles are not where their neighbours say, by more than is allowed, or unknown."""
    with np.errstate(invalid="ignore", over="ignore"):
        missed = np.hypot(_missed(rows), _missed(cols))
        down = np.hypot(rows[2::2] - rows[:-1:2], cols[2::2] - cols[:-1:2]) / (2 * gap_down)
        along = np.hypot(rows[:, 2::2] - rows[:, :-1:2], cols[:, 2::2] - cols[:, :-1:2]) / (2 * gap_across)
        # The pixel's longer side: a projection squeezes it at its edges.
        pixel = np.maximum(np.minimum(down[:, 2::2], down[:, :-1:2]), np.minimum(along[2::2], along[:-1:2]))
        fits: Flags = missed <= _ALLOWED * pixel + _SAME
        return ~fits


def _missed(values: Floats) -> Floats:
    """Return for each square by how much the places between its corners miss the mean of their neighbours."""
    along = np.abs(values[::2, 1::2] - (values[::2, :-1:2] + values[::2, 2::2]) / 2)
    down = np.abs(values[1::2, ::2] - (values[:-1:2, ::2] + values[2::2, ::2]) / 2)
    corners = values[:-1:2, :-1:2] + values[:-1:2, 2::2] + values[2::2, :-1:2] + values[2::2, 2::2]
    middle = np.abs(values[1::2, 1::2] - corners / 4)
    most: Floats = np.maximum.reduce([middle, along[:-1], along[1:], down[:, :-1], down[:, 1:]])
    return most


def _steps(rows: Floats, cols: Floats, gap_down: float, gap_across: float) -> float:
    """Return the typical shorter side of a pixel, in cells."""
    with np.errstate(invalid="ignore", over="ignore"):
        down = np.hypot(rows[1:] - rows[:-1], cols[1:] - cols[:-1]) / gap_down
        across = np.hypot(rows[:, 1:] - rows[:, :-1], cols[:, 1:] - cols[:, :-1]) / gap_across
    return float(np.fmin(_median(down), _median(across)))


def _step(places: Floats, meant: Flags) -> float:
    """Return the typical distance from one place to the next, of those that are meant."""
    return _median(np.abs(places[1:] - places[:-1])[meant])


def _median(values: Floats) -> float:
    """Return the median of what is finite, NaN where nothing is; numpy's own takes ten times as long for so few."""
    known = np.sort(values[np.isfinite(values)], axis=None)
    return float(known[known.size // 2]) if known.size else np.nan


def _is_separable(x: Floats, y: Floats) -> bool:
    """Tell whether x is the same all along each column and y all along each line, to a small part of a node's way."""
    with np.errstate(invalid="ignore"):
        apart_x, apart_y = np.abs(x[:, 1:] - x[:, :-1]).min(), np.abs(y[1:] - y[:-1]).min()
        return bool((np.ptp(x, axis=0) <= _EDGE * apart_x).all() and (np.ptp(y, axis=1) <= _EDGE * apart_y).all())


def _within(values: Floats, count: int) -> bool:
    return bool(values.min() >= 0 and values.max() <= count)


def _extremes(values: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest of the nine places of each square; NaN where one is unknown."""
    rows = values[:-1:2], values[1::2], values[2::2]
    low, high = np.minimum.reduce(rows), np.maximum.reduce(rows)
    return (
        np.minimum.reduce([low[:, :-1:2], low[:, 1::2], low[:, 2::2]]),
        np.maximum.reduce([high[:, :-1:2], high[:, 1::2], high[:, 2::2]]),
    )


def _any_of(flags: Flags) -> Flags:
    """Tell for each square whether a flag is set at one of its nine places."""
    rows = flags[:-1:2] | flags[1::2] | flags[2::2]
    return np.asarray(rows[:, :-1:2] | rows[:, 1::2] | rows[:, 2::2])
