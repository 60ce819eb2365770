"""From a text to its words: numbers, names, texts and symbols, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import NoReturn

from geojobs_lab.errors import ExpressionNotValid

_LONGEST_SHOWN = 80  # characters of an expression that a message repeats
_WORDS = re.compile(
    r"""(?P<space>[ \t\r\n]+)
    |(?P<float>(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[0-9]+[eE][+-]?[0-9]+)
    |(?P<int>[0-9]+)
    |(?P<name>[A-Za-z_][A-Za-z_0-9]*)
    |(?P<string>'[^'\n]*'|"[^"\n]*")
    |(?P<symbol>\*\*|&&|\|\||==|!=|<=|>=|[-+*/%<>()\[\],=])""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Token:
    """A word: its kind (``float int name string symbol end``), its text, and its place in the expression."""

    kind: str
    text: str
    start: int

    @property
    def stop(self) -> int:
        """The place after its last character."""
        return self.start + len(self.text)


def tokenize(text: str) -> Iterator[Token]:
    """Yield the words of an expression, and one of the kind ``end``.

    Raises
    ------
    ExpressionNotValid
        There is a character that the language does not know.
    """
    place = 0
    while place < len(text):
        match = _WORDS.match(text, place)
        if match is None:
            quote = text[place] in "'\""
            why = "the text that begins there does not end" if quote else "the language has no such character"
            refuse(text, place, text[place], why)
        if match.lastgroup != "space":
            yield Token(str(match.lastgroup), match.group(), place)
        place = match.end()
    yield Token("end", "", len(text))


def refuse(text: str, position: int, found: str, why: str) -> NoReturn:
    """Raise the refusal of an expression: where, what stood there, why, and the expression, shortened."""
    what = repr(shorten(found)) if found else "the end"
    raise ExpressionNotValid(
        f"the expression is invalid at position {position}, at {what}: {why} (in {shorten(text)!r})",
        value=text,
        position=position,
    )


def shorten(text: str) -> str:
    """Return an expression as messages repeat it."""
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"
