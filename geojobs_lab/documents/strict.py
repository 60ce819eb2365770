"""JSON as RFC 8259 has it: no ``NaN`` and no ``Infinity``, read or written."""

import json
from typing import Any, NoReturn


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def load_json(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises
    ------
    ValueError
        The text is not JSON; the message says where. Too deep a nesting is refused in the same way.
    """
    try:
        return json.loads(text, parse_constant=_refuse_constant)
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def dump_json(value: Any) -> str:
    """Write a value as JSON.

    Raises
    ------
    ValueError, TypeError
        The value has no JSON form (``NaN`` and infinities have none).
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(", ", ": "))
