"""What all operations on cells share: operands whose types are settled once, and where the results of blocks go.

Scalars are weak: they take the type of the arrays that they meet, unless an integer does not fit into it or a float
meets integers. Blocks are then computed into buffers.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, TypeAlias

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells
from geojobs_lab.expressions.scalars import Scalar, is_missing
from geojobs_lab.expressions.workspace import Workspace

DType: TypeAlias = "np.dtype[Any]"
Operand: TypeAlias = "DType | Scalar"
Shape: TypeAlias = tuple[int, ...]

FLOAT64 = np.dtype(np.float64)


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
        return dtype if dtype.kind == "f" else FLOAT64
    if dtype.kind == "b":
        return np.dtype(np.int64)
    if dtype.kind == "f" or np.iinfo(dtype).min <= value <= np.iinfo(dtype).max:
        return dtype
    if dtype.kind == "i" and 0 <= value < 2**63:
        value = -value - 1  # whose smallest type is the signed one that holds the value
    return np.result_type(dtype, np.min_scalar_type(value))
