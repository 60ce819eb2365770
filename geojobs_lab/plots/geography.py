"""Lines on the Earth as lines on a map: coastlines, meridians and parallels in the coordinates of a grid."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from geojobs_lab.plots.coastlines import Line
from geojobs_lab.rasters import Grid

_MARGIN = 3.0  # degrees that lines reach beyond the map, so that none ends within it
_DENSE = 0.5  # degrees between points of a line that a projection may bend
_STEPS = (0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 20, 30, 45, 60, 90)  # degrees between the lines of a graticule


@dataclass(frozen=True, slots=True)
class GridLine:
    """A meridian or a parallel on a map.

    Attributes
    ----------
    label : str
        Such as ``120°W``.
    parts : tuple of array
        The line in CRS units.
    """

    label: str
    parts: tuple[Line, ...]


def map_lines(lines: Iterable[Line], grid: Grid) -> list[Line]:
    """Place lines on a grid's map.

    Parameters
    ----------
    lines : iterable of array
        (n, 2) longitude and latitude in degrees, longitudes -180..180.
    grid : Grid
        Its coordinates are those of the map. A geographic map may lie at any longitudes; what falls on it twice
        is returned twice.

    Returns
    -------
    list of array
        The parts that can meet the map, (n, 2) in CRS units.
    """
    west, south, east, north = _box(grid)
    turns = range(math.floor((west - 180) / 360), math.ceil((east + 180) / 360) + 1)
    low, high = np.array([west, south]) - _MARGIN, np.array([east, north]) + _MARGIN
    placed: list[Line] = []
    for line in lines:
        for turn in turns:
            turned = line + np.array([360.0 * turn, 0])
            if (turned.max(axis=0) < low).any() or (turned.min(axis=0) > high).any():
                continue
            placed.extend([turned] if grid.is_geographic else _projected(turned, grid, low, high))
    return placed


def graticule(grid: Grid, about: tuple[float, float] = (5, 5)) -> tuple[list[GridLine], list[GridLine]]:
    """Return the meridians and the parallels of a map, about so many (meridians, parallels)."""
    west, south, east, north = _box(grid)
    longitudes = _multiples(west, east, about[0])
    latitudes = _multiples(south, north, about[1])
    along_x = np.linspace(west - _MARGIN, east + _MARGIN, 3 + round((east - west) / _DENSE))
    along_y = np.linspace(south - _MARGIN, north + _MARGIN, 3 + round((north - south) / _DENSE))
    if not grid.is_geographic:
        along_y = np.clip(along_y, -90, 90)
    meridians = [
        GridLine(_label((lon + 180) % 360 - 180, "E", "W", 180), _parts(np.full_like(along_y, lon), along_y, grid))
        for lon in longitudes
    ]
    parallels = [
        GridLine(_label(lat, "N", "S", 90), _parts(along_x, np.full_like(along_x, lat), grid)) for lat in latitudes
    ]
    return meridians, parallels


def crossings(line: GridLine, axis: int, level: float) -> NDArray[np.float64]:
    """Return where a line crosses x = `level` (`axis` 0: the y of it) or y = `level` (`axis` 1: the x of it)."""
    found = []
    for part in line.parts:
        across, along = part[:, axis] - level, part[:, 1 - axis]
        at = np.flatnonzero(np.diff(across < 0))
        share = across[at] / (across[at] - across[at + 1])
        found.append(along[at] + share * (along[at + 1] - along[at]))
    return np.concatenate(found) if found else np.empty(0)


def _box(grid: Grid) -> tuple[float, float, float, float]:
    return grid.bounds if grid.is_geographic else grid.lonlat_bounds


def _multiples(low: float, high: float, about: float) -> NDArray[np.float64]:
    """Return about so many round angles from `low` to `high`, at least one if there is any."""
    step = min(_STEPS, key=lambda step: abs(math.log((high - low) / step / about)))
    slack = 1e-6  # of a step: edges are computed, and 89.99999999 is meant to be the pole
    positions = range(math.ceil(low / step - slack), math.floor(high / step + slack) + 1)
    return np.array([position * step for position in positions], dtype=np.float64)


def _label(degrees: float, positive: str, negative: str, both: float) -> str:
    """Write an angle; that of the equator, the prime meridian and the date line has no letter."""
    size = abs(round(float(degrees), 6))
    letter = "" if size == 0 or size == both == 180 else positive if degrees > 0 else negative
    return f"{size:g}°{letter}"


def _parts(lon: NDArray[np.float64], lat: NDArray[np.float64], grid: Grid) -> tuple[Line, ...]:
    return tuple(_unbroken(_on_map(lon, lat, grid), grid))


def _on_map(lon: NDArray[np.float64], lat: NDArray[np.float64], grid: Grid) -> Line:
    """Return points on the map, (n, 2) in CRS units; those of a rotated pole are turned to meet the grid."""
    x, y = grid.from_lonlat(lon, lat)
    if grid.crs.is_geographic and not grid.is_geographic:
        xmin, _, xmax, _ = grid.bounds
        edge = (xmin + xmax) / 2 - 180  # opposite the map, so that no line is cut on it
        x = edge + (x - edge) % 360
    return np.column_stack([x, y])


def _projected(line: Line, grid: Grid, low: NDArray[np.float64], high: NDArray[np.float64]) -> Iterator[Line]:
    """Yield the parts of a line near the map, bent as the projection bends it."""
    dense = _densified(line)
    near = np.logical_and.reduce((dense >= low) & (dense <= high), axis=1)
    if near.any():
        points = _on_map(dense[:, 0], dense[:, 1], grid)
        points[~near] = np.nan
        yield from _unbroken(points, grid)


def _densified(line: Line) -> Line:
    """Return the line with a point at least every `_DENSE` degrees."""
    lengths = np.abs(np.diff(line, axis=0)).max(axis=1)
    position = np.concatenate([[0], np.cumsum(np.maximum(1, np.ceil(lengths / _DENSE)))])
    wanted = np.arange(position[-1] + 1)
    return np.column_stack([np.interp(wanted, position, line[:, 0]), np.interp(wanted, position, line[:, 1])])


def _unbroken(points: Line, grid: Grid) -> Iterator[Line]:
    """Yield the parts of a projected line that are finite and do not leap across the map."""
    xmin, ymin, xmax, ymax = grid.bounds
    leap = 0.5 * max(xmax - xmin, ymax - ymin)
    finite = np.logical_and.reduce(np.isfinite(points), axis=1)
    with np.errstate(invalid="ignore"):  # inf - inf beside points that the projection has no place for
        far = np.abs(np.diff(points, axis=0)).max(axis=1) > leap
    broken = far | ~finite[:-1] | ~finite[1:]
    for part in np.split(points, np.flatnonzero(broken) + 1):
        if len(part) > 1:
            yield part
