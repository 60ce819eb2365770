"""Expressions on rasters: dimensions meet by name; grid, CRS, coordinates and units stay where they can."""

from pathlib import Path
from typing import Any

import cftime
import numpy as np
import pytest
import rioxarray  # noqa: F401  # gives rasters their .rio
import xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing

from geojobs_lab.errors import ExpressionFailed, ExpressionNotValid, InvalidInput, RasterError
from geojobs_lab.expressions import Expression
from geojobs_lab.rasters import Grid, open_raster, write_raster
from geojobs_lab.rasters.calculating import calculate

LAT, LON = [50.0, 49.0], [7.0, 8.0, 9.0]
T2 = np.array([[1.0, 2, 3], [4, 5, 6]])
T3 = np.stack([T2, T2 * 10])


def raster(values: Any, name: str | None = "t", times: Any = (2000, 2001, 2002), **attrs: Any) -> xr.DataArray:
    values = np.asarray(values)
    coords = {"latitude": LAT, "longitude": LON}
    if values.ndim == 3:
        coords["time"] = list(times)[: values.shape[0]]
    return xr.DataArray(
        values, dims=("time", "latitude", "longitude")[-values.ndim :], coords=coords, name=name, attrs=attrs
    )


def projected(values: Any, **attrs: Any) -> xr.DataArray:
    data = xr.DataArray(
        np.asarray(values, float), coords={"y": [2500.0, 1500.0], "x": [500.0, 1500.0, 2500.0]}, dims=("y", "x")
    )
    return data.assign_attrs(attrs).rio.write_crs("EPSG:31467").rename("p")


def test_a_result_lies_where_its_rasters_do() -> None:
    result = calculate("x * 2 + 1", {"x": projected(T2)})
    np.testing.assert_array_equal(result.values, T2 * 2 + 1)
    assert result.dims == ("y", "x")
    assert result.rio.crs.to_epsg() == 31467
    assert result.encoding["grid_mapping"] == "spatial_ref"
    assert Grid.from_array(result).same_as(Grid.from_array(projected(T2)))
    assert result.name == "p"


def test_what_is_computed_of_a_file_is_published_with_its_place(samples: Path, tmp_path: Path) -> None:
    for name in ("A1B_north_america.nc", "rotated_pole.nc", "toa_brightness_stereographic.nc"):
        data = open_raster(samples / name)
        result = calculate("(x - mean(x)) / std(x)", {"x": data})
        expected = (data.values - np.nanmean(data.values, dtype=float)) / np.nanstd(data.values, dtype=float)
        np.testing.assert_allclose(result.values, expected, rtol=1e-3, atol=1e-5)
        write_raster(tmp_path / name, {"data": result}, {})
        again = open_raster(tmp_path / name, "data")
        assert Grid.from_array(again).same_as(Grid.from_array(data))
        assert again.dims[-2:] == data.dims[-2:]
        np.testing.assert_allclose(again.values, result.values)


def test_coordinates_come_along(samples: Path) -> None:
    data = open_raster(samples / "A1B_north_america.nc")
    step = calculate("x[-1]", {"x": data})
    xr.testing.assert_identical(step, data[-1].assign_attrs(step.attrs))
    assert step["time"].item().calendar == "360_day"
    assert step.attrs == data.attrs
    anomaly = calculate("x - mean(x, 0)", {"x": data})
    assert anomaly["time"].encoding == data["time"].encoding
    assert list(anomaly["time"].values) == list(data["time"].values)
    assert set(anomaly.coords) == set(data.coords)
    mean = calculate("mean(x, axis=0)", {"x": data})
    assert set(mean.coords) == set(data.coords) - {"time", "forecast_period"}
    np.testing.assert_allclose(mean.values, data.values.mean(0, dtype=float), rtol=1e-6)
    zonal = calculate("mean(x[0], 1)", {"x": data})
    assert zonal.dims == ("latitude",)
    assert list(zonal["latitude"].values) == list(data["latitude"].values)
    difference = calculate("x[0] - x[1]", {"x": data})
    assert "time" not in difference.coords  # it is of neither
    assert "height" in difference.coords


def test_a_raster_without_time_meets_each_step() -> None:
    series, layer = raster(T3), raster(T2)
    for text, expected in (("s - l", T3 - T2), ("l - s", T2 - T3), ("s > l and l > 0", T3 > T2)):
        result = calculate(text, {"s": series, "l": layer})
        assert result.dims == ("time", "latitude", "longitude")
        np.testing.assert_array_equal(result.values, expected)
        assert result["time"].values.tolist() == [2000, 2001]
    one = calculate("s - l", {"s": series, "l": series[0]})
    assert one["time"].values.tolist() == [2000, 2001]  # although that of the layer is another


def test_dimensions_meet_by_name_in_whatever_order() -> None:
    flipped = raster(T3).transpose("longitude", "time", "latitude")
    result = calculate("a - b", {"a": flipped, "b": raster(T3)})
    assert result.dims == ("time", "latitude", "longitude")
    np.testing.assert_array_equal(result.values, np.zeros((2, 2, 3)))
    np.testing.assert_array_equal(calculate("x[1]", {"x": flipped}).values, T3[1])
    levels = raster(T3).rename(time="level").assign_coords(level=[10.0, 20.0])
    result = calculate("a + b", {"a": raster(T3), "b": levels})
    assert result.dims == ("time", "level", "latitude", "longitude")
    np.testing.assert_array_equal(result.values, T3[:, None] + T3[None])
    weights = xr.DataArray([1.0, 2.0], {"time": [2000, 2001]}, "time")
    result = calculate("w * x", {"x": raster(T3), "w": weights})
    np.testing.assert_array_equal(result.values, T3 * np.array([1, 2])[:, None, None])
    result = calculate("x - mean(x, 1)", {"x": raster(T3)})  # the mean keeps what it is of
    np.testing.assert_array_equal(result.values, T3 - T3.mean(1, keepdims=True))
    np.testing.assert_array_equal(calculate("x[0] * w[1]", {"x": raster(T3), "w": weights}).values, T2 * 2)


def test_rows_and_columns_of_other_names_meet() -> None:
    other = raster(T2).rename(latitude="lat", longitude="lon")
    result = calculate("a - b", {"a": raster(T3), "b": other})
    assert result.dims == ("time", "latitude", "longitude")
    np.testing.assert_array_equal(result.values, T3 - T2)


def test_bare_arrays_meet_the_last_dimensions() -> None:
    masked = np.ma.MaskedArray(T2, T2 > 5)
    result = calculate("x + m", {"x": raster(T3), "m": masked})
    np.testing.assert_array_equal(result.values, np.where(T2 > 5, np.nan, T3 + T2))
    assert isinstance(calculate("mean(x) * m", {"x": raster(T3), "m": masked}), np.ma.MaskedArray)
    np.testing.assert_array_equal(calculate("m * 2", {"m": T2, "unused": raster(T3)}), T2 * 2)
    with pytest.raises(ExpressionFailed, match=r"the result has the shape \(2, 2, 3\), more than the rasters'"):
        calculate("x + m", {"x": raster(T2), "m": T3})


def test_different_grids_are_refused_with_both_described_or_aligned() -> None:
    a = raster(np.arange(6.0).reshape(2, 3), "a")
    b = raster(np.arange(6.0).reshape(2, 3), "b").assign_coords(longitude=[8.0, 9.0, 10.0])
    with pytest.raises(RasterError) as caught:
        calculate("x - y", {"x": a, "y": b})
    for described in ("different grids", f"'x' on {Grid.from_array(a)}", f"'y' on {Grid.from_array(b)}"):
        assert described in str(caught.value)
    result = calculate("y - x", {"x": a, "y": b}, align="nearest")
    np.testing.assert_array_equal(result.values, [[np.nan, -1, -1], [np.nan, -1, -1]])
    assert result["longitude"].values.tolist() == LON  # those of the first value
    assert calculate("y - x", {"y": b, "x": a}, align="bilinear")["longitude"].values.tolist() == [8, 9, 10]
    np.testing.assert_array_equal(calculate("x - z", {"x": a, "y": b, "z": a}).values, np.zeros((2, 3)))
    with pytest.raises(InvalidInput, match="cubic"):
        calculate("x - y", {"x": a, "y": b}, align="cubic")


def test_a_projected_and_a_geographic_raster_are_aligned() -> None:
    here = projected(T2)
    grid = Grid.from_array(here)
    lon, lat = grid.to_lonlat(grid.xs.mean(), grid.ys.mean())
    there = xr.DataArray(
        np.full((3, 3), 7.0),
        {
            "lat": float(lat) + np.array([1, 0, -1.0]),
            "lon": float(lon) + np.array([-1, 0, 1.0]),
        },
        ("lat", "lon"),
    )
    result = calculate("p + g", {"p": here, "g": there}, align="nearest")
    np.testing.assert_array_equal(result.values, T2 + 7)
    assert result.rio.crs.to_epsg() == 31467


def test_other_steps_are_refused_with_both_described() -> None:
    a, b = raster(T3), raster(T3, times=(2001, 2002))
    with pytest.raises(RasterError) as caught:
        calculate("x - y * 2", {"x": a, "y": b})
    assert str(caught.value) == (
        "'x' and 'y * 2' do not meet in 'time': 'x' has 2 from 2000 to 2001; 'y * 2' has 2 from 2001 to 2002"
    )
    with pytest.raises(RasterError, match="'x' has 2 from 2000 to 2001; 'y' has 1 from 2000 to 2000"):
        calculate("x - y", {"x": a, "y": a[:1]})
    with pytest.raises(RasterError, match="'y' has 3 steps without a coordinate"):
        calculate("x - y", {"x": a, "y": xr.concat([a, a[:1]], "time").drop_vars("time")})
    days = [cftime.datetime(2000, 1, day, calendar="360_day") for day in (1, 2)]
    c, d = a.assign_coords(time=days), a.assign_coords(time=np.array(["2000-01-01", "2000-01-02"], "datetime64[ns]"))
    with pytest.raises(
        RasterError, match=r"from 2000-01-01 00:00:00 to 2000-01-02 00:00:00 \(360_day\); .* from 2000-"
    ):
        calculate("x - y", {"x": c, "y": d})
    levels = [b.rename(time="level").assign_coords(level=np.array([0.1, 0.2], kind)) for kind in ("f4", "f8")]
    np.testing.assert_array_equal(calculate("x - y", dict(zip("xy", levels, strict=True))).values, T3 * 0)
    # where they do not meet they may differ
    np.testing.assert_array_equal(calculate("mean(x, 0) - mean(y, 0)", {"x": a, "y": b}).values, np.zeros((2, 3)))
    np.testing.assert_array_equal(calculate("x[1] - y[1]", {"x": a, "y": b}).values, np.zeros((2, 3)))


UNITS = [
    ("x + y", "K"),
    ("x - y", "K"),
    ("x - z", None),
    ("x - c", None),
    ("x + 1", None),
    ("x - 273.15", None),  # is in another unit now, and which is not said
    ("x * 2", None),
    ("x / y", None),
    ("x ** 2", None),
    ("x > y", None),
    ("isnan(x)", None),
    ("sqrt(x)", None),
    ("-x", "K"),
    ("abs(x - y)", "K"),
    ("x - mean(x)", "K"),
    ("(x - mean(x)) / std(x)", None),
    ("min(s, 0)", "K"),
    ("max(s, 0)", "K"),
    ("mean(s, 0)", "K"),
    ("median(s, 0)", "K"),
    ("percentile(s, 90, 0)", "K"),
    ("std(s, 0)", "K"),
    ("sum(s, 0)", "K"),
    ("var(s, 0)", None),
    ("count(s, 0)", None),
    ("where(x > y, x, y)", "K"),
    ("where(x > 1, x, z)", None),
    ("c - c * 1", None),
    ("c - e", "K"),
    ("abs(c - mean(c))", "K"),
    ("std(t, 0)", "K"),
    ("mean(t, 0)", "degC"),
    ("c + e", None),
    ("sum(t, 0)", None),
    ("where(c > 0, c, e)", "degC"),
]


@pytest.mark.parametrize(("text", "units"), UNITS)
def test_units_stay_only_where_they_are_certain(text: str, units: str | None) -> None:
    values = {
        "x": raster(T2, "x", units="K", standard_name="air_temperature"),
        "y": raster(T2, "y", units="K"),
        "s": raster(T3, "s", units="K"),
        "c": raster(T2, "c", units="degC"),
        "e": raster(T2, "e", units="degC"),
        "t": raster(T3, "t", units="degC"),
        "z": raster(T2, "z"),
    }
    result = calculate(text, values)
    assert result.attrs == {"long_name": text} | ({} if units is None else {"units": units})


@pytest.mark.parametrize(
    "text",
    ["x", "+x", "s[0]", "mask(x, x > 2)", "clip(x, 2, 4)", "where(x > 2, x, nan)", "where(y > 2, x, 0)", "floor(x)",
     "float32(x)", "mask(where(y > 0, clip(x, 0, y), x), isnan(y))"],
)  # fmt: skip
def test_what_is_still_the_same_quantity_keeps_its_name_and_attributes(text: str) -> None:
    attributes = {"units": "degC", "long_name": "Temperature", "standard_name": "air_temperature"}
    x = raster(T2, "x", **attributes, actual_range=[1.0, 6.0])
    values = {"x": x, "y": raster(T2, "y", units="m"), "s": raster(T3, "x", **attributes)}
    if "clip(x, 0, y)" in text:
        values["y"].attrs["units"] = "degC"
        text = text.replace("clip(x, 0, y)", "clip(x, 0, 9)")
    result = calculate(text, values)
    assert result.attrs == attributes
    assert result.name == "x"


def test_the_name_stays_where_all_rasters_have_it() -> None:
    assert calculate("x - y", {"x": raster(T2), "y": raster(T2)}).name == "t"
    assert calculate("x - y", {"x": raster(T2), "y": raster(T2, "u")}).name is None


def test_integers_and_truth_values_with_missing_cells_become_floats() -> None:
    x = raster(np.where(T2 == 5, np.nan, T2))
    compared = calculate("x > 2", {"x": x})
    assert compared.dtype == np.float32
    np.testing.assert_array_equal(compared.values, [[0, 0, 1], [1, np.nan, 1]])
    assert calculate("x > 2", {"x": raster(T2)}).dtype == bool
    counts = raster(np.array(T2, np.int16))
    assert calculate("x * 2", {"x": counts}).dtype == np.int64
    assert calculate("mask(x, x > 5)", {"x": counts}).dtype == np.float32
    assert calculate("mask(int32(x), x > 5)", {"x": counts}).dtype == np.float64
    np.testing.assert_array_equal(calculate("mask(x, x > 5)", {"x": counts}).values, np.where(T2 > 5, np.nan, T2))
    assert isinstance(calculate("mask(x, x > 5)", {"x": counts}).data, np.ndarray)
    assert not isinstance(calculate("mask(x, x > 9)", {"x": counts}).data, np.ma.MaskedArray)


def test_scalars_stay_scalars() -> None:
    values = {"x": raster(T2, units="K"), "n": raster(T2).mean(), "one": 1}
    assert calculate("mean(x) + one", values) == 4.5
    assert calculate("x[0][1]", values) == 2.0
    assert calculate("n", values) == 3.5
    assert calculate("one + 1", values) == 2
    np.testing.assert_array_equal(calculate("x - n", values).values, T2 - 3.5)


def test_lists_and_dictionaries_may_hold_rasters() -> None:
    layers = [raster(T2, units="K"), raster(T2 * 2, units="K")]
    result = calculate("l[1] - l[i]", {"l": layers, "i": 0})
    np.testing.assert_array_equal(result.values, T2)
    assert result.attrs["units"] == "K"
    result = calculate("d['a'][0] + d['b']", {"d": {"a": layers, "b": T2}})
    np.testing.assert_array_equal(result.values, T2 * 2)
    assert result.dims == ("latitude", "longitude")
    dataset = xr.Dataset({"t": layers[0], "u": layers[1]})
    np.testing.assert_array_equal(calculate("d['u'] - d['t']", {"d": dataset}).values, T2)
    with pytest.raises(RasterError, match="different grids"):
        calculate("l[0] - l[1]", {"l": [layers[0], layers[1].assign_coords(longitude=[1.0, 2, 3])]})
    for text, message in (
        ("l[2]", "lies outside of 2"),
        ("l['a']", "an index is an integer"),
        ("l + 1", "is no array"),
    ):
        with pytest.raises(ExpressionFailed, match=message):
            calculate(text, {"l": layers})


def test_arrays_without_a_place_meet_by_name_too() -> None:
    a = xr.DataArray(T2, dims=("row", "column"))
    b = xr.DataArray(T2[:, 0], dims="row")
    result = calculate("a - b", {"a": a, "b": b})
    assert result.dims == ("row", "column")
    np.testing.assert_array_equal(result.values, T2 - T2[:, :1])


def test_values_of_an_expression_that_is_checked_already_and_refusals() -> None:
    np.testing.assert_array_equal(calculate(Expression("x"), {"x": raster(T2)}).values, T2)
    with pytest.raises(ExpressionNotValid, match="the expression is invalid at position 2"):
        calculate("x ; 2", {"x": raster(T2)})
    with pytest.raises(ExpressionFailed, match="there is no value of this name; given are: x"):
        calculate("x + y", {"x": raster(T2)})
    for text, message in (("x[2]", "an index 2 lies outside of 2"), ("min(x, 5)", "an axis 5 lies outside of 2")):
        with pytest.raises(ExpressionFailed, match=message):
            calculate(text, {"x": raster(T2)})
    with pytest.raises(ExpressionFailed, match="holds no real numbers"):
        calculate("x + 1", {"x": raster(T2.astype(complex))})


class Lazy(BackendArray):
    """A file's array that writes down what is read of it."""

    def __init__(self, array: Any) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.reads: list[int] = []

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._read)

    def _read(self, key: Any) -> Any:
        part = self.array[key]
        self.reads.append(part.size)
        return part


@pytest.mark.parametrize(
    ("text", "share", "most"),
    [
        ("x * 2", 1, 0.3),
        ("x - x[0]", 1.02, 0.3),
        ("(x - min(x)) / (max(x) - min(x))", 2, 0.3),
        ("mean(x, 0)", 1, 0.3),
        ("x[7]", 1 / 50, 1 / 50),
        ("x[7] - x[3]", 2 / 50, 1 / 50),
        ("mean(x[7])", 1 / 50, 1 / 50),
    ],
)
def test_lazy_rasters_are_read_in_blocks_and_no_more_than_needed(
    text: str, share: float, most: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("geojobs_lab.expressions.sources._READ_AT_ONCE", 1000)
    lazy = Lazy(np.random.default_rng(1).normal(size=(50, 10, 10)))
    variable = xr.Variable(("time", "latitude", "longitude"), indexing.LazilyIndexedArray(lazy))
    data = xr.DataArray(variable, {"time": range(50), "latitude": 50 - np.arange(10.0), "longitude": np.arange(10.0)})
    result = calculate(text, {"x": data})
    assert sum(lazy.reads) == pytest.approx(share * lazy.array.size)
    assert max(lazy.reads) <= most * lazy.array.size
    whole = calculate(text, {"x": data.copy(data=lazy.array)})
    np.testing.assert_allclose(result, whole)


def test_a_file_is_read_step_by_step(samples: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import netCDF4

    data = open_raster(samples / "A1B_north_america.nc")
    read = []
    original = netCDF4.Variable.__getitem__

    def counted(self: Any, key: Any) -> Any:
        part = original(self, key)
        read.append((self.name, np.size(part)))
        return part

    from xarray.backends import netCDF4_

    monkeypatch.setattr(netCDF4_.operator, "getitem", lambda array, key: counted(array, key))
    calculate("x[5] - x[3]", {"x": data})
    assert sum(size for name, size in read if name == "air_temperature") == 2 * 37 * 49
