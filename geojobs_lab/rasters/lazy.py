"""Cells of a file as a lazy variable of xarray: unpacked by our own rules whenever a part of them is asked for."""

from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from geojobs_lab.rasters.packing import unpack, unpacked_dtype
from geojobs_lab.rasters.variables import VariableInfo

_OF_STORAGE = (  # attributes that do not speak of the unpacked numbers
    "_FillValue", "_Unsigned", "add_offset", "coordinates", "dtype", "grid_mapping", "missing_value", "scale_factor",
    "valid_max", "valid_min", "valid_range",
)  # fmt: skip


class _Cells(BackendArray):
    """What xarray reads a part of when it has to."""

    def __init__(self, stored: xr.Variable, info: VariableInfo) -> None:
        self._stored, self._attributes = stored, info.attributes
        self._is_bool = info.attributes.get("dtype") == "bool" and stored.dtype.itemsize == 1
        self.shape = stored.shape
        self.dtype = np.dtype(bool) if self._is_bool else unpacked_dtype(stored.dtype, info.attributes)

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.OUTER, self._read)

    def _read(self, key: tuple[Any, ...]) -> npt.NDArray[Any]:
        values = unpack(np.asarray(self._stored[key].values), self._attributes)
        return values.astype(bool) if self._is_bool else values


def lazy_variable(stored: xr.Variable, info: VariableInfo) -> xr.Variable:
    """Return a variable as it is meant, from one as it is stored; nothing is read.

    How it was stored is in its ``encoding``, as xarray has it.
    """
    encoding = {**stored.encoding, "dtype": stored.dtype}
    encoding |= {key: info.attributes[key] for key in _OF_STORAGE if key in info.attributes and key != "dtype"}
    attributes = {key: value for key, value in stored.attrs.items() if key not in _OF_STORAGE}
    return xr.Variable(stored.dims, indexing.LazilyIndexedArray(_Cells(stored, info)), attributes, encoding)
