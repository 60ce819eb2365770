"""The rasters whose tiles are measured: made once, block by block, and kept for the next run.

One field of numbers is sampled finer and finer: waves of many lengths, measured to 1/256 of a unit with some
noise, and missing over about a third, behind coasts that are as ragged as the cells are small. It stands as raw
numbers (which GDAL reads through the ENVI header beside them), as a cloud-optimised GeoTIFF with overviews and as the
NetCDF file that geojobs_lab publishes, all of them below one folder.
"""

import hashlib
import random
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Tile = tuple[int, int, int]

ZOOMS = (0, 2, 4, 6, 8)
RANGE = (255.0, 305.0)
COLORMAP = "viridis"
TILES = 24  # of a zoom, at most; fewer where fewer show data

_EDITION = 1  # of the numbers and the GeoTIFF; another one makes them again
_COVERED = 0.2  # of a tile has to show data; less where a tile shows the whole raster and more
_ROWS = 256  # made at a time
_STEP = 1 / 256  # what values are measured to
_NOISE = 0.3
_WAVES = (  # height, waves over the width, waves over the height, phase
    (18.0, 3.0, 2.0, 0.3), (6.0, 11.0, 7.0, 1.1), (2.5, 47.0, 29.0, 2.0), (1.0, 211.0, 131.0, 0.7),
    (0.5, 997.0, 613.0, 1.9),
)  # fmt: skip
_COASTS = ((1.0, 2.0, 1.5, 0.9), (0.7, 5.0, 4.0, 2.2), (0.3, 23.0, 17.0, 0.1), (0.12, 101.0, 83.0, 1.3))
_LAND = 0.35  # above which there is no data
_HALF_WORLD = 20037508.342789244  # m, of Web Mercator's square
_WRITERS = (  # what decides the bytes of a published file; what only reads does not make it older
    "rasters/chunks", "rasters/coordinates", "rasters/layout", "rasters/overviews", "rasters/packing", "rasters/pieces",
    "rasters/pyramid", "rasters/reducing", "rasters/tagging", "rasters/writing", "services/publishing",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Raster:
    """What a raster is, before any of its files is made; (ny, nx), north up.

    Attributes
    ----------
    crs : str
    west, north : float
        Of the outer edge, CRS units.
    cell : float
        Width and height of a cell, CRS units.
    """

    name: str
    shape: tuple[int, int]
    crs: str
    west: float
    north: float
    cell: float

    @property
    def bounds(self) -> tuple[float, float, float, float]:
        """West, south, east, north."""
        ny, nx = self.shape
        return self.west, self.north - ny * self.cell, self.west + nx * self.cell, self.north

    @property
    def is_geographic(self) -> bool:
        return self.crs == "EPSG:4326"

    def centres(self) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return x (nx) and y (ny) of the cells' centres, CRS units."""
        ny, nx = self.shape
        return self.west + (np.arange(nx) + 0.5) * self.cell, self.north - (np.arange(ny) + 0.5) * self.cell

    def cells_of(self, zoom: int) -> int:
        """Return about how many cells lie below a tile."""
        west, south, east, north = self.bounds
        side = 360 / 2**zoom if self.is_geographic else 2 * _HALF_WORLD / 2**zoom
        return int(min(side, east - west) * min(side, north - south) / self.cell**2)


def _global(name: str, ny: int) -> Raster:
    return Raster(name, (ny, 2 * ny), "EPSG:4326", -180.0, 90.0, 180 / ny)


SMALL, MEDIUM, LARGE = _global("small", 720), _global("medium", 3600), _global("large", 21600)
#: of the kind that national maps are in: 1.2 km cells of the conterminous United States
PROJECTED = Raster("projected", (4000, 4000), "EPSG:5070", -2400000.0, 4000000.0, 1200.0)


@dataclass(frozen=True, slots=True)
class Files:
    """A raster's files.

    Attributes
    ----------
    raw : Path
        float32 in row-major order, NaN where missing.
    cog, netcdf : Path
    """

    raster: Raster
    raw: Path
    cog: Path
    netcdf: Path

    def values(self) -> NDArray[np.float32]:
        """Map the raw numbers, (ny, nx); they are read when they are looked at."""
        return np.memmap(self.raw, np.float32, "r", shape=self.raster.shape)

    def loaded(self) -> NDArray[np.float32]:
        """Return the numbers in memory, or mapped where they are more than a notebook would load."""
        mapped = self.values()
        return np.array(mapped) if mapped.nbytes < 1e9 else mapped

    def to_json(self) -> dict[str, Any]:
        paths = {"raw": str(self.raw), "cog": str(self.cog), "netcdf": str(self.netcdf)}
        return {"raster": asdict(self.raster), **paths}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> "Files":
        raster = {**document["raster"], "shape": tuple(document["raster"]["shape"])}
        return cls(Raster(**raster), *(Path(document[name]) for name in ("raw", "cog", "netcdf")))


def made(raster: Raster, folder: Path) -> Files:
    """Return a raster's files; what is not in the folder is made."""
    folder.mkdir(parents=True, exist_ok=True)
    stem = f"{raster.name}-{_EDITION}"
    files = Files(
        raster,
        raw=folder / f"{stem}.img",
        cog=folder / f"{stem}.tif",
        netcdf=folder / f"{stem}-{_writer()}.nc",
    )
    if not files.raw.exists():
        _appearing(files.raw, lambda part: _write_raw(part, raster))
    if not files.cog.exists():
        _appearing(files.cog, lambda part: _write_cog(part, files.raw))
    if not files.netcdf.exists():
        _publish(files)
        for older in set(folder.glob(f"{stem}-*.nc")) - {files.netcdf}:
            older.unlink()  # only now: it takes minutes to make it again
    return files


def tiles_of(raster: Raster, zoom: int, count: int = TILES) -> tuple[Tile, ...]:
    """Return a sample of the tiles that show data, the same every time and for all rasters of one extent."""
    cols, rows = _around(raster, zoom)
    tiles = [(zoom, x, y) for x in cols for y in rows]
    random.Random(zoom).shuffle(tiles)
    covered = (tile for tile in tiles if _coverage(raster, tile) >= (_COVERED if zoom > 2 else 0.002))
    return tuple(islice(covered, count))


def _around(raster: Raster, zoom: int) -> tuple[range, range]:
    """Return the columns and rows of the tiles that a raster may lie on."""
    across = 2**zoom
    if raster.is_geographic:
        return range(across), range(across)
    from pyproj import Transformer

    transform = Transformer.from_crs(raster.crs, "EPSG:3857", always_xy=True)
    west, south, east, north = transform.transform_bounds(*raster.bounds)
    left, right, top, bottom = (int((1 + place / _HALF_WORLD) / 2 * across) for place in (west, east, -north, -south))
    return range(left, right + 1), range(top, bottom + 1)


def mercator_bounds(tile: Tile) -> tuple[float, float, float, float]:
    """Return west, south, east, north of a tile: m, Web Mercator."""
    z, x, y = tile
    side = 2 * _HALF_WORLD / 2**z
    west, north = -_HALF_WORLD + x * side, _HALF_WORLD - y * side
    return west, north - side, west + side, north


def _coverage(raster: Raster, tile: Tile) -> float:
    """Return the share of a tile that shows data."""
    west, south, east, north = mercator_bounds(tile)
    steps = (np.arange(32) + 0.5) / 32
    x, y = np.meshgrid(west + steps * (east - west), north - steps * (north - south))
    if raster.is_geographic:
        radius = _HALF_WORLD / np.pi
        place_x, place_y = np.degrees(x / radius), np.degrees(np.arctan(np.sinh(y / radius)))
    else:
        from pyproj import Transformer

        place_x, place_y = Transformer.from_crs("EPSG:3857", raster.crs, always_xy=True).transform(x, y)
    ny, nx = raster.shape
    u, v = (place_x - raster.west) / (nx * raster.cell), (raster.north - place_y) / (ny * raster.cell)
    inside = (u >= 0) & (u < 1) & (v >= 0) & (v < 1)
    return float(np.mean(inside & (_sum(_COASTS, u, v) < _LAND)))


def _sum(waves: tuple[tuple[float, float, float, float], ...], u: Any, v: Any) -> Any:
    """Add waves at places 0..1 from the west and from the north."""
    total = 0.0
    for height, across, down, phase in waves:
        across_wave = np.sin(2 * np.pi * across * u + phase).astype(np.float32)
        total = total + np.float32(height) * across_wave * np.cos(2 * np.pi * down * v - phase).astype(np.float32)
    return total


def _blocks(raster: Raster) -> Iterator[tuple[int, NDArray[np.float32]]]:
    """Make the numbers from the north: the first row of each block, and the block."""
    ny, nx = raster.shape
    u = (np.arange(nx) + 0.5) / nx
    for start in range(0, ny, _ROWS):
        v = ((np.arange(start, min(start + _ROWS, ny)) + 0.5) / ny)[:, None]
        noise = np.random.default_rng((1, start)).standard_normal((v.size, nx), dtype=np.float32)
        values = 280 + _sum(_WAVES, u, v) + np.float32(_NOISE) * noise
        values = np.rint(values / np.float32(_STEP)) * np.float32(_STEP)
        values[_sum(_COASTS, u, v) >= _LAND] = np.nan
        yield start, values.astype(np.float32, copy=False)


def _write_raw(path: Path, raster: Raster) -> None:
    import rasterio
    from affine import Affine
    from rasterio.windows import Window

    ny, nx = raster.shape
    profile = {"driver": "ENVI", "height": ny, "width": nx, "count": 1, "dtype": "float32", "crs": raster.crs}
    place = Affine(raster.cell, 0, raster.west, 0, -raster.cell, raster.north)
    with rasterio.open(path, "w", transform=place, nodata=np.nan, suffix="ADD", **profile) as dataset:
        for start, values in _blocks(raster):
            dataset.write(values, 1, window=Window(0, start, nx, len(values)))


def _write_cog(path: Path, raw: Path) -> None:
    import rasterio
    import rasterio.shutil

    options = {"compress": "DEFLATE", "predictor": "YES", "blocksize": 256, "overview_resampling": "average"}
    with rasterio.Env(GDAL_CACHEMAX=256):
        rasterio.shutil.copy(raw, path, driver="COG", num_threads="ALL_CPUS", bigtiff="IF_SAFER", **options)


def _publish(files: Files) -> None:
    """Write what a job's result becomes: read piece by piece, where it is larger than the memory that it may take."""
    import rioxarray  # noqa: F401 - gives arrays their `rio`
    import xarray as xr

    from geojobs_lab.services.publishing import alone, publish_rasters

    raster = files.raster
    (x, y), dims = raster.centres(), ("lat", "lon") if raster.is_geographic else ("y", "x")
    axes = {
        dims[0]: (dims[0], y, {"units": "degrees_north", "standard_name": "latitude"} if raster.is_geographic else {}),
        dims[1]: (dims[1], x, {"units": "degrees_east", "standard_name": "longitude"} if raster.is_geographic else {}),
    }
    data = xr.DataArray(files.values(), dims=dims, coords=axes, attrs={"units": "K"}, name="temperature")
    data.rio.write_crs(raster.crs, inplace=True)  # otherwise the numbers are copied
    publish_rasters(alone(data), files.netcdf, title=raster.name, provenance={"job": "bench"})


def _writer() -> str:
    """Name the code that writes: when it is changed, its files are written again."""
    import geojobs_lab

    folder = Path(geojobs_lab.__file__).parent
    digest = hashlib.blake2b(digest_size=4)
    for name in _WRITERS:
        digest.update((folder / f"{name}.py").read_bytes())
    return digest.hexdigest()


def _appearing(path: Path, write: Any) -> None:
    """Write a file under another name and rename it when it is whole, and what was written beside it."""
    part = path.with_name(f"part-{path.name}")
    write(part)
    for beside in path.parent.glob(f"{part.name}*"):
        beside.rename(beside.with_name(beside.name.removeprefix("part-")))
