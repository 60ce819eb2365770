"""Making a raster of what a task returns: a bare array takes the grid of the raster it was computed from."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.placing import place_array


def as_raster(data: xr.DataArray | npt.NDArray[Any], like: xr.DataArray | None) -> xr.DataArray:
    """Return `data` as a raster.

    Parameters
    ----------
    data : DataArray or ndarray (masked arrays too)
        A DataArray that has a place is returned as it is.
    like : DataArray or None
        The raster whose grid a bare array takes: its shape has to be the whole of `like`'s, or its rows and
        columns.

    Raises
    ------
    RasterError
        There is nothing to take the grid from, or the shapes differ; the message says both.
    """
    if isinstance(data, xr.DataArray) and (like is None or _tells_places(data)):
        AnyGrid.from_array(data)  # raises where it has no place
        return data
    values = data.values if isinstance(data, xr.DataArray) else _unmasked(data)
    if values.dtype.kind not in "iufb":
        raise RasterError(f"an array of {values.dtype} is no raster: it holds no numbers")
    if like is None:
        raise RasterError(f"the array of shape {values.shape} has no grid, and there is no raster to take it from")
    place = place_array(like)
    layer = like.isel({dim: 0 for dim in like.dims if dim not in (place.y, place.x)}, drop=True)
    for model in (like, layer):
        if values.shape == model.shape:
            raster = xr.DataArray(values, coords=model.coords, dims=model.dims)
            raster.encoding = {key: model.encoding[key] for key in ("grid_mapping",) if key in model.encoding}
            return raster.rename(data.name).assign_attrs(data.attrs) if isinstance(data, xr.DataArray) else raster
    shapes = " or ".join(dict.fromkeys(str(model.shape) for model in (like, layer)))
    fits = f"does not fit the grid of {like.name or 'the raster input'}"
    raise RasterError(f"the array of shape {values.shape} {fits}: wanted is {shapes}")


def _tells_places(data: xr.DataArray) -> bool:
    """Tell whether an array has coordinates of its dimensions, or of its cells."""
    return any(name in data.dims or found.ndim > 1 for name, found in data.coords.items())


def _unmasked(data: npt.NDArray[Any]) -> npt.NDArray[Any]:
    if not isinstance(data, np.ma.MaskedArray) or not np.ma.is_masked(data):
        return np.asarray(data)
    values: npt.NDArray[Any] = data.astype(data.dtype if data.dtype.kind == "f" else np.float64)
    return np.ma.filled(values, np.nan)
