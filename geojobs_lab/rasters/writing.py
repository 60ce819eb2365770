"""Writing rasters as CF NetCDF that xarray, netCDF4, rioxarray and GDAL read alike, with their overviews.

A file appears whole or not at all. netCDF4 makes everything but the rasters' numbers, which `pyramid` puts in. What the
attributes say is the caller's; the coordinates are `coordinates`'.
"""

import os
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.coordinates import NAME, CoordinateWriter, kept_attributes
from geojobs_lab.rasters.hdf5 import hdf5_file, telling
from geojobs_lab.rasters.layout import Layout, create_variable
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.overviews import define, methods
from geojobs_lab.rasters.placing import place_array
from geojobs_lab.rasters.pyramid import Pyramid, fill

_CONVENTIONS = "CF-1.8"


def write_raster(
    path: str | os.PathLike[str],
    rasters: Mapping[str, xr.DataArray],
    attributes: Mapping[str, str],
    *,
    classes: Collection[str] = (),
    overviews: bool = True,
) -> dict[str, tuple[float, float] | None]:
    """Write rasters into a new NetCDF-4 file, CF-1.8, in chunks of 256 x 256 cells, shuffled and deflated.

    Memory is bounded whatever the size of the rasters, as long as their own chunks are small: they are read in pieces
    that follow these.

    Parameters
    ----------
    path : path
        Replaced if it exists. The file is written as ``.<name>.part`` beside it and renamed when it is whole.
    rasters : Mapping
        Variable name -> raster with y, x and perhaps time and more dimensions, in any order; they may lie on
        several grids. Attributes, scalar coordinates and the coordinates' own numbers are kept.
    attributes : Mapping
        Global attributes.
    classes : collection of str
        The variables that are drawn by a colour for each value: they get overviews of the most frequent values.
    overviews : bool
        Whether rasters of more than 256 rows or columns get overviews, below ``/overviews``.

    Returns
    -------
    dict
        Variable name -> the least and the greatest finite value, None where there is none: known without another look
        at rasters that may be larger than memory.

    Raises
    ------
    RasterError
        A raster has no place, or holds what NetCDF cannot hold; the message names it. Or the file cannot be written.
    """
    target = Path(path)
    part = target.with_name(f".{target.name}.part")
    limits = {}
    try:
        with telling(part):
            plans = _structure(part, rasters, {"Conventions": _CONVENTIONS, **attributes}, classes, overviews=overviews)
        with hdf5_file(part) as file:
            for plan in plans:
                with Pyramid(file, plan.layout, plan.attributes, plan.methods, base=True) as pyramid:
                    fill(pyramid, plan.data, plan.order)
                limits[plan.layout.name] = pyramid.limits
        part.replace(target)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return limits


@dataclass(frozen=True, slots=True)
class _Plan:
    """A raster whose variable is defined in the file, without its numbers."""

    data: xr.DataArray
    order: tuple[str, ...]
    layout: Layout
    attributes: Mapping[str, Any]
    methods: tuple[str, ...]


def _structure(
    path: Path,
    rasters: Mapping[str, xr.DataArray],
    attributes: Mapping[str, str],
    classes: Collection[str],
    *,
    overviews: bool,
) -> list[_Plan]:
    """Make a file with everything but the numbers of the rasters."""
    with HDF5_LOCK:
        file = netCDF4.Dataset(path, mode="w", format="NETCDF4")
        try:
            file.setncatts(dict(attributes))
            coordinates = CoordinateWriter(file)
            return [
                _defined(file, coordinates, name, data, is_classes=name in classes, overviews=overviews)
                for name, data in rasters.items()
            ]
        finally:
            file.close()


def _defined(
    file: netCDF4.Dataset,
    coordinates: CoordinateWriter,
    name: str,
    data: xr.DataArray,
    *,
    is_classes: bool,
    overviews: bool,
) -> _Plan:
    if not NAME.fullmatch(name):
        raise RasterError(f"{name!r} is not a variable name: a letter, then letters, digits and '_'")
    place = place_array(data)
    leading = [str(dim) for dim in data.dims if dim not in (place.y, place.x, place.time)]
    order = (*([place.time] if place.time else []), *leading, place.y, place.x)
    dtype = _stored_dtype(name, data)
    written = coordinates.write(data, place, order)
    if name in file.variables:
        raise RasterError(f"{name!r} is also the name of a coordinate: call the raster something else")
    shape = tuple(data.sizes[dim] for dim in order)
    layout = Layout(name, written.dims, shape, y=len(shape) - 2, x=len(shape) - 1, dtype=dtype)
    fill = _fill_value(dtype, data.encoding.get("_FillValue"))
    attributes = kept_attributes(data.attrs) | ({"dtype": "bool"} if data.dtype.kind == "b" else {})
    create_variable(file, layout, fill).setncatts(attributes | written.attributes)
    if fill is not False:
        attributes["_FillValue"] = fill
    chosen = methods(dtype, attributes, is_classes=is_classes) if overviews else ()
    define(file, layout, attributes, chosen)
    return _Plan(data, order, layout, attributes, chosen)


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
