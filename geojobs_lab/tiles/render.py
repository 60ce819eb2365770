"""Pictures of a layer of a raster: map tiles, and any box in any CRS.

A pixel has the colour of the cell that holds its centre, at the coarsest level whose cells are not larger than a pixel;
or of the mean of the four cells round it.
"""

import weakref
from collections.abc import Mapping
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, VariableInfo
from geojobs_lab.rasters.blocks import Blocks
from geojobs_lab.renderers import Renderer, UniqueRenderer
from geojobs_lab.tiles.frames import LONLAT, Frame
from geojobs_lab.tiles.mercator import TILE_SIZE
from geojobs_lab.tiles.png import encode_png
from geojobs_lab.tiles.positions import Placement
from geojobs_lab.tiles.sampling import between, level_of, nearest

RESAMPLINGS = ("nearest", "bilinear")
LARGEST_SIDE = 8192  # pixels of an image, where nothing else is said
MOST_PIXELS = 2**24  # of an image: 4096 x 4096

_PART = 512  # pixels along the sides of the parts in which an image is drawn
_FLAGS = ("flag_values", "flag_meanings", "flag_masks")


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
    resampling: str = "nearest",
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
    resampling : {"nearest", "bilinear"}
        Bilinear is between the cells of the level, leaving out those without data. Classes (a unique renderer, integers
        with flags) have nothing between them: they are always drawn as nearest.

    Returns
    -------
    bytes
        A PNG of 256 x `scale` pixels a side. It is transparent outside the grid; missing cells are too, unless the
        renderer has a colour for them.

    Raises
    ------
    InvalidInput
        There is no such tile (field ``"tile"``) or resampling, or the selection lies outside a dimension.
    RasterError
        The data cannot be read.
    """
    frame = Frame.of_tile(z, x, y, scale)
    layer = _Layer(file, variable, selection, renderer, resampling)
    drawn = layer.draw(frame)
    if drawn is None or not (renderer.palette()[0, 3] or drawn[0].any()):
        return empty_tile(scale)
    return _encoded(*drawn, renderer)


def render_image(
    file: RasterFile,
    variable: str,
    selection: Mapping[str, int],
    renderer: Renderer,
    bbox: tuple[float, float, float, float],
    width: int,
    height: int,
    *,
    crs: str = LONLAT,
    resampling: str = "nearest",
    largest_side: int = LARGEST_SIDE,
    most_pixels: int = MOST_PIXELS,
) -> bytes:
    """Draw a box of one layer.

    Parameters
    ----------
    bbox : tuple of float
        xmin, ymin, xmax, ymax in units of `crs`: x towards the east, y towards the north, in this order for every CRS
        (longitude before latitude, of EPSG:4326 too). Longitudes may pass 180.
    width, height : int
        Pixels.
    crs : str
        What PROJ knows. Longitude and latitude in degrees when left out.
    largest_side, most_pixels : int
        The most pixels of a side, and of the whole picture: each takes up to 3 bytes while it is drawn.
    file, variable, selection, renderer, resampling
        As for `render_tile`.

    Returns
    -------
    bytes
        A PNG, transparent as a tile is.

    Raises
    ------
    InvalidInput
        The field is ``"bbox"``, ``"width"``, ``"height"``, ``"crs"`` or ``"resampling"``, or a dimension.
    RasterError
        The data cannot be read.
    """
    for name, value in (("width", width), ("height", height)):
        if not 1 <= value <= largest_side:
            raise InvalidInput(f"{name}: {value} is not a number of pixels, 1..{largest_side}", field=name, value=value)
    if width * height > most_pixels:
        raise InvalidInput(
            f"width: {width} x {height} pixels are more than {most_pixels}, the most of an image",
            field="width",
            value=width,
        )
    frame = Frame.of_box(bbox, width, height, crs)
    layer = _Layer(file, variable, selection, renderer, resampling)
    picture = np.zeros((height, width), dtype=np.uint8)
    inside = np.zeros((height, width), dtype=bool)
    for part in frame.parts(_PART):
        drawn = layer.draw(part)
        if drawn is not None:
            picture[part.lines, part.columns] = drawn[0]
            inside[part.lines, part.columns] = True if drawn[1] is None else drawn[1]
    return _encoded(picture, None if inside.all() else inside, renderer)


def _encoded(picture: NDArray[np.uint8], inside: NDArray[np.bool_] | None, renderer: Renderer) -> bytes:
    """Encode colours, whose pixels outside the grid are 0, as missing cells are."""
    palette = renderer.palette()
    if inside is None or not palette[0, 3]:
        return encode_png(picture, palette)
    # Missing cells can be seen, so what is outside needs a colour of its own: one that no pixel has.
    unused = np.flatnonzero(np.bincount(picture.ravel(), minlength=len(palette)) == 0)
    if not unused.size:
        return encode_png(picture, palette, inside)
    palette = palette.copy()
    palette[unused[-1]] = 0
    return encode_png(np.where(inside, picture, unused[-1].astype(np.uint8)), palette)


class _Layer:
    """A layer that is to be drawn in some way."""

    def __init__(
        self,
        file: RasterFile,
        variable: str,
        selection: Mapping[str, int],
        renderer: Renderer,
        resampling: str,
    ) -> None:
        if resampling not in RESAMPLINGS:
            known = " or ".join(map(repr, RESAMPLINGS))
            raise InvalidInput(f"resampling: {resampling!r} is not {known}", field="resampling", value=resampling)
        info = file.variable(variable)
        self._file, self._variable, self._selection = file, variable, selection
        self._renderer = renderer
        self._method = "mode" if _is_classes(info, renderer) else "mean"
        self._bilinear = resampling == "bilinear" and self._method == "mean"
        self._placement = _placement(file, info)

    def draw(self, frame: Frame) -> tuple[NDArray[np.uint8], NDArray[np.bool_] | None] | None:
        """Return the colours of a frame's pixels and which of them have a cell (None: all); None when none has."""
        found = self._placement.positions(frame)
        if found is None:
            return None
        levels = self._file.levels(self._variable, self._method)
        factor, step = level_of(found.cells, levels, self._placement.shape)
        blocks = Blocks(self._file, self._variable, self._selection, factor=factor, method=self._method, step=step)
        on_rows, on_cols = found.on_rows, found.on_cols
        if on_rows is None and on_cols is None:
            return self._colors(blocks, found.rows, found.cols, factor * step), None
        picture = np.zeros(frame.size, dtype=np.uint8)
        if found.separable:
            lines, columns = (
                np.arange(size) if flags is None else np.flatnonzero(flags)
                for size, flags in zip(frame.size, (on_rows, on_cols), strict=True)
            )
            here = np.ix_(lines, columns)
            inside = np.zeros(frame.size, dtype=bool)
            inside[here] = True
            picture[here] = self._colors(blocks, found.rows[lines], found.cols[columns], factor * step)
        else:
            inside = np.asarray(on_rows)
            # What has no cell is drawn as if it had that of another pixel: no window grows by it.
            first = np.unravel_index(int(inside.argmax()), inside.shape)
            rows, cols = (np.where(inside, places, places[first]) for places in (found.rows, found.cols))
            np.multiply(self._colors(blocks, rows, cols, factor * step), inside, out=picture)
        return picture, inside

    def _colors(self, blocks: Blocks, rows: NDArray[Any], cols: NDArray[Any], size: int) -> NDArray[np.uint8]:
        """Return the colours at places in cells of the full resolution; `size` of them are one of the blocks'."""
        if size > 1:
            rows, cols = rows / size, cols / size
        if self._bilinear:
            fill = getattr(self._renderer, "fill_value", None)
            return self._renderer.indices(between(blocks, rows, cols, wraps=self._placement.wraps, missing=fill))
        ny, nx = blocks.shape
        # An outer edge belongs to the last cell, or misses it by rounding.
        at_row, at_col = _clipped(rows, ny), _clipped(cols, nx)
        return nearest(blocks, at_row, at_col, self._renderer.indices)


def _clipped(places: NDArray[Any], count: int) -> NDArray[np.intp]:
    cells = places.astype(np.intp)
    return cells if cells.max() < count and places.min() >= 0 else cells.clip(0, count - 1)


def _is_classes(info: VariableInfo, renderer: Renderer) -> bool:
    """Tell whether values are names of classes, of which there is no mean."""
    return isinstance(renderer, UniqueRenderer) or any(name in info.attributes for name in _FLAGS)


_PLACEMENTS: "weakref.WeakKeyDictionary[RasterFile, dict[str, Placement]]" = weakref.WeakKeyDictionary()


def _placement(file: RasterFile, info: VariableInfo) -> Placement:
    known = _PLACEMENTS.setdefault(file, {})
    if info.name not in known:
        same = (placement for placement in known.values() if placement.grid is info.grid)
        known[info.name] = next(same, None) or Placement(info.grid)
    return known[info.name]


@cache
def empty_tile(scale: int = 1) -> bytes:
    """Return a tile without data: transparent, 256 x `scale` pixels a side."""
    size = TILE_SIZE * scale
    return encode_png(np.zeros((size, size), dtype=np.uint8), np.zeros((1, 4), dtype=np.uint8))
