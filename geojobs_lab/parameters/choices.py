"""The kinds that offer a few values to choose from: any plain values, and colours."""

import math
from collections.abc import Sequence
from enum import Enum
from typing import Any, TypeAlias

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.parameters.base import Parameter, show, unwrap
from geojobs_lab.parameters.numeric import read_number

Choice: TypeAlias = str | int | float | bool


class ChoiceParameter(Parameter):
    """Accepts one of a few texts, numbers or truth values, and the text of one (``"3"`` becomes ``3``).

    Parameters
    ----------
    choices : sequence of str, int, float or bool
        The only values that are accepted. ``1`` and ``True`` are two choices.

    Raises
    ------
    ValueError
        `choices` is empty, holds something else, or one of them twice.
    """

    id = "choice"
    options = ("choices",)

    def __init__(self, name: str, required: bool = True, *, choices: Sequence[Choice], **common: Any) -> None:
        plain = [] if isinstance(choices, str) else [_plain(choice) for choice in choices]
        if not plain or not all(map(_is_choice, plain)):
            raise ValueError(f"{name}: the choices must be a list of texts, numbers, true and false: {show(choices)}")
        if len(plain) > len({(isinstance(choice, bool), choice) for choice in plain}):
            raise ValueError(f"{name}: one of the choices is there twice: {show(choices)}")
        self.choices: list[Choice] = plain
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> Choice:
        """Return the choice that is meant, or raise ParameterNotValidError."""
        given = _plain(value)
        for means in (_is_same, _is_text_of, _is_number_of):
            for choice in self.choices:
                if means(choice, given):
                    return choice
        self.refuse(value)

    def expected(self) -> str:
        """Say what is accepted."""
        return f"one of {', '.join(map(_written, self.choices))}{f' ({self.unit})' if self.unit else ''}"

    def _schema(self) -> dict[str, Any]:
        return {"enum": list(self.choices)}


class ColorParameter(Parameter):
    """Accepts a colour: ``#rgb``, ``#rrggbb``, ``#rrggbbaa``, or its red, green, blue (and alpha) from 0 to 255."""

    id = "color"
    wanted = "a colour like '#1f77b4', or [red, green, blue] from 0 to 255"

    def clean(self, value: Any) -> Color:
        """Return the `geojobs_lab.colors.Color`, or raise ParameterNotValidError."""
        if isinstance(value, Color):
            return value
        try:
            if isinstance(value, str):
                return Color.from_hex(value.strip())
            if isinstance(value, list | tuple) and len(value) in (3, 4):
                return Color(*value)
        except RendererNotValid:
            pass
        self.refuse(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "color", "pattern": "^#([0-9a-fA-F]{3}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})$"}


def _plain(value: Any) -> Any:
    return unwrap(value.value if isinstance(value, Enum) else value)


def _is_choice(value: Any) -> bool:
    return isinstance(value, str | bool | int) or (isinstance(value, float) and math.isfinite(value))


def _is_same(choice: Choice, given: Any) -> bool:
    if isinstance(choice, str) or isinstance(given, str):
        return isinstance(given, str) and choice == given
    same_kind = isinstance(choice, bool) == isinstance(given, bool)
    return same_kind and isinstance(given, bool | int | float) and choice == given


def _is_text_of(choice: Choice, given: Any) -> bool:
    if not isinstance(given, str) or isinstance(choice, str):
        return False
    if isinstance(choice, bool):
        return given.strip().lower() == _written(choice)
    return read_number(given) == choice


def _is_number_of(choice: Choice, given: Any) -> bool:
    is_number = isinstance(given, int | float) and not isinstance(given, bool)
    return is_number and isinstance(choice, str) and read_number(choice) == given


def _written(choice: Choice) -> str:
    return str(choice).lower() if isinstance(choice, bool) else repr(choice)
