"""The bounds of cells that an array in memory carries along, where its coordinates alone do not tell them.

Uneven axes, and cells with corners. xarray has no place for them in an array: they have a dimension more. So they stay
in the encoding of the coordinates, which xarray keeps when values are computed with, beside the places that they belong
to: what a task takes a part of finds its own, and places that are new have none.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.rasters.anygrid import AnyGrid, Floats
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.rectilinear import RectilinearGrid

_KEY = "geojobs_cell_bounds"  # in the encoding of coordinates; what writes files does not know it and leaves it out


@dataclass(frozen=True, slots=True, eq=False)
class _Edges:
    """The edges (n, 2) of the cells at places (n,), which rise."""

    places: npt.NDArray[Any]
    edges: Floats

    @classmethod
    def of(cls, places: npt.NDArray[Any], edges: Floats) -> "_Edges":
        order = np.argsort(places)
        return cls(places[order], edges[order])

    def at(self, places: npt.NDArray[Any]) -> Floats | None:
        """Return the edges of other places, None where one of them is new."""
        if places.dtype.kind not in "iuf" or not self.places.size:
            return None
        found = np.searchsorted(self.places, places).clip(max=self.places.size - 1)
        return self.edges[found] if np.array_equal(self.places[found], places) else None


@dataclass(frozen=True, slots=True, eq=False)
class _Corners:
    """The corners (ny, nx, 4) of cells at longitudes and latitudes (ny, nx), and what the coordinates are called."""

    names: tuple[str, str]
    places: tuple[Floats, Floats]
    corners: tuple[Floats, Floats]

    def at(self, lon: npt.NDArray[Any], lat: npt.NDArray[Any]) -> tuple[Floats, Floats] | None:
        """Return the corners of a window of the cells, None where it is none."""
        if lon.shape != lat.shape or not lon.size:
            return None
        known = np.argwhere(np.isfinite(lon) & np.isfinite(lat))
        if not known.size:
            return None
        row, col = known[0]
        mine = self.places
        for top, left in np.argwhere((mine[0] == lon[row, col]) & (mine[1] == lat[row, col])) - known[0]:
            if top < 0 or left < 0:
                continue
            window = (slice(top, top + lon.shape[0]), slice(left, left + lon.shape[1]))
            if all(np.array_equal(a[window], b, equal_nan=True) for a, b in zip(mine, (lon, lat), strict=True)):
                return self.corners[0][window], self.corners[1][window]
        return None


def remember(
    coordinates: Mapping[str, xr.Variable], grid: AnyGrid, y_dim: str, x_dim: str, cells: tuple[str, ...]
) -> None:
    """Let the coordinates of an array carry the bounds of the cells of its grid.

    Parameters
    ----------
    coordinates : Mapping
        Name -> coordinate, changed.
    grid : AnyGrid
    y_dim, x_dim : str
        The coordinates of a grid of rows and columns.
    cells : tuple of str
        The longitude and the latitude of cells with places of their own.
    """
    if isinstance(grid, RectilinearGrid):
        for name, edges in ((y_dim, grid.y_bounds), (x_dim, grid.x_bounds)):
            coordinates[name].encoding[_KEY] = _Edges.of(coordinates[name].values, edges)
    elif isinstance(grid, CurvilinearGrid) and grid.corners is not None:
        lon, lat = cells
        corners = _Corners((lon, lat), (grid.lon, grid.lat), grid.corners)
        for name in cells:
            coordinates[name].encoding[_KEY] = corners


def recall_edges(coordinate: xr.DataArray) -> Floats | None:
    """Return the edges (n, 2) that a coordinate of one dimension carries, None where these are not its own."""
    known = coordinate.encoding.get(_KEY)
    return known.at(np.asarray(coordinate.values)) if isinstance(known, _Edges) else None


def recall_corners(data: xr.DataArray, name: str) -> Floats | None:
    """Return the corners (ny, nx, 4) that a longitude or latitude of an array carries, None where it has none."""
    known = data.coords[name].encoding.get(_KEY)
    if not isinstance(known, _Corners) or name not in known.names or not all(own in data.coords for own in known.names):
        return None
    lon, lat = (data.coords[own] for own in known.names)
    found = known.at(lon.values, lat.values) if lon.dims == lat.dims else None
    return None if found is None else found[known.names.index(name)]
