"""From a tree and values to a value: reductions first, then what is elementwise, block by block into one array.

Each part of the tree becomes a scalar, a source of cells that is computed when it is read, or a list or dictionary
to be indexed. Nothing here calls, or asks for an attribute of, a value whose type it does not know.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NoReturn, TypeAlias, TypeGuard

import numpy as np

from geojobs_lab.errors import ExpressionFailed, GeoJobsError
from geojobs_lab.expressions import ranks, reductions, scalars
from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.computing import Computed
from geojobs_lab.expressions.expression import Expression
from geojobs_lab.expressions.gathering import gather, gather_array, gather_floats
from geojobs_lab.expressions.lexer import shorten
from geojobs_lab.expressions.scalars import Scalar
from geojobs_lab.expressions.sources import BlockSource, Elsewhere, Given, Held, NamedArray, Source, step
from geojobs_lab.expressions.tree import Index, Literal, Name, Node, Operation, Reduction, walk

Operand: TypeAlias = "Scalar | Source | Sequence[Any] | Mapping[Any, Any]"

_CONSTANTS = {"nan": math.nan, "pi": math.pi}


@dataclass(frozen=True, slots=True)
class Outcome:
    """A value, and the numbers of its axes where it has named ones (else None)."""

    value: Any
    axes: tuple[int, ...] | None


class Evaluation:
    """One evaluation of an expression with some values; what has been reduced is kept."""

    def __init__(self, expression: Expression, values: Mapping[str, Any]) -> None:
        self._expression = expression
        self._values = values
        self._given: dict[str, Operand] = {}
        self._reduced: dict[tuple[str, Node, int | None, float | None], Operand] = {}
        self._made: dict[tuple[object, ...], Source] = {}

    def run(self, *, floats: bool = False) -> Outcome:
        """Return the value of the whole.

        Parameters
        ----------
        floats : bool
            Whether arrays with missing cells are to be plain ones of floats, with NaN, instead of masked ones.

        Raises
        ------
        ExpressionFailed
            As `Expression.evaluate`.
        """
        with np.errstate(all="ignore"):
            operand = self.operand(self._expression.tree)
            if not isinstance(operand, Source):
                return Outcome(operand, None)
            try:
                array = gather_floats(operand) if floats and operand.named else gather_array(operand)
            except (TypeError, ValueError, MemoryError) as error:
                self._fail(self._expression.tree, str(error) or "it does not fit into memory", error)
        return Outcome(array, operand.axes if operand.named else None)

    def integer(self, node: Node) -> int | None:
        """Return the value of a part that is an integer, else None; ExpressionFailed as `run`."""
        with np.errstate(all="ignore"):
            value = self.operand(node)
        return value if isinstance(value, int) and not isinstance(value, bool) else None

    def operand(self, node: Node) -> Operand:
        """Return what a part of the expression stands for."""
        try:
            match node:
                case Literal(value=value):
                    return value
                case Name(name=name):
                    return self._name(name)
                case Index(operand=operand, index=index):
                    return self._index(self.operand(operand), self.operand(index))
                case Reduction():
                    return self._reduction(node)
                case Operation(operator=operator, operands=operands):
                    return self._operation(operator, [_computable(self.operand(part)) for part in operands])
        except GeoJobsError:
            raise  # of a part, or of a file
        except (TypeError, ValueError, OverflowError, LookupError, MemoryError) as error:
            reason = error.args[0] if isinstance(error, LookupError) and error.args else str(error)
            self._fail(node, str(reason) or "it does not fit into memory", error)
        raise AssertionError(node)

    def _fail(self, node: Node, why: str, cause: BaseException) -> NoReturn:
        text = self._expression.text
        part = shorten(text[slice(*node.span)])
        whole = "" if part == text else f" (in {shorten(text)!r})"
        raise ExpressionFailed(f"{part!r} cannot be computed: {why}{whole}", expression=text) from cause

    def _name(self, name: str) -> Operand:
        if name not in self._given:
            if name in self._values:
                self._given[name] = _accept(self._values[name])
            elif name in _CONSTANTS:
                return _CONSTANTS[name]
            else:
                known = ", ".join(sorted(map(str, self._values))) or "none"
                raise LookupError(f"there is no value of this name; given are: {known}")
        return self._given[name]

    def _index(self, operand: Operand, index: Operand) -> Operand:
        if isinstance(operand, Mapping):
            if not isinstance(index, str | int):
                raise TypeError(f"a dictionary's key is a text or an integer, not {_kind(index)}")
            if index not in operand:
                raise LookupError(f"there is no key {index!r}")
            return _accept(operand[index])
        if isinstance(operand, Source):
            place = _integer(index, "an index", operand.shape[0])
            found = self._once(("[]", id(operand), place), lambda: step(operand, place))
            return found if found.shape else gather(found).scalar()
        if isinstance(operand, list | tuple):
            return _accept(operand[_integer(index, "an index", len(operand))])
        raise TypeError(f"{_kind(operand)} has no items")

    def _operation(self, operator: str, operands: list[Source | Scalar]) -> Operand:
        if _are_scalars(operands):
            return scalars.operate(operator, tuple(operands))
        key = (operator, *[id(operand) if isinstance(operand, Source) else repr(operand) for operand in operands])
        return self._once(key, lambda: Computed(operator, operands))

    def _once(self, key: tuple[object, ...], make: Callable[[], Source]) -> Source:
        """Return a source that is made once, and computed once for each block, however often it stands there."""
        found = self._made.get(key)
        if found is None:
            found = self._made[key] = make()
        else:
            found.uses += 1
        return found

    def _reduction(self, node: Reduction) -> Operand:
        source = _computable(self.operand(node.operand))
        if not isinstance(source, Source):
            raise TypeError(f"{node.function} takes an array, not {_kind(source)}")
        place = self._axis(node, source)
        rank = None if node.function in reductions.STREAMED else self._rank(node)
        key = (node.function, node.operand, place, rank)
        if key not in self._reduced and rank is None:
            self._stream(node, source, place)
        elif key not in self._reduced and rank is not None:
            self._reduced[key] = _result(ranks.percentile(source, rank, place), source, place)
        return self._reduced[key]

    def _stream(self, wanted: Reduction, source: Source, place: int | None) -> None:
        """Compute all reductions of a part along an axis together, so that it is read once."""
        functions = {
            node.function
            for node, _ in walk(self._expression.tree)
            if isinstance(node, Reduction) and (node.operand, node.axis) == (wanted.operand, wanted.axis)
        }
        found = reductions.stream(source, functions.intersection(reductions.STREAMED), place)
        for function, cells in found.items():
            self._reduced[function, wanted.operand, place, None] = _result(cells, source, place)

    def _axis(self, node: Reduction, source: Source) -> int | None:
        if node.axis is None:
            return None
        return _integer(self.operand(node.axis), "an axis", len(source.shape))

    def _rank(self, node: Reduction) -> float:
        if node.rank is None:
            return 50.0
        rank = self.operand(node.rank)
        if isinstance(rank, bool) or not isinstance(rank, int | float) or not 0 <= rank <= 100:
            shown = repr(rank) if isinstance(rank, int | float) else _kind(rank)
            raise ValueError(f"a percentile is a number from 0 to 100, not {shown}")
        return float(rank)


def _accept(value: Any) -> Operand:
    """Return a value of the caller's as an operand, if it is of a kind that expressions know."""
    if isinstance(value, np.ndarray | np.generic) and value.ndim == 0:
        value = math.nan if np.ma.getmaskarray(value).any() else value.item()
    if isinstance(value, np.ndarray | BlockSource):
        if value.dtype.kind not in "biuf":
            raise TypeError(f"an array of {value.dtype} holds no real numbers")
        if isinstance(value, NamedArray):
            return Given(value.array, value.axes)
        if isinstance(value, BlockSource):
            return Elsewhere(value)
        return Given(value if isinstance(value, np.ma.MaskedArray) else np.asarray(value))
    if isinstance(value, int) and not -(2**63) <= value < 2**64:
        raise OverflowError("the integer has more than 64 bits")
    if isinstance(value, bool | int | float | str | list | tuple | Mapping):
        return value
    raise TypeError(f"{_kind(value)} is nothing that expressions compute with")


def _computable(operand: Operand) -> Source | Scalar:
    if isinstance(operand, list | tuple):
        return Given(_from_list(operand))
    if isinstance(operand, Mapping):
        raise TypeError("a dictionary is no number: take one of its values with a key in brackets")
    assert isinstance(operand, Source | bool | int | float | str)
    return operand


def _from_list(value: Sequence[Any]) -> Array:
    waiting: list[Any] = [value]
    while waiting:
        item = waiting.pop()
        if isinstance(item, list | tuple):
            waiting += item
        elif not isinstance(item, bool | int | float | np.number | np.bool_ | None):
            raise TypeError(f"a list of {_kind(item)} is no array: take one with an index in brackets")
    array = np.array(value)
    if array.dtype.kind == "O":  # None among the numbers, which a float array reads as NaN
        array = np.array(value, np.float64)
    if array.dtype.kind not in "biuf":
        raise TypeError(f"a list of {array.dtype} holds no real numbers")
    return array


def _are_scalars(operands: Sequence[Source | Scalar]) -> TypeGuard[Sequence[Scalar]]:
    return not any(isinstance(operand, Source) for operand in operands)


def _integer(value: Operand, what: str, length: int) -> int:
    """Return a place 0..length-1 from an index that may count from the end."""
    if not isinstance(value, int) or isinstance(value, bool):
        raise TypeError(f"{what} is an integer, not {_kind(value)}")
    if not -length <= value < length:
        raise LookupError(f"{what} {value} lies outside of {length}")
    return value % length


def _result(cells: Cells, source: Source, place: int | None) -> Operand:
    if not cells.data.ndim:
        return cells.scalar()
    assert place is not None
    return Held(cells, source.without([place]), source)


def _kind(value: object) -> str:
    if isinstance(value, Source):
        return f"an array of shape {value.shape}"
    return f"a value of type {type(value).__name__}"
