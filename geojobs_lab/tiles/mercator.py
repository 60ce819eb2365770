"""XYZ tiles in Web Mercator (EPSG:3857): y counts from the north, zoom 0 is one tile for the Earth."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.errors import InvalidInput

TILE_SIZE = 256  # pixels
MAX_ZOOM = 30
MAX_LATITUDE = math.degrees(math.atan(math.sinh(math.pi)))  # 85.0511 degrees, the edge of the square
_RADIUS = 6378137.0  # metres, of the sphere of EPSG:3857
HALF_MAP = math.pi * _RADIUS  # metres from the centre of the map to its edge


@dataclass(frozen=True, slots=True)
class TileBounds:
    """The edges of a tile.

    Attributes
    ----------
    west, south, east, north : float
        Degrees.
    xmin, ymin, xmax, ymax : float
        Metres of EPSG:3857.
    """

    west: float
    south: float
    east: float
    north: float
    xmin: float
    ymin: float
    xmax: float
    ymax: float


def check_tile(z: int, x: int, y: int, scale: int = 1) -> None:
    """Refuse a tile that does not exist.

    Raises
    ------
    InvalidInput
        The field is ``"tile"``.
    """
    if not 0 <= z <= MAX_ZOOM:
        raise InvalidInput(f"tile: the zoom {z} is not one of 0..{MAX_ZOOM}", field="tile", value=z)
    for name, value in (("x", x), ("y", y)):
        if not 0 <= value < 2**z:
            raise InvalidInput(
                f"tile: {name} is {value}, at zoom {z} it lies in 0..{2**z - 1}", field="tile", value=value
            )
    if scale not in (1, 2, 3, 4):
        raise InvalidInput(f"tile: the scale {scale} is not one of 1..4", field="tile", value=scale)


def tile_bounds(z: int, x: int, y: int) -> TileBounds:
    """Return the edges of a tile.

    Raises
    ------
    InvalidInput
        There is no such tile; the field is ``"tile"``.
    """
    check_tile(z, x, y)
    edges_x, edges_y = np.array([x, x + 1]) / 2**z, np.array([y + 1, y]) / 2**z
    (west, east), (south, north) = longitudes(edges_x), latitudes(edges_y)
    (xmin, xmax), (ymin, ymax) = HALF_MAP * (2 * edges_x - 1), HALF_MAP * (1 - 2 * edges_y)
    return TileBounds(*map(float, (west, south, east, north, xmin, ymin, xmax, ymax)))


def longitudes(across: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return longitudes for positions 0..1 from the map's left edge."""
    return 360 * across - 180


def latitudes(down: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return latitudes for positions 0..1 from the map's upper edge."""
    return np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * down))))
