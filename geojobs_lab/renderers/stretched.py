"""The stretched renderer: a continuous ramp of colours between values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, SupportsFloat, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer, new_palette, others, put
from geojobs_lab.renderers.levels import level_labels, round_levels
from geojobs_lab.renderers.options import (
    Options,
    checked_color,
    checked_fill,
    read_options,
    read_pairs,
    written_options,
)
from geojobs_lab.renderers.ramps import COLOR_SPACES, colormap_stops, ramp
from geojobs_lab.renderers.stops import checked_stops, stop_value, widened
from geojobs_lab.renderers.values import LARGEST, clear_missing, number, plain, shown

_BACKGROUND = 255  # the row of the palette, where there is a background
_BLACK, _WHITE = Color(0, 0, 0), Color(255, 255, 255)
_SINGLE = 1e30  # from here on, arithmetic in float32 could overflow


@dataclass(frozen=True, slots=True, init=False)
class StretchedRenderer(Renderer):
    """A ramp of colours, linear between the stops.

    Values below the first stop and above the last take the colours of these, or the background where one is given.

    Parameters
    ----------
    colors : sequence of (value, Color)
        Two stops or more, in any order; two stops at one value make a sharp step. The values are numbers of
        any kind: Python's, numpy's, 0-d arrays. Stops that are all at one value (a constant raster) are
        spread a little about it, stops that are all NaN or None (a raster without data) over 0..1.
    color_space : {"rgb", "hsv"}
        What is interpolated: red, green and blue, or hue, saturation and value. Alpha is in both.
    fill_value : float, optional
        A value that counts as missing, besides NaN and masked ones; compared in the type of the data.
    background : Color, optional
        Of values below the first stop and above the last; without it they take the colours of the stops.
    missing : Color, optional
        Of missing values; transparent when left out.

    Attributes
    ----------
    colors : tuple of (float, Color)
        The stops as they are used: finite, rising.

    Raises
    ------
    RendererNotValid
        Fewer than two stops, a value that is no number or not finite, a colour that is no `Color`, another colour
        space.
    """

    type: ClassVar[str] = "stretched"
    colors: tuple[tuple[float, Color], ...]
    color_space: str
    fill_value: float | None
    background: Color | None
    missing: Color | None
    _palette: NDArray[np.uint8] = field(compare=False, repr=False)

    def __init__(
        self,
        colors: Sequence[tuple[SupportsFloat | None, Color]],
        *,
        color_space: str = "rgb",
        fill_value: SupportsFloat | None = None,
        background: Color | None = None,
        missing: Color | None = None,
    ) -> None:
        if not isinstance(color_space, str) or color_space not in COLOR_SPACES:
            known = " or ".join(map(repr, COLOR_SPACES))
            raise RendererNotValid(f"renderer: color_space is {shown(color_space)}, not {known}", value=color_space)
        stops = checked_stops(colors)
        put(
            self,
            colors=stops,
            color_space=color_space,
            fill_value=checked_fill(fill_value),
            background=checked_color(background, "background"),
            missing=checked_color(missing, "missing"),
        )
        put(self, _palette=new_palette(ramp(stops, self._count, color_space), background, missing))

    @classmethod
    def from_range(
        cls,
        vmin: SupportsFloat | None,
        vmax: SupportsFloat | None,
        colors: Sequence[Color] | None = None,
        **options: Unpack[Options],
    ) -> Self:
        """Spread colours evenly from `vmin` to `vmax`; black to white when none are given."""
        shades = (_BLACK, _WHITE) if colors is None else tuple(colors)
        if len(shades) < 2:
            raise RendererNotValid(f"renderer: {len(shades)} colors given, two are the least", value=colors)
        values = np.linspace(stop_value(vmin), stop_value(vmax), len(shades))
        return cls([(float(value), color) for value, color in zip(values, shades, strict=True)], **options)

    @classmethod
    def from_colormap(
        cls, name: str, vmin: SupportsFloat | None, vmax: SupportsFloat | None, **options: Unpack[Options]
    ) -> Self:
        """Take a colormap of matplotlib by its name, from `vmin` to `vmax`.

        It is sampled at 17 stops, or at more where its colours need them; one that lists a few colours to be told
        apart (``tab10``) becomes even steps.

        Raises
        ------
        RendererNotValid
            Matplotlib has no colormap of that name.
        """
        stops = colormap_stops(name)
        limits = np.array([stop_value(vmin), stop_value(vmax)])
        if limits[0] > limits[1]:
            stops = [(1 - place, color) for place, color in reversed(stops)]
        # The places of its stops count, so a range without width is widened here and not later.
        low, high = widened(limits).tolist()
        return cls([(low * (1 - place) + high * place, color) for place, color in stops], **options)

    @classmethod
    def from_percentiles(
        cls,
        raster: ArrayLike,
        low: float = 2,
        high: float = 98,
        colormap: str = "viridis",
        **options: Unpack[Options],
    ) -> Self:
        """Stretch a colormap of matplotlib between two percentiles of a raster's finite values.

        Parameters
        ----------
        raster : array-like
            Of any shape; a DataArray will do. A constant raster and one without data have a defined stretch.
        low, high : float
            Percent, 0..100.
        colormap : str
            Its name.

        Raises
        ------
        RendererNotValid
            No such colormap, or no such percentiles.
        """
        if not 0 <= number(low, "low") < number(high, "high") <= 100:
            raise RendererNotValid(
                f"renderer: the percentiles {shown(low)} and {shown(high)} do not rise within 0..100", value=(low, high)
            )
        fill = checked_fill(options.get("fill_value"))
        values = _known(raster)
        values = values[np.isfinite(values) if fill is None else np.isfinite(values) & (values != fill)]
        if not values.size:
            return cls.from_colormap(colormap, None, None, **options)
        limits = np.percentile(values, [low, high])
        return cls.from_colormap(colormap, *np.clip(limits, -LARGEST, LARGEST).tolist(), **options)

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form; see `renderer_from_json`."""
        known = ("color_space", "fill_value", "background", "missing", "colormap", "vmin", "vmax")
        options = read_options(document, known)
        name, *limits = (options.pop(key, None) for key in known[-3:])
        if name is None:
            if limits != [None, None]:
                raise RendererNotValid("renderer: the options vmin and vmax need the option colormap", value=limits)
            return cls(read_pairs(document), **options)
        if document.get("colors"):
            raise RendererNotValid("renderer: there are colors and the option colormap: give one of them", value=name)
        if "color_space" in options:
            raise RendererNotValid("renderer: the option color_space is for colors, not for a colormap", value=name)
        for key, limit in zip(known[-2:], limits, strict=True):
            if limit is None:
                raise RendererNotValid(f"renderer: the option colormap needs the option {key}", value=name)
        return cls.from_colormap(name, *limits, **options)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"type", "colors": [[value, "#rrggbb"], ...], "options": {...}}``."""
        return {
            "type": self.type,
            "colors": [[value, color.to_hex()] for value, color in self.colors],
            "options": written_options(
                color_space=None if self.color_space == "rgb" else self.color_space,
                fill_value=self.fill_value,
                background=self.background,
                missing=self.missing,
            ),
        }

    @property
    def vmin(self) -> float:
        """The value of the first colour."""
        return self.colors[0][0]

    @property
    def vmax(self) -> float:
        """The value of the last colour."""
        return self.colors[-1][0]

    @property
    def _count(self) -> int:
        """The number of colours of the ramp: all rows but 0, and but that of the background."""
        return 255 if self.background is None else 254

    def palette(self) -> NDArray[np.uint8]:
        """Return the ramp in even steps of value, (256, 4): 255, or 254 and the background; row 0 is for missing."""
        return self._palette

    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return 1 at `vmin` and below to 255 at `vmax` and above, the nearest of the even steps between.

        With a background: 1 at `vmin` to 254 at `vmax`, and 255 beyond them.
        """
        array, masked = plain(values)
        rows = self._steps(array)
        if self.background is not None:
            with np.errstate(over="ignore"):  # of the limits, where float32 or float16 cannot hold them
                rows[(array < self.vmin) | (array > self.vmax)] = _BACKGROUND
        if masked is not None or self.fill_value is not None:
            clear_missing(rows, array, masked, self.fill_value)
        return rows

    def _steps(self, array: NDArray[Any]) -> NDArray[np.uint8]:
        """Return the rows of the ramp, 0 for NaN."""
        gain = (self._count - 1) / (self.vmax - self.vmin)
        single = max(abs(self.vmin), abs(self.vmax), gain) < _SINGLE
        dtype = np.result_type(array.dtype, np.float32 if single else np.float64)
        with np.errstate(over="ignore", invalid="ignore"):  # what overflows is clamped; below a mask anything may lie
            steps = np.empty(array.shape, dtype)
            np.subtract(array, dtype.type(self.vmin), out=steps, dtype=dtype)
            steps *= dtype.type(gain)
        steps += dtype.type(1.5)
        np.clip(steps, 1, self._count, out=steps)
        np.fmax(steps, 0, out=steps)  # NaN, which clip keeps, becomes 0
        return np.asarray(steps, dtype=np.uint8)

    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend: entries at round values, the range, and the colours of the ramp.

        The colour of a value of the range is the nearest of ``colors``, the first at its beginning and the last at
        its end.
        """
        values = round_levels(self.vmin, self.vmax, most=6)
        colors = [Color(*row).to_hex() for row in self._palette[1 : 1 + self._count].tolist()]
        shown_at = self.indices(np.clip(np.array(values, dtype=np.float64), self.vmin, self.vmax))
        return {
            "type": self.type,
            "unit": unit,
            "range": [self.vmin, self.vmax],
            "entries": [
                {"value": value, "label": label, "color": colors[row - 1]}
                for value, label, row in zip(values, level_labels(values), shown_at.tolist(), strict=True)
            ],
            "colors": colors,
            "others": others(self.background, "out of range", self.missing),
        }


def default_renderer(raster: ArrayLike) -> StretchedRenderer:
    """Return black to white over the finite values of a raster.

    Parameters
    ----------
    raster : array-like
        Of any shape; a DataArray will do. A constant raster and one without data have a defined stretch.
    """
    values = _known(raster)
    if values.size and np.isinf(_limits(values)).any():
        values = values[np.isfinite(values)]
    if not values.size:
        return StretchedRenderer.from_range(None, None)
    low, high = np.clip(_limits(values), -LARGEST, LARGEST)
    return StretchedRenderer.from_range(low, high)


def _limits(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the least and the greatest value, passing over NaN."""
    return np.array([np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)], dtype=np.float64)


def _known(raster: ArrayLike) -> NDArray[Any]:
    """Return the values of a raster that are not masked."""
    return raster.compressed() if isinstance(raster, np.ma.MaskedArray) else np.asarray(raster)
