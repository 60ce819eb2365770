"""Lists that read well: as aligned text in a terminal, as an HTML table in a notebook.

Everything shown comes from a server, so all of it is escaped.
"""

from collections.abc import Callable, Mapping, Sequence
from html import escape
from typing import Any, Generic, TypeVar, overload

from geojobs_lab.client.display import bundle

T = TypeVar("T")

_WIDEST = 60  # characters of one cell in a text table

Columns = Mapping[str, Callable[[T], object]]
"""Heading -> how to read the cell from an item."""


class Listing(Sequence[T], Generic[T]):
    """An immutable list with a readable form.

    Parameters
    ----------
    items : sequence
    columns : mapping of str to callable
        Heading -> a function of the item that gives the cell.
    title : str
        What the items are, such as ``"jobs"``.
    total : int, optional
        How many there are on the server when these are only the first.
    live : callable, optional
        Makes the widget that a notebook shows in the place of the table.
    """

    def __init__(
        self,
        items: Sequence[T],
        columns: Columns[T],
        *,
        title: str,
        total: int | None = None,
        live: Callable[[], Any] | None = None,
    ) -> None:
        self._items = tuple(items)
        self._live = live
        self._columns = columns
        self._title = title
        self.total = len(self._items) if total is None else total

    def __len__(self) -> int:
        return len(self._items)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[T]: ...
    def __getitem__(self, index: int | slice) -> T | Sequence[T]:
        return self._items[index]

    def __repr__(self) -> str:
        if not self._items:
            return f"no {self._title}"
        return "\n".join([*text_table(list(self._columns), self._rows()), *self._rest()])

    def _repr_html_(self) -> str:
        if not self._items:
            return f"<p>no {escape(self._title)}</p>"
        rest = "".join(f"<p>{escape(line)}</p>" for line in self._rest())
        return html_table(list(self._columns), self._rows()) + rest

    def _repr_mimebundle_(self, **_: Any) -> dict[str, Any]:
        return bundle(self, self._live)

    def _rows(self) -> list[list[str]]:
        return [[_cell(read(item)) for read in self._columns.values()] for item in self._items]

    def _rest(self) -> list[str]:
        return [f"{len(self)} of {self.total} {self._title}"] if self.total > len(self) else []


def text_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Return the lines of an aligned table."""
    lines = [list(headings), *([one_line(cell) for cell in row] for row in rows)]
    widths = [min(_WIDEST, max(len(line[column]) for line in lines)) for column in range(len(headings))]
    return [
        "  ".join(_cut(cell, width).ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip()
        for line in [lines[0], ["-" * width for width in widths], *lines[1:]]
    ]


def html_table(headings: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a table of escaped cells, aligned as text is; Jupyter gives it its look."""
    left = 'style="text-align: left"'
    head = "".join(f"<th {left}>{escape(heading)}</th>" for heading in headings)
    body = "".join("<tr>" + "".join(f"<td {left}>{escape(cell)}</td>" for cell in row) + "</tr>" for row in rows)
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def one_line(text: str) -> str:
    """Return a text that cannot break a line or steer a terminal."""
    return "".join(letter if letter.isprintable() else " " for letter in text)


def _cell(value: object) -> str:
    return "" if value is None else str(value)


def _cut(text: str, width: int) -> str:
    return text if len(text) <= width else f"{text[: width - 1]}…"
