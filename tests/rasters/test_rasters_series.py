"""All values through time at a point."""

from pathlib import Path

import netCDF4
import numpy as np
import pytest

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, open_raster, series_at, value_at

LAT, LON = [50.0, 51.0, 52.0], [200.0, 202.0, 204.0, 206.0]
TIME = {"units": "days since 2070-01-01", "calendar": "360_day", "standard_name": "time"}


def test_the_series_of_a_real_file_is_what_xarray_selects(samples) -> None:
    path = samples / "A1B_north_america.nc"
    with RasterFile(path) as file:
        found = series_at(file, "air_temperature", {}, -100.0, 45.0)
        first = value_at(file, "air_temperature", {}, -100.0, 45.0)
    with open_raster(path) as data:
        expected = data.sel(latitude=45, longitude=260, method="nearest")
        np.testing.assert_allclose(found["values"], expected.values, rtol=1e-6)
    assert len(found["values"]) == len(found["timestamps"]) == len(found["times"]) == 240
    assert found["times"][0] == first["time"]
    assert (found["values"][0], found["lon"], found["lat"]) == (first["value"], first["lon"], first["lat"])
    assert found["unit"] == "K"
    assert dump_json(found)


def test_other_dimensions_are_selected_and_what_is_missing_is_none(make_lonlat) -> None:
    values = np.arange(2 * 3 * 4 * 3, dtype="f4").reshape(2, 3, 4, 3)  # level, lat, lon, time
    values[1, 2, 1, 1] = np.nan
    more = {"time": (("time",), [0, 30, 60], TIME), "level": (("level",), [1000.0, 850.0], {})}
    path = make_lonlat(values, LAT, LON, dims=("level", "lat", "lon", "time"), more=more)
    with RasterFile(path) as file:
        found = series_at(file, "v", file.variable("v").select(level="850"), -158, 52.2)
        outside = series_at(file, "v", {}, 0, 0)
    assert found["values"] == [values[1, 2, 1, 0], None, values[1, 2, 1, 2]]
    assert found["times"] == ["2070-01-01T00:00:00Z", "2070-02-01T00:00:00Z", "2070-03-01T00:00:00Z"]
    assert (outside["values"], outside["lon"], outside["lat"]) == ([None] * 3, 0, 0)
    assert outside["times"] == found["times"]


def test_without_time_there_is_one_value(make_lonlat) -> None:
    with RasterFile(make_lonlat(np.arange(12, dtype="i2").reshape(3, 4), LAT, LON)) as file:
        found = series_at(file, "v", {}, 204, 51)
    assert found == {"values": [6], "timestamps": [None], "times": [None], "unit": None, "lon": -156.0, "lat": 51.0}


def test_what_is_no_point_is_refused(make_lonlat) -> None:
    with RasterFile(make_lonlat(np.zeros((3, 4)), LAT, LON)) as file, pytest.raises(InvalidInput, match="lat"):
        series_at(file, "v", {}, 0, 91)


def bytes_read() -> int:
    """Return how many bytes this process has asked the system for, from whichever cache they came."""
    lines = Path("/proc/self/io").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("rchar")).split()[1])


@pytest.mark.parametrize("format", ["NETCDF4", "NETCDF3_CLASSIC"])
def test_only_what_holds_the_cell_is_read(tmp_path: Path, format: str) -> None:
    path = tmp_path / "many.nc"
    values = np.random.default_rng(7).random((40, 512, 512), dtype="f4")
    with netCDF4.Dataset(path, "w", format=format) as file:
        for name, count in (("time", 40), ("lat", 512), ("lon", 512)):
            file.createDimension(name, count)
            file.createVariable(name, "f8", (name,))[:] = np.arange(count) * (0.1 if name != "time" else 1)
        file["time"].units = "days since 2000-01-01"
        chunks = {"chunksizes": (1, 32, 32)} if format == "NETCDF4" else {}
        file.createVariable("v", "f4", ("time", "lat", "lon"), **chunks)[:] = values
    with RasterFile(path) as file:
        before = bytes_read()
        found = series_at(file, "v", {}, 20.0, 30.0)
        used = bytes_read() - before
        before = bytes_read()
        value = value_at(file, "v", {"time": 7}, 20.0, 30.0)["value"]
        used_for_one = bytes_read() - before
    np.testing.assert_allclose(found["values"], values[:, 300, 200], rtol=1e-6)
    np.testing.assert_allclose(value, values[7, 300, 200], rtol=1e-6)
    chunks_and_their_index = 40 * 32 * 32 * 4 + 250_000
    assert used < chunks_and_their_index < path.stat().st_size / 80
    assert used_for_one < 32 * 32 * 4 + 10_000
