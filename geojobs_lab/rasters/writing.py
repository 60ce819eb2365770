"""Writing rasters as CF NetCDF that xarray, netCDF4, rioxarray and GDAL read alike.

A file appears whole or not at all. What the attributes say is the caller's; what coordinates carry is
`tagging`'s.
"""

import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.placing import Place, place_array
from geojobs_lab.rasters.tagging import CRS_COORDINATE, axis_attributes, crs_attributes
from geojobs_lab.rasters.timeaxis import TimeAxis

_CONVENTIONS = "CF-1.8"
_CHUNK = 256  # cells along y and x; what one map tile shows
_DEFLATE = 1  # the higher levels take twice the time for a few per cent
_LUMP = 32_000_000  # bytes read and written at a time
_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")
_OURS = {  # attributes that this module decides, or that speak of how another file stored the values
    "_FillValue", "_Unsigned", "add_offset", "bounds", "coordinates", "dtype", "grid_mapping", "missing_value",
    "scale_factor", "valid_max", "valid_min", "valid_range",
}  # fmt: skip


def write_raster(
    path: str | os.PathLike[str], rasters: Mapping[str, xr.DataArray], attributes: Mapping[str, str]
) -> None:
    """Write rasters into a new NetCDF-4 file, CF-1.8, compressed.

    Parameters
    ----------
    path : path
        Replaced if it exists. The file is written as ``.<name>.part`` beside it and renamed when it is whole.
    rasters : Mapping
        Variable name -> raster with y, x and perhaps time and more dimensions, in any order; they may lie on
        several grids. Attributes, scalar coordinates and the coordinates' own numbers are kept.
    attributes : Mapping
        Global attributes.

    Raises
    ------
    RasterError
        A raster has no place, or holds what NetCDF cannot hold; the message names it. Or the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    try:
        writer = _Writer(part, {"Conventions": _CONVENTIONS, **attributes})
        try:
            for name, data in rasters.items():
                writer.add(name, data)
        finally:
            writer.close()
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise


class _Writer:
    """A file being written; coordinates that two rasters share are written once."""

    def __init__(self, path: Path, attributes: Mapping[str, str]) -> None:
        self._path = path
        self._written: dict[str, tuple[Any, ...]] = {}  # coordinate -> what it was made of
        with HDF5_LOCK, _telling(path):
            self._file = netCDF4.Dataset(path, mode="w", format="NETCDF4")
            self._file.setncatts(dict(attributes))

    def close(self) -> None:
        with HDF5_LOCK:
            self._file.close()

    def add(self, name: str, data: xr.DataArray) -> None:
        if not _NAME.fullmatch(name):
            raise RasterError(f"{name!r} is not a variable name: a letter, then letters, digits and '_'")
        place = place_array(data)
        leading = [dim for dim in data.dims if dim not in (place.y, place.x, place.time)]
        order = [*([place.time] if place.time else []), *leading, place.y, place.x]
        data = data.transpose(*order)
        dtype = _stored_dtype(name, data)
        with HDF5_LOCK:
            dims = [self._dimension(str(dim), data, place) for dim in order]
            scalars = self._scalars(data)
            mapping = self._coordinate(CRS_COORDINATE, (), np.int32(0), crs_attributes(place.grid))
            variable = self._variable(name, data, dtype, dims)
            variable.setncatts(_kept(data.attrs) | ({"dtype": "bool"} if data.dtype.kind == "b" else {}))
            variable.grid_mapping = mapping
            if scalars:
                variable.coordinates = " ".join(scalars)
        step = max(1, _LUMP // max(1, data[0].size * dtype.itemsize))
        for start in range(0, data.shape[0], step):
            lump = data[start : start + step].values.astype(dtype, copy=False)  # may compute: not under the lock
            with HDF5_LOCK, _telling(self._path):
                variable[start : start + step] = lump

    def _variable(self, name: str, data: xr.DataArray, dtype: np.dtype[Any], dims: list[str]) -> Any:
        if name in self._file.variables:
            raise RasterError(f"{name!r} is also the name of a coordinate: call the raster something else")
        chunks = [1] * (len(dims) - 2) + [min(_CHUNK, size) for size in data.shape[-2:]]
        create: Any = self._file.createVariable  # its annotations list the types one by one
        variable = create(
            name,
            dtype,
            dims,
            zlib=True,
            complevel=_DEFLATE,
            shuffle=True,
            chunksizes=chunks,
            fill_value=_fill_value(dtype, data.encoding.get("_FillValue")),
        )
        variable.set_auto_maskandscale(False)
        return variable

    def _dimension(self, dim: str, data: xr.DataArray, place: Place) -> str:
        if dim == place.time:
            numbers, attributes = _time_axis(data, dim).to_numbers()
            return self._coordinate("time", ("time",), numbers, attributes)
        if dim in (place.y, place.x):
            return self._place_coordinate(dim, data, place)
        if dim not in data.coords:
            return self._coordinate(dim, (dim,), np.arange(data.sizes[dim]), {})
        found = data.coords[dim]
        if found.dtype.kind not in "iuf":
            raise RasterError(f"the dimension {dim!r} has coordinates of type {found.dtype}, not numbers")
        return self._coordinate(dim, (dim,), found.values, _kept(found.attrs))

    def _place_coordinate(self, dim: str, data: xr.DataArray, place: Place) -> str:
        number = 0 if dim == place.y else 1
        attributes = axis_attributes(place.grid)[number]
        standard = attributes["standard_name"]
        name = standard if "itude" in standard else "yx"[number]
        values = _numbers_of(data, dim, place.grid, number)
        if values.size > 1:
            return self._coordinate(name, (name,), values, attributes)
        edge, step = (
            (place.grid.transform.f, place.grid.transform.e),
            (place.grid.transform.c, place.grid.transform.a),
        )[number]
        written = self._coordinate(name, (name,), values, attributes, key=(edge, step))
        variable = self._file.variables[written]
        if "bounds" not in variable.ncattrs():
            if "bnds" not in self._file.dimensions:
                self._file.createDimension("bnds", 2)
            variable.bounds = f"{written}_bnds"
            self._file.createVariable(variable.bounds, "f8", (written, "bnds"))[:] = [[edge, edge + step]]
        return written

    def _scalars(self, data: xr.DataArray) -> list[str]:
        """Write the scalar coordinates: the time that was taken, a height."""
        names = []
        for name, found in data.coords.items():
            if found.ndim or not _NAME.fullmatch(str(name)) or {"grid_mapping_name", "crs_wkt"} & found.attrs.keys():
                continue
            if found.dtype.kind in "iuf":
                names.append(self._coordinate(str(name), (), found.values, _kept(found.attrs)))
            elif found.dtype.kind in "MO":
                try:
                    axis = TimeAxis.from_coordinate(found.variable, str(name))
                except RasterError:
                    continue  # not a time; texts and such are no part of the raster
                numbers, attributes = axis.to_numbers()
                names.append(self._coordinate(str(name), (), numbers[0], attributes | _kept(found.attrs)))
        return names

    def _coordinate(
        self,
        name: str,
        dims: tuple[str, ...],
        values: npt.NDArray[Any] | np.generic,
        attributes: Mapping[str, Any],
        key: tuple[Any, ...] = (),
    ) -> str:
        """Write a coordinate, or find the one written for another raster; a second of its name gets a number."""
        content = (np.asarray(values).tobytes(), str(values.dtype), repr(sorted(attributes.items())), len(dims), key)
        free, count = name, 1
        while free in self._file.variables or free in self._file.dimensions:
            if self._written.get(free) == content:
                return free
            count += 1
            free = f"{name}_{count}"
        if dims:
            self._file.createDimension(free, values.size)
        variable = self._file.createVariable(free, values.dtype, (free,) if dims else (), fill_value=False)
        variable[...] = values
        variable.setncatts(dict(attributes))
        self._written[free] = content
        return free


@contextmanager
def _telling(path: Path) -> Iterator[None]:
    """Turn what netCDF4 raises when it cannot write into an error without the server's folders."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        reason = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        name = path.name.removeprefix(".").removesuffix(".part")
        raise RasterError(f"{name!r} cannot be written: {reason.replace(str(path), name)}") from error


def _time_axis(data: xr.DataArray, dim: str) -> TimeAxis:
    found = data.coords.get(dim)
    if found is None:
        found = next(coordinate for coordinate in data.coords.values() if coordinate.dims == (dim,))
    return TimeAxis.from_coordinate(found.variable, dim)


def _numbers_of(data: xr.DataArray, dim: str, grid: Grid, number: int) -> npt.NDArray[Any]:
    """Return the coordinate's own numbers where they are the grid's, so that arithmetic with the original aligns."""
    centres, step = (grid.ys, grid.transform.e) if number == 0 else (grid.xs, grid.transform.a)
    if dim in data.coords:
        found = np.asarray(data.coords[dim].values)
        if found.dtype.kind in "iuf" and np.abs(found - centres).max() <= abs(step) * 1e-2:
            return found
    return centres


def _stored_dtype(name: str, data: xr.DataArray) -> np.dtype[Any]:
    if data.dtype.kind == "b":
        return np.dtype(np.int8)
    if data.dtype.kind == "f":
        return np.dtype(np.float32 if data.dtype.itemsize <= 4 else np.float64)
    if data.dtype.kind in "iu":
        return data.dtype.newbyteorder("=")
    raise RasterError(f"the raster {name!r} holds {data.dtype}, not numbers")


def _fill_value(dtype: np.dtype[Any], declared: Any) -> Any:
    """Return NaN for floats, and for integers the one that they came with: none, where none can be missing."""
    if dtype.kind == "f":
        return dtype.type(np.nan)
    if declared is None or not np.can_cast(np.min_scalar_type(declared), dtype):
        return False
    return dtype.type(declared)


def _kept(attributes: Mapping[Any, Any]) -> dict[str, Any]:
    """Return the attributes that NetCDF can hold and that stay true of what is written."""
    kept: dict[str, Any] = {}
    for key, value in attributes.items():
        if not isinstance(key, str) or key in _OURS or "/" in key or not key:
            continue
        if isinstance(value, str):
            kept[key] = value
        elif not isinstance(value, bool):
            numbers = (
                np.asarray(value) if isinstance(value, int | float | np.ndarray | np.generic | list | tuple) else None
            )
            if numbers is not None and numbers.dtype.kind in "iuf" and numbers.ndim <= 1 and numbers.size:
                kept[key] = value
    return kept
