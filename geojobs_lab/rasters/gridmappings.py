"""The CRS of a pair of coordinates: from a grid mapping, or from what the coordinates are themselves.

Owns the ``grid_mapping`` attribute and the units that coordinates may have beside one. What the coordinates make, the
grid, is `placing`'s matter; attributes to a CRS is `projections`'.
"""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.axes import Coordinate, Role
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


def crs_of_axes(
    y: Coordinate, x: Coordinate, mappings: Mapping[str, Mapping[str, Any]], grid_mapping: str | None
) -> tuple[CRS, tuple[float, float]]:
    """Return the CRS of two axes, and the factors (x, y) from their units to the CRS's.

    Raises
    ------
    RasterError
        Nothing says what they are; the message is the end of a sentence about the variable.
    """
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


def crs_of_cells(
    lat: Coordinate, lon: Coordinate, mappings: Mapping[str, Mapping[str, Any]], grid_mapping: str | None
) -> CRS:
    """Return the CRS of the longitudes and latitudes of cells."""
    mapping = _mapping_for((lat.name, lon.name), mappings, grid_mapping)
    return WGS84 if mapping is None else _geodetic(mapping)


def stored_steps(mappings: Mapping[str, Mapping[str, Any]]) -> tuple[float | None, float | None]:
    """Return the signed cell sizes (x, y) of a ``GeoTransform`` attribute, as GDAL and rioxarray write it."""
    for attributes in mappings.values():
        numbers = str(attributes.get("GeoTransform", "")).split()
        if len(numbers) == 6:
            return float(numbers[1]), float(numbers[5])
    return None, None


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


def _geodetic(mapping: _Mapping) -> CRS:
    """Return the CRS of longitudes and latitudes beside a grid mapping: those of its Earth."""
    try:
        crs = crs_from_attributes(mapping.attributes)
    except ValueError:
        return WGS84
    geodetic = crs if is_lonlat(crs) else crs.geodetic_crs
    return geodetic if geodetic is not None and is_lonlat(geodetic) else WGS84
