"""Tiles of xpublish-tiles, in an environment of its own: its pipeline on a data set that is loaded.

Run as a child it draws in its process; with a port and files it is a server, its tiles plugin behind uvicorn.
The version is the newest that runs on Python 3.11.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from benchmarks import children
from benchmarks.tiles_data import COLORMAP, RANGE, Files, Tile

NAME = "xpublish-tiles"
REQUIREMENTS = ["xpublish-tiles==0.4.3", "xpublish==0.5.2", "xarray==2026.9.0", "datashader==0.19.1", "numba==0.68.1"]


def interpreter() -> Path:
    """Return the Python that has xpublish-tiles; see `children.interpreter`."""
    return children.interpreter(NAME, REQUIREMENTS)


def path() -> str:
    """Return the path of a tile, with places for z, x and y."""
    query = f"variables=data&style=raster/{COLORMAP}&width=256&height=256&f=png"
    return f"datasets/raster/tiles/WebMercatorQuad/{{0}}/{{2}}/{{1}}?{query}&colorscalerange={RANGE[0]:g},{RANGE[1]:g}"


def dataset_of(files: Files) -> Any:
    """Return the raster as xpublish wants it: a data set with CF coordinates, loaded."""
    import pyproj
    import xarray as xr

    raster = files.raster
    x, y = raster.centres()
    if raster.is_geographic:
        dims = ("latitude", "longitude")
        attributes = (
            {"standard_name": "latitude", "units": "degrees_north", "axis": "Y"},
            {"standard_name": "longitude", "units": "degrees_east", "axis": "X"},
        )
    else:
        dims = ("y", "x")
        attributes = (
            {"standard_name": "projection_y_coordinate", "units": "m", "axis": "Y"},
            {"standard_name": "projection_x_coordinate", "units": "m", "axis": "X"},
        )
    coords = {
        dims[0]: (dims[0], y, attributes[0]),
        dims[1]: (dims[1], x, attributes[1]),
        "spatial_ref": ((), 0, pyproj.CRS.from_user_input(raster.crs).to_cf()),
    }
    values = {
        "grid_mapping": "spatial_ref",
        "valid_min": RANGE[0],
        "valid_max": RANGE[1],
    }
    data = xr.DataArray(files.loaded(), dims=dims, coords=coords, attrs=values)
    return xr.Dataset({"data": data}, attrs={"_xpublish_id": raster.name})


class Pipeline:
    """What a tile's URL calls, without the server."""

    def __init__(self, files: Files) -> None:
        self._dataset = dataset_of(files)
        self._loop = asyncio.new_event_loop()

    def draw(self, tile: Tile) -> bytes:
        return self._loop.run_until_complete(self._draw(tile))

    async def _draw(self, tile: Tile) -> bytes:
        from xpublish_tiles.pipeline import pipeline
        from xpublish_tiles.types import ImageFormat, QueryParams
        from xpublish_tiles.xpublish.tiles.tile_matrix import extract_tile_bbox_and_crs

        z, x, y = tile
        bbox, crs = extract_tile_bbox_and_crs("WebMercatorQuad", z, y, x)
        query = QueryParams(
            variables=["data"],
            crs=crs,
            bbox=bbox,
            selectors={},
            style="raster",
            width=256,
            height=256,
            variant=COLORMAP,
            colorscalerange=RANGE,
            format=ImageFormat.PNG,
        )
        return (await pipeline(self._dataset, query)).getvalue()

    def forget(self) -> None:
        from xpublish_tiles import grids, lib

        grids._GRID_CACHE.clear()
        lib.transformer_from_crs.cache_clear()


def _serve(port: int, files: Files) -> None:
    import xpublish
    from xpublish_tiles.xpublish.tiles import TilesPlugin

    dataset = dataset_of(files)
    rest = xpublish.Rest({"raster": dataset}, plugins={"tiles": TilesPlugin()})
    rest.serve(host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    if sys.argv[1:]:
        _serve(int(sys.argv[1]), Files.from_json(json.loads(sys.argv[2])))
    else:
        from benchmarks.tiles_peer import serve

        serve(Pipeline)
