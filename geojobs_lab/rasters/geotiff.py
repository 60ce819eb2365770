"""A layer as a GeoTIFF: north up, west first, its CRS and its missing cells told; written in bounded memory.

Values that are packed into whole numbers stay packed, with scale, offset and the missing number told.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import Conflict
from geojobs_lab.rasters.anygrid import WHOLE_TURN
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.projections import crs_label, to_wgs84
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.walking import Check, go_on, windows

_BLOCK = 256  # pixels a side of the tiles within the file
_LOOKED_AT = 30  # rows and columns by which two CRSs are compared
_NEAR = 1e-6  # degrees, a tenth of a metre
_DTYPES = {"int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64", "float32", "float64"}


@dataclass(frozen=True, slots=True)
class _Placing:
    """How the stored rows and columns become those of the picture, north first and west first."""

    grid: Grid
    cut: int  # the column, counted from the west, that comes first: nothing is cut through where it is 0

    @classmethod
    def of(cls, grid: Grid) -> "_Placing":
        """Cut a map of the whole Earth at 180 degrees, where it begins elsewhere, as between 0 and 360."""
        west, dx, nx = grid.bounds[0], grid.resolution[0], grid.shape[1]
        if not (grid.is_geographic and grid.wraps) or -180 - dx < west < -180 + dx:
            return cls(grid, 0)
        return cls(grid, round(((180 - west) % WHOLE_TURN) / dx) % nx)

    @property
    def transform(self) -> Affine:
        """From (column, row) to x, y of the outer corner of the first pixel."""
        dx, dy = self.grid.resolution
        xmin, _, _, ymax = self.grid.bounds
        west = xmin + self.cut * dx
        if self.grid.is_geographic and west + dx / 2 >= 180:  # degrees as everybody has them
            west -= WHOLE_TURN * ((west + dx / 2 + 180) // WHOLE_TURN)
        return Affine(dx, 0, west, 0, -dy, ymax)

    def parts(self, rows: slice, cols: slice, values: npt.NDArray[Any]) -> list[tuple[int, int, npt.NDArray[Any]]]:
        """Return where a window of the stored cells stands in the picture: row, column and pixels of its parts."""
        ny, nx = self.grid.shape
        top, left = rows.start, cols.start
        if not self.grid.north_first:
            top, values = ny - rows.stop, values[::-1]
        if not self.grid.west_first:
            left, values = nx - cols.stop, values[:, ::-1]
        before = min(max(0, self.cut - left), values.shape[1])
        parts = [(left + nx - self.cut, values[:, :before]), (left + before - self.cut, values[:, before:])]
        return [(top, column, part) for column, part in parts if part.shape[1]]


def write_geotiff(
    file: RasterFile, variable: str, selection: Mapping[str, int], path: Path, *, check: Check = go_on
) -> None:
    """Write one layer as a GeoTIFF.

    Parameters
    ----------
    file, variable, selection
        As for `value_at`.
    path : Path
        Is overwritten.
    check : callable
        Called between two reads.

    Raises
    ------
    Conflict
        The grid is not regular, or a GeoTIFF cannot hold its CRS; the message says why.
    """
    import rasterio

    info = file.variable(variable)
    if not isinstance(info.grid, Grid):
        kind = "rows and columns of uneven width" if info.grid.separable else "cells with places of their own"
        raise Conflict(f"format: a GeoTIFF holds regular grids, and {info.name!r} has {kind}; nc and csv hold it")
    placing = _Placing.of(info.grid)
    packing = file.packing(variable)
    dtype = np.dtype(info.dtype) if info.dtype in _DTYPES else np.dtype(np.float32)
    is_float = dtype.kind == "f" and packing is None
    nodata = packing.missing if packing is not None else np.nan if is_float else None
    # Without the .aux.xml beside it, in which GDAL would put what the file itself cannot hold.
    with rasterio.Env(GDAL_PAM_ENABLED="NO"):
        with rasterio.open(
            path,
            "w",
            driver="GTiff",
            height=info.grid.shape[0],
            width=info.grid.shape[1],
            count=1,
            dtype=(dtype if packing is None else packing.dtype).name,
            crs=_crs(info.grid.crs, info.name),
            transform=placing.transform,
            nodata=nodata,
            tiled=True,
            blockxsize=_BLOCK,
            blockysize=_BLOCK,
            compress="deflate",
            zlevel=1,
            predictor=3 if is_float else 2,
            bigtiff="if_safer",
        ) as target:
            for rows, cols in windows(file, info.name):
                check()
                if packing is None:
                    values = file.read(info.name, selection, rows, cols).astype(dtype, copy=False)
                else:
                    values = file.read_packed(info.name, selection, rows, cols, packing)
                for top, left, part in placing.parts(rows, cols, values):
                    window = rasterio.windows.Window(left, top, part.shape[1], part.shape[0])
                    target.write(part, 1, window=window)
            if packing is not None and (packing.scale, packing.offset) != (1, 0):
                target.scales, target.offsets = (packing.scale,), (packing.offset,)
            target.set_band_description(1, info.long_name or info.name)
            if info.units:
                target.set_band_unit(1, info.units)
        with rasterio.open(path) as written:
            held = None if written.crs is None else CRS.from_wkt(written.crs.to_wkt())
    if held is None or not _same_places(held, info.grid):
        raise _cannot_hold(info.name, info.grid.crs)


def _crs(crs: CRS, name: str) -> Any:
    import rasterio

    try:
        return rasterio.crs.CRS.from_wkt(crs.to_wkt())
    except rasterio.errors.CRSError as error:
        raise _cannot_hold(name, crs) from error


def _same_places(crs: CRS, grid: Grid) -> bool:
    """Tell whether a CRS puts a grid where its own does: GDAL may call the same one by another name."""
    rows, cols = (np.linspace(0, size - 1, min(size, _LOOKED_AT)).astype(int) for size in grid.shape)
    x, y = grid.centre(rows[:, None], cols[None, :])
    mine, theirs = (np.array(to_wgs84(each).transform(x, y)) for each in (grid.crs, crs))
    seen = np.isfinite(mine)
    apart = (theirs[seen] - mine[seen] + 180) % 360 - 180
    return bool((np.isfinite(theirs) == seen).all() and (np.abs(apart) < _NEAR).all())


def _cannot_hold(name: str, crs: CRS) -> Conflict:
    return Conflict(f"format: a GeoTIFF cannot hold the CRS of {name!r}, {crs_label(crs)}; nc and csv hold it")
