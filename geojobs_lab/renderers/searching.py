"""Where values stand among rising limits: what `numpy.searchsorted` answers, several times faster for tiles.

The range of the limits is divided into even buckets. One multiplication finds the bucket of a value, and of the limits
only the few in there, mostly one or none, have to be compared with it. Limits and values get their buckets in the same
way, in steps that never fall where the numbers rise, so that rounding moves no value across a limit.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

_COUNTS = (256, 1024, 4096, 16384)  # of buckets; the first that hold the limits one by one are taken
_PIECE = 32_768  # values searched for at a time: 256 kB of float64
_MOST = 8  # limits in one bucket, at most; more are searched for


class Search:
    """Rising numbers of one type, ready to be searched.

    Parameters
    ----------
    limits : array, (n,)
        Integers or floats, n < 256; the last may be infinity.
    """

    def __init__(self, limits: NDArray[Any]) -> None:
        self.limits = limits
        most = np.inf if limits.dtype.kind == "f" else np.iinfo(limits.dtype).max
        self._following = np.append(limits, np.array(most, limits.dtype))  # no value exceeds the last
        self._dtype = np.result_type(limits.dtype, np.float32)
        self._held = 0
        finite = limits[np.isfinite(limits)]
        if len(finite) < 2 or finite[0] != limits[0]:
            return
        self._low = self._dtype.type(finite[0])
        for count in _COUNTS:
            with np.errstate(over="ignore", divide="ignore"):
                self._gain = self._dtype.type(count) / (self._dtype.type(finite[-1]) - self._low)
            if not 0 < self._gain < np.inf:
                return
            self._last = count + 1  # infinity is not in the bucket of the last limit
            held = np.bincount(self._buckets(finite), minlength=self._last + 1)
            if held.max() == 1 or (count == _COUNTS[-1] and held.max() <= _MOST):
                before = np.cumsum(held) - held  # limits in the buckets before
                self._rows = before.astype(np.uint8)
                self._first = self._following.take(before)  # the next limit that a value in the bucket may exceed
                self._held = int(held.max())
                return

    def exceeded(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        """Return how many limits each value exceeds, 0..n, and any such number for NaN.

        `array` has the type of the limits.
        """
        return _in_pieces(self._exceeded, array)

    def equal(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        """Return which limit each value equals, n for none."""
        return _in_pieces(self._equal, array)

    def _exceeded(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        if not self._held:
            return np.searchsorted(self.limits, array).astype(np.uint8)
        buckets = self._buckets(array)
        rows = self._rows.take(buckets)
        rows += array > self._first.take(buckets)
        for _ in range(self._held - 1):
            rows += array > self._following.take(rows)
        return rows

    def _equal(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        if self._held == 1:
            buckets = self._buckets(array)
            rows, same = self._rows.take(buckets), self._first.take(buckets) == array
        else:
            rows = self._exceeded(array)
            same = self._following.take(rows) == array
        rows[~same] = len(self.limits)
        return rows

    def _buckets(self, array: NDArray[Any]) -> NDArray[np.intp]:
        buckets = np.empty(array.shape, self._dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is clamped
            np.subtract(array, self._low, out=buckets, dtype=self._dtype)
            buckets *= self._gain
            np.clip(buckets, 0, self._last, out=buckets)
            places = buckets.astype(np.intp)
        if array.dtype.kind == "f":
            places *= array == array  # NaN may be in any bucket, but has to be in one
        return places


def _in_pieces(search: Callable[[NDArray[Any]], NDArray[np.uint8]], array: NDArray[Any]) -> NDArray[np.uint8]:
    """Search for the values of an array piece by piece, so that what is computed between stays in the cache."""
    if array.size <= _PIECE:
        return search(array)
    flat = array.reshape(-1)
    rows = np.empty(flat.shape, np.uint8)
    for start in range(0, flat.size, _PIECE):
        rows[start : start + _PIECE] = search(flat[start : start + _PIECE])
    return rows.reshape(array.shape)
