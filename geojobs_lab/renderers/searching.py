"""Where values stand among rising limits: what `numpy.searchsorted` answers, several times faster for tiles.

The range of the limits is divided into even buckets. One multiplication finds the bucket of a value, and of the limits
only the one in there, if any, has to be compared with it. Limits and values get their buckets in the same way, in steps
that never fall where the numbers rise, so that rounding moves no value across a limit.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

_COUNTS = (256, 1024, 4096)  # of buckets; limits that these do not hold one by one are searched for


class Search:
    """Rising numbers of one type, ready to be searched.

    Parameters
    ----------
    limits : array, (n,)
        Integers or floats; the last may be infinity.
    """

    def __init__(self, limits: NDArray[Any]) -> None:
        self.limits = limits
        most = np.inf if limits.dtype.kind == "f" else np.iinfo(limits.dtype).max
        self._following = np.append(limits, np.array(most, limits.dtype))  # no value exceeds the last
        self._dtype = np.result_type(limits.dtype, np.float32)
        self._table: NDArray[np.intp] | None = None
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
            if held.max() == 1:
                self._table = np.cumsum(held) - held  # the limits in the buckets before
                return

    def exceeded(self, array: NDArray[Any]) -> NDArray[np.intp]:
        """Return how many limits each value exceeds, 0..n, and any such number for NaN.

        `array` has the type of the limits.
        """
        if self._table is None:
            return np.searchsorted(self.limits, array)
        before = self._table.take(self._buckets(array))
        before += array > self._following.take(before)
        return before

    def equal(self, array: NDArray[Any]) -> tuple[NDArray[np.intp], NDArray[np.bool_]]:
        """Return which limit each value may equal, 0..n, and whether it does; n is no limit."""
        found = np.searchsorted(self.limits, array) if self._table is None else self._table.take(self._buckets(array))
        return found, self._following.take(found) == array

    def _buckets(self, array: NDArray[Any]) -> NDArray[np.intp]:
        buckets = np.empty(array.shape, self._dtype)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is clamped; NaN may be any kind
            np.subtract(array, self._low, out=buckets, dtype=self._dtype)
            buckets *= self._gain
        np.fmax(buckets, 0, out=buckets)  # NaN becomes 0
        np.fmin(buckets, self._last, out=buckets)
        return buckets.astype(np.intp)
