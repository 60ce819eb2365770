"""Which coordinate is which: the roles that CF attributes, units and names give to what goes with a variable.

The cells along an axis are `spacing`'s, the CRS is `projections`' and the whole place is `placing`'s work.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cftime
import numpy.typing as npt

LATITUDE_UNITS = {"degrees_north", "degree_north", "degree_n", "degrees_n", "degreen", "degreesn"}
LONGITUDE_UNITS = {"degrees_east", "degree_east", "degree_e", "degrees_e", "degreee", "degreese"}
_STANDARD_NAMES = {
    "latitude": "latitude",
    "longitude": "longitude",
    "grid_latitude": "y",
    "grid_longitude": "x",
    "projection_y_coordinate": "y",
    "projection_x_coordinate": "x",
    "projection_y_angular_coordinate": "y",
    "projection_x_angular_coordinate": "x",
    "time": "time",
}
_NAMES = {
    "y": "y",
    "northing": "y",
    "rlat": "y",
    "x": "x",
    "easting": "x",
    "rlon": "x",
}
# lat, latitude_1, lat2d, nav_lat (NEMO), XLAT and XLAT_U (WRF), lat_rho (ROMS), TLAT (POP), geolat_t (MOM), gridlat_0
_BEFORE = r"(?:x|t|u|v|q|f|c|s|nav_|geo|grid|g\d_)?"
_AFTER = r"s?(?:_?\d{1,2}|2d|_[a-z]|_(?:rho|psi|cent(?:er|re)))?"
_LATITUDE = re.compile(_BEFORE + r"(?:lat|latitude)" + _AFTER, re.IGNORECASE)
_LONGITUDE = re.compile(_BEFORE + r"(?:lon|long|longitude)" + _AFTER, re.IGNORECASE)


class Role(StrEnum):
    """What a dimension is to a raster; Y and X leave open which CRS they are of."""

    LATITUDE = "latitude"
    LONGITUDE = "longitude"
    Y = "y"
    X = "x"
    TIME = "time"
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Coordinate:
    """The coordinate of a dimension, or of the cells of two.

    Attributes
    ----------
    name : str
        The variable that holds it.
    values : ndarray, (n,) or (ny, nx)
        Numbers (floats with NaN where missing), texts, or dates where xarray decoded them.
    attributes : Mapping
        The variable's own.
    bounds : ndarray, (n, 2) or (ny, nx, 4), or None
        The cells' edges or corners, where the file has them.
    dims : tuple of str
        Of the values, where that matters.
    """

    name: str
    values: npt.NDArray[Any]
    attributes: Mapping[str, Any]
    bounds: npt.NDArray[Any] | None = None
    dims: tuple[str, ...] = ()

    @property
    def units(self) -> str:
        """The units, or an empty text."""
        return str(self.attributes.get("units", "")).strip()

    @property
    def holds_dates(self) -> bool:
        """Whether the values are dates, or count from one: those of an axis of time need not."""
        return self.values.dtype.kind in "MO" or " since " in self.units.lower()

    @property
    def role(self) -> Role:
        """What it is: by standard name, then units, then axis, then name."""
        kind = self.values.dtype.kind
        if kind == "M" or (kind == "O" and self.values.size and isinstance(self.values.flat[0], cftime.datetime)):
            return Role.TIME if self._standard_name in ("", "time") else Role.OTHER
        if kind not in "iuf":
            return Role.OTHER
        if self._standard_name in _STANDARD_NAMES:
            return Role(_STANDARD_NAMES[self._standard_name])
        units = self.units.lower()
        if units in LATITUDE_UNITS:
            return Role.LATITUDE
        if units in LONGITUDE_UNITS:
            return Role.LONGITUDE
        axis = str(self.attributes.get("axis", "")).strip().upper()
        if axis == "T" or (" since " in units and not self._standard_name):
            return Role.TIME
        named = _named(self.name)
        if axis in ("Y", "X") and not (named in ("latitude", "longitude") and units.startswith("degree")):
            return Role(axis.lower())
        if axis in ("Z",) or named is None:
            return Role.OTHER
        return Role(named)

    @property
    def _standard_name(self) -> str:
        return str(self.attributes.get("standard_name", "")).strip().lower()


def _named(name: str) -> str | None:
    if _LATITUDE.fullmatch(name):
        return "latitude"
    return "longitude" if _LONGITUDE.fullmatch(name) else _NAMES.get(name.lower())
