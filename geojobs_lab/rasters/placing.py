"""Where a variable or an array lies: which dimensions are its rows, columns and time, and on which grid.

Works on plain coordinates and attributes, so that a file's variables and arrays in memory are placed by the
same rules. Files are read elsewhere.
"""

import math
import re
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
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.projections import WGS84, crs_from_attributes, is_lonlat
from geojobs_lab.rasters.rectilinear import RectilinearGrid
from geojobs_lab.rasters.spacing import Axis, EvenAxis, axis_of

_METRES = {
    "m": 1.0,
    "metre": 1.0,
    "metres": 1.0,
    "meter": 1.0,
    "meters": 1.0,
    "km": 1000.0,
    "kilometre": 1000.0,
    "kilometres": 1000.0,
    "kilometer": 1000.0,
    "kilometers": 1000.0,
}
_ANGLES = {  # radians
    "rad": 1.0,
    "radian": 1.0,
    "radians": 1.0,
    "mrad": 1e-3,
    "milliradian": 1e-3,
    "milliradians": 1e-3,
    "urad": 1e-6,
    "microradian": 1e-6,
    "microradians": 1e-6,
    "degree": math.pi / 180,
    "degrees": math.pi / 180,
}
_ROTATED_NAMES = ("rlat", "rlon", "grid_latitude", "grid_longitude")
_BEYOND_POLE = 1e-6  # degrees; a latitude may miss 90 by rounding
_SAME = 1e-3  # of a cell


@dataclass(frozen=True, slots=True)
class Place:
    """The dimensions and the grid of a raster.

    Attributes
    ----------
    y, x : str
    time : str or None
        The dimension of its time axis.
    grid : AnyGrid
    cells : tuple of str
        The longitude and the latitude of its cells, where these place it.
    """

    y: str
    x: str
    time: str | None
    grid: AnyGrid
    cells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class _Mapping:
    """A grid mapping: a name, its attributes, and the coordinates it was given for (none: for all)."""

    name: str
    attributes: Mapping[str, Any]
    coordinates: tuple[str, ...] = ()


def parse_grid_mapping(text: str) -> list[tuple[str, tuple[str, ...]]]:
    """Read a ``grid_mapping`` attribute: ``"crs"``, or ``"crsA: x y crsB: latitude longitude"``."""
    parts = re.findall(r"(\S+):((?:\s+[^\s:]+(?!\S))*)", text)
    return [(name, tuple(rest.split())) for name, rest in parts] if parts else [(text.strip(), ())]


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
    time = _first(dims, roles, Role.TIME)
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
    crs, factors = _crs_of(y, x, mappings, grid_mapping)
    lonlat = is_lonlat(crs)
    steps = _stored_steps(mappings)
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
    crs = _geodetic(_mapping_for((lat.name, lon.name), mappings, grid_mapping))
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


def _geodetic(mapping: _Mapping | None) -> CRS:
    """Return the CRS of longitudes and latitudes beside a grid mapping: those of its Earth."""
    if mapping is None:
        return WGS84
    try:
        crs = crs_from_attributes(mapping.attributes)
    except ValueError:
        return WGS84
    geodetic = crs if is_lonlat(crs) else crs.geodetic_crs
    return geodetic if geodetic is not None and is_lonlat(geodetic) else WGS84


def _first(dims: Sequence[str], roles: Mapping[str, Role], role: Role) -> str | None:
    return next((dim for dim in dims if roles.get(dim) is role), None)


def _crs_of(
    y: Coordinate, x: Coordinate, mappings: Mapping[str, Mapping[str, Any]], grid_mapping: str | None
) -> tuple[CRS, tuple[float, float]]:
    """Return the CRS and the factors (x, y) from the coordinates' units to the CRS's."""
    both_lonlat = y.role is Role.LATITUDE and x.role is Role.LONGITUDE
    mapping = _mapping_for((y.name, x.name), mappings, grid_mapping)
    if mapping is None:
        if both_lonlat or _in_degrees(y, x):
            return WGS84, (1.0, 1.0)
        raise RasterError(
            f"its axes {y.name!r} and {x.name!r} are no latitude and longitude, and no grid mapping says what they are"
        )
    try:
        crs = crs_from_attributes(mapping.attributes)
    except ValueError as error:
        raise RasterError(f"its grid mapping {mapping.name!r} cannot be read: {error}") from error
    if both_lonlat and not is_lonlat(crs):
        return _geodetic(mapping), (1.0, 1.0)  # beside the mapping of some projection
    return crs, (_factor(x, crs, mapping, 0), _factor(y, crs, mapping, 1))


def _mapping_for(
    names: tuple[str, str], mappings: Mapping[str, Mapping[str, Any]], grid_mapping: str | None
) -> _Mapping | None:
    if grid_mapping is None:
        return None
    named = [
        _Mapping(name, mappings[name], given) for name, given in parse_grid_mapping(grid_mapping) if name in mappings
    ]
    exact = [mapping for mapping in named if set(names) <= set(mapping.coordinates)]
    general = [mapping for mapping in named if not mapping.coordinates]
    return next(iter(exact + general), None)


def _in_degrees(y: Coordinate, x: Coordinate) -> bool:
    """Tell whether axes that are called Y and X, or by name alone, are in degrees."""
    return all(
        axis.units.lower().startswith("degree")
        and axis.attributes.get("standard_name") in (None, "latitude", "longitude")
        and axis.name.lower() not in _ROTATED_NAMES
        for axis in (y, x)
    )


def _factor(axis: Coordinate, crs: CRS, mapping: _Mapping, number: int) -> float:
    units = axis.units.lower()
    if units in _ANGLES and mapping.attributes.get("grid_mapping_name") == "geostationary":
        # PROJ counts scan angles in metres at the satellite.
        return _ANGLES[units] * float(mapping.attributes["perspective_point_height"])
    if units in _METRES and crs.is_projected:
        return float(_METRES[units] / crs.axis_info[number].unit_conversion_factor)
    return 1.0


def _stored_steps(mappings: Mapping[str, Mapping[str, Any]]) -> tuple[float | None, float | None]:
    """Return the signed cell sizes (x, y) of a ``GeoTransform`` attribute, as GDAL and rioxarray write it."""
    for attributes in mappings.values():
        numbers = str(attributes.get("GeoTransform", "")).split()
        if len(numbers) == 6:
            return float(numbers[1]), float(numbers[5])
    return None, None


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
            coordinates[dim] = Coordinate(str(found.name), np.asarray(found.values), found.attrs)
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
        Coordinate(str(name), np.asarray(found.values), found.attrs, dims=(str(found.dims[0]), str(found.dims[1])))
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
