"""The operators and elementwise functions on cells, as numpy computes them, with what is missing kept apart.

Scalars are weak: they take the type of the arrays that they meet, unless an integer does not fit into it or a float
meets integers. Small integers and truth values are added, subtracted and multiplied in a type that holds the result: a
satellite's bands are unsigned, and their difference is not. Warnings of numpy are off where these are called: an
infinity or a NaN says the same.

Types are settled once, by `prepare`; the blocks are then computed into buffers. Between floats a NaN goes through
nearly all of numpy's functions by itself, so that only the others look for missing cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask, either
from geojobs_lab.expressions.scalars import Scalar, is_missing
from geojobs_lab.expressions.selecting import replace, set_zero
from geojobs_lab.expressions.workspace import Workspace

DType: TypeAlias = "np.dtype[Any]"
Operand: TypeAlias = "DType | Scalar"
Shape: TypeAlias = tuple[int, ...]

_BOOL = np.dtype(bool)
_FLOAT64 = np.dtype(np.float64)


class Prepared:
    """An operation whose operands' types are known.

    Parameters
    ----------
    operands : sequence
        The type of each array, and the scalars as they are.

    Attributes
    ----------
    dtype : numpy.dtype
        Of the result.
    """

    dtype: DType

    def __init__(self, operands: Sequence[Operand], *groups: slice) -> None:
        # The constants, with the type of each array in its place; groups of operands have a type of their own.
        self._fixed = [fixed for group in groups or [slice(None)] for fixed in _constants(operands[group])]
        self._places = [place for place, operand in enumerate(operands) if isinstance(operand, np.dtype)]
        self._void = any(is_missing(operand) for operand in operands if not isinstance(operand, np.dtype))

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the result of blocks of the arrays.

        Parameters
        ----------
        parts : sequence of Cells
            One for each array; their shapes broadcast to `shape`. The data of spare ones may be overwritten.
        shape : tuple of int
            Of the result.
        space : Workspace
        out : ndarray, optional
            Where the result's data are wanted.
        """
        raise NotImplementedError

    @property
    def operands(self) -> Sequence[Any]:
        """The constants as arrays, with a type in the place of each array."""
        return self._fixed

    def _types(self) -> list[DType]:
        """Return the types of all operands."""
        return [operand if isinstance(operand, np.dtype) else operand.dtype for operand in self._fixed]

    def _arrays(self, parts: Sequence[Cells]) -> list[Array]:
        arrays = self._fixed.copy()
        for place, part in zip(self._places, parts, strict=True):
            arrays[place] = part.data
        return arrays

    def _each(self, parts: Sequence[Cells]) -> list[Cells]:
        """Return all operands, those that are scalars too."""
        each = [operand if isinstance(operand, np.dtype) else Cells(operand) for operand in self._fixed]
        for place, part in zip(self._places, parts, strict=True):
            each[place] = part
        return each  # type: ignore[return-value]  # each type has been replaced by its array

    def _target(self, shape: Shape, space: Workspace, out: Array | None, spare: Sequence[Cells] = ()) -> Array:
        """Return where the result goes: as wanted, or in the place of an operand, or in a new buffer."""
        if out is not None:
            return out
        for part in spare:
            if part.spare and part.data.dtype == self.dtype and part.data.shape == shape:
                return part.data
        return space.take(shape, self.dtype)


class Function(Prepared):
    """One of numpy's functions of each cell.

    Attributes
    ----------
    function, options
        What is called, with the arrays that `operands` gives and where the result is to be.
    through : bool
        Whether the result is NaN wherever an operand is, by itself, and nothing else can be missing.
    """

    def __init__(self, name: str, operands: Sequence[Operand]) -> None:
        super().__init__(operands)
        self.function, loop = _FUNCTIONS[name], _loop(name, operands, self._types())
        if name == "**" and _is_two(operands[1]):
            loop = loop or np.result_type(*self._types())
            self.function, self._fixed = np.square, self._fixed[:1]
        self.options: dict[str, Any] = {} if loop is None else {"dtype": loop}
        self.dtype = self.function(*_empty(self._fixed), **self.options).dtype
        self.through = self.dtype.kind == "f" and _lets_through(name, operands)
        self._divides = name == "%" and self.dtype.kind != "f"

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the result of blocks of the arrays."""
        arrays = self._arrays(parts)
        missing = self._marks(parts) if self.through else self._missing(parts, arrays)
        data = self._target(shape, space, out, parts)
        self.function(*arrays, data, **self.options)
        return Cells(data, None, True) if missing is None else Cells.of(data, missing)

    @staticmethod
    def _marks(parts: Sequence[Cells]) -> Mask | None:
        missing = None
        for part in parts:
            if part.marked is not None:
                missing = either(missing, part.marked)
        return missing

    def _missing(self, parts: Sequence[Cells], arrays: Sequence[Array]) -> Mask | None:
        missing = either(np.array(True) if self._void else None, *[part.missing for part in parts])
        # numpy says 0, which nobody has computed
        return either(missing, arrays[1] == 0) if self._divides else missing


class _Clip(Prepared):
    def __init__(self, operands: Sequence[Operand]) -> None:
        super().__init__(operands)
        self.dtype = np.result_type(*self._types())

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the cells within the limits; NaN goes through."""
        array, low, high = self._arrays(parts)
        through = self.dtype.kind == "f"
        missing = either(*[part.marked if through else part.missing for part in parts])
        data = self._target(shape, space, out, [part for part in parts[:1] if part.data is array])
        np.maximum(array, low, out=data)
        np.minimum(data, high, out=data)
        return Cells.of(data, missing)


class _Where(Prepared):
    def __init__(self, operands: Sequence[Operand]) -> None:
        super().__init__(operands, slice(1), slice(1, 3))
        self._void = not isinstance(operands[0], np.dtype) and is_missing(operands[0])
        self.dtype = np.result_type(*self._types()[1:])

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the cells of the branch that is taken."""
        condition, yes, no = self._each(parts)
        true = _truth(condition.data)
        missing = either(np.array(True) if self._void else None, condition.missing)
        if yes.marked is not None or no.marked is not None:
            lacks = [np.array(False) if branch.marked is None else branch.marked for branch in (yes, no)]
            missing = either(missing, np.where(true, *lacks))
        data = self._target(shape, space, out, [no])
        if data is not no.data:
            np.copyto(data, no.data)
        replace(data, yes.data, true)
        return Cells.of(data, missing)


class _Mask(Prepared):
    def __init__(self, operands: Sequence[Operand]) -> None:
        super().__init__(operands, slice(1), slice(1, 2))
        self.dtype = self._types()[0]

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the cells without those where the condition is true or missing."""
        array, condition = self._each(parts)
        # NaN is not 0: what is missing among floats counts as true.
        missing = either(array.marked, condition.marked, _truth(condition.data))
        data = self._target(shape, space, out, [array])
        if data is not array.data:
            np.copyto(data, array.data)
        return Cells.of(data, missing)


class _IsMissing(Prepared):
    dtype = _BOOL

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return which cells are missing."""
        (part,) = parts
        data = self._target(shape, space, out)
        if part.data.dtype.kind == "f":
            np.isnan(part.data, out=data)
        else:
            np.copyto(data, False if part.marked is None else part.marked)
        return Cells(data, None, True)


class _Cast(Prepared):
    def __init__(self, name: str, operands: Sequence[Operand]) -> None:
        super().__init__(operands)
        self.dtype = np.dtype(_CASTS[name])
        self._narrows = self._types()[0].kind == "f" and self.dtype.kind == "i"

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the cells in another type."""
        (part,) = parts
        if part.data.dtype == self.dtype:
            return part
        data = self._target(shape, space, out)
        if not self._narrows:
            np.copyto(data, part.data, casting="unsafe")
            return Cells.of(data, part.marked)
        # What C makes of a float that does not fit differs from machine to machine.
        limit = 2.0 ** (8 * self.dtype.itemsize - 1)
        whole = np.trunc(part.data, out=space.take(shape, _FLOAT64), dtype=_FLOAT64)
        fits = (whole >= -limit) & (whole < limit)
        set_zero(whole, ~fits)
        np.copyto(data, whole, casting="unsafe")
        space.give(whole)
        return Cells.of(data, ~fits)


class _Same(Prepared):
    """What leaves the cells as they are."""

    def __init__(self, operands: Sequence[Operand]) -> None:
        super().__init__(operands)
        self.dtype = self._types()[0]

    def compute(self, parts: Sequence[Cells], shape: Shape, space: Workspace, out: Array | None) -> Cells:
        """Return the cells of the array."""
        return parts[0]


def prepare(name: str, operands: Sequence[Operand]) -> Prepared:
    """Settle the types of an operator or of an elementwise function.

    Parameters
    ----------
    name : str
        As an `Operation` of the tree has it.
    operands : sequence
        The types of arrays, at least one, and scalars.

    Raises
    ------
    TypeError, ValueError
        numpy does not compute this of such arrays; or a text is among the operands.
    """
    if name in _CASTS:
        return _Cast(name, operands)
    if name == "positive" or (name in ("floor", "ceil") and _kind(operands[0]) in "biu"):
        return _Same(operands)
    special = _SPECIAL.get(name)
    return Function(name, operands) if special is None else special(operands)


def _kind(operand: Operand) -> str:
    return operand.kind if isinstance(operand, np.dtype) else ""


def _constants(operands: Sequence[Operand]) -> list[Any]:
    """Return the operands with each scalar as an array, in the type that it takes among them."""
    dtypes = [operand for operand in operands if isinstance(operand, np.dtype)]
    common = np.result_type(*dtypes) if dtypes else None
    return [operand if isinstance(operand, np.dtype) else _weak(operand, common) for operand in operands]


def _weak(value: Scalar, dtype: DType | None) -> Array:
    if isinstance(value, str):
        raise TypeError(f"{value!r} is a text, and an array holds numbers")
    return np.asarray(value) if dtype is None else np.asarray(value, _weak_dtype(value, dtype))


def _weak_dtype(value: float, dtype: DType) -> DType:
    if isinstance(value, bool):
        return dtype
    if isinstance(value, float):
        return dtype if dtype.kind == "f" else _FLOAT64
    if dtype.kind == "b":
        return np.dtype(np.int64)
    if dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        return dtype
    if dtype.kind == "i" and 0 <= value < 2**63:
        value = -value - 1  # whose smallest type is the signed one that holds the value
    return np.result_type(dtype, np.min_scalar_type(value))


def _loop(name: str, operands: Sequence[Operand], dtypes: Sequence[DType]) -> DType | None:
    """Return the type in which numpy is to compute, or None where it finds the right one by itself."""
    if name in _OF_FLOATS:
        return np.result_type(*[_FLOAT64 if dtype.kind in "biu" else dtype for dtype in dtypes])
    if name == "**" and dtypes[0].kind in "iu" and isinstance(operands[1], int) and operands[1] < 0:
        return _FLOAT64
    if name not in _ARITHMETIC:
        return None
    common = np.result_type(*dtypes)
    if common.kind not in "biu" or common.itemsize > 4:
        return None
    # Integers and truth values in a type in which no result of up to 32 bits wraps round.
    largest = {"*": 1, "**": 0}.get(name, 2)  # bytes of a type whose results have 32 bits
    return np.dtype(np.int32 if common.itemsize <= largest else np.int64)


def _empty(operands: Sequence[Any]) -> list[Array]:
    return [np.empty(0, operand) if isinstance(operand, np.dtype) else operand for operand in operands]


def _is_two(exponent: Operand) -> bool:
    return isinstance(exponent, int | float) and not isinstance(exponent, bool) and exponent == 2


def _lets_through(name: str, operands: Sequence[Operand]) -> bool:
    """Tell whether numpy's result is NaN wherever an operand is; ``nan ** 0``, ``hypot(inf, nan)`` … are numbers."""
    if name != "**":
        return name != "hypot"
    base, exponent = operands
    if isinstance(exponent, int | float):
        return exponent not in (0, True) and not is_missing(exponent)
    return isinstance(base, int | float) and base not in (1, True) and not is_missing(base)


def _truth(array: Array) -> Mask:
    return array if array.dtype == _BOOL else np.asarray(array != 0)


_CASTS = {
    "int": np.int64,
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "float": np.float64,
    "float16": np.float16,
    "float32": np.float32,
    "float64": np.float64,
}
_SPECIAL: dict[str, type[Prepared]] = {
    "clip": _Clip,
    "get_mask": _IsMissing,
    "isnan": _IsMissing,
    "mask": _Mask,
    "where": _Where,
}
_ARITHMETIC = ("+", "-", "*", "**", "negative")
# numpy computes these of small integers in float16, which loses digits.
_OF_FLOATS = ("arctan2", "cos", "exp", "hypot", "log", "log10", "sin", "sqrt", "tan")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    "+": np.add,
    "-": np.subtract,
    "*": np.multiply,
    "/": np.true_divide,
    "%": np.remainder,
    "**": np.power,
    "negative": np.negative,
    "==": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
    "and": np.logical_and,
    "or": np.logical_or,
    "not": np.logical_not,
    "abs": np.absolute,
    "floor": np.floor,
    "ceil": np.ceil,
    **{name: getattr(np, name) for name in _OF_FLOATS},
}
