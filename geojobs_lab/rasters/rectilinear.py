"""The grid of straight rows and columns of uneven width.

Owns `RectilinearGrid` and the edges of cells of which only the centres are known. Which axes make one is
`placing`'s work.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import WHOLE_TURN, AnyGrid, Box, Floats, SeparableGrid, within
from geojobs_lab.rasters.projections import crs_label, same_crs

_SAME = 1e-3  # cells
_INSIDE = 1e-9  # cells


class RectilinearGrid(SeparableGrid):
    """A grid whose rows, or columns, or both, are of different widths; not to be changed.

    Parameters
    ----------
    crs : pyproj.CRS
    xs, ys : ndarray of float, (nx,) and (ny,)
        The places of the cells in CRS units, monotonic, as stored; usually their centres.
    x_bounds, y_bounds : ndarray of float, (nx, 2) and (ny, 2)
        The cells' edges, the one towards the first cell first. Cells do not overlap; there may be gaps between them.

    Raises
    ------
    RasterError
        The edges are no such thing.
    """

    __slots__ = ("_x", "_y", "crs", "shape")

    def __init__(self, crs: CRS, xs: Floats, ys: Floats, x_bounds: Floats, y_bounds: Floats) -> None:
        self.crs = crs
        self._x, self._y = _Axis.of("x", xs, x_bounds), _Axis.of("y", ys, y_bounds)
        self.shape = (self._y.begins.size, self._x.begins.size)

    @property
    def xs(self) -> Floats:
        return self._x.centres

    @property
    def ys(self) -> Floats:
        return self._y.centres

    @property
    def x_bounds(self) -> Floats:
        return self._x.bounds

    @property
    def y_bounds(self) -> Floats:
        return self._y.bounds

    @property
    def resolution(self) -> tuple[float, float]:
        return float(np.median(np.abs(np.diff(self.x_bounds)))), float(np.median(np.abs(np.diff(self.y_bounds))))

    @property
    def bounds(self) -> Box:
        xs, ys = self.x_bounds[[0, -1], [0, 1]], self.y_bounds[[0, -1], [0, 1]]
        return float(xs.min()), float(ys.min()), float(xs.max()), float(ys.max())

    def positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        return self._y.positions(np.asarray(y, dtype=float)), self._x.positions(self._met(x))

    def centre_positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        rows, cols = self.positions(x, y)
        return (
            np.where(np.isnan(rows), np.nan, self._y.between(np.asarray(y, dtype=float), turn=0)),
            np.where(np.isnan(cols), np.nan, self._x.between(self._met(x), turn=WHOLE_TURN if self.wraps else 0)),
        )

    def same_as(self, other: AnyGrid) -> bool:
        if not isinstance(other, RectilinearGrid) or self.shape != other.shape:
            return False
        pairs = ((self.x_bounds, other.x_bounds), (self.y_bounds, other.y_bounds))
        return all(_same(mine, theirs) for mine, theirs in pairs) and same_crs(self.crs, other.crs)

    def __str__(self) -> str:
        ny, nx = self.shape
        dx, dy = self.resolution
        xmin, ymin, xmax, ymax = self.bounds
        order = "north first" if self.north_first else "south first"
        return (
            f"{ny} x {nx} uneven cells of about {dy:.6g} x {dx:.6g} (y x x), y {ymin:.8g}..{ymax:.8g} ({order}), "
            f"x {xmin:.8g}..{xmax:.8g}, {crs_label(self.crs)}"
        )


@dataclass(frozen=True, slots=True)
class _Axis:
    """One axis as stored, and turned to ascend: where its cells begin and end."""

    centres: Floats
    bounds: Floats
    begins: Floats
    ends: Floats
    falls: bool

    @classmethod
    def of(cls, name: str, centres: Floats, bounds: Floats) -> "_Axis":
        centres, bounds = np.array(centres, dtype=np.float64), np.array(bounds, dtype=np.float64)
        if centres.ndim != 1 or centres.size < 1 or bounds.shape != (centres.size, 2):
            raise RasterError(
                f"an axis of a grid has a place and two edges for each cell, not {centres.shape} and {bounds.shape}"
            )
        falls = bool(bounds[0, 0] > bounds[0, 1])
        edges = bounds[::-1, ::-1] if falls else bounds
        begins, ends = np.ascontiguousarray(edges[:, 0]), np.ascontiguousarray(edges[:, 1])
        if not (np.isfinite(edges).all() and (begins < ends).all() and (begins[1:] >= ends[:-1]).all()):
            raise RasterError(f"the {name} axis of a grid has edges that do not go one way, or that overlap")
        for array in (centres, bounds):
            array.flags.writeable = False
        return cls(centres, bounds, begins, ends, falls)

    def positions(self, values: Floats) -> Floats:
        last = self.begins.size - 1
        # The first edge belongs to the first cell, also where a value misses it by rounding.
        cells = np.clip(np.searchsorted(self.begins, values, side="right") - 1, 0, last)
        with np.errstate(invalid="ignore"):  # points off the Earth
            shares = within((values - self.begins[cells]) / (self.ends - self.begins)[cells], 1)
        # A point on the edge to a gap stays in its cell.
        if self.falls:
            shares = np.where(cells > 0, np.maximum(shares, _INSIDE), shares)
        else:
            shares = np.where(cells < last, np.minimum(shares, 1 - _INSIDE), shares)
        found = cells.astype(np.float64) + shares
        return last + 1 - found if self.falls else found

    def between(self, values: Floats, *, turn: float) -> Floats:
        """Return places between centres; `turn` is the length of an axis that goes round, else 0."""
        count = self.centres.size
        centres = self.centres[::-1] if self.falls else self.centres
        before, after = (centres[-1] - turn, centres[0] + turn) if turn else (self.begins[0], self.ends[-1])
        places = np.arange(-1.0, count + 1) if turn else np.array([-0.5, *range(count), count - 0.5])
        with np.errstate(invalid="ignore"):
            found = np.interp(values, [before, *centres, after], places)
        return count - 1 - found if self.falls else found


def _same(mine: Floats, theirs: Floats) -> bool:
    return bool((np.abs(mine - theirs) <= _SAME * np.abs(np.diff(mine))).all())


def midpoint_bounds(centres: Floats) -> Floats:
    """Return the edges (n, 2) of cells that meet halfway between their centres; two cells at least.

    The outermost cells reach as far beyond their centres as they do on the other side.
    """
    middles = (centres[:-1] + centres[1:]) / 2
    first, last = 2 * centres[0] - middles[0], 2 * centres[-1] - middles[-1]
    edges = np.concatenate([[first], middles, [last]])
    return np.stack([edges[:-1], edges[1:]], axis=1)
