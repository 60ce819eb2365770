"""What the pixels of a picture take of the cells: the nearest one, or a mean of four.

Owns which level of a raster a picture is drawn from, and the gathering of cells from its blocks. Where pixels lie is
`positions`' work, blocks are read and kept by `rasters`, values become colours in `renderers`.
"""

import math
from collections.abc import Callable, Iterator
from itertools import pairwise, product
from typing import Any

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.rasters.blocks import Blocks

Values = NDArray[Any]
Cells = NDArray[np.intp]
Colors = NDArray[np.uint8]
Coloring = Callable[[Values], Colors]

_READ_WHOLE = 2**22  # cells of a raster without overviews that is not thinned: 16 MB of float32
_ROOM = 2**19  # cells that a window may have beyond twice those of the picture


def level_of(cells: float, levels: tuple[int, ...], shape: tuple[int, int]) -> tuple[int, int]:
    """Return the overview's factor, and the step by which the layer is thinned, for pixels of so many cells.

    It is the coarsest level whose cells are not larger than a pixel. A raster without overviews is taken as it is, or,
    when it has more than 4 million cells, thinned to the power of two that such an overview would have.
    """
    wanted = cells * (1 + 1e-9) if math.isfinite(cells) else 1.0
    if len(levels) == 1 and math.prod(shape) > _READ_WHOLE and wanted >= 2:
        return 1, 2 ** math.floor(math.log2(wanted))
    return max(level for level in levels if level <= max(wanted, 1)), 1


def nearest(blocks: Blocks, rows: Cells, cols: Cells, colors: Coloring) -> Colors:
    """Return the colours of cells, each by its row and column, which are in the layer.

    Parameters
    ----------
    rows, cols : ndarray of int
        (lines,) and (columns,), then the picture is that of all pairs; or (lines, columns) both.
    colors : callable
        From values to colours, done for the cells or for the pixels, whichever are fewer.
    """
    if rows.ndim == 1:
        return _nearest_of_pairs(blocks, rows, cols, colors)
    window = _window_of(blocks, rows, cols)
    if window is None:
        return colors(_scattered(blocks, rows, cols))
    values, top, left = window
    places = (rows - top) * values.shape[1]
    places += cols - left
    if values.size < rows.size:
        picture: Colors = colors(values).ravel().take(places, mode="clip")
        return picture
    return colors(values.ravel().take(places, mode="clip"))  # without asking whether they are there: half the time


def between(blocks: Blocks, rows: Values, cols: Values, *, wraps: bool, missing: Any) -> Values:
    """Return means of the four cells round places in a layer, by their distance.

    A cell without data counts for nothing; a place in one has none itself, so that data ends where it ends.

    Parameters
    ----------
    rows, cols : ndarray of float
        As for `nearest`, continuous.
    wraps : bool
        Whether the last column is the neighbour of the first.
    missing : number or None
        A value that stands for no data, besides NaN.
    """
    ny, nx = blocks.shape
    top, left = np.floor(rows - 0.5), np.floor(cols - 0.5)
    down, across = rows - 0.5 - top, cols - 0.5 - left
    if rows.ndim == 1:
        down, across = down[:, None], across[None, :]
    own = _cells(blocks, np.minimum(rows.astype(np.intp), ny - 1), np.minimum(cols.astype(np.intp), nx - 1))
    total: Values = np.zeros(own.shape)
    weight: Values = np.zeros(own.shape)
    for below, right in product((0, 1), (0, 1)):
        at_row = np.clip(top + below, 0, ny - 1).astype(np.intp)
        at_col = left + right
        at_col = (at_col % nx if wraps else np.clip(at_col, 0, nx - 1)).astype(np.intp)
        values = _cells(blocks, at_row, at_col).astype(np.float64)
        share = (down if below else 1 - down) * (across if right else 1 - across)
        share = np.where(_is_missing(values, missing), 0, share)
        with np.errstate(invalid="ignore"):  # infinities
            total += np.where(share > 0, values, 0) * share
        weight += share
    with np.errstate(invalid="ignore", divide="ignore"):
        found = total / weight
    found[_is_missing(own, missing)] = np.nan
    return found


def _is_missing(values: Values, missing: Any) -> NDArray[np.bool_]:
    unknown: NDArray[np.bool_] = np.isnan(values) if values.dtype.kind == "f" else np.zeros(values.shape, dtype=bool)
    return unknown if missing is None else unknown | (values == missing)


# -- pairs of rows and columns


def _nearest_of_pairs(blocks: Blocks, rows: Cells, cols: Cells, colors: Coloring) -> Colors:
    top, left = int(rows.min()), int(cols.min())
    height, width = int(rows.max()) + 1 - top, int(cols.max()) + 1 - left
    if height * width < rows.size * cols.size:
        found = colors(_window(blocks, top, left, height, width))
        # Fewer rows first: they are copied whole.
        return found.take(cols - left, axis=1).take(rows - top, axis=0)
    return colors(_of_pairs(blocks, rows, cols))


def _cells(blocks: Blocks, rows: Cells, cols: Cells) -> Values:
    """Return the values of cells, as `nearest` takes them."""
    if rows.ndim == 1:
        return _of_pairs(blocks, rows, cols)
    window = _window_of(blocks, rows, cols)
    if window is None:
        return _scattered(blocks, rows, cols)
    values, top, left = window
    picked: Values = values.ravel().take((rows - top) * values.shape[1] + (cols - left))
    return picked


def _of_pairs(blocks: Blocks, rows: Cells, cols: Cells) -> Values:
    """Return (rows, columns) of values, gathered block by block."""
    high, wide = blocks.size
    down = [(row, lines, rows[lines] - row * high) for row, lines in _runs(rows // high)]
    across = []
    for col, columns in _runs(cols // wide):
        within = cols[columns] - col * wide
        first, last = int(within.min()), int(within.max()) + 1
        across.append((col, columns, slice(first, last), within - first))
    found = blocks.get(dict.fromkeys((row, col) for (row, *_), (col, *_) in product(down, across)))
    values: Values | None = None
    for row, lines, in_rows in down:
        for col, columns, part, in_part in across:
            # Four times faster one after the other; a row of which little is taken is not copied whole.
            picked = found[row, col][:, part].take(in_rows, axis=0).take(in_part, axis=1)
            if len(found) == 1 and picked.shape == (rows.size, cols.size):
                return picked
            if values is None:
                values = np.empty((rows.size, cols.size), picked.dtype)
            values[lines, columns] = picked
    return values if values is not None else np.empty((rows.size, cols.size))


def _runs(numbers: Cells) -> Iterator[tuple[int, slice]]:
    """Yield each number and where its neighbours are the same."""
    for start, stop in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), numbers.size]):
        yield int(numbers[start]), slice(start, stop)


# -- any rows and columns


def _window_of(blocks: Blocks, rows: Cells, cols: Cells) -> tuple[Values, int, int] | None:
    """Return the window that holds all the cells, with its first row and column; None when it would be too large."""
    top, left = int(rows.min()), int(cols.min())
    height, width = int(rows.max()) + 1 - top, int(cols.max()) + 1 - left
    if height * width > 2 * rows.size + _ROOM:
        return None
    return _window(blocks, top, left, height, width), top, left


def _window(blocks: Blocks, top: int, left: int, height: int, width: int) -> Values:
    """Return cells in rows and columns that lie side by side."""
    high, wide = blocks.size
    rows = range(top // high, (top + height - 1) // high + 1)
    cols = range(left // wide, (left + width - 1) // wide + 1)
    found = blocks.get(product(rows, cols))
    if len(found) == 1:
        ((row, col), block), *_ = found.items()
        return block[top - row * high :, left - col * wide :][:height, :width]
    values: Values | None = None
    for (row, col), block in found.items():
        if values is None:
            values = np.empty((height, width), block.dtype)
        down, across = row * high - top, col * wide - left  # where the block begins in the window
        part = block[max(0, -down) : height - down, max(0, -across) : width - across]
        values[max(0, down) :, max(0, across) :][: part.shape[0], : part.shape[1]] = part
    return values if values is not None else np.empty((height, width))


def _scattered(blocks: Blocks, rows: Cells, cols: Cells) -> Values:
    """Return the values of cells that lie far apart, from the blocks that they are in and no others."""
    (high, wide), (_, nx) = blocks.size, blocks.shape
    across = -(-nx // wide)
    numbers, which = np.unique((rows // high) * across + cols // wide, return_inverse=True)
    places = [divmod(int(number), across) for number in numbers]
    found = blocks.get(places)
    values: Values | None = None
    which = which.reshape(rows.shape)
    for number, (row, col) in enumerate(places):
        block, here = found[row, col], which == number
        if values is None:
            values = np.empty(rows.shape, block.dtype)
        values[here] = block[rows[here] - row * high, cols[here] - col * wide]
    return values if values is not None else np.empty(rows.shape)
