"""What is written opens everywhere with the same place and values."""

from pathlib import Path

import cftime
import netCDF4
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  # registers .rio
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from pyproj import CRS

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import Grid, RasterFile, TimeAxis, open_raster, write_raster
from geojobs_lab.rasters.calendars import CALENDARS, Moment

# rioxarray and rasterio multiply affines in the way of affine 2.
pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

LAMBERT = CRS.from_epsg(5070)
ROTATED = CRS.from_cf(
    {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 39.25,
        "grid_north_pole_longitude": -162.0,
        "earth_radius": 6371229.0,
    }
)


def raster(crs: CRS | None, y: list[float], x: list[float], *, seed: int = 0, dtype: str = "f4") -> xr.DataArray:
    values = np.random.default_rng(seed).normal(280, 10, (len(y), len(x))).astype(dtype)
    if np.dtype(dtype).kind == "f":
        values[0, 0] = np.nan
    names = ("lat", "lon") if crs is None else ("y", "x")
    data = xr.DataArray(
        values, coords={names[0]: y, names[1]: x}, dims=names, attrs={"units": "K", "long_name": "warmth"}
    )
    if crs is not None:
        data = data.assign_coords(crs=xr.Variable((), 0, crs.to_cf()))
    return data


CASES = {
    "north up": raster(None, [52.0, 51.0, 50.0], [10.0, 12.0, 14.0, 16.0]),
    "south up": raster(None, [50.0, 51.0, 52.0], [10.0, 12.0, 14.0, 16.0]),
    "0..360": raster(None, [50.0, 51.0, 52.0], [200.0, 202.0, 204.0, 206.0]),
    "projected north up": raster(LAMBERT, [3e6, 2.5e6, 2e6], [-1e6, -5e5, 0, 5e5]),
    "projected south up": raster(LAMBERT, [2e6, 2.5e6, 3e6], [-1e6, -5e5, 0, 5e5]),
    "rotated pole": raster(ROTATED, [-1.0, 0.0, 1.0], [-2.0, 0.0, 2.0, 4.0]),
    "utm in feet": raster(CRS.from_epsg(2263), [3e5, 2e5], [9e5, 1e6]),
    "web mercator": raster(CRS.from_epsg(3857), [3e5, 2e5], [9e5, 1e6]),
}


@pytest.mark.parametrize("data", CASES.values(), ids=CASES)
def test_rasters_come_back_through_every_reader(data: xr.DataArray, tmp_path: Path) -> None:
    path = tmp_path / "out.nc"
    grid = Grid.from_array(data)
    write_raster(path, {"data": data}, {"title": "Round trip"})

    ours = open_raster(path)
    assert np.array_equal(ours.values, data.values, equal_nan=True)
    assert Grid.from_array(ours).same_as(grid)
    assert ours.attrs["units"] == "K"

    with xr.open_dataset(path, decode_coords="all") as dataset:
        theirs = dataset["data"]
        assert np.array_equal(theirs.values, data.values, equal_nan=True)
        assert theirs.attrs["long_name"] == "warmth"
        assert np.allclose(tuple(theirs.rio.transform())[:6], tuple(grid.transform)[:6], rtol=1e-12)
        assert Grid(CRS.from_wkt(theirs.rio.crs.to_wkt()), grid.transform, grid.shape).same_as(grid)
        assert Grid.from_array(theirs).same_as(grid)

    with netCDF4.Dataset(path) as file:
        assert file.Conventions == "CF-1.8"
        variable = file["data"]
        assert np.array_equal(np.ma.filled(variable[:].astype("f8"), np.nan), data.values.astype("f8"), equal_nan=True)
        y, x = variable.dimensions
        assert np.allclose(file[y][:], grid.ys)
        assert (file[y].axis, file[x].axis) == ("Y", "X")
        assert CRS.from_cf({k: file["spatial_ref"].getncattr(k) for k in file["spatial_ref"].ncattrs()}) is not None

    with rasterio.open(f'NETCDF:"{path}":data') as source:
        assert source.shape == grid.shape
        crs = CRS.from_wkt(source.crs.to_wkt())
        assert Grid(crs, grid.transform, grid.shape).same_as(grid)
        values = source.read(1)
        for row in range(grid.shape[0]):
            for col in range(grid.shape[1]):
                cell = grid.cell(*source.xy(row, col))
                assert cell is not None
                assert np.array_equal(values[row, col], data.values[cell], equal_nan=True)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8", ">f4", "f2", "bool"])
def test_every_kind_of_number_keeps_its_values(dtype: str, tmp_path: Path) -> None:
    values = np.array([[0, 1], [1, 100]]).astype(dtype)
    data = xr.DataArray(values, coords={"lat": [1.0, 0.0], "lon": [0.0, 1.0]}, dims=("lat", "lon"))
    write_raster(tmp_path / "n.nc", {"data": data}, {})
    with xr.open_dataset(tmp_path / "n.nc") as dataset:
        assert np.array_equal(dataset["data"].values, values)
        assert dataset["data"].dtype == {"f2": "f4"}.get(dtype, np.dtype(dtype).newbyteorder("="))


def test_integers_keep_the_fill_value_that_they_came_with(tmp_path: Path) -> None:
    data = raster(None, [1.0, 0.0], [0.0, 1.0], dtype="i2")
    data.encoding["_FillValue"] = -9999
    write_raster(tmp_path / "n.nc", {"data": data}, {})
    with netCDF4.Dataset(tmp_path / "n.nc") as file:
        assert file["data"]._FillValue == -9999


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=40)
@given(
    calendar=st.sampled_from(CALENDARS),
    steps=st.lists(
        st.tuples(
            st.integers(1583, 3000), st.integers(1, 12), st.integers(1, 28), st.integers(0, 23), st.integers(0, 59)
        ),
        min_size=1,
        max_size=4,
        unique=True,
    ),
    microsecond=st.sampled_from([0, 0, 500_000, 123_456]),
)
def test_times_of_every_calendar_come_back(calendar, steps, microsecond, tmp_path) -> None:
    axis = TimeAxis("time", calendar, tuple(Moment(*s, 7, microsecond).to_cftime(calendar) for s in sorted(steps)))
    data = xr.DataArray(
        np.zeros((len(steps), 2, 2)),
        coords={"time": list(axis.stops), "lat": [0.0, 1.0], "lon": [0.0, 1.0]},
        dims=("time", "lat", "lon"),
    )
    write_raster(tmp_path / "t.nc", {"data": data}, {})
    with RasterFile(tmp_path / "t.nc") as file:
        back = file.variable("data").time
    assert back is not None
    assert back.isos == axis.isos
    assert back.timestamps.tolist() == axis.timestamps.tolist()
    with xr.open_dataset(tmp_path / "t.nc", decode_times=xr.coders.CFDatetimeCoder(use_cftime=True)) as dataset:
        assert dataset.time.values.tolist() == list(axis.stops)


def test_times_before_year_one_come_back() -> None:
    numbers, attributes = TimeAxis.from_numbers("t", [-5.0, 400.0], "days since 0000-01-01", "julian").to_numbers()
    assert TimeAxis.from_numbers("t", numbers, attributes["units"], "julian").isos == (
        "-0001-12-27T00:00:00Z",
        "0001-02-04T00:00:00Z",
    )


def test_a_datetime64_axis_is_written_in_days_where_that_is_exact(tmp_path: Path) -> None:
    days = np.array(["2001-01-16", "1500-02-15"], dtype="M8[s]")
    data = xr.DataArray(
        np.zeros((2, 2, 2)), coords={"t": days, "lat": [0.0, 1.0], "lon": [0.0, 1.0]}, dims=("t", "lat", "lon")
    )
    write_raster(tmp_path / "d.nc", {"data": data}, {})
    with netCDF4.Dataset(tmp_path / "d.nc") as file:
        assert file["data"].dimensions == ("time", "latitude", "longitude")
        assert file["time"].units == "days since 1970-01-01 00:00:00"
        assert file["time"].calendar == "proleptic_gregorian"
        assert file["data"].filters()["zlib"]
        assert file["data"].chunking() == [1, 2, 2]
    with xr.open_dataset(tmp_path / "d.nc", decode_times=xr.coders.CFDatetimeCoder(time_unit="s")) as dataset:
        assert dataset.time.values.astype("M8[s]").tolist() == days.tolist()


def test_dimensions_come_in_the_order_of_cf_and_scalars_are_kept(tmp_path: Path) -> None:
    values = np.arange(24.0).reshape(2, 3, 4)
    data = xr.DataArray(
        values,
        coords={
            "lon": [0.0, 1.0],
            "level": [1000.0, 850.0, 500.0],
            "lat": [0.0, 1.0, 2.0, 3.0],
            "time": cftime.datetime(2070, 2, 30, calendar="360_day"),
            "height": xr.Variable((), 2.0, {"units": "m"}),
            "note": "a text",
        },
        dims=("lon", "level", "lat"),
        attrs={"flag": True, "numbers": [1, 2], "odd": {"a": 1}, "grid_mapping": "gone", "units": "K"},
    )
    write_raster(tmp_path / "s.nc", {"data": data}, {})
    with netCDF4.Dataset(tmp_path / "s.nc") as file:
        assert file["data"].dimensions == ("level", "latitude", "longitude")
        assert file["data"].coordinates == "time height"
        assert set(file["data"].ncattrs()) == {"_FillValue", "units", "numbers", "grid_mapping", "coordinates"}
    back = open_raster(tmp_path / "s.nc")
    assert np.array_equal(back.values, values.transpose(1, 2, 0))
    assert back.time.item() == data.time.item()
    assert back.height.attrs["units"] == "m"
    assert back.level.values.tolist() == [1000, 850, 500]


def test_what_is_known_of_each_step_is_kept(samples: Path, tmp_path: Path) -> None:
    data = open_raster(samples / "A1B_north_america.nc").rename(time="when")
    data = data.assign_coords(run=("when", data["when"].values + np.timedelta64(0, "D").astype(object)))
    write_raster(tmp_path / "a.nc", {"data": data}, {})
    with netCDF4.Dataset(tmp_path / "a.nc") as file:
        assert file["forecast_period"].dimensions == file["run"].dimensions == ("time",)
        assert file["forecast_period"].units == "hours"
        assert {"forecast_period", "run", "forecast_reference_time", "height"} <= {*file["data"].coordinates.split()}
    back = open_raster(tmp_path / "a.nc")
    np.testing.assert_array_equal(back["forecast_period"], data["forecast_period"])
    assert (back["run"].values == data["run"].values).all()


def test_coordinates_keep_their_numbers_so_that_arithmetic_aligns(samples: Path, tmp_path: Path) -> None:
    data = open_raster(samples / "A1B_north_america.nc")
    write_raster(tmp_path / "a.nc", {"data": data.isel(time=0) * 1.0}, {})
    again = open_raster(tmp_path / "a.nc")
    assert (again - data.isel(time=0, drop=True)).shape == data.shape[1:]
    assert again.latitude.dtype == np.float32


def test_a_single_cell_keeps_its_size(tmp_path: Path) -> None:
    source = open_raster_of_one_row(tmp_path)
    write_raster(tmp_path / "again.nc", {"data": source + 1}, {})
    with RasterFile(tmp_path / "again.nc") as file:
        assert file.variable(None).grid.bounds == (-0.5, 49, 1.5, 51)
    with rasterio.open(f'NETCDF:"{tmp_path / "again.nc"}":data') as dataset:
        assert dataset.shape == (1, 2)


def open_raster_of_one_row(tmp_path: Path) -> xr.DataArray:
    with netCDF4.Dataset(tmp_path / "row.nc", "w") as file:
        for name, size in (("lat", 1), ("lon", 2), ("bnds", 2)):
            file.createDimension(name, size)
        file.createVariable("lat", "f8", ("lat",))[:] = [50]
        file["lat"].bounds = "lat_bnds"
        file.createVariable("lat_bnds", "f8", ("lat", "bnds"))[:] = [[51, 49]]
        file.createVariable("lon", "f8", ("lon",))[:] = [0, 1]
        file.createVariable("v", "f8", ("lat", "lon"))[:] = [[1, 2]]
    return open_raster(tmp_path / "row.nc")


def test_several_rasters_share_the_coordinates_that_are_the_same(tmp_path: Path) -> None:
    one, other = CASES["north up"], CASES["south up"]
    write_raster(tmp_path / "m.nc", {"one": one, "twin": one + 1, "other": other, "flat": CASES["web mercator"]}, {})
    with netCDF4.Dataset(tmp_path / "m.nc") as file:
        assert file["one"].dimensions == file["twin"].dimensions == ("latitude", "longitude")
        assert file["other"].dimensions == ("latitude_2", "longitude")
        assert file["flat"].dimensions == ("y", "x")
        assert file["flat"].grid_mapping == "spatial_ref_2"
    for name, data in (("one", one), ("other", other), ("flat", CASES["web mercator"])):
        assert Grid.from_array(open_raster(tmp_path / "m.nc", name)).same_as(Grid.from_array(data))


@pytest.mark.parametrize(
    ("name", "data", "reason"),
    [
        ("data", xr.DataArray(np.zeros((2, 2))), "no latitude"),
        ("data", CASES["north up"].astype(complex), "complex"),
        ("data", CASES["north up"].astype(str), "not numbers"),
        ("latitude", CASES["north up"], "name of a coordinate"),
        ("a/b", CASES["north up"], "not a variable name"),
    ],
)
def test_what_cannot_be_written_is_refused_and_leaves_no_file(name, data, reason, tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=reason):
        write_raster(tmp_path / "no.nc", {name: data}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_told_without_its_path(tmp_path: Path) -> None:
    with pytest.raises(RasterError, match=r"'no.nc' cannot be written: ") as caught:
        write_raster(tmp_path / "gone" / "no.nc", {"data": CASES["north up"]}, {})
    assert str(tmp_path) not in str(caught.value)


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path) -> None:
    path = tmp_path / "data.nc"
    write_raster(path, {"data": CASES["north up"]}, {"title": "first"})
    before = open_raster(path)
    with pytest.raises(RasterError):
        write_raster(path, {"data": CASES["north up"], "bad name": CASES["north up"]}, {"title": "second"})
    assert [item.name for item in tmp_path.iterdir()] == ["data.nc"]
    write_raster(path, {"data": CASES["south up"]}, {"title": "third"})
    assert np.array_equal(before.values, CASES["north up"].values, equal_nan=True)  # the old file, still open
    with RasterFile(path) as file:
        assert file.title == "third"
