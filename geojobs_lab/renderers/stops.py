"""The stops of a ramp: values in rising order, with some width whatever the raster that they were taken from."""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.colors import Color
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.options import checked_pairs
from geojobs_lab.renderers.stretches import LINEAR, LOG
from geojobs_lab.renderers.values import LARGEST, number, shown

_SMALLEST = 1 / LARGEST  # of a range: its inverse is finite


def checked_stops(colors: Any, stretch: str = LINEAR) -> tuple[tuple[float, Color], ...]:
    """Return the stops in rising order of finite values that are not all one, and that the stretch can take."""
    stops = [(stop_value(value), color) for value, color in checked_pairs(colors)]
    if len(stops) < 2:
        raise RendererNotValid(f"renderer: {len(stops)} colors given, two are the least", value=colors)
    stops.sort(key=lambda stop: stop[0])
    values = widened(np.array([value for value, _ in stops]), stretch)
    return tuple((float(value), color) for value, (_, color) in zip(values, stops, strict=True))


def stop_value(value: Any) -> float:
    """Return a number of any kind as a float, NaN for what stands for "no data"."""
    return math.nan if value is None or value is np.ma.masked else float(number(value, "colors"))


def widened(values: NDArray[np.float64], stretch: str = LINEAR) -> NDArray[np.float64]:
    """Return values in rising order, with some width.

    Those that are all one, or nearly, are spread about it; those that are all NaN from 0 to 1, or from 1 to 10 for a
    logarithm.

    Raises
    ------
    RendererNotValid
        Some are NaN and some are not; some are not above 0 and are to be shown by their logarithm.
    """
    if np.isnan(values).all():
        return np.geomspace(1, 10, len(values)) if stretch == LOG else np.linspace(0, 1, len(values))
    if np.isnan(values).any():
        raise RendererNotValid("renderer: some values of colors are NaN or null and some are not", value=values)
    values = np.sort(values)
    low, high = values[0], values[-1]
    if stretch == LOG and low <= 0:
        raise RendererNotValid(
            f"renderer: the stretch 'log' takes values above 0 only, and the first color is at {shown(float(low))}",
            value=float(low),
            option="vmin",
        )
    if high - low > max(1e-12 * max(abs(low), abs(high)), _SMALLEST):
        return values
    margin = abs(low) / 1000 if abs(low) / 1000 > _SMALLEST or stretch == LOG else 0.5
    return np.clip(np.linspace(low - margin, low + margin, len(values)), -LARGEST, LARGEST)
