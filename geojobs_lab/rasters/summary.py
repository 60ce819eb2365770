"""The numbers that say how the values of a layer lie, gathered in one pass and in bounded memory."""

import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.walking import Check, go_on, known, windows

SAMPLE = 2**17  # cells of a sample, or a few more
_PIECE = 2**17  # cells computed with at a time: 1 MB of float64


@dataclass(slots=True)
class Summary:
    """How the finite cells lie.

    Attributes
    ----------
    count, cells : int
        Finite ones, and all that were read.
    low, high : number
        In the type of the values; infinities where there are none.
    mean, squares : float
        The sum of the squared distances from the mean.
    least_positive : float
        Infinity where no value is above 0.
    parts : list of array
        Finite values of evenly spaced cells.
    first : list of array
        The first finite values, all where there are no more than `SAMPLE`.
    """

    count: int = 0
    cells: int = 0
    low: Any = math.inf
    high: Any = -math.inf
    mean: float = 0.0
    squares: float = 0.0
    least_positive: float = math.inf
    parts: list[npt.NDArray[Any]] = field(default_factory=list)
    first: list[npt.NDArray[Any]] = field(default_factory=list)

    @property
    def std(self) -> float:
        """The standard deviation of the population; NaN without values."""
        return math.sqrt(self.squares / self.count) if self.count else math.nan

    @property
    def sample(self) -> npt.NDArray[Any]:
        """All finite values where there are no more than `SAMPLE`; else those of evenly spaced cells.

        The track of a satellite may miss these cells altogether: then the first values have to do.
        """
        spread = sum(part.size for part in self.parts)
        chosen = self.parts if spread and self.count > SAMPLE else self.first
        return np.concatenate(chosen) if chosen else np.empty(0)

    def add(self, values: npt.NDArray[Any]) -> None:
        """Take in finite values, one-dimensional."""
        if values.size and self.count < SAMPLE:
            self.first.append(values[: SAMPLE - self.count].copy())  # a view would keep the whole block
        with np.errstate(over="ignore", invalid="ignore"):  # of the squares of numbers near the end of floats
            for start in range(0, values.size, _PIECE):
                self._add(values[start : start + _PIECE])

    def _add(self, values: npt.NDArray[Any]) -> None:
        low, high = values.min(), values.max()
        self.low, self.high = min(self.low, low), max(self.high, high)
        if high > 0:
            positive = low if low > 0 else np.where(values > 0, values, high).min()
            self.least_positive = min(self.least_positive, float(positive))
        # The moments of two parts together: Chan, Golub and LeVeque, The American Statistician 37 (1983), 242-247.
        distances = values.astype(np.float64)
        mean, count = float(distances.mean()), values.size
        distances -= mean
        np.square(distances, out=distances)  # not `@`: the threads of a BLAS wait for each other on a busy machine
        apart, share = mean - self.mean, count / (self.count + count)
        self.squares += float(distances.sum()) + apart * apart * self.count * share
        self.mean = mean if not self.count else self.mean + apart * share
        self.count += count


def summarise(
    file: RasterFile,
    variable: str,
    selections: Iterable[Mapping[str, int]],
    *,
    fill_value: float | None = None,
    factor: int = 1,
    most_cells: float = math.inf,
    check: Check = go_on,
    seen: Callable[[slice, slice, npt.NDArray[Any]], None] | None = None,
) -> Summary:
    """Look at the cells of one layer or several.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selections : iterable of Mapping
        Dimension -> position, for each layer.
    fill_value : float, optional
        A value that does not count.
    factor : int
        The level that is read, one of `RasterFile.levels`.
    most_cells : float
        Of more, evenly spaced windows are read and the others left out.
    check : callable
        Called between two reads.
    seen : callable, optional
        Called with rows, columns and values of all that is read.

    Returns
    -------
    Summary
        Of every cell that was read. Of a layer with more values than the sample takes, the sample holds every n-th
        row's every m-th cell, n and m about equal and as small as can be.
    """
    layers = list(selections)
    pieces = [(layer, window) for layer in layers for window in windows(file, variable, factor=factor)]
    total = len(layers) * math.prod(-(-size // factor) for size in file.variable(variable).grid.shape)
    pieces = pieces[:: max(1, math.ceil(total / most_cells))]
    down, across = _strides(total, -(-file.variable(variable).grid.shape[1] // factor))
    summary = Summary()
    for layer, (rows, cols) in pieces:
        check()
        values = file.read(variable, layer, rows, cols, factor=factor)
        if seen is not None:
            seen(rows, cols, values)
        summary.cells += values.size
        summary.add(known(values, fill_value))
        first = (down // 2 - rows.start) % down, (across // 2 - cols.start) % across
        part = known(values[first[0] :: down, first[1] :: across], fill_value)
        summary.parts.append(part.copy())  # a view would keep the whole block
    return summary


def _strides(cells: int, width: int) -> tuple[int, int]:
    """Return every how many rows and columns a sample is taken."""
    every = math.ceil(cells / SAMPLE)
    across = min(width, math.isqrt(every))
    return math.ceil(every / across), across
