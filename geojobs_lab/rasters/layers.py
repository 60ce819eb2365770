"""The layers of a variable at one level, and the ways in which their blocks are read from the file.

Chunks that can be decoded by ourselves are (`rawchunks`); everything else is read in windows by netCDF4. Handles and
what was found out about a file are kept as long as its `RasterFile` is.
"""

import math
import weakref
from collections.abc import Iterable, Mapping
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.looking import Version
from geojobs_lab.rasters.overviews import StoredLayer
from geojobs_lab.rasters.packing import unpack, unpacked_dtype
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.rawchunks import RawChunks
from geojobs_lab.rasters.variables import VariableInfo

if TYPE_CHECKING:
    import h5py

Values = npt.NDArray[Any]
Place = tuple[int, int]
"""Row and column of a block."""

SIDE = 256  # cells of a block, about
_MOST_CHUNKS = 256  # in a block: smaller ones are left to libhdf5
_KEPT_STEPS = 2**23  # bytes of all the steps that lie in one chunk, to be kept together


class Layers:
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
        self.identity = f"{Version.of(layer.path)} {layer.dataset}"
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

    def kept(self, at: tuple[int, ...]) -> tuple[tuple[int, ...], int | None]:
        """Return under which position the blocks of a layer are kept, and which part of them it is (None: all)."""
        return at, None

    def block(self, kept: tuple[int, ...], place: Place) -> Values:
        """Return what is kept of a block."""
        return self.window(kept, place)

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


class _ChunkedLayers(Layers):
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

    def kept(self, at: tuple[int, ...]) -> tuple[tuple[int, ...], int | None]:
        if not self._together:
            return at, None
        # The steps that are inflated together are kept together: the next picture is of the next step.
        within = tuple(step % size for step, size in zip(at, self._steps, strict=True))
        first = tuple(np.subtract(at, within).tolist())
        return first, int(np.ravel_multi_index(within, self._steps))

    def block(self, kept: tuple[int, ...], place: Place) -> Values:
        if not self._together:
            return self.window(kept, place)
        return self._unpacked(self._assembled(kept, *self._slices(place), slice(None)))

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


class _Opened:
    """What has been opened of a file: layers by variable, factor and method, and HDF5 handles by path."""

    def __init__(self) -> None:
        self._handles: dict[Path, h5py.File | None] = {}
        self.layers: dict[tuple[str, int, str], Layers] = {}

    def handle(self, path: Path) -> "h5py.File | None":
        """Return the HDF5 file, None where it is none (NetCDF-3)."""
        import h5py  # it takes a while, and not every process that knows rasters draws pictures

        with HDF5_LOCK:
            if path not in self._handles:
                try:
                    self._handles[path] = h5py.File(path, "r")
                except OSError:
                    self._handles[path] = None
                else:
                    # h5py would close it without the lock.
                    weakref.finalize(self, _close, self._handles[path]).atexit = False
            return self._handles[path]


def _close(handle: "h5py.File") -> None:
    with HDF5_LOCK:
        handle.close()


_OPENED: "weakref.WeakKeyDictionary[RasterFile, _Opened]" = weakref.WeakKeyDictionary()


def layers_of(file: RasterFile, variable: str, factor: int, method: str) -> Layers:
    opened = _OPENED.get(file) or _OPENED.setdefault(file, _Opened())
    key = (variable, factor, method)
    found = opened.layers.get(key)
    if found is None:
        found = opened.layers[key] = _found(opened, file, file.variable(variable), factor, method)
    return found


def _found(opened: _Opened, file: RasterFile, info: VariableInfo, factor: int, method: str) -> Layers:
    """Find out which way a variable can be read."""
    layer = file.stored(info.name, factor, method)
    handle = opened.handle(layer.path)
    chunks = RawChunks(handle, layer.dataset) if handle is not None and layer.dataset in handle else None
    if chunks is None or chunks.chunk is None:
        return Layers(file, info, layer, factor, method, (SIDE, SIDE))
    y, x = info.dims.index(info.y_dim), info.dims.index(info.x_dim)
    high, wide = chunks.chunk[y], chunks.chunk[x]
    in_block = (_multiple(high) // high) * (_multiple(wide) // wide)
    if not chunks.decodable or in_block > _MOST_CHUNKS:
        return Layers(file, info, layer, factor, method, (high, wide))
    return _ChunkedLayers(file, info, layer, factor, method, chunks)


def _multiple(size: int) -> int:
    """Return the side of blocks made of whole chunks with this side: 256 at least."""
    return -(-SIDE // size) * size


def _runs(numbers: npt.NDArray[np.intp]) -> Iterable[tuple[int, slice]]:
    """Yield each number and where its neighbours are the same."""
    for start, stop in pairwise([0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), numbers.size]):
        yield int(numbers[start]), slice(start, stop)
