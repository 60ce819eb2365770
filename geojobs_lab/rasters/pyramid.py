"""Writing the cells of a variable and of its overviews in one pass, whatever the order in which they come.

Chunks are made smaller and deflated in threads, and written raw into an HDF5 file in which every variable is defined
already. What is held in memory are the chunks that still lack cells, and some that wait for a thread.
"""

import math
import os
from collections import deque
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from concurrent.futures import Future, wait
from dataclasses import dataclass, field
from functools import cache, partial
from itertools import islice
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import h5py
import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.rasters.chunks import CHUNK, Mosaic, encode
from geojobs_lab.rasters.hdf5 import telling
from geojobs_lab.rasters.layout import Layout
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.overviews import MEAN, MODE, factors, location, stored_type
from geojobs_lab.rasters.packing import missing_number, unpack
from geojobs_lab.rasters.pieces import pieces
from geojobs_lab.rasters.reducing import Sums, modes, sums_of
from geojobs_lab.threads import Pool

Array = npt.NDArray[Any]
Position = tuple[int, ...]  # of a layer, in the dimensions other than rows and columns

_THREADS = min(4, os.cpu_count() or 1)
_WAITING = 8 * _THREADS  # chunks handed to the threads and not yet written
_INSIDE = CHUNK.bit_length() - 1  # levels whose windows lie whole in one chunk: 2, 4 … 256 cells a side


@cache
def _pool() -> Pool:
    return Pool(_THREADS, "geojobs-chunks")


os.register_at_fork(after_in_child=_pool.cache_clear)  # the threads stay with the parent


@dataclass(frozen=True, slots=True)
class _Target:
    """A variable of the file; `fill` stands in the chunks beyond its edge."""

    path: Path
    dataset: h5py.Dataset
    layout: Layout
    fill: Any

    def mosaic(self) -> Mosaic:
        return Mosaic(self.layout.grid_shape, self.layout.dtype, self.fill)

    def encode(self, chunk: Array) -> bytes:
        return encode(chunk if self.layout.y < self.layout.x else chunk.T)

    def write(self, layer: Position, row: int, col: int, encoded: bytes) -> None:
        with HDF5_LOCK, telling(self.path):
            self.dataset.id.write_direct_chunk(self.layout.place(layer, row, col), encoded)


@dataclass
class _Layer:
    """What is being put together of one layer.

    Attributes
    ----------
    base : Mosaic
    left : int
        Chunks of it that are not made smaller yet.
    levels : dict
        Method -> one mosaic for each factor.
    beyond : dict
        Method -> what windows larger than a chunk are made of: one number or more for each chunk.
    """

    base: Mosaic
    left: int
    levels: dict[str, list[Mosaic]]
    beyond: dict[str, list[Array]]


@dataclass
class _Made:
    """What a thread has made of a chunk: its bytes, its limits, its overviews, and what larger windows need of it."""

    encoded: bytes
    limits: tuple[float, float] | None = None
    levels: dict[str, list[Array]] = field(default_factory=dict)
    beyond: dict[str, list[Any]] = field(default_factory=dict)


class Pyramid:
    """Writes one variable and its overviews; a context manager, at whose end everything is written.

    Parameters
    ----------
    file : h5py.File
        Open for writing, with the overviews defined; nobody else uses it meanwhile.
    layout : Layout
        Of the variable.
    attributes : Mapping
        Of the variable: what its numbers mean.
    methods : collection of str
        Of its overviews.
    base : bool
        Whether the file holds the variable itself too.

    Attributes
    ----------
    limits : tuple of float or None
        The least and the greatest finite value of what is written by now, unpacked; None where there is none.
    """

    def __init__(
        self, file: h5py.File, layout: Layout, attributes: Mapping[str, Any], methods: Collection[str], *, base: bool
    ) -> None:
        self.limits: tuple[float, float] | None = None
        self._layout = layout
        self._attributes = dict(attributes)
        self._factors = factors(layout.grid_shape)
        self._fill = missing_number(layout.dtype, attributes)
        with HDF5_LOCK:
            self._path = Path(file.filename)
            self._base = _Target(self._path, file[layout.name], layout, self._fill) if base else None
            self._overviews = {method: self._targets(file, method) for method in methods if self._factors}
        self._layers: dict[Position, _Layer] = {}
        self._waiting: deque[tuple[Future[Any], Callable[[Any], None]]] = deque()

    def _targets(self, file: h5py.File, method: str) -> list[_Target]:
        dtype = stored_type(method, self._layout.dtype)
        fill = self._fill if method == MODE else np.nan
        name = self._layout.name
        return [
            _Target(self._path, file[location(method, factor, name)], self._layout.smaller(factor, dtype), fill)
            for factor in self._factors
        ]

    def put(self, position: Position, row: int, col: int, cells: Array) -> None:
        """Add a piece of a layer, (rows, columns) as stored, from (row, column) on; every cell has to come once."""
        layer = self._layers.get(position)
        if layer is None:
            layer = self._layers[position] = self._new_layer()
        cells = cells.astype(self._layout.dtype, copy=False)
        for top, left, chunk in layer.base.put(row, col, cells):
            self._hand(partial(self._work, top, left, chunk), partial(self._take, position, top, left))
            self._drain(_WAITING)

    def _new_layer(self) -> _Layer:
        ny, nx = self._layout.grid_shape
        chunks = -(-ny // CHUNK), -(-nx // CHUNK)
        return _Layer(
            base=Mosaic((ny, nx), self._layout.dtype, self._fill),
            left=chunks[0] * chunks[1],
            levels={method: [target.mosaic() for target in targets] for method, targets in self._overviews.items()},
            beyond=self._beyond(chunks) if len(self._factors) > _INSIDE else {},
        )

    def _beyond(self, chunks: tuple[int, int]) -> dict[str, list[Array]]:
        double, boolean = np.dtype(np.float64), np.dtype(np.bool_)
        types: dict[str, tuple[np.dtype[Any], ...]] = {MEAN: (double, double), MODE: (self._layout.dtype, boolean)}
        return {method: [np.zeros(chunks, dtype) for dtype in types[method]] for method in self._overviews}

    def _hand(self, work: Callable[[], Any], then: Callable[[Any], None]) -> None:
        self._waiting.append((_pool().submit(work), then))

    def _drain(self, count: int) -> None:
        while len(self._waiting) > count:
            future, then = self._waiting.popleft()
            then(future.result())

    def _work(self, top: int, left: int, chunk: Array) -> _Made:
        """Deflate a chunk, and make it smaller; in a thread."""
        ny, nx = self._layout.grid_shape
        made = _Made(self._base.encode(chunk) if self._base is not None else b"")
        count = min(len(self._factors), _INSIDE)
        with np.errstate(all="ignore"):  # infinities, and what is too large for float32
            values = unpack(chunk[: ny - top, : nx - left], self._attributes)
            made.limits = _limits(values)
            if MEAN in self._overviews:
                sums = list(islice(_halvings(sums_of(values)), count))
                made.levels[MEAN] = [found.means() for found in sums]
                made.beyond[MEAN] = [sums[-1].sums[0, 0], sums[-1].counts[0, 0]]
            if MODE in self._overviews:
                missing = np.isnan(values) if values.dtype.kind == "f" else None
                found = list(modes(chunk[: ny - top, : nx - left], missing, count))
                made.levels[MODE] = [np.where(empty, self._fill, winners) for winners, empty in found]
                made.beyond[MODE] = [found[-1][0][0, 0], found[-1][1][0, 0]]
        return made

    def _take(self, position: Position, top: int, left: int, made: _Made) -> None:
        """Write what a thread has made of a chunk."""
        layer = self._layers[position]
        if self._base is not None:
            self._base.write(position, top, left, made.encoded)
        if made.limits is not None:
            known = self.limits or made.limits
            self.limits = min(known[0], made.limits[0]), max(known[1], made.limits[1])
        for method, smaller in made.levels.items():
            for level, cells in enumerate(smaller):
                factor = self._factors[level]
                self._put_smaller(layer, position, method, level, top // factor, left // factor, cells)
        for method, arrays in layer.beyond.items():
            for array, number in zip(arrays, made.beyond[method], strict=True):
                array[top // CHUNK, left // CHUNK] = number
        layer.left -= 1
        if not layer.left:
            self._finish(layer, position)

    def _finish(self, layer: _Layer, position: Position) -> None:
        """Make the levels whose windows are larger than a chunk: exact means, and the modes of modes."""
        for method, (first, second) in layer.beyond.items():
            count = len(self._factors) - _INSIDE
            with np.errstate(all="ignore"):
                if method == MEAN:
                    halved = islice(_halvings(Sums(first, second).halved()), count)
                    smaller = [found.means() for found in halved]
                else:
                    smaller = [np.where(empty, self._fill, found) for found, empty in modes(first, second, count)]
            for level, cells in enumerate(smaller, _INSIDE):
                self._put_smaller(layer, position, method, level, 0, 0, cells)
        del self._layers[position]

    def _put_smaller(
        self, layer: _Layer, position: Position, method: str, level: int, row: int, col: int, cells: Array
    ) -> None:
        target, mosaic = self._overviews[method][level], layer.levels[method][level]
        for top, left, chunk in mosaic.put(row, col, cells.astype(target.layout.dtype, copy=False)):
            self._hand(partial(target.encode, chunk), partial(target.write, position, top, left))

    def close(self) -> None:
        """Write what still waits for a thread."""
        while self._waiting:  # taking one may hand over others
            self._drain(len(self._waiting) - 1)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if error is None:
            self.close()
        # None may be at work when the process ends, which would not wait for it.
        wait([future for future, _ in self._waiting if not future.cancel()])
        self._waiting.clear()


def fill(pyramid: Pyramid, data: xr.DataArray, order: Sequence[str]) -> None:
    """Read a raster piece by piece and put all of it into a pyramid.

    Parameters
    ----------
    pyramid : Pyramid
    data : DataArray
        The numbers as they are to be stored.
    order : sequence of str
        Its dimensions in the order of positions, rows and columns last.
    """
    for position, numbers in pieces(data, order):
        *first, row, col = position
        for layer in np.ndindex(numbers.shape[:-2]):
            place = tuple(start + step for start, step in zip(first, layer, strict=True))
            pyramid.put(place, row, col, numbers[layer])


def _limits(values: Array) -> tuple[float, float] | None:
    low, high = float(np.fmin.reduce(values, axis=None)), float(np.fmax.reduce(values, axis=None))
    if math.isfinite(low) and math.isfinite(high):
        return low, high
    finite = values[np.isfinite(values)]
    return (float(finite.min()), float(finite.max())) if finite.size else None


def _halvings(sums: Sums) -> Iterator[Sums]:
    while True:
        yield sums
        sums = sums.halved()
