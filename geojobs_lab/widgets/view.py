"""Where a map looks first: boxes of longitude and latitude, and Web Mercator's arithmetic."""

import math
from collections.abc import Iterable

_WIDTH = 800  # CSS pixels that a map has, roughly; the page fits the view to what it really has
_TILE = 256  # CSS pixels of a tile: the world at zoom 0
_NORTHMOST = 85.0  # degrees; Web Mercator ends there
_POLEWARD = 75.0  # degrees: what lies beyond is so stretched that a first view need not show it
_DEEPEST = 12  # zoom beyond which a first view does not go

Bounds = tuple[float, float, float, float]
"""West, south, east, north in degrees; the west may lie below -180 and the east beyond 180."""

EVERYWHERE: Bounds = (-180.0, -60.0, 180.0, 75.0)
"""What a map of nothing in particular shows."""


def around(all_bounds: Iterable[Bounds]) -> Bounds:
    """Return the narrowest box that holds all bounds, its middle between -180 and 180 degrees.

    The whole Earth for no bounds at all.
    """
    boxes = list(all_bounds)
    if not boxes:
        return EVERYWHERE
    south, north = min(box[1] for box in boxes), max(box[3] for box in boxes)
    # Seen from each western edge, how far east it goes on to the end of the last box.
    widths = {start: max((west - start) % 360.0 + east - west for west, _, east, _ in boxes) for start, *_ in boxes}
    west, width = min(widths.items(), key=lambda item: item[1])
    if width >= 360:
        return -180.0, south, 180.0, north
    west -= 360.0 * math.floor((west + width / 2 + 180.0) / 360.0)
    return west, south, west + width, north


def first_view(bounds: Bounds, height: int) -> tuple[tuple[float, float], int]:
    """Return the centre (latitude, longitude) and the deepest whole zoom that shows the bounds.

    Computed here and not by ipyleaflet, whose way waits for the browser, and does nothing before the map is shown.

    Parameters
    ----------
    bounds : Bounds
    height : int
        Of the map, CSS pixels.
    """
    west, south, east, north = fitted(bounds)
    top, bottom = mercator(north), mercator(south)
    shares = (max(east - west, 1e-6) / 360.0 * _TILE / _WIDTH, max(top - bottom, 1e-6) * _TILE / height)
    zoom = math.floor(-math.log2(max(shares)))
    return (latitude((top + bottom) / 2), (west + east) / 2), max(0, min(_DEEPEST, zoom))


def fitted(bounds: Bounds) -> Bounds:
    """Return the bounds without the far ends of a map that goes all the way to a pole."""
    west, south, east, north = bounds
    edge = _POLEWARD if south < -_POLEWARD < _POLEWARD < north else _NORTHMOST
    return west, max(-edge, min(edge, south)), east, max(-edge, min(edge, north))


def mercator(latitude: float) -> float:
    """Return the Web Mercator height of a latitude in degrees, as a share of the world: -0.5..0.5."""
    return math.asinh(math.tan(math.radians(latitude))) / (2 * math.pi)


def latitude(share: float) -> float:
    """Return the latitude in degrees of a Web Mercator height, the inverse of `mercator`."""
    return math.degrees(math.atan(math.sinh(share * 2 * math.pi)))
