"""Which coordinate is which: the roles that CF attributes, units and names give to a variable's dimensions.

Owns the one-dimensional coordinate and the regular axis made of it. The CRS is `projections`' and the whole
place is `placing`'s work.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import cftime
import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import RasterError

_EVEN = 1e-3  # of a cell; an axis that is less even is not regular
_TURN = 360.0  # degrees

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
    "latitude": "latitude",
    "lat": "latitude",
    "longitude": "longitude",
    "lon": "longitude",
    "long": "longitude",
    "y": "y",
    "northing": "y",
    "rlat": "y",
    "x": "x",
    "easting": "x",
    "rlon": "x",
}


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
    """The one-dimensional coordinate of a dimension.

    Attributes
    ----------
    name : str
        The variable that holds it.
    values : ndarray, (n,)
        Numbers (floats with NaN where missing), texts, or dates where xarray decoded them.
    attributes : Mapping
        The variable's own.
    bounds : ndarray, (n, 2), or None
        The cells' edges, where the file has them.
    """

    name: str
    values: npt.NDArray[Any]
    attributes: Mapping[str, Any]
    bounds: npt.NDArray[Any] | None = None

    @property
    def units(self) -> str:
        """The units, or an empty text."""
        return str(self.attributes.get("units", "")).strip()

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
        named = _NAMES.get(self.name.lower())
        if axis in ("Y", "X") and not (named in ("latitude", "longitude") and units.startswith("degree")):
            return Role(axis.lower())
        if axis in ("Z",) or named is None:
            return Role.OTHER
        return Role(named)

    @property
    def _standard_name(self) -> str:
        return str(self.attributes.get("standard_name", "")).strip().lower()


@dataclass(frozen=True, slots=True)
class Axis:
    """A regular axis: the outer edge of its first cell and the signed size of its cells."""

    edge: float
    step: float
    count: int

    @property
    def centres(self) -> npt.NDArray[np.float64]:
        """The cell centres, (count,)."""
        return self.edge + self.step * (np.arange(self.count, dtype=np.float64) + 0.5)


def regular_axis(
    coordinate: Coordinate, *, factor: float = 1.0, is_longitude: bool = False, resolution: float | None = None
) -> Axis:
    """Make a regular axis of cell centres.

    Parameters
    ----------
    coordinate : Coordinate
    factor : float
        From the coordinate's units to those of the CRS.
    is_longitude : bool
        Then a jump of 360 degrees in the middle (at the date line, or at Greenwich) is no irregularity.
    resolution : float, optional
        The signed size of a cell, for an axis of one cell that has no bounds.

    Raises
    ------
    RasterError
        A value is missing, the steps are uneven, or a single cell's size is unknown.
    """
    name, count = coordinate.name, coordinate.values.size
    values = coordinate.values.astype(np.float64)
    if count == 0:
        raise RasterError(f"its axis {name!r} is empty")
    if not np.isfinite(values).all():
        raise RasterError(f"its axis {name!r} has missing values")
    if count == 1:
        return _single_cell(coordinate, factor, resolution)
    first, last = _decimal(coordinate.values[0]), _decimal(coordinate.values[-1])
    if is_longitude:
        unwrapped = np.unwrap(values, period=_TURN)
        last += round((unwrapped[-1] - values[-1]) / _TURN) * _TURN
        values = unwrapped
    step = (last - first) / (count - 1)
    uneven = float(np.abs(values - (first + step * np.arange(count))).max())
    if step == 0 or uneven > max(_EVEN * abs(step), _rounding(coordinate.values)):
        raise RasterError(f"its axis {name!r} is not evenly spaced, which is not supported yet")
    if is_longitude and abs(abs(step) * count - _TURN) <= _EVEN * abs(step):
        step = math.copysign(_TURN / count, step)  # all the way round: no gap at the seam by rounding
    return Axis((first - step / 2) * factor, step * factor, count)


def _single_cell(coordinate: Coordinate, factor: float, resolution: float | None) -> Axis:
    centre = _decimal(coordinate.values[0]) * factor
    if coordinate.bounds is not None and coordinate.bounds.shape == (1, 2):
        first, last = (float(edge) * factor for edge in coordinate.bounds[0])
        if np.isfinite([first, last]).all() and first != last:
            return Axis(first, last - first, 1)
    if resolution:
        return Axis(centre - resolution / 2, resolution, 1)
    raise RasterError(f"its axis {coordinate.name!r} has one step and no bounds, so the size of its cell is unknown")


def _decimal(value: Any) -> float:
    """Return the shortest decimal that a stored number stands for: 0.1, not the float32 next to it."""
    return float(np.format_float_positional(value, unique=True)) if isinstance(value, np.floating) else float(value)


def _rounding(values: npt.NDArray[Any]) -> float:
    """Return how far rounding to the stored type alone can move a value."""
    if values.dtype.kind != "f":
        return 0.0
    return 2 * float(np.spacing(np.abs(values).max()))
