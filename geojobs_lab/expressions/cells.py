"""Cells of an array with what is missing among them: the currency of evaluation.

One rule keeps missing data from leaking: among floats a missing cell is NaN, among integers and truth values it is
marked beside the data, and the number beneath is 0 where it came from a masked array.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Self

import numpy as np

from geojobs_lab.expressions.selecting import Array, Mask, set_missing

__all__ = ["Array", "Cells", "Mask", "either"]


@dataclass(slots=True)  # not frozen: that would make it three times as slow to make, and there are many
class Cells:
    """An array of booleans, integers or floats.

    Attributes
    ----------
    data : ndarray
        Not to be written to, unless it is `spare`.
    marked : ndarray of bool, of a shape that broadcasts to that of `data`, or None
        The missing cells of integers and truth values; None where there are none, and always for floats.
    spare : bool
        Whether nobody else has the data: who reads these cells may put a result there.
    """

    data: Array
    marked: Mask | None = None
    spare: bool = False

    @classmethod
    def of(cls, data: Array, missing: Mask | None) -> Self:
        """Return cells of fresh data, which is written to, with these missing ones."""
        if missing is None or not missing.any():
            return cls(data, None, True)
        if data.dtype.kind != "f":
            return cls(data, missing, True)
        set_missing(data, missing)
        return cls(data, None, True)

    @property
    def missing(self) -> Mask | None:
        """The missing cells, of a shape that broadcasts to that of `data`, or None where there are none."""
        if self.data.dtype.kind != "f":
            return self.marked
        if self.data.size and not np.isnan(np.minimum.reduce(self.data, axis=None)):
            return None  # sooner known than where they are
        found: Mask = np.isnan(self.data)
        return found if found.any() else None

    def reshaped(self, shape: tuple[int, ...]) -> Self:
        """Return the cells with dimensions of length 1 put in or taken out."""
        marked = None if self.marked is None else np.broadcast_to(self.marked, self.data.shape).reshape(shape)
        return type(self)(self.data.reshape(shape), marked, self.spare)

    def scalar(self) -> bool | int | float:
        """Return the only cell as Python has it; a missing one is NaN."""
        value: bool | int | float = math.nan if self.marked is not None and self.marked.any() else self.data.item()
        return value


def either(first: Mask | None, *others: Mask | None) -> Mask | None:
    """Return where any of the masks is true; None is a mask of nothing."""
    for other in others:
        first = other if first is None else first if other is None else first | other
    return first
