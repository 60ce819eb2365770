"""Writing the coordinates of rasters into a NetCDF file: axes, time, auxiliary ones and the CRS.

Coordinates that several rasters share are written once. What they carry is `tagging`'s, and the rasters themselves are
`writing`'s.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import SeparableGrid
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.placing import Place
from geojobs_lab.rasters.tagging import CRS_COORDINATE, axis_attributes, cell_attributes, crs_attributes
from geojobs_lab.rasters.timeaxis import TimeAxis

NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]*")  # of a variable
_OURS = {  # attributes that the writer decides, or that speak of how another file stored the values
    "_FillValue", "_Unsigned", "add_offset", "bounds", "coordinates", "dtype", "grid_mapping", "missing_value",
    "scale_factor", "valid_max", "valid_min", "valid_range",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Written:
    """Where a raster's coordinates were written.

    Attributes
    ----------
    dims : tuple of str
        The dimensions of the raster in the file, in the order asked for.
    attributes : dict
        ``grid_mapping`` and ``coordinates``, which the raster's variable has to have.
    """

    dims: tuple[str, ...]
    attributes: dict[str, str]


class CoordinateWriter:
    """Writes coordinates into one open file; the caller holds the lock.

    Parameters
    ----------
    file : netCDF4.Dataset
    """

    def __init__(self, file: netCDF4.Dataset) -> None:
        self._file = file
        self._written: dict[str, tuple[Any, ...]] = {}  # coordinate -> what it was made of

    def write(self, data: xr.DataArray, place: Place, order: tuple[str, ...]) -> Written:
        """Write those of a raster, or find the same ones of another; `order` is that of its dimensions."""
        dims = tuple(self._dimension(dim, data, place) for dim in order)
        named = self._auxiliaries(data, dict(zip(order, dims, strict=True)))
        if isinstance(place.grid, CurvilinearGrid):
            named += self._cells(data, place, place.grid, dims[-2:])
        attributes = {"grid_mapping": self._coordinate(CRS_COORDINATE, (), np.int32(0), crs_attributes(place.grid))}
        return Written(dims, attributes | ({"coordinates": " ".join(named)} if named else {}))

    def _dimension(self, dim: str, data: xr.DataArray, place: Place) -> str:
        if dim == place.time:
            numbers, attributes = _time_axis(data, dim).to_numbers()
            return self._coordinate("time", ("time",), numbers, attributes)
        if dim in (place.y, place.x):
            if isinstance(place.grid, SeparableGrid):
                return self._place_coordinate(dim, data, place, place.grid)
            return self._bare_dimension("y" if dim == place.y else "x", data.sizes[dim])
        if dim not in data.coords:
            return self._coordinate(dim, (dim,), np.arange(data.sizes[dim]), {})
        found = data.coords[dim]
        if found.dtype.kind not in "iuf":
            raise RasterError(f"the dimension {dim!r} has coordinates of type {found.dtype}, not numbers")
        return self._coordinate(dim, (dim,), found.values, kept_attributes(found.attrs))

    def _place_coordinate(self, dim: str, data: xr.DataArray, place: Place, grid: SeparableGrid) -> str:
        number = 0 if dim == place.y else 1
        attributes = axis_attributes(grid)[number]
        standard = attributes["standard_name"]
        name = standard if "itude" in standard else "yx"[number]
        centres, bounds = ((grid.ys, grid.y_bounds), (grid.xs, grid.x_bounds))[number]
        values = _numbers_of(data, dim, centres, bounds)
        if isinstance(grid, Grid) and values.size > 1:
            return self._coordinate(name, (name,), values, attributes)
        written = self._coordinate(name, (name,), values, attributes, key=(bounds.tobytes(),))
        self._bounds(written, (written,), bounds, "bnds")
        return written

    def _bounds(self, name: str, dims: tuple[str, ...], edges: npt.NDArray[Any], each: str) -> None:
        """Write the edges of a coordinate's cells, unless they are there."""
        variable = self._file.variables[name]
        if "bounds" not in variable.ncattrs():
            if each not in self._file.dimensions:
                self._file.createDimension(each, edges.shape[-1])
            variable.bounds = f"{name}_bnds"
            self._file.createVariable(variable.bounds, "f8", (*dims, each))[:] = edges

    def _bare_dimension(self, name: str, size: int) -> str:
        """Make a dimension without a coordinate, or find one of its size."""
        free, count = name, 1
        while free in self._file.variables or free in self._file.dimensions:
            if free not in self._file.variables and len(self._file.dimensions[free]) == size:
                return free
            count += 1
            free = f"{name}_{count}"
        self._file.createDimension(free, size)
        return free

    def _cells(self, data: xr.DataArray, place: Place, grid: CurvilinearGrid, dims: tuple[str, ...]) -> list[str]:
        """Write the longitudes and latitudes of cells, and their corners where these are known."""
        written = []
        for number, (name, attributes) in enumerate(cell_attributes().items()):
            found = data.coords[place.cells[number]]
            values = found.transpose(place.y, place.x).values
            corners = None if grid.corners is None else grid.corners[number]
            key = () if corners is None else (corners.tobytes(),)
            written.append(self._coordinate(name, dims, values, attributes, key=key))
            if corners is not None:
                self._bounds(written[-1], dims, corners, "nv")
        return written

    def _auxiliaries(self, data: xr.DataArray, dims: Mapping[str, str]) -> list[str]:
        """Write what else is known: the time that was taken, a height, the forecast period of each step.

        `dims` are the dimensions of the raster and what they are called in the file.
        """
        names = []
        for name, found in data.coords.items():
            if (
                name in data.dims
                or not NAME.fullmatch(str(name))
                or {"grid_mapping_name", "crs_wkt"} & found.attrs.keys()
            ):
                continue
            # One along a dimension that has none of its own is that dimension's, and written with it.
            if found.ndim > 1 or any(dim not in data.coords for dim in found.dims):
                continue
            along = tuple(dims[str(dim)] for dim in found.dims)
            if found.dtype.kind in "iuf":
                names.append(self._coordinate(str(name), along, found.values, kept_attributes(found.attrs)))
            elif found.dtype.kind in "MO":
                try:
                    axis = TimeAxis.from_coordinate(found.variable, str(name))
                except RasterError:
                    continue  # not a time; texts and such are no part of the raster
                numbers, attributes = axis.to_numbers()
                values = numbers if along else numbers[0]
                names.append(self._coordinate(str(name), along, values, attributes | kept_attributes(found.attrs)))
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
        own = dims == (name,)  # the coordinate of a dimension, which goes by its name
        content = (
            np.asarray(values).tobytes(),
            str(values.dtype),
            repr(sorted(attributes.items())),
            len(dims) if own else dims,
            key,
        )
        free, count = name, 1
        while free in self._file.variables or free in self._file.dimensions:
            if self._written.get(free) == content:
                return free
            count += 1
            free = f"{name}_{count}"
        if own:
            self._file.createDimension(free, values.size)
        fill = np.nan if len(dims) > 1 and values.dtype.kind == "f" else False
        variable = self._file.createVariable(free, values.dtype, (free,) if own else dims, fill_value=fill)
        variable[...] = values
        variable.setncatts(dict(attributes))
        self._written[free] = content
        return free


def _time_axis(data: xr.DataArray, dim: str) -> TimeAxis:
    found = data.coords.get(dim)
    if found is None:
        found = next(coordinate for coordinate in data.coords.values() if coordinate.dims == (dim,))
    return TimeAxis.from_coordinate(found.variable, dim)


def _numbers_of(data: xr.DataArray, dim: str, centres: npt.NDArray[Any], bounds: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return the coordinate's own numbers where they are the grid's, so that arithmetic with the original aligns."""
    if dim in data.coords:
        found = np.asarray(data.coords[dim].values)
        widths = np.abs(np.diff(bounds))[:, 0]
        if found.dtype.kind in "iuf" and (np.abs(found - centres) <= widths * 1e-2).all():
            return found
    return centres


def kept_attributes(attributes: Mapping[Any, Any]) -> dict[str, Any]:
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
