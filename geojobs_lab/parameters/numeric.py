"""The kinds whose values are numbers, with limits and a unit.

Infinities and NaN are no numbers here: JSON has none, and no limit holds them off.
"""

import math
import re
from decimal import Decimal
from numbers import Integral, Real
from typing import Any

from geojobs_lab.parameters.base import Parameter, limits, show, unwrap

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_EXACT = 2.0**53  # floats beyond this have lost their last digit: they stay floats


class NumberParameter(Parameter):
    """Accepts a number, whole or not, and the text of one (``"3"`` becomes ``3``).

    Parameters
    ----------
    minimum, maximum : float, optional
        The least and the greatest value that is accepted.

    Raises
    ------
    ValueError
        A limit is no number, or `minimum` lies above `maximum`.
    """

    id = "number"
    wanted = "a number"
    json_type = "number"
    options = ("minimum", "maximum")

    def __init__(
        self,
        name: str,
        required: bool = True,
        *,
        minimum: float | None = None,
        maximum: float | None = None,
        **common: Any,
    ) -> None:
        for limit in (minimum, maximum):
            if limit is not None and read_number(limit) is None:
                raise ValueError(f"{name}: a limit must be a number, not {show(limit)}")
        self.minimum = read_number(minimum)
        self.maximum = read_number(maximum)
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"{name}: the minimum {self.minimum} lies above the maximum {self.maximum}")
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> int | float:
        """Return the number, or raise ParameterNotValidError."""
        number = self._convert(read_number(value))
        if number is None or not self._is_within(number):
            self.refuse(value)
        return number

    def expected(self) -> str:
        """Say what is accepted, limits included."""
        return f"{self.wanted}{limits(self.minimum, self.maximum)}{f' ({self.unit})' if self.unit else ''}"

    def _convert(self, number: int | float | None) -> int | float | None:
        return number

    def _is_within(self, number: float) -> bool:
        above = self.minimum is None or number >= self.minimum
        return above and (self.maximum is None or number <= self.maximum)

    def _schema(self) -> dict[str, Any]:
        ends = {"minimum": self.minimum, "maximum": self.maximum}
        return {"type": self.json_type} | {key: end for key, end in ends.items() if end is not None}


class IntParameter(NumberParameter):
    """Accepts a whole number, as a number (``3``, ``3.0``) or as its text; nothing is rounded."""

    id = "int"
    wanted = "an integer"
    json_type = "integer"

    def _convert(self, number: int | float | None) -> int | None:
        return None if number is None or number != math.floor(number) else int(number)


class FloatParameter(NumberParameter):
    """Accepts a number and makes it a float."""

    id = "float"

    def _convert(self, number: int | float | None) -> float | None:
        try:
            return None if number is None else float(number)
        except OverflowError:
            return None


def read_number(value: Any) -> int | float | None:
    """Return a finite number as plain Python has it, or None when `value` is none (truth values are not)."""
    value = unwrap(value)
    if isinstance(value, str) and _NUMBER.fullmatch(value):
        return _from_text(value)
    if isinstance(value, bool) or not isinstance(value, Real | Decimal):
        return None
    if isinstance(value, Integral):
        return int(value)
    return float(value) if math.isfinite(value) else None


def _from_text(text: str) -> int | float | None:
    number = float(text)
    if not math.isfinite(number):
        return None
    if text.strip().lstrip("+-").isdigit():
        return int(text)
    return int(number) if number.is_integer() and abs(number) < _EXACT else number
