"""What the classified and the unique renderer have in common: some colours, each with a value and perhaps a label."""

from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer, new_palette, put
from geojobs_lab.renderers.options import (
    checked_color,
    checked_fill,
    checked_labels,
    checked_pairs,
    read_options,
    read_pairs,
    written_options,
)
from geojobs_lab.renderers.values import clear_missing, plain, real_number, shown

_LONGEST_TABLE = 65_536  # rows for whole numbers one by one: what fits into the fast caches
MOST_COLORS = 254  # rows 1..254 of a palette, so that one is left for the background


@dataclass(frozen=True, slots=True, init=False)
class ListedRenderer(Renderer):
    """A renderer of 1 to 254 colours; see its kinds for what their values mean."""

    _value_name: ClassVar[str]
    colors: tuple[tuple[float, Color], ...]
    labels: tuple[str, ...] | None
    fill_value: float | None
    background: Color | None
    missing: Color | None
    _palette: NDArray[np.uint8] = field(compare=False, repr=False)

    def __init__(
        self,
        colors: Sequence[tuple[Any, Color]],
        *,
        labels: Sequence[str] | None = None,
        fill_value: Any = None,
        background: Color | None = None,
        missing: Color | None = None,
    ) -> None:
        pairs = [(self._value(value), color) for value, color in checked_pairs(colors)]
        rising, labels = _sorted(pairs, checked_labels(labels, len(pairs)), self._value_name)
        put(
            self,
            colors=rising,
            labels=labels,
            fill_value=checked_fill(fill_value),
            background=checked_color(background, "background"),
            missing=checked_color(missing, "missing"),
            _palette=new_palette([color for _, color in rising], background, missing),
        )

    @staticmethod
    def _value(value: Any) -> float:
        """Return the value of a colour as a Python number."""
        return real_number(value, "colors")

    @property
    def _values(self) -> tuple[float, ...]:
        return tuple(value for value, _ in self.colors)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form; see `renderer_from_json`."""
        options = read_options(document, ("labels", "fill_value", "background", "missing"))
        return cls(read_pairs(document), **options)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"type", "colors": [[value, "#rrggbb"], ...], "options": {...}}``; null is infinity."""
        return {
            "type": self.type,
            "colors": [[finite(value), color.to_hex()] for value, color in self.colors],
            "options": written_options(
                labels=self.labels, fill_value=self.fill_value, background=self.background, missing=self.missing
            ),
        }

    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return 1 for the first of n colours, n for the last, n + 1 for the background, 0 where values are missing."""
        array, masked = plain(values)
        dtype = array.dtype.newbyteorder("=")
        if dtype.kind == "f":
            rows = self._rows(self._values, array)
        elif dtype.itemsize <= 2:
            rows = _rows_of_all(type(self), self._values, dtype).take(array.view(array.dtype.str.replace("i", "u")))
        elif (table := _rows_of_range(type(self), self._values, dtype)) is not None:
            low, high, rows_of = table
            rows = rows_of.take(np.subtract(np.clip(array, low, high), low, dtype=np.intp))
        else:
            rows = self._rows(self._values, array)
        return clear_missing(np.asarray(rows), array, masked, self.fill_value)

    @staticmethod
    @abstractmethod
    def _rows(values: tuple[float, ...], array: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the rows that integers or floats have among the rising values of the colours; NaN has any."""

    def palette(self) -> NDArray[np.uint8]:
        """Return the colours, (256, 4): missing, those of the values in rising order, the background."""
        return self._palette


@lru_cache(maxsize=64)
def _rows_of_all(kind: type[ListedRenderer], values: tuple[float, ...], dtype: np.dtype[Any]) -> NDArray[np.uint8]:
    """Return the rows of all numbers that a type of one or two bytes has, at their places when taken as unsigned."""
    numbers = np.arange(256**dtype.itemsize, dtype=f"u{dtype.itemsize}")
    return kind._rows(values, numbers.view(dtype))


@lru_cache(maxsize=64)
def _rows_of_range(
    kind: type[ListedRenderer], values: tuple[float, ...], dtype: np.dtype[Any]
) -> tuple[np.generic, np.generic, NDArray[np.uint8]] | None:
    """Return the first and the last of the whole numbers about some values, and the rows of all between.

    What lies below the first or above the last has the row of that. None where there would be too many.
    """
    within = [value for value in values if value != np.inf]
    info = np.iinfo(dtype)
    low, high = int(min(within, default=0)) - 2, int(max(within, default=0)) + 2  # int cuts towards 0
    low, high = max(low, info.min), min(high, info.max)
    if not 0 <= high - low < _LONGEST_TABLE:
        return None
    numbers = np.array(range(low, high + 1), dtype=dtype)
    return numbers[0], numbers[-1], kind._rows(values, numbers)


def finite(value: float) -> float | None:
    """Return a value as JSON has it: None for infinity."""
    return None if value == np.inf else value


def _sorted(
    pairs: list[tuple[float, Color]], labels: tuple[str, ...] | None, what: str
) -> tuple[tuple[tuple[float, Color], ...], tuple[str, ...] | None]:
    """Return pairs and their labels by rising value, refusing too many, none, and a value that is there twice."""
    if not 1 <= len(pairs) <= MOST_COLORS:
        raise RendererNotValid(f"renderer: {len(pairs)} colors given, not 1 to {MOST_COLORS}", value=len(pairs))
    order = sorted(range(len(pairs)), key=lambda at: pairs[at][0])
    rising = tuple(pairs[at] for at in order)
    for (value, _), (following, _) in pairwise(rising):
        if value == following:
            raise RendererNotValid(f"renderer: the {what} {shown(finite(value))} is there twice", value=value)
    return rising, None if labels is None else tuple(labels[at] for at in order)
