"""Opening the rasters of a NetCDF file as lazy arrays with their CRS, for tasks and notebooks."""

import math
import os
import warnings
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from pathlib import Path

import cftime
import netCDF4
import numpy as np
import xarray as xr
from xarray.backends import NetCDF4DataStore

from geojobs_lab.errors import NothingPlaced, RasterError
from geojobs_lab.rasters.lazy import lazy_variable
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.packing import undeclared_fill
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.tagging import CRS_COORDINATE, with_grid
from geojobs_lab.rasters.timeaxis import TimeAxis, is_refused_by_xarray
from geojobs_lab.rasters.variables import VariableInfo

_KEPT_CHUNKS = 2**22  # bytes of a variable, at least
_KEPT_ROWS = 2  # of chunks: what is read row by row lies in one of them, or in two
_LEAST_RECENT = 0.0  # HDF5's preemption: the chunks that go first, whether or not all of them has been read


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
    stored = open_stored(file.path)
    try:
        data = _decoded(stored, info, file.path)
    except BaseException:
        stored.close()
        raise
    if time is not None and info.time is not None and info.time.name in info.dims:
        data = data.isel({info.time.name: chosen[info.time.name]})
    data = _placed(data, info)
    data.set_close(stored.close)
    return data


def open_raster_dataset(path: str | os.PathLike[str], *, unplaced: bool = False) -> xr.Dataset:
    """Open all rasters of a file; only coordinates are read until values are asked for.

    Parameters
    ----------
    path : path of a NetCDF file
    unplaced : bool
        Whether variables come along that have data and no place on the Earth, such as a series of one number a year.

    Returns
    -------
    xarray.Dataset
        One variable for each raster, as `open_raster` gives it; the CRS of each is the coordinate that its encoding
        names as ``grid_mapping``, where rioxarray finds it. Its `close` closes the file.

    Raises
    ------
    RasterError
        As `RasterFile`; or two variables place the same dimension differently.
    """
    infos: list[VariableInfo] = []
    try:
        with RasterFile(path) as file:
            infos, others = list(file.variables.values()), tuple(file.skipped)
    except NothingPlaced as error:
        if not unplaced or not error.variables:
            raise
        others = error.variables
    path = Path(path).absolute()
    stored = open_stored(path)
    try:
        variables: dict[str, xr.Variable] = {}
        coordinates: dict[str, xr.Variable] = {}
        for info in infos:
            data = _with_own_crs(_placed(_decoded(stored, info, path), info), coordinates)
            _gather(coordinates, data, path)
            variables[info.name] = data.variable
        for name in others if unplaced else ():
            data = _unplaced(stored, name, path)
            _gather(coordinates, data, path)
            variables[name] = data.variable
        dataset = xr.Dataset(variables, coordinates, stored.attrs)
    except BaseException:
        stored.close()
        raise
    dataset.set_close(stored.close)
    return dataset


def _gather(coordinates: dict[str, xr.Variable], data: xr.DataArray, path: Path) -> None:
    """Add the coordinates of a raster to those of the others."""
    for name, found in data.coords.items():
        known = coordinates.setdefault(str(name), found.variable)
        if name in data.dims[-2:] and "grid_mapping" in data.encoding:
            known.encoding["grid_mapping"] = data.encoding["grid_mapping"]  # stays when a task computes
        if name in data.dims and not np.array_equal(known.values, found.values):
            raise RasterError(f"{data.name!r} of {path.name!r} places {name!r} unlike another raster does")


def _with_own_crs(data: xr.DataArray, coordinates: dict[str, xr.Variable]) -> xr.DataArray:
    """Return the raster with its CRS under a name that no other CRS among the coordinates has."""
    name, number = CRS_COORDINATE, 1
    while name in coordinates and coordinates[name].attrs != data.coords[CRS_COORDINATE].attrs:
        number += 1
        name = f"{CRS_COORDINATE}_{number}"
    if name != CRS_COORDINATE:
        data = data.rename({CRS_COORDINATE: name})
        data.encoding["grid_mapping"] = name
    return data


def _placed(data: xr.DataArray, info: VariableInfo) -> xr.DataArray:
    """Return a decoded variable as (time, others…, y, x) with coordinates and CRS that every library understands."""
    leading = [dim for dim in data.dims if dim not in (info.y_dim, info.x_dim)]
    if info.time is not None and info.time.name in leading:
        leading.sort(key=lambda dim: dim != info.time.name)  # type: ignore[union-attr]  # checked above
    order = (*leading, info.y_dim, info.x_dim)
    data = data if data.dims == order else data.transpose(*order)
    data = with_grid(data, info.grid, info.y_dim, info.x_dim, info.cells)
    for coordinate in data.coords.values():
        coordinate.attrs.pop("bounds", None)  # the variable that it names does not come along
    return data


def open_stored(path: Path) -> xr.Dataset:
    """Open a file as it is: numbers and attributes as stored, read when they are asked for."""
    with _reading(repr(path.name), path):
        store = NetCDF4DataStore.open(path, lock=HDF5_LOCK)  # type: ignore[no-untyped-call]  # xarray's own
        with HDF5_LOCK:
            _bound_chunks(store.ds)
        return xr.open_dataset(store, decode_cf=False)


def _bound_chunks(dataset: netCDF4.Dataset) -> None:
    """Have HDF5 keep no more decoded chunks than are read again: by itself it keeps 64 MB of each variable.

    A chunk that is not kept is inflated anew for each strip of rows that is read of it.
    """
    for variable in dataset.variables.values():
        chunk = variable.chunking()
        if isinstance(chunk, list):
            most, slots, _ = variable.get_var_chunk_cache()
            across = -(-variable.shape[-1] // chunk[-1])
            rows = _KEPT_ROWS * across * math.prod(chunk) * np.dtype(variable.dtype).itemsize
            variable.set_var_chunk_cache(min(most, max(_KEPT_CHUNKS, rows)), slots, _LEAST_RECENT)


def _decoded(stored: xr.Dataset, info: VariableInfo, path: Path) -> xr.DataArray:
    wanted = {*info.dims, *str(info.attributes.get("coordinates", "")).split()} - {info.name, *info.cells}
    with _reading(f"{info.name!r} of {path.name!r}", path):
        variables = {}
        for name in wanted & stored.variables.keys():
            found = stored.variables[name].copy(deep=False)
            if set(found.dims) <= set(info.dims):
                found.attrs.update(undeclared_fill(found.dtype, found.attrs) if name not in info.dims else {})
                variables[name] = found
        if info.time is not None and not _is_read_by_xarray(variables.get(info.time.name)):
            variables[info.time.name] = _time_variable(info.time, info.dims)
        coordinates = xr.decode_cf(xr.Dataset(coords=variables), decode_timedelta=False).coords
        for coordinate in coordinates.values():
            if coordinate.dtype.kind in "MO":
                coordinate.load()  # later it would warn of the years before 1
        return xr.DataArray(lazy_variable(stored.variables[info.name], info), coordinates, name=info.name)


def _is_read_by_xarray(time: xr.Variable | None) -> bool:
    """Tell whether xarray finds the dates of an axis in the variable of its name."""
    units = "" if time is None else str(time.attrs.get("units", ""))
    return " since " in units.lower() and not is_refused_by_xarray(units)


def _time_variable(axis: TimeAxis, dims: Collection[str]) -> xr.Variable:
    """Return a time that xarray does not find, or whose units it refuses, in units that it takes."""
    numbers, attributes = axis.to_numbers()
    return (
        xr.Variable((axis.name,), numbers, attributes) if axis.name in dims else xr.Variable((), numbers[0], attributes)
    )


def _unplaced(stored: xr.Dataset, name: str, path: Path) -> xr.DataArray:
    """Return a decoded variable with the coordinates of its dimensions."""
    with _reading(f"{name!r} of {path.name!r}", path):
        part = stored[[name]].reset_coords(drop=True).copy()
        return xr.decode_cf(part, decode_timedelta=False, decode_coords=False)[name]


@contextmanager
def _reading(what: str, path: Path) -> Iterator[None]:
    try:
        # Under the lock also because catch_warnings is not for threads.
        with HDF5_LOCK, warnings.catch_warnings():
            # Dates out of datetime64's reach stay cftime, which is what we want.
            warnings.simplefilter("ignore", xr.SerializationWarning)
            warnings.simplefilter("ignore", cftime.CFWarning)
            yield
    except (OSError, RuntimeError, ValueError, KeyError) as error:
        text = str(error).replace(str(path), path.name)
        raise RasterError(f"{what} cannot be decoded: {text}") from error
