"""A tile as a picture: each pixel takes the colour of the cell that holds its centre."""

from collections.abc import Mapping
from functools import cache

import numpy as np

from geojobs_lab.rasters import RasterFile
from geojobs_lab.renderers import Renderer
from geojobs_lab.tiles.cells import windows
from geojobs_lab.tiles.mercator import TILE_SIZE, check_tile, pixel_centres
from geojobs_lab.tiles.png import encode_png


def render_tile(
    file: RasterFile,
    variable: str,
    selection: Mapping[str, int],
    renderer: Renderer,
    z: int,
    x: int,
    y: int,
    *,
    scale: int = 1,
) -> bytes:
    """Draw a Web Mercator tile of one layer.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        Dimension -> position, as `VariableInfo.select` makes it.
    renderer : Renderer
    z, x, y : int
        Zoom, column from the west, row from the north.
    scale : int
        2 for dense screens: 512 x 512 pixels.

    Returns
    -------
    bytes
        A PNG of 256 x `scale` pixels a side. It is transparent outside the grid; missing cells are too, unless the
        renderer has a colour for them.

    Raises
    ------
    InvalidInput
        There is no such tile (field ``"tile"``), or the selection lies outside a dimension.
    """
    check_tile(z, x, y, scale)
    grid = file.variable(variable).grid
    size = TILE_SIZE * scale
    picture = np.zeros((size, size), dtype=np.uint8)
    palette = renderer.palette()
    # Where missing cells can be seen they have to be told from the pixels that have no cell: both are 0.
    inside = np.zeros((size, size), dtype=bool) if palette[0, 3] else None
    for window in windows(grid, *pixel_centres(z, x, y, size)):
        values = file.read(variable, selection, window.rows, window.cols)
        part = picture[window.pixels]
        # Colours are looked up for the cells or for the pixels, whichever are fewer.
        if values.size < part.size:
            colors = window.pick(renderer.indices(values))
        else:
            colors = renderer.indices(window.pick(values))
        part[...] = colors if window.inside is None else np.where(window.inside, colors, 0)
        if inside is not None:
            inside[window.pixels] = True if window.inside is None else window.inside
    if not (picture if inside is None else inside).any():
        return empty_tile(scale)
    return encode_png(picture, palette, None if inside is None or inside.all() else inside)


@cache
def empty_tile(scale: int = 1) -> bytes:
    """Return a tile without data: transparent, 256 x `scale` pixels a side."""
    size = TILE_SIZE * scale
    return encode_png(np.zeros((size, size), dtype=np.uint8), np.zeros((1, 4), dtype=np.uint8))
