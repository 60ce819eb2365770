"""What one thread works with: buffers that are used again, and parts of an expression that several others need.

A buffer holds a block of any type. An operation takes one for its result and gives back those of its operands, so an
expression needs as many as it is deep, and they stay in the processor's cache from one block to the next.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells

if TYPE_CHECKING:
    from geojobs_lab.expressions.sources import Load, Window

_WIDEST = 8  # bytes of a cell
_MOST_KEPT = 16  # parts; more are computed again


class Workspace:
    """Buffers for blocks of up to a number of cells, and the cells that are kept while a block is computed.

    Parameters
    ----------
    cells : int
        The most that a block has; 0 where there is only one block, for which nothing needs to be kept.
    order : tuple of int
        The axes of the whole, from that with the largest stride in memory to that with the smallest.
    """

    def __init__(self, cells: int = 0, order: tuple[int, ...] = ()) -> None:
        self._bytes = cells * _WIDEST
        self._order = order if order != tuple(range(len(order))) else ()
        self._back = tuple(order.index(axis) for axis in range(len(order)))
        self._free: list[Array] = []
        self._own: dict[int, Array] = {}
        self._kept: dict[int, tuple[Window, Cells, Cells]] = {}
        self._registers: dict[int, tuple[tuple[int, ...], list[Array]]] = {}
        self.loaded: dict[int, list[Load]] = {}

    @property
    def is_for_many(self) -> bool:
        """Whether there are several blocks, so that it pays to prepare for them."""
        return self._bytes > 0

    def take(self, shape: tuple[int, ...], dtype: np.dtype[Any]) -> Array:
        """Return an array to write to, whose contents are arbitrary."""
        size = math.prod(shape) * dtype.itemsize
        if size > self._bytes:
            return self._shaped(np.empty(math.prod(shape), dtype), shape)
        if self._free:
            buffer = self._free.pop()
        else:
            buffer = np.empty(self._bytes, np.uint8)
            self._own[id(buffer)] = buffer
        return self._shaped(buffer[:size].view(dtype), shape)

    def _shaped(self, flat: Array, shape: tuple[int, ...]) -> Array:
        if len(shape) != len(self._order):
            return flat.reshape(shape)
        return flat.reshape([shape[axis] for axis in self._order]).transpose(self._back)

    def give(self, array: Array) -> None:
        """Take an array back, if it is one of `take`."""
        base = array.base
        if base is not None and id(base) in self._own:
            self._free.append(base)

    def registers(self, of: int, shape: tuple[int, ...], dtypes: Sequence[np.dtype[Any]]) -> list[Array]:
        """Return arrays that a program writes to, the same ones as before where the shape is the same."""
        known, arrays = self._registers.get(of, ((), []))
        if known != shape:
            for array in arrays:
                self.give(array)
            arrays = [self.take(shape, dtype) for dtype in dtypes]
            self._registers[of] = shape, arrays
        return arrays

    def kept(self, of: int, window: Window) -> Cells | None:
        """Return the cells that were kept of a part, if they are those of this window."""
        found = self._kept.get(of)
        return found[1] if found is not None and found[0] == window else None

    def keep(self, of: int, window: Window, cells: Cells) -> Cells:
        """Keep cells until those of another window of the part are kept; return them, no longer spare."""
        replaced = self._kept.pop(of, None)
        if replaced is not None and replaced[2].spare:
            self.give(replaced[2].data)
        if len(self._kept) >= _MOST_KEPT:
            return cells
        lasting = Cells(cells.data, cells.marked)
        self._kept[of] = window, lasting, cells
        return lasting
