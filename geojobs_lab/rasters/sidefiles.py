"""Side files: the overviews of a raster file that somebody else has written.

Owns which rasters get them and the writing. Where side files are kept, and when they are made, is the services' matter.
"""

import os
import shutil
from collections.abc import Collection, Iterator
from pathlib import Path

import netCDF4
import xarray as xr

from geojobs_lab.rasters.hdf5 import hdf5_file, telling
from geojobs_lab.rasters.layout import Layout
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.opening import open_stored
from geojobs_lab.rasters.overviews import GROUP, MEAN, MODE, define, methods
from geojobs_lab.rasters.pyramid import Pyramid, fill
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.variables import VariableInfo

SMALLEST = 512  # cells along the longer side: smaller layers are read at once
_MOST_CELLS = 4_000_000_000  # read for one file: 16 GB of float32, some minutes of one processor
_SHARE = 10  # a side file takes at most a tenth of the free disk
_OF_CELLS = 1 / 3  # cells that the overviews of a cell have together


def write_overviews(path: str | os.PathLike[str], target: str | os.PathLike[str], classes: Collection[str] = ()) -> int:
    """Write the overviews of a raster file into a new side file, for `RasterFile`.

    Rasters of more than 512 rows or columns get them, all steps of a series, in the order in which the file has them
    and as long as it pays: until 4 000 000 000 cells are read, or what is written could take more than a tenth of the
    free disk. So a raster of 21 600 x 43 200 gets them, and 3800 steps of 720 x 1440; a series of 10 000 such steps
    does not, of which a reader looks at some and each is read at once.

    Parameters
    ----------
    path : path
    target : path
        Written as it is; who calls it makes it appear whole.
    classes : collection of str
        The variables that are drawn by a colour for each value.

    Returns
    -------
    int
        How many variables got them. A file that has overviews itself gets none.

    Raises
    ------
    RasterError
        The file cannot be read, or the side file not written.
    """
    target = Path(target)
    with RasterFile(path) as file:
        infos = list(_worth(file, shutil.disk_usage(target.parent).free))
    stored = open_stored(file.path)
    try:
        layouts = [_layout(info, stored[info.name]) for info in infos]
        chosen = [
            methods(layout.dtype, info.attributes, is_classes=info.name in classes)
            for info, layout in zip(infos, layouts, strict=True)
        ]
        with telling(target), HDF5_LOCK, netCDF4.Dataset(target, "w", format="NETCDF4") as made:
            made.title = "Overviews"
            made.comment = f"Made by geojobs_lab for drawing {file.path.name} fast; may be removed at any time."
            for info, layout, names in zip(infos, layouts, chosen, strict=True):
                for dim, size in zip(layout.dims, layout.shape, strict=True):
                    if dim not in made.dimensions and dim not in (info.y_dim, info.x_dim):
                        made.createDimension(dim, size)
                define(made, layout, info.attributes, names)
        with hdf5_file(target) as opened:
            for info, layout, names in zip(infos, layouts, chosen, strict=True):
                order = [dim for dim in info.dims if dim not in (info.y_dim, info.x_dim)]
                with Pyramid(opened, layout, info.attributes, names, base=False) as pyramid:
                    fill(pyramid, stored[info.name], [*order, info.y_dim, info.x_dim])
    finally:
        stored.close()
    return len(infos)


def lacking(side: str | os.PathLike[str], classes: Collection[str]) -> set[str]:
    """Return the variables among `classes` that a side file has overviews of, but only of their means.

    Raises
    ------
    RasterError
        The side file cannot be read.
    """
    return set(classes) & _held(side, MEAN) - _held(side, MODE) if classes else set()


def drawn_by_class(side: str | os.PathLike[str]) -> set[str]:
    """Return the variables that a side file has the most frequent values of; RasterError where it cannot be read."""
    return _held(side, MODE)


def _held(side: str | os.PathLike[str], method: str) -> set[str]:
    side = Path(side)
    with telling(side), HDF5_LOCK, netCDF4.Dataset(side) as file:
        held = file.groups[GROUP].groups if GROUP in file.groups else {}
        levels = held[method].groups.values() if method in held else ()
        return {name for level in levels for name in level.variables}


def _worth(file: RasterFile, free: int) -> Iterator[VariableInfo]:
    """Yield the variables that are worth their overviews."""
    cells, room = 0, free / _SHARE
    for info in file.variables.values():
        if max(_size(info, info.y_dim), _size(info, info.x_dim)) <= SMALLEST or len(file.levels(info.name)) > 1:
            continue
        if len(file.levels(info.name, "mode")) > 1:
            continue
        count = 1
        for size in info.shape:
            count *= size
        need = count * _OF_CELLS * 8
        if cells + count <= _MOST_CELLS and need <= room:
            cells, room = cells + count, room - need
            yield info


def _size(info: VariableInfo, dim: str) -> int:
    return info.shape[info.dims.index(dim)]


def _layout(info: VariableInfo, stored: xr.DataArray) -> Layout:
    y, x = info.dims.index(info.y_dim), info.dims.index(info.x_dim)
    return Layout(info.name, info.dims, info.shape, y, x, stored.dtype.newbyteorder("="))
