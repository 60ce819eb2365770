"""Where a variable or an array lies: which dimensions are its rows, columns and time, and on which grid.

Works on plain coordinates and attributes, so that a file's variables and arrays in memory are placed by the
same rules. Files are read elsewhere.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import xarray as xr
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.axes import Coordinate, Role, regular_axis
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.projections import WGS84, crs_from_attributes, is_lonlat

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
_RADIANS = ("rad", "radian", "radians")
_ROTATED_NAMES = ("rlat", "rlon", "grid_latitude", "grid_longitude")
_BEYOND_POLE = 1e-6  # degrees; a latitude may miss 90 by rounding


@dataclass(frozen=True, slots=True)
class Place:
    """The dimensions and the grid of a raster; `time` is the dimension of its time axis or None."""

    y: str
    x: str
    time: str | None
    grid: Grid


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
) -> Place:
    """Place a variable.

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

    Raises
    ------
    RasterError
        It cannot be placed; the message says why, as the end of a sentence about the variable.
    """
    roles = {dim: coordinates[dim].role for dim in dims if dim in coordinates}
    y = _first(dims, roles, Role.LATITUDE) or _first(dims, roles, Role.Y)
    x = _first(dims, roles, Role.LONGITUDE) or _first(dims, roles, Role.X)
    if y is None or x is None:
        raise RasterError(f"it has no latitude and longitude or y and x among its dimensions {tuple(dims)}")
    crs, factors = _crs_of(coordinates[y], coordinates[x], mappings, grid_mapping)
    lonlat = is_lonlat(crs)
    steps = _stored_steps(mappings)
    rows = regular_axis(coordinates[y], factor=factors[1], resolution=steps[1])
    cols = regular_axis(coordinates[x], factor=factors[0], is_longitude=lonlat, resolution=steps[0])
    if lonlat and np.abs(rows.centres[[0, -1]]).max() > 90 + _BEYOND_POLE:
        raise RasterError(f"its axis {coordinates[y].name!r} leaves -90..90, so it is not latitude in degrees")
    transform = Affine(cols.step, 0.0, cols.edge, 0.0, rows.step, rows.edge)
    return Place(y, x, _first(dims, roles, Role.TIME), Grid(crs, transform, (rows.count, cols.count)))


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
        # Latitude and longitude beside the mapping of some projection: they are those of its Earth.
        geodetic = crs.geodetic_crs
        return (geodetic if geodetic is not None and is_lonlat(geodetic) else WGS84), (1.0, 1.0)
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
    if units in _RADIANS and mapping.attributes.get("grid_mapping_name") == "geostationary":
        return float(
            mapping.attributes["perspective_point_height"]
        )  # PROJ counts scan angles in metres at the satellite
    if units in _METRES and crs.is_projected:
        return _METRES[units] / crs.axis_info[number].unit_conversion_factor
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
        return place([str(dim) for dim in data.dims], data.shape, coordinates, mappings, named)
    except RasterError as error:
        raise RasterError(f"the raster {data.name or 'without a name'} of shape {data.shape}: {error}") from None


def _along(data: xr.DataArray, dim: str) -> xr.DataArray | None:
    """Return an auxiliary coordinate that can stand for a dimension without one of its own."""
    for name, coordinate in data.coords.items():
        if coordinate.dims == (dim,):
            role = Coordinate(str(name), np.asarray(coordinate.values), coordinate.attrs).role
            if role is not Role.OTHER:
                found: xr.DataArray = coordinate
                return found
    return None
