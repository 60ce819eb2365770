"""The operators and functions that are one of numpy's own of each cell, and the types in which it computes them.

Small integers and truth values are added, subtracted and multiplied in a type that holds the result: a satellite's
bands are unsigned, and their difference is not. Warnings of numpy are off where these are called: an infinity or a NaN
says the same. Between floats a NaN goes through nearly all of numpy's functions by itself, so that only the others look
for missing cells.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask, either
from geojobs_lab.expressions.preparing import FLOAT64, DType, Operand, Prepared, Shape
from geojobs_lab.expressions.scalars import NUMPYS, OF_FLOATS, is_missing
from geojobs_lab.expressions.workspace import Workspace


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


def _loop(name: str, operands: Sequence[Operand], dtypes: Sequence[DType]) -> DType | None:
    """Return the type in which numpy is to compute, or None where it finds the right one by itself."""
    if name in OF_FLOATS:  # which numpy computes of small integers in float16, and loses digits
        return np.result_type(*[FLOAT64 if dtype.kind in "biu" else dtype for dtype in dtypes])
    if name == "**" and dtypes[0].kind in "iu" and isinstance(operands[1], int) and operands[1] < 0:
        return FLOAT64
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


_ARITHMETIC = ("+", "-", "*", "**", "negative")
_FUNCTIONS: dict[str, Callable[..., Any]] = {
    **NUMPYS,
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
}
