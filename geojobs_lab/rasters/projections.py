"""Coordinate reference systems: reading them from CF, comparing them, and going to and from longitude and latitude.

Which grid mapping belongs to a variable is `placing`'s work.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

WGS84 = CRS.from_epsg(4326)

# Attributes that files have instead of CF's, or beside them.
_CODES = ("epsg_code", "epsg", "EPSG_code", "EPSG", "spatial_epsg")
_PROJ4 = ("proj4", "proj4text", "proj4_params", "proj4_string", "proj_params", "proj4string")
_TEXTS = (*_PROJ4, "crs", "esri_pe_string")
_EARTH = {
    "crs_wkt", "earth_radius", "geographic_crs_name", "horizontal_datum_name", "inverse_flattening",
    "reference_ellipsoid_name", "semi_major_axis", "semi_minor_axis",
}  # fmt: skip
_CONES = ("albers_conical_equal_area", "lambert_conformal_conic")
_OTHER_NAMES = {
    "straight_vertical_longitude_from_pole": ("longitude_of_projection_origin", "longitude_of_central_meridian"),
    "longitude_of_central_meridian": ("longitude_of_projection_origin",),
    "longitude_of_projection_origin": ("longitude_of_central_meridian",),
}
_DEFAULTS: dict[str, dict[str, Any]] = {  # of parameters that PROJ does not fill in by itself
    "polar_stereographic": {"straight_vertical_longitude_from_pole": 0.0},
    "rotated_latitude_longitude": {"grid_north_pole_longitude": 0.0},
    "geostationary": {"longitude_of_projection_origin": 0.0, "latitude_of_projection_origin": 0.0},
}
_SHAPE = {"earth_radius", "inverse_flattening", "reference_ellipsoid_name", "semi_minor_axis"}
_NO_NAMES = ("", "undefined", "unknown", "unnamed")  # what PROJ and CF call a CRS that nobody has named


def is_lonlat(crs: CRS) -> bool:
    """Tell whether x and y of this CRS are plain degrees of longitude (from Greenwich) and latitude.

    A rotated pole is geographic to PROJ, and is not this.
    """
    if not crs.is_geographic or crs.is_derived:
        return False
    meridian = crs.prime_meridian
    return (meridian is None or meridian.longitude == 0) and all(
        axis.unit_name.startswith("degree") for axis in crs.axis_info[:2]
    )


def same_crs(one: CRS, other: CRS) -> bool:
    """Tell whether two CRSs put the same numbers at the same places, whatever they are called."""
    if one is other or one.equals(other, ignore_axis_order=True):
        return True
    if not (one.is_derived and other.is_derived):
        return False
    # PROJ finds a rotated pole different from its own WKT: compare the parameters instead.
    mine, theirs = _parameters(one), _parameters(other)
    return bool(mine) and mine == theirs


def _parameters(crs: CRS) -> dict[str, Any]:
    document = crs.to_cf()
    if "grid_mapping_name" not in document or document["grid_mapping_name"] == "unknown":
        return {}
    return {
        key: value
        for key, value in document.items()
        if key == "grid_mapping_name" or not (key.endswith("_name") or key == "crs_wkt")
    }


def crs_from_attributes(attributes: Mapping[str, Any]) -> CRS:
    """Read the CRS of a grid mapping variable from its attributes.

    Raises
    ------
    ValueError
        The attributes name no CRS that PROJ can make.
    """
    return _crs_of_items(tuple((key, _plain(value)) for key, value in attributes.items()))


@lru_cache(maxsize=64)  # the variables of a file share theirs
def _crs_of_items(items: tuple[tuple[str, Any], ...]) -> CRS:
    known = {key: list(value) if isinstance(value, tuple) else value for key, value in items}
    failed: Exception | None = None
    for read in (
        _from_text(known, ("crs_wkt", "spatial_ref")),
        _from_text(known, _PROJ4 if _lacks_earth(known) else ()),
        _from_cf(known),
        _from_code(known),
        _from_text(known, _TEXTS),
    ):
        try:
            found = next(read, None)
        except (CRSError, KeyError, TypeError, ValueError) as error:
            failed = failed or error  # another attribute may tell
            continue
        if found is not None:
            return found
    if failed is not None:
        raise ValueError(f"{type(failed).__name__}: {failed}") from failed
    raise ValueError("it has no grid_mapping_name and no crs_wkt")


def _lacks_earth(attributes: Mapping[str, Any]) -> bool:
    """Tell whether CF's attributes name a projection, but not of which Earth: met.no's text beside them tells that."""
    name = str(attributes.get("grid_mapping_name", "")).strip().lower()
    return name not in ("", "latitude_longitude", "rotated_latitude_longitude") and not _EARTH & attributes.keys()


def tells_crs(attributes: Mapping[str, Any]) -> bool:
    """Tell whether attributes say by other means than CF's what the coordinates are in."""
    return bool({"crs_wkt", "spatial_ref", *_CODES, *_TEXTS} & attributes.keys())


def _from_text(attributes: Mapping[str, Any], keys: Iterable[str]) -> Iterator[CRS]:
    for key in keys:
        text = str(attributes.get(key, "")).strip()
        if text:
            yield _crs_of_text(f"EPSG:{text}" if text.isdigit() else text)


@lru_cache(maxsize=64)
def _crs_of_text(text: str) -> CRS:
    return CRS.from_user_input(text)


def _from_code(attributes: Mapping[str, Any]) -> Iterator[CRS]:
    for key in _CODES:
        text = str(attributes.get(key, "")).strip().upper().removeprefix("EPSG:").removesuffix(".0")
        if text:
            yield CRS.from_epsg(text)


def _from_cf(attributes: Mapping[str, Any]) -> Iterator[CRS]:
    """Read CF's attributes, with what is left out as the standard has it."""
    if "grid_mapping_name" not in attributes:
        return
    name = str(attributes["grid_mapping_name"]).strip().lower()
    known = {**attributes, "grid_mapping_name": name}
    if name == "universal_transverse_mercator":
        known |= _utm(attributes)
    for key, others in _OTHER_NAMES.items():
        there = [known[other] for other in others if other in known]
        if there:
            known.setdefault(key, there[0])
    for key, value in _DEFAULTS.get(known["grid_mapping_name"], {}).items():
        known.setdefault(key, value)
    parallels = _parallels(known.get("standard_parallel"))
    if len(parallels) == 1 and name == "lambert_conformal_conic":
        known.setdefault("latitude_of_projection_origin", parallels[0])
    if len(parallels) == 1:
        # A cone that touches at one parallel is one that cuts at the same one twice.
        known["standard_parallel"] = parallels * 2 if name in _CONES else parallels[0]
    elif parallels:
        known["standard_parallel"] = parallels
    if name == "polar_stereographic" and "latitude_of_projection_origin" not in known:
        known["latitude_of_projection_origin"] = math.copysign(90.0, parallels[0] if parallels else 90.0)
    if name == "geostationary" and not {"sweep_angle_axis", "fixed_angle_axis"} & known.keys():
        known["sweep_angle_axis"] = "y"
    if _SHAPE & known.keys() and not {"prime_meridian_name", "longitude_of_prime_meridian"} & known.keys():
        # What is meant without them; pyproj would take 0.3 s to look Greenwich up.
        known |= {"prime_meridian_name": "Greenwich", "longitude_of_prime_meridian": 0.0}
    yield CRS.from_cf(known)


def _parallels(value: Any) -> list[float]:
    if isinstance(value, str):
        value = value.replace(",", " ").split()
    values = value if isinstance(value, list) else [] if value is None else [value]
    return [float(parallel) for parallel in values]


def _utm(attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return a UTM zone, negative in the south, as the transverse Mercator projection that it is."""
    zone = int(attributes["utm_zone_number"])
    return {
        "grid_mapping_name": "transverse_mercator",
        "longitude_of_central_meridian": 6.0 * abs(zone) - 183.0,
        "latitude_of_projection_origin": 0.0,
        "scale_factor_at_central_meridian": 0.9996,
        "false_easting": 500_000.0,
        "false_northing": 0.0 if zone > 0 else 10_000_000.0,
    }


def _plain(value: Any) -> Any:
    """Return an attribute as Python has it and as it can be a key: a text, a number, or numbers or texts in a row."""
    if isinstance(value, np.generic | np.ndarray):
        value = value.tolist()
    if isinstance(value, list | tuple):
        return tuple(map(str, value)) if any(isinstance(part, list) for part in value) else tuple(value)
    return value if isinstance(value, str | int | float) else str(value)


@lru_cache(maxsize=64)
def to_wgs84(crs: CRS) -> Transformer:
    """Return the transformer from x, y of `crs` to longitude, latitude in degrees (kept: making one is slow)."""
    return Transformer.from_crs(crs, WGS84, always_xy=True)


@lru_cache(maxsize=256)
def epsg_code(crs: CRS) -> int | None:
    """Return the EPSG code, or None (kept: the search takes milliseconds)."""
    return crs.to_epsg()


def crs_label(crs: CRS) -> str:
    """Return ``EPSG:4326``, or `crs_name` where it has no code."""
    code = epsg_code(crs)
    return f"EPSG:{code}" if code else crs_name(crs)


def crs_name(crs: CRS) -> str:
    """Return the CRS's name; where it has none, as in many CF files, its projection and the Earth's shape."""
    if crs.name.lower() not in _NO_NAMES:
        return str(crs.name)
    operation, earth = crs.coordinate_operation, crs.ellipsoid
    what = "longitude and latitude" if operation is None else operation.method_name.partition(" (")[0]
    if earth is None:
        return what
    shape = "an ellipsoid" if earth.inverse_flattening else "a sphere"
    return f"{what} on {shape} of {earth.semi_major_metre / 1000:.8g} km"
