"""Publishing a raster: the NetCDF file that a service is made of, and what it says of itself.

The file is written by whoever computed the raster; the catalogue's row is written by the server.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import xarray as xr

VARIABLE = "data"  # what a published result's variable is called
_PREFIX = "geojobs_"


def publish_raster(
    data: xr.DataArray, path: str | os.PathLike[str], *, title: str, provenance: Mapping[str, str]
) -> dict[str, Any]:
    """Write a raster as variable ``data`` of a new NetCDF file.

    Parameters
    ----------
    data : DataArray
        Its own name is kept in the attribute ``source_name``.
    path : path
        Appears whole, or not at all.
    title : str
    provenance : Mapping
        ``job``, ``uuid``, ``inputs`` (a JSON text), ``version``, ``created``: each becomes the global attribute
        ``geojobs_<key>`` (keys that begin so already are taken as they are), and the ``history`` tells of them.

    Returns
    -------
    dict
        What `geojobs_lab.rasters.RasterFile.describe` says of the file written.

    Raises
    ------
    RasterError
        The raster has no place, or holds no numbers.
    """
    from geojobs_lab.rasters import RasterFile, write_raster  # xarray takes a second to load

    facts = {key.removeprefix(_PREFIX): str(value) for key, value in provenance.items() if key != "history"}
    attributes = {
        "title": title,
        "history": provenance.get("history") or _history(facts),
        **{_PREFIX + key: value for key, value in facts.items()},
    }
    named = data.assign_attrs(source_name=str(data.name)) if data.name not in (None, VARIABLE) else data
    write_raster(path, {VARIABLE: named}, attributes)
    with RasterFile(path) as file:
        return file.describe()


def _history(facts: Mapping[str, str]) -> str:
    program = " ".join(["geojobs_lab", *([facts["version"]] if "version" in facts else [])])
    job = f"job {facts['job']}" if "job" in facts else "a job"
    uuid = f" ({facts['uuid']})" if "uuid" in facts else ""
    return " ".join([*([facts["created"]] if "created" in facts else []), f"{program}: {job}{uuid}"])
