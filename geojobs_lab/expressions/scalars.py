"""The operators and functions on single values, which are Python's own: bool, int, float and str.

Integers keep within 64 bits and floats become infinite or NaN instead of failing. A missing number is NaN, and makes
the result missing as a missing cell does.
"""

from __future__ import annotations

import math
import operator
from collections.abc import Callable
from typing import Any, TypeAlias

import numpy as np

Scalar: TypeAlias = bool | int | float | str

_COMPARISONS = {"<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge}
_EXACT: dict[str, Callable[..., Any]] = {
    "+": operator.add,
    "-": operator.sub,
    "*": operator.mul,
    "negative": operator.neg,
    "positive": operator.pos,
}
OF_FLOATS = ("arctan2", "cos", "exp", "hypot", "log", "log10", "sin", "sqrt", "tan")
NUMPYS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "%": np.remainder,
    "**": np.power,
    "negative": np.negative,
    "positive": np.positive,
    **{name: getattr(np, name) for name in OF_FLOATS},
}
"""numpy's function of each arithmetic operator, and those whose results are floats."""
_ANY: dict[str, Callable[..., Any]] = {
    "==": operator.eq,
    "!=": operator.ne,
    "and": lambda a, b: a and b,
    "or": lambda a, b: a or b,
    "not": operator.not_,
}


def is_missing(value: Scalar) -> bool:
    """Tell whether a value is NaN."""
    return isinstance(value, float) and math.isnan(value)


def operate(name: str, values: tuple[Scalar, ...]) -> Scalar:
    """Return the value of an operator or of an elementwise function.

    Raises
    ------
    TypeError, OverflowError
        A text is no number, or an integer leaves 64 bits.
    """
    match name, values:
        case "where", (condition, yes, no):
            return math.nan if is_missing(condition) else yes if condition else no
        case (("isnan" | "get_mask"), (value,)):
            return is_missing(value)
        case "mask", (value, condition):
            return math.nan if condition or is_missing(condition) else value
    if any(map(is_missing, values)):
        return math.nan
    if name in _ANY:
        result: Scalar = _ANY[name](*values)
        return result
    texts = [value for value in values if isinstance(value, str)]
    if texts and not (name in _COMPARISONS and len(texts) == len(values)):
        raise TypeError(f"{texts[0]!r} is a text, which can only be compared with texts, or be a key")
    number: Scalar = _bounded(_number(name, values))
    return number


def _number(name: str, values: tuple[Any, ...]) -> Any:
    if name in _COMPARISONS:
        return _COMPARISONS[name](*values)
    whole = all(isinstance(value, int) for value in values)
    if name == "abs":
        return abs(*values)
    if name == "clip":
        return min(max(values[0], values[1]), values[2])
    if name in ("floor", "ceil"):
        return _rounded(name, values[0])
    if name.startswith("int"):
        return int(values[0]) if -(2.0**63) <= values[0] < 2.0**63 else math.nan
    if name.startswith("float"):
        return float(values[0])
    if whole and name in _EXACT:
        return _EXACT[name](*values)
    if whole and name == "%":
        return values[0] % values[1] if values[1] else math.nan
    if whole and name == "**" and values[1] >= 0:
        return _power(*values)
    return float(NUMPYS[name](*map(np.float64, values)))


def _rounded(name: str, value: float) -> float:
    if not math.isfinite(value) or abs(value) >= 2**53:
        return value  # is whole already
    return math.floor(value) if name == "floor" else math.ceil(value)


def _power(base: int, exponent: int) -> int:
    if abs(base) > 1 and exponent > 63:
        raise _too_large(f"{base} ** {exponent}")  # found without computing a number that may fill the memory
    return int(base**exponent)


def _bounded(value: Any) -> Any:
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise _too_large("the result")
    return value


def _too_large(what: str) -> OverflowError:
    return OverflowError(f"{what} needs more than 64 bits as an integer; write a number with a point for a float")
