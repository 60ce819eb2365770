"""The operators and elementwise functions on cells, by the name that the tree has for them.

Here are those that numpy has no function for, or none that treats missing cells as expressions do; all others are
`ufuncs`. Types are settled once, by `prepare`; the blocks are then computed into buffers.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from geojobs_lab.expressions.cells import Array, Cells, Mask, either
from geojobs_lab.expressions.preparing import FLOAT64, Operand, Prepared, Shape
from geojobs_lab.expressions.scalars import is_missing
from geojobs_lab.expressions.selecting import replace, set_zero
from geojobs_lab.expressions.ufuncs import Function
from geojobs_lab.expressions.workspace import Workspace

_BOOL = np.dtype(bool)


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
        whole = np.trunc(part.data, out=space.take(shape, FLOAT64), dtype=FLOAT64)
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
