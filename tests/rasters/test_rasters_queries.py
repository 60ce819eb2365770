"""The value at a point, and statistics."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyproj import CRS, Geod

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, open_raster, statistics, value_at
from geojobs_lab.rasters import queries as module

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


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    values=hnp.arrays(
        np.float32,
        (3, 4),
        elements=st.one_of(st.just(np.nan), st.just(np.float32(np.inf)), st.floats(-(2.0**90), 2.0**90, width=32)),
    )
)
def test_statistics_are_those_of_numpy(make_lonlat, values) -> None:
    with RasterFile(make_lonlat(values, LAT, LON)) as file:
        found = statistics(file, "v", {}, weights="area")
    assert dump_json(found)
    seen = values[np.isfinite(values)].astype("f8")
    assert (found["count"], found["missing"]) == (seen.size, 12 - seen.size)
    assert sum(found["histogram"]["counts"]) == seen.size
    if seen.size:
        assert (found["min"], found["max"]) == pytest.approx((seen.min(), seen.max()), rel=1e-6)
        assert found["mean"] == pytest.approx(seen.mean(), rel=1e-9, abs=1e-9 * np.abs(seen).max())
        assert found["std"] == pytest.approx(seen.std(), rel=1e-9, abs=1e-9 * np.abs(seen).max())
        edges = found["histogram"]["edges"]
        assert edges[0] <= seen.min() <= seen.max() <= edges[-1]
        assert len(edges) == len(found["histogram"]["counts"]) + 1


def test_statistics_of_nothing_and_of_a_constant_are_defined(make_lonlat) -> None:
    with RasterFile(make_lonlat(np.full((3, 4), np.nan), LAT, LON, attributes={"units": "K"})) as file:
        assert statistics(file, "v", {}, weights="area") == {
            "min": None,
            "max": None,
            "mean": None,
            "std": None,
            "count": 0,
            "missing": 12,
            "unit": "K",
            "histogram": {"edges": [], "counts": []},
            "area_weighted_mean": None,
        }
    for constant in (0.0, 7.0, 1e20, -3e-9):
        with RasterFile(make_lonlat(np.full((3, 4), constant), LAT, LON)) as file:
            found = statistics(file, "v", {}, bins=4)
        assert (found["min"], found["max"], found["mean"], found["std"]) == (constant, constant, constant, 0)
        assert sum(found["histogram"]["counts"]) == 12
    with RasterFile(make_lonlat(np.array([[0, 1, 2, 3]] * 3, "i2"), LAT, LON)) as file:
        found = statistics(file, "v", {}, bins=3)
    assert (found["min"], found["max"]) == (0, 3)
    assert isinstance(found["max"], int)
    assert found["histogram"] == {"edges": [0, 1, 2, 3], "counts": [3, 3, 6]}


def test_statistics_by_blocks_are_the_same(make_lonlat, monkeypatch) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        whole = statistics(file, "v", {}, weights="area")
        monkeypatch.setattr(module, "_BLOCK", 5)
        parts = statistics(file, "v", {}, weights="area")
    assert parts.pop("std") == pytest.approx(whole.pop("std"))
    assert parts.pop("mean") == pytest.approx(whole.pop("mean"))
    assert parts.pop("area_weighted_mean") == pytest.approx(whole.pop("area_weighted_mean"))
    assert parts == whole


def test_weights_are_areas_on_the_ellipsoid(make_lonlat) -> None:
    lat = np.arange(-87.5, 90, 5.0)
    values = np.repeat(lat[:, None] ** 2, 4, axis=1)
    with RasterFile(make_lonlat(values, lat, LON)) as file:
        found = statistics(file, "v", {}, weights="area")
    geod = Geod(ellps="WGS84")
    step = np.linspace(0, 2, 400)  # parallels are no geodesics: many short ones
    areas = [
        abs(geod.polygon_area_perimeter([*step, *step[::-1]], [*([y - 2.5] * 400), *([y + 2.5] * 400)])[0]) for y in lat
    ]
    assert found["area_weighted_mean"] == pytest.approx(np.average(lat**2, weights=areas), rel=1e-5)
    assert found["mean"] == pytest.approx((lat**2).mean())


def test_weights_of_a_projected_grid_undo_its_scale(make_file) -> None:
    y = np.linspace(0, 1.2e7, 25)
    mapping = CRS.from_epsg(3857).to_cf()
    path = make_file(
        {
            "y": (("y",), y, {"standard_name": "projection_y_coordinate", "units": "m"}),
            "x": (("x",), [0.0, 5e5], {"standard_name": "projection_x_coordinate", "units": "m"}),
            "crs": ((), np.int32(0), mapping),
            "v": (("y", "x"), np.repeat(y[:, None], 2, axis=1), {"grid_mapping": "crs"}),
        }
    )
    with RasterFile(path) as file:
        found = statistics(file, "v", {}, weights="area")
    radius = 6378137.0
    assert found["area_weighted_mean"] == pytest.approx(np.average(y, weights=1 / np.cosh(y / radius) ** 2), rel=1e-2)


def test_other_weights_are_refused(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file, pytest.raises(InvalidInput, match="weights: 'size'"):
        statistics(file, "v", {}, weights="size")
