"""The statistics of a layer's cells with their histogram, as a strict JSON document.

They are of the full-resolution cells, whatever overviews there are. A layer is read twice, piece by piece: for its
range and moments, and for the histogram between them.
"""

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters.areas import cell_areas
from geojobs_lab.rasters.describing import plain_number
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.summary import summarise
from geojobs_lab.rasters.walking import Check, blocks, go_on, known

BINS = 32


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
    found = summarise(file, info.name, [selection], check=check)
    edges = _edges(float(found.low), float(found.high), bins) if found.count else np.empty(0)
    counts = np.zeros(max(0, edges.size - 1), dtype=np.int64)
    weighted = weight_sum = 0.0
    for rows, cols, values in blocks(file, info.name, selection, check) if found.count else ():
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
