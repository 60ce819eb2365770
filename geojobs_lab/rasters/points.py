"""What a raster holds at a point: one value, or all of them through time. Only the cell that is asked for is read.

Answers strict JSON documents, as the REST API gives them.
"""

import math
from collections.abc import Mapping
from typing import Any

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters.describing import plain, plain_number
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.variables import VariableInfo
from geojobs_lab.rasters.walking import Check, go_on

_STEPS = 256  # read at a time: others wait for the file meanwhile


def value_at(file: RasterFile, variable: str, selection: Mapping[str, int], lon: float, lat: float) -> dict[str, Any]:
    """Return the value of the cell that holds a point.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        As `VariableInfo.select` makes it.
    lon, lat : float
        Degrees; any turn of the longitude.

    Returns
    -------
    dict
        ``value`` (None where missing or outside the grid), ``unit``, ``lon`` and ``lat`` of the cell's centre
        (-180..180; outside the grid those asked for), ``time`` as ISO text or None.

    Raises
    ------
    InvalidInput
        The longitude or latitude is no such thing.
    """
    info = file.variable(variable)
    cell, lon, lat = _cell_at(info, lon, lat)
    value = None
    if cell is not None:
        row, col = cell
        value = plain_number(file.read(info.name, selection, slice(row, row + 1), slice(col, col + 1))[0, 0])
    time = None if info.time is None else info.time.isos[selection.get(info.time.name, 0)]
    return {"value": value, "unit": info.units, "lon": lon, "lat": lat, "time": time}


def series_at(
    file: RasterFile,
    variable: str,
    selection: Mapping[str, int],
    lon: float,
    lat: float,
    *,
    check: Check = go_on,
) -> dict[str, Any]:
    """Return all values through time of the cell that holds a point.

    Parameters
    ----------
    file, variable, lon, lat
        As for `value_at`.
    selection : Mapping
        As `VariableInfo.select` makes it; the position in time does not matter.
    check : callable
        Called between two reads.

    Returns
    -------
    dict
        ``values`` (as `value_at` has one, for each step), ``timestamps`` (Unix seconds) and ``times`` (ISO texts) of
        the steps, ``unit``, ``lon``, ``lat``. A variable without time has one value, and None as its time.

    Raises
    ------
    InvalidInput
        The longitude or latitude is no such thing.
    """
    info = file.variable(variable)
    cell, lon, lat = _cell_at(info, lon, lat)
    timestamps: list[float | None] = [None] if info.time is None else info.time.timestamps.tolist()
    values: list[Any] = []
    if cell is not None:
        for start in range(0, len(timestamps), _STEPS):
            check()
            values += plain(file.read_series(info.name, selection, *cell, slice(start, start + _STEPS)))
    return {
        "values": values or [None] * len(timestamps),
        "timestamps": timestamps,
        "times": [None] if info.time is None else list(info.time.isos),
        "unit": info.units,
        "lon": lon,
        "lat": lat,
    }


def _cell_at(info: VariableInfo, lon: float, lat: float) -> tuple[tuple[int, int] | None, float, float]:
    """Return the cell that holds a point, and longitude and latitude of its centre, or the point outside the grid."""
    if not math.isfinite(lon):
        raise InvalidInput(f"lon: {lon} is not a longitude in degrees", field="lon", value=lon)
    if not -90 <= lat <= 90:
        raise InvalidInput(f"lat: {lat} is not a latitude -90..90", field="lat", value=lat)
    x, y = info.grid.from_lonlat(lon, lat)
    cell = info.grid.cell(float(x), float(y))
    if cell is None:
        return None, lon, lat
    middle = info.grid.to_lonlat(*info.grid.centre(*cell))
    return cell, (float(middle[0]) + 180) % 360 - 180, float(middle[1])
