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

_FEW = 16  # values in a block up to which counting each by itself is faster than sorting


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
        means = np.full(self.sums.shape, np.nan)
        np.divide(self.sums, self.counts, out=means, where=self.counts > 0)
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
        ny, nx = values.shape
        rows, cols = np.full(sums.shape[0], 2.0), np.full(sums.shape[1], 2.0)
        rows[-1] -= ny % 2
        cols[-1] -= nx % 2
        return Sums(sums.astype(np.float64), np.outer(rows, cols))
    counts = _pairs((~missing).view(np.uint8))
    return Sums(_pairs(np.where(missing, values.dtype.type(0), values)).astype(np.float64), counts.astype(np.float64))


def _pairs(values: Array) -> Array:
    """Return the sums of 2 x 2 cells; of an odd number of rows or columns the last stands alone."""
    rows = values[0::2].copy()
    rows[: values.shape[0] // 2] += values[1::2]
    cols = rows[:, 0::2].copy()
    cols[:, : values.shape[1] // 2] += rows[:, 1::2]
    return cols


def modes(values: Array, missing: Mask | None, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Yield, for windows of 2, 4, 8 … cells a side, the most frequent values, and where there are none.

    Of two that are equally frequent the smaller. The last windows hold what is left of rows and columns.

    Parameters
    ----------
    values : ndarray, (rows, columns)
    missing : bool, (rows, columns), or None
        Cells without data; None where there are none.
    levels : int
    """
    known, found = np.unique(values, return_inverse=True)
    largest = 2**levels
    rows, cols = values.shape
    codes = np.full((-(-rows // largest) * largest, -(-cols // largest) * largest), known.size, np.int32)
    codes[:rows, :cols] = found.reshape(values.shape)
    if missing is not None:
        codes[:rows, :cols][missing] = known.size
    counting = _counted if known.size <= _FEW else _sorted
    for level, (winners, empty) in enumerate(counting(codes, known.size, levels), 1):
        inside = slice(-(-rows // 2**level)), slice(-(-cols // 2**level))
        yield known[np.where(empty, 0, winners)[inside]], empty[inside]


def _counted(codes: Array, count: int, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Count the cells of each value in each window."""
    counts = [_pairs((codes == code).view(np.uint8)).astype(np.uint32) for code in range(count)]
    for level in range(levels):
        counts = [_pairs(found) for found in counts] if level else counts
        most, winners = counts[0].copy(), np.zeros(counts[0].shape, np.intp)
        for code in range(1, count):
            winners[counts[code] > most] = code
            np.maximum(most, counts[code], out=most)
        yield winners, most == 0


def _sorted(codes: Array, count: int, levels: int) -> Iterator[tuple[Array, Mask]]:
    """Sort the cells of each window, and find the longest run of equal ones."""
    codes = codes.astype(np.uint16 if count < 2**16 else np.uint32)
    for level in range(1, levels + 1):
        step = 2**level
        rows, cols = codes.shape[0] // step, codes.shape[1] // step
        cells = codes.reshape(rows, step, cols, step).transpose(0, 2, 1, 3).reshape(rows, cols, -1)
        cells = np.sort(cells, axis=-1)
        # The length of the run up to each cell: its place less the place where its run began.
        places = np.arange(cells.shape[-1], dtype=np.int32)
        begins = np.zeros(cells.shape, np.int32)
        begins[..., 1:] = np.where(cells[..., 1:] != cells[..., :-1], places[1:], 0)
        runs = places - np.maximum.accumulate(begins, axis=-1)
        runs[cells == count] = -1  # missing
        longest = runs.argmax(axis=-1)[..., None]  # the first of several, so the smallest value
        winners, longest = (np.take_along_axis(found, longest, -1)[..., 0] for found in (cells, runs))
        yield winners.astype(np.intp), longest < 0
