"""JSON as RFC 8259 has it: no ``NaN`` and no ``Infinity``, read or written."""

import json
import re
from typing import Any, NoReturn

_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half a character, when its other half does not follow


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def load_json(text: str | bytes) -> Any:
    """Read a JSON text.

    Raises
    ------
    ValueError
        The text is not JSON; the message says where. Too deep a nesting is refused in the same way, and so is half a
        character (a lone surrogate), which could neither be stored nor sent.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        value = json.loads(text, parse_constant=_refuse_constant)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it has an escape for half a character (a lone surrogate)") from None
    return value


def dump_json(value: Any) -> str:
    """Write a value as JSON.

    Raises
    ------
    ValueError, TypeError
        The value has no JSON form (``NaN`` and infinities have none).
    """
    return json.dumps(value, allow_nan=False, ensure_ascii=False, separators=(", ", ": "))
