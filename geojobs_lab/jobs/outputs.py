"""Turning what a task returned into JSON, or into a file where it is too large for that."""

import datetime
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import RunError

LARGEST_LIST = 10_000  # elements of an array that is still sent as a nested list


def to_json(value: object, name: str, folder: Path, href: str) -> Any:
    """Return a JSON value for an output.

    Parameters
    ----------
    value : object
        What the task returned. Arrays of up to 10 000 elements become nested lists in which masked and NaN elements
        are null; larger ones become ``<folder>/<name>.npy`` and a document with ``href``, ``shape``, ``dtype``.
    name : str
        The output's name.
    folder : Path
        The job's folder; made when a file is written.
    href : str
        The folder's URL, without a slash at the end.

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
        case np.generic():
            return to_json(value.item(), name, folder, href)
        case xr.DataArray():
            return _array(value.to_numpy(), name, folder, href)
        case np.ndarray():
            return _array(value, name, folder, href)
        case datetime.date():
            return value.isoformat()
        case Mapping():
            return {str(key): to_json(item, f"{name}.{key}", folder, href) for key, item in value.items()}
        case list() | tuple():
            return [to_json(item, f"{name}.{number}", folder, href) for number, item in enumerate(value)]
        case _:
            raise RunError(f"output {name!r}: a {type(value).__name__} has no JSON form")


def _array(array: npt.NDArray[Any], name: str, folder: Path, href: str) -> Any:
    if array.dtype.kind in "OVc":
        raise RunError(f"output {name!r}: an array of {array.dtype} has no JSON form")
    if array.dtype.kind in "mM":
        array = array.astype(str)
    if array.size <= LARGEST_LIST:
        return _list(array.tolist())  # masked elements are None in it
    if np.ma.isMaskedArray(array):
        array = np.ma.filled(array if array.dtype.kind == "f" else array.astype(float), np.nan)
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    part = folder / f".{name}.npy.part"
    with part.open("wb") as file:
        np.save(file, array, allow_pickle=False)
    part.replace(folder / f"{name}.npy")
    return {"href": f"{href}/{name}.npy", "shape": list(array.shape), "dtype": str(array.dtype)}


def _list(value: Any) -> Any:
    if isinstance(value, list):
        return [_list(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
