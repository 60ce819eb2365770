"""Where everything stands in the picture of a legend, whatever draws it. Lengths are CSS pixels."""

import textwrap
import unicodedata
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.levels import spaced

WIDTH = 320
_MARGIN = 16
_RAMP_TOP, _RAMP_HEIGHT = 6, 18  # below the heading; of the ramp
_TICK = 6
_SWATCH = (24, 13)
_ROW, _NEXT_LINE = 19, 14
_MOST_COLUMNS, _ONE_COLUMN = 3, 10  # columns of a long list; entries that stand below one another
_SIZES = {"heading": 12.5, "label": 11.0}
_CHARACTER = 0.58  # of the size: the mean width of a character, letters and digits
_MOST_LINES = {"heading": 4, "label": 3}


@dataclass(frozen=True, slots=True)
class Text:
    """A line of text; `y` is its base line."""

    x: float
    y: float
    words: str
    kind: Literal["heading", "label"]
    centred: bool = False

    @property
    def size(self) -> float:
        """The height of its letters, CSS pixels."""
        return _SIZES[self.kind]


@dataclass(frozen=True, slots=True)
class Patch:
    """A framed row of colours (``#rrggbb`` or ``#rrggbbaa``).

    `edges` are where they begin and end, multiples of half a pixel, one more than there are colours.
    """

    y: int
    height: int
    edges: tuple[float, ...]
    colors: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Layout:
    """A legend, ready to be drawn.

    Attributes
    ----------
    height : int
        The width is `WIDTH`.
    title : str
        The whole heading, for those who hear it.
    ticks : tuple of (x, y, length)
        Short lines downwards.
    """

    height: int
    title: str
    texts: tuple[Text, ...]
    patches: tuple[Patch, ...]
    ticks: tuple[tuple[float, float, float], ...] = ()


def legend_layout(renderer: Renderer, title: str | None, unit: str | None) -> Layout:
    """Lay out a renderer's legend: the heading, then a ramp or swatches, then what stands for no value."""
    legend = renderer.legend(unit)
    heading = _heading(printable(title or ""), printable(unit or ""))
    is_ramp = "colors" in legend
    left = (WIDTH - len(legend["colors"]) + 1) / 2 if is_ramp else _MARGIN
    lines = _wrapped(heading, WIDTH - left - _MARGIN / 2, "heading")
    texts = [Text(left, 20 + 17 * number, line, "heading") for number, line in enumerate(lines)]
    top = 8 + 17 * len(lines)
    if not is_ramp:
        swatches = _swatches([*legend["entries"], *legend["others"]], left, top)
        return Layout(swatches.height, heading, (*texts, *swatches.texts), swatches.patches)
    ramp = _ramp(legend, left, top + _RAMP_TOP)
    swatches = _swatches(legend["others"], left, ramp.height)
    return Layout(
        swatches.height if legend["others"] else ramp.height,
        heading,
        (*texts, *ramp.texts, *swatches.texts),
        (*ramp.patches, *swatches.patches),
        ramp.ticks,
    )


def printable(text: str) -> str:
    """Return a text on one line, without characters that no picture or XML may hold."""
    words = " ".join(text.split())
    return "".join(character if _is_printable(character) else "\N{REPLACEMENT CHARACTER}" for character in words)


def _is_printable(character: str) -> bool:
    return not unicodedata.category(character).startswith("C")  # controls, halves of characters, nobody's codes


def _heading(title: str, unit: str) -> str:
    unit = unit.replace(" ", "\N{NO-BREAK SPACE}")
    return f"{title} ({unit})" if title and unit else title or unit


def _ramp(legend: Mapping[str, Any], left: float, top: int) -> Layout:
    colors = tuple(legend["colors"])
    width = len(colors) - 1
    inner = (left + number + 0.5 for number in range(width))
    patch = Patch(top, _RAMP_HEIGHT, (left, *inner, left + width), colors)
    places = [left + width * entry["position"] for entry in legend["entries"]]
    halves = [_length(entry["label"], "label") / 2 for entry in legend["entries"]]
    labels = [
        # A long one at an end stays in the picture.
        Text(min(max(place, half + 6), WIDTH - half - 6), top + 37, entry["label"], "label", centred=True)
        for place, half, entry in zip(places, halves, legend["entries"], strict=True)
    ]
    kept = spaced(places, 2 * max(halves, default=0) + 8)
    ticks = tuple((places[at], top + _RAMP_HEIGHT, _TICK) for at in kept)
    return Layout(top + 46, "", tuple(labels[at] for at in kept), (patch,), ticks)


def _swatches(entries: Sequence[Mapping[str, Any]], left: float, top: int) -> Layout:
    """Lay out entries from the top to the bottom, long lists in columns."""
    wide, high = _SWATCH
    room = WIDTH - left - _MARGIN
    labels = [printable(entry["label"]) for entry in entries]
    widest = max((_length(label, "label") for label in labels), default=0) + wide + 20
    columns = max(1, min(_MOST_COLUMNS, int(room / widest), -(-len(entries) // _ONE_COLUMN)))
    rows = -(-len(entries) // columns)
    texts: list[Text] = []
    patches: list[Patch] = []
    bottom = top
    for column in range(columns):
        x, y = left + column * (room // columns), top
        for entry, label in list(zip(entries, labels, strict=True))[column * rows : (column + 1) * rows]:
            lines = _wrapped(label, room / columns - wide - 7, "label")
            patches.append(Patch(y + 3, high, (x, x + wide), (entry["color"],)))
            texts += [Text(x + wide + 7, y + 13.5 + _NEXT_LINE * n, line, "label") for n, line in enumerate(lines)]
            y += _ROW + _NEXT_LINE * max(0, len(lines) - 1)
        bottom = max(bottom, y)
    return Layout(bottom + 8, "", tuple(texts), tuple(patches))


def _wrapped(words: str, room: float, kind: Literal["heading", "label"]) -> list[str]:
    """Break a text into lines that have room; what is left of a very long one is cut."""
    characters = int(room / _SIZES[kind] / _CHARACTER)
    if _length(words, kind) > len(words) * _SIZES[kind] * _CHARACTER:  # ideographs
        characters //= 2
    return textwrap.wrap(words, characters, break_on_hyphens=False, max_lines=_MOST_LINES[kind], placeholder=" …")


def _length(words: str, kind: Literal["heading", "label"]) -> float:
    """Return how long a text is, about."""
    wide = sum(unicodedata.east_asian_width(character) in "WF" for character in words)
    return _SIZES[kind] * (_CHARACTER * (len(words) - wide) + wide)
