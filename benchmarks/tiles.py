"""Warm tiles in one process: a NetCDF file through `render_tile`, beside rio-tiler on a COG of the same numbers."""

import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import rasterio
import rasterio.shutil
import xarray as xr
from affine import Affine
from numpy.typing import NDArray
from rasterio.io import MemoryFile
from rio_tiler.colormap import cmap
from rio_tiler.io import Reader

from benchmarks.measure import Table, Times, in_turns, ratio
from geojobs_lab.rasters import RasterFile, VariableInfo, write_raster
from geojobs_lab.renderers import StretchedRenderer
from geojobs_lab.tiles import empty_tile, render_tile

Tile = tuple[int, int, int]
Call = Callable[[], bytes]

#: z, x, y of some tiles at each zoom; all of them have data
TILES: dict[int, tuple[Tile, ...]] = {
    0: ((0, 0, 0),),
    2: ((2, 1, 1), (2, 2, 1), (2, 0, 2), (2, 3, 2)),
    4: ((4, 8, 5), (4, 3, 6), (4, 12, 9), (4, 15, 4)),
    6: ((6, 33, 22), (6, 12, 25), (6, 50, 38), (6, 61, 18)),
    8: ((8, 130, 90), (8, 50, 100), (8, 200, 150), (8, 250, 70)),
}
SHAPE, LARGE_SHAPE = (1800, 3600), (3600, 7200)

_ROUNDS = 30
_SECONDS = 6.0  # for one zoom
_RANGE = (255.0, 305.0)  # K
_COLORMAP = "viridis"


def measure(*, large: bool) -> list[Table]:
    """Measure p50 and p95 of a tile at each zoom, of a small and perhaps a large raster."""
    return [_measure(shape) for shape in ((SHAPE, LARGE_SHAPE) if large else (SHAPE,))]


def _measure(shape: tuple[int, int]) -> Table:
    table = Table(
        f"Tiles, 256 x 256 PNG from {shape[0]} x {shape[1]} float32, warm, one thread: ms",
        "geojobs_lab reads a NetCDF file as jobs publish it; 'from memory' is the same without file and inflating; "
        "rio-tiler reads a COG with overviews, once with its own PNG settings and once with the fastest, ZLEVEL=1; "
        "the ratios are of medians",
        ("zoom", "geojobs_lab", "p95", "from memory", "rio-tiler", "p95", "ratio", "ZLEVEL=1", "p95", "ratio"),
    )
    with tempfile.TemporaryDirectory(prefix="geojobs-bench-") as folder:
        values, transform = _field(shape)
        netcdf, cog = Path(folder) / "raster.nc", Path(folder) / "raster.tif"
        _write_netcdf(netcdf, values)
        _write_cog(cog, values, transform)
        with warnings.catch_warnings(), RasterFile(netcdf) as file, Reader(str(cog)) as reader:
            warnings.simplefilter("ignore")  # rio-tiler's, of latitudes near the poles; showing them takes time
            for zoom, tiles in TILES.items():
                times = _zoom(tiles, file, values, reader)
                ours, memory, theirs, fast = (times[name] for name in ("file", "memory", "rio", "rio fast"))
                slower, faster = ratio(theirs.p50, ours.p50), ratio(fast.p50, ours.p50)
                table.add(
                    f"{zoom}",
                    ours.p50,
                    ours.p95,
                    memory.p50,
                    theirs.p50,
                    theirs.p95,
                    slower,
                    fast.p50,
                    fast.p95,
                    faster,
                )
    return table


def _zoom(tiles: tuple[Tile, ...], file: RasterFile, values: NDArray[np.float32], reader: Reader) -> dict[str, Times]:
    taken: dict[str, tuple[float, ...]] = {}
    for tile in tiles:
        calls = dict(_calls(tile, file, values, reader))
        for name, times in in_turns(calls, rounds=_ROUNDS, seconds=_SECONDS / len(tiles)).items():
            taken[name] = taken.get(name, ()) + times.ms
    return {name: Times(ms) for name, ms in taken.items()}


def _calls(tile: Tile, file: RasterFile, values: NDArray[np.float32], reader: Reader) -> Iterator[tuple[str, Call]]:
    renderer = StretchedRenderer.from_colormap(_COLORMAP, *_RANGE)
    draw: Call = partial(render_tile, file, "data", {}, renderer, *tile)
    if draw() == empty_tile():
        raise RuntimeError(f"tile {tile} is empty: there is nothing to measure")
    yield "file", draw
    yield "memory", partial(render_tile, _InMemory(file, values), "data", {}, renderer, *tile)  # type: ignore[arg-type]
    yield "rio", partial(_rio_tile, reader, tile)
    yield "rio fast", partial(_rio_tile, reader, tile, ZLEVEL=1)


def _rio_tile(reader: Reader, tile: Tile, **options: Any) -> bytes:
    z, x, y = tile
    image = reader.tile(x, y, z)
    image.rescale(in_range=(_RANGE,))
    return bytes(image.render(img_format="PNG", colormap=cmap.get(_COLORMAP), **options))


class _InMemory:
    """Stands for a file whose numbers are in memory already."""

    def __init__(self, file: RasterFile, values: NDArray[np.float32]) -> None:
        self._file = file
        self._values = values

    def variable(self, name: str) -> VariableInfo:
        return self._file.variable(name)

    def read(self, variable: str, selection: Mapping[str, int], rows: slice, cols: slice) -> NDArray[np.float32]:
        return self._values[rows, cols]


def _field(shape: tuple[int, int]) -> tuple[NDArray[np.float32], Affine]:
    """Return waves with some noise and a gap, (ny, nx) from the north-west, and its pixels' place."""
    ny, nx = shape
    y, x = np.linspace(0, 1, ny)[:, None], np.linspace(0, 1, nx)
    waves = 280 + 20 * np.sin(40 * x) * np.cos(26 * y)
    values = (waves + np.random.default_rng(0).normal(0, 0.3, shape)).astype(np.float32)
    values[(waves < 262) & (x < 0.3)] = np.nan
    return values, Affine(360 / nx, 0, -180, 0, -180 / ny, 90)


def _write_netcdf(path: Path, values: NDArray[np.float32]) -> None:
    ny, nx = values.shape
    lat = 90 - (np.arange(ny) + 0.5) * 180 / ny
    lon = -180 + (np.arange(nx) + 0.5) * 360 / nx
    axes = {
        "lat": ("lat", lat, {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", lon, {"units": "degrees_east", "standard_name": "longitude"}),
    }
    write_raster(path, {"data": xr.DataArray(values, dims=("lat", "lon"), coords=axes, attrs={"units": "K"})}, {})


def _write_cog(path: Path, values: NDArray[np.float32], transform: Affine) -> None:
    profile = {"driver": "GTiff", "height": values.shape[0], "width": values.shape[1], "count": 1}
    profile |= {"dtype": "float32", "crs": "EPSG:4326", "transform": transform, "nodata": np.nan}
    with MemoryFile() as memory:
        with memory.open(**profile) as dataset:
            dataset.write(values, 1)
        rasterio.shutil.copy(
            memory.name, path, driver="COG", compress="DEFLATE", predictor="YES", overview_resampling="nearest"
        )
