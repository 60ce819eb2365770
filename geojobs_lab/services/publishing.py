"""Publishing rasters: the NetCDF file that a service is made of, and what it says of itself.

The file is written by whoever computed the raster; the catalogue's row is written by the server.
"""

from __future__ import annotations

import logging
import os
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.services.traces import to_disk

if TYPE_CHECKING:
    import xarray as xr

VARIABLE = "data"  # what a published result's variable is called
_PREFIX = "geojobs_"
_ATTRIBUTE = re.compile(r"[^\W].*[^\s]|[^\W]", re.DOTALL)  # begins with a letter, digit or _; no blank at its end
_RESERVED = {"CLASS", "DIMENSION_LIST", "NAME", "REFERENCE_LIST", "_NCProperties"}  # of HDF5 and netCDF themselves

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Written:
    """What is known of a file that has been written.

    Attributes
    ----------
    info : dict
        What `geojobs_lab.rasters.RasterFile.describe` says of it.
    limits : dict
        Variable name -> the least and the greatest finite value, None where there is none.
    """

    info: dict[str, Any]
    limits: dict[str, tuple[float, float] | None]


def alone(data: xr.DataArray) -> dict[str, xr.DataArray]:
    """Return a raster as the only variable of a file, ``data``; its own name is kept as ``source_name``."""
    return {VARIABLE: data.assign_attrs(source_name=str(data.name)) if data.name not in (None, VARIABLE) else data}


def publish_rasters(
    rasters: Mapping[str, xr.DataArray],
    path: str | os.PathLike[str],
    *,
    title: str,
    provenance: Mapping[str, str],
    attributes: Mapping[Any, Any] | None = None,
    classes: Collection[str] = (),
) -> Written:
    """Write rasters as variables of a new NetCDF file, with their overviews.

    Parameters
    ----------
    rasters : Mapping
        Variable name -> raster. Of their attributes and coordinates is kept what NetCDF can hold.
    path : path
        Appears whole, or not at all; when this returns it is on the disk.
    title : str
    provenance : Mapping
        ``job``, ``uuid``, ``inputs`` (a JSON text), ``version``, ``created``: each becomes the global attribute
        ``geojobs_<key>`` (keys that begin so already are taken as they are), and the ``history`` tells of them.
    attributes : Mapping, optional
        More global attributes, such as those of the data set that the rasters come from.
    classes : collection of str
        The variables that are drawn by a colour for each value.

    Raises
    ------
    RasterError
        A raster has no place, or holds no numbers.
    """
    from geojobs_lab.rasters import RasterFile, write_raster  # xarray takes a second to load

    facts = {key.removeprefix(_PREFIX): str(value) for key, value in provenance.items() if key != "history"}
    own = {key: value for key, value in (attributes or {}).items() if isinstance(value, str)}
    texts = {
        **{key: value for key, value in own.items() if key not in ("Conventions", "history")},
        "title": title,
        "history": provenance.get("history") or _history(facts),
        **{_PREFIX + key: value for key, value in facts.items()},
    }
    held = {name: _with_holdable(data, name) for name, data in rasters.items()}
    limits = write_raster(path, held, holdable(texts, "the file"), classes=classes)
    to_disk(Path(path))
    with RasterFile(path) as file:
        return Written(file.describe(), limits)


def rasters_of(dataset: xr.Dataset) -> dict[str, xr.DataArray]:
    """Return the variables of a data set that have a place on the Earth; the log tells of others and why.

    Raises
    ------
    RasterError
        There is none.
    """
    from geojobs_lab.errors import RasterError
    from geojobs_lab.rasters import Grid

    mappings = {found: set(data.dims[-2:]) for data in dataset.values() if (found := _mapping_of(data)) is not None}
    dataset = dataset.set_coords([name for name in dataset if name in mappings])  # xarray reads them as data
    helpers = {found.attrs.get("bounds", found.encoding.get("bounds")) for found in dataset.variables.values()}
    rasters, reasons = {}, []
    for name, data in dataset.items():
        if name in helpers:
            continue
        foreign = [other for other, dims in mappings.items() if other in data.coords and not dims & {*data.dims[-2:]}]
        data = data.drop_vars(foreign)  # a data set shows the CRS of each of its rasters to all of them
        try:
            Grid.from_array(data)
        except RasterError as error:
            reasons.append(str(error))
        else:
            rasters[str(name)] = data
    for reason in reasons:
        _log.warning("Left out of what is published: %s", reason)
    if not rasters:
        raise RasterError(f"the data set holds no raster ({'; '.join(reasons) or 'it has no variables'})")
    return rasters


def _mapping_of(data: xr.DataArray) -> str | None:
    found: str | None = data.encoding.get("grid_mapping") or data.attrs.get("grid_mapping")
    return found


def _with_holdable(data: xr.DataArray, name: str) -> xr.DataArray:
    data = data.copy(deep=False)
    data.attrs = holdable(data.attrs, name)
    coordinates = {
        key: found.assign_attrs() for key, found in data.coords.items() if holdable(found.attrs, "") != found.attrs
    }
    for key, found in coordinates.items():
        found.attrs = holdable(found.attrs, str(key))
    return data.assign_coords(coordinates) if coordinates else data


def holdable(attributes: Mapping[Any, Any], where: str) -> dict[str, Any]:
    """Return attributes without names and characters that NetCDF cannot hold; the log tells what was changed.

    Half a character, as in the name of a file that is no UTF-8, becomes a ``?``.
    """
    kept: dict[str, Any] = {}
    for name, value in attributes.items():
        if not isinstance(name, str) or not _ATTRIBUTE.fullmatch(name) or not _is_text(name) or name in _RESERVED:
            if where:
                _log.warning("The attribute %a of %s is left out: NetCDF cannot hold the name", name, where)
        elif isinstance(value, str) and not _is_text(value):
            if where:
                _log.warning("The attribute %s of %s is not Unicode and is changed: %a", name, where, value[:100])
            kept[name] = value.encode(errors="replace").decode().replace("\0", "?")
        else:
            kept[name] = value
    return kept


def _is_text(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return "\0" not in value  # where texts end in C


def _history(facts: Mapping[str, str]) -> str:
    program = " ".join(["geojobs_lab", *([facts["version"]] if "version" in facts else [])])
    job = f"job {facts['job']}" if "job" in facts else "a job"
    uuid = f" ({facts['uuid']})" if "uuid" in facts else ""
    return " ".join([*([facts["created"]] if "created" in facts else []), f"{program}: {job}{uuid}"])
