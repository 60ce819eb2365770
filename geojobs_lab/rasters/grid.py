"""The regular grid: cells of one size in a CRS.

Owns the value `Grid` and its arithmetic. Finding the grid of a file's variable or of an array is
`placing`'s work.
"""

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import AnyGrid, Box, Floats, SeparableGrid, within
from geojobs_lab.rasters.projections import crs_label, same_crs

_SAME = 1e-3  # cells; coordinates stored as float32 differ by less from those stored as float64


@dataclass(frozen=True, slots=True)
class Grid(SeparableGrid):
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

    @property
    def resolution(self) -> tuple[float, float]:
        return abs(self.transform.a), abs(self.transform.e)

    @property
    def bounds(self) -> Box:
        ny, nx = self.shape
        a, _, c, _, e, f = tuple(self.transform)[:6]
        xs, ys = (c, c + a * nx), (f, f + e * ny)
        return min(xs), min(ys), max(xs), max(ys)

    @property
    def xs(self) -> Floats:
        return self.transform.c + self.transform.a * (np.arange(self.shape[1], dtype=np.float64) + 0.5)

    @property
    def ys(self) -> Floats:
        return self.transform.f + self.transform.e * (np.arange(self.shape[0], dtype=np.float64) + 0.5)

    @property
    def x_bounds(self) -> Floats:
        return _pairs(self.transform.c + self.transform.a * np.arange(self.shape[1] + 1, dtype=np.float64))

    @property
    def y_bounds(self) -> Floats:
        return _pairs(self.transform.f + self.transform.e * np.arange(self.shape[0] + 1, dtype=np.float64))

    @property
    def north_first(self) -> bool:
        return self.transform.e < 0

    @property
    def west_first(self) -> bool:
        return self.transform.a > 0

    def positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        a, _, c, _, e, f = tuple(self.transform)[:6]
        rows = (np.asarray(y, dtype=float) - f) / e
        return within(rows, self.shape[0]), within((self._met(x) - c) / a, self.shape[1])

    def centre_positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        rows, cols = self.positions(x, y)
        return rows - 0.5, cols - 0.5

    def same_as(self, other: AnyGrid) -> bool:
        if not isinstance(other, Grid) or self.shape != other.shape:
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


def _pairs(edges: Floats) -> Floats:
    return np.stack([edges[:-1], edges[1:]], axis=1)
