"""Reads what stands behind the ``?``: numbers and pages, each refused with its own name when it is wrong."""

import math
import reprlib
from collections.abc import Mapping, Sequence
from typing import TypeVar
from urllib.parse import urlencode

from tornado.web import RequestHandler

from geojobs_lab.errors import InvalidInput

Item = TypeVar("Item")

_DEFAULT_LIMIT = 100
_MOST = 1000  # results in one page
_LARGEST = 2**53  # of a number that JSON and SQLite hold exactly


def whole_number(handler: RequestHandler, name: str, default: int, *, most: int = _LARGEST) -> int:
    """Return a whole number of the query, 0 or more.

    Raises
    ------
    InvalidInput
        It is no such number.
    """
    text = handler.get_query_argument(name, "")
    if not text:
        return default
    if text.isascii() and text.isdigit() and len(text) <= len(str(most)) and int(text) <= most:
        return int(text)
    raise InvalidInput(f"{name}: {reprlib.repr(text)} is not a whole number from 0 to {most}", field=name, value=text)


def number(handler: RequestHandler, name: str, default: float | None = None) -> float:
    """Return a finite number of the query.

    Raises
    ------
    InvalidInput
        It is no number, or there is none and no default either.
    """
    text = handler.get_query_argument(name, "")
    if not text and default is not None:
        return default
    return read_number(name, text)


def read_number(name: str, text: str) -> float:
    """Return the finite number that a text is; `name` is told in a refusal.

    Raises
    ------
    InvalidInput
        It is none.
    """
    try:
        value = float(text)
    except ValueError:
        value = math.nan
    if not math.isfinite(value):
        raise InvalidInput(f"{name}: {reprlib.repr(text)} is not a number", field=name, value=text)
    return value


def numbers(handler: RequestHandler, name: str, count: int) -> list[float]:
    """Return finite numbers of the query, divided by commas.

    Raises
    ------
    InvalidInput
        They are not so many numbers.
    """
    text = handler.get_query_argument(name, "")
    try:
        values = [float(part) for part in text.split(",")]
    except ValueError:
        values = []
    if len(values) != count or not all(map(math.isfinite, values)):
        raise InvalidInput(
            f"{name}: {reprlib.repr(text)} is not {count} numbers divided by commas", field=name, value=text
        )
    return values


def flag(handler: RequestHandler, name: str) -> bool:
    """Return whether the query says ``true``; without it, it does not.

    Raises
    ------
    InvalidInput
        It says neither ``true`` nor ``false``.
    """
    text = handler.get_query_argument(name, "") or "false"
    if text not in ("true", "false"):
        raise InvalidInput(f"{name}: {reprlib.repr(text)} is neither 'true' nor 'false'", field=name, value=text)
    return text == "true"


class Page:
    """The part of a list that the query asks for with ``limit`` and ``offset``."""

    def __init__(self, handler: RequestHandler, *, limit: int = _DEFAULT_LIMIT) -> None:
        self.limit = max(1, whole_number(handler, "limit", limit, most=_MOST))
        self.offset = whole_number(handler, "offset", 0)
        self._query = {
            name: handler.get_query_argument(name)
            for name in handler.request.query_arguments
            if name not in ("limit", "offset", "token")
        }

    def cut(self, items: Sequence[Item]) -> Sequence[Item]:
        """Return the page's part of all items."""
        return items[self.offset : self.offset + self.limit]

    def document(self, url: str, count: int, results: Sequence[Mapping[str, object]]) -> dict[str, object]:
        """Return the answer: how many there are, the neighbouring pages, and this one."""
        after = self.offset + self.limit
        before = max(0, self.offset - self.limit)
        return {
            "count": count,
            "next": self._link(url, after) if after < count else None,
            "previous": self._link(url, before) if self.offset else None,
            "results": results,
        }

    def _link(self, url: str, offset: int) -> str:
        return f"{url}?{urlencode({**self._query, 'limit': self.limit, 'offset': offset})}"
