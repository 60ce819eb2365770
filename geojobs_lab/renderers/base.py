"""What every renderer can do."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color


class Renderer(ABC):
    """An immutable mapping from values to at most 255 colours and "missing".

    Pictures are made of `indices` into `palette`: index 0 is a missing value, 1..255 are colours.
    """

    __slots__ = ()

    type: ClassVar[str]
    """The name of the kind in JSON."""

    @abstractmethod
    def palette(self) -> NDArray[np.uint8]:
        """Return the colours, (256, 4), red, green, blue, alpha, read-only; row 0 is for missing values."""

    @abstractmethod
    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return each value's row of the palette, in the shape of `values`; missing values give 0.

        Missing are NaN, masked values, and those equal to the renderer's fill value.
        """

    @abstractmethod
    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend as a JSON document.

        Parameters
        ----------
        unit : str, optional
            The unit of the values, passed on.

        Returns
        -------
        dict
            ``type``, ``unit``, ``entries``, each ``{"value", "label", "color"}`` in rising order, and ``others``,
            each ``{"label", "color"}``: the background and the colour of missing values, where they can be seen.
            A ramp has ``range``, ``stretch`` and ``colors`` at even steps along it; the entries are round values with
            their ``position`` on it, 0..1. A class has ``low`` (not in it) and ``high`` (in it), null without a limit.
        """

    @abstractmethod
    def to_json(self) -> dict[str, Any]:
        """Return the JSON form, which `renderer_from_json` reads back to an equal renderer."""

    def _repr_svg_(self) -> str:
        from geojobs_lab.renderers.svg import legend_svg  # which takes Renderer in its signature

        return legend_svg(self)


def new_palette(
    colors: NDArray[np.uint8] | list[Color], background: Color | None, missing: Color | None
) -> NDArray[np.uint8]:
    """Return a read-only palette, (256, 4): the colour for missing values, `colors`, the background; None is clear."""
    palette = np.zeros((256, 4), dtype=np.uint8)
    rows = colors if isinstance(colors, np.ndarray) else [channels(color) for color in colors]
    palette[1 : 1 + len(rows)] = rows
    if background is not None:
        palette[1 + len(rows)] = channels(background)
    if missing is not None:
        palette[0] = channels(missing)
    palette.flags.writeable = False
    return palette


def put(renderer: Renderer, **values: Any) -> None:
    """Set the attributes of a renderer that is being made."""
    for name, value in values.items():
        object.__setattr__(renderer, name, value)  # the dataclasses are frozen


def channels(color: Color) -> tuple[int, int, int, int]:
    """Return red, green, blue and alpha."""
    return color.red, color.green, color.blue, color.alpha


def others(background: Color | None, background_label: str, missing: Color | None) -> list[dict[str, str]]:
    """Return what a legend says of colours that stand for no value, those that can be seen."""
    found = ((background_label, background), ("no data", missing))
    return [{"label": label, "color": color.to_hex()} for label, color in found if color is not None and color.alpha]
