"""The parts of a parsed expression: values that are compared and hashed, and never change.

`span` is where a part stands in the text, for messages; two parts that say the same are equal wherever they stand.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Node:
    """A part of an expression; `span` is its first character and the one after its last."""

    span: tuple[int, int] = field(compare=False)


@dataclass(frozen=True, slots=True)
class Literal(Node):
    """A number, a text or a truth value; compared by how it is written, since 1 == 1.0 == true in Python."""

    text: str
    value: bool | int | float | str = field(compare=False)


@dataclass(frozen=True, slots=True)
class Name(Node):
    """A variable or a constant."""

    name: str


@dataclass(frozen=True, slots=True)
class Operation(Node):
    """An operator (``"+"``, ``"and"``, ``"not"`` …) or an elementwise function with its operands.

    The unary minus and plus are ``"negative"`` and ``"positive"``.
    """

    operator: str
    operands: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class Reduction(Node):
    """A function of many cells: all, or those along `axis`; `rank` is the percentile's percentage."""

    function: str
    operand: Node
    rank: Node | None
    axis: Node | None


@dataclass(frozen=True, slots=True)
class Index(Node):
    """One step of an array's first dimension, an item of a list, or the value of a dictionary's key."""

    operand: Node
    index: Node


def children(node: Node) -> tuple[Node, ...]:
    """Return the parts of a part, as they stand from left to right."""
    match node:
        case Operation(operands=operands):
            return operands
        case Reduction(operand=operand, rank=rank, axis=axis):
            return tuple(part for part in (operand, rank, axis) if part is not None)
        case Index(operand=operand, index=index):
            return operand, index
    return ()


def walk(tree: Node) -> Iterator[tuple[Node, int]]:
    """Yield every part from left to right, with how deep it lies (the whole: 1); recursion is not used."""
    waiting = [(tree, 1)]
    while waiting:
        node, depth = waiting.pop()
        yield node, depth
        waiting += [(child, depth + 1) for child in reversed(children(node))]
