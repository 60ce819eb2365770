"""How values are spread over a ramp of colours: evenly, by their logarithm, or by their square root.

Owns the arithmetic between a value and its place on the ramp, 0 at the first colour and 1 at the last, and where a
legend has its round values. The colours are the work of `ramps`.
"""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.levels import level_labels, log_levels, number_labels, round_levels, single_labels
from geojobs_lab.renderers.values import shown

LINEAR, LOG, SQRT = "linear", "log", "sqrt"
STRETCHES = (LINEAR, LOG, SQRT)

_SINGLE = 1e30  # from here on, arithmetic in float32 could overflow
_RESOLVED = 1e-3  # of a value: in narrower ranges the rounding of float32 could be seen in the steps


@dataclass(frozen=True, slots=True)
class Stretch:
    """A way of spreading the values from `low` to `high`, ``low < high``.

    The place of a value v is, by kind,

    - ``linear``: (v - low) / (high - low)
    - ``log``: log(v / low) / log(high / low), for ``low > 0``
    - ``sqrt``: sqrt((v - low) / (high - low))
    """

    kind: str
    low: float
    high: float

    def places(self, values: ArrayLike) -> NDArray[np.float64]:
        """Return the places of values that lie in the range."""
        shares = np.asarray(values, dtype=np.float64)
        if self.kind == LOG:
            return np.asarray((np.log(shares) - math.log(self.low)) / self._width)
        shares = (shares - self.low) / (self.high - self.low)
        return np.asarray(np.sqrt(shares) if self.kind == SQRT else shares)

    def values(self, places: ArrayLike) -> NDArray[np.float64]:
        """Return the values that have their places there; the inverse of `places`, exact at both ends."""
        at = np.asarray(places, dtype=np.float64)
        if self.kind == LOG:
            found = np.exp(math.log(self.low) + at * self._width)
        else:
            share = at**2 if self.kind == SQRT else at
            found = self.low * (1 - share) + self.high * share
        return np.where(at <= 0, self.low, np.where(at >= 1, self.high, found))

    def levels(self, most: int) -> tuple[list[float], list[str]]:
        """Return round values of the range for a legend, `most` intervals or fewer, and their labels."""
        if self.kind == LOG:
            levels = log_levels(self.low, self.high, most=most)
            if levels:
                return levels, single_labels(levels)
        if self.kind == SQRT:  # the lower half of the ramp has a quarter of the range
            quarter = self.low + self._width / 4
            upper = [level for level in round_levels(self.low, self.high, most=most - 2) if level > quarter]
            levels = round_levels(self.low, quarter, most=2) + upper
            return levels, number_labels(levels)
        levels = round_levels(self.low, self.high, most=most)
        return levels, level_labels(levels)

    def steps(self, array: NDArray[Any], count: int) -> NDArray[np.uint8]:
        """Return the nearest of `count` even steps for integers or floats: 1 at `low` and below to `count`; NaN is 0.

        In float32 where this is as good as float64, and in as few passes as can be: every tile waits for it.
        """
        single = self._fits_single(count)
        dtype = np.result_type(array.dtype, np.float32 if single else np.float64)
        steps = np.empty(array.shape, dtype)
        with np.errstate(all="ignore"):  # NaN stays NaN; what lies below a mask may be anything
            np.clip(array, dtype.type(self.low), dtype.type(self.high), out=steps, dtype=dtype)
            if self.kind == LOG:
                if single:  # the quotient rounds less than the difference of logarithms, but may overflow
                    steps /= dtype.type(self.low)
                np.log(steps, out=steps)
                if not single:
                    steps -= math.log(self.low)
            else:
                steps -= dtype.type(self.low)
            gain = (count - 1) / self._width
            steps *= dtype.type(gain * (count - 1) if self.kind == SQRT else gain)
            if self.kind == SQRT:
                np.sqrt(steps, out=steps)
            steps += dtype.type(1.5)
            rows = steps.astype(np.uint8)
        if array.dtype.kind == "f":
            rows *= (array == array).view(np.uint8)  # NaN, which differs from itself, has become anything
        return rows

    @property
    def _width(self) -> float:
        """The length of the range, or of its logarithm."""
        return math.log(self.high) - math.log(self.low) if self.kind == LOG else self.high - self.low

    def _fits_single(self, count: int) -> bool:
        largest = max(abs(self.low), abs(self.high))
        if self.kind == LOG and not (self.low > 1 / _SINGLE and largest < _SINGLE * self.low):
            return False
        width = self.high - self.low
        return width > _RESOLVED * largest and max(largest, count**2 / width) < _SINGLE


def checked_stretch(value: Any) -> str:
    """Return the name of a stretch, refusing everything else."""
    if not isinstance(value, str) or value not in STRETCHES:
        known = ", ".join(map(repr, STRETCHES))
        raise RendererNotValid(f"renderer: stretch is {shown(value)}, not one of {known}", value=value)
    return value
