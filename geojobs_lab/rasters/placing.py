"""Where a variable or an array lies: which dimensions are its rows, columns and time, and on which grid.

Works on plain coordinates and attributes, so that a file's variables and arrays in memory are placed by the
same rules. Files are read elsewhere; the CRS of coordinates is `gridmappings`'.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import WHOLE_TURN, AnyGrid, Floats
from geojobs_lab.rasters.axes import Coordinate, Role
from geojobs_lab.rasters.cellbounds import recall_corners, recall_edges
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.gridmappings import crs_of_axes, crs_of_cells, parse_grid_mapping, stored_steps
from geojobs_lab.rasters.projections import is_lonlat
from geojobs_lab.rasters.rectilinear import RectilinearGrid
from geojobs_lab.rasters.spacing import Axis, EvenAxis, axis_of

_BEYOND_POLE = 1e-6  # degrees; a latitude may miss 90 by rounding
_SAME = 1e-3  # of a cell


@dataclass(frozen=True, slots=True)
class Place:
    """The dimensions and the grid of a raster.

    Attributes
    ----------
    y, x : str
    time : str or None
        The dimension of its time axis; one that counts from no date is a dimension like others.
    grid : AnyGrid
    cells : tuple of str
        The longitude and the latitude of its cells, where these place it.
    """

    y: str
    x: str
    time: str | None
    grid: AnyGrid
    cells: tuple[str, ...] = ()


def place(
    dims: Sequence[str],
    shape: Sequence[int],
    coordinates: Mapping[str, Coordinate],
    mappings: Mapping[str, Mapping[str, Any]],
    grid_mapping: str | None,
    cells: Callable[[], Sequence[Coordinate]] = tuple,
) -> Place:
    """Place a variable.

    By the axes among its dimensions; where there are none, or nothing says what these are in, by the longitudes and
    latitudes of its cells.

    Parameters
    ----------
    dims, shape : sequence
        Of the variable, in the order stored.
    coordinates : Mapping
        Dimension -> its coordinate, where it has one.
    mappings : Mapping
        Name -> attributes of the grid mapping variables at hand.
    grid_mapping : str or None
        The variable's own ``grid_mapping`` attribute.
    cells : callable
        Returns the two-dimensional coordinates at hand, the better known ones first; asked only where axes do not tell,
        for these can be large.

    Raises
    ------
    RasterError
        It cannot be placed; the message says why, as the end of a sentence about the variable.
    """
    roles = {dim: coordinates[dim].role for dim in dims if dim in coordinates}
    time = _first([dim for dim in roles if coordinates[dim].holds_dates], roles, Role.TIME)
    y = _first(dims, roles, Role.LATITUDE) or _first(dims, roles, Role.Y)
    x = _first(dims, roles, Role.LONGITUDE) or _first(dims, roles, Role.X)
    refused: RasterError | None = None
    if y is not None and x is not None:
        try:
            where = Place(y, x, time, _straight(coordinates[y], coordinates[x], mappings, grid_mapping))
        except RasterError as error:
            refused = error
        else:
            if _says_what(coordinates[y]) or _says_what(coordinates[x]):
                return where
    found = _of_cells(dims, cells())
    if found is not None:
        return _bent(*found, time, mappings, grid_mapping)
    if refused is not None:
        raise refused
    if y is not None and x is not None:
        return where
    raise RasterError(f"it has no latitude and longitude or y and x among its dimensions {tuple(dims)}")


def _straight(
    y: Coordinate, x: Coordinate, mappings: Mapping[str, Mapping[str, Any]], grid_mapping: str | None
) -> Grid | RectilinearGrid:
    """Return the grid of two axes."""
    crs, factors = crs_of_axes(y, x, mappings, grid_mapping)
    lonlat = is_lonlat(crs)
    steps = stored_steps(mappings)
    rows = axis_of(y, factor=factors[1], resolution=steps[1])
    cols = axis_of(x, factor=factors[0], is_longitude=crs.is_geographic, resolution=steps[0])
    if lonlat and np.abs(rows.centres[[0, -1]]).max() > 90 + _BEYOND_POLE:
        raise RasterError(f"its axis {y.name!r} leaves -90..90, so it is not latitude in degrees")
    return _grid(crs, rows, cols)


def _grid(crs: CRS, rows: Axis, cols: Axis) -> Grid | RectilinearGrid:
    if isinstance(rows, EvenAxis) and isinstance(cols, EvenAxis):
        transform = Affine(cols.step, 0.0, cols.edge, 0.0, rows.step, rows.edge)
        return Grid(crs, transform, (rows.count, cols.count))
    return RectilinearGrid(crs, cols.centres, rows.centres, cols.bounds, rows.bounds)


def _says_what(axis: Coordinate) -> bool:
    """Tell whether an axis is more than numbers with a name, which may be those of its cells."""
    known = axis.attributes.get("standard_name") or (axis.units and axis.units != "1")
    return bool(known) or axis.role in (Role.LATITUDE, Role.LONGITUDE)


def _of_cells(dims: Sequence[str], cells: Sequence[Coordinate]) -> tuple[Coordinate, Coordinate] | None:
    """Return the longitudes and latitudes of a variable's cells."""
    for lat in cells:
        if lat.role is Role.LATITUDE and set(lat.dims) <= set(dims):
            for lon in cells:
                if lon.role is Role.LONGITUDE and lon.dims == lat.dims:
                    return lon, lat
    return None


def _bent(
    lon: Coordinate,
    lat: Coordinate,
    time: str | None,
    mappings: Mapping[str, Mapping[str, Any]],
    grid_mapping: str | None,
) -> Place:
    """Place a variable by the longitudes and latitudes of its cells, which may turn out to be straight."""
    crs = crs_of_cells(lat, lon, mappings, grid_mapping)
    lons, lats = _known(lon.values), _known(lat.values)
    if np.nanmax(np.abs(lats), initial=0) > 90 + _BEYOND_POLE:
        raise RasterError(f"its {lat.name!r} leaves -90..90, so it is not latitude in degrees")
    for number, (y, x) in enumerate((lat.dims, lat.dims[::-1])):
        axes = [values if number == 0 else values.T for values in (lats, lons)]
        lines = _line(axes[0].T), _line(axes[1])
        if lines[0] is not None and lines[1] is not None:
            rows = axis_of(Coordinate(lat.name, lines[0], lat.attributes))
            cols = axis_of(Coordinate(lon.name, lines[1], lon.attributes), is_longitude=True)
            return Place(y, x, time, _grid(crs, rows, cols), (lon.name, lat.name))
    corners = None
    if lon.bounds is not None and lat.bounds is not None:
        corners = lon.bounds.astype(np.float64), lat.bounds.astype(np.float64)
        if any(part.shape != (*lons.shape, 4) for part in corners):
            corners = None
    y, x = lat.dims
    return Place(y, x, time, CurvilinearGrid(crs, lons, lats, corners), (lon.name, lat.name))


def _known(values: npt.NDArray[Any]) -> Floats:
    """Return degrees as floats; what is far from any is missing, whether the file says so or not."""
    degrees = values.astype(np.float64)
    with np.errstate(invalid="ignore"):
        return np.where(np.abs(degrees) <= 2 * WHOLE_TURN + 90, degrees, np.nan)


def _line(values: Floats) -> npt.NDArray[Any] | None:
    """Return the first row if all rows are the same, with at least two different values in it."""
    first = values[0]
    if first.size < 2 or not np.isfinite(values).all() or first[0] == first[1]:
        return None
    slack = _SAME * np.abs(np.diff(first)).min()
    return first if (np.abs(values - first) <= slack).all() else None


def _first(dims: Sequence[str], roles: Mapping[str, Role], role: Role) -> str | None:
    return next((dim for dim in dims if roles.get(dim) is role), None)


def place_array(data: xr.DataArray) -> Place:
    """Place an array by its coordinates, its grid mapping coordinate, or the CRS that rioxarray wrote.

    Raises
    ------
    RasterError
        The message describes the array and says what is missing.
    """
    coordinates = {}
    for dim in map(str, data.dims):
        found = data.coords[dim] if dim in data.coords else _along(data, dim)
        if found is not None:
            coordinates[dim] = Coordinate(str(found.name), np.asarray(found.values), found.attrs, recall_edges(found))
    mappings = {
        str(name): coordinate.attrs
        for name, coordinate in data.coords.items()
        if coordinate.ndim == 0 and {"grid_mapping_name", "crs_wkt", "spatial_ref"} & coordinate.attrs.keys()
    }
    named = data.encoding.get("grid_mapping") or data.attrs.get("grid_mapping")
    if named is None:  # arithmetic loses it; the rows and columns of a data set's raster remember theirs
        remembered = (data.coords[dim].encoding.get("grid_mapping") for dim in data.dims if dim in data.coords)
        named = next(filter(None, remembered), None)
    if named is None or not any(name in mappings for name, _ in parse_grid_mapping(str(named))):
        named = next(iter(mappings), None)
    try:
        return place([str(dim) for dim in data.dims], data.shape, coordinates, mappings, named, lambda: _cells_of(data))
    except RasterError as error:
        raise RasterError(f"the raster {data.name or 'without a name'} of shape {data.shape}: {error}") from None


def _cells_of(data: xr.DataArray) -> list[Coordinate]:
    return [
        Coordinate(
            str(name),
            np.asarray(found.values),
            found.attrs,
            recall_corners(data, str(name)),
            (str(found.dims[0]), str(found.dims[1])),
        )
        for name, found in data.coords.items()
        if found.ndim == 2 and found.dtype.kind in "iuf"
    ]


def _along(data: xr.DataArray, dim: str) -> xr.DataArray | None:
    """Return an auxiliary coordinate that can stand for a dimension without one of its own."""
    for name, coordinate in data.coords.items():
        if coordinate.dims == (dim,):
            role = Coordinate(str(name), np.asarray(coordinate.values), coordinate.attrs).role
            if role is not Role.OTHER:
                found: xr.DataArray = coordinate
                return found
    return None
