"""Colours one by one with their labels, in columns, below a map. Lengths are inches."""

import math
import textwrap
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from matplotlib.axes import Axes
from matplotlib.patches import Patch

_SIZE = 9  # points
_ROW, _TITLE, _BELOW = 0.195, 0.22, 0.08
_CHARACTER = 0.078
_AROUND = 0.62  # of a column: the swatch and the room between
_LONGEST = 48  # characters of a label
_INK = "#1a1a1a"


@dataclass(frozen=True, slots=True)
class Swatches:
    """What stands below a map: pairs of label and colour (``#rrggbb``), and a title, all of which may be empty."""

    entries: tuple[tuple[str, str], ...]
    title: str = ""

    @classmethod
    def of(cls, entries: Iterable[Mapping[str, Any]], title: str = "") -> "Swatches":
        """Take the entries of a legend."""
        return cls(
            tuple((textwrap.shorten(entry["label"], _LONGEST, placeholder=" …"), entry["color"]) for entry in entries),
            title,
        )

    def height(self, width: float) -> float:
        """Return the height that they need in a width."""
        if not self.entries:
            return 0.0
        return math.ceil(len(self.entries) / self._columns(width)) * _ROW + _TITLE * bool(self.title) + _BELOW

    def draw(self, axes: Axes, width: float) -> None:
        """Draw them in axes that have their width and height."""
        axes.axis("off")
        if not self.entries:
            return
        legend = axes.legend(
            handles=[
                Patch(facecolor=color, edgecolor=_INK, linewidth=0.6, label=label) for label, color in self.entries
            ],
            loc="upper center",
            ncols=self._columns(width),
            title=self.title or None,
            title_fontsize=_SIZE + 1,
            fontsize=_SIZE,
            labelcolor=_INK,
            frameon=False,
            borderpad=0,
            borderaxespad=0,
            labelspacing=0.45,
            columnspacing=1.6,
        )
        for text in (legend.get_title(), *legend.get_texts()):
            text.set_parse_math(False)

    def _columns(self, width: float) -> int:
        longest = max(len(label) for label, _ in self.entries)
        return max(1, min(len(self.entries), int(width / (longest * _CHARACTER + _AROUND))))
