import numpy as np
import pytest
import rioxarray  # noqa: F401  # gives rasters their .rio
import xarray as xr

from geojobs_lab.errors import ParameterNotValidError, RasterError, RunError
from geojobs_lab.library.raster import align, subtract
from geojobs_lab.rasters import Grid


def raster(values, name="t", **attrs):
    values = np.asarray(values)
    return xr.DataArray(
        values,
        dims=("time", "latitude", "longitude")[-values.ndim :],
        coords={"latitude": [50.0, 49.0], "longitude": [7.0, 8.0]},
        name=name,
        attrs=attrs,
    )


def projected(values):
    data = xr.DataArray(np.asarray(values), coords={"y": [2500.0, 1500.0], "x": [500.0, 1500.0]}, dims=("y", "x"))
    return data.rio.write_crs("EPSG:31467")


def test_the_difference_is_taken_cell_by_cell_and_keeps_names_and_units():
    a = raster([[1.5, 2], [3, np.nan]], units="K", long_name="Temperature", cell_methods="time: mean")
    b = raster([[1.0, 5], [np.nan, 1]], name="other", units="K", long_name="Other", cell_methods="time: mean")
    difference = subtract(a=a, b=b)["difference"]
    np.testing.assert_array_equal(difference.values, [[0.5, -3], [np.nan, np.nan]])
    assert difference.name == "t"
    assert difference.attrs == {"units": "K", "long_name": "Temperature", "cell_methods": "time: mean"}
    assert Grid.from_array(difference).same_as(Grid.from_array(a))
    assert a.attrs["long_name"] == "Temperature"
    b.attrs["cell_methods"] = "time: mean (comment: another period)"
    assert "cell_methods" not in subtract(a=a, b=b)["difference"].attrs


def test_the_difference_can_be_given_a_name():
    assert (
        subtract(a=raster([[1, 2]] * 2), b=raster([[1, 2]] * 2), long_name="Warming")["difference"].long_name
        == "Warming"
    )


def test_what_is_not_true_of_a_difference_is_not_said_of_it():
    a = raster([[1.0, 2]] * 2, standard_name="air_temperature", units="degC", valid_min=200.0, actual_range=[1, 2])
    difference = subtract(a=a, b=a)["difference"]
    assert difference.attrs == {"units": "K", "long_name": "air temperature difference"}


def test_a_projected_raster_keeps_its_crs():
    difference = subtract(a=projected([[1.0, 2]] * 2), b=projected([[1.0, 1]] * 2))["difference"]
    assert difference.rio.crs.to_epsg() == 31467
    np.testing.assert_array_equal(difference.values, [[0, 1]] * 2)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("uint8", "int32"),
        ("int16", "int32"),
        ("bool", "int32"),
        ("uint32", "int64"),
        ("float32", "float32"),
        ("float64", "float64"),
    ],
)
def test_numbers_do_not_wrap_round(kind, expected):
    a, b = raster(np.array([[0, 1]] * 2, kind)), raster(np.array([[1, 0]] * 2, kind))
    difference = subtract(a=a, b=b)["difference"]
    np.testing.assert_array_equal(difference.values, [[-1, 1]] * 2)
    assert difference.dtype == expected


def test_one_layer_is_subtracted_from_each_step_and_each_step_from_one_layer():
    steps = raster([[[1.0, 2]] * 2, [[3.0, 4]] * 2]).assign_coords(time=[10, 20])
    layer = raster([[1.0, 1]] * 2)
    each = subtract(a=steps, b=layer)["difference"]
    np.testing.assert_array_equal(each.values[:, 0], [[0, 1], [2, 3]])
    assert each["time"].values.tolist() == [10, 20]
    other = subtract(a=layer, b=steps)["difference"]
    np.testing.assert_array_equal(other.values, -each.values)
    np.testing.assert_array_equal(subtract(a=steps, b=steps)["difference"].values, np.zeros((2, 2, 2)))


def test_the_order_of_dimensions_does_not_mix_up_cells():
    a = raster([[1.0, 2], [3, 4]])
    np.testing.assert_array_equal(subtract(a=a, b=a.transpose())["difference"].values, np.zeros((2, 2)))


def test_different_grids_are_refused_with_both_described():
    a, b = raster([[1.0, 2]] * 2), raster([[1.0, 2]] * 2).assign_coords(longitude=[7.5, 8.5])
    with pytest.raises(RasterError) as caught:
        subtract(a=a, b=b)
    for name, one in (("a", a), ("b", b)):
        assert f"{name!r} on {Grid.from_array(one)}" in str(caught.value)
    flipped = raster([[1.0, 2]] * 2).isel(latitude=[1, 0])
    with pytest.raises(RasterError, match="the rasters lie on different grids"):
        subtract(a=a, b=flipped)


def test_different_layers_and_units_are_refused():
    two, three = raster(np.ones((2, 2, 2))), raster(np.ones((3, 2, 2)))
    with pytest.raises(RasterError, match="'a' and 'b' do not meet in 'time': 'a' has 2 steps .*; 'b' has 3 steps"):
        subtract(a=two, b=three)
    with pytest.raises(RasterError, match=r"a and b hold different layers: a \{'time': 2.*; b \{'level': 2"):
        subtract(a=two, b=two.rename(time="level"))
    with pytest.raises(RasterError, match="'a' and 'b' do not meet in 'time'"):
        subtract(a=two.assign_coords(time=[1, 2]), b=two.assign_coords(time=[3, 4]))
    with pytest.raises(RunError, match="a is in 'K' and b in 'degC': bring them to one unit first"):
        subtract(a=raster([[1.0, 2]] * 2, units="K"), b=raster([[1.0, 2]] * 2, units="degC"))


def test_rasters_of_other_grids_are_subtracted_on_request():
    a = raster([[1.0, 2], [3, 4]])
    b = a.assign_coords(longitude=[8.0, 9.0])
    difference = subtract(a=a, b=b, align="nearest")["difference"]
    np.testing.assert_array_equal(difference.values, [[np.nan, 1], [np.nan, 1]])
    assert Grid.from_array(difference).same_as(Grid.from_array(a))
    with pytest.raises(ParameterNotValidError, match="align: must be one of 'nearest', 'bilinear', 'average', 'mode'"):
        subtract(a=a, b=b, align="cubic")


def test_rasters_are_brought_onto_the_grid_of_the_first_or_another():
    a, b = raster([[1.0, 2], [3, 4]]), raster([[1.0, 2], [3, 4]], name="b").assign_coords(longitude=[8.0, 9.0])
    outputs = align(rasters=[a, b])
    assert list(outputs) == ["aligned"]
    first, second = outputs["aligned"]
    np.testing.assert_array_equal(first.values, a.values)
    np.testing.assert_array_equal(second.values, [[np.nan, 1], [np.nan, 3]])
    assert second.name == "b"
    (moved,) = align(rasters=[a], to=b, method="bilinear")["aligned"]
    assert Grid.from_array(moved).same_as(Grid.from_array(b))
    (placed,) = align(rasters=[raster([[1.0, 2]] * 2)], to=projected([[1.0, 2]] * 2))["aligned"]
    assert placed.rio.crs.to_epsg() == 31467
