"""Python values to the JSON of a job's inputs, and the JSON of its outputs to Python values.

Objects of numpy, xarray, pandas, cftime, shapely, geopandas and pyproj are told by what they can do: none of these is
imported here.
"""

import math
import os
from collections.abc import Iterable, Mapping, Set
from datetime import date, datetime
from enum import Enum
from typing import Any

from geojobs_lab.colors import Color
from geojobs_lab.documents import JobDocument, ServiceReference, format_time, load_json
from geojobs_lab.errors import InvalidInput

VARIABLE = "data"
"""The variable of every service that a job's raster output is published as."""


class RasterOutput(str):
    """The name of the service that holds a raster output, or the rasters of a data set, as the server gives it.

    Handed to another job as an input it becomes the reference ``service://<name>``.
    """

    __slots__ = ()

    @property
    def reference(self) -> ServiceReference:
        """The reference to the raster, or to the data set."""
        return ServiceReference(str(self))


def read_outputs(document: JobDocument) -> dict[str, Any]:
    """Return a job's outputs by name, rasters as `RasterOutput`, several rasters as a list of them."""
    values: dict[str, Any] = load_json(document.outputs)
    return {name: _read_output(value, f"{document.uuid}/{name}") for name, value in values.items()}


def _read_output(value: Any, service: str) -> Any:
    if value == service:
        return RasterOutput(value)
    if isinstance(value, list) and value and value == [f"{service}/{number}" for number in range(len(value))]:
        return [RasterOutput(name) for name in value]
    return value


def rasters_in(outputs: Mapping[str, Any]) -> dict[str, RasterOutput]:
    """Return all rasters among outputs by the names that they go by: those of a list as ``cells/0``, ``cells/1``."""
    rasters: dict[str, RasterOutput] = {}
    for name, value in outputs.items():
        if isinstance(value, RasterOutput):
            rasters[name] = value
        elif isinstance(value, list):
            found = enumerate(value)
            rasters |= {f"{name}/{number}": item for number, item in found if isinstance(item, RasterOutput)}
    return rasters


def is_stored_array(value: object) -> bool:
    """Tell whether an output's value stands for an array that is kept as a file."""
    return isinstance(value, Mapping) and value.keys() == {"href", "shape", "dtype"}


def to_json(value: Any, name: str) -> Any:
    """Return the JSON value of one input.

    Parameters
    ----------
    value : object
        Plain values, numpy scalars and arrays (missing elements become null), dates and times (ISO 8601),
        references to services: a `Service`, a `Job` with one raster, an output of a job, a `ServiceReference`;
        geometries and GeoDataFrames (GeoJSON, the latter in longitude and latitude), a `pyproj.CRS`, a `Color`,
        members of an `Enum`; lists and mappings of these.
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
    if hasattr(value, "__geo_interface__"):
        return _features(value, name)
    if hasattr(value, "to_authority"):  # a CRS of pyproj's or rasterio's
        return _crs(value)
    match value:
        case None | bool():
            return value
        case int():
            return int(value)
        case str():
            return _text(str.__str__(value), name)  # members of enumerations as what they are made of
        case float():
            return _finite(float(value), name)
        case Enum():
            return to_json(value.value, name)
        case ServiceReference():
            return str(value)
        case Color():
            return value.to_hex()
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


def _features(value: Any, name: str) -> Any:
    """Return what geometries and features say of themselves, in the CRS of GeoJSON where they know theirs."""
    if getattr(value, "crs", None) is not None and hasattr(value, "to_crs"):
        value = value.to_crs("EPSG:4326")
    return _missing_to_null(value.__geo_interface__, name)


def _missing_to_null(value: Any, name: str) -> Any:
    """Return GeoJSON in which attributes that are missing, NaN in a table, are null."""
    match value:
        case Mapping():
            return {_key(key, name): _missing_to_null(item, name) for key, item in value.items() if key != "bbox"}
        case list() | tuple():
            return [_missing_to_null(item, name) for item in value]
        case float() if math.isnan(value):
            return None
    return to_json(value, name)


def _crs(value: Any) -> str:
    """Return ``EPSG:3857`` where an authority's code means the same CRS, and WKT otherwise."""
    text = ":".join(value.to_authority() or ())
    try:
        same = bool(text) and type(value).from_user_input(text) == value
    except ValueError:
        same = False
    return text if same else str(value.to_wkt())


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
