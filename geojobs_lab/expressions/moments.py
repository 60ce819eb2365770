"""What is found in one block for sums, moments and extremes, and how blocks are put together.

Missing cells are skipped. Sums of floats are taken in float64, those of integers exactly. The mean and the squared
deviations from it are computed of each block by itself, in two steps while it is in the cache, and put together as in
Chan, Golub and LeVeque, Updating Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979: the error of a
variance is a few times 1e-16 of it, however far the mean is from 0, and does not depend on the threads.

NaN is looked for in the sum of a block, which shows whether there is one at all.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask
from geojobs_lab.expressions.selecting import set_zero
from geojobs_lab.expressions.workspace import Workspace

_FLOAT64 = np.dtype(np.float64)
_DOT = 2**13  # numbers that BLAS multiplies and adds in one thread


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

    __slots__ = ("count", "exact", "high", "low", "squares", "total")

    def __init__(self) -> None:
        self.count: Any = 0
        self.total: Any = 0.0
        self.squares: Any = 0.0  # of the deviations from the block's mean
        self.exact: Any = None  # the sum of integers
        self.low: Any = None
        self.high: Any = None

    @property
    def mean(self) -> Any:
        return self.total / np.maximum(self.count, 1)

    def join(self, other: Part) -> None:
        """Take in another part."""
        count = self.count + other.count
        share = self.count * (other.count / np.maximum(count, 1))
        self.squares = self.squares + other.squares + np.square(other.mean - self.mean) * share
        self.total, self.count = self.total + other.total, count
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
    part, data, missing = Part(), cells.data, cells.marked
    count = data.size if place is None else data.shape[place]
    if wanted.total:
        values = _values(data, missing, space)
        part.total = _sum(values, place)
        if wanted.floats and np.isnan(part.total).any():
            missing = cells.missing
            if missing is not None:
                set_zero(values, missing)
                part.total = _sum(values, place)
    elif wanted.count:
        missing = cells.missing
    part.count = count if missing is None else count - _how_many(np.broadcast_to(missing, data.shape), place)
    if wanted.squares:
        mean = part.mean if place is None else np.expand_dims(part.mean, place)
        np.subtract(values, mean, out=values)
        if missing is not None:
            set_zero(values, missing)
        part.squares = _dot(values) if place is None else np.add.reduce(np.square(values, out=values), axis=place)
    if wanted.total:
        space.give(values)
    present: Any = True if missing is None or wanted.floats else ~missing
    if wanted.exact is not None:
        part.exact = np.add.reduce(data, axis=place, dtype=wanted.exact, where=present)
    if wanted.low:
        part.low = _extreme(np.fmin, data, place, present)
    if wanted.high:
        part.high = _extreme(np.fmax, data, place, present)
    return part


def _how_many(missing: Mask, place: int | None) -> Any:
    return np.count_nonzero(missing) if place is None else np.add.reduce(missing, axis=place, dtype=np.int64)


def _values(data: Array, missing: Mask | None, space: Workspace) -> Array:
    """Return a copy to work on as float64, with 0 for marked cells."""
    values = space.take(data.shape, _FLOAT64)
    np.copyto(values, data)
    if missing is not None:
        set_zero(values, missing)
    return values


def _sum(values: Array, place: int | None) -> Any:
    return np.add.reduce(values.ravel(order="K") if place is None else values, axis=place or 0)


def _dot(values: Array) -> float:
    """Return the sum of squares, by BLAS in pieces that it does not share out among threads of its own."""
    flat = values.ravel(order="K")
    whole = len(flat) // _DOT * _DOT
    rest = float(np.dot(flat[whole:], flat[whole:]))
    if not whole:
        return rest
    rows = flat[:whole].reshape(-1, _DOT)
    return rest + float(np.sum(_row_dots(rows)))


def _row_dots(rows: Array) -> Array:
    if hasattr(np, "vecdot"):  # numpy 2
        return np.asarray(np.vecdot(rows, rows))
    return np.array([np.dot(row, row) for row in rows])


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
    counts = np.array([part.count for part in parts])
    totals = np.array([part.total for part in parts])
    whole.count, whole.total = counts.sum(), np.sum(totals)
    if parts[0].exact is not None:
        whole.exact = np.sum(np.array([part.exact for part in parts]))
    shifts = np.where(counts > 0, totals / np.maximum(counts, 1) - whole.mean, 0)
    whole.squares = np.sum(np.array([part.squares for part in parts])) + np.sum(counts * np.square(shifts))
    if parts[0].low is not None:
        whole.low = np.fmin.reduce(np.array([part.low for part in parts]))
    if parts[0].high is not None:
        whole.high = np.fmax.reduce(np.array([part.high for part in parts]))
    return whole
