"""Arrays that are read block by block: those given, those that lie elsewhere, and steps of them.

An axis has a number that says what it means: -1 is the last axis of everything, -2 the one before, as numpy's
broadcasting has it. Arrays with named dimensions get the numbers of their names, so that two of them meet by name.

There are two sizes of windows. What lies elsewhere is loaded in large ones, which `Source.load` announces; everything
is computed in windows of which the processor's cache holds a few.
"""

from __future__ import annotations

import math
import threading
from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.selecting import copy_missing, set_zero
from geojobs_lab.expressions.windows import Window, view, windows
from geojobs_lab.expressions.workspace import Workspace

__all__ = [
    "MOST_CELLS",
    "BlockSource",
    "Elsewhere",
    "Given",
    "Held",
    "NamedArray",
    "Source",
    "Step",
    "Window",
    "step",
    "windows",
]

_AT_ONCE = 2**17  # cells of arrays in memory that are computed together: fewer, and Python takes as long as numpy
_FLOAT32 = np.dtype(np.float32)
_READ_AT_ONCE = 2**19  # cells read together from elsewhere: chunks of files are read in few pieces
MOST_CELLS = 2**28  # of what is larger than every operand: 2 GB as float64

Order = tuple[int, ...] | None


class BlockSource(ABC):
    """An array that is somewhere else, such as in a file, and read a window at a time, perhaps in several threads.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of truth values, integers or floats.
    axes : tuple of int
        The number of each axis, ascending and negative: axes of one number belong together in operations.
    chunks : tuple of int, or None
        The shape of the pieces that can only be read as a whole.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: tuple[int, ...]
    chunks: tuple[int, ...] | None = None

    @abstractmethod
    def read(self, window: Window) -> Array:
        """Return the cells of a window, plain or masked; one slice for each axis."""


class NamedArray(BlockSource):
    """An array in memory whose axes have numbers of their own."""

    def __init__(self, array: Array, axes: tuple[int, ...]) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.axes = axes

    def read(self, window: Window) -> Array:
        """Return a view of a window."""
        return self.array[window]


class Source:
    """What an expression computes with: something that gives `Cells` for a window.

    Attributes
    ----------
    shape, axes, dtype, chunks
        As those of a `BlockSource`.
    named : bool
        Whether its axes keep their numbers when one of them goes (those of numpy arrays move up).
    masked : bool
        Whether the result is to be a MaskedArray.
    at_once : int
        How many cells are best computed together.
    elsewhere : frozenset of Source
        The arrays that are not in memory, of which it is made.
    order : tuple of int, or None
        The axes from the largest stride in memory to the smallest; None where its arrays differ in that.
    uses : int
        How many parts of the expression read it; a block is kept where they are several.
    marks : bool
        Whether cells may be marked as missing.
    is_arithmetic : bool
        Whether it is computed by an operation that a `Program` can do.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    dtype: np.dtype[Any]
    chunks: tuple[int, ...] | None = None
    named: bool = False
    masked: bool = False
    at_once: int = _AT_ONCE
    elsewhere: frozenset[Source] = frozenset()
    order: Order = None
    uses: int = 1
    marks: bool = True
    is_arithmetic: bool = False

    def read(self, window: Window, space: Workspace, out: Array | None = None) -> Cells:
        """Return the cells of a window, perhaps in `out`."""
        if self.uses == 1:
            return self._read(window, space, out)
        kept = space.kept(id(self), window)
        return space.keep(id(self), window, self._read(window, space, None)) if kept is None else kept

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        raise NotImplementedError

    def load(self, window: Window, space: Workspace) -> None:
        """Load what lies elsewhere, since parts of this window are going to be read."""

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    def without(self, gone: Sequence[int]) -> tuple[int, ...]:
        """Return the numbers of the axes when those at some places have gone."""
        kept = tuple(number for place, number in enumerate(self.axes) if place not in gone)
        return kept if self.named else tuple(range(-len(kept), 0))


class Given(Source):
    """An array in memory that was given."""

    def __init__(self, array: Array, axes: tuple[int, ...] | None = None) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype.newbyteorder("=")
        self.named = axes is not None
        self.axes = tuple(range(-array.ndim, 0)) if axes is None else axes
        self.at_once = _at_once(self.dtype)
        self.order = tuple(sorted(range(array.ndim), key=lambda axis: -abs(array.strides[axis])))
        mask = np.ma.getmask(array)
        self.masked = isinstance(array, np.ma.MaskedArray)
        self._mask = None if mask is np.ma.nomask else np.asarray(mask)
        self._data = np.asarray(np.ma.getdata(array))
        self.marks = self._mask is not None and self.dtype.kind != "f"
        self._as_it_is = self._mask is None and array.dtype == self.dtype and array.ndim > 0

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        if self._as_it_is:
            return Cells(self._data[window])
        data = view(self._data, window)
        missing = None if self._mask is None else view(self._mask, window)
        if missing is not None and not missing.any():
            missing = None
        if missing is None and data.dtype == self.dtype:
            return Cells(data)
        copy = space.take(data.shape, self.dtype) if out is None else out
        if missing is not None and self.dtype.kind == "f" and data.dtype == self.dtype:
            copy_missing(copy, data, missing)
            return Cells(copy, None, True)
        np.copyto(copy, data)
        if missing is not None and self.dtype.kind != "f":
            set_zero(copy, missing)
        return Cells.of(copy, missing)


def _at_once(dtype: np.dtype[Any]) -> int:
    """Return how many cells of an array are computed together; those of float32 stay so narrow in nearly everything."""
    return 2 * _AT_ONCE if dtype == _FLOAT32 else _AT_ONCE


class Load:
    """A window that is read once, by whoever needs it first; who needs another one reads that meanwhile."""

    def __init__(self, window: Window) -> None:
        self.window = window
        self._lock = threading.Lock()
        self._cells: Cells | None = None

    def cells(self, read: Callable[[Window], Cells]) -> Cells:
        """Return the cells of the window."""
        with self._lock:
            if self._cells is None:
                self._cells = read(self.window)
            return self._cells


class Elsewhere(Source):
    """An array that is read from where it is, or a step of it."""

    def __init__(self, array: BlockSource, steps: tuple[int, ...] = ()) -> None:
        self._array = array
        self._steps = steps
        self._lock = threading.Lock()
        self._last: Load | None = None
        self.shape = array.shape[len(steps) :]
        self.dtype = array.dtype.newbyteorder("=")
        self.axes = array.axes[len(steps) :]
        self.chunks = None if array.chunks is None else array.chunks[len(steps) :]
        self.named = True
        self.elsewhere = frozenset([self])
        self.marks = self.dtype.kind != "f"
        self.at_once = _at_once(self.dtype)
        self.order = tuple(range(len(self.shape)))

    def step(self, index: int) -> Elsewhere:
        """Return one step of the first axis."""
        return Elsewhere(self._array, (*self._steps, index))

    def load(self, window: Window, space: Workspace) -> None:
        """Announce a window, the same as the one before if that is equal: one layer meets each step of a series."""
        with self._lock:
            if self._last is None or self._last.window != window:
                self._last = Load(window)
            space.loaded.setdefault(id(self), []).append(self._last)

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        for load in space.loaded.get(id(self), ()):
            if all(a.start <= b.start and b.stop <= a.stop for a, b in zip(load.window, window, strict=True)):
                cells, whole = load.cells(self._cells), zip(load.window, window, strict=True)
                part = tuple(slice(b.start - a.start, b.stop - a.start) for a, b in whole)
                return Cells(view(cells.data, part), None if cells.marked is None else view(cells.marked, part))
        return self._cells(window)

    def _cells(self, window: Window) -> Cells:
        array = self._array.read((*(slice(step, step + 1) for step in self._steps), *window))
        given = Given(array.reshape(array.shape[len(self._steps) :]))
        return given.read(tuple(slice(0, length) for length in given.shape), Workspace())


class Held(Source):
    """Cells in memory, computed of another source."""

    def __init__(self, cells: Cells, axes: tuple[int, ...], of: Source) -> None:
        self._cells = cells
        self.marks = cells.marked is not None
        self.shape = cells.data.shape
        self.dtype = cells.data.dtype
        self.axes = axes
        self.named = of.named
        self.masked = of.masked
        self.at_once = of.at_once
        self.order = tuple(range(len(self.shape)))

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        marked = self._cells.marked
        return Cells(self._cells.data[window], None if marked is None else marked[window])


class Step(Source):
    """One step of the first axis of a source that is computed."""

    def __init__(self, source: Source, index: int) -> None:
        self._source = source
        self._index = index
        self.marks = source.marks
        self.shape = source.shape[1:]
        self.dtype = source.dtype
        self.axes = source.without([0])
        self.chunks = None if source.chunks is None else source.chunks[1:]
        self.named = source.named
        self.masked = source.masked
        self.at_once = source.at_once
        self.elsewhere = source.elsewhere
        self.order = tuple(range(len(self.shape)))

    def load(self, window: Window, space: Workspace) -> None:
        """Load what lies elsewhere."""
        self._source.load(self._own(window), space)

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        cells = self._source.read(self._own(window), space)
        return cells.reshaped(cells.data.shape[1:])

    def _own(self, window: Window) -> Window:
        return (slice(self._index, self._index + 1), *window)


def step(source: Source, index: int) -> Source:
    """Return one step of the first axis of a source."""
    if isinstance(source, Given):
        array = source.array[index : index + 1].reshape(source.shape[1:])  # of one cell too: no bare number
        return Given(array, source.axes[1:] if source.named else None)
    return source.step(index) if isinstance(source, Elsewhere) else Step(source, index)
