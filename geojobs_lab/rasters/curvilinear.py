"""The grid of cells that are placed one by one, by two-dimensional longitudes and latitudes.

Owns `CurvilinearGrid`. The corners of its cells are `corners`' work, and finding the cell of a point is `meshlookup`'s.
"""

from collections import OrderedDict
from hashlib import blake2b
from threading import Lock

import numpy as np
import numpy.typing as npt
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import WHOLE_TURN, AnyGrid, Box, Floats, turned_box
from geojobs_lab.rasters.corners import Mesh, unit_vectors
from geojobs_lab.rasters.meshlookup import MeshLookup
from geojobs_lab.rasters.projections import crs_label, is_lonlat

_SAME = 1e-3  # cells
_KEPT = 6  # meshes; one of a million cells takes some 80 MB
_SAMPLE = 100_000  # cells that stand for all
_LINES, _SHORTEST, _FAR = 64, 16, 0.6  # lines that are looked at, cells in one, and how far the next is among others


class CurvilinearGrid(AnyGrid):
    """A grid whose cells have places of their own: a tripolar ocean, a swath of a satellite; not to be changed.

    Parameters
    ----------
    crs : pyproj.CRS
        Of plain longitude and latitude.
    lon, lat : ndarray of float, (ny, nx)
        The cells' centres in degrees, NaN where missing; a cell without one holds no point.
    corners : tuple of ndarray, optional
        Longitudes and latitudes (ny, nx, 4) of the cells' corners, going round. Without them the cells meet halfway
        between their centres, except where these jump.

    Raises
    ------
    RasterError
        The arrays are no such thing, or no cell can be placed.
    """

    __slots__ = ("_lookup", "_mesh", "corners", "crs", "lat", "lon", "shape")

    def __init__(self, crs: CRS, lon: Floats, lat: Floats, corners: tuple[Floats, Floats] | None = None) -> None:
        lon, lat = (np.ascontiguousarray(values, dtype=np.float64) for values in (lon, lat))
        if lon.ndim != 2 or lon.shape != lat.shape or min(lon.shape) < 1:
            raise RasterError(f"a curvilinear grid has longitudes and latitudes (ny, nx), not {lon.shape}, {lat.shape}")
        if not is_lonlat(crs):
            raise RasterError(f"a curvilinear grid is placed by longitudes and latitudes, not by {crs_label(crs)}")
        if corners is not None and any(part.shape != (*lon.shape, 4) for part in corners):
            raise RasterError(f"the cells of a curvilinear grid have four corners each, not {corners[0].shape}")
        if not (np.isfinite(lon) & np.isfinite(lat)).any():
            raise RasterError("none of the longitudes and latitudes of its cells is known")
        if lon.size > 1 and np.nanmin(lon) == np.nanmax(lon) and np.nanmin(lat) == np.nanmax(lat):
            raise RasterError("all of its cells are said to be at one place")
        if _are_scattered(lon, lat) or _are_scattered(lon.T, lat.T):
            raise RasterError("its longitudes and latitudes are those of scattered points, not of cells side by side")
        self.crs = crs
        self.lon, self.lat = lon, lat
        self.shape = (lon.shape[0], lon.shape[1])
        self.corners = corners
        self._mesh: Mesh | None = None
        self._lookup: MeshLookup | None = None

    @property
    def separable(self) -> bool:
        return False

    @property
    def wraps(self) -> bool:
        return self.mesh.wraps

    @property
    def mesh(self) -> Mesh:
        """The cells as quadrilaterals; made when it is first asked for."""
        self._prepare()
        assert self._mesh is not None
        return self._mesh

    @property
    def resolution(self) -> tuple[float, float]:
        mesh = self.mesh
        picked = mesh.vertices[mesh.corners[:: max(1, len(mesh.corners) // _SAMPLE)]]
        right, left = picked[:, 1] + picked[:, 2], picked[:, 0] + picked[:, 3]
        below, above = picked[:, 2] + picked[:, 3], picked[:, 0] + picked[:, 1]
        dx, dy = (
            float(np.median(np.degrees(np.linalg.norm(apart, axis=1) / 2))) for apart in (right - left, below - above)
        )
        return dx, dy

    @property
    def bounds(self) -> Box:
        return self.lonlat_bounds

    @property
    def lonlat_bounds(self) -> Box:
        return turned_box(*self._index.bounds)

    def positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        lon, lat = np.broadcast_arrays(np.asarray(x, dtype=float), np.asarray(y, dtype=float))
        cells, down, along = self._index.find(lon.ravel(), lat.ravel())
        rows, cols = np.divmod(cells, self.shape[1])
        return (rows + down).reshape(lon.shape), (cols + along).reshape(lon.shape)

    def centre_positions(self, x: npt.ArrayLike, y: npt.ArrayLike) -> tuple[Floats, Floats]:
        rows, cols = self.positions(x, y)
        return rows - 0.5, cols - 0.5

    def inner_points(self, rows: slice, down: int, along: int) -> tuple[Floats, Floats]:
        if down == along == 1:
            return self.lon[rows], self.lat[rows]
        ny, nx = self.lon[rows].shape
        corners = self._cell_corners(rows)
        v, u = ((np.arange(count) + 0.5) / count for count in (down, along))
        v, u = v[:, None, None], u[None, :, None]
        # (rows, columns, points down, points along, xyz)
        a, b, c, d = (corners[:, :, None, None, number] for number in range(4))
        points = (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c)
        points = points.swapaxes(1, 2).reshape(ny * down, nx * along, 3)
        lat = np.arctan2(points[..., 2], np.hypot(points[..., 0], points[..., 1]))
        return np.degrees(np.arctan2(points[..., 1], points[..., 0])), np.degrees(lat)

    def _cell_corners(self, rows: slice) -> Floats:
        """Return the corners (rows, nx, 4, 3) on the unit sphere, NaN where a cell has no place."""
        start, stop, _ = rows.indices(self.shape[0])
        ny, nx = stop - start, self.shape[1]
        mesh = self.mesh
        first, last = np.searchsorted(mesh.cells, [start * nx, stop * nx])
        corners = np.full((ny * nx, 4, 3), np.nan)
        corners[mesh.cells[first:last] - start * nx] = mesh.vertices[mesh.corners[first:last]]
        return corners.reshape(ny, nx, 4, 3)

    def centre(self, row: npt.ArrayLike, col: npt.ArrayLike) -> tuple[Floats, Floats]:
        at = np.asarray(row), np.asarray(col)
        return np.asarray(self.lon[at]), np.asarray(self.lat[at])

    def same_as(self, other: AnyGrid) -> bool:
        if self is other:
            return True
        if not isinstance(other, CurvilinearGrid) or self.shape != other.shape:
            return False
        slack = _SAME * max(min(self.resolution), 1e-6)
        east = (self.lon - other.lon + WHOLE_TURN / 2) % WHOLE_TURN - WHOLE_TURN / 2
        east = east * np.cos(np.radians(self.lat))
        apart = np.fmax(np.abs(east), np.abs(self.lat - other.lat))
        missing = np.isnan(self.lon + self.lat) == np.isnan(other.lon + other.lat)
        return bool(missing.all() and not (apart > slack).any())

    @property
    def _index(self) -> MeshLookup:
        self._prepare()
        assert self._lookup is not None
        return self._lookup

    def _prepare(self) -> None:
        if self._lookup is None:
            self._mesh, self._lookup = _indexed(self.lon, self.lat, self.corners)

    def __str__(self) -> str:
        ny, nx = self.shape
        dx, dy = self.resolution
        west, south, east, north = self.lonlat_bounds
        return (
            f"{ny} x {nx} curvilinear cells of about {dy:.6g} x {dx:.6g} degrees, latitude {south:.8g}..{north:.8g}, "
            f"longitude {west:.8g}..{east:.8g}, {crs_label(self.crs)}"
        )


def _are_scattered(lon: Floats, lat: Floats) -> bool:
    """Tell whether the next along lines is mostly as far off as any other, as in a list of stations."""
    count = lon.shape[1]
    if count < _SHORTEST:
        return False
    some = slice(None, None, max(1, len(lon) // _LINES))
    places = unit_vectors(lon[some], lat[some])
    next_one, *others = (_median_distance(places, lag) for lag in (1, count // 2, count // 3, count // 5))
    return next_one > _FAR * max(others)


def _median_distance(places: Floats, lag: int) -> float:
    """Return how far apart places are that many cells along a line; those at one place do not count."""
    apart = np.linalg.norm(places[:, lag:] - places[:, :-lag], axis=-1)
    apart = apart[apart > 0]
    return float(np.median(apart)) if apart.size else 0.0


_indices: "OrderedDict[bytes, tuple[Mesh, MeshLookup]]" = OrderedDict()
_making = Lock()


def _indexed(lon: Floats, lat: Floats, corners: tuple[Floats, Floats] | None) -> tuple[Mesh, MeshLookup]:
    """Return the mesh of coordinates and its index; kept, for every look at a file makes its grids anew."""
    digest = blake2b(digest_size=16)
    for values in (lon, lat, *(corners or ())):
        digest.update(np.ascontiguousarray(values).tobytes())
    key = repr(lon.shape).encode() + digest.digest()
    with _making:
        found = _indices.pop(key, None)
        if found is None:
            mesh = Mesh.of(lon, lat, corners)
            if not mesh.cells.size:
                raise RasterError("none of its cells has neighbours that would tell its size")
            found = mesh, MeshLookup(mesh.vertices, mesh.corners, mesh.cells)
        _indices[key] = found
        while len(_indices) > _KEPT:
            _indices.popitem(last=False)
    return found
