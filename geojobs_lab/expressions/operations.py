"""The operators and elementwise functions on cells, as numpy computes them, with what is missing kept apart.

Scalars are weak: they take the type of the arrays that they meet, unless an integer does not fit into it or a float
meets integers. Small integers and truth values are added, subtracted and multiplied in a type that holds the result: a
satellite's bands are unsigned, and their difference is not. Warnings of numpy are off where these are called: an
infinity or a NaN says the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask, either
from geojobs_lab.expressions.scalars import Scalar, is_missing

Operand: TypeAlias = Cells | Scalar
DType: TypeAlias = "np.dtype[Any]"


def operate(name: str, operands: Sequence[Operand]) -> Cells:
    """Return the cells of an operator or of an elementwise function.

    Parameters
    ----------
    name : str
        As an `Operation` of the tree has it.
    operands : sequence
        At least one of them `Cells`; their shapes broadcast.

    Raises
    ------
    TypeError, ValueError
        numpy does not compute this of such arrays; or a text is among the operands.
    """
    missing = either(*map(_missing, operands))
    if name in ("isnan", "get_mask"):
        shape = _arrays(operands)[0].shape
        return Cells(np.zeros(shape, bool) if missing is None else np.broadcast_to(missing, shape))
    if name == "mask":
        array, condition = _arrays(operands[:1])[0], _truth(operands[1])
        return Cells.of(_fresh(array, condition), either(missing, condition))
    if name == "where":
        return _where(*operands)
    if name in _CASTS:
        return _cast(operands[0], np.dtype(_CASTS[name]), missing)
    arrays = _arrays(operands)
    if name in _OF_FLOATS:
        arrays = [array.astype(np.float64) if array.dtype.kind in "biu" else array for array in arrays]
    if name == "**" and arrays[0].dtype.kind in "iu" and isinstance(operands[1], int) and operands[1] < 0:
        arrays = [array.astype(np.float64) for array in arrays]
    if name in _ARITHMETIC:
        arrays = _with_room(name, arrays)
    if name == "%" and np.result_type(*arrays).kind in "biu":
        missing = either(missing, arrays[1] == 0)  # numpy says 0, which nobody has computed
    return Cells.of(np.asarray(_FUNCTIONS[name](*arrays)), missing)


def _missing(operand: Operand) -> Mask | None:
    if isinstance(operand, Cells):
        return operand.missing
    return np.array(True) if is_missing(operand) else None


def _arrays(operands: Sequence[Operand]) -> list[Array]:
    """Return the operands as arrays, each scalar in the type that it takes among them."""
    dtypes = [operand.data.dtype for operand in operands if isinstance(operand, Cells)]
    common = np.result_type(*dtypes) if dtypes else None
    return [operand.data if isinstance(operand, Cells) else _weak(operand, common) for operand in operands]


def _weak(value: Scalar, dtype: DType | None) -> Array:
    if isinstance(value, str):
        raise TypeError(f"{value!r} is a text, and an array holds numbers")
    return np.asarray(value) if dtype is None else np.asarray(value, _weak_dtype(value, dtype))


def _weak_dtype(value: float, dtype: DType) -> DType:
    if isinstance(value, bool):
        return dtype
    if isinstance(value, float):
        return dtype if dtype.kind == "f" else np.dtype(np.float64)
    if dtype.kind == "b":
        return np.dtype(np.int64)
    if dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        return dtype
    if dtype.kind == "i" and 0 <= value < 2**63:
        value = -value - 1  # whose smallest type is the signed one that holds the value
    return np.result_type(dtype, np.min_scalar_type(value))


def _with_room(name: str, arrays: list[Array]) -> list[Array]:
    """Return integers and truth values in a type in which no result of up to 32 bits wraps round."""
    common = np.result_type(*arrays)
    if common.kind not in "biu" or common.itemsize > 4:
        return arrays
    largest = {"*": 1, "**": 0}.get(name, 2)  # bytes of a type whose results have 32 bits
    wide = np.int32 if common.itemsize <= largest else np.int64
    return [array.astype(wide) for array in arrays]


def _truth(operand: Operand) -> Array:
    return np.asarray(_arrays([operand])[0] != 0)


def _fresh(array: Array, condition: Array) -> Array:
    """Return a copy of `array` in the shape that it has together with the condition."""
    return np.array(np.broadcast_arrays(array, condition)[0])


def _where(condition: Operand, *branches: Operand) -> Cells:
    true = _truth(condition)
    yes, no = _arrays(branches)
    lacks = [np.array(False) if mask is None else mask for mask in map(_missing, branches)]
    missing = either(_missing(condition), np.where(true, *lacks))
    return Cells.of(np.where(true, yes, no), missing)


def _cast(operand: Operand, dtype: DType, missing: Mask | None) -> Cells:
    array = _arrays([operand])[0]
    if array.dtype.kind == "f" and dtype.kind == "i":
        # What C makes of a float that does not fit differs from machine to machine.
        limit = 2.0 ** (8 * dtype.itemsize - 1)
        whole = np.trunc(array.astype(np.float64))
        fits = (whole >= -limit) & (whole < limit)
        return Cells.of(np.where(fits, array, 0).astype(dtype), ~fits)
    return Cells.of(array.astype(dtype), missing)


def _floor(array: Array) -> Array:
    return array if array.dtype.kind in "biu" else np.floor(array)


def _ceil(array: Array) -> Array:
    return array if array.dtype.kind in "biu" else np.ceil(array)


def _clip(array: Array, low: Array, high: Array) -> Array:
    return np.asarray(np.minimum(np.maximum(array, low), high))


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
    "positive": np.array,  # a copy; numpy's own takes no truth values
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
    "floor": _floor,
    "ceil": _ceil,
    "clip": _clip,
    **{name: getattr(np, name) for name in _OF_FLOATS},
}
