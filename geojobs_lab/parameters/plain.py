"""The kinds whose values are plain JSON: anything, texts, truth values and objects."""

import math
import re
from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any

from geojobs_lab.parameters.base import Parameter, show, unwrap


class AnyParameter(Parameter):
    """Accepts any value, null included, and leaves it as it is."""

    id = "any"
    accepts_null = True


class StringParameter(Parameter):
    """Accepts a text; a number becomes its text.

    Parameters
    ----------
    choices : sequence of str, optional
        The only texts that are accepted; `ChoiceParameter` takes numbers among them too.
    min_length, max_length : int, optional
        The least and the greatest number of characters.
    pattern : str, optional
        A regular expression that has to match somewhere in the text, as JSON Schema means it.

    Raises
    ------
    ValueError
        `choices` is empty or holds something else than texts, a length is no whole number from 0 on or the lengths
        cross, `pattern` is no regular expression.
    """

    id = "string"
    wanted = "a text"
    options = ("choices", "min_length", "max_length", "pattern")

    def __init__(
        self,
        name: str,
        required: bool = True,
        *,
        choices: Sequence[str] | None = None,
        min_length: int | None = None,
        max_length: int | None = None,
        pattern: str | None = None,
        **common: Any,
    ) -> None:
        if choices is not None and not _are_texts(choices):
            raise ValueError(f"{name}: the choices must be a list of texts, not {show(choices)}")
        check_sizes(name, min_length, max_length)
        self.choices = None if choices is None else list(choices)
        self.min_length = min_length
        self.max_length = max_length
        self.pattern = pattern
        try:
            self._matches = re.compile(pattern or "").search
        except (re.error, TypeError) as error:
            raise ValueError(f"{name}: the pattern {show(pattern)} is no regular expression: {error}") from error
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> str:
        """Return the text, or raise ParameterNotValidError."""
        text = _as_text(unwrap(value))
        if text is None or not self._is_accepted(text):
            self.refuse(value)
        return text

    def expected(self) -> str:
        """Say what is accepted."""
        if self.choices is not None:
            return f"one of {', '.join(map(repr, self.choices))}"
        size = sizes(self.min_length, self.max_length, "character")
        pattern = "" if self.pattern is None else f" that matches {self.pattern!r}"
        return f"{self.wanted}{f' of {size}' if size else ''}{pattern}"

    def _is_accepted(self, text: str) -> bool:
        known = self.choices is None or text in self.choices
        return known and is_sized(text, self.min_length, self.max_length) and self._matches(text) is not None

    def _schema(self) -> dict[str, Any]:
        more = {
            "enum": self.choices and list(self.choices),
            "minLength": self.min_length,
            "maxLength": self.max_length,
            "pattern": self.pattern,
        }
        return {"type": "string"} | {key: value for key, value in more.items() if value is not None}


class BooleanParameter(Parameter):
    """Accepts true and false, their texts in any case, 0 and 1."""

    id = "bool"
    wanted = "true or false"

    def clean(self, value: Any) -> bool:
        """Return the truth value, or raise ParameterNotValidError."""
        plain = unwrap(value)
        if isinstance(plain, str):
            plain = {"true": True, "false": False}.get(plain.strip().lower())
        if isinstance(plain, bool | int | float) and plain in (0, 1):
            return bool(plain)
        self.refuse(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class DictParameter(Parameter):
    """Accepts an object (a dictionary); what it holds is the task's business."""

    id = "dict"
    wanted = "an object"

    def clean(self, value: Any) -> dict[Any, Any]:
        """Return a dictionary of its own, or raise ParameterNotValidError."""
        if not isinstance(value, Mapping):
            self.refuse(value)
        return dict(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "object"}


def check_sizes(name: str, least: object, most: object) -> None:
    """Raise ValueError where the limits of a size are no whole numbers from 0 on, or cross."""
    for size in (least, most):
        if size is not None and (not isinstance(size, int) or isinstance(size, bool) or size < 0):
            raise ValueError(f"{name}: a limit of the size must be a whole number from 0 on, not {show(size)}")
    if isinstance(least, int) and isinstance(most, int) and least > most:
        raise ValueError(f"{name}: the least size {least} lies above the greatest {most}")


def sizes(least: int | None, most: int | None, unit: str) -> str:
    """Return the limits of a size as "2 to 5 items"; nothing where there are none."""
    if least is None and most is None:
        return ""
    count = f"{least} to {most}" if least is not None and most is not None else None
    if least == most:
        count = str(least)
    count = count or (f"at most {most}" if least is None else f"at least {least}")
    return f"{count} {unit}{'' if count.split()[-1] == '1' else 's'}"


def is_sized(value: Sequence[object], least: int | None, most: int | None) -> bool:
    """Tell whether the length of `value` is within its limits."""
    return (least is None or len(value) >= least) and (most is None or len(value) <= most)


def _as_text(value: Any) -> str | None:
    if isinstance(value, Real) and not isinstance(value, bool):
        try:
            return str(value) if math.isfinite(value) else None
        except (OverflowError, ValueError):  # a whole number of hundreds or thousands of digits
            return None
    return value if isinstance(value, str) else None


def _are_texts(choices: Any) -> bool:
    return not isinstance(choices, str) and len(choices) > 0 and all(isinstance(text, str) for text in choices)
