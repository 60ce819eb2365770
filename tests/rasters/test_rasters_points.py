"""The value at a point."""

import math

import numpy as np
import pytest

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, open_raster, value_at

LAT, LON = [50.0, 51.0, 52.0], [200.0, 202.0, 204.0, 206.0]
VALUES = np.where(np.arange(12) == 6, np.nan, np.arange(12) + np.float32(0.3)).astype("f4").reshape(3, 4)


def test_the_value_of_the_cell_under_a_point(make_lonlat) -> None:
    path = make_lonlat(VALUES, LAT, LON, attributes={"units": "K"})
    with RasterFile(path) as file:
        found = value_at(file, "v", {}, -158.5, 51.4)
        assert found == {"value": 5.3, "unit": "K", "lon": -158.0, "lat": 51.0, "time": None}
        assert value_at(file, "v", {}, 203.5, 51.4)["value"] is None  # missing there
        outside = value_at(file, "v", {}, 10.0, 51.4)
        assert outside == {"value": None, "unit": "K", "lon": 10.0, "lat": 51.4, "time": None}


def test_the_value_tells_its_time(samples) -> None:
    with RasterFile(samples / "A1B_north_america.nc") as file:
        selection = file.variable(None).select(time="2070")
        assert value_at(file, "air_temperature", selection, -100, 45)["time"] == "1970-06-01T00:00:00Z"  # 2070 seconds
        selection = file.variable(None).select(time="2070-06")
        found = value_at(file, "air_temperature", selection, -100, 45)
    expected = open_raster(samples / "A1B_north_america.nc", time="2070-06").sel(
        latitude=45, longitude=260, method="nearest"
    )
    assert found["value"] == pytest.approx(float(expected), rel=1e-7)
    assert (found["time"], found["lat"]) == ("2070-06-01T00:00:00Z", 45)
    assert found["lon"] == pytest.approx(float(expected.longitude) - 360)


def test_points_of_projected_and_rotated_grids_are_found(samples) -> None:
    for name in ("rotated_pole.nc", "toa_brightness_stereographic.nc"):
        with RasterFile(samples / name) as file:
            info = file.variable(None)
            row, col = (size // 2 for size in info.grid.shape)
            lon, lat = info.grid.to_lonlat(info.grid.xs[col], info.grid.ys[row])
            found = value_at(file, info.name, {}, float(lon), float(lat))
            expected = file.read(info.name, {})[row, col]
        assert found["value"] == (None if np.isnan(expected) else pytest.approx(float(expected)))
        assert (found["lon"], found["lat"]) == pytest.approx((float(lon), float(lat)))


@pytest.mark.parametrize(
    ("lon", "lat", "field"), [(math.nan, 0, "lon"), (math.inf, 0, "lon"), (0, 91, "lat"), (0, math.nan, "lat")]
)
def test_what_is_no_point_is_refused(make_lonlat, lon, lat, field) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file, pytest.raises(InvalidInput, match=field) as caught:
        value_at(file, "v", {}, lon, lat)
    assert caught.value.field == field
