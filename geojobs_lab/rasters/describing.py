"""The document that tells what a raster file holds: strict JSON, for the catalogue and the REST API."""

from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.projections import crs_name, epsg_code
from geojobs_lab.rasters.timeaxis import TimeAxis
from geojobs_lab.rasters.variables import VariableInfo

if TYPE_CHECKING:
    from geojobs_lab.rasters.rasterfile import RasterFile


def describe(file: "RasterFile") -> dict[str, Any]:
    """Return title, CRS, extent, variables and what was skipped.

    The CRS and the extent are the first variable's; a variable on another grid carries its own.
    """
    first = next(iter(file.variables.values())).grid
    return {
        "title": file.title,
        **_place_document(first),
        "variables": [_variable_document(info, first) for info in file.variables.values()],
        "skipped": dict(file.skipped),
    }


def _place_document(grid: AnyGrid) -> dict[str, Any]:
    return {
        "crs": {"epsg": epsg_code(grid.crs), "wkt": grid.crs.to_wkt(), "name": crs_name(grid.crs)},
        "extent": list(grid.bounds),
        "lonlat_bounds": list(grid.lonlat_bounds),
    }


def _variable_document(info: VariableInfo, first: AnyGrid) -> dict[str, Any]:
    document = {
        "name": info.name,
        "units": info.units,
        "long_name": info.long_name,
        "standard_name": info.standard_name,
        "dtype": info.dtype,
        "shape": list(info.shape),
        "dimensions": list(info.dims),
        "time": _time_document(info.time),
        "other_dimensions": [
            {"name": dim, "units": info.other_units[dim], "values": plain(values)}
            for dim, values in info.others.items()
        ],
    }
    return document if info.grid.same_as(first) else document | _place_document(info.grid)


def _time_document(axis: TimeAxis | None) -> dict[str, Any] | None:
    if axis is None:
        return None
    stops = [
        {"timestamp": timestamp, "iso": iso} for timestamp, iso in zip(axis.timestamps.tolist(), axis.isos, strict=True)
    ]
    return {"dimension": axis.name, "calendar": axis.calendar, "stops": stops}


def plain(values: npt.NDArray[Any]) -> list[Any]:
    """Return the elements as JSON has them: shortest decimals of float32, None for what is not finite."""
    if values.dtype.kind == "f":
        return [plain_number(value) for value in values]
    return values.tolist() if values.dtype.kind in "iu" else [str(value) for value in values]


def plain_number(value: Any) -> float | int | None:
    """Return one NumPy number as JSON has it: 287.3 for the float32 nearest to it, None for NaN and infinities."""
    if isinstance(value, np.integer | int):
        return int(value)
    return float(str(np.asarray(value)[()])) if np.isfinite(value) else None
