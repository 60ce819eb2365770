"""Tiles of rio-tiler: of a cloud-optimised GeoTIFF with overviews, and of an array in memory."""

import warnings
from typing import Any

import rioxarray  # noqa: F401 - gives arrays their `rio`
import xarray as xr
from rio_tiler.colormap import cmap
from rio_tiler.io import Reader, XarrayReader
from rio_tiler.models import ImageData

from benchmarks.tiles_data import COLORMAP, RANGE, Files, Tile

_COLORS = cmap.get(COLORMAP)


class OnCog:
    """rio-tiler's reader of a GeoTIFF, kept open.

    Parameters
    ----------
    options
        Of its PNG: its own settings without any; ``ZLEVEL=1`` are the fastest.
    """

    def __init__(self, files: Files, **options: Any) -> None:
        self._path = str(files.cog)
        self._options = options
        self._reader: Reader | None = None

    def draw(self, tile: Tile) -> bytes:
        if self._reader is None:
            self._reader = Reader(self._path)
        return _drawn(self._reader, tile, self._options)

    def forget(self) -> None:
        if self._reader is not None:
            self._reader.close()  # GDAL drops the blocks of a data set with it
            self._reader = None


class OnArray:
    """rio-tiler's reader of an xarray.DataArray whose numbers are loaded."""

    def __init__(self, files: Files) -> None:
        raster = files.raster
        x, y = raster.centres()
        self._array = xr.DataArray(files.loaded(), dims=("y", "x"), coords={"y": y, "x": x}, name="data")
        self._array.rio.write_crs(raster.crs, inplace=True)
        self._array.rio.write_nodata(float("nan"), inplace=True)
        self._reader: XarrayReader | None = None

    def draw(self, tile: Tile) -> bytes:
        if self._reader is None:
            self._reader = XarrayReader(self._array)
        return _drawn(self._reader, tile, {})

    def forget(self) -> None:
        self._reader = None


def _drawn(reader: Reader | XarrayReader, tile: Tile, options: dict[str, Any]) -> bytes:
    z, x, y = tile
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of latitudes near the poles; showing them takes time
        image: ImageData = reader.tile(x, y, z)
    image.rescale(in_range=(RANGE,))
    return bytes(image.render(img_format="PNG", colormap=_COLORS, **options))
