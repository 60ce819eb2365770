"""Where to divide values into classes: by equal intervals, by quantiles, or where they fall apart by themselves.

Breaks are the upper limits of right-closed classes; the last one is the greatest value. Where values are alike there
are fewer classes than asked for.
"""

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.distribution import Distribution
from geojobs_lab.renderers.values import real_number, shown

EQUAL, QUANTILE, JENKS = "equal", "quantile", "jenks"
METHODS = (EQUAL, QUANTILE, JENKS)
MOST_CLASSES = 254  # as many as a renderer has colours
MOST_NATURAL = 32  # of natural breaks: their work grows with the number
NATURAL_SAMPLE = 2**16  # values among which natural breaks are found; of more, so many evenly spaced in rank

Check = Callable[[], None]


def class_breaks(
    values: Distribution, method: str = JENKS, classes: int = 5, *, check: Check = lambda: None
) -> list[float]:
    """Return the upper limits of classes, rising.

    Parameters
    ----------
    values : Distribution
    method : str
        - ``"equal"``: intervals of the same width between the least and the greatest value.
        - ``"quantile"``: classes of as many values each, as nearly as can be; a break is the least value of the
          sample that its share of the values does not exceed.
        - ``"jenks"``: natural breaks, the classes within which the squared distances from their means add up to the
          least: W. D. Fisher, "On grouping for maximum homogeneity", Journal of the American Statistical Association
          53 (1958), 789-798, made known by G. F. Jenks. The optimum is exact for the values of the sample, or for
          `NATURAL_SAMPLE` of them that are evenly spaced in rank, the least and the greatest among them; each of
          the others then belongs to the nearer class.
    classes : int
        1 to 254, of natural breaks 1 to 32.
    check : callable
        Called between two steps of longer work; may raise.

    Returns
    -------
    list of float
        Empty without values.

    Raises
    ------
    RendererNotValid
        No such method, or no such number.
    """
    if method not in METHODS:
        raise RendererNotValid(
            f"renderer: method is {shown(method)}, not one of {', '.join(METHODS)}", value=method, option="method"
        )
    count = _checked_count(classes, MOST_NATURAL if method == JENKS else MOST_CLASSES)
    if not values.count:
        return []
    if method == EQUAL:
        shares = np.arange(1, count + 1) / count
        # Their difference may be beyond floats.
        edges = np.minimum(values.low * (1 - shares) + values.high * shares, values.high)
        if values.low == values.high:
            edges = edges[-1:]
    else:
        sample = np.sort(values.sample)
        edges = _quantiles(sample, count) if method == QUANTILE else _natural(sample, count, check)
    edges[-1:] = values.high  # which the sample need not hold
    return [float(edge) for edge in np.unique(edges)]


def _checked_count(classes: Any, most: int) -> int:
    count = real_number(classes, "classes")
    if not (isinstance(count, int) and 1 <= count <= most):
        raise RendererNotValid(f"renderer: {shown(classes)} classes, not 1 to {most}", value=classes, option="classes")
    return count


def _quantiles(rising: NDArray[Any], count: int) -> NDArray[np.float64]:
    """Return the values at k of `count` equal shares: so many of the values, rounded up, are not greater."""
    ranks = -(-np.arange(1, count + 1) * rising.size // count) - 1
    return rising[np.maximum(ranks, 0)].astype(np.float64)


def _natural(rising: NDArray[Any], count: int, check: Check) -> NDArray[np.float64]:
    rising = rising.astype(np.float64)
    some = rising
    if rising.size > NATURAL_SAMPLE:
        some = rising[np.linspace(0, rising.size - 1, NATURAL_SAMPLE).round().astype(np.intp)]
    values, weights = np.unique(some, return_counts=True)
    if count >= values.size:
        return values
    groups = _Groups(values, weights)
    costs = groups.costs(np.zeros(values.size, np.intp), np.arange(1, values.size + 1))
    costs = np.concatenate([[0.0], costs])  # of the first j values in one class
    begins = []
    for _ in range(count - 1):
        check()
        costs, begin = _one_more(groups, costs)
        begins.append(begin)
    ends = [values.size]
    for begin in reversed(begins):
        ends.append(int(begin[ends[-1]]))
    first = np.array(ends[:0:-1], dtype=np.intp)  # of each class but the lowest
    middles = values[first - 1] / 2 + values[first] / 2
    limits = rising[np.searchsorted(rising, middles, side="right") - 1]  # of all, not only of some
    return np.append(limits, rising[-1])


class _Groups:
    """The sums of squared distances from their means, of neighbouring values."""

    def __init__(self, values: NDArray[np.float64], weights: NDArray[np.int64]) -> None:
        distances = values - np.average(values, weights=weights)  # small numbers, so that little cancels
        scale = np.abs(distances).max()  # whose squares do not overflow
        distances /= scale
        self._weights, self._sums, self._squares = (
            np.concatenate([[0.0], np.cumsum(weights * distances**power)]) for power in range(3)
        )

    def costs(self, first: NDArray[np.intp], end: NDArray[np.intp]) -> NDArray[np.float64]:
        """Return the costs of the groups from `first` up to, not including, `end`."""
        weights, sums, squares = (total[end] - total[first] for total in (self._weights, self._sums, self._squares))
        return np.asarray(squares - sums**2 / weights)


def _one_more(groups: _Groups, costs: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.intp]]:
    """Return the least cost of the first j values in one class more, and where the last of these classes begins.

    The best beginning never falls where j rises, so those of the middles of ranges bound those of their halves: all
    ranges of one size are done at once, and each size looks at every value about once.
    """
    size = costs.size - 1
    best, begin = np.full(size + 1, np.inf), np.zeros(size + 1, np.intp)
    best[0] = 0.0
    low, high = np.array([1]), np.array([size])
    first, last = np.array([0]), np.array([size - 1])
    while low.size:
        middle = (low + high) // 2
        until = np.minimum(last, middle - 1)
        lengths = until - first + 1
        starts = np.cumsum(lengths) - lengths
        candidates = np.arange(lengths.sum()) - np.repeat(starts - first, lengths)
        found = costs[candidates] + groups.costs(candidates, np.repeat(middle, lengths))
        least = np.minimum.reduceat(found, starts)
        (equal,) = np.nonzero(found == np.repeat(least, lengths))
        chosen = candidates[equal[np.searchsorted(equal, starts)]]
        best[middle], begin[middle] = least, chosen
        left, right = low < middle, middle < high
        first, last = (
            np.concatenate([first[left], chosen[right]]),
            np.concatenate([chosen[left], last[right]]),
        )
        low, high = (
            np.concatenate([low[left], middle[right] + 1]),
            np.concatenate([middle[left] - 1, high[right]]),
        )
    return best, begin
