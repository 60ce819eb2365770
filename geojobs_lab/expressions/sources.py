"""Arrays that are read block by block: those given, and those that operators make of them.

An axis has a number that says what it means: -1 is the last axis of everything, -2 the one before, as numpy's
broadcasting has it. Arrays with named dimensions get the numbers of their names, so that two of them meet by name.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from typing import Any, TypeAlias

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.operations import operate
from geojobs_lab.expressions.scalars import Scalar

Window: TypeAlias = tuple[slice, ...]  # one slice with start and stop for each axis

_AT_ONCE = 2**18  # cells of arrays in memory that are computed together: 2 MB as float64, which caches hold
_READ_AT_ONCE = 2**22  # cells read together from elsewhere: chunks of files are read in few pieces
MOST_CELLS = 2**28  # of what is larger than every operand: 2 GB as float64


class BlockSource(ABC):
    """An array that is somewhere else, such as in a file, and read a window at a time.

    Attributes
    ----------
    shape : tuple of int
    dtype : numpy.dtype
        Of truth values, integers or floats.
    axes : tuple of int
        The number of each axis, ascending and negative: axes of one number belong together in operations.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]
    axes: tuple[int, ...]

    @abstractmethod
    def read(self, window: Window) -> Array:
        """Return the cells of a window, plain or masked; one slice for each axis."""


class Source:
    """What an expression computes with: something that gives `Cells` for a window.

    Attributes
    ----------
    shape, axes, dtype
        As those of a `BlockSource`.
    named : bool
        Whether its axes keep their numbers when one of them goes (those of numpy arrays move up).
    masked : bool
        Whether the result is to be a MaskedArray.
    at_once : int
        How many cells are best read together.
    """

    shape: tuple[int, ...]
    axes: tuple[int, ...]
    dtype: np.dtype[Any]
    named: bool = False
    masked: bool = False
    at_once: int = _AT_ONCE

    def read(self, window: Window) -> Cells:
        """Return the cells of a window."""
        raise NotImplementedError

    @property
    def size(self) -> int:
        """The number of cells."""
        return math.prod(self.shape)

    def without(self, gone: Sequence[int]) -> tuple[int, ...]:
        """Return the numbers of the axes when those at some places have gone."""
        kept = tuple(number for place, number in enumerate(self.axes) if place not in gone)
        return kept if self.named else tuple(range(-len(kept), 0))


class _Keeping(Source):
    """A source that keeps the block that was read last: operands say it twice, and one layer meets each step."""

    _last: tuple[Window, Cells] | None = None

    def read(self, window: Window) -> Cells:
        """Return the cells of a window."""
        if self._last is None or self._last[0] != window:
            self._last = None  # before the next one is in memory
            self._last = (window, self._read(window))
        return self._last[1]

    def _read(self, window: Window) -> Cells:
        raise NotImplementedError


class Given(_Keeping):
    """An array that was given."""

    def __init__(self, array: Array | BlockSource) -> None:
        self._array = array
        self.shape = array.shape
        self.dtype = array.dtype.newbyteorder("=")
        self.named = isinstance(array, BlockSource)
        self.masked = isinstance(array, np.ma.MaskedArray)
        self.axes = array.axes if isinstance(array, BlockSource) else tuple(range(-array.ndim, 0))
        self.at_once = _READ_AT_ONCE if self.named else _AT_ONCE

    def _read(self, window: Window) -> Cells:
        return Cells.read(self._array.read(window) if isinstance(self._array, BlockSource) else self._array[window])


class Held(Source):
    """Cells in memory, computed of another source."""

    def __init__(self, cells: Cells, axes: tuple[int, ...], of: Source) -> None:
        self._cells = cells
        self.shape = cells.data.shape
        self.dtype = cells.data.dtype
        self.axes = axes
        self.named = of.named
        self.masked = of.masked
        self.at_once = of.at_once

    def read(self, window: Window) -> Cells:
        """Return the cells of a window."""
        marked = self._cells.marked
        return Cells(self._cells.data[window], None if marked is None else marked[window])


class Step(_Keeping):
    """One step of the first axis of a source."""

    def __init__(self, source: Source, index: int) -> None:
        self._source = source
        self._index = index
        self.shape = source.shape[1:]
        self.dtype = source.dtype
        self.axes = source.without([0])
        self.named = source.named
        self.masked = source.masked
        self.at_once = source.at_once

    def _read(self, window: Window) -> Cells:
        cells = self._source.read((slice(self._index, self._index + 1), *window))
        return cells.reshaped(cells.data.shape[1:])


class Computed(Source):
    """An operator or elementwise function of sources and scalars, computed when a window is read.

    Raises
    ------
    ValueError
        The shapes do not fit together; or the result would be larger than every operand and than `MOST_CELLS`.
    TypeError
        numpy does not compute this of such arrays.
    """

    def __init__(self, name: str, operands: Sequence[Source | Scalar]) -> None:
        sources = [operand for operand in operands if isinstance(operand, Source)]
        self._name = name
        self._operands = operands
        self.axes = tuple(sorted({number for source in sources for number in source.axes}))
        self.shape = tuple(self._length(number, sources) for number in self.axes)
        if self.size > max(MOST_CELLS, *(source.size for source in sources)):
            raise ValueError(
                f"a result of shape {self.shape} is too large: {_shapes(sources)} are operands, and "
                f"{MOST_CELLS} cells the most"
            )
        self.named = any(source.named for source in sources)
        self.masked = name == "mask" or (name not in ("isnan", "get_mask") and any(source.masked for source in sources))
        self.at_once = max(source.at_once for source in sources)
        self.dtype = self._apply([Cells(np.empty(0, operand.dtype)) for operand in sources]).data.dtype

    @staticmethod
    def _length(number: int, sources: Sequence[Source]) -> int:
        lengths = {source.shape[source.axes.index(number)] for source in sources if number in source.axes}
        if len(lengths - {1}) > 1:
            raise ValueError(f"the shapes {_shapes(sources)} do not fit together")
        return next(iter(lengths - {1}), 1)

    def read(self, window: Window) -> Cells:
        """Return the cells of a window."""
        return self._apply([self._part(source, window) for source in self._operands if isinstance(source, Source)])

    def _apply(self, parts: list[Cells]) -> Cells:
        read = iter(parts)
        return operate(self._name, [next(read) if isinstance(x, Source) else x for x in self._operands])

    def _part(self, source: Source, window: Window) -> Cells:
        """Return what a source has of a window, with an axis for each of the result's."""
        asked = dict(zip(self.axes, window, strict=True))
        lengths = dict(zip(source.axes, source.shape, strict=True))
        whole = dict(zip(self.axes, self.shape, strict=True))
        own = {
            number: slice(0, 1) if length == 1 and whole[number] != 1 else asked[number]
            for number, length in lengths.items()
        }
        cells = source.read(tuple(own.values()))
        read = dict(zip(own, cells.data.shape, strict=True))
        return cells.reshaped(tuple(read.get(number, 1) for number in self.axes))


def _shapes(sources: Sequence[Source]) -> str:
    return " and ".join(dict.fromkeys(str(source.shape) for source in sources))


def windows(shape: tuple[int, ...], at_once: int) -> Iterator[Window]:
    """Yield windows of about `at_once` cells that cover an array, in the order in which it is stored."""
    whole = tuple(slice(0, length) for length in shape)
    if math.prod(shape) <= at_once or not shape:
        yield whole
        return
    rows = at_once // max(1, math.prod(shape[1:]))
    if rows:
        for start in range(0, shape[0], rows):
            yield (slice(start, min(start + rows, shape[0])), *whole[1:])
        return
    for start in range(shape[0]):
        for rest in windows(shape[1:], at_once):
            yield (slice(start, start + 1), *rest)


def gather(source: Source) -> Cells:
    """Compute all cells of a source, block by block into one array."""
    data = np.empty(source.shape, source.dtype)
    marked = None
    for window in windows(source.shape, source.at_once):
        cells = source.read(window)
        data[window] = cells.data
        if cells.marked is not None:
            if marked is None:
                marked = np.zeros(source.shape, bool)
            marked[window] = cells.marked
    return Cells(data, marked)
