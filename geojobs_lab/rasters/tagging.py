"""What coordinates have to carry so that xarray, rioxarray, netCDF4 and GDAL place a raster rightly.

Owns the attributes of axes and of the grid mapping, in memory and in files alike.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import xarray as xr

from geojobs_lab.rasters.anygrid import AnyGrid, Floats, SeparableGrid
from geojobs_lab.rasters.cellbounds import remember
from geojobs_lab.rasters.curvilinear import CurvilinearGrid

CRS_COORDINATE = "spatial_ref"  # where rioxarray looks first
_FOLLOWED = 1e-3  # cells; a stored coordinate that misses the grid by more (another unit, a jump of 360) is replaced
CELLS = ("longitude", "latitude")  # of cells, where nothing else is said
_LATITUDE = {"standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"}
_LONGITUDE = {"standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"}


def with_grid(data: xr.DataArray, grid: AnyGrid, y_dim: str, x_dim: str, cells: tuple[str, ...] = ()) -> xr.DataArray:
    """Return the array with coordinates in CRS units that say what they are, and with the CRS as a coordinate.

    `cells` are the names of the two-dimensional longitude and latitude that it is placed by, if it is.
    """
    coordinates = grid_coordinates(grid, y_dim, x_dim, cells)
    for name, wanted in coordinates.items():
        found = data.coords.get(name)
        if found is None or wanted.dims not in ((y_dim,), (x_dim,)):
            continue
        assert isinstance(grid, SeparableGrid)
        bounds = grid.y_bounds if name == y_dim else grid.x_bounds
        kept = {key: value for key, value in found.attrs.items() if key != "bounds"}
        if _follows(found, wanted.values, bounds):
            coordinates[name] = xr.Variable(wanted.dims, found.values, {**wanted.attrs, **kept})
        else:
            kept.pop("units", None)
            coordinates[name] = xr.Variable(wanted.dims, wanted.values, {**wanted.attrs, **kept})
    remember(coordinates, grid, y_dim, x_dim, cells or CELLS)  # by the places as they are stored
    data = data.assign_coords(coordinates)
    data.attrs.pop("grid_mapping", None)
    data.encoding["grid_mapping"] = CRS_COORDINATE
    return data


def _follows(found: xr.DataArray, centres: Floats, bounds: Floats) -> bool:
    if found.dtype.kind not in "iuf" or found.shape != centres.shape:
        return False
    apart = np.abs(found.values.astype(np.float64) - centres)
    return bool((apart <= _FOLLOWED * np.abs(np.diff(bounds)[:, 0])).all())


def grid_coordinates(grid: AnyGrid, y_dim: str, x_dim: str, cells: tuple[str, ...] = ()) -> dict[str, xr.Variable]:
    """Return the coordinates that place an array with dimensions of these names on a grid, and the CRS."""
    coordinates = {CRS_COORDINATE: xr.Variable((), np.int64(0), crs_attributes(grid))}
    if isinstance(grid, CurvilinearGrid):
        lon, lat = cells or CELLS
        coordinates[lat] = xr.Variable((y_dim, x_dim), grid.lat, _LATITUDE)
        coordinates[lon] = xr.Variable((y_dim, x_dim), grid.lon, _LONGITUDE)
    elif isinstance(grid, SeparableGrid):
        rows, cols = axis_attributes(grid)
        coordinates[y_dim] = xr.Variable((y_dim,), grid.ys, rows)
        coordinates[x_dim] = xr.Variable((x_dim,), grid.xs, cols)
    remember(coordinates, grid, y_dim, x_dim, cells or CELLS)
    return coordinates


def crs_attributes(grid: AnyGrid) -> dict[str, Any]:
    """Return the attributes of a grid mapping variable: CF's own and WKT.

    GDAL's ``GeoTransform`` is among them only where an axis has a single cell: it alone tells that cell's size, and
    elsewhere it would outlive the next slicing or coarsening of the array.
    """
    wkt = grid.crs.to_wkt()
    attributes = {**grid.crs.to_cf(), "crs_wkt": wkt, "spatial_ref": wkt}
    if 1 in grid.shape and isinstance(grid, SeparableGrid):
        (left, right), (above, below) = grid.x_bounds[0], grid.y_bounds[0]
        numbers = (left, right - left, 0.0, above, 0.0, below - above)
        attributes["GeoTransform"] = " ".join(f"{value:.17g}" for value in numbers)
    return attributes


def cell_attributes() -> dict[str, Mapping[str, str]]:
    """Return the usual names of the longitude and the latitude of cells, and CF's attributes."""
    return {"longitude": _LONGITUDE, "latitude": _LATITUDE}


def axis_attributes(grid: AnyGrid) -> tuple[Mapping[str, str], Mapping[str, str]]:
    """Return CF's attributes of the y and the x coordinate."""
    if grid.is_geographic:
        return {"axis": "Y", **_LATITUDE}, {"axis": "X", **_LONGITUDE}
    if grid.crs.is_geographic:
        return (
            {"axis": "Y", "standard_name": "grid_latitude", "units": "degrees"},
            {"axis": "X", "standard_name": "grid_longitude", "units": "degrees"},
        )
    unit = grid.crs.axis_info[0].unit_name if grid.crs.axis_info else "metre"
    units = {"metre": "m", "kilometre": "km", "US survey foot": "US_survey_foot"}.get(unit, unit)
    return (
        {"axis": "Y", "standard_name": "projection_y_coordinate", "units": units},
        {"axis": "X", "standard_name": "projection_x_coordinate", "units": units},
    )
