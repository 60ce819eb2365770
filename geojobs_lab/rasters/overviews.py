"""Overviews: which a variable gets, and where they lie in a NetCDF-4 file.

``/overviews/<method>/<factor>/<variable>`` is the variable with `factor` x `factor` cells in one, the last row and
column holding what is left. They are made so that a picture of a whole raster need not read all of it. Owns the names
and the layout; the numbers are `reducing`'s, the making is `pyramid`'s.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np

from geojobs_lab.rasters.chunks import CHUNK
from geojobs_lab.rasters.layout import Layout, create_variable
from geojobs_lab.rasters.variables import VariableInfo

GROUP = "overviews"
MEAN, MODE = "mean", "mode"
_FLAGS = {"flag_values", "flag_meanings", "flag_masks"}
_TOLD = {"units", "long_name", "standard_name"}  # that stay true of means
_PACKING = {"_FillValue", "_Unsigned", "add_offset", "dtype", "missing_value", "scale_factor"}
_LIMITS = {"valid_max", "valid_min", "valid_range"}  # of stored numbers
_COMMENTS = {
    MEAN: "means of the cells that have data",
    MODE: "the most frequent values of the cells that have data",
}


@dataclass(frozen=True, slots=True)
class StoredLayer:
    """Where the numbers of a variable lie at one level.

    Attributes
    ----------
    path : Path
        The file.
    dataset : str
        The path in it, ``"/overviews/mean/4/data"``.
    dims : tuple of str
        Those of the variable itself.
    shape : tuple of int
        In the order of `dims`.
    attributes : Mapping
        How the numbers are packed.
    """

    path: Path
    dataset: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    attributes: Mapping[str, Any]


def factors(shape: tuple[int, int]) -> tuple[int, ...]:
    """Return 2, 4, 8 … until both sides of a grid of that shape are 256 cells at most."""
    found, factor = [], 1
    while -(-max(shape) // factor) > CHUNK:
        factor *= 2
        found.append(factor)
    return tuple(found)


def methods(stored: np.dtype[Any], attributes: Mapping[str, Any], *, is_classes: bool = False) -> tuple[str, ...]:
    """Return the methods by which a variable is made smaller.

    Quantities become means, classes the most frequent one, and other integers, of which nobody tells which they are,
    both.

    Parameters
    ----------
    stored : dtype
    attributes : Mapping
        The variable's.
    is_classes : bool
        It is drawn by a colour for each value.
    """
    has_flags = bool(_FLAGS & attributes.keys())
    is_packed = bool({"scale_factor", "add_offset"} & attributes.keys())
    if stored.kind == "f" or is_packed:
        return (MEAN, MODE) if is_classes or has_flags else (MEAN,)
    return (MODE,) if has_flags or attributes.get("dtype") == "bool" else (MEAN, MODE)


def location(method: str, factor: int, variable: str) -> str:
    """Return the path of an overview in the file."""
    return f"/{GROUP}/{method}/{factor}/{variable}"


def find(file: netCDF4.Dataset, info: VariableInfo, method: str) -> dict[int, tuple[Any, ...]]:
    """Return the overviews of a variable in a file: factor -> what a `StoredLayer` has beside the path.

    The caller holds the lock. What does not fit the variable is left out.
    """
    groups: Any = file.groups.get(GROUP)
    found: dict[int, tuple[Any, ...]] = {}
    for name, group in groups.groups[method].groups.items() if groups and method in groups.groups else ():
        variable = group.variables.get(info.name)
        if variable is None or not name.isdigit():
            continue
        factor = int(name)
        sides = (info.y_dim, info.x_dim)
        shape = tuple(
            -(-size // factor) if dim in sides else size for dim, size in zip(info.dims, info.shape, strict=True)
        )
        if variable.shape == shape and factor > 1:
            attributes = {key: variable.getncattr(key) for key in variable.ncattrs()}
            found[factor] = (location(method, factor, info.name), info.dims, shape, attributes)
    return found


def stored_type(method: str, stored: np.dtype[Any]) -> np.dtype[Any]:
    """Return the type of an overview of a variable of some type: means of float64 are float64, all others float32."""
    if method == MODE:
        return stored.newbyteorder("=")
    return np.dtype(np.float64 if stored.kind == "f" and stored.itemsize == 8 else np.float32)


def define(file: netCDF4.Dataset, layout: Layout, attributes: Mapping[str, Any], chosen: Collection[str]) -> None:
    """Define the overviews of a variable, without their numbers; the caller holds the lock.

    Parameters
    ----------
    file : netCDF4.Dataset
        Its root has the dimensions other than rows and columns.
    layout : Layout
        Of the variable itself.
    attributes : Mapping
        Of the variable itself.
    chosen : collection of str
        The methods.
    """
    for method in chosen:
        dtype = stored_type(method, layout.dtype)
        kept = _TOLD | _PACKING | _LIMITS | _FLAGS if method == MODE else _TOLD
        told = {key: value for key, value in attributes.items() if key in kept}
        if method == MEAN:
            told["_FillValue"] = np.nan
        fill = told.pop("_FillValue", None)
        for factor in factors(layout.grid_shape):
            smaller = layout.smaller(factor, dtype)
            group = _group(file, method, factor)
            for axis in (layout.y, layout.x):
                if smaller.dims[axis] not in group.dimensions:
                    group.createDimension(smaller.dims[axis], smaller.shape[axis])
            create_variable(group, smaller, False if fill is None else dtype.type(fill)).setncatts(told)
            # GDAL opens a file with one raster at once: variables that are coordinates of others are none to it.
            group.variables["factor"].coordinates = " ".join(key for key in group.variables if key != "factor")


def _group(file: netCDF4.Dataset, method: str, factor: int) -> Any:
    if GROUP not in file.groups:
        top: Any = file.createGroup(GROUP)
        top.title = "Overviews"
        top.comment = "The variables of the root group with fewer and larger cells, made for drawing them fast."
    group: Any = file.createGroup(f"{GROUP}/{method}/{factor}")
    if "factor" not in group.variables:
        group.comment = f"{factor} x {factor} cells in one: {_COMMENTS[method]}."
        mark = group.createVariable("factor", "i4", ())
        mark.long_name = "cells along y and along x that are one cell here"
        mark.assignValue(factor)
    return group
