"""Round numbers for scales, and their labels."""

import math
from collections.abc import Sequence
from itertools import pairwise

_MANTISSAS = (1.0, 2.0, 2.5, 5.0, 10.0, 20.0)
_LONGEST_WHOLE = 1e12  # longer ones are written with an exponent
_SHORT_FORMS = [f"{{:.{digits}g}}" for digits in range(2, 18)]
_FORMS = [*(f"{{:.{digits}f}}" for digits in range(7)), *_SHORT_FORMS]


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


def log_levels(low: float, high: float, *, most: int = 8) -> list[float]:
    """Return round numbers for a range that is shown by its logarithm: 1, 2, 5, or 1, 3, or 1 times powers of ten.

    Parameters
    ----------
    low, high : float
        The range; 0 < `low` < `high`.
    most : int
        The largest number of intervals wanted.

    Returns
    -------
    list of float
        Rising, within the range; the finest of the three kinds that is few enough, every second or third power where
        there are very many. Empty where there would be fewer than three: evenly spaced numbers tell more then.
    """
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    for mantissas, every in (((1, 2, 5), 1), ((1, 3), 1), *(((1,), every) for every in range(1, last - first + 2))):
        # Read from text: 10.0**-3 * 5 is not 0.005.
        numbers = [float(f"{m}e{power}") for power in range(first, last + 1) if power % every == 0 for m in mantissas]
        inside = [number for number in numbers if low * (1 - 1e-9) <= number <= high * (1 + 1e-9)]
        if len(inside) <= most + 1:
            break
    return [min(max(number, low), high) for number in inside] if len(inside) > 2 else []


def spaced(places: Sequence[float], room: float) -> list[int]:
    """Return which of rising places to label so that the labels are `room` apart: the first, and each that has room."""
    kept: list[int] = []
    for at, place in enumerate(places):
        if not kept or place - places[kept[-1]] >= room * (1 - 1e-6):
            kept.append(at)
    return kept


def level_labels(levels: Sequence[float]) -> list[str]:
    """Write evenly spaced numbers with as many decimals as their spacing needs, and a true minus sign.

    Numbers of 1e6 and more, or spaced by less than 1e-4, are written with an exponent where that is shorter.
    """
    largest = max((abs(level) for level in levels), default=0.0)
    step = levels[1] - levels[0] if len(levels) > 1 else largest or 1.0
    texts = [f"{level:.{max(0, _shortest(step))}f}" for level in levels]
    if largest >= 1e6 or abs(step) < 1e-4:
        texts = min([_exponent(level, step) for level in levels], texts, key=lambda form: max(map(len, form)))
    return [text.replace("-", "\u2212") for text in texts]


def number_labels(numbers: Sequence[float]) -> list[str]:
    """Write numbers with as many decimals as tell them apart and from zero.

    A hundredth of their smallest distance can be seen, and a twentieth of each of them. Numbers that are all whole have
    no decimals; a true minus sign, an exponent for the very large and small.
    """
    if all(float(number).is_integer() and abs(number) < _LONGEST_WHOLE for number in numbers):
        return [_typeset(f"{int(number)}") for number in numbers]
    rising = sorted(set(numbers))
    gap = min((high - low for low, high in pairwise(rising)), default=abs(rising[0]))
    for form in _FORMS if max(map(abs, rising)) < _LONGEST_WHOLE else _SHORT_FORMS:
        texts = [form.format(number) for number in numbers]
        if all(
            abs(float(text) - number) <= min(gap / 100, abs(number) / 20)
            for text, number in zip(texts, numbers, strict=True)
        ):
            break
    return [_typeset(text) for text in texts]


def single_labels(numbers: Sequence[float]) -> list[str]:
    """Write each number for itself and short, so that those of float32 show no digits that they do not have."""
    for digits in (7, 17):
        texts = [f"{number:.{digits}g}" if isinstance(number, float) else str(number) for number in numbers]
        if len(set(texts)) == len(numbers):
            break
    return [_typeset(text) for text in texts]


def _typeset(text: str) -> str:
    """Return a number's text with a true minus sign and a short exponent: 1e-07 becomes 1e−7."""
    mantissa, _, exponent = text.partition("e")
    return (f"{mantissa}e{int(exponent)}" if exponent else mantissa).replace("-", "\u2212")


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
