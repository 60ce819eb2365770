"""The statistics of a layer's cells with their histogram, as a strict JSON document.

They are of the full-resolution cells, whatever overviews there are. A layer is gone over twice, piece by piece: for its
range and moments, and for the histogram between them. Of what is read, the first pieces are kept for the second time,
as many as a bounded memory takes: all of a small layer.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters.areas import cell_areas
from geojobs_lab.rasters.describing import plain_number
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.summary import summarise
from geojobs_lab.rasters.walking import Check, go_on, known, windows

BINS = 32
_KEPT = 64 * 2**20  # bytes of a layer that are kept between the two times


def statistics(
    file: RasterFile,
    variable: str,
    selection: Mapping[str, int],
    *,
    weights: str | None = None,
    bins: int = BINS,
    check: Check = go_on,
) -> dict[str, Any]:
    """Return the statistics of a layer's finite cells, unweighted.

    Parameters
    ----------
    file, variable, selection
        As for `value_at`.
    weights : {None, "area"}
        ``"area"`` adds ``area_weighted_mean``.
    bins : int
        Of the histogram.
    check : callable
        Called between two reads.

    Returns
    -------
    dict
        ``min``, ``max``, ``mean``, ``std`` (of the population), ``count``, ``missing``, ``unit``,
        ``histogram``. Without a finite cell the numbers are None and the histogram is empty; a constant
        layer's histogram is one unit wide, or a millionth of its value.

    Raises
    ------
    InvalidInput
        The weights are none of those above.
    """
    if weights not in (None, "area"):
        raise InvalidInput(f"weights: {weights!r} is not 'area'", field="weights", value=weights)
    info = file.variable(variable)
    pieces = _Pieces(file, info.name, selection, check)
    found = summarise(file, info.name, [selection], check=check, seen=pieces.see)
    edges = _edges(float(found.low), float(found.high), bins) if found.count else np.empty(0)
    counts = np.zeros(max(0, edges.size - 1), dtype=np.int64)
    weighted = weight_sum = 0.0
    for rows, cols, values in pieces if found.count else ():
        counts += _counted(known(values), edges)
        if weights == "area":
            finite = np.isfinite(values)
            area = cell_areas(info.grid, rows, cols)[finite]
            weighted += float((values[finite].astype(np.float64) * area).sum())
            weight_sum += float(area.sum())
    document = {
        "min": plain_number(found.low),
        "max": plain_number(found.high),
        "mean": plain_number(found.mean) if found.count else None,
        "std": plain_number(found.std),
        "count": found.count,
        "missing": math.prod(info.grid.shape) - found.count,
        "unit": info.units,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }
    if weights == "area":
        document["area_weighted_mean"] = weighted / weight_sum if weight_sum else None
    return document


class _Pieces:
    """All of a layer piece by piece, a second time: what was seen the first time is not read again, where it fits."""

    def __init__(self, file: RasterFile, variable: str, selection: Mapping[str, int], check: Check) -> None:
        self._file, self._variable, self._selection, self._check = file, variable, selection, check
        self._kept: dict[tuple[int, int], npt.NDArray[Any]] = {}
        self._room = _KEPT

    def see(self, rows: slice, cols: slice, values: npt.NDArray[Any]) -> None:
        """Take note of a piece."""
        if values.nbytes <= self._room:
            self._kept[rows.start, cols.start] = values
            self._room -= values.nbytes

    def __iter__(self) -> Iterator[tuple[slice, slice, npt.NDArray[Any]]]:
        for rows, cols in windows(self._file, self._variable):
            values = self._kept.pop((rows.start, cols.start), None)
            if values is None:
                self._check()
                values = self._file.read(self._variable, self._selection, rows, cols)
            yield rows, cols, values


def _edges(low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    """Return the edges of equal bins over low..high; of one where floats cannot tell them apart."""
    if low == high:
        half = max(0.5, abs(low) * 5e-7)
        low, high = low - half, high + half
    with np.errstate(over="ignore", invalid="ignore"):
        edges = np.linspace(low, high, bins + 1)
        return edges if (np.diff(edges) > 0).all() else np.array([low, high])


def _counted(values: npt.NDArray[Any], edges: npt.NDArray[np.float64]) -> npt.NDArray[np.int64]:
    """Return how many values lie in each of equal bins; the last one holds its upper edge."""
    if edges.size == 2:
        return np.array([values.size])
    return np.asarray(np.histogram(values.astype(np.float64), edges.size - 1, (edges[0], edges[-1]))[0])
