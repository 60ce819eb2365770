"""Round numbers for scales, and their labels."""

import math
from collections.abc import Sequence

_MANTISSAS = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)


def round_levels(low: float, high: float, *, most: int = 8, around: bool = False) -> list[float]:
    """Return evenly spaced round numbers for a range of values.

    Parameters
    ----------
    low, high : float
        The range; finite, `low` < `high`.
    most : int
        The largest number of intervals wanted.
    around : bool
        True: the levels enclose the range. False: they lie within it.

    Returns
    -------
    list of float
        Rising multiples of 1, 2, 2.5 or 5 times a power of ten.
    """
    rough = high / most - low / most
    scale = 10.0 ** math.floor(math.log10(rough))
    for step in (mantissa * scale for mantissa in _MANTISSAS):
        slack = 1e-9  # of a step: 0.3 / 0.1 is not quite 3
        first, last = low / step, high / step
        start = math.floor(first + slack) if around else math.ceil(first - slack)
        stop = math.ceil(last - slack) if around else math.floor(last + slack)
        if stop - start <= most:
            break
    digits = _decimals(step)
    return [round(position * step, digits) for position in range(start, stop + 1)]


def level_labels(levels: Sequence[float]) -> list[str]:
    """Write evenly spaced numbers with as many decimals as their spacing needs, and a true minus sign.

    Numbers of 1e6 and more, or spaced by less than 1e-4, are written with an exponent.
    """
    largest = max((abs(level) for level in levels), default=0.0)
    step = levels[1] - levels[0] if len(levels) > 1 else largest or 1.0
    if largest >= 1e6 or abs(step) < 1e-4:
        texts = [_exponent(level, step) for level in levels]
    else:
        texts = [f"{level:.{max(0, _shortest(step))}f}" for level in levels]
    return [text.replace("-", "\u2212") for text in texts]


def _exponent(level: float, step: float) -> str:
    if level == 0:
        return "0"
    digits = max(0, math.floor(math.log10(abs(level))) + _shortest(step))
    mantissa, exponent = f"{level:.{min(digits, 15)}e}".split("e")
    return f"{mantissa}e{int(exponent)}"


def _decimals(step: float) -> int:
    """Return how many decimals hold a round step exactly."""
    return max(0, 1 - math.floor(math.log10(step)))


def _shortest(step: float) -> int:
    """Return the fewest decimals (negative: tens, hundreds) that write multiples of a step exactly."""
    order = math.floor(math.log10(abs(step)) + 1e-9)
    mantissa = abs(step) / 10.0**order
    return -order + (0 if abs(mantissa - round(mantissa)) < 1e-6 else 1)
