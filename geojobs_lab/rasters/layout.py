"""How a variable lies in a file: its dimensions, its type and its chunks."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import netCDF4
import numpy as np

from geojobs_lab.rasters.chunks import CHUNK, DEFLATE


@dataclass(frozen=True, slots=True)
class Layout:
    """A variable with rows and columns, before it is made.

    Attributes
    ----------
    name : str
    dims : tuple of str
    shape : tuple of int
    y, x : int
        Which of the dimensions are rows and columns.
    dtype : dtype
        As stored.
    """

    name: str
    dims: tuple[str, ...]
    shape: tuple[int, ...]
    y: int
    x: int
    dtype: np.dtype[Any]

    @property
    def grid_shape(self) -> tuple[int, int]:
        """(ny, nx)."""
        return self.shape[self.y], self.shape[self.x]

    @property
    def chunks(self) -> tuple[int, ...]:
        """256 x 256 cells of one layer, or what there is: HDF5 allows no chunk larger than the variable."""
        return tuple(min(CHUNK, size) if axis in (self.y, self.x) else 1 for axis, size in enumerate(self.shape))

    def smaller(self, factor: int, dtype: np.dtype[Any]) -> "Layout":
        """Return the layout of an overview; its dimensions have names of their own, as xarray compares sizes."""
        dims, shape = list(self.dims), list(self.shape)
        for axis in (self.y, self.x):
            dims[axis] = f"{dims[axis]}_by_{factor}"
            shape[axis] = -(-shape[axis] // factor)
        return replace(self, dims=tuple(dims), shape=tuple(shape), dtype=dtype)

    def place(self, layer: Sequence[int], row: int, col: int) -> tuple[int, ...]:
        """Return the position of a cell: `layer` is that in the other dimensions, in their order."""
        others = iter(layer)
        here = {self.y: row, self.x: col}
        return tuple(here[axis] if axis in here else next(others) for axis in range(len(self.dims)))


def create_variable(group: Any, layout: Layout, fill: Any) -> "netCDF4.Variable[Any]":
    """Create a variable in a group of a netCDF4 file: chunked, shuffled, deflated; `fill` False for none."""
    variable: netCDF4.Variable[Any] = group.createVariable(
        layout.name,
        layout.dtype,
        layout.dims,
        zlib=True,
        complevel=DEFLATE,
        shuffle=True,
        chunksizes=layout.chunks,
        fill_value=fill,
    )
    variable.set_auto_maskandscale(False)
    return variable
