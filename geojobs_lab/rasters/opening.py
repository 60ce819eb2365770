"""Opening a variable of a NetCDF file as a lazy array with its CRS, for tasks and notebooks."""

import os
import warnings
from pathlib import Path

import cftime
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.packing import undeclared_fill
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.tagging import with_grid
from geojobs_lab.rasters.timeaxis import counts_from_year_zero
from geojobs_lab.rasters.variables import VariableInfo


def open_raster(
    path: str | os.PathLike[str],
    variable: str | None = None,
    time: float | str | None = None,
    *,
    best_fit: bool = True,
) -> xr.DataArray:
    """Open a variable; only coordinates are read until its values are asked for.

    Parameters
    ----------
    path : path of a NetCDF file
    variable : str, optional
        May be left out where the file has one raster.
    time : float, str or None
        The step to take, as `TimeAxis.index` takes it; the time stays as a scalar coordinate. None keeps the whole
        axis.
    best_fit : bool
        False accepts the exact time only.

    Returns
    -------
    xarray.DataArray, (time, other dimensions…, y, x)
        Decoded as `xarray.open_dataset` does, with the CRS where rioxarray finds it. Its `close` closes the file.

    Raises
    ------
    RasterError, NotFound, InvalidReference, InvalidInput
        As `RasterFile`, `RasterFile.variable` and `TimeAxis.index`.
    """
    with RasterFile(path) as file:
        info = file.variable(variable)
        chosen = info.select(time, best_fit) if time is not None else {}
    dataset = _open_dataset(file.path, info)
    data = dataset[info.name]
    if time is not None and info.time is not None:
        data = data.isel({info.time.name: chosen[info.time.name]})
    leading = [dim for dim in data.dims if dim not in (info.y_dim, info.x_dim)]
    if info.time is not None and info.time.name in leading:
        leading.sort(key=lambda dim: dim != info.time.name)  # type: ignore[union-attr]  # checked above
    order = (*leading, info.y_dim, info.x_dim)
    data = data if data.dims == order else data.transpose(*order)
    data = with_grid(data, info.grid, info.y_dim, info.x_dim)
    for coordinate in data.coords.values():
        coordinate.attrs.pop("bounds", None)  # the variable that it names does not come along
    data.set_close(dataset.close)
    return data


def _open_dataset(path: Path, info: VariableInfo) -> xr.Dataset:
    wanted = {info.name, *info.dims, *str(info.attributes.get("coordinates", "")).split()}
    try:
        # Under the lock also because catch_warnings is not for threads.
        with HDF5_LOCK, warnings.catch_warnings():
            # Dates out of datetime64's reach stay cftime, which is what we want.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            warnings.simplefilter("ignore", cftime.CFWarning)
            stored = xr.open_dataset(path, engine="netcdf4", lock=HDF5_LOCK, decode_cf=False)
            try:
                part = stored[[name for name in stored.variables if name in wanted]]
                for variable in (found for name, found in part.variables.items() if name not in info.dims):
                    variable.attrs.update(undeclared_fill(variable.dtype, variable.attrs))
                if info.time is not None and counts_from_year_zero(str(part[info.time.name].attrs.get("units"))):
                    numbers, attributes = info.time.to_numbers()  # xarray refuses such units
                    part = part.assign_coords({info.time.name: (info.time.name, numbers, attributes)})
                dataset = xr.decode_cf(part, decode_timedelta=False)
            except BaseException:
                stored.close()
                raise
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        text = str(error).replace(str(path), path.name)
        raise RasterError(f"{info.name!r} of {path.name!r} cannot be decoded: {text}") from error
    dataset.set_close(stored.close)
    return dataset
