"""How large the cells of a grid are beside each other, whichever kind of grid it is."""

import math

import numpy as np
import numpy.typing as npt
from pyproj import CRS, Proj

from geojobs_lab.rasters.anygrid import AnyGrid, Floats, SeparableGrid
from geojobs_lab.rasters.curvilinear import CurvilinearGrid


def cell_areas(grid: AnyGrid, rows: slice, cols: slice) -> Floats:
    """Return the areas of a window's cells up to a factor that is the same for all, in its shape; 0 without a place.

    On a grid of latitudes (those of a rotated pole too) the area between two meridians and two parallels of the
    ellipsoid. On a projected one the cell over the projection's areal scale at its centre. On a curvilinear one the
    two triangles between a cell's corners, on the sphere.
    """
    if isinstance(grid, CurvilinearGrid):
        return _quadrilaterals(grid, rows, cols)
    if not isinstance(grid, SeparableGrid):
        raise TypeError(f"the areas of a {type(grid).__name__} are not known")
    wide = np.abs(np.diff(grid.x_bounds[cols], axis=1))[:, 0]
    if grid.crs.is_geographic:
        return np.asarray(np.abs(np.diff(_authalic(grid.crs, grid.y_bounds[rows]), axis=1)) * wide)
    high = np.abs(np.diff(grid.y_bounds[rows], axis=1))
    lon, lat = grid.to_lonlat(*np.meshgrid(grid.xs[cols], grid.ys[rows]))
    scale = np.asarray(Proj(grid.crs).get_factors(lon, lat).areal_scale)
    return np.where(np.isfinite(scale) & (scale > 0), high * wide / np.where(scale > 0, scale, 1), 0.0)


def _authalic(crs: CRS, latitudes: Floats) -> Floats:
    """Return how much of the ellipsoid lies below latitudes: Snyder, Map Projections, USGS 1987, equation 3-12."""
    sines = np.sin(np.radians(np.clip(latitudes, -90.0, 90.0)))
    ellipsoid = crs.ellipsoid
    flattening = 1 / ellipsoid.inverse_flattening if ellipsoid and ellipsoid.inverse_flattening else 0.0
    square = flattening * (2 - flattening)
    if not square:
        return np.asarray(sines)
    e = math.sqrt(square)
    return np.asarray((1 - square) * (sines / (1 - square * sines**2) + np.arctanh(e * sines) / e))


def _quadrilaterals(grid: CurvilinearGrid, rows: slice, cols: slice) -> Floats:
    mesh, nx = grid.mesh, grid.shape[1]
    areas = np.zeros((rows.stop - rows.start, nx))
    start, stop = np.searchsorted(mesh.cells, [rows.start * nx, rows.stop * nx])
    a, b, c, d = np.moveaxis(mesh.vertices[mesh.corners[start:stop]], 1, 0)
    areas.reshape(-1)[mesh.cells[start:stop] - rows.start * nx] = _triangles(a, b, c) + _triangles(a, c, d)
    return areas[:, cols]


def _triangles(a: Floats, b: Floats, c: Floats) -> npt.NDArray[np.float64]:
    """Return the areas of triangles on the unit sphere: van Oosterom and Strackee, IEEE TBME 30 (1983), 125-126."""
    volume = np.abs((a * np.cross(b, c)).sum(axis=1))
    return np.asarray(2 * np.arctan2(volume, 1 + (a * b).sum(axis=1) + (b * c).sum(axis=1) + (c * a).sum(axis=1)))
