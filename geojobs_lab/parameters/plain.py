"""The kinds whose values are plain JSON: anything, texts, truth values and objects."""

import math
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
        The only texts that are accepted.

    Raises
    ------
    ValueError
        `choices` is empty or holds something else than texts.
    """

    id = "string"
    wanted = "a text"

    def __init__(
        self, name: str, required: bool = True, *, choices: Sequence[str] | None = None, **common: Any
    ) -> None:
        if choices is not None and not _are_texts(choices):
            raise ValueError(f"{name}: the choices must be a list of texts, not {show(choices)}")
        self.choices = None if choices is None else list(choices)
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> str:
        """Return the text, or raise ParameterNotValidError."""
        text = unwrap(value)
        if isinstance(text, Real) and not isinstance(text, bool) and math.isfinite(text):
            text = str(text)
        if not isinstance(text, str) or (self.choices is not None and text not in self.choices):
            self.refuse(value)
        return text

    def expected(self) -> str:
        """Say what is accepted."""
        return self.wanted if self.choices is None else f"one of {', '.join(map(repr, self.choices))}"

    def _schema(self) -> dict[str, Any]:
        return {"type": "string"} if self.choices is None else {"type": "string", "enum": list(self.choices)}

    def _options(self) -> tuple[str, ...]:
        return ("choices",)


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


def _are_texts(choices: Any) -> bool:
    return not isinstance(choices, str) and len(choices) > 0 and all(isinstance(text, str) for text in choices)
