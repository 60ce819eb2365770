"""Turning what a task returned into JSON, or into a file where it is too large for that."""

import datetime
import math
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.colors import Color
from geojobs_lab.errors import RunError
from geojobs_lab.parameters.base import is_instance
from geojobs_lab.parameters.base import to_json as parameter_json
from geojobs_lab.services.traces import to_disk

LARGEST_LIST = 10_000  # elements of an array that is still sent as a nested list
_UNSAFE = re.compile(r"[^A-Za-z0-9_.\-]")  # in the name of a file that has a URL
_LONGEST_NAME = 100  # characters of a file's name
_SPOKEN = (  # kinds of libraries that may not be loaded, of which the parameters know the JSON
    ("shapely", "Geometry"),
    ("pyproj", "CRS"),
    ("geopandas", "GeoDataFrame"),
)


class ArrayFiles:
    """Where the large arrays of a job go.

    Parameters
    ----------
    folder : Path
        The job's folder; made when the first file is written.
    href : str
        The folder's URL, without a slash at the end.
    """

    def __init__(self, folder: Path, href: str) -> None:
        self._folder = folder
        self._href = href
        self._taken: set[str] = set()

    def write(self, array: npt.NDArray[Any], name: str) -> dict[str, Any]:
        """Write an array to a file of its own and return the document that tells of it."""
        name = self._free(name)
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        part, whole = self._folder / f".{name}.npy.part", self._folder / f"{name}.npy"
        with part.open("wb") as file:
            np.save(file, array, allow_pickle=False)
        part.replace(whole)
        to_disk(whole)
        return {"href": f"{self._href}/{name}.npy", "shape": list(array.shape), "dtype": str(array.dtype)}

    def _free(self, name: str) -> str:
        """Return a name that can stand in a URL and that no other array of the job has."""
        safe = _UNSAFE.sub("_", name)[:_LONGEST_NAME]
        safe = safe if safe[:1].isalnum() or safe[:1] == "_" else f"_{safe}"
        free, number = safe, 1
        while free.lower() in self._taken:  # file systems may not tell cases apart
            number += 1
            free = f"{safe}-{number}"
        self._taken.add(free.lower())
        return free


def to_json(value: object, name: str, files: ArrayFiles) -> Any:
    """Return a JSON value for an output.

    Parameters
    ----------
    value : object
        What the task returned. Arrays of up to 10 000 elements become nested lists in which masked and NaN elements
        are null; larger ones a file and a document with ``href``, ``shape``, ``dtype``. A data set becomes a summary
        of its variables, geometries and GeoDataFrames GeoJSON, dates ISO texts.
    name : str
        The output's name.
    files : ArrayFiles

    Raises
    ------
    RunError
        The value has no JSON form.
    """
    match value:
        case None | bool() | int() | str():
            return value
        case float():
            return value if math.isfinite(value) else None
        case np.datetime64():
            return None if np.isnat(value) else str(value)
        case np.generic() if value.dtype.char in "gG":  # long doubles: there are no Python numbers for them
            return _array(np.asarray(value), name, files)
        case np.generic():
            return to_json(value.item(), name, files)
        case xr.DataArray():
            return _array(value.to_numpy(), name, files)
        case xr.Dataset():
            return _summary(value)
        case np.ndarray():
            return _array(value, name, files)
        case datetime.date() | datetime.time():
            text = value.isoformat()
            return None if text == "NaT" else text  # pandas has a date that is none
        case Color():
            return value.to_hex()
        case Mapping():
            return {str(key): to_json(item, f"{name}.{key}", files) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item, f"{name}.{number}", files) for number, item in enumerate(value)]
    if is_instance(value, "cftime", "datetime"):
        return value.isoformat()  # type: ignore[attr-defined]
    if any(is_instance(value, *kind) for kind in _SPOKEN):
        return to_json(parameter_json(value), name, files)
    raise RunError(f"output {name!r}: a {type(value).__name__} has no JSON form")


def _summary(dataset: xr.Dataset) -> dict[str, Any]:
    """Return what a data set holds, without the numbers."""
    return {
        "dimensions": {str(dim): size for dim, size in dataset.sizes.items()},
        "variables": {
            str(name): {
                "dtype": str(variable.dtype),
                "dimensions": list(map(str, variable.dims)),
                "shape": list(variable.shape),
                "units": str(variable.attrs["units"]) if "units" in variable.attrs else None,
            }
            for name, variable in dataset.items()
        },
    }


def _array(array: npt.NDArray[Any], name: str, files: ArrayFiles) -> Any:
    if array.dtype.kind == "O" and array.size <= LARGEST_LIST:
        return to_json(array.tolist(), name, files)  # dates of other calendars, and such
    if array.dtype.kind in "OSVc":
        raise RunError(f"output {name!r}: an array of {array.dtype} has no JSON form")
    if array.dtype.char == "g":
        array = array.astype(float)
    if array.size > LARGEST_LIST:
        return files.write(_plain(array), name)
    if array.dtype.kind in "mM":
        array = np.ma.masked_where(np.isnat(array), array.astype(str))
    return _list(array.tolist())  # masked elements are None in it


def _plain(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return an array without a mask, and without dates, which few who read the file have."""
    if array.dtype.kind in "mM":
        return np.ma.filled(array, array.dtype.type("NaT")).astype(str)
    if not np.ma.isMaskedArray(array):
        return array
    if array.dtype.kind == "U":
        return np.ma.filled(array, "")
    return np.ma.filled(array if array.dtype.kind == "f" else array.astype(float), np.nan)


def _list(value: Any) -> Any:
    if isinstance(value, list):
        return [_list(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
