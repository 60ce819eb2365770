"""Bringing rasters of different grids onto one, on request; and refusing to compute with them where nobody asked.

Owns what an aligned raster carries along. Which cells of one grid make a cell of another is `resampling`'s work.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.placing import Place, place_array
from geojobs_lab.rasters.resampling import METHODS, blocks_of, resampler
from geojobs_lab.rasters.tagging import CRS_COORDINATE, axis_attributes, grid_coordinates


def align(
    rasters: Sequence[xr.DataArray], *, to: xr.DataArray | AnyGrid | None = None, method: str = "nearest"
) -> list[xr.DataArray]:
    """Return the rasters on one grid, so that arithmetic between them is cell by cell.

    Parameters
    ----------
    rasters : sequence of DataArray
    to : DataArray or AnyGrid, optional
        Whose grid they take; the first raster's where it is left out.
    method : str
        ``"nearest"``: the value of the cell that holds the new cell's centre. ``"bilinear"``: interpolated between
        the four cells around the centre, missing ones left out; missing where the cell that holds the centre is.
        ``"average"`` and ``"mode"``: the mean, and the most frequent value (the least of equally frequent ones), of
        what lies in the new cell, missing values left out; both look at evenly spread points in the cell, at least
        as dense as the cells of the old grid.

    Returns
    -------
    list of DataArray, (time, other dimensions…, y, x)
        Names, attributes, times and other dimensions are kept; rows and columns have the names and the coordinates
        of `to`. NaN where a raster does not reach. ``"nearest"`` and ``"mode"`` keep integers, which become float64
        only where some are missing. A raster that lies on the grid already is not read; of the others one layer
        at a time is.

    Raises
    ------
    RasterError
        A raster has no place.
    InvalidInput
        The method is none of these.
    """
    if method not in METHODS:
        raise InvalidInput(f"method: {method!r} is not one of {', '.join(METHODS)}", field="method", value=method)
    if not rasters:
        return []
    target = _Target.of(rasters[0] if to is None else to)
    return [_onto(target, data, method) for data in rasters]


def same_grid(rasters: Sequence[xr.DataArray]) -> None:
    """Refuse rasters that do not lie on one grid.

    Raises
    ------
    RasterError
        Describes each of the grids, with the names of the rasters on it.
    """
    groups: list[tuple[AnyGrid, list[str]]] = []
    for number, data in enumerate(rasters, 1):
        grid = AnyGrid.from_array(data)
        name = f"{str(data.name)!r}" if data.name is not None else f"number {number}"
        for known, names in groups:
            if known.same_as(grid):
                names.append(name)
                break
        else:
            groups.append((grid, [name]))
    if len(groups) > 1:
        described = "; ".join(f"{', '.join(names)} on {grid}" for grid, names in groups)
        raise RasterError(f"the rasters lie on different grids and are not aligned: {described}")


@dataclass(frozen=True, slots=True)
class _Target:
    """A grid, and what the rows and columns of an array on it are called and carry."""

    grid: AnyGrid
    y: str
    x: str
    coordinates: dict[str, xr.Variable]

    @classmethod
    def of(cls, to: xr.DataArray | AnyGrid) -> Self:
        return cls._of_array(to) if isinstance(to, xr.DataArray) else cls._of_grid(to)

    @classmethod
    def _of_grid(cls, grid: AnyGrid) -> Self:
        y, x = "y", "x"
        if grid.separable:
            rows, cols = axis_attributes(grid)
            if "itude" in rows["standard_name"]:  # those of a rotated pole too
                y, x = rows["standard_name"], cols["standard_name"]
        return cls(grid, y, x, grid_coordinates(grid, y, x))

    @classmethod
    def _of_array(cls, data: xr.DataArray) -> Self:
        place = place_array(data)
        made = grid_coordinates(place.grid, place.y, place.x, place.cells)
        own = {
            name: found.variable
            for name in made
            if name != CRS_COORDINATE and (found := data.coords.get(name)) is not None
        }
        return cls(place.grid, place.y, place.x, made | own)


def _onto(target: _Target, data: xr.DataArray, method: str) -> xr.DataArray:
    place = place_array(data)
    leading = [dim for dim in data.dims if dim not in (place.time, place.y, place.x)]
    data = data.transpose(*([place.time] if place.time else []), *leading, place.y, place.x)
    if place.grid.same_as(target.grid):
        variable = data.variable.copy(deep=False)
        variable.dims = (*data.dims[:-2], target.y, target.x)
    else:
        values = _resampled(data, place, target.grid, method)
        variable = xr.Variable((*data.dims[:-2], target.y, target.x), values, data.attrs)
    kept = {
        name: found.variable
        for name, found in data.coords.items()
        if not {place.y, place.x} & set(found.dims) and not _is_crs(found)
    }
    aligned = xr.DataArray(variable, {**kept, **target.coordinates}, name=data.name)
    aligned.attrs.pop("grid_mapping", None)
    aligned.encoding = {"grid_mapping": CRS_COORDINATE}
    return aligned


def _is_crs(coordinate: xr.DataArray) -> bool:
    return coordinate.ndim == 0 and bool({"grid_mapping_name", "crs_wkt", "spatial_ref"} & coordinate.attrs.keys())


def _resampled(data: xr.DataArray, place: Place, grid: AnyGrid, method: str) -> npt.NDArray[Any]:
    """Return the values on another grid; `data` is (…, y, x)."""
    keeps = method in ("nearest", "mode") or data.dtype.kind == "f"
    dtype: np.dtype[Any] = data.dtype if keeps else np.dtype(np.float64)
    values = np.empty((*data.shape[:-2], *grid.shape), dtype)
    for rows in blocks_of(place.grid, grid, method):
        sample = resampler(place.grid, grid, rows, method)
        for layer in np.ndindex(data.shape[:-2]):
            found = sample.values(data.variable[(*layer, sample.rows, sample.cols)].values)
            if values.dtype.kind not in "f" and found.dtype.kind == "f":
                values = values.astype(np.float64)  # integers cannot be missing
            values[(*layer, rows)] = found
    return values
