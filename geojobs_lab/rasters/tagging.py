"""What coordinates have to carry so that xarray, rioxarray, netCDF4 and GDAL place a raster rightly.

Owns the attributes of axes and of the grid mapping, in memory and in files alike.
"""

from typing import Any

import numpy as np
import xarray as xr

from geojobs_lab.rasters.grid import Grid

CRS_COORDINATE = "spatial_ref"  # where rioxarray looks first
_FOLLOWED = 1e-3  # cells; a stored coordinate that misses the grid by more (another unit, a jump of 360) is replaced


def with_grid(data: xr.DataArray, grid: Grid, y_dim: str, x_dim: str) -> xr.DataArray:
    """Return the array with coordinates in CRS units that say what they are, and with the CRS as a coordinate."""
    coordinates: dict[str, Any] = {CRS_COORDINATE: xr.Variable((), np.int64(0), crs_attributes(grid))}
    for dim, centres, step, attributes in (
        (y_dim, grid.ys, grid.transform.e, axis_attributes(grid)[0]),
        (x_dim, grid.xs, grid.transform.a, axis_attributes(grid)[1]),
    ):
        found = data.coords.get(dim)
        follows = found is not None and bool(
            np.abs(found.values.astype(np.float64) - centres).max() <= _FOLLOWED * abs(step)
        )
        values = found.values if found is not None and follows else centres
        kept = {} if found is None else {key: value for key, value in found.attrs.items() if key != "bounds"}
        if found is not None and not follows:
            kept.pop("units", None)
        coordinates[dim] = xr.Variable((dim,), values, {**attributes, **kept})
    data = data.assign_coords(coordinates)
    data.attrs.pop("grid_mapping", None)
    data.encoding["grid_mapping"] = CRS_COORDINATE
    return data


def crs_attributes(grid: Grid) -> dict[str, Any]:
    """Return the attributes of a grid mapping variable: CF's own and WKT.

    GDAL's ``GeoTransform`` is among them only where an axis has a single cell: it alone tells that cell's size, and
    elsewhere it would outlive the next slicing or coarsening of the array.
    """
    wkt = grid.crs.to_wkt()
    attributes = {**grid.crs.to_cf(), "crs_wkt": wkt, "spatial_ref": wkt}
    if 1 in grid.shape:
        a, b, c, d, e, f = tuple(grid.transform)[:6]
        attributes["GeoTransform"] = " ".join(f"{value:.17g}" for value in (c, a, b, f, d, e))
    return attributes


def axis_attributes(grid: Grid) -> tuple[dict[str, str], dict[str, str]]:
    """Return CF's attributes of the y and the x coordinate."""
    if grid.is_geographic:
        return (
            {"axis": "Y", "standard_name": "latitude", "long_name": "latitude", "units": "degrees_north"},
            {"axis": "X", "standard_name": "longitude", "long_name": "longitude", "units": "degrees_east"},
        )
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
