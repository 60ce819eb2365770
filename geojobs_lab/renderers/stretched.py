"""The stretched renderer: a continuous ramp of colours between values."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Self, SupportsFloat, Unpack

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer, new_palette, others, put
from geojobs_lab.renderers.distribution import (
    DEVIATIONS,
    PERCENTILES,
    Distribution,
    checked_deviations,
    checked_percentiles,
)
from geojobs_lab.renderers.limits import LIMITS, read_limits
from geojobs_lab.renderers.options import (
    StretchOptions,
    checked_color,
    checked_fill,
    read_options,
    read_pairs,
    written_options,
)
from geojobs_lab.renderers.ramps import COLOR_SPACES, colormap_stops, ramp
from geojobs_lab.renderers.stops import checked_stops, stop_value, widened
from geojobs_lab.renderers.stretches import LINEAR, LOG, Stretch, checked_stretch
from geojobs_lab.renderers.values import LARGEST, clear_missing, plain, shown

_BACKGROUND = 255  # the row of the palette, where there is a background
_BLACK, _WHITE = Color(0, 0, 0), Color(255, 255, 255)
_MOST_LEVELS = 6  # intervals between the round values of a legend


@dataclass(frozen=True, slots=True, init=False)
class StretchedRenderer(Renderer):
    """A ramp of colours, even between the stops.

    Values below the first stop and above the last take the colours of these, or the background where one is given.

    Parameters
    ----------
    colors : sequence of (value, Color)
        Two stops or more, in any order; two stops at one value make a sharp step. The values are numbers of
        any kind: Python's, numpy's, 0-d arrays. Stops that are all at one value (a constant raster) are
        spread a little about it, stops that are all NaN or None (a raster without data) over 0..1.
    stretch : {"linear", "log", "sqrt"}
        What the ramp is even in: the value, its logarithm (all stops above 0 then), or the square root of its
        distance from the first stop.
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
        Fewer than two stops, a value that is no number, not finite, or not above 0 under a logarithm, a colour that
        is no `Color`, another stretch or colour space.
    """

    type: ClassVar[str] = "stretched"
    colors: tuple[tuple[float, Color], ...]
    stretch: str
    color_space: str
    fill_value: float | None
    background: Color | None
    missing: Color | None
    _palette: NDArray[np.uint8] = field(compare=False, repr=False)

    def __init__(
        self,
        colors: Sequence[tuple[SupportsFloat | None, Color]],
        *,
        stretch: str = LINEAR,
        color_space: str = "rgb",
        fill_value: SupportsFloat | None = None,
        background: Color | None = None,
        missing: Color | None = None,
    ) -> None:
        if not isinstance(color_space, str) or color_space not in COLOR_SPACES:
            known = " or ".join(map(repr, COLOR_SPACES))
            raise RendererNotValid(f"renderer: color_space is {shown(color_space)}, not {known}", value=color_space)
        stops = checked_stops(colors, checked_stretch(stretch))
        put(
            self,
            colors=stops,
            stretch=stretch,
            color_space=color_space,
            fill_value=checked_fill(fill_value),
            background=checked_color(background, "background"),
            missing=checked_color(missing, "missing"),
        )
        if stretch != LINEAR:
            places = self._stretch.places([value for value, _ in stops]).tolist()
            stops = tuple((place, color) for place, (_, color) in zip(places, stops, strict=True))
        put(self, _palette=new_palette(ramp(stops, self._count, color_space), background, missing))

    @classmethod
    def from_range(
        cls,
        vmin: SupportsFloat | None,
        vmax: SupportsFloat | None,
        colors: Sequence[Color] | None = None,
        **options: Unpack[StretchOptions],
    ) -> Self:
        """Spread colours evenly along the stretch from `vmin` to `vmax`; black to white when none are given."""
        shades = (_BLACK, _WHITE) if colors is None else tuple(colors)
        if len(shades) < 2:
            raise RendererNotValid(f"renderer: {len(shades)} colors given, two are the least", value=colors)
        return cls._spread(vmin, vmax, list(zip(np.linspace(0, 1, len(shades)).tolist(), shades, strict=True)), options)

    @classmethod
    def from_colormap(
        cls, name: str, vmin: SupportsFloat | None, vmax: SupportsFloat | None, **options: Unpack[StretchOptions]
    ) -> Self:
        """Take a colormap of matplotlib by its name, from `vmin` to `vmax`.

        It is sampled at 17 stops, or at more where its colours need them; one that lists a few colours to be told
        apart (``tab10``) becomes even steps.

        Raises
        ------
        RendererNotValid
            Matplotlib has no colormap of that name.
        """
        return cls._spread(vmin, vmax, colormap_stops(name), options)

    @classmethod
    def _spread(
        cls,
        vmin: SupportsFloat | None,
        vmax: SupportsFloat | None,
        stops: Sequence[tuple[float, Color]],
        options: StretchOptions,
    ) -> Self:
        """Put the places 0..1 of stops between two values."""
        kind = checked_stretch(options.get("stretch", LINEAR))
        limits = np.array([stop_value(vmin), stop_value(vmax)])
        if limits[0] > limits[1]:
            stops = [(1 - place, color) for place, color in reversed(stops)]
        # The places of the stops count, so a range without width is widened here and not later.
        low, high = widened(limits, kind).tolist()
        values = Stretch(kind, low, high).values([place for place, _ in stops]).tolist()
        return cls([(value, color) for value, (_, color) in zip(values, stops, strict=True)], **options)

    @classmethod
    def from_percentiles(
        cls,
        raster: ArrayLike,
        low: float = PERCENTILES[0],
        high: float = PERCENTILES[1],
        colormap: str = "viridis",
        **options: Unpack[StretchOptions],
    ) -> Self:
        """Stretch a colormap of matplotlib between two percentiles of a raster's finite values.

        Parameters
        ----------
        raster : array-like
            Of any shape; a DataArray will do. A constant raster and one without data have a defined stretch. Under a
            logarithm values above 0 count only.
        low, high : float
            Percent, 0..100.
        colormap : str
            Its name.

        Raises
        ------
        RendererNotValid
            No such colormap, or no such percentiles.
        """
        return cls._over(raster, colormap, options, percentiles=checked_percentiles(low, high))

    @classmethod
    def from_standard_deviations(
        cls,
        raster: ArrayLike,
        deviations: float = DEVIATIONS,
        colormap: str = "viridis",
        **options: Unpack[StretchOptions],
    ) -> Self:
        """Stretch a colormap of matplotlib over some standard deviations below and above a raster's mean.

        Parameters
        ----------
        raster : array-like
            As for `from_percentiles`.
        deviations : float
            How many, above 0. The stretch does not go beyond the least and the greatest value.
        colormap : str
            Its name.

        Raises
        ------
        RendererNotValid
            No such colormap, or no such number.
        """
        return cls._over(raster, colormap, options, deviations=checked_deviations(deviations))

    @classmethod
    def _over(cls, raster: ArrayLike, colormap: str, options: StretchOptions, **part: Any) -> Self:
        """Stretch a colormap over a part of a raster's values, as `Distribution.limits` knows it."""
        values = Distribution.of(raster, checked_fill(options.get("fill_value")))
        return cls.from_colormap(colormap, *values.limits(**part, positive=options.get("stretch") == LOG), **options)

    @classmethod
    def from_json(
        cls, document: Mapping[str, Any], distribution: Callable[[float | None], Distribution] | None = None
    ) -> Self:
        """Read the JSON form; see `renderer_from_json`."""
        options = read_options(document, ("color_space", "fill_value", "background", "missing", "stretch", *LIMITS))
        limits = {name: options.pop(name, None) for name in LIMITS}
        name = limits["colormap"]
        if name is None:
            named = next((key for key, value in limits.items() if value is not None), None)
            if named is not None:
                raise RendererNotValid(f"renderer: the option {named} needs the option colormap", value=limits[named])
            return cls(read_pairs(document), **options)
        if document.get("colors"):
            raise RendererNotValid("renderer: there are colors and the option colormap: give one of them", value=name)
        if "color_space" in options:
            raise RendererNotValid("renderer: the option color_space is for colors, not for a colormap", value=name)
        fill = checked_fill(options.get("fill_value"))
        options["stretch"], low, high = read_limits(
            options.get("stretch", LINEAR), limits, None if distribution is None else lambda: distribution(fill)
        )
        return cls.from_colormap(name, low, high, **options)

    def to_json(self) -> dict[str, Any]:
        """Return ``{"type", "colors": [[value, "#rrggbb"], ...], "options": {...}}``."""
        return {
            "type": self.type,
            "colors": [[value, color.to_hex()] for value, color in self.colors],
            "options": written_options(
                stretch=None if self.stretch == LINEAR else self.stretch,
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
    def _stretch(self) -> Stretch:
        return Stretch(self.stretch, self.vmin, self.vmax)

    @property
    def _count(self) -> int:
        """The number of colours of the ramp: all rows but 0, and but that of the background."""
        return 255 if self.background is None else 254

    def palette(self) -> NDArray[np.uint8]:
        """Return the ramp in even steps, (256, 4): 255, or 254 and the background; row 0 is for missing."""
        return self._palette

    def indices(self, values: ArrayLike) -> NDArray[np.uint8]:
        """Return 1 at `vmin` and below to 255 at `vmax` and above, the nearest of the even steps between.

        With a background: 1 at `vmin` to 254 at `vmax`, and 255 beyond them.
        """
        array, masked = plain(values)
        rows = self._stretch.steps(array, self._count)
        if self.background is not None:
            with np.errstate(over="ignore"):  # of the limits, where float32 or float16 cannot hold them
                rows[(array < self.vmin) | (array > self.vmax)] = _BACKGROUND
        if masked is not None or self.fill_value is not None:
            clear_missing(rows, array, masked, self.fill_value)
        return rows

    def legend(self, unit: str | None = None) -> dict[str, Any]:
        """Return the legend: entries at round values, the range, and the colours of the ramp.

        The colours are even along the ramp. That of a place on it is the nearest of ``colors``, the first at its
        beginning and the last at its end; ``position`` is the place of an entry, 0..1.
        """
        levels, labels = self._stretch.levels(_MOST_LEVELS)
        within = np.clip(np.array(levels, dtype=np.float64), self.vmin, self.vmax)
        colors = [Color(*row).to_hex() for row in self._palette[1 : 1 + self._count].tolist()]
        found = zip(levels, labels, self._stretch.places(within).tolist(), self.indices(within).tolist(), strict=True)
        return {
            "type": self.type,
            "stretch": self.stretch,
            "unit": unit,
            "range": [self.vmin, self.vmax],
            "entries": [
                {"value": value, "label": label, "position": place, "color": colors[row - 1]}
                for value, label, place, row in found
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
