"""Web map tiles: where they lie, their pixels from a raster, and their PNG.

Owns XYZ arithmetic in Web Mercator and boxes in any CRS, which cells every pixel takes, and the palette PNG encoder.
Values become colours in `renderers`, files are read by `rasters`; HTTP is the server's.
"""

from geojobs_lab.tiles.mercator import TileBounds, tile_bounds
from geojobs_lab.tiles.png import encode_png
from geojobs_lab.tiles.render import empty_tile, render_image, render_tile
from geojobs_lab.tiles.tilejson import max_zoom, tilejson

__all__ = [
    "TileBounds",
    "empty_tile",
    "encode_png",
    "max_zoom",
    "render_image",
    "render_tile",
    "tile_bounds",
    "tilejson",
]
