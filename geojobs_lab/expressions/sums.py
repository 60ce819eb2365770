"""The sum of a block's cells, and that of the squares of their deviations from the mean, in as few passes as are exact.

Sums of the values and of their squares are taken together, without a pass that subtracts the mean: that is exact while
the mean is not far from 0 beside the deviations. Where it is, the values are shifted, by one of them at first, so that
equal ones deviate by exactly 0, and then by the mean of what is left.

Large blocks of float32 are added up by BLAS in short rows of their own type, and the rows in float64: the result is
that of numbers which differ from the given ones by about the last digit of a float32. All else is done in float64, also
float32 whose squares are too small or too large for it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Mask
from geojobs_lab.expressions.selecting import set_zero
from geojobs_lab.expressions.workspace import Workspace

_FLOAT32, _FLOAT64 = np.dtype(np.float32), np.dtype(np.float64)
_ROW = 256  # numbers that are added up at once: few, so that no digits are lost and BLAS starts no threads
_ONES = {dtype: np.ones(_ROW, dtype) for dtype in (_FLOAT32, _FLOAT64)}
_LEAST = 2**14  # cells of float32 that are worth being added up in their own type
_SAMPLE = 64  # cells that show whether it is worth to try
_LEAST_SQUARE = 1e-30  # mean of squares of float32, which have all their digits above 1e-38
# How often the variance may go into the square of the mean: so many times larger errors of rounding become.
_FARTHEST = 1e3
_FARTHEST_WIDENED = 1e6  # of float32 in float64: 1e-10
_FARTHEST_NARROW = 4.0  # of float32 in float32


@dataclass(slots=True)
class Sums:
    """What was found in a block.

    Attributes
    ----------
    count : int
        Of the cells that are not missing.
    total : float
    mean : float
        Of equal cells exactly their value; 0 where there are none.
    squares : float
        The sum of the squares of the deviations from the mean.
    """

    count: int
    total: float
    mean: float
    squares: float = 0.0


def sums(data: Array, missing: Mask | None, space: Workspace, *, squares: bool) -> Sums:
    """Return the sums of the cells of a block.

    Parameters
    ----------
    data : ndarray
        Floats that are NaN are missing.
    missing : ndarray of bool, optional
        Where cells of other types are missing, of a shape that broadcasts.
    space : Workspace
    squares : bool
        Whether their sum is wanted too.
    """
    if data.dtype == _FLOAT32 and data.size >= _LEAST and hasattr(np, "vecdot"):
        found = _narrow(data, space, squares=squares)
        if found is not None:
            return found
    return _wide(data, missing, space, squares=squares)


def _narrow(data: Array, space: Workspace, *, squares: bool) -> Sums | None:
    """Return the sums of float32 without making them wider, or None where that is not exact."""
    values = data if _lies_together(data) else _copy(data, _FLOAT32, space)
    flat, found = values.ravel(order="K"), None
    if not squares or _may_be_exact(flat):
        found = _added_up(flat, squares=squares)
    if values is not data:
        space.give(values)
    if found is None or not math.isfinite(found.total):
        return None
    return found.sums() if not squares or found.is_exact(_FARTHEST_NARROW, _LEAST_SQUARE) else None


def _may_be_exact(flat: Array) -> bool:
    """Tell whether a few of the cells do not show that the mean is too far from 0."""
    some = flat[:: len(flat) // _SAMPLE].astype(_FLOAT64)
    total, square = float(np.add.reduce(some)), float(np.dot(some, some))
    return not total * total > 2 * _FARTHEST_NARROW * (len(some) * square - total * total)  # NaN shows nothing


def _wide(data: Array, missing: Mask | None, space: Workspace, *, squares: bool) -> Sums:
    """Return the sums in float64."""
    values = data if data.dtype == _FLOAT64 and _lies_together(data) else _copy(data, _FLOAT64, space)
    if missing is not None:
        missing = np.broadcast_to(missing, data.shape)
        set_zero(values, missing)
    raw = _added_up(values.ravel(order="K"), squares=squares)
    if missing is not None:
        raw.count -= int(np.count_nonzero(missing))
    farthest = _FARTHEST_WIDENED if data.dtype == _FLOAT32 else _FARTHEST
    if not squares or raw.is_exact(farthest, 0.0) or not math.isfinite(raw.total):
        found = raw.sums()
    else:
        if values is data:
            values = _copy(data, _FLOAT64, space)
        found = _shifted(values, missing, raw)
    if values is not data:
        space.give(values)
    return found


def _shifted(values: Array, missing: Mask | None, raw: _Added) -> Sums:
    """Return the sums by the deviations of the values, to which is written, from one of them or from their mean."""

    def shift(step: float) -> _Added:
        np.subtract(values, step, out=values)
        if missing is not None:
            set_zero(values, missing)
        added = _added_up(values.ravel(order="K"), squares=True)
        return _Added(raw.count, added.total, added.square)

    first = int(np.argmin(np.isnan(values) if missing is None else missing))
    mean = float(values.flat[first])
    added = shift(mean)
    if not added.is_exact(_FARTHEST, 0.0):
        mean += added.mean
        added = shift(added.mean)
    return Sums(raw.count, raw.total, mean + added.mean, added.deviations)


@dataclass(slots=True)
class _Added:
    """How many values there are, their sum and that of their squares, as they are."""

    count: int
    total: float
    square: float

    @property
    def mean(self) -> float:
        return self.total / max(self.count, 1)

    @property
    def deviations(self) -> float:
        """The sum of the squares of the deviations from the mean."""
        return max(self.square - self.total * self.mean, 0.0)

    def is_exact(self, farthest: float, least: float) -> bool:
        """Tell whether the deviations have nearly all digits: the mean is near to 0, the mean square no less."""
        if not self.square:
            return not (least and self.count)
        near = self.total * self.mean <= farthest * self.deviations
        return near and least * self.count <= self.square < math.inf

    def sums(self) -> Sums:
        return Sums(self.count, self.total, self.mean, self.deviations)


def _added_up(flat: Array, *, squares: bool) -> _Added:
    """Return the sums of the values that are not NaN; those of squares are 0 where they are not wanted."""
    whole = len(flat) // _ROW * _ROW
    parts = [flat[:whole].reshape(-1, _ROW)] if whole else []
    if whole < len(flat):
        last = np.zeros((1, _ROW), flat.dtype)
        last[0, : len(flat) - whole] = flat[whole:]
        parts.append(last)
    found = [_rows_added_up(rows, squares=squares) for rows in parts]
    holes, total, square = (sum(numbers) for numbers in zip(*found, strict=True)) if found else (0, 0.0, 0.0)
    return _Added(len(flat) - int(holes), total, square)


def _rows_added_up(rows: Array, *, squares: bool) -> tuple[int, float, float]:
    """Return how many NaN there are, and the sums of all else. Only rows in which one is are looked through for it."""
    ones, holes = _ONES[rows.dtype], 0
    totals, each = _dots(rows, ones), _dots(rows, rows) if squares else np.zeros(len(rows))
    holed = np.isnan(totals)
    if holed.any():
        some = rows[holed]
        missing = np.isnan(some)
        holes = int(np.count_nonzero(missing))
        set_zero(some, missing)
        totals[holed], each[holed] = _dots(some, ones), _dots(some, some)
    return holes, float(np.add.reduce(totals, dtype=_FLOAT64)), float(np.add.reduce(each, dtype=_FLOAT64))


def _dots(rows: Array, others: Array) -> Array:
    if hasattr(np, "vecdot"):  # numpy 2
        return np.asarray(np.vecdot(rows, others))
    return np.asarray(np.einsum("ij,ij->i", rows, np.broadcast_to(others, rows.shape)))


def _lies_together(data: Array) -> bool:
    return data.flags.c_contiguous or data.flags.f_contiguous


def _copy(data: Array, dtype: np.dtype[Any], space: Workspace) -> Array:
    values = space.take(data.shape, dtype)
    np.copyto(values, data)
    return values
