"""Which level a picture is drawn from, what its pixels take of it, and how little is read for that."""

import io
import math
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import rioxarray  # noqa: F401  gives arrays their `rio`
import xarray as xr
from PIL import Image

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, write_raster
from geojobs_lab.rasters.blocks import BLOCK_CACHE
from geojobs_lab.renderers import Color, StretchedRenderer, UniqueRenderer
from geojobs_lab.tiles import render_image, render_tile
from geojobs_lab.tiles.sampling import level_of

NY, NX = 1500, 3000  # cells of 0.12 degrees, up to a factor of 16
GREYS = StretchedRenderer.from_range(0, 254)


@pytest.fixture(autouse=True)
def _empty_cache():
    BLOCK_CACHE.clear()


@pytest.fixture(scope="module")
def published(tmp_path_factory):
    """Noise, with a hole in it, as floats and as classes; with overviews."""
    path = tmp_path_factory.mktemp("levels") / "data.nc"
    rng = np.random.default_rng(3)
    values = rng.integers(0, 255, (NY, NX)).astype("f4")
    values[400:700, 900:1700] = np.nan
    classes = xr.DataArray(rng.integers(1, 6, (NY, NX)).astype("i2"))
    arrays = {"floats": xr.DataArray(values), "classes": classes}
    rasters = {}
    for name, array in arrays.items():
        data = array.rename(dim_0="lat", dim_1="lon").assign_coords(
            lat=("lat", 90 - 0.12 * (np.arange(NY) + 0.5), {"units": "degrees_north"}),
            lon=("lon", 0.12 * (np.arange(NX) + 0.5), {"units": "degrees_east"}),
        )
        rasters[name] = data
    rasters["classes"].attrs["flag_values"] = np.arange(1, 6, dtype="i2")
    rasters["classes"].attrs["flag_meanings"] = "a b c d e"
    write_raster(path, rasters, {})
    return path


@pytest.fixture(scope="module")
def plain(published, tmp_path_factory):
    """The floats in a file from elsewhere, without overviews."""
    path = tmp_path_factory.mktemp("levels") / "plain.nc"
    with RasterFile(published) as file:
        values = file.read("floats", {})
    with netCDF4.Dataset(path, "w") as file:
        for name, places, units in (
            ("lat", 90 - 0.12 * (np.arange(NY) + 0.5), "degrees_north"),
            ("lon", 0.12 * (np.arange(NX) + 0.5), "degrees_east"),
        ):
            file.createDimension(name, len(places))
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = places
            variable.units = units
        file.createVariable("floats", "f4", ("lat", "lon"), fill_value=np.nan, chunksizes=(128, 300), zlib=True)[:] = (
            values
        )
    return path


def indices(png):
    return np.asarray(Image.open(io.BytesIO(png)))


def places(z, x, y, size=256):
    """Return the continuous rows of a tile's lines and columns of its columns, in cells of the full resolution."""
    lon = 360 * (x + (np.arange(size) + 0.5) / size) / 2**z - 180
    lat = np.degrees(np.arctan(np.sinh(np.pi * (1 - 2 * (y + (np.arange(size) + 0.5) / size) / 2**z))))
    return (90 - lat) / 0.12, lon % 360 / 0.12


def true_level(z, y, size=256):
    """Return the coarsest factor whose cells are not larger than the tile's pixels, the middle one of which counts."""
    down, _ = places(z, 0, y, size)
    return 2 ** math.floor(math.log2(max(1, min(np.median(np.diff(down)), 3000 / size / 2**z))))


TILES = [(0, 0, 0), (1, 0, 0), (1, 1, 1), (2, 2, 1), (3, 4, 3), (3, 0, 1), (4, 7, 7), (5, 20, 9), (7, 64, 60)]


@pytest.mark.parametrize("tile", TILES, ids=str)
@pytest.mark.parametrize("scale", [1, 2])
def test_a_tile_shows_the_coarsest_level_whose_cells_are_not_larger_than_a_pixel(published, tile, scale):
    z, x, y = tile
    factor = true_level(z, y, 256 * scale)
    rows, cols = places(z, x, y, 256 * scale)
    with RasterFile(published) as file:
        level = file.read("floats", {}, factor=factor)
        drawn = indices(render_tile(file, "floats", {}, GREYS, z, x, y, scale=scale))
    expected = level[np.ix_((rows / factor).astype(int), (cols / factor).astype(int))]
    assert (drawn == GREYS.indices(expected)).all()


def test_the_levels_of_the_zooms_follow_each_other():
    assert [true_level(z, 2**z // 2) for z in range(6)] == [4, 2, 2, 1, 1, 1]
    levels = (1, 2, 4, 8, 16)
    sizes = [level_of(cells, levels, (NY, NX))[0] for cells in (0.1, 1, 1.99, 2, 3.9, 4, 15, 16, 500)]
    assert sizes == [1, 1, 1, 2, 2, 4, 8, 16, 16]


@pytest.mark.parametrize("tile", TILES[:6], ids=str)
def test_classes_show_the_most_frequent_value(published, tile):
    z, x, y = tile
    factor = true_level(z, y)
    renderer = UniqueRenderer([(value, Color(40 * value, 0, 0)) for value in range(1, 6)])
    rows, cols = places(z, x, y)
    with RasterFile(published) as file:
        level = file.read("classes", {}, factor=factor, method="mode")
        for drawn_by in (renderer, StretchedRenderer.from_range(1, 5)):  # flags are classes however they are drawn
            drawn = indices(render_tile(file, "classes", {}, drawn_by, z, x, y))
            expected = level[np.ix_((rows / factor).astype(int), (cols / factor).astype(int))]
            assert (drawn == drawn_by.indices(expected)).all()


def test_without_overviews_the_nearest_cell_is_drawn_and_of_many_cells_a_part(plain, monkeypatch):
    rows, cols = places(0, 0, 0)
    with RasterFile(plain) as file:
        whole = file.read("floats", {})
        monkeypatch.setattr("geojobs_lab.tiles.sampling._READ_WHOLE", 5_000_000)
        drawn = indices(render_tile(file, "floats", {}, GREYS, 0, 0, 0))
        assert (drawn == GREYS.indices(whole[np.ix_(rows.astype(int), cols.astype(int))])).all()
        monkeypatch.setattr("geojobs_lab.tiles.sampling._READ_WHOLE", 1_000_000)
        thinned = indices(render_tile(file, "floats", {}, GREYS, 0, 0, 0))
        middles = [np.minimum(at.astype(int) // 4 * 4 + 2, size - 1) for at, size in ((rows, NY), (cols, NX))]
        assert (thinned == GREYS.indices(whole[np.ix_(*middles)])).all()
        assert BLOCK_CACHE.size < 2 * whole.nbytes
        near = indices(render_tile(file, "floats", {}, GREYS, 6, 40, 20))
        rows, cols = places(6, 40, 20)
        assert (near == GREYS.indices(whole[np.ix_(rows.astype(int), cols.astype(int))])).all()


def bytes_read():
    """Return how many bytes this process has read from files."""
    with Path("/proc/self/io").open() as file:
        return int(next(line for line in file if line.startswith("rchar")).split()[1])


@pytest.mark.parametrize("tile", [(0, 0, 0), (2, 1, 1), (6, 33, 22)], ids=str)
def test_a_tile_reads_little_of_a_large_raster(published, tile):
    with RasterFile(published) as file:
        render_tile(file, "classes", {}, GREYS, *tile)  # what is read once, of whatever
        before = bytes_read()
        render_tile(file, "floats", {}, GREYS, *tile)
        assert bytes_read() - before < 9 * 256 * 256 * 4
        before = bytes_read()
        render_tile(file, "floats", {}, GREYS, *tile)
        assert bytes_read() - before < 1000  # nothing but the counter itself


# -- bilinear


def bilinear(level, rows, cols):
    """Return means of the four cells round places, by a calculation of its own: cell by cell."""
    ny, nx = level.shape
    found = np.full((len(rows), len(cols)), np.nan)
    for line, row in enumerate(rows):
        for column, col in enumerate(cols):
            if np.isnan(level[min(int(row), ny - 1), min(int(col), nx - 1)]):
                continue
            total = weight = 0.0
            for down in (math.floor(row - 0.5), math.floor(row - 0.5) + 1):
                for across in (math.floor(col - 0.5), math.floor(col - 0.5) + 1):
                    value = level[min(max(down, 0), ny - 1), across % nx]
                    share = (1 - abs(row - 0.5 - down)) * (1 - abs(col - 0.5 - across))
                    if not np.isnan(value):
                        total, weight = total + share * value, weight + share
            found[line, column] = total / weight
    return found


@pytest.mark.parametrize("tile", [(2, 2, 1), (5, 18, 12), (8, 128, 120), (8, 127, 120), (6, 40, 23)], ids=str)
def test_bilinear_is_between_the_cells_of_the_level_that_have_data(published, tile):
    z, x, y = tile
    factor = true_level(z, y)
    rows, cols = (part[::16] for part in places(z, x, y))
    with RasterFile(published) as file:
        level = file.read("floats", {}, factor=factor)
        drawn = indices(render_tile(file, "floats", {}, GREYS, z, x, y, resampling="bilinear"))[::16, ::16]
    expected = bilinear(level, rows / factor, cols / factor)
    assert (drawn == 0).tolist() == np.isnan(expected).tolist()
    off = np.abs(drawn.astype(int) - GREYS.indices(expected))
    assert off.max() <= 1  # where rounding decides
    assert (off == 0).mean() > 0.95


def test_bilinear_of_a_plane_is_the_plane_on_a_projected_grid_too(tmp_path):
    ny, nx = 60, 70
    xs, ys = 1000.0 * np.arange(nx) + 400_000, 6_000_000 - 1000.0 * np.arange(ny)
    data = xr.DataArray(
        np.add.outer(np.arange(ny), 2.0 * np.arange(nx)),
        dims=("y", "x"),
        coords={"y": ("y", ys, {"units": "m"}), "x": ("x", xs, {"units": "m"})},
    )
    write_raster(tmp_path / "plane.nc", {"data": data.rio.write_crs(32633)}, {})
    renderer = StretchedRenderer.from_range(0, 200)
    box = (405_000.0, 5_950_000.0, 460_000.0, 5_990_000.0)
    with RasterFile(tmp_path / "plane.nc") as file:
        png = render_image(file, "data", {}, renderer, box, 550, 400, crs="EPSG:32633", resampling="bilinear")
    x, y = 405_000 + 100 * (np.arange(550) + 0.5), 5_990_000 - 100 * (np.arange(400) + 0.5)
    expected = np.add.outer((6_000_000 - y) / 1000, 2 * (x - 400_000) / 1000)
    assert np.abs(indices(png).astype(int) - renderer.indices(expected)).max() <= 1


def test_classes_are_never_between(published):
    renderer = UniqueRenderer([(value, Color(40 * value, 0, 0)) for value in range(1, 6)], background=Color(9, 9, 9))
    with RasterFile(published) as file:
        tiles = [
            render_tile(file, "classes", {}, renderer, 6, 40, 23, resampling=way) for way in ("nearest", "bilinear")
        ]
    assert tiles[0] == tiles[1]


def test_a_renderers_fill_value_is_missing_for_bilinear_too(tmp_path):
    data = xr.DataArray(
        np.array([[1.0, 1, 99, 1], [1, 1, 1, 1], [1, 1, 1, 1]]),
        dims=("lat", "lon"),
        coords={
            "lat": ("lat", [10.0, 0, -10], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 10, 20, 30], {"units": "degrees_east"}),
        },
    )
    write_raster(tmp_path / "data.nc", {"data": data}, {})
    renderer = StretchedRenderer.from_range(0, 2, fill_value=99)
    with RasterFile(tmp_path / "data.nc") as file:
        png = render_image(file, "data", {}, renderer, (-5, -15, 35, 15), 40, 30, resampling="bilinear")
    assert set(indices(png).ravel().tolist()) == {0, 128}


def test_a_way_of_resampling_that_there_is_not_is_refused(published):
    with RasterFile(published) as file, pytest.raises(InvalidInput, match="'cubic'") as caught:
        render_tile(file, "floats", {}, GREYS, 0, 0, 0, resampling="cubic")
    assert caught.value.field == "resampling"
