"""The unique renderer: one colour for each of a few values, such as the classes of a land cover."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any, ClassVar, Self, Unpack

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import others
from geojobs_lab.renderers.levels import single_labels
from geojobs_lab.renderers.listed import ListedRenderer
from geojobs_lab.renderers.options import Options
from geojobs_lab.renderers.ramps import colormap_colors
from geojobs_lab.renderers.searching import Search
from geojobs_lab.renderers.values import shown

_FEW = 16  # values: comparing with each takes less time than their buckets


class UniqueRenderer(ListedRenderer):
    """One colour for each of a few values; all other values take the background.

    Values are compared in the type of the data: in a float32 raster a value that was written as 0.1 equals 0.1.

    Parameters
    ----------
    colors : sequence of (value, Color)
        1 to 254, in any order.
    labels : sequence of str, optional
        What the values are called, in the order of `colors`; without them legends tell the values.
    fill_value : float, optional
        A value that counts as missing, besides NaN and masked ones; compared in the type of the data.
    background : Color, optional
        Of values that are not listed; transparent when left out.
    missing : Color, optional
        Of missing values; transparent when left out.

    Attributes
    ----------
    colors : tuple of (value, Color)
        Rising.

    Raises
    ------
    RendererNotValid
        No value or too many, one that is no number or there twice, labels that are not one for each value.
    """

    __slots__ = ()

    type: ClassVar[str] = "unique"
    _value_name: ClassVar[str] = "value"

    @classmethod
    def from_flags(cls, raster: Any, **options: Unpack[Options]) -> Self:
        """Read the values, names and colours of a raster's classes from its CF attributes.

        Parameters
        ----------
        raster : xarray.DataArray or Mapping
            The raster or its attributes: ``flag_values``, and mostly ``flag_meanings`` (words divided by spaces; ``_``
            within them is shown as a space) and ``flag_colors`` (``#rrggbb``, divided by spaces). Without colours:
            those of matplotlib's tab10 or tab20, or of turbo when there are more values.

        Raises
        ------
        RendererNotValid
            There are no ``flag_values``, or the attributes do not fit each other.
        """
        attributes = raster if isinstance(raster, Mapping) else raster.attrs
        if "flag_values" not in attributes:
            raise RendererNotValid("renderer: the raster has no attribute flag_values", value=None)
        values = np.ravel(attributes["flag_values"]).tolist()
        meanings = _words(attributes, "flag_meanings", len(values))
        codes = _words(attributes, "flag_colors", len(values))
        colors = _distinct_colors(len(values)) if codes is None else [Color.from_hex(code) for code in codes]
        labels = None if meanings is None else [meaning.replace("_", " ") for meaning in meanings]
        return cls(list(zip(values, colors, strict=True)), labels=labels, **options)

    @staticmethod
    def _rows(values: tuple[float, ...], array: NDArray[Any]) -> NDArray[np.uint8]:
        rows_of, search = _search(values, array.dtype)
        if len(search.limits) <= _FEW:
            rows = np.full(array.shape, rows_of[-1])
            for row, value in zip(rows_of, search.limits, strict=False):
                rows -= (array == value).view(np.uint8) * (rows_of[-1] - row)
            return rows
        return rows_of.take(search.equal(array))

    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend: an entry for each value."""
        labels = self.labels or single_labels(self._values)
        return {
            "type": self.type,
            "unit": unit,
            "entries": [
                {"value": value, "label": label, "color": color.to_hex()}
                for label, (value, color) in zip(labels, self.colors, strict=True)
            ],
            "others": others(self.background, "other", self.missing),
        }


UniqueValuesRenderer = UniqueRenderer


@lru_cache(maxsize=64)
def _search(values: tuple[float, ...], dtype: np.dtype[Any]) -> tuple[NDArray[np.uint8], Search]:
    """Return the rows of the palette, at the end that of all others, and the search among values in a type of data.

    What the type cannot hold is left out; of values that are one in the type the first stands for all.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):
            listed, first = np.unique(np.array(values, dtype=np.float64).astype(dtype), return_index=True)
        kept = first.tolist()
    else:
        info = np.iinfo(dtype)
        kept = [at for at, value in enumerate(values) if value == int(value) and info.min <= value <= info.max]
        listed = np.array([int(values[at]) for at in kept], dtype=dtype)
    return np.array([*kept, len(values)], dtype=np.uint8) + np.uint8(1), Search(listed)


def _words(attributes: Mapping[Any, Any], name: str, count: int) -> list[str] | None:
    """Return an attribute that is a list of texts, or one text of them; None where there is none."""
    if name not in attributes:
        return None
    found = attributes[name]
    words = found.split() if isinstance(found, str) else [str(word) for word in np.ravel(found).tolist()]
    if len(words) != count:
        raise RendererNotValid(
            f"renderer: {name} is {shown(found)}, which has not one word for each of {count} flag_values", value=found
        )
    return words


def _distinct_colors(count: int) -> list[Color]:
    """Return colours that can be told apart, as well as so many can."""
    return colormap_colors("tab10" if count <= 10 else "tab20" if count <= 20 else "turbo", count)
