"""Two rasters of different grids are aligned on request, and refused otherwise with both grids described."""

from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import pytest
import xarray as xr
from affine import Affine
from pyproj import CRS

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters import Grid, align, open_raster, open_raster_dataset, same_grid
from geojobs_lab.rasters.tagging import with_grid


def lonlat(values: Any, west: float, north: float, size: float, name: str = "v", **attributes: Any) -> xr.DataArray:
    """A raster on longitude and latitude, north first, cells of `size` degrees; leading dimensions are (time,)."""
    values = np.asarray(values)
    ny, nx = values.shape[-2:]
    grid = Grid(CRS.from_epsg(4326), Affine(size, 0, west, 0, -size, north), (ny, nx))
    dims = (*("time",)[: values.ndim - 2], "lat", "lon")
    return with_grid(xr.DataArray(values, dims=dims, name=name, attrs=attributes), grid, "lat", "lon")


def test_rasters_on_one_grid_pass_and_different_grids_are_each_described_once_with_names() -> None:
    one, other = lonlat(np.zeros((2, 3)), 0, 10, 1.0, "rain"), lonlat(np.zeros((4, 6)), 0, 10, 0.5, "snow")
    same_grid([one, one.rename("sun")])
    with pytest.raises(RasterError) as caught:
        same_grid([one, other, one.rename("sun")])
    message = str(caught.value)
    assert f"'rain', 'sun' on {Grid.from_array(one)}; 'snow' on {Grid.from_array(other)}" in message
    assert message.count("2 x 3 cells") == 1
    assert "4 x 6 cells" in message


def test_crs_without_a_name_are_told_apart_by_projection_and_earth(samples: Path) -> None:
    files = ("A1B_north_america.nc", "rotated_pole.nc", "toa_brightness_stereographic.nc")
    rasters = [open_raster(samples / file) for file in files]
    assert {Grid.from_array(raster).crs.name for raster in rasters} == {"undefined"}
    with pytest.raises(RasterError) as caught:
        same_grid(rasters)
    described = [grid.rpartition(", ")[2] for grid in str(caught.value).split("; ")]
    assert described == [
        "longitude and latitude on a sphere of 6371.229 km",
        "Pole rotation on a sphere of 6371.229 km",
        "Stereographic on a sphere of 6378.169 km",
    ]


def test_the_grid_is_the_first_rasters_or_what_to_says() -> None:
    coarse, fine = lonlat(np.arange(4.0).reshape(2, 2), 0, 2, 1.0), lonlat(np.zeros((4, 4)), 0, 2, 0.5)
    first, second = align([coarse, fine])
    assert first.shape == second.shape == (2, 2)
    same_grid([first, second])
    (as_fine,) = align([coarse], to=fine)
    np.testing.assert_array_equal(as_fine, np.kron(coarse, np.ones((2, 2))))
    (by_grid,) = align([coarse], to=Grid.from_array(fine))
    np.testing.assert_array_equal(by_grid, as_fine)
    assert by_grid.dims == ("latitude", "longitude")
    assert align([]) == []


def test_aligned_rasters_can_be_added_whatever_their_rows_and_columns_were_called() -> None:
    one = lonlat(np.ones((2, 2)), 0, 2, 1.0)
    other = one.rename(lat="rows", lon="columns").isel(rows=slice(None, None, -1))
    total = sum(align([one, other]))
    assert total.dims == ("lat", "lon")
    np.testing.assert_array_equal(total, np.full((2, 2), 2.0))


def test_bilinear_runs_straight_between_centres_and_leaves_missing_cells_missing() -> None:
    ramp = np.tile(np.arange(4.0), (4, 1))
    (fine,) = align([lonlat(ramp, 0, 4, 1.0)], to=lonlat(np.zeros((8, 8)), 0, 4, 0.5), method="bilinear")
    np.testing.assert_allclose(fine[3], [0, 0.25, 0.75, 1.25, 1.75, 2.25, 2.75, 3])
    holed = ramp.copy()
    holed[:, 1] = np.nan
    (fine,) = align([lonlat(holed, 0, 4, 1.0)], to=lonlat(np.zeros((8, 8)), 0, 4, 0.5), method="bilinear")
    np.testing.assert_array_equal(np.isnan(fine[3]), [False, False, True, True, False, False, False, False])
    assert fine[3, 1] == 0  # no share of a missing neighbour


def test_average_is_the_mean_of_what_is_there() -> None:
    values = np.arange(16.0).reshape(4, 4)
    values[0, 0] = np.nan
    (mean,) = align([lonlat(values, 0, 4, 1.0)], to=lonlat(np.zeros((2, 2)), 0, 4, 2.0), method="average")
    np.testing.assert_allclose(mean, [[(1 + 4 + 5) / 3, 4.5], [10.5, 12.5]])
    (thirds,) = align(
        [lonlat(np.arange(9.0).reshape(3, 3), 0, 3, 1.0)], to=lonlat(np.zeros((1, 1)), 0, 3, 3.0), method="average"
    )
    np.testing.assert_allclose(thirds, [[4.0]])


def test_mode_is_the_most_frequent_value_and_keeps_integers() -> None:
    values = np.array([[1, 1, 7, 8], [1, 2, 8, 7], [3, 3, 3, 3], [4, 4, 4, 3]], dtype=np.int16)
    (mode,) = align([lonlat(values, 0, 4, 1.0)], to=lonlat(np.zeros((2, 2)), 0, 4, 2.0), method="mode")
    assert mode.dtype == np.int16
    np.testing.assert_array_equal(mode, [[1, 7], [3, 3]])  # of equally frequent ones the least
    holed = np.where(values == 1, np.nan, values)
    (mode,) = align([lonlat(holed, 0, 4, 1.0)], to=lonlat(np.zeros((2, 2)), 0, 4, 2.0), method="mode")
    np.testing.assert_array_equal(mode, [[2, 7], [3, 3]])


@pytest.mark.parametrize("method", ["nearest", "mode"])
def test_integers_become_floats_only_where_a_raster_does_not_reach(method: str) -> None:
    small = lonlat(np.full((2, 2), 5, dtype=np.int32), 0, 2, 1.0)
    (wide,) = align([small], to=lonlat(np.zeros((2, 3)), 0, 2, 1.0), method=method)
    assert wide.dtype == np.float64
    np.testing.assert_array_equal(wide, [[5, 5, np.nan]] * 2)


@pytest.mark.parametrize("method", ["nearest", "bilinear", "average", "mode"])
def test_a_globe_from_0_to_360_meets_one_from_minus_180(method: str) -> None:
    east = np.tile(np.arange(36.0) * 10 + 5, (18, 1))  # the longitude of the centres
    (turned,) = align([lonlat(east, 0, 90, 10.0)], to=lonlat(np.zeros((18, 36)), -180, 90, 10.0), method=method)
    np.testing.assert_allclose(turned, np.roll(east, 18, axis=1))


def test_bilinear_goes_on_over_the_seam_of_a_globe() -> None:
    globe = lonlat(np.tile(np.cos(np.deg2rad(np.arange(36.0) * 10 + 5)), (18, 1)), 0, 90, 10.0)
    (fine,) = align([globe], to=lonlat(np.zeros((36, 72)), -180, 90, 5.0), method="bilinear")
    expected = np.cos(np.deg2rad(np.arange(-177.5, 180, 5)))
    np.testing.assert_allclose(fine[10], expected, atol=0.01)


def test_names_attributes_times_and_other_dimensions_stay() -> None:
    times = xr.date_range("2000-01-30", periods=2, freq="30D", calendar="360_day", use_cftime=True)
    series = lonlat(np.arange(32.0).reshape(2, 4, 4), 0, 4, 1.0, "rain", units="mm", long_name="Rain")
    series = series.assign_coords(time=times, height=2.0)
    (coarse,) = align([series], to=lonlat(np.zeros((2, 2)), 0, 4, 2.0), method="average")
    assert coarse.name == "rain"
    assert coarse.attrs == {"units": "mm", "long_name": "Rain"}
    assert list(coarse.time.values) == list(times)
    assert coarse.height == 2.0
    np.testing.assert_allclose(coarse[1], coarse[0] + 16)
    levels = series.expand_dims(level=[1000, 500])  # the time is not the first dimension
    (coarse,) = align([levels], to=lonlat(np.zeros((2, 2)), 0, 4, 2.0), method="average")
    assert coarse.dims == ("time", "level", "lat", "lon")
    assert list(coarse.level) == [1000, 500]


def test_a_projected_raster_and_one_on_a_rotated_pole_meet_longitude_and_latitude(samples: Path) -> None:
    for name in ("rotated_pole.nc", "toa_brightness_stereographic.nc"):
        raster = open_raster(samples / name, next(iter(open_raster_dataset(samples / name))))
        raster = raster.isel(dict.fromkeys(raster.dims[:-2], 0), drop=True)
        grid = Grid.from_array(raster)
        row, col = grid.shape[0] // 2, grid.shape[1] // 3
        lon, lat = (float(value) for value in grid.to_lonlat(grid.xs[col], grid.ys[row]))
        box = lonlat(np.zeros((1, 1)), lon - 1e-4, lat + 1e-4, 2e-4)
        for method in ("nearest", "bilinear", "average", "mode"):
            (there,) = align([raster], to=box, method=method)
            assert there.dtype == raster.dtype
            np.testing.assert_allclose(there[0, 0], raster[row, col], rtol=1e-3)


def test_average_agrees_with_gdal_across_projections() -> None:
    from rasterio.warp import Resampling, reproject

    lat, lon = np.linspace(49.95, 45.05, 50), np.linspace(5.05, 14.95, 100)
    fine = lonlat(np.sin(lat[:, None]) + np.cos(lon), 5, 50, 0.1)
    grid = Grid(CRS.from_epsg(3035), Affine(40_000, 0, 4_150_000, 0, -40_000, 2_900_000), (8, 8))
    (mine,) = align([fine], to=grid, method="average")
    theirs = np.empty(grid.shape)
    reproject(
        fine.values,
        theirs,
        src_transform=Grid.from_array(fine).transform,
        src_crs="EPSG:4326",
        dst_transform=grid.transform,
        dst_crs="EPSG:3035",
        resampling=Resampling.average,
    )
    np.testing.assert_allclose(mine, theirs, atol=0.02)


def test_lazy_rasters_are_read_layer_by_layer_and_those_on_the_grid_not_at_all() -> None:
    read: list[tuple[int, ...]] = []

    class Watched(xr.backends.BackendArray):
        def __init__(self, values: Any) -> None:
            self.values, self.shape, self.dtype = values, values.shape, values.dtype

        def __getitem__(self, key: Any) -> Any:
            found = np.asarray(self.values[key.tuple])
            read.append(found.shape)
            return found

    def lazily(raster: xr.DataArray) -> xr.DataArray:
        wrapped = xr.core.indexing.LazilyIndexedArray(Watched(raster.values))
        return xr.DataArray(xr.Variable(raster.dims, wrapped), raster.coords, name=raster.name)

    target = lonlat(np.zeros((3, 4, 4)), 0, 4, 1.0)
    align([lazily(target)], to=target)
    assert read == []
    align([lazily(lonlat(np.zeros((3, 8, 8)), 0, 4, 0.5))], to=target, method="average")
    assert len(read) == 3
    assert all(np.prod(shape) == 64 for shape in read)


def test_an_unknown_method_is_refused_with_the_choices() -> None:
    with pytest.raises(InvalidInput, match="method: 'cubic' is not one of nearest, bilinear, average, mode"):
        align([lonlat(np.zeros((2, 2)), 0, 2, 1.0)], method="cubic")


def test_a_data_set_opens_lazily_with_every_raster_on_its_own_grid_and_crs(tmp_path: Path) -> None:
    import rioxarray  # noqa: F401  the accessor

    path = tmp_path / "both.nc"
    with netCDF4.Dataset(path, "w") as file:
        file.title = "Both"
        for name, size in (("time", 2), ("lat", 3), ("lon", 4), ("y", 5), ("x", 6)):
            file.createDimension(name, size)
        for name, values, attributes in (
            ("time", [15, 45], {"units": "days since 2000-01-01", "calendar": "360_day"}),
            ("lat", [0, 1, 2], {"units": "degrees_north"}),
            ("lon", [0, 1, 2, 3], {"units": "degrees_east"}),
            ("y", np.arange(5) * 1000.0, {"standard_name": "projection_y_coordinate", "units": "m"}),
            ("x", np.arange(6) * 1000.0, {"standard_name": "projection_x_coordinate", "units": "m"}),
        ):
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.setncatts(attributes)
        file.createVariable("laea", "i4", ()).setncatts({"crs_wkt": CRS.from_epsg(3035).to_wkt()})
        warm = file.createVariable("warm", "i2", ("lon", "time", "lat"))
        warm.setncatts({"scale_factor": 0.5, "units": "K"})
        warm[:] = 7
        high = file.createVariable("high", "f4", ("y", "x"))
        high.grid_mapping = "laea"
        high[:] = 1
        file.createVariable("nowhere", "f4", ("time",))[:] = 1
    dataset = open_raster_dataset(path)
    try:
        assert list(dataset) == ["warm", "high"]
        assert dataset.attrs["title"] == "Both"
        assert dataset["warm"].dims == ("time", "lat", "lon")
        assert not dataset["warm"].variable._in_memory
        for name in dataset:
            np.testing.assert_array_equal(dataset[name], open_raster(path, name))
            assert dataset[name].attrs == open_raster(path, name).attrs
            assert Grid.from_array(dataset[name]).same_as(Grid.from_array(open_raster(path, name)))
        assert dataset.high.rio.crs.to_epsg() == 3035
        assert dataset.warm.rio.crs.to_epsg() == 4326
        assert dataset.time.values[0].calendar == "360_day"
        doubled = dataset * 2
        assert Grid.from_array(doubled.high[1:]).crs.to_epsg() == 3035
        assert Grid.from_array(doubled.warm[0]).crs.to_epsg() == 4326
    finally:
        dataset.close()
    with pytest.raises(RasterError, match=r"no file 'none\.nc'"):
        open_raster_dataset(tmp_path / "none.nc")
