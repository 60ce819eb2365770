import io

import netCDF4
import numpy as np
import pytest
from PIL import Image

import geojobs_lab.tiles
from geojobs_lab.errors import InvalidInput, NotFound
from geojobs_lab.rasters import RasterFile
from geojobs_lab.renderers import Color, StretchedRenderer
from geojobs_lab.tiles import empty_tile, render_tile, tile_bounds

RED_TO_BLUE = StretchedRenderer([(0, Color(255, 0, 0)), (10, Color(0, 0, 255))])


@pytest.fixture
def file(tmp_path):
    """Two steps on a global grid: 0 in the west and 10 in the east, then the other way; none south of 60 S."""
    path = tmp_path / "layers.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        for name, values, units in (
            ("time", [0, 1], "days since 2000-01-01"),
            ("lat", np.arange(-85, 90, 10.0), "degrees_north"),
            ("lon", np.arange(5, 360, 10.0), "degrees_east"),
        ):
            dataset.createDimension(name, len(values))
            variable = dataset.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.units = units
        data = dataset.createVariable("data", "f4", ("time", "lat", "lon"), fill_value=-999.0)
        data[0, :, :18], data[0, :, 18:] = 10, 0
        data[1, :, :18], data[1, :, 18:] = 0, 10
        data[:, :3] = -999.0
    with RasterFile(path) as opened:
        yield opened


def pixels(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGBA"))


def test_the_public_names_are_sorted_and_there():
    names = geojobs_lab.tiles.__all__
    assert names == sorted(names)
    assert all(hasattr(geojobs_lab.tiles, name) for name in names)


def test_a_tile_shows_the_colors_of_the_values_and_nothing_where_they_are_missing(file):
    tile = pixels(render_tile(file, "data", {"time": 0}, RED_TO_BLUE, 0, 0, 0))
    assert tile.shape == (256, 256, 4)
    assert tile[100, 10].tolist() == [255, 0, 0, 255]
    assert tile[100, 200].tolist() == [0, 0, 255, 255]
    assert tile[250, 10].tolist() == [0, 0, 0, 0]


def test_the_selection_says_which_step_is_drawn(file):
    tile = pixels(render_tile(file, "data", {"time": 1}, RED_TO_BLUE, 0, 0, 0))
    assert tile[100, 10].tolist() == [0, 0, 255, 255]


def test_a_dense_tile_has_512_pixels_a_side(file):
    assert pixels(render_tile(file, "data", {}, RED_TO_BLUE, 3, 1, 3, scale=2)).shape == (512, 512, 4)


def test_a_tile_without_data_is_the_empty_one(file):
    assert render_tile(file, "data", {}, RED_TO_BLUE, 3, 1, 7) == empty_tile()
    assert render_tile(file, "data", {}, RED_TO_BLUE, 3, 1, 7, scale=2) == empty_tile(2)


@pytest.mark.parametrize("place", [(-1, 0, 0), (31, 0, 0), (0, 1, 0), (2, 0, 4), (2, -1, 0), (1, 0, -1)])
def test_tiles_that_do_not_exist_are_refused_with_the_number(file, place):
    for refused in (lambda: tile_bounds(*place), lambda: render_tile(file, "data", {}, RED_TO_BLUE, *place)):
        with pytest.raises(InvalidInput, match="tile: ") as caught:
            refused()
        assert caught.value.field == "tile"
        assert str(caught.value.value) in str(caught.value)


def test_the_deepest_zoom_is_drawn(file):
    last = 2**30 - 1
    tile = pixels(render_tile(file, "data", {"time": 0}, RED_TO_BLUE, 30, last, last // 2))
    assert (tile == [0, 0, 255, 255]).all()


def test_scales_and_variables_that_do_not_exist_are_refused(file):
    with pytest.raises(InvalidInput, match="scale 0"):
        render_tile(file, "data", {}, RED_TO_BLUE, 0, 0, 0, scale=0)
    with pytest.raises(NotFound, match="'nothing'"):
        render_tile(file, "nothing", {}, RED_TO_BLUE, 0, 0, 0)
