"""The regular grid: where the cells of a raster lie on the Earth.

Owns the value `Grid` and its arithmetic. Finding the grid of a file's variable or of an array is
`placing`'s work.
"""

import math
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.projections import crs_label, is_lonlat, same_crs, to_wgs84

Floats = npt.NDArray[np.float64]

_SAME = 1e-3  # cells; coordinates stored as float32 differ by less from those stored as float64
_WHOLE_TURN = 360.0  # degrees


@dataclass(frozen=True, slots=True)
class Grid:
    """A regular grid in a CRS.

    Attributes
    ----------
    crs : pyproj.CRS
    transform : affine.Affine
        From (column, row) to x, y in CRS units; (0, 0) is the outer corner of the first cell. Row 0 is the
        first row **as stored**: `transform.e` is negative when north is up, positive when the stored y
        ascends. No rotation.
    shape : tuple of int
        (ny, nx) cells.
    """

    crs: CRS
    transform: Affine
    shape: tuple[int, int]

    def __post_init__(self) -> None:
        coefficients = tuple(self.transform)[:6]
        a, b, _, d, e, _ = coefficients
        if b or d or not a or not e or not all(math.isfinite(value) for value in coefficients):
            raise RasterError(f"{coefficients} is not the transform of a regular grid without rotation")
        if len(self.shape) != 2 or min(self.shape) < 1:
            raise RasterError(f"a grid has at least one row and one column, not the shape {self.shape}")

    @classmethod
    def from_array(cls, data: xr.DataArray) -> Self:
        """Return the grid of an array from its coordinates and its CRS.

        Raises
        ------
        RasterError
            The array has no place on the Earth; the message says what is missing.
        """
        from geojobs_lab.rasters.placing import place_array  # it makes Grids, so it imports this module

        place = place_array(data)
        return cls(place.grid.crs, place.grid.transform, place.grid.shape)

    @property
    def is_geographic(self) -> bool:
        """Whether x and y are degrees of longitude and latitude (a rotated pole's are not)."""
        return is_lonlat(self.crs)

    @property
    def resolution(self) -> tuple[float, float]:
        """The size (dx, dy) of a cell in CRS units, both positive."""
        return abs(self.transform.a), abs(self.transform.e)

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """The outer edges (xmin, ymin, xmax, ymax) in CRS units."""
        ny, nx = self.shape
        a, _, c, _, e, f = tuple(self.transform)[:6]
        xs, ys = (c, c + a * nx), (f, f + e * ny)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def lonlat_bounds(self) -> tuple[float, float, float, float]:
        """The box (west, south, east, north) in degrees that holds the grid.

        `west` lies in -180..180; `east` is greater than `west` and passes 180 where the grid crosses the date
        line; a grid all the way round is -180..180.
        """
        box = self.bounds if self.is_geographic else self._projected_box()
        west, south, east, north = box
        if east < west:
            east += _WHOLE_TURN
        south, north = max(south, -90.0), min(north, 90.0)
        if east - west >= _WHOLE_TURN * (1 - 1e-9):
            return -180.0, south, 180.0, north
        turn = math.floor((west + 180.0) / _WHOLE_TURN) * _WHOLE_TURN
        return west - turn, south, east - turn, north

    def _projected_box(self) -> tuple[float, float, float, float]:
        box: tuple[float, float, float, float] = to_wgs84(self.crs).transform_bounds(*self.bounds, densify_pts=50)
        if all(math.isfinite(value) for value in box):
            return box
        # Corners off the Earth (a full disk seen from space): look at cells instead.
        rows = np.linspace(0, self.shape[0] - 1, min(self.shape[0], 200)).astype(int)
        cols = np.linspace(0, self.shape[1] - 1, min(self.shape[1], 200)).astype(int)
        lon, lat = self.to_lonlat(*np.meshgrid(self.xs[cols], self.ys[rows]))
        seen = np.isfinite(lon) & np.isfinite(lat)
        if not seen.any():
            return -180.0, -90.0, 180.0, 90.0
        lon, lat = lon[seen], lat[seen]
        return float(lon.min()), float(lat.min()), float(lon.max()), float(lat.max())

    @property
    def xs(self) -> Floats:
        """The x of the cell centres, (nx,), CRS units, as stored."""
        return self.transform.c + self.transform.a * (np.arange(self.shape[1], dtype=np.float64) + 0.5)

    @property
    def ys(self) -> Floats:
        """The y of the cell centres, (ny,), CRS units, as stored."""
        return self.transform.f + self.transform.e * (np.arange(self.shape[0], dtype=np.float64) + 0.5)

    def cell(self, x: float, y: float) -> tuple[int, int] | None:
        """Return the (row, column) of the cell that holds a point, or None outside the grid.

        Parameters
        ----------
        x, y : float
            In CRS units. Where x is an angle (longitude, or that of a rotated pole) it is turned by 360 degrees to
            meet the grid. The grid's outer edges belong to it.
        """
        rows, cols = self.cells([x], [y])
        return None if rows[0] < 0 or cols[0] < 0 else (int(rows[0]), int(cols[0]))

    def cells(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[npt.NDArray[np.intp], npt.NDArray[np.intp]]:
        """Return the rows of `y` and the columns of `x`, each of its own shape, -1 outside the grid; as `cell`."""
        across = np.asarray(x, dtype=float)
        if self.crs.is_geographic:
            xmin = self.bounds[0]
            across = xmin + (across - xmin) % _WHOLE_TURN
        return (
            _positions(np.asarray(y, dtype=float), self.transform.f, self.transform.e, self.shape[0]),
            _positions(across, self.transform.c, self.transform.a, self.shape[1]),
        )

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

    def same_as(self, other: "Grid") -> bool:
        """Tell whether two grids have the same cells in the same order (to a thousandth of a cell)."""
        if self.shape != other.shape:
            return False
        dx, dy = self.resolution
        apart = np.abs(np.subtract(self._corners(), other._corners()))
        return bool((apart <= _SAME * np.array([dx, dy, dx, dy])).all()) and same_crs(self.crs, other.crs)

    def _corners(self) -> tuple[float, float, float, float]:
        a, _, c, _, e, f = tuple(self.transform)[:6]
        return c, f, c + a * self.shape[1], f + e * self.shape[0]

    def __str__(self) -> str:
        ny, nx = self.shape
        dx, dy = self.resolution
        xmin, ymin, xmax, ymax = self.bounds
        order = "north first" if self.transform.e < 0 else "south first"
        return (
            f"{ny} x {nx} cells of {dy:.6g} x {dx:.6g} (y x x), y {ymin:.8g}..{ymax:.8g} ({order}), "
            f"x {xmin:.8g}..{xmax:.8g}, {crs_label(self.crs)}"
        )


def _positions(values: Floats, origin: float, step: float, count: int) -> npt.NDArray[np.intp]:
    """Return the index of the cell along one axis, -1 outside; the last edge belongs to the last cell."""
    positions = (values - origin) / step
    inside = (positions >= 0) & (positions <= count)  # NaN and infinities are not
    return np.where(inside, np.minimum(np.where(inside, positions, 0), count - 1), -1).astype(np.intp)
