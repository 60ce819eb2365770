"""The chunks that published rasters are stored in: cut out, deflated, and written raw.

The bytes are those that HDF5's own shuffle and gzip filters would make and undo, so every reader reads them; made by
ISA-L in threads and outside of the HDF5 lock they cost a tenth of the time.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

try:
    from isal.isal_zlib import compress
except ImportError:  # no wheels for this machine's processor
    from zlib import compress

Array = npt.NDArray[Any]

CHUNK = 256  # cells along y and x; what one map tile shows
DEFLATE = 1  # of both libraries: higher levels take twice the time for a few per cent


def encode(chunk: Array) -> bytes:
    """Return the bytes of a whole chunk as the filters shuffle and gzip store them."""
    bytes_of_cells = np.ascontiguousarray(chunk).view(np.uint8).reshape(-1, chunk.dtype.itemsize)
    return compress(np.ascontiguousarray(bytes_of_cells.T).data, DEFLATE)


@dataclass
class _Open:
    """A chunk of which not all cells are there yet."""

    cells: Array
    left: int


@dataclass
class Mosaic:
    """Puts one layer's pieces, which come in any order and size, together to chunks.

    Attributes
    ----------
    shape : tuple of int
        (ny, nx) of the layer.
    dtype : dtype
    fill : number
        What stands beyond the edge of the layer, where chunks do not end with it.
    """

    shape: tuple[int, int]
    dtype: np.dtype[Any]
    fill: Any
    _open: dict[tuple[int, int], _Open] = field(default_factory=dict)

    @property
    def chunk(self) -> tuple[int, int]:
        """The shape of all chunks: HDF5 allows none larger than the layer."""
        return min(CHUNK, self.shape[0]), min(CHUNK, self.shape[1])

    def put(self, row: int, col: int, piece: Array) -> Iterator[tuple[int, int, Array]]:
        """Add cells, and yield the (row, column, chunk) of each chunk that is complete by them.

        Row and column are those of its first cell. A chunk may be a view of the piece.
        """
        for top in range(row - row % CHUNK, row + piece.shape[0], CHUNK):
            for left in range(col - col % CHUNK, col + piece.shape[1], CHUNK):
                height, width = min(CHUNK, self.shape[0] - top), min(CHUNK, self.shape[1] - left)
                first, last = max(row, top), min(row + piece.shape[0], top + height)
                west, east = max(col, left), min(col + piece.shape[1], left + width)
                part = piece[first - row : last - row, west - col : east - col]
                if part.shape == self.chunk:
                    yield top, left, part
                    continue
                found = self._open.get((top, left))
                if found is None:
                    cells = np.full(self.chunk, self.fill, self.dtype)
                    found = self._open[top, left] = _Open(cells, height * width)
                found.cells[first - top : last - top, west - left : east - left] = part
                found.left -= part.size
                if not found.left:
                    del self._open[top, left]
                    yield top, left, found.cells
