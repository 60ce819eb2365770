"""Where points lie on regular, rectilinear and curvilinear grids."""

import netCDF4
import numpy as np
import pytest
from affine import Affine
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import CurvilinearGrid, Grid, RectilinearGrid
from geojobs_lab.rasters.rectilinear import midpoint_bounds

WGS84, METRES = CRS.from_epsg(4326), CRS.from_epsg(3857)
ROTATED = CRS.from_cf(
    {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 40.0,
        "grid_north_pole_longitude": -170.0,
    }
)


def rotated(ny: int, nx: int, *, step: float = 1.0, west: float = -20.0, south: float = -15.0):
    """Return a regular grid of a rotated pole, and the same cells by their longitudes and latitudes."""
    grid = Grid(ROTATED, Affine(step, 0, west, 0, step, south), (ny, nx))
    return grid, CurvilinearGrid(WGS84, *grid.to_lonlat(*np.meshgrid(grid.xs, grid.ys)))


def vectors(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


def test_positions_on_a_regular_grid_count_cells_from_the_outer_edges_as_stored() -> None:
    grid = Grid(WGS84, Affine(2, 0, 10, 0, -1, 60), (5, 4))
    rows, cols = grid.positions([9.99, 10, 11, 17.5, 18, 18.01, 371], [60.01, 60, 59.25, 55, 54.99])
    np.testing.assert_array_equal(rows, [np.nan, 0, 0.75, 5, np.nan])
    np.testing.assert_array_equal(cols, [np.nan, 0, 0.5, 3.75, 4, np.nan, 0.5])
    assert grid.separable
    assert [float(value) for value in grid.centre(1, 2)] == [15, 58.5]


def test_a_point_that_misses_the_edge_by_rounding_is_on_it() -> None:
    grid = Grid(WGS84, Affine(0.1, 0, 20, 0, 0.1, -90), (1800, 3600))
    rows, cols = grid.positions([20 - 1e-12, 380 + 1e-12, -340 - 1e-12], [-90 - 1e-12, 90 + 1e-12])
    assert not np.isnan(rows).any()
    assert not np.isnan(cols).any()
    assert grid.wraps


def test_what_is_no_point_is_outside_of_every_grid() -> None:
    regular, curvilinear = rotated(4, 5)
    uneven = RectilinearGrid(WGS84, regular.xs, regular.ys, regular.x_bounds, regular.y_bounds)
    for grid in (regular, curvilinear, uneven):
        rows, cols = grid.positions([np.nan, np.inf, -np.inf], [np.nan, np.inf, np.inf])
        assert np.isnan(rows).all()
        assert np.isnan(cols).all()
        assert grid.cell(np.nan, np.nan) is None


AXES = hnp.arrays(np.float64, st.integers(1, 12), elements=st.floats(0.5, 30))


@given(widths=AXES, falls=st.booleans(), values=hnp.arrays(np.float64, 20, elements=st.floats(-400, 400)))
def test_uneven_columns_hold_what_lies_between_their_edges(widths, falls, values) -> None:
    edges = np.concatenate([[0.0], np.cumsum(widths)]) - 100
    edges = edges[::-1] if falls else edges
    bounds = np.stack([edges[:-1], edges[1:]], axis=1)
    grid = RectilinearGrid(METRES, bounds.mean(axis=1), [0.5], bounds, [[0, 1]])
    _, cols = grid.positions(values, 0.5)
    _, cells = grid.cells(values, 0.5)
    for value, position, cell in zip(values, cols, cells, strict=True):
        holding = [i for i, pair in enumerate(bounds) if min(pair) <= value <= max(pair)]
        assert (cell in holding) if holding else cell == -1
        if holding:
            assert position == pytest.approx(cell + (value - bounds[cell, 0]) / np.diff(bounds[cell])[0], abs=1e-6)
        else:
            assert np.isnan(position)


def test_even_edges_make_a_rectilinear_grid_agree_with_the_regular_one() -> None:
    regular = Grid(WGS84, Affine(1.5, 0, 170, 0, -0.5, 60), (50, 20))
    uneven = RectilinearGrid(WGS84, regular.xs, regular.ys, midpoint_bounds(regular.xs), midpoint_bounds(regular.ys))
    x, y = np.random.default_rng(1).uniform([-200, 30], [400, 65], (500, 2)).T
    for mine, theirs in zip(uneven.positions(x, y), regular.positions(x, y), strict=True):
        np.testing.assert_allclose(mine, theirs, atol=1e-6)
    assert uneven.bounds == pytest.approx(regular.bounds)
    assert uneven.lonlat_bounds == pytest.approx(regular.lonlat_bounds)
    assert uneven.resolution == pytest.approx(regular.resolution)
    assert not uneven.same_as(regular)
    assert uneven.north_first
    assert uneven.west_first


def test_between_cells_that_do_not_touch_there_is_nothing() -> None:
    bounds = np.array([[0.0, 1.0], [3.0, 5.0], [5.0, 6.0]])
    for edges in (bounds, bounds[::-1, ::-1]):
        grid = RectilinearGrid(WGS84, edges.mean(axis=1), [0.5], edges, [[0, 1]])
        _, cells = grid.cells([0, 1, 2, 3, 4.9, 6], 0.5)
        wanted = [0, 0, -1, 1, 1, 2]
        assert cells.tolist() == (wanted if edges is bounds else [2, 2, -1, 1, 1, 0])


@pytest.mark.parametrize("edges", [[[0, 1], [0.5, 2]], [[0, 1], [2, 1]], [[0, 0], [1, 2]], [[0, np.nan], [1, 2]]])
def test_edges_that_overlap_or_turn_are_no_axis(edges) -> None:
    with pytest.raises(RasterError, match="overlap"):
        RectilinearGrid(WGS84, [0.5, 1.5], [0.5], edges, [[0, 1]])


@pytest.mark.parametrize("west", [-20.0, 150.0])  # the second holds the north pole of the Earth
@pytest.mark.parametrize("flip", [(1, 1), (-1, 1), (1, -1)])
def test_a_curvilinear_grid_finds_points_where_the_projection_of_its_cells_does(west, flip) -> None:
    regular, _ = rotated(60, 80, west=west, south=10.0)
    lon, lat = regular.to_lonlat(*np.meshgrid(regular.xs[:: flip[1]], regular.ys[:: flip[0]]))
    grid = CurvilinearGrid(WGS84, lon + 360 * (lon < 0), lat)
    x, y = (
        np.random.default_rng(2)
        .uniform(np.array(regular.bounds[:2]) - 3, np.array(regular.bounds[2:]) + 3, (4000, 2))
        .T
    )
    wanted = list(regular.positions(x, y))
    rows, cols = grid.positions(*regular.to_lonlat(x, y))
    for number, count in enumerate(regular.shape):
        if flip[number] < 0:
            wanted[number] = count - wanted[number]
    inside = ~np.isnan(wanted[0] + wanted[1])
    (xmin, ymin, xmax, ymax), near = regular.bounds, 0.05
    edge = np.min([abs(x - xmin), abs(x - xmax), abs(y - ymin), abs(y - ymax)], axis=0) < near
    assert (np.isnan(rows) == ~inside)[~edge].all()
    for mine, theirs in zip((rows, cols), wanted, strict=True):
        assert np.nanmax(np.abs(mine - theirs)) < 0.02


OCEANS = [
    ("orca2_votemper.nc", "nav_lon", "nav_lat", "nav_lon_bnds", "nav_lat_bnds"),
    ("NEMO/nemo_1m_20150101-20150201_grid-T.nc", "nav_lon", "nav_lat", "bounds_lon", "bounds_lat"),
]


@pytest.mark.parametrize("bounded", [False, True])
@pytest.mark.parametrize("names", OCEANS)
def test_tripolar_oceans_have_no_hole_and_every_point_is_in_a_cell_near_it(samples, names, bounded) -> None:
    with netCDF4.Dataset(samples / names[0]) as file:
        lon, lat, *corners = (np.asarray(file[name][:], "f8") for name in names[1:])
    grid = CurvilinearGrid(WGS84, lon, lat, tuple(corners) if bounded else None)
    assert grid.wraps
    assert grid.lonlat_bounds[::2] == (-180, 180)
    random = np.random.default_rng(3)
    x = random.uniform(-180, 540, 400)
    y = np.degrees(np.arcsin(random.uniform(np.sin(np.radians(lat.min() + 1)), 1, 400)))
    rows, cols = grid.cells(x, y)
    assert ((rows >= 0) == (cols >= 0)).all()
    inside = rows >= 0
    assert inside.mean() > 0.95
    points = vectors(x, y)[inside]
    own = np.degrees(
        np.arccos(np.clip((points * vectors(*grid.centre(rows[inside], cols[inside]))).sum(axis=-1), -1, 1))
    )
    nearest = np.degrees(np.arccos(np.clip((points @ vectors(lon, lat).reshape(-1, 3).T).max(axis=1), -1, 1)))
    assert (own - nearest).max() < max(grid.resolution)
    assert ((own - nearest) > 0.01).mean() < 0.1
