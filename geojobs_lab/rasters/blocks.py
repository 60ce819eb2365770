"""Decoded blocks of the layers of raster files, kept for whoever draws next.

Owns how a layer is cut into blocks, which way they are read, and the one cache of the process. What the values mean is
`packing`'s, where they lie on the Earth the grid's, which of them a picture takes that of the room `tiles`.

Blocks are those of the file where it has chunks, several small ones together; elsewhere windows of 256 x 256. A layer
can be taken thinned: of each square of `step` x `step` cells the one in its middle. It is then read once, in pieces,
and only what is taken is kept, so that a file without overviews costs time and not memory.
"""

import math
import os
import weakref
from collections.abc import Callable, Hashable, Iterable, Mapping
from concurrent.futures import Future
from functools import cache, partial
from itertools import pairwise
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters.cache import ArrayCache
from geojobs_lab.rasters.overviews import StoredLayer
from geojobs_lab.rasters.packing import unpack, unpacked_dtype
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.rawchunks import RawChunks
from geojobs_lab.rasters.variables import VariableInfo
from geojobs_lab.threads import Pool

Values = npt.NDArray[Any]
Place = tuple[int, int]
"""Row and column of a block."""

BLOCK_CACHE = ArrayCache(256 * 2**20)
"""The blocks of the process; its `limit` may be set."""

_SIDE = 256  # cells of a block, about
_MOST_CHUNKS = 256  # in a block: smaller ones are left to libhdf5
_KEPT_STEPS = 2**23  # bytes of all the steps that lie in one chunk, to be kept together
_THREADS = min(4, os.cpu_count() or 1)  # that decode the blocks of one picture


class Blocks:
    """One two-dimensional layer of a file, in blocks.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        Dimension -> position, as `VariableInfo.select` makes it; what is left out is at 0.
    factor : int
        Of the overview, 1 for the data itself.
    method : {"mean", "mode"}
        Of the overview.
    step : int
        Thins the layer: of `step` x `step` cells the middle one stands for all.

    Attributes
    ----------
    shape : tuple of int
        (rows, columns) of cells, at this factor and step.
    size : tuple of int
        (rows, columns) of cells in a block; the last ones may have fewer.

    Raises
    ------
    InvalidInput
        A position lies outside its dimension.
    """

    def __init__(
        self,
        file: RasterFile,
        variable: str,
        selection: Mapping[str, int],
        *,
        factor: int = 1,
        method: str = "mean",
        step: int = 1,
    ) -> None:
        self._layers = _layers(file, variable, factor, method)
        self._at = self._layers.position(selection)
        self._step = step
        ny, nx = self._layers.shape
        self.shape = (-(-ny // step), -(-nx // step))
        self.size = self._layers.size if step == 1 else (_SIDE, _SIDE)

    def get(self, places: Iterable[Place]) -> dict[Place, Values]:
        """Return blocks, (rows, columns) each, read-only: y then x, unpacked, NaN where missing.

        Those that have to be decoded are decoded in several threads.

        Raises
        ------
        RasterError
            The data cannot be read.
        """
        found: dict[Place, Values] = {}
        waiting: dict[Place, Future[Values]] = {}
        missing = []
        for place in places:
            key, part, make = self._plan(place)
            block = BLOCK_CACHE.get(key)
            if block is None:
                missing.append((place, key, part, make))
            else:
                found[place] = block if part is None else block[part]
        for place, key, _, make in missing[1:]:
            waiting[place] = _pool().submit(BLOCK_CACHE.fetch, key, make)
        for place, key, part, make in missing:
            block = waiting[place].result() if place in waiting else BLOCK_CACHE.fetch(key, make)
            found[place] = block if part is None else block[part]
        return found

    def _plan(self, place: Place) -> tuple[Hashable, int | None, Callable[[], Values]]:
        """Return the key of what is kept of a block, which part of that it is, and how it is made."""
        if self._step == 1:
            return self._layers.plan(self._at, place)
        key = (*self._layers.identity, self._at, self._step, place)
        return key, None, partial(self._thinned, place)

    def _thinned(self, place: Place) -> Values:
        """Return a block of the cells in the middle of squares."""
        rows, cols = (
            np.minimum(np.arange(at * _SIDE, min((at + 1) * _SIDE, end)) * self._step + self._step // 2, full - 1)
            for at, end, full in zip(place, self.shape, self._layers.shape, strict=True)
        )
        return self._layers.sample(self._at, rows, cols)


class _Layers:
    """All layers of a variable at one factor, read through netCDF4 in windows."""

    def __init__(
        self, file: RasterFile, info: VariableInfo, layer: StoredLayer, factor: int, method: str, chunk: Place
    ) -> None:
        # Held weakly: it is kept as long as the file is.
        self._file = weakref.ref(file)
        self._info = info
        self._factor, self._method = factor, method
        ny, nx = info.grid.shape
        self.shape = (-(-ny // factor), -(-nx // factor))
        self.size: Place = (_multiple(chunk[0]), _multiple(chunk[1]))
        about = layer.path.stat()
        # A file that takes the place of another is another.
        self.identity: tuple[Hashable, ...] = (
            str(layer.path),
            about.st_ino,
            about.st_size,
            about.st_mtime_ns,
            info.name,
            factor,
            method,
        )
        self._leading = [dim for dim in info.dims if dim not in (info.y_dim, info.x_dim)]

    def position(self, selection: Mapping[str, int]) -> tuple[int, ...]:
        """Return the position in each leading dimension."""
        found = []
        for dim in self._leading:
            at, count = selection.get(dim, 0), self._info.shape[self._info.dims.index(dim)]
            if not 0 <= at < count:
                raise InvalidInput(f"{dim}: {at} is not a position 0..{count - 1}", field=dim, value=at)
            found.append(int(at))
        return tuple(found)

    def plan(self, at: tuple[int, ...], place: Place) -> tuple[Hashable, int | None, Callable[[], Values]]:
        return (*self.identity, at, place), None, partial(self.window, at, place)

    def window(self, at: tuple[int, ...], place: Place) -> Values:
        rows, cols = self._slices(place)
        return np.ascontiguousarray(self._read(at, rows, cols))

    def sample(self, at: tuple[int, ...], rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> Values:
        """Return the cells of some rows and columns: the rows are read one by one, as they lie in the file."""
        across = slice(int(cols[0]), int(cols[-1]) + 1)
        lines = [self._read(at, slice(int(row), int(row) + 1), across)[0].take(cols - cols[0]) for row in rows]
        return np.stack(lines)

    def _slices(self, place: Place) -> tuple[slice, slice]:
        rows, cols = (
            slice(at * size, min((at + 1) * size, end))
            for at, size, end in zip(place, self.size, self.shape, strict=True)
        )
        return rows, cols

    def _read(self, at: tuple[int, ...], rows: slice, cols: slice) -> Values:
        file = self._file()
        if file is None:
            raise RasterError(f"{self._info.name!r} cannot be read any more")
        selection = dict(zip(self._leading, at, strict=True))
        if self._factor == 1:
            return file.read(self._info.name, selection, rows, cols)
        return file.read(self._info.name, selection, rows, cols, factor=self._factor, method=self._method)


class _ChunkedLayers(_Layers):
    """All layers of a variable at one factor, of whose chunks we decode each by itself."""

    def __init__(
        self, file: RasterFile, info: VariableInfo, layer: StoredLayer, factor: int, method: str, chunks: RawChunks
    ) -> None:
        y, x = info.dims.index(info.y_dim), info.dims.index(info.x_dim)
        chunk = chunks.chunk or ()
        super().__init__(file, info, layer, factor, method, (chunk[y], chunk[x]))
        self._chunks = chunks
        self._attributes = layer.attributes
        self._dtype = unpacked_dtype(chunks.dtype, layer.attributes)
        self._steps = tuple(size for axis, size in enumerate(chunk) if axis not in (y, x))
        self._order = (*(axis for axis in range(len(chunk)) if axis not in (y, x)), y, x)
        self._chunk = (chunk[y], chunk[x])
        cells = math.prod(self._steps) * math.prod(self.size)
        self._together = math.prod(self._steps) > 1 and cells * self._dtype.itemsize <= _KEPT_STEPS

    def plan(self, at: tuple[int, ...], place: Place) -> tuple[Hashable, int | None, Callable[[], Values]]:
        if not self._together:
            return super().plan(at, place)
        # The steps that are inflated together are kept together: the next picture is of the next step.
        first = tuple(step - step % size for step, size in zip(at, self._steps, strict=True))
        part = np.ravel_multi_index(tuple(np.subtract(at, first)), self._steps)
        return (*self.identity, first, place), int(part), partial(self._all_steps, first, place)

    def _all_steps(self, at: tuple[int, ...], place: Place) -> Values:
        return self._unpacked(self._assembled(at, *self._slices(place), slice(None)))

    def window(self, at: tuple[int, ...], place: Place) -> Values:
        return self._unpacked(self._assembled(at, *self._slices(place), self._part(at))[0])

    def sample(self, at: tuple[int, ...], rows: npt.NDArray[np.intp], cols: npt.NDArray[np.intp]) -> Values:
        """Return the cells of some rows and columns, chunk by chunk."""
        found = np.empty((rows.size, cols.size), self._dtype)
        part = self._part(at)
        high, wide = self._chunk
        for row, lines in _runs(rows // high):
            for col, columns in _runs(cols // wide):
                chunk = self._read_chunk(at, row * high, col * wide, part)[0]
                picked = chunk.take(rows[lines] - row * high, axis=0).take(cols[columns] - col * wide, axis=1)
                found[lines, columns] = unpack(picked, self._attributes)
        return found

    def _part(self, at: tuple[int, ...]) -> slice:
        """Return which one of the steps of a chunk is wanted."""
        if not at:
            return slice(None)
        index = int(
            np.ravel_multi_index([step % size for step, size in zip(at, self._steps, strict=True)], self._steps)
        )
        return slice(index, index + 1)

    def _read_chunk(self, at: tuple[int, ...], row: int, col: int, part: slice) -> Values:
        """Return (steps, rows, columns) of a chunk, as stored."""
        first = [step - step % size for step, size in zip(at, self._steps, strict=True)]
        start = [0] * len(self._order)
        for axis, value in zip(self._order, (*first, row, col), strict=True):
            start[axis] = value
        try:
            chunk = self._chunks.read(tuple(start))
        except (OSError, RuntimeError, ValueError) as error:
            raise RasterError(f"{self._info.name!r} cannot be read: {type(error).__name__}") from error
        return chunk.transpose(self._order).reshape(-1, *self._chunk)[part]

    def _assembled(self, at: tuple[int, ...], rows: slice, cols: slice, part: slice) -> Values:
        """Return (steps, rows, columns) of a block, as stored."""
        high, wide = self._chunk
        if rows.stop - rows.start <= high and cols.stop - cols.start <= wide:
            chunk = self._read_chunk(at, rows.start, cols.start, part)
            return np.ascontiguousarray(chunk[:, : rows.stop - rows.start, : cols.stop - cols.start])
        found: Values | None = None
        for row in range(rows.start, rows.stop, high):
            for col in range(cols.start, cols.stop, wide):
                chunk = self._read_chunk(at, row, col, part)
                if found is None:
                    found = np.empty((len(chunk), rows.stop - rows.start, cols.stop - cols.start), chunk.dtype)
                here = found[:, row - rows.start :, col - cols.start :][:, :high, :wide]
                here[...] = chunk[:, : here.shape[1], : here.shape[2]]
        if found is None:
            raise RasterError(f"{self._info.name!r} has no cells there")
        return found

    def _unpacked(self, stored: Values) -> Values:
        return np.ascontiguousarray(unpack(stored, self._attributes))


_OF_FILES: "weakref.WeakKeyDictionary[RasterFile, dict[tuple[str, int, str], _Layers]]" = weakref.WeakKeyDictionary()


def _layers(file: RasterFile, variable: str, factor: int, method: str) -> _Layers:
    known = _OF_FILES.setdefault(file, {})
    key = (variable, factor, method)
    if key not in known:
        known[key] = _opened(file, file.variable(variable), factor, method)
    return known[key]


def _opened(file: RasterFile, info: VariableInfo, factor: int, method: str) -> _Layers:
    """Find out which way a variable can be read."""
    layer = file.stored(info.name, factor, method)
    try:
        chunks = RawChunks(layer.path, layer.dataset)
    except (OSError, KeyError):  # NetCDF-3 is not HDF5
        return _Layers(file, info, layer, factor, method, (_SIDE, _SIDE))
    y, x = info.dims.index(info.y_dim), info.dims.index(info.x_dim)
    if chunks.chunk is None:
        return _Layers(file, info, layer, factor, method, (_SIDE, _SIDE))
    high, wide = chunks.chunk[y], chunks.chunk[x]
    in_block = (_multiple(high) // high) * (_multiple(wide) // wide)
    if not chunks.decodable or in_block > _MOST_CHUNKS:
        return _Layers(file, info, layer, factor, method, (high, wide))
    return _ChunkedLayers(file, info, layer, factor, method, chunks)


def _multiple(size: int) -> int:
    """Return the side of blocks made of whole chunks with this side: 256 at least."""
    return -(-_SIDE // size) * size


def _runs(numbers: npt.NDArray[np.intp]) -> Iterable[tuple[int, slice]]:
    """Yield each number and where its neighbours are the same."""
    for start, stop in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), numbers.size]):
        yield int(numbers[start]), slice(start, stop)


@cache
def _pool() -> Pool:
    return Pool(_THREADS, "geojobs-blocks")
