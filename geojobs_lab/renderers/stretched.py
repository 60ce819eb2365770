"""The stretched renderer: a continuous ramp of colours between values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, SupportsFloat

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.levels import level_labels, round_levels

_COLORS = 255  # palette rows 1..255; row 0 is "missing"
_SAMPLES = 33  # colours of the ramp in a legend document
_BLACK, _WHITE = Color(0, 0, 0), Color(255, 255, 255)
_LARGEST = 1e300  # of a stop: differences of two are finite
_SINGLE = 1e30  # from here on, arithmetic in float32 could overflow


@dataclass(frozen=True, slots=True, init=False)
class StretchedRenderer(Renderer):
    """A ramp of colours, linear in red, green, blue and alpha between the stops.

    Values below the first stop and above the last take the colours of these.

    Parameters
    ----------
    colors : sequence of (value, Color)
        Two stops or more, in any order; two stops at one value make a sharp step. The values are numbers of
        any kind: Python's, numpy's, 0-d arrays. Stops that are all at one value (a constant raster) are
        spread a little about it, stops that are all NaN or None (a raster without data) over 0..1.

    Attributes
    ----------
    colors : tuple of (float, Color)
        The stops as they are used: finite, rising.

    Raises
    ------
    RendererNotValid
        Fewer than two stops, a value that is no number or not finite, a colour that is no `Color`.
    """

    type: ClassVar[str] = "stretched"
    colors: tuple[tuple[float, Color], ...]
    _palette: NDArray[np.uint8] = field(compare=False, repr=False)

    def __init__(self, colors: Sequence[tuple[SupportsFloat | None, Color]]) -> None:
        stops = _stops(colors)
        object.__setattr__(self, "colors", stops)
        object.__setattr__(self, "_palette", _ramp_palette(stops))

    @classmethod
    def from_range(
        cls, vmin: SupportsFloat | None, vmax: SupportsFloat | None, colors: Sequence[Color] | None = None
    ) -> Self:
        """Spread colours evenly from `vmin` to `vmax`; black to white when none are given."""
        ramp = (_BLACK, _WHITE) if colors is None else tuple(colors)
        if len(ramp) < 2:
            raise RendererNotValid(f"renderer: {len(ramp)} colors given, two are the least", value=colors)
        values = np.linspace(_value(vmin), _value(vmax), len(ramp))
        return cls([(float(value), color) for value, color in zip(values, ramp, strict=True)])

    @classmethod
    def from_colormap(cls, name: str, vmin: SupportsFloat | None, vmax: SupportsFloat | None) -> Self:
        """Take a colormap of matplotlib by its name, sampled at 17 stops from `vmin` to `vmax`.

        Raises
        ------
        RendererNotValid
            Matplotlib has no colormap of that name.
        """
        from matplotlib import colormaps  # here, because server configurations import this module

        if name not in colormaps:
            raise RendererNotValid(f"renderer: matplotlib has no colormap {name!r}", value=name)
        samples = colormaps[name](np.linspace(0, 1, 17), bytes=True)
        return cls.from_range(vmin, vmax, [Color(*sample) for sample in samples])

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read the JSON form; see `renderer_from_json`."""
        options = document.get("options", {})
        if not isinstance(options, Mapping):
            raise RendererNotValid(f"renderer: options is {options!r}, not an object", value=options)
        for name, value in options.items():
            if (name, value) != ("color_space", "rgb"):
                raise RendererNotValid(f"renderer: the option {name!r} with {value!r} is not known", value=value)
        pairs = document.get("colors")
        if not isinstance(pairs, list):
            raise RendererNotValid(f"renderer: colors is {pairs!r}, not a list of [value, color]", value=pairs)
        return cls([(value, Color.from_hex(color)) for value, color in map(_pair, pairs)])

    def to_json(self) -> dict[str, Any]:
        """Return ``{"type", "colors": [[value, "#rrggbb"], ...], "options": {}}``."""
        colors = [[value, color.to_hex()] for value, color in self.colors]
        return {"type": self.type, "colors": colors, "options": {}}

    @property
    def vmin(self) -> float:
        """The value of the first colour."""
        return self.colors[0][0]

    @property
    def vmax(self) -> float:
        """The value of the last colour."""
        return self.colors[-1][0]

    def palette(self) -> NDArray[np.uint8]:
        """Return the ramp in 255 even steps of value, (256, 4); row 0 is transparent."""
        return self._palette

    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return 1 at `vmin` and below to 255 at `vmax` and above, the nearest of the even steps between."""
        if isinstance(values, np.ma.MaskedArray):
            values = np.ma.filled(values.astype(np.result_type(values.dtype, np.float32)), np.nan)
        array = np.asarray(values)
        gain = (_COLORS - 1) / (self.vmax - self.vmin)
        single = max(abs(self.vmin), abs(self.vmax), gain) < _SINGLE
        dtype = np.result_type(array.dtype, np.float32 if single else np.float64)
        with np.errstate(over="ignore"):  # what overflows is clamped like all that is out of range
            steps = np.empty(array.shape, dtype)
            np.subtract(array, dtype.type(self.vmin), out=steps, dtype=dtype)
            steps *= dtype.type(gain)
        steps += dtype.type(1.5)
        np.clip(steps, 1, _COLORS, out=steps)
        np.fmax(steps, 0, out=steps)  # NaN, which clip keeps, becomes 0
        return np.asarray(steps, dtype=np.uint8)

    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend: entries at round values, the range, and evenly spaced colours of the ramp."""
        values = round_levels(self.vmin, self.vmax, most=6)
        shown = self._palette[self.indices(np.array(values, dtype=np.float64))]
        ramp = self._palette[np.linspace(1, _COLORS, _SAMPLES).round().astype(int)]
        return {
            "type": self.type,
            "unit": unit,
            "range": [self.vmin, self.vmax],
            "entries": [
                {"value": value, "label": label, "color": _hex(row)}
                for value, label, row in zip(values, level_labels(values), shown, strict=True)
            ],
            "colors": [_hex(row) for row in ramp],
        }


def default_renderer(raster: ArrayLike) -> StretchedRenderer:
    """Return black to white over the finite values of a raster.

    Parameters
    ----------
    raster : array-like
        Of any shape; a DataArray will do. A constant raster and one without data have a defined stretch.
    """
    values = raster.compressed() if isinstance(raster, np.ma.MaskedArray) else np.asarray(raster)
    if values.size and np.isinf(_limits(values)).any():
        values = values[np.isfinite(values)]
    if not values.size:
        return StretchedRenderer.from_range(None, None)
    low, high = np.clip(_limits(values), -_LARGEST, _LARGEST)
    return StretchedRenderer.from_range(low, high)


def _limits(values: NDArray[Any]) -> NDArray[np.float64]:
    """Return the least and the greatest value, passing over NaN."""
    return np.array([np.fmin.reduce(values, axis=None), np.fmax.reduce(values, axis=None)], dtype=np.float64)


def _stops(colors: Sequence[tuple[SupportsFloat | None, Color]]) -> tuple[tuple[float, Color], ...]:
    """Return the stops in rising order of finite values that are not all one."""
    stops = [(_value(value), color) for value, color in map(_pair, colors)]
    if len(stops) < 2:
        raise RendererNotValid(f"renderer: {len(stops)} colors given, two are the least", value=colors)
    for _, color in stops:
        if not isinstance(color, Color):
            raise RendererNotValid(f"renderer: {color!r} is not a Color", value=color)
    values = np.array([value for value, _ in stops])
    if np.isnan(values).all():
        values = np.linspace(0, 1, len(stops))
    elif np.isnan(values).any():
        raise RendererNotValid("renderer: some values of colors are NaN or null and some are not", value=colors)
    else:
        stops.sort(key=lambda stop: stop[0])
        values = _widened(np.sort(values))
    return tuple((float(value), color) for value, (_, color) in zip(values, stops, strict=True))


def _pair(pair: Any) -> tuple[Any, Any]:
    if not isinstance(pair, Sequence) or isinstance(pair, str) or len(pair) != 2:
        raise RendererNotValid(f"renderer: {pair!r} in colors is not a pair of a value and a color", value=pair)
    return pair[0], pair[1]


def _value(value: Any) -> float:
    """Return a number of any kind as a float, NaN for what stands for "no data"."""
    if value is None or value is np.ma.masked:
        return np.nan
    array = np.asarray(value)
    if array.size != 1 or array.dtype.kind not in "iuf":
        raise RendererNotValid(f"renderer: {value!r} in colors is not a number", value=value)
    number = float(array.reshape(())[()])
    if abs(number) > _LARGEST:
        raise RendererNotValid(f"renderer: {number!r} in colors is not finite, or too large", value=value)
    return number


def _widened(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return rising values with some width: values that are all one, or nearly, are spread about it."""
    low, high = values[0], values[-1]
    smallest = 1 / _LARGEST
    if high - low > max(1e-12 * max(abs(low), abs(high)), smallest):
        return values
    margin = abs(low) / 1000 if abs(low) / 1000 > smallest else 0.5
    return np.clip(np.linspace(low - margin, low + margin, len(values)), -_LARGEST, _LARGEST)


def _ramp_palette(stops: tuple[tuple[float, Color], ...]) -> NDArray[np.uint8]:
    values = np.array([value for value, _ in stops])
    if not np.isfinite(values[-1] - values[0]):
        raise RendererNotValid(f"renderer: the range {values[0]!r} to {values[-1]!r} is too wide", value=values[-1])
    channels = np.array([(color.red, color.green, color.blue, color.alpha) for _, color in stops])
    steps = np.linspace(values[0], values[-1], _COLORS)
    palette = np.zeros((256, 4), dtype=np.uint8)
    for channel in range(4):
        palette[1:, channel] = np.interp(steps, values, channels[:, channel]).round()
    palette.flags.writeable = False
    return palette


def _hex(row: NDArray[np.uint8]) -> str:
    return Color(*row.tolist()).to_hex()
