"""All cells of a source, computed in threads and block by block into one array.

Owns how a whole is shared out: large windows for what has to be loaded, one for each thread at a time, and within them
small ones, of which the processor's cache holds a few.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from geojobs_lab.expressions import sources
from geojobs_lab.expressions.cells import Array, Cells, Mask
from geojobs_lab.expressions.running import Turns, share_out
from geojobs_lab.expressions.selecting import set_missing
from geojobs_lab.expressions.sources import Source
from geojobs_lab.expressions.windows import Window, along_chunks, view, windows, within
from geojobs_lab.expressions.workspace import Workspace

_MOST_ELSEWHERE = 4  # arrays that are loaded in windows of full size
_LEAST_SHARED = 24  # windows in memory that are worth a second thread: what takes a few milliseconds

Block = Callable[[int, Window, Workspace], None]


def gather(source: Source) -> Cells:
    """Compute all cells of a source."""
    result = _Result(source)
    each_block(source, result.put)
    return Cells(result.data, result.marked)


def gather_array(source: Source) -> Array:
    """Return all cells of a source as users have them: a MaskedArray where it is to be one, or where it has to be."""
    result = _Result(source, masked=source.masked)
    each_block(source, result.put)
    if result.marked is None:
        return result.data
    array: Array = np.ma.MaskedArray(result.data, result.marked)
    return array


def gather_floats(source: Source) -> Array:
    """Return all cells of a source as a plain array, of floats with NaN where cells are missing."""
    result = _Result(source, floats=True)
    each_block(source, result.put)
    return result.data


def each_block(source: Source, block: Block, pieces: list[Window] | None = None) -> None:
    """Have `block` called in several threads with each window to be computed, the number of its piece, and a workspace.

    Parameters
    ----------
    source : Source
        Its windows have been loaded when `block` reads them.
    block : callable
    pieces : list of Window, optional
        What one thread does at a time.
    """
    if pieces is None:
        pieces = list(portions(source))
    if len(pieces) == 1 and source.size <= source.at_once and not source.elsewhere:
        with np.errstate(all="ignore"):
            block(0, pieces[0], Workspace())
        return

    def work(turns: Turns) -> None:
        space = Workspace(source.at_once, source.order or ())

        def announce(piece: Window) -> None:
            space.loaded.clear()
            if source.elsewhere:
                source.load(piece, space)

        for number, piece in turns.each(announce):
            for window in within(piece, source.at_once, source.order) if source.elsewhere else (piece,):
                block(number, window, space)

    share_out(pieces, work, alone=is_small(source))


def is_small(source: Source) -> bool:
    """Tell whether a source is computed sooner than other threads would be at work."""
    return not source.elsewhere and source.size < _LEAST_SHARED * Source.at_once


def portions(source: Source) -> Iterator[Window]:
    """Yield what is done at a time."""
    if not source.elsewhere:
        return within(tuple(slice(0, length) for length in source.shape), source.at_once, source.order)
    at_once = max(1, sources._READ_AT_ONCE * _MOST_ELSEWHERE // max(_MOST_ELSEWHERE, len(source.elsewhere)))
    # What has no first axis meets each of its steps: it is read once when these follow one another.
    turned = any(len(array.shape) < len(source.shape) for array in source.elsewhere)
    if source.chunks is None:
        return windows(source.shape, at_once, turned=turned)
    return along_chunks(source.shape, at_once, source.chunks, turned=turned)


class _Result:
    """An array that is filled from several threads, with marks or as floats once a cell is missing."""

    def __init__(self, source: Source, *, masked: bool = False, floats: bool = False) -> None:
        self._source = source
        self._lock = threading.Lock()
        self._floats = floats and source.dtype.kind != "f"
        self._whole: Array | None = None  # as floats
        self._narrow: list[Window] = []  # what is in `_data` while there is no such array
        self._data = _empty(source, source.dtype)
        self.marked: Mask | None = np.zeros(source.shape, bool) if masked else None
        self._masked = masked and source.dtype.kind == "f"

    def put(self, number: int, window: Window, space: Workspace) -> None:
        """Compute a window, and put it where it belongs."""
        if self._floats:
            self._put_floats(window, space)
            return
        target = view(self._data, window)
        cells = self._source.read(window, space, target)
        if cells.data is not target:
            np.copyto(target, cells.data)
            if cells.spare:
                space.give(cells.data)
        missing = cells.missing if self._masked else cells.marked
        if missing is not None:
            self._marks()[window] = missing

    def _marks(self) -> Mask:
        with self._lock:
            if self.marked is None:
                self.marked = np.zeros(self._source.shape, bool)
            return self.marked

    def _put_floats(self, window: Window, space: Workspace) -> None:
        cells = self._source.read(window, space)
        with self._lock:
            if self._whole is None and cells.marked is not None:
                self._whole = _empty(self._source, np.promote_types(self._source.dtype, np.float32))
            if self._whole is None:
                self._narrow.append(window)
            target = view(self._data if self._whole is None else self._whole, window)
        np.copyto(target, cells.data)
        if cells.marked is not None:
            set_missing(target, cells.marked)
        if cells.spare:
            space.give(cells.data)

    @property
    def data(self) -> Array:
        """The cells."""
        if self._whole is None:
            return self._data
        for window in self._narrow:
            np.copyto(self._whole[window], self._data[window])
        return self._whole


def _empty(source: Source, dtype: np.dtype[Any]) -> Array:
    order = source.order
    if order is None:
        return np.empty(source.shape, dtype)
    back = [order.index(axis) for axis in range(len(order))]
    return np.empty([source.shape[axis] for axis in order], dtype).transpose(back)
