"""What is found in one block for sums, moments and extremes, and how blocks are put together.

Missing cells are skipped. Sums of integers are exact. The mean and the squared deviations from it are those of each
block by itself, which `sums` finds, and put together as in Chan, Golub and LeVeque, Updating Formulae and a Pairwise
Algorithm for Computing Sample Variances, 1979: nothing is lost, however far the mean is from 0, and nothing depends on
the threads. Along an axis they are taken in float64, in two steps while a block is in the cache.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask
from geojobs_lab.expressions.selecting import set_zero
from geojobs_lab.expressions.sums import sums
from geojobs_lab.expressions.workspace import Workspace

_FLOAT64 = np.dtype(np.float64)


class Wanted:
    """What has to be found for some functions of cells of a type."""

    def __init__(self, functions: Collection[str], dtype: np.dtype[Any], *, alone: bool) -> None:
        self.floats = dtype.kind == "f"
        self.low, self.high = "min" in functions, "max" in functions
        self.squares = "std" in functions or "var" in functions
        self.total = self.squares or "mean" in functions or (self.floats and "sum" in functions)
        exact = not self.floats and "sum" in functions
        self.exact = (np.uint64 if dtype.kind == "u" else np.int64) if exact else None
        # Extremes of floats are NaN by themselves where there are none.
        self.count = self.total or "count" in functions or not self.floats
        moments = dtype if self.floats and not alone else _FLOAT64  # a scalar needs no narrow type
        self.dtypes = {"count": np.dtype(np.int64), "min": dtype, "max": dtype}
        self.dtypes["sum"] = np.dtype(self.exact) if self.exact is not None else moments
        self.dtypes |= dict.fromkeys(("mean", "std", "var"), moments)


class Part:
    """What was found of a block: numbers, or arrays along the axes that stay."""

    __slots__ = ("count", "exact", "high", "low", "mean", "squares", "total")

    def __init__(self) -> None:
        self.count: Any = 0
        self.total: Any = 0.0
        self.mean: Any = 0.0
        self.squares: Any = 0.0  # of the deviations from the mean
        self.exact: Any = None  # the sum of integers
        self.low: Any = None
        self.high: Any = None

    def join(self, other: Part) -> None:
        """Take in another part."""
        count = self.count + other.count
        share = self.count * (other.count / np.maximum(count, 1))
        self.squares = self.squares + other.squares + np.square(other.mean - self.mean) * share
        self.total, self.count = self.total + other.total, count
        self.mean = self.total / np.maximum(count, 1)
        if other.exact is not None:
            self.exact = self.exact + other.exact
        if other.low is not None:
            self.low = np.fmin(self.low, other.low)
        if other.high is not None:
            self.high = np.fmax(self.high, other.high)

    def result(self, function: str) -> Any:
        """Return a function of all that was found."""
        match function:
            case "count":
                return self.count
            case "min":
                return self.low
            case "max":
                return self.high
            case "mean":
                return self.mean
            case "sum":
                return self.total if self.exact is None else self.exact
        spread = self.squares / np.maximum(self.count, 1)
        return np.sqrt(spread) if function == "std" else spread


def found_in(cells: Cells, place: int | None, wanted: Wanted, space: Workspace) -> Part:
    """Return what is found in a block, along an axis or of all its cells."""
    part, data = Part(), cells.data
    if not wanted.total:
        missing = cells.missing if wanted.count else cells.marked
        part.count = _present(data, missing, place)
    elif place is None:
        missing = cells.marked
        found = sums(data, missing, space, squares=wanted.squares)
        part.count, part.total, part.mean, part.squares = found.count, found.total, found.mean, found.squares
    else:
        missing = _add_along(part, cells, place, wanted, space)
    present: Any = True if missing is None or wanted.floats else ~missing
    if wanted.exact is not None:
        part.exact = np.add.reduce(data, axis=place, dtype=wanted.exact, where=present)
    if wanted.low:
        part.low = _extreme(np.fmin, data, place, present)
    if wanted.high:
        part.high = _extreme(np.fmax, data, place, present)
    return part


def _present(data: Array, missing: Mask | None, place: int | None) -> Any:
    """Return how many cells are not missing."""
    count = data.size if place is None else data.shape[place]
    if missing is None:
        return count
    missing = np.broadcast_to(missing, data.shape)
    lacking = np.count_nonzero(missing) if place is None else np.add.reduce(missing, axis=place, dtype=np.int64)
    return count - lacking


def _add_along(part: Part, cells: Cells, place: int, wanted: Wanted, space: Workspace) -> Mask | None:
    """Put count, sum, mean and squares along an axis into a part; return which cells are missing."""
    data, missing = cells.data, cells.marked
    values = space.take(data.shape, _FLOAT64)
    np.copyto(values, data)
    if missing is not None:
        set_zero(values, missing)
    part.total = np.add.reduce(values, axis=place)
    if wanted.floats and np.isnan(part.total).any():  # which shows whether there is one at all
        missing = cells.missing
        if missing is not None:
            set_zero(values, missing)
            part.total = np.add.reduce(values, axis=place)
    part.count = _present(data, missing, place)
    part.mean = part.total / np.maximum(part.count, 1)
    if wanted.squares:
        np.subtract(values, np.expand_dims(part.mean, place), out=values)
        if missing is not None:
            set_zero(values, missing)
        part.squares = np.add.reduce(np.square(values, out=values), axis=place)
    space.give(values)
    return missing


def _extreme(function: np.ufunc, data: Array, place: int | None, present: Any) -> Any:
    if present is True and data.size:
        return function.reduce(data, axis=place)  # which skips NaN
    first = data.dtype.kind == "f" or (function is np.fmin)
    beyond = (np.nan if data.dtype.kind == "f" else _last(data.dtype)) if first else _first(data.dtype)
    return function.reduce(data, axis=place, where=present, initial=beyond)


def _first(dtype: np.dtype[Any]) -> Any:
    """Return the lowest value of an integer type, which is no more than any other."""
    return dtype.type(False if dtype.kind == "b" else np.iinfo(dtype).min)


def _last(dtype: np.dtype[Any]) -> Any:
    return dtype.type(True if dtype.kind == "b" else np.iinfo(dtype).max)


def together(parts: list[Part]) -> Part:
    """Put numbers of many blocks together, with the mean of all known first."""
    whole = Part()
    counts, totals, means = (np.array([getattr(part, name) for part in parts]) for name in ("count", "total", "mean"))
    whole.count, whole.total = counts.sum(), np.sum(totals)
    # Equal means give exactly themselves; where one is infinite, the sum says more.
    first = means[np.argmax(counts > 0)]
    whole.mean = first + np.sum(counts * (means - first)) / np.maximum(whole.count, 1)
    if not np.isfinite(whole.mean):
        whole.mean = whole.total / np.maximum(whole.count, 1)
    shifts = np.where(counts > 0, means - whole.mean, 0)
    whole.squares = np.sum(np.array([part.squares for part in parts])) + np.sum(counts * np.square(shifts))
    if parts[0].exact is not None:
        whole.exact = np.sum(np.array([part.exact for part in parts]))
    if parts[0].low is not None:
        whole.low = np.fmin.reduce(np.array([part.low for part in parts]))
    if parts[0].high is not None:
        whole.high = np.fmax.reduce(np.array([part.high for part in parts]))
    return whole
