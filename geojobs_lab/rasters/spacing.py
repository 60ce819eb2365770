"""The cells along an axis: one size for all of them, or each its own.

Owns the two kinds of `Axis` and how they are made of a coordinate and its bounds. What the axis is of is `axes`' work.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import WHOLE_TURN, Floats
from geojobs_lab.rasters.axes import Coordinate
from geojobs_lab.rasters.rectilinear import midpoint_bounds

_EVEN = 1e-3  # of a cell; an axis that is less even is not regular
_CLOSES = 1e-2  # of a cell; longitudes that miss a whole turn by less go round
_MEETS = 1e-3  # of a cell; bounds that are further apart leave a gap
_CENTRAL = 0.02  # of a cell; points that all lie so near to an edge are no centres


@dataclass(frozen=True, slots=True)
class EvenAxis:
    """Cells of one size along an axis, as stored.

    Attributes
    ----------
    edge : float
        The outer edge of the first cell.
    step : float
        The signed size of a cell.
    count : int
    """

    edge: float
    step: float
    count: int

    @property
    def centres(self) -> Floats:
        """(count,)."""
        return self.edge + self.step * (np.arange(self.count, dtype=np.float64) + 0.5)

    @property
    def bounds(self) -> Floats:
        """(count, 2), the edge towards the first cell first."""
        edges = self.edge + self.step * np.arange(self.count + 1, dtype=np.float64)
        return np.stack([edges[:-1], edges[1:]], axis=1)


@dataclass(frozen=True, slots=True)
class UnevenAxis:
    """Cells along an axis that have sizes of their own; as `EvenAxis`."""

    centres: Floats
    bounds: Floats


Axis = EvenAxis | UnevenAxis


def axis_of(
    coordinate: Coordinate, *, factor: float = 1.0, is_longitude: bool = False, resolution: float | None = None
) -> Axis:
    """Make the axis of a coordinate.

    The cells are as its bounds say, where these fit; otherwise they meet halfway between the points.

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
        A value is missing, the values do not go one way, or a single cell's size is unknown.
    """
    name, count = coordinate.name, coordinate.values.size
    values = coordinate.values.astype(np.float64)
    if count == 0:
        raise RasterError(f"its axis {name!r} is empty")
    if not np.isfinite(values).all():
        raise RasterError(f"its axis {name!r} has missing values")
    if count == 1:
        return _single_cell(coordinate, factor, resolution)
    if is_longitude and np.abs(np.diff(values)).max() > WHOLE_TURN / 2:
        values = np.unwrap(values, period=WHOLE_TURN)
    bounds = _usable_bounds(coordinate, values, is_longitude=is_longitude)
    even = _even(coordinate, values, bounds, is_longitude=is_longitude)
    if even is not None:
        return EvenAxis(even[0] * factor, even[1] * factor, count)
    if not ((np.diff(values) > 0).all() or (np.diff(values) < 0).all()):
        raise RasterError(f"its axis {name!r} neither rises nor falls all the way")
    if bounds is None:
        bounds = midpoint_bounds(values)
    if is_longitude:
        bounds = _whole_turn(bounds)
    share = np.abs((values - bounds[:, 0]) / np.diff(bounds)[:, 0] - 0.5)
    if (share > 0.5 - _CENTRAL).all():
        values = bounds.mean(axis=1)
    return UnevenAxis(values * factor, bounds * factor)


def _even(
    coordinate: Coordinate, values: Floats, bounds: Floats | None, *, is_longitude: bool
) -> tuple[float, float] | None:
    """Return the first edge and the step of an axis with cells of one size, or None."""
    count = values.size
    first, last = _decimal(coordinate.values[0]), _decimal(coordinate.values[-1])
    if is_longitude:
        last += round((values[-1] - float(coordinate.values[-1])) / WHOLE_TURN) * WHOLE_TURN
    step = (last - first) / (count - 1)
    if step == 0:
        return None
    uneven = float(np.abs(values - (first + step * np.arange(count))).max())
    if uneven > max(_EVEN * abs(step), _rounding(coordinate.values)):
        return None
    if is_longitude and abs(abs(step) * count - WHOLE_TURN) <= _CLOSES * abs(step):
        step = np.copysign(WHOLE_TURN / count, step)  # all the way round: no gap at the seam by rounding
    edge = first - step / 2
    if bounds is None:
        return edge, step
    # The outermost cells may end early, at a pole. What lies between them has to be as even as the points are.
    apart = bounds[1:, 0] - (edge + step * np.arange(1, count))
    slack = max(_MEETS * abs(step), _rounding(coordinate.values))
    if np.abs(apart).max() <= slack:
        return edge, step
    shift = float(np.median(apart))
    if np.abs(apart - shift).max() > slack or not np.allclose(np.diff(bounds)[:, 0], step, rtol=0, atol=2 * slack):
        return None
    return float(bounds[0, 0]), step  # points that are no centres


def _usable_bounds(coordinate: Coordinate, values: Floats, *, is_longitude: bool) -> Floats | None:
    """Return bounds in the order of the points, or None where they do not hold them or overlap."""
    found = coordinate.bounds
    if found is None or found.shape != (values.size, 2) or found.dtype.kind not in "iuf":
        return None
    bounds = found.astype(np.float64)
    if is_longitude:
        with np.errstate(invalid="ignore"):
            bounds += np.round((values[:, None] - bounds) / WHOLE_TURN) * WHOLE_TURN
    rises = values[-1] > values[0]
    bounds = np.sort(bounds, axis=1)[:, :: 1 if rises else -1]
    widths = np.abs(np.diff(bounds)[:, 0])
    if not np.isfinite(bounds).all() or not (widths > 0).all():
        return None
    slack = _MEETS * widths.min()
    low, high = bounds.min(axis=1), bounds.max(axis=1)
    if (values < low - slack).any() or (values > high + slack).any():
        return None
    gaps = (bounds[1:, 0] - bounds[:-1, 1]) * (1 if rises else -1)
    if (gaps < -slack).any():
        return None
    meet = gaps <= slack
    middle = (bounds[1:, 0] + bounds[:-1, 1]) / 2
    bounds[1:, 0][meet] = bounds[:-1, 1][meet] = middle[meet]
    return bounds


def _whole_turn(bounds: Floats) -> Floats:
    """Return bounds of longitudes that go all the way round to a thousandth of a cell as going round exactly."""
    turn = np.copysign(WHOLE_TURN, bounds[-1, 1] - bounds[0, 0])
    missing = turn - (bounds[-1, 1] - bounds[0, 0])
    if abs(missing) <= _CLOSES * np.abs(np.diff(bounds)).min():
        bounds = bounds.copy()
        bounds[-1, 1] += missing
    return bounds


def _single_cell(coordinate: Coordinate, factor: float, resolution: float | None) -> Axis:
    centre = _decimal(coordinate.values[0]) * factor
    if coordinate.bounds is not None and coordinate.bounds.shape == (1, 2):
        first, last = (float(edge) * factor for edge in coordinate.bounds[0])
        if np.isfinite([first, last]).all() and first != last:
            return EvenAxis(first, last - first, 1)
    if resolution:
        return EvenAxis(centre - resolution / 2, resolution, 1)
    raise RasterError(f"its axis {coordinate.name!r} has one step and no bounds, so the size of its cell is unknown")


def _decimal(value: Any) -> float:
    """Return the shortest decimal that a stored number stands for: 0.1, not the float32 next to it."""
    return float(np.format_float_positional(value, unique=True)) if isinstance(value, np.floating) else float(value)


def _rounding(values: npt.NDArray[Any]) -> float:
    """Return how far rounding to the stored type alone can move a value."""
    if values.dtype.kind != "f":
        return 0.0
    return 2 * float(np.spacing(np.abs(values).max()))
