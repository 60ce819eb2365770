"""Cells of an array with what is missing among them: the currency of evaluation.

One rule keeps missing data from leaking: among floats a missing cell is NaN, among integers and truth values it is
marked beside the data, and the number beneath is 0 where it came from a masked array.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Mask = npt.NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Cells:
    """An array of booleans, integers or floats.

    Attributes
    ----------
    data : ndarray
        Not to be written to.
    marked : ndarray of bool, of a shape that broadcasts to that of `data`, or None
        The missing cells of integers and truth values; None where there are none, and always for floats.
    """

    data: Array
    marked: Mask | None = None

    @classmethod
    def of(cls, data: Array, missing: Mask | None) -> Self:
        """Return cells of fresh data, which is written to, with these missing ones."""
        if missing is None or not missing.any():
            return cls(data)
        if data.dtype.kind != "f":
            return cls(data, missing)
        data[np.broadcast_to(missing, data.shape)] = np.nan
        return cls(data)

    @classmethod
    def read(cls, array: Array) -> Self:
        """Return the cells of a plain or masked array, which is left as it is."""
        data = np.asarray(np.ma.getdata(array))
        mask = np.ma.getmask(array)
        if mask is np.ma.nomask or not mask.any():
            return cls(data)
        return cls.of(np.where(mask, data.dtype.type(0), data), np.asarray(mask))

    @property
    def missing(self) -> Mask | None:
        """The missing cells, of a shape that broadcasts to that of `data`, or None where there are none."""
        if self.data.dtype.kind != "f":
            return self.marked
        found: Mask = np.isnan(self.data)
        return found if found.any() else None

    @property
    def present(self) -> Mask:
        """The cells that are not missing, in the shape of `data`."""
        missing = self.missing
        return np.ones(self.data.shape, bool) if missing is None else np.broadcast_to(~missing, self.data.shape)

    def reshaped(self, shape: tuple[int, ...]) -> Self:
        """Return the cells with dimensions of length 1 put in or taken out."""
        marked = None if self.marked is None else np.broadcast_to(self.marked, self.data.shape).reshape(shape)
        return type(self)(self.data.reshape(shape), marked)

    def scalar(self) -> bool | int | float:
        """Return the only cell as Python has it; a missing one is NaN."""
        missing = self.missing
        value: bool | int | float = float("nan") if missing is not None else self.data.item()
        return value


def either(first: Mask | None, *others: Mask | None) -> Mask | None:
    """Return where any of the masks is true; None is a mask of nothing."""
    for other in others:
        first = other if first is None else first if other is None else first | other
    return first
