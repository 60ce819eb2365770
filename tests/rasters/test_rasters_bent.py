"""Rasters on curvilinear and uneven grids: opened, aligned, computed with, weighed, written and read again."""

import netCDF4
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from pyproj import CRS, Geod, Transformer

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import (
    AnyGrid,
    CurvilinearGrid,
    Grid,
    RasterFile,
    RectilinearGrid,
    align,
    as_raster,
    open_raster,
    same_grid,
    statistics,
    value_at,
    write_raster,
)
from geojobs_lab.rasters.calculating import calculate
from geojobs_lab.rasters.rectilinear import midpoint_bounds

WGS84 = CRS.from_epsg(4326)
SWATH = "+proj=omerc +lat_0=10 +lonc=178 +alpha=20 +gamma=0 +k=1"  # flies over the date line


def swath(rows: int = 60, cols: int = 40, size: float = 20_000.0, skip: int = 0):
    """Return longitudes and latitudes of cells of metres beside a track, the second half `skip` cells further on."""
    y = (np.arange(rows) + skip * (np.arange(rows) >= rows // 2)) * size
    x, y = np.meshgrid((np.arange(cols) - cols / 2) * size, y)
    return Transformer.from_crs(SWATH, 4326, always_xy=True).transform(x, y)


def places(x, y):
    """Return the rows and columns of the cells of a swath without a gap that hold points."""
    along, track = Transformer.from_crs(4326, SWATH, always_xy=True).transform(x, y)
    return np.floor(track / 20_000 + 0.5), np.floor(along / 20_000 + 20.5)


@pytest.fixture
def ocean(samples):
    with open_raster(samples / "NEMO" / "nemo_1m_20150101-20150201_grid-T.nc") as data:
        yield data.isel(time_counter=0).load()


def test_a_swath_over_the_date_line_holds_what_its_projection_says() -> None:
    grid = CurvilinearGrid(WGS84, *swath())
    west, south, east, north = grid.lonlat_bounds
    assert 0 < west < 180 < east < 200
    x, y = np.random.default_rng(4).uniform([west - 1, south - 1], [east + 1, north + 1], (5000, 2)).T
    rows, cols = grid.positions(x, y)
    wanted = places(x, y)
    inside = (wanted[0] >= 0) & (wanted[0] < 60) & (wanted[1] >= 0) & (wanted[1] < 40)
    assert (np.isnan(rows) == ~inside).mean() > 0.995  # the rest are on the edge
    both = inside & ~np.isnan(rows)
    assert (np.floor(rows) == wanted[0])[both].mean() > 0.99
    assert np.abs(rows - wanted[0] - 0.5)[both].max() < 0.6
    assert np.abs(cols - wanted[1] - 0.5)[both].max() < 0.6


@pytest.mark.parametrize("skip", [3, 30])
def test_nothing_lies_in_the_gap_between_two_scans(skip) -> None:
    grid = CurvilinearGrid(WGS84, *swath(skip=skip))
    back = Transformer.from_crs(SWATH, 4326, always_xy=True)
    before, within, after = (
        np.array(back.transform(0, (29 + step) * 20_000)) for step in (0.4, 1 + skip / 2, 0.6 + skip)
    )
    assert grid.cell(*before) == (29, 20)
    assert grid.cell(*within) is None
    assert grid.cell(*after) == (30, 20)


def test_cells_without_a_place_hold_nothing_and_their_neighbours_stay_as_they_are() -> None:
    lon, lat = swath()
    whole = CurvilinearGrid(WGS84, lon, lat)
    holes = np.zeros(lon.shape, bool)
    holes[10:20, 5:30] = holes[40] = True
    grid = CurvilinearGrid(WGS84, np.where(holes, np.nan, lon), lat)
    west, south, east, north = whole.lonlat_bounds
    x, y = np.random.default_rng(5).uniform([west, south], [east, north], (20_000, 2)).T
    wanted, found = whole.positions(x, y), grid.positions(x, y)
    rows, cols = (np.nan_to_num(place, nan=0).astype(int) for place in wanted)
    hidden = holes[np.minimum(rows, 59), np.minimum(cols, 39)] & ~np.isnan(wanted[0])
    assert np.isnan(found[0][hidden]).mean() > 0.95  # a sliver beside a hole may go to a neighbour
    there = ~hidden & ~np.isnan(wanted[0])
    assert np.isnan(found[0][there]).mean() < 0.002
    for mine, theirs in zip(found, wanted, strict=True):
        assert np.nanmax(np.abs(mine - theirs)[there]) < 0.1


def test_coordinates_that_were_never_written_make_no_cells_across_the_world() -> None:
    lon, lat = swath()
    lon[:, 30:] = lat[:, 30:] = 0.0  # as NEMO leaves out processors without ocean
    grid = CurvilinearGrid(WGS84, lon, lat)
    assert grid.cell(90.0, 5.0) is None
    assert grid.cell(lon[10, 29], lat[10, 29]) == (10, 29)
    assert grid.cell(0.0, 0.0) is None


def test_a_line_of_cells_has_square_ones() -> None:
    lon, lat = swath(rows=1)
    grid = CurvilinearGrid(WGS84, lon, lat)
    assert grid.cell(lon[0, 7], lat[0, 7]) == (0, 7)
    assert grid.resolution[1] == pytest.approx(grid.resolution[0], rel=0.05)


def test_an_ocean_is_opened_with_the_places_of_its_cells(ocean) -> None:
    assert ocean["nav_lat"].dims == ocean["nav_lon"].dims == ocean.dims
    grid = AnyGrid.from_array(ocean)
    assert isinstance(grid, CurvilinearGrid)
    same_grid([ocean, ocean * 2])
    assert AnyGrid.from_array(as_raster(ocean.values + 1, ocean)).same_as(grid)
    assert AnyGrid.from_array(as_raster(ocean[:50, :60] * 2, ocean)).shape == (50, 60)
    doubled = calculate("x + x", {"x": ocean})
    assert AnyGrid.from_array(doubled).same_as(grid)
    np.testing.assert_allclose(doubled, ocean.values * 2)


@pytest.mark.parametrize("method", ["nearest", "bilinear"])
def test_an_ocean_is_brought_onto_longitudes_and_latitudes_and_back(ocean, method) -> None:
    regular = Grid(WGS84, Affine(1.0, 0, -180, 0, -1.0, 90), (180, 360))
    (straight,) = align([ocean], to=regular, method=method)
    assert straight.dims == ("latitude", "longitude")
    lon, lat = ocean["nav_lon"].values, ocean["nav_lat"].values
    for y in (-60.5, -30.5, 0.5, 40.5, 75.5):
        for x in (-170.5, -30.5, 0.5, 179.5):
            apart = np.hypot(((lon - x + 180) % 360 - 180) * np.cos(np.radians(y)), lat - y)
            row, col = np.unravel_index(apart.argmin(), apart.shape)
            near, mine = float(ocean.values[row, col]), float(straight.sel(latitude=y, longitude=x))
            assert np.isnan(near) == np.isnan(mine) or abs(mine - near) < 2
            assert np.isnan(near) or np.isnan(mine) or abs(mine - near) < 1.5
    (back,) = align([straight], to=ocean, method=method)
    assert AnyGrid.from_array(back).same_as(AnyGrid.from_array(ocean))
    assert float(abs(back - ocean).mean()) < 0.4


def test_cells_of_a_curvilinear_grid_are_averaged_over_all_of_the_new_cell() -> None:
    lon, lat = np.meshgrid(np.arange(0.05, 10, 0.1), np.arange(40.05, 50, 0.1))
    lat = lat + 0.002 * lon  # not quite straight
    fine = xr.DataArray(lon * 2, {"lat": (("j", "i"), lat), "lon": (("j", "i"), lon)}, ("j", "i"))
    (coarse,) = align([fine], to=Grid(WGS84, Affine(1, 0, 1, 0, -1, 49), (8, 8)), method="average")
    np.testing.assert_allclose(coarse, np.broadcast_to(2 * (1.5 + np.arange(8.0)), (8, 8)), atol=0.03)


def test_areas_on_a_curvilinear_grid_are_those_of_its_cells(make_file) -> None:
    lon, lat = swath(8, 9, 200_000.0)
    values = np.random.default_rng(3).random(lon.shape)
    path = make_file(
        {
            "lat": (("j", "i"), lat, {"units": "degrees_north"}),
            "lon": (("j", "i"), lon, {"units": "degrees_east"}),
            "v": (("j", "i"), values, {"coordinates": "lat lon"}),
        }
    )
    with RasterFile(path) as file:
        mean = statistics(file, "v", {}, weights="area")["area_weighted_mean"]
    # Cells of equal squares in the projection, whose scale is what makes them differ.
    x, y = np.meshgrid((np.arange(9) - 4.5) * 200_000.0, np.arange(8) * 200_000.0)
    corners = np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * 100_000.0
    areas = np.empty(lon.shape)
    back, geod = Transformer.from_crs(SWATH, 4326, always_xy=True), Geod(ellps="sphere")
    for index in np.ndindex(lon.shape):
        ring = np.array([back.transform(x[index] + dx, y[index] + dy) for dx, dy in corners])
        areas[index] = abs(geod.polygon_area_perimeter(ring[:, 0], ring[:, 1])[0])
    assert mean == pytest.approx(float((values * areas).sum() / areas.sum()), rel=2e-3)


def test_a_result_on_a_curvilinear_grid_is_published_and_placed_as_before(ocean, tmp_path) -> None:
    write_raster(tmp_path / "out.nc", {"data": ocean, "more": ocean + 1}, {})
    with RasterFile(tmp_path / "out.nc") as file:
        assert list(file.variables) == ["data", "more"]
        info = file.variable("data")
        assert info.grid.same_as(AnyGrid.from_array(ocean))
        assert file.variable("more").grid is info.grid
        np.testing.assert_array_equal(file.read("data", {}), ocean.values)
        assert value_at(file, "data", {}, -30, 40)["value"] is not None
    with xr.open_dataset(tmp_path / "out.nc") as theirs:
        assert {"latitude", "longitude"} <= set(theirs["data"].coords)
        assert theirs["latitude"].dims == theirs["data"].dims == ("y", "x")


def test_a_result_on_uneven_rows_is_published_with_their_bounds(tmp_path) -> None:
    lat = np.array([-80.0, -50, -30, -10, 0, 20, 60])
    data = xr.DataArray(np.arange(28.0).reshape(7, 4), {"lat": lat, "lon": [0.0, 90, 180, 270]}, ("lat", "lon"))
    write_raster(tmp_path / "out.nc", {"data": data}, {})
    with RasterFile(tmp_path / "out.nc") as file:
        grid = file.variable("data").grid
        assert isinstance(grid, RectilinearGrid)
        assert grid.same_as(AnyGrid.from_array(data))
        np.testing.assert_allclose(grid.y_bounds, midpoint_bounds(lat))
        assert value_at(file, "data", {}, -100, -41)["value"] == 7
        assert value_at(file, "data", {}, -100, -39)["value"] == 11
    with netCDF4.Dataset(tmp_path / "out.nc") as file:
        assert file[file["latitude"].bounds].shape == (7, 2)


def test_uneven_rows_are_interpolated_by_distance() -> None:
    lat = np.array([0.0, 1.0, 3.0, 7.0])
    data = xr.DataArray(np.outer(lat, np.ones(3)), {"lat": lat, "lon": [0.0, 1, 2]}, ("lat", "lon"))
    target = Grid(WGS84, Affine(1, 0, -0.5, 0, -0.5, 7), (14, 3))
    for order in (slice(None), slice(None, None, -1)):
        (found,) = align([data[order]], to=target, method="bilinear")
        np.testing.assert_allclose(found[:, 1], target.ys, atol=1e-9)


@pytest.fixture
def layers(make_file):
    """A file of five rows whose edges are not halfway between their places."""
    edges = np.array([0.0, 1.0, 2.5, 6.0, 7.0, 12.0])
    places, pairs = [0.3, 2.2, 4.5, 6.4, 8.5], np.stack([edges[:-1], edges[1:]], axis=1)
    bounded = {"units": "degrees_north", "bounds": "lat_bnds"}
    path = make_file(
        {
            "lat": (("lat",), places, bounded),
            "lat_bnds": (("lat", "bnds"), pairs, {}),
            "lon": (("lon",), np.arange(4.0), {"units": "degrees_east"}),
            "v": (("lat", "lon"), np.arange(20.0).reshape(5, 4), {}),
        }
    )
    return path, pairs


def test_the_edges_of_uneven_cells_go_with_an_array_and_its_parts(layers, tmp_path) -> None:
    path, edges = layers
    with open_raster(path) as data:
        data = data.load()
    doubled = data * 2 + data
    for part, wanted in (
        (doubled, edges),
        (as_raster(doubled.values, data), edges),
        (doubled.isel(lat=slice(1, 4)), edges[1:4]),
        (doubled[::-1].copy(deep=True), edges[::-1, ::-1]),
        (doubled.isel(lat=[2]), edges[[2]]),
    ):
        grid = AnyGrid.from_array(part)
        assert (grid.bounds[1], grid.bounds[3]) == (wanted.min(), wanted.max())
        write_raster(tmp_path / "again.nc", {"data": part}, {})
        with RasterFile(tmp_path / "again.nc") as file:
            np.testing.assert_array_equal(file.variable(None).grid.y_bounds, wanted)
    moved = AnyGrid.from_array(doubled.assign_coords(lat=("lat", data.lat.values + 0.1, data.lat.attrs)))
    np.testing.assert_array_equal(moved.y_bounds, midpoint_bounds(data.lat.values + 0.1))
    doubled.to_netcdf(tmp_path / "by_xarray.nc")


def test_the_corners_of_cells_go_with_an_array_and_its_windows(ocean, tmp_path) -> None:
    corners = AnyGrid.from_array(ocean).corners
    assert corners is not None
    part = (ocean + 1)[20:60, 30:50]
    write_raster(tmp_path / "again.nc", {"data": part}, {})
    for grid in (AnyGrid.from_array(part), RasterFile(tmp_path / "again.nc").variable(None).grid):
        for found, wanted in zip(grid.corners, corners, strict=True):
            np.testing.assert_array_equal(found, wanted[20:60, 30:50])
    shifted = ocean.assign_coords({ocean.dims[0]: np.arange(ocean.shape[0])})[::-1]
    assert AnyGrid.from_array(shifted).corners is None  # no window of the cells in their order
    ocean.to_netcdf(tmp_path / "by_xarray.nc")


def test_maps_of_bent_and_uneven_rasters_show_values_in_their_places(ocean) -> None:
    from geojobs_lab.plots.map import _north_up, map_figure
    from geojobs_lab.rasters.placing import place_array

    grid, values = _north_up(ocean, place_array(ocean))
    for lon, lat in ((-30.0, 40.0), (179.9, 0.0), (-100.0, 40.0), (0.0, 85.0)):
        row, col = grid.cell(lon, lat)
        own = AnyGrid.from_array(ocean).cell(*grid.centre(row, col))
        np.testing.assert_array_equal(values[row, col], ocean.values[own])
    assert map_figure(ocean).axes


def test_a_list_of_stations_is_no_grid_of_cells(make_file) -> None:
    random = np.random.default_rng(1)
    lat, lon = random.uniform(25, 50, (200, 1)), random.uniform(-125, -70, (200, 1))
    lat[::20], lon[::20] = random.uniform(-90, 90, (10, 1)), random.uniform(-180, 180, (10, 1))
    path = make_file(  # as the hourly reports of NCAR's surface observations are stored
        {
            "lat": (("report", "hour"), np.repeat(lat, 24, axis=1), {"units": "degrees_north"}),
            "lon": (("report", "hour"), np.repeat(lon, 24, axis=1), {"units": "degrees_east"}),
            "T": (("report", "hour"), random.normal(size=(200, 24)), {}),
        }
    )
    with pytest.raises(RasterError, match="'T': .*scattered points"):
        RasterFile(path)
