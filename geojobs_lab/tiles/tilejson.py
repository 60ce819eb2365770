"""The TileJSON 3.0 document of a layer."""

import math
from collections.abc import Sequence
from typing import Any

from geojobs_lab.rasters import AnyGrid
from geojobs_lab.tiles.mercator import MAX_LATITUDE, TILE_SIZE

_PIXELS_A_CELL = 16  # a map that enlarges tiles beyond the largest zoom blurs the edges of the cells little
_DEEPEST = 22  # what map libraries can ask for


def tilejson(
    name: str,
    grid: AnyGrid,
    tiles: Sequence[str],
    *,
    description: str | None = None,
    attribution: str | None = None,
) -> dict[str, Any]:
    """Describe the tiles of a layer.

    Parameters
    ----------
    name : str
    grid : AnyGrid
        Where the layer lies, and how fine it is: the largest zoom follows from it.
    tiles : sequence of str
        URLs with ``{z}``, ``{x}`` and ``{y}`` in them.
    description, attribution : str, optional

    Returns
    -------
    dict
        TileJSON 3.0, JSON as it is.
    """
    west, south, east, north = grid.lonlat_bounds
    south, north = (min(max(edge, -MAX_LATITUDE), MAX_LATITUDE) for edge in (south, north))
    middle = ((west + east) / 2 + 180) % 360 - 180
    deepest = max_zoom(grid)
    document = {
        "tilejson": "3.0.0",
        "name": name,
        "description": description,
        "attribution": attribution,
        "scheme": "xyz",
        "tiles": list(tiles),
        "minzoom": 0,
        "maxzoom": deepest,
        # The specification lets no bounds pass the date line.
        "bounds": [west, south, east, north] if east <= 180 else [-180.0, south, 180.0, north],
        "center": [middle, (south + north) / 2, min(_whole_zoom(east - west), deepest)],
    }
    return {key: value for key, value in document.items() if value is not None}


def max_zoom(grid: AnyGrid) -> int:
    """Return the zoom at which a cell first covers 16 pixels or more, 22 at most."""
    west, south, east, north = grid.lonlat_bounds
    ny, nx = grid.shape
    cell = min((east - west) / nx, (north - south) / ny)  # degrees
    pixel = 360 / TILE_SIZE  # degrees, at zoom 0
    return min(max(math.ceil(math.log2(pixel * _PIXELS_A_CELL / cell)), 0), _DEEPEST)


def _whole_zoom(width: float) -> int:
    """Return the zoom at which so many degrees of longitude take two to four tiles: about a window."""
    return math.floor(math.log2(4 * 360 / width))
