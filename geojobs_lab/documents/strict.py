"""JSON as RFC 8259 has it: no ``NaN`` and no ``Infinity``, read or written."""

import json
import re
from collections import Counter
from typing import Any, NoReturn

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(", ", ": ")).encode
_HALF = re.compile(r"\\u[dD][89a-fA-F]")  # half a character, when its other half does not follow


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(f"{name} is not JSON")


def load_json(text: str | bytes, *, unique: bool = False) -> Any:
    """Read a JSON text.

    Parameters
    ----------
    text : str or bytes
    unique : bool
        Whether an object with the same key twice, of which the last would win, is refused.

    Raises
    ------
    ValueError
        The text is not JSON; the message says where. Too deep a nesting is refused in the same way, and so is half a
        character (a lone surrogate), which could neither be stored nor sent.
    """
    try:
        if isinstance(text, bytes):
            text = text.decode(json.detect_encoding(text))
        value = json.loads(text, parse_constant=_refuse_constant, object_pairs_hook=_once if unique else None)
        if _HALF.search(text):
            json.dumps(value, ensure_ascii=False).encode()
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None
    except UnicodeEncodeError:
        raise ValueError("it has an escape for half a character (a lone surrogate)") from None
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        key = next(key for key, times in Counter(key for key, _ in pairs).items() if times > 1)
        raise ValueError(f"the key {key!r} is there twice in one object")
    return document


def dump_json(value: Any) -> str:
    """Write a value as JSON.

    Raises
    ------
    ValueError, TypeError
        The value has no JSON form (``NaN`` and infinities have none).
    """
    return _encode(value)
