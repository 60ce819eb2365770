"""Opening a variable as a lazy array."""

import inspect
import pickle
import typing

import cftime
import netCDF4
import numpy as np
import pytest
import rioxarray  # noqa: F401  # registers .rio
import xarray as xr
from pyproj import CRS

from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound, RasterError
from geojobs_lab.rasters import Grid, Raster, RasterFile, TimeAxis, open_raster

# rioxarray and rasterio multiply affines in the way of affine 2.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

LAT, LON = [50.0, 51.0, 52.0], [10.0, 12.0, 14.0, 16.0]
TIME = {"units": "days since 2070-02-01", "calendar": "360_day", "standard_name": "time"}


@pytest.fixture
def path(make_lonlat):
    values = np.arange(24, dtype="i2").reshape(2, 3, 4)
    return make_lonlat(
        values,
        LAT,
        LON,
        dims=("time", "lat", "lon"),
        more={"time": (("time",), [28.0, 29.0], TIME), "other": (("lat",), LAT, {})},
        attributes={"units": "K", "long_name": "warmth", "scale_factor": 0.5, "_FillValue": np.int16(5)},
    )


def test_values_and_times_are_decoded_and_the_crs_is_where_rioxarray_looks(path) -> None:
    data = open_raster(path)
    assert (data.name, data.dims, data.attrs) == ("v", ("time", "lat", "lon"), {"units": "K", "long_name": "warmth"})
    assert np.isnan(data.values[0, 1, 1])
    assert data.values[1, 2, 3] == 11.5
    assert data.time.values[1] == cftime.datetime(2070, 2, 30, calendar="360_day")
    assert data.rio.crs.to_epsg() == 4326
    assert tuple(data.rio.transform())[:6] == (2, 0, 9, 0, 1, 49.5)
    data.close()


def test_nothing_but_coordinates_is_read_on_opening(path) -> None:
    data = open_raster(path)
    assert not data.variable._in_memory
    part = data.isel(time=0)
    assert not part.variable._in_memory
    assert part.values.shape == (3, 4)


def test_one_time_is_taken_and_stays_as_a_scalar(path) -> None:
    data = open_raster(path, "v", "2070-02-30")
    assert data.dims == ("lat", "lon")
    assert data.time.item() == cftime.datetime(2070, 2, 30, calendar="360_day")
    assert data.values[0, 0] == 6
    assert Grid.from_array(data).shape == (3, 4)
    with pytest.raises(InvalidInput, match="2070-02-30T00:00:00Z"):
        open_raster(path, "v", "2070-03-01", best_fit=False)


def test_ordinary_times_become_datetime64(make_lonlat) -> None:
    more = {"time": (("time",), [0.0, 31.0], {"units": "days since 2000-01-01"})}
    data = open_raster(make_lonlat(np.zeros((2, 3, 4)), LAT, LON, dims=("time", "lat", "lon"), more=more))
    assert data.time.dtype.kind == "M"
    assert str(data.time.values[1])[:10] == "2000-02-01"


def test_dates_that_datetime64_cannot_hold_are_cftime_without_a_warning(make_lonlat) -> None:
    more = {"time": (("time",), [0.0, 1.0], {"units": "days since 1582-10-04"})}
    data = open_raster(make_lonlat(np.zeros((2, 3, 4)), LAT, LON, dims=("time", "lat", "lon"), more=more))
    assert isinstance(data.time.values[0], cftime.datetime)


@pytest.mark.parametrize(
    ("units", "numbers", "first"),
    [
        ("days since 0000-01-01", [730487.0, 730488.0], "2000-01-01"),
        ("days since -4713-01-01 12:00:00", [2451544.0, 2451545.0], "1999-12-31"),
        ("days since 1-1-1 00:00:0.0", [1.0, 2.0], "0001-01-02"),
    ],
)
def test_times_counted_from_long_ago_are_decoded(make_lonlat, units, numbers, first) -> None:
    more = {"time": (("time",), numbers, {"units": units, "calendar": "standard"})}
    path = make_lonlat(np.zeros((2, 3, 4)), LAT, LON, dims=("time", "lat", "lon"), more=more)
    data = open_raster(path)
    with RasterFile(path) as file:
        assert file.variable("v").time.isos[0][:10] == first
    assert str(data.time.values[0])[:10].replace(" ", "0") == first
    assert TimeAxis.from_coordinate(data.time.variable, "time").isos[0][:10] == first


def test_rows_and_columns_come_last_whatever_the_file(make_lonlat) -> None:
    values = np.arange(24.0).reshape(4, 2, 3)
    path = make_lonlat(values, LAT, LON, dims=("lon", "time", "lat"), more={"time": (("time",), [28.0, 29.0], TIME)})
    data = open_raster(path)
    assert data.dims == ("time", "lat", "lon")
    assert not data.variable._in_memory
    assert np.array_equal(data.values, values.transpose(1, 2, 0))


def test_coordinates_that_are_not_the_grids_are_replaced_by_the_grids(make_lonlat, make_file) -> None:
    around = open_raster(make_lonlat(np.zeros((3, 4)), LAT, [178.0, -180.0, -178.0, -176.0]))
    assert around.lon.values.tolist() == [178, 180, 182, 184]
    assert tuple(around.rio.transform())[:3] == (2, 0, 177)
    units = {"standard_name": "projection_y_coordinate", "units": "km"}
    mapping = CRS.from_epsg(32633).to_cf()
    path = make_file(
        {
            "y": (("y",), [400, 300], units),
            "x": (("x",), [100, 200], units | {"standard_name": "projection_x_coordinate"}),
            "crs": ((), np.int32(0), mapping),
            "v": (("y", "x"), np.zeros((2, 2)), {"grid_mapping": "crs"}),
        },
        name="km.nc",
    )
    data = open_raster(path)
    assert data.y.values.tolist() == [400000, 300000]
    assert data.y.attrs["units"] == "m"
    assert data.rio.crs.to_epsg() == 32633
    assert "grid_mapping" not in data.attrs


def test_coordinates_keep_the_numbers_of_the_file(samples) -> None:
    data = open_raster(samples / "A1B_north_america.nc")
    with xr.open_dataset(samples / "A1B_north_america.nc") as expected:
        assert np.array_equal(data.latitude.values, expected.latitude.values)
        assert data.latitude.dtype == expected.latitude.dtype
        assert np.array_equal(data.values, expected.air_temperature.values)
        assert set(data.coords) - set(expected.air_temperature.coords) == {"spatial_ref"}


def test_the_array_has_the_place_of_the_file_after_computing_too(samples) -> None:
    for name, variable in (
        ("A1B_north_america.nc", None),
        ("rotated_pole.nc", None),
        ("space_weather.nc", "Ne"),
        ("toa_brightness_stereographic.nc", "data"),
    ):
        with RasterFile(samples / name) as file:
            grid = file.variable(variable).grid
        data = open_raster(samples / name, variable)
        assert Grid.from_array(data * 2 + 1).same_as(grid)
        assert Grid.from_array(data.isel(dict.fromkeys(data.dims[:-2], 0)) - 5).same_as(grid)


def test_a_lazy_raster_can_be_pickled(path) -> None:
    data = pickle.loads(pickle.dumps(open_raster(path)))
    assert data.values[1, 2, 3] == 11.5


def test_what_is_not_there_is_refused(path, make_file, tmp_path) -> None:
    with pytest.raises(NotFound, match="no variable 'w'"):
        open_raster(path, "w")
    with pytest.raises(NotFound, match="'other' cannot be used"):
        open_raster(path, "other")
    with pytest.raises(RasterError, match="no file 'gone.nc'"):
        open_raster(tmp_path / "gone.nc")
    with pytest.raises(InvalidInput, match="next week"):
        open_raster(path, "v", "next week")
    coordinates = {"lat": (("lat",), [0.0, 1.0], {}), "lon": (("lon",), [0.0, 1.0], {})}
    two = make_file(coordinates | {name: (("lat", "lon"), np.zeros((2, 2)), {}) for name in "ab"}, name="two.nc")
    with pytest.raises(InvalidReference, match="'a', 'b'"):
        open_raster(two)


def test_coordinates_do_not_name_bounds_that_are_not_there(samples) -> None:
    data = open_raster(samples / "A1B_north_america.nc")
    assert all("bounds" not in coordinate.attrs for coordinate in data.coords.values())


def test_rows_of_different_lengths_are_no_raster(make_lonlat) -> None:
    path = make_lonlat(np.zeros((3, 4)), LAT, LON)
    with netCDF4.Dataset(path, "a") as file:
        file.createVariable("ragged", file.createVLType(np.int32, "rows"), ("lat", "lon"))
    with RasterFile(path) as opened:
        assert list(opened.variables) == ["v"]


def test_the_room_exports_what_it_says() -> None:
    import geojobs_lab.rasters as room

    public = {name for name, value in vars(room).items() if not name.startswith("_") and not inspect.ismodule(value)}
    assert public - {"TypeAlias"} == set(room.__all__)


def test_raster_is_an_annotation_that_resolves() -> None:
    def function(data: Raster) -> Raster:
        return data

    assert typing.get_type_hints(function) == {"data": xr.DataArray, "return": xr.DataArray}
