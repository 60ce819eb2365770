"""What all grids have in common, whichever way their cells lie on the Earth.

Owns the contract `AnyGrid` that other rooms work with, and what grids of straight rows and columns share. The
kinds themselves are `grid` (regular), `rectilinear` (uneven axes) and `curvilinear` (2-D coordinates).
"""

import math
from abc import ABC, abstractmethod

import numpy as np
import numpy.typing as npt
import xarray as xr
from pyproj import CRS

from geojobs_lab.rasters.projections import is_lonlat, to_wgs84

Floats = npt.NDArray[np.float64]
Indices = npt.NDArray[np.intp]
Box = tuple[float, float, float, float]

WHOLE_TURN = 360.0  # degrees
_EDGE = 1e-6  # cells; a point that misses the outermost edge by no more is on it
_LOOKED_AT = 200  # cells along each side that stand for all where the corners of a grid are off the Earth
_GAP = 5.0  # degrees without any of the cells looked at; where there is none such, cells lie all the way round


class AnyGrid(ABC):
    """Cells in rows and columns, and where they are.

    Attributes
    ----------
    crs : pyproj.CRS
        Of x and y. A curvilinear grid's is one of longitude and latitude.
    shape : tuple of int
        (ny, nx) cells. Row 0 and column 0 are the first **as stored**, whichever way they go.
    """

    __slots__ = ()

    crs: CRS
    shape: tuple[int, int]

    @staticmethod
    def from_array(data: xr.DataArray) -> "AnyGrid":
        """Return the grid of an array, of whichever kind it is, from its coordinates and its CRS.

        Raises
        ------
        RasterError
            The array has no place on the Earth; the message says what is missing.
        """
        from geojobs_lab.rasters.placing import place_array  # it makes grids, so it imports their modules

        return place_array(data).grid

    @property
    @abstractmethod
    def separable(self) -> bool:
        """Whether the row depends on y alone and the column on x alone."""

    @property
    @abstractmethod
    def wraps(self) -> bool:
        """Whether the last column is the neighbour of the first: all the way round the Earth."""

    @property
    @abstractmethod
    def resolution(self) -> tuple[float, float]:
        """The typical size (dx, dy) of a cell in CRS units, both positive.

        Of a curvilinear grid along its columns and its rows, degrees of a great circle.
        """

    @property
    @abstractmethod
    def bounds(self) -> Box:
        """The outer edges (xmin, ymin, xmax, ymax) in CRS units."""

    @property
    @abstractmethod
    def lonlat_bounds(self) -> Box:
        """The box (west, south, east, north) in degrees that holds the grid.

        `west` lies in -180..180; `east` is greater than `west` and passes 180 where the grid crosses the date
        line; a grid all the way round is -180..180.
        """

    @abstractmethod
    def positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the continuous places (rows, columns) of points, in cells.

        Parameters
        ----------
        x, y : array_like
            In CRS units; angles are turned by whole circles to meet the grid. On a separable grid they may have
            different shapes, each is mapped by itself; on a curvilinear one they have one shape.

        Returns
        -------
        rows, cols : ndarray of float
            0.0 is the outer edge of the first row or column as stored, ny or nx the outer edge of the last, which
            belongs to the last cell; NaN outside. The cell is the integer part.
        """

    @abstractmethod
    def centre_positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return the places of points between the centres of cells, as `positions` but with 0.0 the first centre.

        What lies between an outer edge and the centre before it is beyond 0 or the last centre.
        """

    @abstractmethod
    def inner_points(self, rows: slice, down: int, along: int) -> tuple[Floats, Floats]:
        """Return x, y of points spread evenly in the cells of some rows, `down` times `along` in each.

        (1, n) and (m, 1) on a separable grid, both (m, n) on a curvilinear one.
        """

    @abstractmethod
    def centre(self, row: npt.ArrayLike, col: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Return x, y of the centres of cells; rows and columns broadcast."""

    @abstractmethod
    def same_as(self, other: "AnyGrid") -> bool:
        """Tell whether two grids have the same cells in the same order (to a thousandth of a cell)."""

    @property
    def is_geographic(self) -> bool:
        """Whether x and y are degrees of longitude and latitude (a rotated pole's are not)."""
        return is_lonlat(self.crs)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the (row, column) of the cell that holds a point, or None outside the grid."""
        rows, cols = self.cells([x], [y])
        return None if rows[0] < 0 or cols[0] < 0 else (int(rows[0]), int(cols[0]))

    def cells(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Indices, Indices]:
        """Return the rows and columns of the cells that hold points, -1 outside the grid; as `positions`."""
        rows, cols = self.positions(x, y)
        return whole_cells(rows, self.shape[0]), whole_cells(cols, self.shape[1])

    def to_lonlat(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Turn x, y in CRS units into longitude, latitude in degrees (not finite where there is none)."""
        if self.is_geographic:
            return np.asarray(x, dtype=float), np.asarray(y, dtype=float)
        lon, lat = to_wgs84(self.crs).transform(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        return np.asarray(lon), np.asarray(lat)

    def from_lonlat(self, lon: npt.ArrayLike, lat: npt.ArrayLike) -> tuple[Floats, Floats]:
        """Turn longitude, latitude in degrees into x, y in CRS units (not finite where there is none)."""
        if self.is_geographic:
            return np.asarray(lon, dtype=float), np.asarray(lat, dtype=float)
        x, y = to_wgs84(self.crs).transform(
            np.asarray(lon, dtype=float), np.asarray(lat, dtype=float), direction="INVERSE"
        )
        return np.asarray(x), np.asarray(y)


class SeparableGrid(AnyGrid):
    """A grid of straight rows and columns: the row depends on y alone, the column on x alone."""

    __slots__ = ()

    @property
    def separable(self) -> bool:
        return True

    @property
    @abstractmethod
    def xs(self) -> Floats:
        """The x of the cell centres, (nx,), CRS units, as stored."""

    @property
    @abstractmethod
    def ys(self) -> Floats:
        """The y of the cell centres, (ny,), CRS units, as stored."""

    @property
    @abstractmethod
    def x_bounds(self) -> Floats:
        """The edges of the columns, (nx, 2), CRS units, as stored: the one towards the first column first."""

    @property
    @abstractmethod
    def y_bounds(self) -> Floats:
        """The edges of the rows, (ny, 2), CRS units, as stored: the one towards the first row first."""

    @property
    def north_first(self) -> bool:
        """Whether y falls from row to row."""
        (first, last), *_ = self.y_bounds
        return bool(first > last)

    @property
    def west_first(self) -> bool:
        """Whether x rises from column to column."""
        (first, last), *_ = self.x_bounds
        return bool(first < last)

    @property
    def wraps(self) -> bool:
        xmin, _, xmax, _ = self.bounds
        return self.crs.is_geographic and abs(xmax - xmin - WHOLE_TURN) < self.resolution[0] * 1e-3

    def centre(self, row: npt.ArrayLike, col: npt.ArrayLike) -> tuple[Floats, Floats]:
        x, y = np.broadcast_arrays(self.xs[np.asarray(col)], self.ys[np.asarray(row)])
        return x, y

    def inner_points(self, rows: slice, down: int, along: int) -> tuple[Floats, Floats]:
        return _spread(self.x_bounds, along)[None, :], _spread(self.y_bounds[rows], down)[:, None]

    @property
    def lonlat_bounds(self) -> Box:
        west, south, east, north = self.bounds if self.is_geographic else self._projected_box()
        if east < west:
            east += WHOLE_TURN
        return turned_box(west, south, east, north)

    def _projected_box(self) -> Box:
        xmin, ymin, xmax, ymax = self.bounds
        if np.isfinite(self.to_lonlat([xmin, xmin, xmax, xmax], [ymin, ymax, ymin, ymax])).all():
            box: Box = to_wgs84(self.crs).transform_bounds(xmin, ymin, xmax, ymax, densify_pts=50)
            if all(math.isfinite(value) for value in box):
                return box
        # Corners off the Earth (a full disk seen from space): look at cells instead.
        rows, cols = (np.linspace(0, count - 1, min(count, _LOOKED_AT)).astype(int) for count in self.shape)
        lon, lat = self.to_lonlat(*self.centre(rows[:, None], cols[None, :]))
        seen = np.isfinite(lon) & np.isfinite(lat)
        if not seen.any():
            return -180.0, -90.0, 180.0, 90.0
        west, east = _arc(lon[seen])
        return west, float(lat[seen].min()), east, float(lat[seen].max())

    def _met(self, x: npt.ArrayLike) -> Floats:
        """Return x, angles turned by whole circles to lie east of the grid's western edge."""
        across = np.asarray(x, dtype=float)
        if not self.crs.is_geographic:
            return across
        west = self.bounds[0] - _EDGE * self.resolution[0]
        with np.errstate(invalid="ignore"):  # points off the Earth
            return across - np.floor((across - west) / WHOLE_TURN) * WHOLE_TURN


def _arc(lons: Floats) -> tuple[float, float]:
    """Return the western and the eastern end of longitudes: what is left of the circle beside their widest gap."""
    around = np.sort(lons % WHOLE_TURN)
    gaps = np.diff(around, append=around[0] + WHOLE_TURN)
    widest = int(gaps.argmax())
    if gaps[widest] < _GAP:
        return -180.0, 180.0
    return float(around[(widest + 1) % around.size]), float(around[widest])


def _spread(bounds: Floats, count: int) -> Floats:
    shares = (np.arange(count) + 0.5) / count
    return (bounds[:, :1] + np.diff(bounds) * shares).ravel()


def turned_box(west: float, south: float, east: float, north: float) -> Box:
    """Return a box in degrees as `AnyGrid.lonlat_bounds` has it."""
    south, north = max(south, -90.0), min(north, 90.0)
    if east - west >= WHOLE_TURN * (1 - 1e-9):
        return -180.0, south, 180.0, north
    turn = math.floor((west + 180.0) / WHOLE_TURN) * WHOLE_TURN
    return west - turn, south, east - turn, north


def within(positions: Floats, count: int) -> Floats:
    """Return positions along one axis of `count` cells, NaN outside it; one that misses an edge by rounding is on it.

    May change the array that it is given.
    """
    with np.errstate(invalid="ignore"):  # points off the Earth
        outside = ~((positions >= -_EDGE) & (positions <= count + _EDGE))
    found: Floats = np.clip(positions, 0.0, count)
    if outside.any():
        found = np.where(outside, np.nan, found)
    return found


def whole_cells(positions: Floats, count: int) -> Indices:
    """Return the cells that hold positions, -1 where there is none."""
    outside = np.isnan(positions)
    cells = np.where(outside, 0.0, positions).astype(np.intp)
    np.minimum(cells, count - 1, out=cells)
    cells[outside] = -1
    return cells
