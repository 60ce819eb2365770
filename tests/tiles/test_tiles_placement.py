"""Tiles against a calculation of their own: every pixel through pyproj, its cell by searching the coordinates."""

import math

import numpy as np
import pytest
from pyproj import CRS, Transformer

from geojobs_lab.tiles import tile_bounds

EARTH = 2 * math.pi * 6378137.0  # metres round the equator of EPSG:3857


def pixel_places(crs, z, x, y, size):
    """Return x, y in a CRS of the centre of each pixel, (size, size), by pyproj alone."""
    pixel = EARTH / 2**z / size
    east = -EARTH / 2 + x * EARTH / 2**z + (np.arange(size) + 0.5) * pixel
    north = EARTH / 2 - y * EARTH / 2**z - (np.arange(size) + 0.5) * pixel
    return Transformer.from_crs(3857, crs, always_xy=True).transform(*np.meshgrid(east, north))


def nearest(places, centres, *, circular=False):
    """Return the position of the centre nearest to each place, and how far it is in cells."""
    step = abs(centres[1] - centres[0])
    different, back = np.unique(places, return_inverse=True)  # most of a separable map's are the same
    away = different[:, None] - centres
    if circular:
        away = (away + 180) % 360 - 180
    position = np.abs(away).argmin(axis=1)
    distance = np.abs(away[np.arange(len(position)), position]) / step
    return position[back].reshape(places.shape), distance[back].reshape(places.shape)


def pixels(places, centres):
    """Return how many cells each pixel is wide."""
    with np.errstate(invalid="ignore"):  # off the Earth
        down, along = np.gradient(places)
    return np.hypot(down, along) / abs(centres[1] - centres[0])


def assert_placed(raster, tiles, *, crs=4326, circular=True, size=256, slack=0.0):
    """Compare tiles with the truth; `slack` is how far a pixel's place may be off, in pixels."""
    filled = 0
    for z, x, y in tiles:
        places_x, places_y = pixel_places(crs, z, x, y, size)
        rows, rows_off = nearest(places_y, raster.ys)
        cols, cols_off = nearest(places_x, raster.xs, circular=circular)
        expected = np.where(np.maximum(rows_off, cols_off) <= 0.5, rows * len(raster.xs) + cols, -1)
        drawn = raster.tile(z, x, y, scale=size // 256)
        # On an outer edge rounding may decide either way.
        clear = (np.abs(rows_off - 0.5) > 0.011) & (np.abs(cols_off - 0.5) > 0.011) | (expected >= 0)
        if slack:  # so near to the edge of a cell the neighbour will do
            near = 0.5 - slack * np.maximum(pixels(places_y, raster.ys), pixels(places_x, raster.xs))
            clear &= (np.maximum(rows_off, cols_off) < near) | (np.minimum(rows_off, cols_off) > 1.5)
        assert (drawn == expected)[clear].all(), (z, x, y)
        filled += (drawn >= 0).sum()
    assert filled > 0


LATITUDES = np.arange(-89.25, 90, 1.5)
GLOBAL_TILES = [
    (0, 0, 0),
    *((1, x, y) for x in (0, 1) for y in (0, 1)),
    *((3, x, y) for x in (0, 3, 4, 7) for y in (0, 3, 7)),
    *((6, x, y) for x in (0, 31, 32, 63) for y in (1, 31)),
    (12, 0, 2048),
    (12, 2047, 2047),
    (12, 4095, 1000),
]
LONGITUDES = {
    "0 to 360": np.arange(0.75, 360, 1.5),
    "0 to 360, the first cell across Greenwich": np.arange(0.0, 360, 1.5),
    "-180 to 180": np.arange(-179.25, 180, 1.5),
    "-180 to 180, the first cell across the antimeridian": np.arange(-180.0, 180, 1.5),
    "100 to 460": np.arange(100.1, 460, 1.5),
}


@pytest.mark.parametrize("latitudes", [LATITUDES, LATITUDES[::-1]], ids=["south first", "north first"])
@pytest.mark.parametrize("longitudes", LONGITUDES.values(), ids=LONGITUDES.keys())
def test_every_pixel_shows_the_nearest_cell_of_a_global_grid(numbered, latitudes, longitudes):
    raster = numbered(latitudes, longitudes)
    assert_placed(raster, GLOBAL_TILES)
    assert (raster.tile(0, 0, 0) >= 0).all()


def test_a_seam_of_the_longitudes_leaves_no_gap_at_any_zoom(numbered):
    for first in (0.0, -180.0, 0.1):
        raster = numbered(LATITUDES, (first + np.arange(1080) / 3).astype("f4")[::5])
        for z in range(0, 20, 3):
            middle = 2**z // 2
            for x in {0, max(middle - 1, 0), middle % 2**z, 2**z - 1}:
                assert (raster.tile(z, x, middle % 2**z) >= 0).all()


def test_a_turn_that_rounding_left_a_little_short_has_no_gap_either(numbered):
    step = 1 / 3 * (1 - 5e-6)  # degrees; 0.005 cells are missing at 180 degrees, 1300 pixels of zoom 20
    raster = numbered(LATITUDES[::5], -180 + (np.arange(1080) + 0.5) * step)
    assert (raster.tile(20, 2**20 - 1, 2**19) >= 0).all()


REGIONS = {
    "across the antimeridian, 150 to 230": (np.arange(-50.2, 60, 1.1), np.arange(150.3, 230, 1.1)),
    "across the antimeridian, -210 to -130": (np.arange(-50.2, 60, 1.1), np.arange(-209.7, -130, 1.1)),
    "across Greenwich, 340 to 400": (np.arange(40.1, 70, 0.7), np.arange(340.2, 400, 0.7)),
    "across Greenwich, -20 to 40": (np.arange(40.1, 70, 0.7), np.arange(-19.8, 40, 0.7)),
    "North America, 225 to 315": (np.arange(15, 60.1, 1.25), np.arange(225, 315.1, 1.875)),
    "nearly all the way round": (np.arange(-60.2, 60, 1.3), np.arange(12.3, 350, 1.7)),
}


@pytest.mark.parametrize("turned", [False, True], ids=["as it is", "both axes falling"])
@pytest.mark.parametrize(("latitudes", "longitudes"), REGIONS.values(), ids=REGIONS.keys())
def test_every_pixel_shows_the_nearest_cell_of_a_region_or_none(numbered, latitudes, longitudes, turned):
    step = -1 if turned else 1
    raster = numbered(latitudes[::step], longitudes[::step])
    tiles = [(0, 0, 0), *((2, x, y) for x in range(4) for y in (1, 2)), (5, 0, 12), (5, 31, 12), (6, 32, 20)]
    assert_placed(raster, tiles)
    assert (raster.tile(0, 0, 0) == -1).any()


def test_dense_tiles_show_twice_the_detail(numbered):
    raster = numbered(LATITUDES, LONGITUDES["0 to 360"])
    assert_placed(raster, [(2, 1, 1), (5, 31, 9)], size=512)


def test_columns_first_is_read_like_rows_first(numbered):
    raster = numbered(LATITUDES, LONGITUDES["0 to 360"], dims=("x", "y"))
    assert_placed(raster, [(0, 0, 0), (4, 9, 5)])


METRES = {
    "y": {"standard_name": "projection_y_coordinate", "units": "m"},
    "x": {"standard_name": "projection_x_coordinate", "units": "m"},
}


@pytest.mark.parametrize("epsg", [5070, 3413, 32633, 3035])
def test_every_pixel_shows_the_nearest_cell_of_a_projected_grid(numbered, epsg):
    crs = CRS.from_epsg(epsg)
    west, south, east, north = crs.area_of_use.bounds
    x, y = Transformer.from_crs(4326, crs, always_xy=True).transform((west + east) / 2, (south + north) / 2)
    xs, ys = x + 21_013.0 * np.arange(-60, 60), y + 19_007.0 * np.arange(-55, 55)[::-1]
    raster = numbered(ys, xs, grid_mapping=crs.to_cf(), attributes=METRES)
    column = int(32 * ((west + east) / 2 + 180) / 360)
    near = [(5, column + i, j) for i in (-1, 0, 1) for j in range(5, 14, 2)]
    assert_placed(raster, [(0, 0, 0), *near], crs=crs, circular=False, slack=0.15)


def test_every_pixel_shows_the_nearest_cell_of_a_rotated_pole_grid_in_0_to_360(numbered):
    mapping = {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 37.5,
        "grid_north_pole_longitude": 177.5,
    }
    attributes = {
        "y": {"standard_name": "grid_latitude", "units": "degrees"},
        "x": {"standard_name": "grid_longitude", "units": "degrees"},
    }
    raster = numbered(
        np.arange(-22.5, 24, 0.9), np.arange(313.0, 391, 0.9), grid_mapping=mapping, attributes=attributes
    )
    assert_placed(raster, [(0, 0, 0), (3, 3, 2), (3, 4, 2), (5, 15, 10)], crs=CRS.from_cf(mapping), slack=0.15)


def test_bounds_of_tiles_agree_with_pyproj():
    for z, x, y in [(0, 0, 0), (3, 5, 2), (18, 140000, 90000)]:
        bounds = tile_bounds(z, x, y)
        corners = Transformer.from_crs(3857, 4326, always_xy=True).transform(
            [bounds.xmin, bounds.xmax], [bounds.ymin, bounds.ymax]
        )
        assert np.allclose(corners, [[bounds.west, bounds.east], [bounds.south, bounds.north]], atol=1e-9)
    assert tile_bounds(0, 0, 0).north == pytest.approx(85.0511287798066)
    assert tile_bounds(1, 1, 1).west == 0
    assert tile_bounds(1, 0, 1).xmin == pytest.approx(-20037508.342789244)
