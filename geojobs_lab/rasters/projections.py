"""Coordinate reference systems: reading them from CF, comparing them, and going to and from longitude and latitude.

Which grid mapping belongs to a variable is `placing`'s work.
"""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

import numpy as np
from pyproj import CRS, Transformer
from pyproj.exceptions import CRSError

WGS84 = CRS.from_epsg(4326)
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
    known = {key: _plain(value) for key, value in attributes.items()}
    try:
        for key in ("crs_wkt", "spatial_ref"):
            if isinstance(known.get(key), str) and known[key].strip():
                return CRS.from_user_input(known[key])
        if "grid_mapping_name" in known:
            return CRS.from_cf(known)
        for key in ("epsg_code", "proj4", "proj4text", "proj4_params"):
            if known.get(key):
                return CRS.from_user_input(known[key])
    except (CRSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from error
    raise ValueError("it has no grid_mapping_name and no crs_wkt")


def _plain(value: Any) -> Any:
    """Return a NumPy scalar or array of an attribute as Python has it."""
    return value.tolist() if isinstance(value, np.generic | np.ndarray) else value


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
