"""Sources that operators and elementwise functions make of others."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np

from geojobs_lab.expressions import sources as limits
from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.operations import prepare
from geojobs_lab.expressions.programs import Program, is_arithmetic
from geojobs_lab.expressions.scalars import Scalar
from geojobs_lab.expressions.sources import Source
from geojobs_lab.expressions.ufuncs import Function
from geojobs_lab.expressions.windows import Window
from geojobs_lab.expressions.workspace import Workspace


class Reader(Protocol):
    """What gives cells for a window of a result."""

    def read(self, window: Window, space: Workspace, out: Array | None = None) -> Cells:
        """Return the cells of a window."""

    def load(self, window: Window, space: Workspace) -> None:
        """Load what lies elsewhere."""


class Computed(Source):
    """An operator or elementwise function of sources and scalars, computed when a window is read.

    Raises
    ------
    ValueError
        The shapes do not fit together; or the result would be larger than every operand and than `limits.MOST_CELLS`.
    TypeError
        numpy does not compute this of such arrays.
    """

    def __init__(self, name: str, operands: Sequence[Source | Scalar]) -> None:
        sources = [operand for operand in operands if isinstance(operand, Source)]
        first, *others = sources
        self.shape, self.axes = first.shape, first.axes
        if any((other.shape, other.axes) != (first.shape, first.axes) for other in others):
            self.axes = tuple(sorted({number for source in sources for number in source.axes}))
            self.shape = tuple(self._length(number, sources) for number in self.axes)
            if self.size > max(limits.MOST_CELLS, *(source.size for source in sources)):
                raise ValueError(
                    f"a result of shape {self.shape} is too large: {_shapes(sources)} are operands, and "
                    f"{limits.MOST_CELLS} cells the most"
                )
        self._readers: list[tuple[Source, Reader]] = [(source, self._reader(source)) for source in sources]
        self.chunks = next((self._chunks(source) for source in sources if source.chunks is not None), None)
        self.named = any(source.named for source in sources)
        self.masked = name == "mask" or (name not in ("isnan", "get_mask") and any(source.masked for source in sources))
        self.at_once = min(source.at_once for source in sources)
        self.elsewhere = first.elsewhere.union(*(source.elsewhere for source in others))
        orders = {source.order for source in sources if source.shape == self.shape}
        self.order = orders.pop() if len(orders) == 1 else tuple(range(len(self.shape))) if not orders else None
        self._operation = prepare(
            name, [operand.dtype if isinstance(operand, Source) else operand for operand in operands]
        )
        self.dtype = self._operation.dtype
        self.marks = self.dtype.kind != "f"
        self.is_arithmetic = is_arithmetic(self._operation) and not any(source.marks for source in sources)
        self._program: Program | None = None

    @staticmethod
    def _length(number: int, sources: Sequence[Source]) -> int:
        lengths = {source.shape[source.axes.index(number)] for source in sources if number in source.axes}
        if len(lengths - {1}) > 1:
            raise ValueError(f"the shapes {_shapes(sources)} do not fit together")
        return next(iter(lengths - {1}), 1)

    def _reader(self, source: Source) -> Reader:
        same = (source.shape, source.axes) == (self.shape, self.axes)
        return source if same else _Place(source, self.axes, self.shape)

    @property
    def function(self) -> Function:
        """The operation, of a source that `is_arithmetic`."""
        assert isinstance(self._operation, Function)
        return self._operation

    def operands(self) -> Iterator[Array | tuple[Source, Reader]]:
        """Yield the operands: constants, and sources with what reads them for a window of the result."""
        readers = iter(self._readers)
        for fixed in self._operation.operands:
            yield next(readers) if isinstance(fixed, np.dtype) else fixed

    def _chunks(self, source: Source) -> tuple[int, ...]:
        known = dict(zip(source.axes, source.chunks or (), strict=True))
        return tuple(known.get(number, 1) for number in self.axes)

    def load(self, window: Window, space: Workspace) -> None:
        """Load what lies elsewhere."""
        for source, reader in self._readers:
            if source.elsewhere:
                reader.load(window, space)

    def _read(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        if self.is_arithmetic and space.is_for_many:
            if self._program is None:
                self._program = Program(self)
            return self._program.run(window, space, out)
        parts = [reader.read(window, space) for _, reader in self._readers]
        shape = tuple([part.stop - part.start for part in window])
        result = self._operation.compute(parts, shape, space, out)
        for part in parts:
            if part.spare and part.data is not result.data:
                space.give(part.data)
        return result


_ONE = slice(0, 1)


class _Place:
    """How a source with fewer or shorter axes lies in a result."""

    def __init__(self, source: Source, axes: tuple[int, ...], shape: tuple[int, ...]) -> None:
        self._source = source
        # For each of its axes the result's, or None where its one cell meets all of the result's.
        self._from = [
            None if length == 1 and shape[axes.index(number)] != 1 else axes.index(number)
            for number, length in zip(source.axes, source.shape, strict=True)
        ]
        self._to = [source.axes.index(number) if number in source.axes else None for number in axes]

    def load(self, window: Window, space: Workspace) -> None:
        """Load what lies elsewhere."""
        self._source.load(self._own(window), space)

    def _own(self, window: Window) -> Window:
        """Return what a window of the result is among the source's cells."""
        return tuple([_ONE if place is None else window[place] for place in self._from])

    def read(self, window: Window, space: Workspace, out: Array | None = None) -> Cells:
        """Return what the source has of a window, with an axis for each of the result's."""
        cells = self._source.read(self._own(window), space)
        shape = cells.data.shape
        return cells.reshaped(tuple([1 if place is None else shape[place] for place in self._to]))


def _shapes(sources: Sequence[Source]) -> str:
    return " and ".join(dict.fromkeys(str(source.shape) for source in sources))
