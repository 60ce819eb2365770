"""The median and percentiles: exact, interpolated linearly between two cells as numpy does by default.

Along an axis the cells of a part of the result are sorted together. Of all cells, small arrays are sorted; larger ones
are read two or three times, counting how many cells begin with the same bits, until those that can be the wanted ones
are few: memory does not grow with the array.
"""

from __future__ import annotations

import math
import threading
from typing import Any

import numpy as np

from geojobs_lab.expressions import sources
from geojobs_lab.expressions.cells import Array, Cells, Mask
from geojobs_lab.expressions.gathering import each_block, gather, is_small
from geojobs_lab.expressions.running import Turns, share_out
from geojobs_lab.expressions.selecting import set_missing
from geojobs_lab.expressions.sources import Source
from geojobs_lab.expressions.windows import Window, along_chunks, windows
from geojobs_lab.expressions.workspace import Workspace

_SORTED = 2**20  # cells that are sorted at once: 8 MB as float64
_DIGIT = 12  # bits that are counted in one pass: counts that a cache holds
_FLOAT64 = np.dtype(np.float64)


def percentile(source: Source, rank: float, place: int | None) -> Cells:
    """Return the percentile of all cells, or of those along the axis at a place; the median is that of 50."""
    if place is not None and len(source.shape) > 1:
        return _along(source, rank, place)
    if source.size <= _SORTED:
        values = _floats(gather(source)).ravel()
        return Cells(np.array(_interpolated(np.sort(values)[None], rank)[0]))
    return Cells(np.array(_of_many(source, rank)))


def _floats(cells: Cells) -> Array:
    """Return cells as floats of at least 64 bits, NaN where they are missing."""
    data = cells.data.astype(np.promote_types(cells.data.dtype, _FLOAT64))
    if cells.marked is not None:
        set_missing(data, cells.marked)
    return data


def _interpolated(ordered: Array, rank: float) -> Array:
    """Return the percentile of each row of a sorted array, at whose end NaN stand for missing cells."""
    if not ordered.shape[-1]:
        return np.full(ordered.shape[:-1], np.nan)
    last = np.sum(~np.isnan(ordered), axis=-1, keepdims=True) - 1
    position = np.maximum(last, 0) * (rank / 100)
    low = np.floor(position).astype(np.int64)
    high = np.minimum(low + 1, np.maximum(last, 0))
    below, above = (np.take_along_axis(ordered, index, axis=-1) for index in (low, high))
    return np.squeeze(_between(below, above, position - low), axis=-1)


def _between(below: Array, above: Array, part: Any) -> Array:
    step = above - below
    # Between -inf and a number lies -inf, which -inf plus a part of the way is not.
    between = np.where(below == -np.inf, above - step * (1 - part), below + step * part)
    between = np.where(part == 0, below, between)
    return np.where(below == above, below, between)


def _along(source: Source, rank: float, place: int) -> Cells:
    shape = source.shape[:place] + source.shape[place + 1 :]
    result = np.empty(shape, source.dtype if source.dtype.kind == "f" else _FLOAT64)
    length = max(1, source.shape[place])
    most = sources._READ_AT_ONCE if source.elsewhere else source.at_once
    chunks = None if source.chunks is None else source.chunks[:place] + source.chunks[place + 1 :]
    at_once = max(1, most // length)
    pieces = windows(shape, at_once) if chunks is None else along_chunks(shape, at_once, chunks, turned=False)

    def work(turns: Turns) -> None:
        space = Workspace()
        for _, kept in turns:
            window = (*kept[:place], slice(0, source.shape[place]), *kept[place:])
            space.loaded.clear()
            if source.elsewhere:
                source.load(window, space)
            values = np.moveaxis(_floats(source.read(window, space)), place, -1)
            result[kept] = _interpolated(np.sort(values, axis=-1), rank)

    share_out(list(pieces), work, alone=is_small(source))
    return Cells(result)


def _of_many(source: Source, rank: float) -> float:
    """Return the percentile of all cells of a large source."""
    counts = _counts(source, [0], bits=0)[0]
    count = int(counts.sum())
    if not count:
        return math.nan
    position = (count - 1) * (rank / 100)
    low = math.floor(position)
    below, above = _ordered(source, counts, [low, min(low + 1, count - 1)])
    return float(_between(np.array(below), np.array(above), position - low))


def _ordered(source: Source, counts: Array, wanted: list[int]) -> list[float]:
    """Return the cells at some places of the sorted whole, from the counts of their first digits."""
    keys = _Keys(source.dtype)
    prefixes, places, sizes = [0] * len(wanted), wanted, [0] * len(wanted)
    bits = 0
    found = {0: counts}
    while True:
        width = min(_DIGIT, keys.bits - bits)
        for number, place in enumerate(places):
            total = np.cumsum(found[prefixes[number]])
            digit = int(np.searchsorted(total, place, side="right"))
            places[number] = place - (int(total[digit - 1]) if digit else 0)
            sizes[number] = int(found[prefixes[number]][digit])
            prefixes[number] = prefixes[number] << width | digit
        bits += width
        if bits == keys.bits:
            return [keys.value(prefix) for prefix in prefixes]
        if max(sizes) <= _SORTED:
            few = _with_prefix(source, set(prefixes), bits)
            return [
                keys.value(int(np.partition(few[prefix], place)[place]))
                for prefix, place in zip(prefixes, places, strict=True)
            ]
        distinct = sorted(set(prefixes))
        found = dict(zip(distinct, _counts(source, distinct, bits), strict=True))


class _Keys:
    """Unsigned integers in the order of the numbers of a type."""

    def __init__(self, dtype: np.dtype[Any]) -> None:
        self._dtype = dtype
        self.bits = 8 * dtype.itemsize
        self._unsigned = np.dtype(f"u{dtype.itemsize}")
        self._sign = self._unsigned.type(1 << (self.bits - 1))

    def of(self, data: Array, missing: Mask | None) -> Array:
        """Return the keys of the cells that are not missing."""
        if missing is not None:
            data = data[~np.broadcast_to(missing, data.shape)]
        data = np.ascontiguousarray(data).reshape(-1)
        keys = data.view(self._unsigned)
        if self._dtype.kind in "bu":
            return keys
        if self._dtype.kind == "i":
            return np.asarray(keys ^ self._sign)
        # Of a negative float all bits are turned round, of a positive one the sign.
        negative = data.view(f"i{self._dtype.itemsize}") >> (self.bits - 1)
        return np.asarray(keys ^ (negative.view(self._unsigned) | self._sign))

    def value(self, key: int) -> float:
        """Return the number of a key."""
        unsigned = np.array([key], self._unsigned)
        if self._dtype.kind == "i":
            unsigned ^= self._sign
        elif self._dtype.kind == "f":
            unsigned ^= self._sign if key >> (self.bits - 1) else np.bitwise_not(self._unsigned.type(0))
        return float(unsigned.view(self._dtype)[0])


def _each_keys(source: Source, use: Any) -> None:
    keys = _Keys(source.dtype)

    def block(number: int, window: Window, space: Workspace) -> None:
        cells = source.read(window, space)
        use(keys.of(cells.data, cells.missing))
        if cells.spare:
            space.give(cells.data)

    each_block(source, block)


def _counts(source: Source, prefixes: list[int], bits: int) -> list[Array]:
    """Return how many cells have each next digit, among those that begin with each of the prefixes of some bits."""
    whole = 8 * source.dtype.itemsize
    width = min(_DIGIT, whole - bits)
    shift = whole - bits - width
    totals = [np.zeros(1 << width, np.int64) for _ in prefixes]
    lock = threading.Lock()

    def count(keys: Array) -> None:
        digits = keys >> keys.dtype.type(shift)
        for total, prefix in zip(totals, prefixes, strict=True):
            ours = digits[digits >> digits.dtype.type(width) == prefix] if bits else digits
            counted = np.bincount(ours & ours.dtype.type((1 << width) - 1), minlength=1 << width)
            with lock:
                np.add(total, counted, out=total)

    _each_keys(source, count)
    return totals


def _with_prefix(source: Source, prefixes: set[int], bits: int) -> dict[int, Array]:
    """Return all keys that begin with each of the prefixes."""
    shift = 8 * source.dtype.itemsize - bits
    found: dict[int, list[Array]] = {prefix: [] for prefix in prefixes}

    def collect(keys: Array) -> None:
        first = keys >> keys.dtype.type(shift)
        for prefix, parts in found.items():
            parts.append(keys[first == prefix])

    _each_keys(source, collect)
    return {prefix: np.concatenate(parts) for prefix, parts in found.items()}
