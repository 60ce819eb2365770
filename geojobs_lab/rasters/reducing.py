"""Means and most frequent values of square windows of cells: what overviews are made of.

Works on one block in memory, of 256 x 256 cells: every window of 2, 4, 8 … 256 cells a side lies whole in one of them.
Where the block comes from and goes to is others' work.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]
Floats = npt.NDArray[np.float64]
Mask = npt.NDArray[np.bool_]

_FEW = 24  # values, up to which counting each by itself is faster than sorting
# Bits of a number that holds a window (18), which value, and how often it is there.
_CODE, _NUMBER = 20, 21
_SPAN = 2**16  # from the smallest to the largest value


@dataclass(frozen=True, slots=True)
class Sums:
    """Sums and counts of the cells with data, of windows.

    Attributes
    ----------
    sums : float64, (rows, columns)
    counts : float64, (rows, columns)
        Whole numbers; 0 where nothing has data.
    """

    sums: Floats
    counts: Floats

    def means(self) -> Floats:
        """Return the means, NaN where nothing has data."""
        with np.errstate(invalid="ignore"):
            means: Floats = self.sums / self.counts
        return means

    def halved(self) -> "Sums":
        """Return those of windows twice as large; the last row and column may lack their neighbours."""
        return Sums(_pairs(self.sums), _pairs(self.counts))


def sums_of(values: Array) -> Sums:
    """Return the sums of windows of 2 x 2 cells, NaN counting as no data.

    float32 is added in float32 here, and everything in float64 from there on, so a mean is off by at most three
    roundings of float32 (2e-7) of the mean of the cells' magnitudes; that of float64 by some of float64.

    Parameters
    ----------
    values : ndarray, (rows, columns)
        Any numbers; integers are all data.
    """
    if values.dtype.kind != "f":
        values = values.astype(np.float64)
    missing = np.isnan(values)
    if not missing.any():
        sums = _pairs(values)
        rows, cols = np.full(sums.shape[0], 2.0), np.full(sums.shape[1], 2.0)
        rows[-1] -= values.shape[0] % 2
        cols[-1] -= values.shape[1] % 2
        return Sums(sums.astype(np.float64), np.outer(rows, cols))
    counts = _pairs((~missing).view(np.uint8))
    return Sums(_pairs(np.where(missing, values.dtype.type(0), values)).astype(np.float64), counts.astype(np.float64))


def _pairs(values: Array) -> Array:
    """Return the sums of 2 x 2 cells, (…, rows, columns); the last of an odd number stands alone."""
    odd = [size % 2 for size in values.shape[-2:]]
    if any(odd):
        values = np.pad(values, [*[(0, 0)] * (values.ndim - 2), (0, odd[0]), (0, odd[1])])
    rows = values[..., 0::2, :] + values[..., 1::2, :]
    pairs: Array = rows[..., 0::2] + rows[..., 1::2]
    return pairs


def modes(values: Array, missing: Mask | None, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Yield, for windows of 2, 4, 8 … cells a side, the most frequent values, and where there are none.

    Of two that are equally frequent the smaller. The last windows hold what is left of rows and columns.

    Parameters
    ----------
    values : ndarray, (rows, columns)
        At most 1 048 576 cells.
    missing : bool, (rows, columns), or None
        Cells without data; None where there are none.
    levels : int
    """
    known, codes = _coded(values)
    if missing is not None:
        codes[missing] = known.size
    counting = _counted if known.size <= _FEW else _sorted
    for winners, empty in counting(codes, known.size, levels):
        yield known[winners], empty


def _counted(codes: Array, count: int, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Count the cells of each value in each window."""
    narrow = codes.astype(np.uint8)
    cells = np.equal(narrow, np.arange(count, dtype=np.uint8).reshape(-1, 1, 1)).view(np.uint8)
    for level in range(1, levels + 1):
        # so many cells as a window has are the most that is counted
        cells = _pairs(cells.astype(np.min_scalar_type(4**level), copy=False))
        most, winners = cells[0].copy(), np.zeros(cells.shape[1:], np.uint8)
        for code in range(1, count):
            np.copyto(winners, np.uint8(code), where=cells[code] > most)  # the smaller of two
            np.maximum(most, cells[code], out=most)
        yield winners, most == 0


def _sorted(codes: Array, count: int, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Sort pairs of a window and a value in it, so that equal ones come together.

    There are as many pairs as cells at first; at each level those of four windows become one's.
    """
    shape = codes.shape
    found = np.flatnonzero(codes < count)
    rows, cols = np.divmod(found, shape[1])
    codes = codes.ravel()[found]
    numbers = np.ones(codes.size, np.int64)
    for _ in range(levels):
        shape = -(-shape[0] // 2), -(-shape[1] // 2)
        pairs = ((rows >> 1) * shape[1] + (cols >> 1)) << _CODE | codes
        packed = pairs << _NUMBER | numbers
        packed.sort()
        pairs, numbers = packed >> _NUMBER, packed & _mask(_NUMBER)
        begins = _changes(pairs)
        pairs, numbers = pairs[begins], np.add.reduceat(numbers, begins)
        windows, codes = pairs >> _CODE, pairs & _mask(_CODE)
        rows, cols = np.divmod(windows, shape[1])
        firsts = _changes(windows)
        best = np.maximum.reduceat(numbers << _CODE | _mask(_CODE) - codes, firsts)  # the smaller of two
        winners, empty = np.zeros(shape, np.int64), np.ones(shape, np.bool_)
        winners.flat[windows[firsts]] = _mask(_CODE) - (best & _mask(_CODE))
        empty.flat[windows[firsts]] = False
        yield winners, empty


def _coded(values: Array) -> tuple[Array, Array]:
    """Return the values that there are, ascending, and for each cell which it has."""
    if values.dtype.kind in "iu":
        low, high = values.min(), values.max()
        span = int(high) - int(low) + 1
        if span <= _SPAN:  # a table is faster than sorting
            places = (values if values.dtype.itemsize == 8 else values.astype(np.int64)) - low
            present = np.zeros(span, np.bool_)
            present[places] = True
            known = np.flatnonzero(present).astype(values.dtype) + low
            return known, (np.cumsum(present, dtype=np.int64) - 1)[places]
    known, codes = np.unique(values, return_inverse=True)
    return known, codes.reshape(values.shape).astype(np.int64, copy=False)


def _changes(sorted_numbers: Array) -> Array:
    """Return where each new number begins."""
    return np.flatnonzero(np.diff(sorted_numbers, prepend=-1))


def _mask(bits: int) -> int:
    return (1 << bits) - 1
