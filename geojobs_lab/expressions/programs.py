"""Arithmetic as a list of numpy calls on registers, for the operations in which nothing can be missing but NaN.

Walking the tree costs Python as much time a block as numpy needs for its numbers. Such operations are the most of an
expression: they are put into a list once, and each block runs through it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.ufuncs import Function

if TYPE_CHECKING:
    from geojobs_lab.expressions.computing import Computed, Reader
    from geojobs_lab.expressions.windows import Window
    from geojobs_lab.expressions.workspace import Workspace


@dataclass(slots=True)
class _Call:
    """A call of numpy's: a register for each operand, and one for the result."""

    function: Any
    options: dict[str, Any]
    operands: list[int]
    result: int


class Program:
    """The calls for a part of an expression.

    Registers hold the constants first, then the blocks of what is read, then what is computed: in the place of the
    result too, until that itself is written there.
    """

    def __init__(self, whole: Computed) -> None:
        self._whole = whole
        self._constants: list[Any] = []
        self._readers: list[Reader] = []
        self._calls: list[_Call] = []
        self._dtypes: list[np.dtype[Any]] = [whole.dtype]  # of the result, and of the registers after it
        self._put_down(whole)

    def run(self, window: Window, space: Workspace, out: Array | None) -> Cells:
        """Return the cells of a window, perhaps in `out`."""
        shape = tuple([part.stop - part.start for part in window])
        parts = [reader.read(window, space) for reader in self._readers]
        result = space.take(shape, self._dtypes[0]) if out is None else out
        scratch = space.registers(id(self), shape, self._dtypes[1:])
        registers = [*self._constants, *[part.data for part in parts], result, *scratch]
        for call in self._calls:
            call.function(*[registers[operand] for operand in call.operands], registers[call.result], **call.options)
        for part in parts:
            if part.spare:
                space.give(part.data)
        return Cells(result, None, True)

    def _put_down(self, whole: Computed) -> None:
        inner = _inner(whole)
        names: dict[object, int] = {}
        read: dict[object, tuple[str, int]] = {}
        order: list[tuple[Computed, list[tuple[str, int]]]] = []

        def place(source: Any, reader: Reader) -> tuple[str, int]:
            if id(source) in inner:
                return "computed", visit(source)
            key = id(source), id(None if reader is source else reader)
            if key not in read:
                read[key] = "read", len(self._readers)
                self._readers.append(reader)
            return read[key]

        def visit(source: Computed) -> int:
            if id(source) not in names:
                operands: list[tuple[str, int]] = []
                for operand in source.operands():
                    if isinstance(operand, np.ndarray):
                        operands.append(("constant", len(self._constants)))
                        self._constants.append(operand)
                    else:
                        operands.append(place(*operand))
                names[id(source)] = len(order)
                order.append((source, operands))
            return names[id(source)]

        visit(whole)
        self._assign(order)

    def _assign(self, order: Sequence[tuple[Computed, list[tuple[str, int]]]]) -> None:
        """Give each result a register, that of an operand where nobody needs it any more."""
        last = {place: number for number, (_, operands) in enumerate(order) for place in operands}
        first = len(self._constants) + len(self._readers)
        registers: dict[int, int] = {}
        free = [first]
        for number, (source, operands) in enumerate(order):
            numbers = [self._register(place, registers) for place in operands]
            free += [
                registers[place[1]]
                for place in dict.fromkeys(operands)
                if place[0] == "computed" and last[place] == number
            ]
            if number == len(order) - 1:
                registers[number] = first
            else:
                registers[number] = self._take(free, source.dtype, first)
            function = source.function
            self._calls.append(_Call(function.function, function.options, numbers, registers[number]))

    def _register(self, place: tuple[str, int], registers: dict[int, int]) -> int:
        kind, number = place
        if kind == "computed":
            return registers[number]
        return number if kind == "constant" else len(self._constants) + number

    def _take(self, free: list[int], dtype: np.dtype[Any], first: int) -> int:
        for register in free:
            if self._dtypes[register - first] == dtype:
                free.remove(register)
                return register
        self._dtypes.append(dtype)
        return first + len(self._dtypes) - 1


def _inner(whole: Computed) -> set[int]:
    """Return the parts that the program computes, by identity: not those that are needed outside of it too."""
    counts: Counter[int] = Counter()
    found: dict[int, Computed] = {}
    waiting = [whole]
    while waiting:
        source = waiting.pop()
        found[id(source)] = source
        for part in _computed(source):
            counts[id(part)] += 1
            if counts[id(part)] == 1:
                waiting.append(part)
    return {name for name, source in found.items() if source is whole or counts[name] == source.uses}


def _computed(source: Computed) -> Iterator[Computed]:
    """Yield the operands of a part that a program can compute with it."""
    for operand in source.operands():
        if not isinstance(operand, np.ndarray):
            part, reader = operand
            if part is reader and part.is_arithmetic:
                yield cast("Computed", part)


def is_arithmetic(operation: object) -> bool:
    """Tell whether a program can compute an operation, of operands that are never marked."""
    return isinstance(operation, Function) and operation.through
