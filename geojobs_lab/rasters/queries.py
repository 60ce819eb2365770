"""The statistics of a layer, as the REST API gives them: a strict JSON document.

Layers are read in blocks of rows, so their size does not matter to memory.
"""

import math
from collections.abc import Iterator, Mapping
from typing import Any

import numpy as np
import numpy.typing as npt
from pyproj import Proj

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters.describing import plain_number
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.variables import VariableInfo

_BLOCK = 4_000_000  # cells read at a time


def statistics(
    file: RasterFile,
    variable: str,
    selection: Mapping[str, int],
    *,
    weights: str | None = None,
    bins: int = 32,
) -> dict[str, Any]:
    """Return the statistics of a layer's finite cells, unweighted.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        As `VariableInfo.select` makes it.
    weights : {None, "area"}
        ``"area"`` adds ``area_weighted_mean``.
    bins : int
        Of the histogram.

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
    count, low, high, total = 0, math.inf, -math.inf, 0.0
    for _, values in _blocks(file, info, selection):
        seen = values[np.isfinite(values)]
        if seen.size:
            count += seen.size
            low, high = min(low, seen.min()), max(high, seen.max())
            total += float(seen.sum(dtype=np.float64))
    cells = info.grid.shape[0] * info.grid.shape[1]
    mean = total / count if count else math.nan
    edges = _edges(float(low), float(high), bins) if count else np.empty(0)
    counts = np.zeros(max(0, edges.size - 1), dtype=np.int64)
    squares = weighted = weight_sum = 0.0
    for rows, values in _blocks(file, info, selection) if count else ():
        finite = np.isfinite(values)
        seen = values[finite].astype(np.float64)
        counts += np.histogram(seen, edges)[0]
        squares += float(np.square(seen - mean).sum())
        if weights == "area":
            area = np.broadcast_to(cell_areas(info.grid, rows), values.shape)[finite]
            weighted, weight_sum = weighted + float((seen * area).sum()), weight_sum + float(area.sum())
    document = {
        "min": plain_number(low),
        "max": plain_number(high),
        "mean": plain_number(mean),
        "std": plain_number(math.sqrt(squares / count)) if count else None,
        "count": count,
        "missing": cells - count,
        "unit": info.units,
        "histogram": {"edges": edges.tolist(), "counts": counts.tolist()},
    }
    if weights == "area":
        document["area_weighted_mean"] = weighted / weight_sum if weight_sum else None
    return document


def _blocks(
    file: RasterFile, info: VariableInfo, selection: Mapping[str, int]
) -> Iterator[tuple[slice, npt.NDArray[Any]]]:
    ny, nx = info.grid.shape
    step = max(1, _BLOCK // nx)
    for start in range(0, ny, step):
        rows = slice(start, min(start + step, ny))
        yield rows, file.read(info.name, selection, rows)


def _edges(low: float, high: float, bins: int) -> npt.NDArray[np.float64]:
    """Return the edges of equal bins over low..high; of fewer where floats cannot tell them apart."""
    if low == high:
        half = max(0.5, abs(low) * 5e-7)
        low, high = low - half, high + half
    edges = low + (high - low) * np.linspace(0, 1, bins + 1)
    edges[-1] = high
    return edges if (np.diff(edges) > 0).all() else np.array([low, high])


def cell_areas(grid: Grid, rows: slice) -> npt.NDArray[np.float64]:
    """Return the areas of cells up to a constant factor, (rows, 1) or (rows, nx).

    On a grid of latitudes (those of a rotated pole too) the area of a band of the ellipsoid: Snyder, Map Projections,
    USGS 1987, equation 3-12. On a projected one the cell over the projection's areal scale at its centre.
    """
    ny, _ = grid.shape
    if grid.crs.is_geographic:
        edges = grid.transform.f + grid.transform.e * np.arange(ny + 1)[rows.start : rows.stop + 1]
        sines = np.sin(np.radians(np.clip(edges, -90.0, 90.0)))
        ellipsoid = grid.crs.ellipsoid
        flattening = 1 / ellipsoid.inverse_flattening if ellipsoid and ellipsoid.inverse_flattening else 0.0
        square = flattening * (2 - flattening)
        if square:
            e = math.sqrt(square)
            sines = (1 - square) * (sines / (1 - square * sines**2) + np.arctanh(e * sines) / e)
        return np.asarray(np.abs(np.diff(sines))[:, np.newaxis])
    lon, lat = grid.to_lonlat(*np.meshgrid(grid.xs, grid.ys[rows]))
    scale = np.asarray(Proj(grid.crs).get_factors(lon, lat).areal_scale)
    return np.where(np.isfinite(scale) & (scale > 0), 1 / np.where(scale > 0, scale, 1), 0.0)
