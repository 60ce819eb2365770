"""The regular grid's arithmetic."""

import math

import numpy as np
import pytest
import xarray as xr
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from pyproj import CRS, Transformer

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import Grid

WGS84 = CRS.from_epsg(4326)
ROTATED = CRS.from_cf(
    {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 39.25,
        "grid_north_pole_longitude": -162.0,
        "earth_radius": 6371229.0,
    }
)


def lonlat(dx: float, dy: float, west: float, first_y: float, shape: tuple[int, int]) -> Grid:
    return Grid(WGS84, Affine(dx, 0, west, 0, dy, first_y), shape)


@given(
    dx=st.sampled_from([0.25, 1.5, -0.5]),
    dy=st.sampled_from([0.5, -1.25]),
    west=st.floats(-400, 400),
    ny=st.integers(1, 20),
    nx=st.integers(1, 20),
    data=st.data(),
)
def test_the_centre_of_every_cell_lies_in_that_cell_whatever_the_turn(dx, dy, west, ny, nx, data) -> None:
    grid = lonlat(dx, dy, west, 10.0, (ny, nx))
    row, col = data.draw(st.integers(0, ny - 1)), data.draw(st.integers(0, nx - 1))
    turns = data.draw(st.integers(-3, 3))
    assert grid.cell(grid.xs[col] + 360 * turns, grid.ys[row]) == (row, col)


def test_cells_are_found_for_many_points_at_once_and_minus_one_outside() -> None:
    grid = lonlat(10, -10, 200, 50, (3, 4))
    rows, cols = grid.cells([-155, 205, 245, math.nan], [45, 15, 51, -math.inf])
    assert rows.tolist() == [0, -1, -1, -1]
    assert cols.tolist() == [0, 0, -1, -1]


def test_the_outer_edges_belong_to_the_grid() -> None:
    grid = lonlat(90, -90, -180, 90, (2, 4))
    assert grid.cell(0, -90) == (1, 2)
    assert grid.cell(0, 90) == (0, 2)
    assert grid.cell(180, 10) == (0, 0)  # all the way round: the seam is the first column again
    part = lonlat(10, 10, 0, 0, (2, 2))
    assert part.cell(20, 20) == (1, 1)
    assert part.cell(20.001, 5) is None
    assert part.cell(-0.001, 5) is None


def test_a_rotated_pole_is_not_longitude_and_latitude_but_turns_by_360() -> None:
    grid = Grid(ROTATED, Affine(1, 0, 350, 0, 1, -5), (10, 20))
    assert not grid.is_geographic
    lon, lat = grid.to_lonlat(5.5, 0.5)
    x, y = grid.from_lonlat(lon, lat)
    assert grid.cell(float(x), float(y)) == (5, 15)
    # Spherical trigonometry, written out: rotated (0, 0) lies a quarter turn from the pole, on the pole's meridian.
    lon0, lat0 = grid.to_lonlat(0.0, 0.0)
    assert (float(lon0), float(lat0)) == pytest.approx((18.0, 90 - 39.25))


@pytest.mark.parametrize(
    ("grid", "expected"),
    [
        (lonlat(1.875, 1.25, 224.0625, 14.375, (37, 49)), (-135.9375, 14.375, -44.0625, 60.625)),
        (lonlat(1, -1, 0, 90, (180, 360)), (-180, -90, 180, 90)),
        (lonlat(1, -1, -0.5, 90.5, (181, 361)), (-180, -90, 180, 90)),
        (lonlat(1, -1, 170, 10, (10, 20)), (170, 0, 190, 10)),
        (lonlat(-1, 1, 20, 0, (10, 20)), (0, 0, 20, 10)),
    ],
)
def test_the_box_in_degrees(grid: Grid, expected: tuple[float, ...]) -> None:
    assert grid.lonlat_bounds == pytest.approx(expected)


def test_the_box_of_a_projected_grid_holds_every_cell() -> None:
    for code, transform in ((5070, Affine(1e5, 0, -2e6, 0, -1e5, 3e6)), (3413, Affine(1e5, 0, -2e6, 0, 1e5, -2e6))):
        grid = Grid(CRS.from_epsg(code), transform, (40, 40))
        west, south, east, north = grid.lonlat_bounds
        to_degrees = Transformer.from_crs(code, 4326, always_xy=True)
        lon, lat = to_degrees.transform(*np.meshgrid(grid.xs, grid.ys))
        lon = west + (lon - west) % 360
        assert lon.max() <= east + 1e-9
        assert south <= lat.min() <= lat.max() <= north
        assert (north == 90) == (code == 3413)  # the pole lies in the second one


def test_the_box_of_a_full_disk_is_that_of_its_visible_part() -> None:
    seen_from_space = CRS.from_proj4("+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84")
    grid = Grid(seen_from_space, Affine(110000, 0, -5500000, 0, -110000, 5500000), (100, 100))
    west, south, east, north = grid.lonlat_bounds
    assert -82 < west < -70 < 70 < east < 82
    assert -82 < south < -70 < 70 < north < 82


@pytest.mark.parametrize(("longitude", "west", "east"), [(0, -79, 79), (-137, 144, 302), (140.7, 61.7, 219.7)])
def test_a_disk_that_touches_the_edges_of_its_grid_is_bounded_as_a_whole(longitude, west, east) -> None:
    crs = CRS.from_proj4(f"+proj=geos +h=35785831 +lon_0={longitude} +sweep=y +ellps=WGS84")
    edge = 0.1518 * 35785831  # a little more than the Earth's limb
    grid = Grid(crs, Affine(2 * edge / 360, 0, -edge, 0, -2 * edge / 360, edge), (360, 360))
    found = grid.lonlat_bounds
    assert (found[1], found[3]) == pytest.approx((-79, 79), abs=3)
    assert (found[0] % 360, found[2] - found[0]) == pytest.approx((west % 360, east - west), abs=4)


def test_same_as_means_the_same_cells_in_the_same_order() -> None:
    grid = lonlat(1, -1, 0, 50, (10, 20))
    assert grid.same_as(lonlat(1 + 1e-6, -1, 1e-5, 50, (10, 20)))
    assert not grid.same_as(lonlat(1, 1, 0, 40, (10, 20)))  # upside down
    assert not grid.same_as(lonlat(1, -1, 0.01, 50, (10, 20)))
    assert not grid.same_as(lonlat(1, -1, 0, 50, (10, 21)))
    assert not grid.same_as(Grid(CRS.from_epsg(3857), grid.transform, grid.shape))


def test_a_rotated_pole_read_back_from_its_wkt_is_the_same_and_another_pole_is_not() -> None:
    transform = Affine(1, 0, 350, 0, 1, -5)
    grid = Grid(ROTATED, transform, (2, 2))
    assert grid.same_as(Grid(CRS.from_wkt(ROTATED.to_wkt()), transform, (2, 2)))
    other = CRS.from_cf(
        {
            "grid_mapping_name": "rotated_latitude_longitude",
            "grid_north_pole_latitude": 39.0,
            "grid_north_pole_longitude": -162.0,
            "earth_radius": 6371229.0,
        }
    )
    assert not grid.same_as(Grid(other, transform, (2, 2)))


def test_a_grid_says_in_one_line_what_it_is() -> None:
    text = str(lonlat(1, 2, 0, 50, (10, 20)))
    assert text == "10 x 20 cells of 2 x 1 (y x x), y 50..70 (south first), x 0..20, EPSG:4326"


@pytest.mark.parametrize(
    ("transform", "shape"),
    [
        (Affine(1, 0.1, 0, 0, 1, 0), (2, 2)),
        (Affine(0, 0, 0, 0, 1, 0), (2, 2)),
        (Affine(1, 0, math.nan, 0, 1, 0), (2, 2)),
        (Affine(1, 0, 0, 0, 1, 0), (0, 2)),
    ],
)
def test_what_is_no_regular_grid_is_refused(transform: Affine, shape: tuple[int, int]) -> None:
    with pytest.raises(RasterError):
        Grid(WGS84, transform, shape)


def test_the_grid_of_an_array_comes_from_its_coordinates() -> None:
    data = xr.DataArray(np.zeros((3, 2)), coords={"lat": [1.0, 2.0, 3.0], "lon": [10.0, 20.0]}, dims=("lat", "lon"))
    grid = Grid.from_array(data)
    assert grid.bounds == (5, 0.5, 25, 3.5)
    assert grid.transform.e == 1
    assert grid.crs == WGS84
    assert Grid.from_array(data.T).same_as(grid)  # whatever the order of the dimensions
    assert Grid.from_array(data[::-1]).transform == Affine(10, 0, 5, 0, -1, 3.5)


def test_the_grid_of_an_array_uses_the_crs_that_rioxarray_wrote() -> None:
    import rioxarray  # noqa: F401  # registers .rio

    data = xr.DataArray(np.zeros((3, 2)), coords={"y": [3e5, 2e5, 1e5], "x": [1e5, 2e5]}, dims=("y", "x"))
    grid = Grid.from_array(data.rio.write_crs("EPSG:32633"))
    assert grid.crs == CRS.from_epsg(32633)
    assert not grid.is_geographic


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (xr.DataArray(np.zeros((3, 2)), name="bare"), "'bare'|bare of shape"),
        (xr.DataArray(np.zeros((2, 2)), coords={"y": [1e5, 2e5], "x": [0, 1e5]}, dims=("y", "x")), "no grid mapping"),
        (xr.DataArray(np.zeros((3, 2)), coords={"lat": [1, 4, 2], "lon": [0, 1]}, dims=("lat", "lon")), "falls all"),
        (xr.DataArray(np.zeros((1, 2)), coords={"lat": [1], "lon": [0, 1]}, dims=("lat", "lon")), "one step"),
        (xr.DataArray(np.zeros((0, 2)), coords={"lat": [], "lon": [0, 1]}, dims=("lat", "lon")), "empty|no latitude"),
        (xr.DataArray(np.zeros((2, 2)), coords={"lat": [1e5, 2e5], "lon": [0, 1]}, dims=("lat", "lon")), "-90..90"),
        (xr.DataArray(np.zeros((2, 2)), coords={"lat": [1, 1], "lon": [0, 1]}, dims=("lat", "lon")), "falls all"),
        (xr.DataArray(np.zeros((2, 2)), coords={"lat": [1, np.nan], "lon": [0, 1]}, dims=("lat", "lon")), "missing"),
    ],
)
def test_an_array_without_a_place_is_refused_with_the_reason(data: xr.DataArray, reason: str) -> None:
    with pytest.raises(RasterError, match=reason):
        Grid.from_array(data)
