"""The kinds whose values are rasters and arrays, given whole or as a reference to published data.

A reference stays a reference until the run: cleaning opens nothing, `resolve` does.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidReference, ParameterNotValidError
from geojobs_lab.parameters.base import Parameter, is_instance

if TYPE_CHECKING:
    import xarray as xr

_REFERENCE_TEXT = "'service://name:variable@time'"
_REFERENCE_SCHEMA = {"type": "string", "pattern": "^service://"}


class RasterParameter(Parameter):
    """Accepts a raster: an `xarray.DataArray` that knows its place, or a reference to published data.

    The unit of an input is not checked; an output that has no ``units`` gets that of the parameter.
    """

    id = "raster"
    wanted = f"a raster: a reference like {_REFERENCE_TEXT} or an xarray.DataArray with coordinates"

    def clean(self, value: Any) -> Any:
        """Return the DataArray or the `ServiceReference`, or raise ParameterNotValidError."""
        if is_instance(value, "xarray", "DataArray"):
            return value
        return read_reference(self, value)

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output as a raster with its unit; a bare array takes the grid of `like`.

        Raises
        ------
        RasterError
            The array has no place, and cannot take that of `like`.
        """
        if not is_instance(value, "xarray", "DataArray") and not is_instance(value, "numpy", "ndarray"):
            return value  # `clean` says what is wrong with it

        from geojobs_lab.rasters import as_raster

        raster = as_raster(value, like)
        return raster if self.unit is None or "units" in raster.attrs else raster.assign_attrs(units=self.unit)

    def _schema(self) -> dict[str, Any]:
        return dict(_REFERENCE_SCHEMA)


class NdArrayParameter(Parameter):
    """Accepts an array of numbers: a numpy array, nested lists (null is a missing number), or a reference.

    What a reference points at comes as an `xarray.DataArray`: it computes like an array and knows its place.
    """

    id = "array"
    wanted = f"an array of numbers: nested lists of equal lengths, or a reference like {_REFERENCE_TEXT}"

    def clean(self, value: Any) -> Any:
        """Return the array, the DataArray or the `ServiceReference`, or raise ParameterNotValidError."""
        if is_instance(value, "xarray", "DataArray") or is_instance(value, "numpy", "ndarray"):
            return value if value.dtype.kind in "biufc" else self.refuse(value, f"its type is {value.dtype}")
        if isinstance(value, list | tuple):
            return self._from_list(value)
        return read_reference(self, value)

    def _from_list(self, value: list[Any] | tuple[Any, ...]) -> Any:
        import numpy as np

        try:
            array = np.array(value)
            if array.dtype.kind == "O":  # null among the numbers, which a float array reads as NaN
                array = np.array(value, dtype=float)
        except (ValueError, TypeError, OverflowError):
            self.refuse(value)
        return array if array.dtype.kind in "biufc" else self.refuse(value)

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [{"type": "array"}, dict(_REFERENCE_SCHEMA)]}


def read_reference(parameter: Parameter, value: Any) -> ServiceReference:
    """Return the reference that `value` is or says, or raise ParameterNotValidError in the name of `parameter`."""
    if isinstance(value, ServiceReference):
        return value
    if not ServiceReference.is_reference(value):
        parameter.refuse(value)
    try:
        return ServiceReference.parse(value)
    except InvalidReference as error:
        raise ParameterNotValidError(f"{parameter.name}: {error}", parameter=parameter.name, value=value) from error
