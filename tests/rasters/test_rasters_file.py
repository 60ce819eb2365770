"""Reading windows of NetCDF files."""

import threading
import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound, RasterError
from geojobs_lab.rasters import RasterFile, open_raster

LAT, LON = [50.0, 51.0, 52.0], [10.0, 12.0, 14.0, 16.0]
LATITUDE = {"standard_name": "latitude", "units": "degrees_north"}
LONGITUDE = {"standard_name": "longitude", "units": "degrees_east"}
VALUES = np.arange(12, dtype="f4").reshape(3, 4)
TIME = {"units": "days since 2070-01-01", "calendar": "360_day", "standard_name": "time"}


def test_a_window_is_rows_then_columns_as_stored(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        assert np.array_equal(file.read("v", {}), VALUES)
        assert np.array_equal(file.read("v", {}, slice(1, 3), slice(2, 3)), VALUES[1:3, 2:3])
        assert file.read("v", {}, slice(5, 9)).shape == (0, 4)


def test_the_order_of_the_file_does_not_matter(make_lonlat) -> None:
    values = np.arange(24, dtype="i2").reshape(4, 2, 3)
    more = {"time": (("time",), [0, 30], TIME)}
    path = make_lonlat(values, LAT, LON, dims=("lon", "time", "lat"), more=more, attributes={"_FillValue": False})
    with RasterFile(path) as file:
        info = file.variable("v")
        selection = info.select(time="2070-02-01")
        assert selection == {"time": 1}
        window = file.read("v", selection, slice(0, 2), slice(1, 4))
    assert window.dtype == np.int16
    assert np.array_equal(window, values[1:4, 1, 0:2].T)


@pytest.mark.parametrize("lat", [LAT, LAT[::-1]])
@pytest.mark.parametrize(
    "lon", [LON, LON[::-1], [352.0, 354.0, 356.0, 358.0], [356.0, 358.0, 0.0, 2.0], [178, -180, -178, -176]]
)
def test_every_cell_is_where_its_coordinates_say(make_lonlat, lat, lon) -> None:
    with RasterFile(make_lonlat(VALUES, lat, lon)) as file:
        grid = file.variable("v").grid
        for row, y in enumerate(lat):
            for col, x in enumerate(lon):
                for turn in (-360, 0, 360):
                    assert grid.cell(x + 0.9 + turn, y - 0.4) == (row, col)
        west, south, east, north = grid.lonlat_bounds
        assert (south, north, east - west) == (49.5, 52.5, 8)
        assert -180 <= west < 180


@pytest.mark.parametrize("format", ["NETCDF3_CLASSIC", "NETCDF3_64BIT_OFFSET", "NETCDF4_CLASSIC", "NETCDF4"])
def test_every_format_of_netcdf_is_read(make_lonlat, format: str) -> None:
    path = make_lonlat(
        np.where(VALUES == 5, np.float32(1e20), VALUES), LAT, LON, format=format, attributes={"missing_value": 1e20}
    )
    with RasterFile(path) as file:
        window = file.read("v", {})
        assert window.dtype == np.float32
        assert window.dtype.isnative
        assert np.array_equal(window, np.where(VALUES == 5, np.nan, VALUES), equal_nan=True)


ATTRIBUTES = st.fixed_dictionaries(
    {},
    optional={
        "_FillValue": st.integers(-100, 100),
        "missing_value": st.integers(-100, 100),
        "scale_factor": st.sampled_from([0.1, 0.01, 2.0]),
        "add_offset": st.sampled_from([0.0, 273.15, -5.0]),
    },
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(stored=hnp.arrays(np.int16, (3, 4), elements=st.integers(-100, 100)), attributes=ATTRIBUTES)
def test_packed_integers_mean_what_xarray_takes_them_for(make_lonlat, stored, attributes) -> None:
    attributes = {
        key: np.int16(value) if key in ("_FillValue", "missing_value") else value for key, value in attributes.items()
    }
    path = make_lonlat(stored, LAT, LON, attributes=attributes)
    with RasterFile(path) as file, warnings.catch_warnings():
        warnings.simplefilter("ignore", xr.SerializationWarning)  # two fill values are fine
        with xr.open_dataset(path) as expected:
            wanted = expected["v"].values
        window = file.read("v", {})
        assert window.dtype == file.variable("v").dtype
        np.testing.assert_allclose(window, wanted, rtol=1e-6, atol=1e-6)


def test_several_missing_values_unsigned_bytes_and_integers_without_gaps(make_file) -> None:
    stored = np.array([[-1, -2], [3, 4]], dtype="i1")
    coordinates = {"lat": (("lat",), [0.0, 1.0], LATITUDE), "lon": (("lon",), [0.0, 1.0], LONGITUDE)}
    layers = {
        "gaps": (("lat", "lon"), stored, {"missing_value": np.array([-1, 4], "i1")}),
        "unsigned": (("lat", "lon"), stored, {"_Unsigned": "true", "scale_factor": np.float32(2)}),
        "whole": (("lat", "lon"), stored, {}),
        "declared": (("lat", "lon"), stored, {"_FillValue": np.int8(9)}),
    }
    with RasterFile(make_file(coordinates | layers)) as file:
        assert np.array_equal(file.read("gaps", {}), [[np.nan, -2], [3, np.nan]], equal_nan=True)
        assert file.read("unsigned", {}).tolist() == [[510, 508], [6, 8]]
        assert file.read("unsigned", {}).dtype == np.float32
        assert file.read("whole", {}).dtype == np.int8
        assert file.read("declared", {}).dtype == np.float64  # whatever the window holds


def test_floats_that_were_never_written_are_missing(make_lonlat) -> None:
    never = netCDF4.default_fillvals["f4"]
    path = make_lonlat(np.where(VALUES == 5, np.float32(never), VALUES), LAT, LON)
    with RasterFile(path) as file:
        assert np.array_equal(file.read("v", {}), np.where(VALUES == 5, np.nan, VALUES), equal_nan=True)
    assert np.array_equal(open_raster(path).values, np.where(VALUES == 5, np.nan, VALUES), equal_nan=True)


def test_big_endian_numbers_come_in_the_machines_order(tmp_path: Path) -> None:
    path = tmp_path / "big.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, values in (("lat", LAT), ("lon", LON)):
            file.createDimension(name, len(values))
            file.createVariable(name, ">f4", (name,), endian="big")[:] = values
        file.createVariable("v", ">i4", ("lat", "lon"), endian="big", fill_value=False)[:] = VALUES
    with RasterFile(path) as raster:
        window = raster.read("v", {})
        assert window.dtype == np.dtype("=i4")
        assert np.array_equal(window, VALUES)


def test_only_the_chunks_of_the_window_are_read_and_none_on_opening(tmp_path: Path) -> None:
    path = tmp_path / "torn.nc"
    values = np.random.default_rng(5).random((64, 64))
    with netCDF4.Dataset(path, "w") as file:
        for name in ("lat", "lon"):
            file.createDimension(name, 64)
            file.createVariable(name, "f8", (name,))[:] = np.arange(64)
        file.createVariable("v", "f8", ("lat", "lon"), chunksizes=(32, 32), fletcher32=True)[:] = values
    content = bytearray(path.read_bytes())
    content[content.index(values[40, 40:44].tobytes())] ^= 0xFF  # the checksum of this chunk is wrong now
    path.write_bytes(content)
    with RasterFile(path) as raster:
        assert np.array_equal(raster.read("v", {}, slice(0, 32), slice(0, 64)), values[:32])
        with pytest.raises(RasterError, match="'v' of 'torn.nc' cannot be read") as caught:
            raster.read("v", {}, slice(32, 64), slice(32, 64))
        assert str(tmp_path) not in str(caught.value)


def test_many_threads_read_one_file(make_lonlat) -> None:
    values = np.arange(40 * 40, dtype="f8").reshape(40, 40)
    wrong: list[int] = []
    with RasterFile(make_lonlat(values, np.arange(40.0), np.arange(40.0))) as file:

        def read(first: int) -> None:
            for row in range(first, 40):
                if not np.array_equal(file.read("v", {}, slice(row, row + 1))[0], values[row]):
                    wrong.append(row)

        threads = [threading.Thread(target=read, args=(first,)) for first in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert wrong == []


def test_dimensions_are_selected_by_value_or_by_position(make_lonlat) -> None:
    values = np.arange(2 * 3 * 12, dtype="f4").reshape(2, 3, 3, 4)
    more = {
        "time": (("time",), [0.0, 30.0], TIME),
        "level": (("level",), [1000.0, 850.0, 500.0], {"units": "hPa", "axis": "Z"}),
    }
    with RasterFile(make_lonlat(values, LAT, LON, dims=("time", "level", "lat", "lon"), more=more)) as file:
        info = file.variable(None)
        assert info.select() == {"time": 0, "level": 0}
        assert info.select(level="700", time="1e12") == {"time": 1, "level": 1}
        assert info.select(level="925")["level"] == 0  # the first of two equally near
        assert info.select(**{"level.index": "2", "time.index": "1"}) == {"time": 1, "level": 2}
        assert np.array_equal(file.read("v", {"time": 1, "level": 2}), values[1, 2])
        assert info.other_units == {"level": "hPa"}
        for key, value in (
            ("level", "high"),
            ("level", "nan"),
            ("level.index", "3"),
            ("level.index", "-1"),
            ("level.index", "1.5"),
            ("level.index", "9" * 5000),
            ("depth", "1"),
            ("self", "1"),
            ("time.indexx", "1"),
        ):
            with pytest.raises(InvalidInput, match=key) as caught:
                info.select(**{key: value})
            assert caught.value.field == key
        with pytest.raises(InvalidInput, match="0..2") as caught:
            file.read("v", {"level": 3})
        assert caught.value.field == "level"


def test_a_time_for_a_variable_without_one_is_refused(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file, pytest.raises(InvalidInput, match="no time axis") as caught:
        file.variable("v").select(time="2070")
    assert caught.value.field == "time"


def test_variables_are_found_by_name_or_as_the_only_one(make_file) -> None:
    coordinates = {"lat": (("lat",), LAT, LATITUDE), "lon": (("lon",), LON, LONGITUDE)}
    layers = {name: (("lat", "lon"), VALUES, {}) for name in ("a", "b")}
    flat = {"flat": (("lat",), LAT, {})}
    with RasterFile(make_file(coordinates | layers | flat)) as file:
        with pytest.raises(InvalidReference, match="'a', 'b'"):
            file.variable(None)
        with pytest.raises(NotFound, match="no variable 'c'; there are 'a', 'b'") as caught:
            file.variable("c")
        assert (caught.value.subject, caught.value.name) == ("variable", "c")
        with pytest.raises(NotFound, match="'flat' cannot be used: it has no latitude and longitude"):
            file.variable("flat")
        assert list(file.variables) == ["a", "b"]
        assert list(file.skipped) == ["flat"]


def test_what_is_no_netcdf_is_refused_without_the_servers_path(tmp_path: Path) -> None:
    text = tmp_path / "text.nc"
    text.write_text("no data")
    empty = tmp_path / "empty.nc"
    netCDF4.Dataset(empty, "w").close()
    for path, reason in (
        (text, "'text.nc' cannot be read as NetCDF"),
        (tmp_path / "gone.nc", "there is no file 'gone.nc'"),
        (tmp_path, "there is no file"),
        (empty, "'empty.nc' holds no variable"),
        ("https://example.org/data.nc", "there is no file 'data.nc'"),  # nothing is fetched
    ):
        with pytest.raises(RasterError, match=reason) as caught:
            RasterFile(path)
        assert str(tmp_path) not in str(caught.value)


def test_a_closed_file_says_so(make_lonlat) -> None:
    file = RasterFile(make_lonlat(VALUES, LAT, LON))
    file.close()
    file.close()
    with pytest.raises(RasterError, match="'made.nc' is closed"):
        file.read("v", {})


def test_the_description_is_strict_json_and_complete(make_lonlat) -> None:
    values = np.zeros((2, 2, 3, 4), "f4")
    more = {"time": (("time",), [0.0, 30.0], TIME), "member": (("member",), np.array([0.1, np.nan], "f4"), {})}
    attributes = {"units": "K", "long_name": "warmth", "standard_name": "air_temperature"}
    path = make_lonlat(
        values, LAT, LON, dims=("time", "member", "lat", "lon"), more=more, attributes=attributes, name="t.nc"
    )
    with netCDF4.Dataset(path, "a") as dataset:
        dataset.title = "Warm"
    with RasterFile(path) as file:
        document = file.describe()
    assert dump_json(document)
    wkt = document["crs"].pop("wkt")
    assert wkt.startswith("GEOGCRS")
    assert document == {
        "title": "Warm",
        "crs": {"epsg": 4326, "name": "WGS 84"},
        "extent": [9, 49.5, 17, 52.5],
        "lonlat_bounds": [9, 49.5, 17, 52.5],
        "variables": [
            {
                "name": "v",
                "units": "K",
                "long_name": "warmth",
                "standard_name": "air_temperature",
                "dtype": "float32",
                "shape": [2, 2, 3, 4],
                "dimensions": ["time", "member", "lat", "lon"],
                "time": {
                    "dimension": "time",
                    "calendar": "360_day",
                    "stops": [
                        {"timestamp": 3155760000.0, "iso": "2070-01-01T00:00:00Z"},
                        {"timestamp": 3158438400.0, "iso": "2070-02-01T00:00:00Z"},
                    ],
                },
                "other_dimensions": [{"name": "member", "units": None, "values": [0.1, None]}],
            }
        ],
        "skipped": {},
    }


def test_a_variable_on_another_grid_describes_its_own(make_file) -> None:
    path = make_file(
        {
            "lat": (("lat",), LAT, LATITUDE),
            "lon": (("lon",), LON, LONGITUDE),
            "lat_b": (("lat_b",), [0.0, 1.0], LATITUDE),
            "a": (("lat", "lon"), VALUES, {}),
            "b": (("lat_b", "lon"), VALUES[:2], {}),
        }
    )
    with RasterFile(path) as file:
        first, second = file.describe()["variables"]
    assert "extent" not in first
    assert second["extent"] == [9, -0.5, 17, 1.5]
