"""Python values to the JSON of a job's inputs, and the JSON of its outputs to Python values.

numpy, xarray, pandas and cftime objects are told by what they can do: none of these is imported here.
"""

import math
import os
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime
from typing import Any

from geojobs_lab.documents import JobDocument, ServiceReference, format_time, load_json
from geojobs_lab.errors import InvalidInput

VARIABLE = "data"
"""The variable of every service that a job's raster output is published as."""


class RasterOutput(str):
    """The name of the service that holds a raster output, as the server gives it.

    Handed to another job as an input it becomes the reference ``service://<name>:data``.
    """

    __slots__ = ()

    @property
    def reference(self) -> ServiceReference:
        """The reference to the raster."""
        return ServiceReference(str(self), VARIABLE)


def read_outputs(document: JobDocument) -> dict[str, Any]:
    """Return a job's outputs by name, rasters as `RasterOutput`."""
    values: dict[str, Any] = load_json(document.outputs)
    return {
        name: RasterOutput(value) if value == f"{document.uuid}/{name}" else value for name, value in values.items()
    }


def is_stored_array(value: object) -> bool:
    """Tell whether an output's value stands for an array that is kept as a file."""
    return isinstance(value, Mapping) and value.keys() == {"href", "shape", "dtype"}


def to_json(value: Any, name: str) -> Any:
    """Return the JSON value of one input.

    Parameters
    ----------
    value : object
        Plain values, numpy scalars and arrays (missing elements become null), dates and times (ISO 8601),
        references to services: a `Service`, an output of a job, a `ServiceReference`; lists and mappings of these.
    name : str
        The input, for the message.

    Raises
    ------
    InvalidInput
        The value has no JSON form: NaN, an infinity, a raster that only this process has, an unknown type.
    """
    if hasattr(value, "dims") and getattr(value, "ndim", 1) != 0:  # a DataArray or a Dataset
        raise InvalidInput(
            f"inputs: {name!r} is a raster that only this process has: give client.publish(raster, name=...), or its "
            ".values where the job takes a plain array",
            value=value,
        )
    reference = getattr(value, "reference", None)
    if reference is not None:
        return str(reference() if callable(reference) else reference)
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case str():
            return _text(str.__str__(value), name)  # members of enumerations as what they are made of
        case float():
            return _finite(float(value), name)
        case ServiceReference():
            return str(value)
        case datetime():
            return format_time(value) if value.tzinfo else value.isoformat()
        case date():
            return value.isoformat()
        case os.PathLike():
            return to_json(os.fspath(value), name)
        case Mapping():
            return {_key(key, name): to_json(item, name) for key, item in value.items()}
    array = value.to_numpy() if hasattr(value, "to_numpy") else value
    if hasattr(array, "tolist"):
        is_time = getattr(getattr(array, "dtype", None), "kind", "") == "M"  # numpy writes these itself
        elements = (array.astype(str) if is_time else array).tolist()
        return _elements(elements, name) if isinstance(elements, list) else to_json(elements, name)
    if hasattr(value, "isoformat"):  # cftime's dates, in their own calendar
        return value.isoformat()
    if isinstance(value, Iterable) and not isinstance(value, Set | bytes | bytearray | memoryview):
        return [to_json(item, name) for item in value]
    raise InvalidInput(
        f"inputs: {name!r} is a {type(value).__name__}, which has no JSON form: {value!r:.80}", value=value
    )


def _text(value: str, name: str) -> str:
    try:
        value.encode()
    except UnicodeEncodeError:
        raise InvalidInput(
            f"inputs: {name!r} is {value!a}, which holds half a character (a lone surrogate) and is not JSON",
            value=value,
        ) from None
    return value


def _finite(value: float, name: str) -> float:
    if not math.isfinite(value):
        raise InvalidInput(f"inputs: {name!r} holds {value}, which is not JSON; a missing value is None", value=value)
    return value


def _elements(value: Any, name: str) -> Any:
    """Return an array's elements; a NaN among them is a missing value."""
    if isinstance(value, list):
        return [_elements(item, name) for item in value]
    return None if isinstance(value, float) and math.isnan(value) else to_json(value, name)


def _key(key: object, name: str) -> str:
    if not isinstance(key, str):
        raise InvalidInput(f"inputs: {name!r} has the key {key!r}; JSON wants texts", value=key)
    return key
