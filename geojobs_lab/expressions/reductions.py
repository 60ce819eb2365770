"""Functions of many cells: counts, sums, moments and extremes in one pass over blocks, order statistics of the whole.

Missing cells are skipped; of nothing but missing ones the result is missing. Sums of floats are taken in float64,
those of integers exactly; means and variances of blocks are put together as in Chan, Golub and LeVeque, Updating
Formulae and a Pairwise Algorithm for Computing Sample Variances, 1979.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask
from geojobs_lab.expressions.sources import Source, Window, gather, windows

STREAMED = ("count", "max", "mean", "min", "std", "sum", "var")
"""The functions that need not see all cells at once."""


def stream(source: Source, functions: Collection[str], places: tuple[int, ...]) -> dict[str, Cells]:
    """Return several reductions of a source after reading it once.

    Parameters
    ----------
    source : Source
    functions : collection of str
        Of those in `STREAMED`.
    places : tuple of int
        The axes that go, counted from 0.
    """
    shape = tuple(length for place, length in enumerate(source.shape) if place not in places)
    totals = _Totals(shape, source.dtype, functions)
    for window in windows(source.shape, source.at_once):
        kept = tuple(part for place, part in enumerate(window) if place not in places)
        totals.add(source.read(window), places, kept)
    return {function: totals.result(function) for function in functions}


class _Totals:
    """What has been seen so far, for each cell of the result."""

    def __init__(self, shape: tuple[int, ...], dtype: np.dtype[Any], functions: Collection[str]) -> None:
        self._dtype = dtype
        self._floats = dtype if dtype.kind == "f" and shape else np.dtype(np.float64)  # a scalar needs no narrow type
        self.count = np.zeros(shape, np.int64)
        exact = {"f": np.float64, "u": np.uint64}.get(dtype.kind, np.int64)
        self.sum = np.zeros(shape, exact) if "sum" in functions else None
        self.min = np.full(shape, _last(dtype)) if "min" in functions else None
        self.max = np.full(shape, _first(dtype)) if "max" in functions else None
        spread = "std" in functions or "var" in functions
        self.total = np.zeros(shape) if spread or "mean" in functions else None
        self.squares = np.zeros(shape) if spread else None  # of the deviations from the mean

    def add(self, cells: Cells, places: tuple[int, ...], at: Window) -> None:
        """Take in a block, whose other axes lie `at` a window of the result."""
        data, present = cells.data, cells.present
        count = present.sum(axis=places)
        if self.sum is not None:
            self.sum[at] += np.sum(data, axis=places, where=present, dtype=self.sum.dtype)
        if self.min is not None:
            self.min[at] = np.minimum(self.min[at], _extreme(np.minimum, data, present, places))
        if self.max is not None:
            self.max[at] = np.maximum(self.max[at], _extreme(np.maximum, data, present, places))
        if self.squares is not None:
            self.squares[at] += self._squares(data, present, count, places, at)
        if self.total is not None:
            self.total[at] += np.sum(data, axis=places, where=present, dtype=np.float64)
        self.count[at] += count

    def _squares(self, data: Array, present: Mask, count: Array, places: tuple[int, ...], at: Window) -> Array:
        """Return by how much a block, and its distance from what has been seen, add to the squares."""
        assert self.total is not None
        mean = np.sum(data, axis=places, where=present, dtype=np.float64) / np.maximum(count, 1)
        deviations = np.square(data - np.expand_dims(mean, places), dtype=np.float64)
        shift = mean - self.total[at] / np.maximum(self.count[at], 1)
        share = count / np.maximum(self.count[at] + count, 1)
        within = np.sum(deviations, axis=places, where=present)
        return np.asarray(within + np.square(shift) * self.count[at] * share)

    def result(self, function: str) -> Cells:
        """Return a reduction of what has been seen."""
        if function == "count":
            return Cells(self.count)
        values = {"sum": self.sum, "min": self.min, "max": self.max}.get(function)
        if values is None:
            total = self.total if function == "mean" else self.squares
            assert total is not None
            values = total / np.maximum(self.count, 1)
            values = np.sqrt(values) if function == "std" else values
        if function not in ("min", "max") and values.dtype.kind == "f":
            values = values.astype(self._floats)
        return Cells.of(np.array(values), self.count == 0)


def _first(dtype: np.dtype[Any]) -> Any:
    """Return the lowest value of a type, which is no more than any other."""
    return dtype.type(False if dtype.kind == "b" else -np.inf if dtype.kind == "f" else np.iinfo(dtype).min)


def _last(dtype: np.dtype[Any]) -> Any:
    return dtype.type(True if dtype.kind == "b" else np.inf if dtype.kind == "f" else np.iinfo(dtype).max)


def _extreme(function: np.ufunc, data: Array, present: Mask, places: tuple[int, ...]) -> Any:
    beyond = _last(data.dtype) if function is np.minimum else _first(data.dtype)
    return function.reduce(data, axis=places, where=present, initial=beyond)


def percentile(source: Source, rank: float, place: int | None) -> Cells:
    """Return the percentile of all cells, or of those along the axis at a place; the median is that of 50.

    Between two cells it is interpolated linearly, as numpy does by default.
    """
    cells = gather(source)
    narrow = cells.data.dtype.kind == "f" and place is not None
    floats = cells.data.dtype if narrow else np.dtype(np.float64)
    values = Cells.of(cells.data.astype(np.promote_types(floats, np.float64)), cells.missing).data
    if place is None:
        values, place = values.ravel(), 0
    ordered = np.sort(values, axis=place)  # NaN comes last
    if not values.size or not values.shape[place]:
        return Cells(np.full(values.shape[:place] + values.shape[place + 1 :], np.nan, floats))
    last = np.expand_dims((~np.isnan(ordered)).sum(axis=place), place) - 1
    position = np.maximum(last, 0) * (rank / 100)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(last, 0))
    below, above = (np.take_along_axis(ordered, index, axis=place) for index in (low, high))
    part = position - low
    step = above - below
    # Between -inf and a number lies -inf, which -inf plus a part of the way is not.
    between = np.where(below == -np.inf, above - step * (1 - part), below + step * part)
    between = np.where(part == 0, below, between)
    return Cells(np.squeeze(np.where(below == above, below, between), axis=place).astype(floats))
