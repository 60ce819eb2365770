"""The colour scale of a map: round levels, one colour for each class between them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import numpy as np
from matplotlib import colormaps
from matplotlib.cm import ScalarMappable
from matplotlib.colors import BoundaryNorm, Colormap, ListedColormap, LogNorm, Normalize, PowerNorm, to_rgba
from numpy.typing import NDArray

from geojobs_lab.errors import InvalidInput
from geojobs_lab.renderers import default_renderer, level_labels, round_levels

_SEQUENTIAL, _DIVERGING = "viridis", "RdBu_r"  # both can be told apart by colour-blind readers
_CLASSES = 10  # at most: more cannot be told apart by any reader


@dataclass(frozen=True, slots=True)
class Scale:
    """Colours for values, and what stands beside the colour bar.

    Attributes
    ----------
    cmap : Colormap
    norm : Normalize
    ticks, labels : list
        Round values and their texts.
    extend : str
        The ends of the scale that values lie beyond: ``"neither"``, ``"min"``, ``"max"`` or ``"both"``.
    """

    cmap: Colormap
    norm: Normalize
    ticks: list[float]
    labels: list[str]
    extend: Literal["neither", "min", "max", "both"]

    @property
    def places(self) -> list[float]:
        """Where the ticks stand on the bar, 0..1."""
        if isinstance(self.norm, BoundaryNorm):  # its classes are equally wide
            return [at / (len(self.ticks) - 1) for at in range(len(self.ticks))]
        places: list[float] = np.asarray(self.norm(np.array(self.ticks))).tolist()
        return places

    @property
    def mappable(self) -> ScalarMappable:
        """What turns values into colours."""
        return ScalarMappable(self.norm, self.cmap)


def class_scale(
    values: NDArray[Any], cmap: str | None = None, vmin: float | None = None, vmax: float | None = None
) -> Scale:
    """Return a scale of at most ten classes or so with round limits.

    Parameters
    ----------
    values : array
        NaN where missing.
    cmap : str, optional
        A colormap of matplotlib. Without it: red and blue about zero when the values lie on both sides of it,
        viridis otherwise.
    vmin, vmax : float, optional
        The range, widened to round numbers; that of the values when not given.

    Raises
    ------
    InvalidInput
        No such colormap; `vmin` is not below `vmax`.
    """
    stretch = default_renderer(values)
    low = stretch.vmin if vmin is None else float(vmin)
    high = stretch.vmax if vmax is None else float(vmax)
    if not low < high:
        raise InvalidInput(f"vmin: {low!r} is not below vmax, {high!r}", field="vmin", value=vmin)
    if cmap is None:
        cmap = _DIVERGING if low < 0 < high else _SEQUENTIAL
        if cmap == _DIVERGING and vmin is None and vmax is None:
            low, high = -max(-low, high), max(-low, high)
    if cmap not in colormaps:
        raise InvalidInput(f"cmap: matplotlib has no colormap {cmap!r}", field="cmap", value=cmap)
    levels = round_levels(low, high, most=_CLASSES, around=True)
    below, above = bool(np.any(values < levels[0])), bool(np.any(values > levels[-1]))
    colors = colormaps[cmap](np.linspace(0, 1, len(levels) - 1 + below + above))
    classes = ListedColormap(colors[below : len(colors) - above])
    return Scale(
        classes.with_extremes(under=tuple(colors[0]), over=tuple(colors[-1])),
        BoundaryNorm(levels, classes.N),
        levels,
        level_labels(levels),
        "both" if below and above else "min" if below else "max" if above else "neither",
    )


def ramp_scale(legend: Mapping[str, Any]) -> Scale:
    """Return the scale of a renderer with a ramp, by its legend."""
    low, high = legend["range"]
    norms: dict[str, Callable[[float, float], Normalize]] = {"log": LogNorm, "sqrt": partial(PowerNorm, 0.5)}
    return Scale(
        ListedColormap([to_rgba(color) for color in legend["colors"]]),
        norms.get(legend["stretch"], Normalize)(low, high),
        [entry["value"] for entry in legend["entries"]],
        [entry["label"] for entry in legend["entries"]],
        "neither",
    )
