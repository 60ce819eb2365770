"""The classified renderer: one colour for each class between breaks."""

import math
from collections.abc import Sequence
from functools import lru_cache
from itertools import pairwise
from typing import Any, ClassVar, Self, SupportsFloat, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import others
from geojobs_lab.renderers.breaks import JENKS, class_breaks
from geojobs_lab.renderers.distribution import Distribution
from geojobs_lab.renderers.levels import number_labels
from geojobs_lab.renderers.listed import MOST_COLORS, ListedRenderer, finite
from geojobs_lab.renderers.options import Options, checked_fill
from geojobs_lab.renderers.ramps import colormap_colors
from geojobs_lab.renderers.searching import Search
from geojobs_lab.renderers.stops import stop_value, widened
from geojobs_lab.renderers.values import real_number, shown

_FEW = 16  # breaks: comparing with each takes less time than their buckets


class ClassifiedRenderer(ListedRenderer):
    """One colour for each class of values; classes are closed on the right.

    The first colour is that of the values up to and including the first break, the next one that of the values above
    it up to and including the second break, and so on. Values above the last break take the background.

    Breaks are compared in the type of the data: in a float32 raster a value that was written as 0.1 equals the break
    0.1, and whole numbers are compared as whole numbers.

    Parameters
    ----------
    colors : sequence of (break, Color)
        1 to 254 classes, in any order; the breaks are their upper limits. None or infinity is the limit of a class
        that has none.
    labels : sequence of str, optional
        What the classes are called, in the order of `colors`; without them legends tell the limits.
    fill_value : float, optional
        A value that counts as missing, besides NaN and masked ones; compared in the type of the data.
    background : Color, optional
        Of values above the last break; transparent when left out.
    missing : Color, optional
        Of missing values; transparent when left out.

    Attributes
    ----------
    colors : tuple of (break, Color)
        Rising; the last break may be infinity.

    Raises
    ------
    RendererNotValid
        No class or too many, a break that is no number or there twice, labels that are not one for each class.
    """

    __slots__ = ()

    type: ClassVar[str] = "classified"
    _value_name: ClassVar[str] = "break"

    @staticmethod
    def _value(value: Any) -> float:
        """Return the upper limit of a class as a number, infinity for none."""
        limit = math.inf if value is None else real_number(value, "colors", largest=math.inf)
        return limit if limit == math.inf else real_number(limit, "colors")

    @classmethod
    def from_breaks(
        cls,
        breaks: Sequence[SupportsFloat | None],
        colors: Sequence[Color] | str = "viridis",
        *,
        labels: Sequence[str] | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Make classes of their upper limits and as many colours, or colours from a colormap of matplotlib.

        Raises
        ------
        RendererNotValid
            There are not as many colours as breaks, or matplotlib has no such colormap.
        """
        count = len(breaks)
        shades = colormap_colors(colors, count) if isinstance(colors, str) else list(colors)
        if len(shades) != count:
            raise RendererNotValid(f"renderer: {len(shades)} colors for {count} breaks", value=colors)
        return cls(list(zip(breaks, shades, strict=True)), labels=labels, **options)

    @classmethod
    def equal(
        cls,
        low: SupportsFloat | None,
        high: SupportsFloat | None,
        classes: int = 5,
        colormap: str = "viridis",
        **options: Unpack[Options],
    ) -> Self:
        """Divide the range from `low` to `high` into classes of equal width, coloured by a colormap of matplotlib.

        `high` is in the last class, what lies below `low` in the first. A range without width (a constant raster) is
        widened a little about its value, one of NaN or None (a raster without data) is 0..1.

        Raises
        ------
        RendererNotValid
            `low` lies above `high`, no such number of classes, or matplotlib has no such colormap.
        """
        count = real_number(classes, "classes")
        if not (isinstance(count, int) and 1 <= count <= MOST_COLORS):
            raise RendererNotValid(f"renderer: {shown(classes)} classes, not 1 to {MOST_COLORS}", value=classes)
        limits = np.array([stop_value(low), stop_value(high)])
        if limits[0] > limits[1]:
            raise RendererNotValid(f"renderer: low is {shown(low)}, above high, {shown(high)}", value=low)
        first, last = widened(limits)
        edges = np.linspace(first, last, count + 1)
        return cls.from_breaks(edges[1:].tolist(), colormap, **options)

    @classmethod
    def from_values(
        cls,
        raster: ArrayLike | Distribution,
        classes: int = 5,
        method: str = JENKS,
        colormap: str = "viridis",
        **options: Unpack[Options],
    ) -> Self:
        """Divide the finite values of a raster into classes, coloured by a colormap of matplotlib.

        Parameters
        ----------
        raster : array-like or Distribution
            Of any shape; a DataArray will do.
        classes : int
            How many at most; where values are alike there are fewer.
        method : {"jenks", "quantile", "equal"}
            Natural breaks, as many values in each class, or equal intervals; see `class_breaks`.
        colormap : str
            Its name.

        Returns
        -------
        ClassifiedRenderer
            The last class ends with the greatest value. One class without a limit for a raster without data.

        Raises
        ------
        RendererNotValid
            No such method, number of classes or colormap.
        """
        if isinstance(raster, Distribution):
            values = raster
        else:
            values = Distribution.of(raster, checked_fill(options.get("fill_value")))
        breaks: list[float | None] = [*class_breaks(values, method, classes)]
        return cls.from_breaks(breaks or [None], colormap, **options)

    @staticmethod
    def _rows(values: tuple[float, ...], array: NDArray[Any]) -> NDArray[np.uint8]:
        first, search = _search(values, array.dtype)
        if len(search.limits) > _FEW:
            return search.exceeded(array) + np.uint8(first)
        rows = np.full(array.shape, first, dtype=np.uint8)
        for limit in search.limits:
            rows += array > limit
        return rows

    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend: an entry for each class, with its limits."""
        limits = [finite(limit) for limit in self._values]
        labels = self.labels or _interval_labels(limits)
        lows = [None, *limits[:-1]]
        return {
            "type": self.type,
            "unit": unit,
            "entries": [
                {"value": high, "low": low, "high": high, "label": label, "color": color.to_hex()}
                for low, high, label, (_, color) in zip(lows, limits, labels, self.colors, strict=True)
            ],
            "others": others(None if limits[-1] is None else self.background, "other", self.missing),
        }


@lru_cache(maxsize=64)
def _search(breaks: tuple[float, ...], dtype: np.dtype[Any]) -> tuple[int, Search]:
    """Return the row of values that exceed no break, and the search among the breaks in a type of data.

    For whole numbers, breaks are rounded down; those that every value exceeds count as exceeded, and those that no
    value exceeds are left out.
    """
    if dtype.kind == "f":
        with np.errstate(over="ignore"):  # beyond what the type holds, infinity is as good
            return 1, Search(np.array(breaks, dtype=np.float64).astype(dtype))
    info = np.iinfo(dtype)
    whole = [math.floor(limit) for limit in breaks if limit != math.inf]
    inside = [limit for limit in whole if info.min <= limit < info.max]
    return 1 + sum(limit < info.min for limit in whole), Search(np.array(inside, dtype=dtype))


def _interval_labels(limits: Sequence[float | None]) -> list[str]:
    """Write what lies between limits: "≤ a", "a – b", and "> b" where the last is None."""
    texts = number_labels([limit for limit in limits if limit is not None])
    between = [f"{low} – {high}" for low, high in pairwise(texts)]
    above = [] if limits[-1] is not None else [f"> {texts[-1]}" if texts else "all values"]
    return [*(f"≤ {text}" for text in texts[:1]), *between, *above]
