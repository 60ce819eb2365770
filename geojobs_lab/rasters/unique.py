"""The values that a layer has, each once, as a strict JSON document."""

from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.describing import plain_number
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.walking import Check, blocks, go_on, known

MOST_TOLD = 100
_MOST_KEPT = 1_000_000  # different values; counting ends there
_TABLE = 2**20  # whole numbers that are counted one by one


def unique_values(
    file: RasterFile, variable: str, selection: Mapping[str, int], *, most: int = MOST_TOLD, check: Check = go_on
) -> dict[str, Any]:
    """Return the different finite values of a layer.

    Parameters
    ----------
    file, variable, selection
        As for `value_at`.
    most : int
        How many are told.
    check : callable
        Called between two reads.

    Returns
    -------
    dict
        ``values``, the least ones, rising, each ``{"value", "count"}`` with the number of its cells; ``count``, how
        many different ones there are; ``complete``, whether all cells were looked at: it ends at a million
        different values, and the numbers are those of the cells seen until then; ``unit``.
    """
    info = file.variable(variable)
    values, counts, complete = np.empty(0, np.dtype(info.dtype)), np.empty(0, np.int64), True
    for _, _, cells in blocks(file, info.name, selection, check):
        if values.size > _MOST_KEPT:
            complete = False
            break
        values, counts = _together((values, counts), _counted(known(cells)))
    told = zip(values[:most], counts[:most].tolist(), strict=True)
    return {
        "values": [{"value": plain_number(value), "count": count} for value, count in told],
        "count": values.size,
        "complete": complete,
        "unit": info.units,
    }


Counted = tuple[npt.NDArray[Any], npt.NDArray[np.int64]]


def _counted(values: npt.NDArray[Any]) -> Counted:
    """Return the different values, rising, and how often each is there."""
    if values.size:
        low, high = float(values.min()), float(values.max())
        if high - low < _TABLE and abs(low) < 2**52 and abs(high) < 2**52:  # far faster than sorting
            places = values.astype(np.int64) - int(low)
            if values.dtype.kind in "iu" or np.array_equal(places + int(low), values):
                counts = np.bincount(places)
                (there,) = np.nonzero(counts)
                return (there + int(low)).astype(values.dtype), counts[there]
    found, counts = np.unique(values, return_counts=True)
    return found, counts


def _together(one: Counted, other: Counted) -> Counted:
    values, place = np.unique(np.concatenate([one[0], other[0]]), return_inverse=True)
    counts = np.zeros(values.size, np.int64)
    np.add.at(counts, place, np.concatenate([one[1], other[1]]))
    return values, counts
