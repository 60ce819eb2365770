import pickle
from fractions import Fraction

import cloudpickle
import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import ClassifiedRenderer, Color, renderer_from_json

RED, GREEN, BLUE, GREY = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255), Color(128, 128, 128)
THREE = ClassifiedRenderer([(0, RED), (10, GREEN), (20.5, BLUE)])
FLOATS = ["float16", "float32", "float64"]
INTEGERS = ["int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def classes(renderer, values):
    """Return the class of each value: its position, "other" or "missing"."""
    names = ["missing", *range(len(renderer.colors)), "other"]
    return [names[row] for row in renderer.indices(values).ravel().tolist()]


@pytest.mark.parametrize("dtype", FLOATS)
def test_a_value_equal_to_a_break_belongs_to_the_class_below_it(dtype):
    after = [np.nextafter(np.array(value, dtype), np.array(np.inf, dtype)) for value in (0, 10, 20.5)]
    before = [np.nextafter(np.array(value, dtype), np.array(-np.inf, dtype)) for value in (0, 10, 20.5)]
    assert classes(THREE, np.array([0, 10, 20.5], dtype)) == [0, 1, 2]
    assert classes(THREE, np.array(before)) == [0, 1, 2]
    assert classes(THREE, np.array(after)) == [1, 2, "other"]
    assert classes(THREE, np.array([-1e4, 5, 15, 1e4], dtype)) == [0, 1, 2, "other"]


@pytest.mark.parametrize("dtype", INTEGERS)
def test_whole_numbers_are_classified_as_whole_numbers(dtype):
    assert classes(THREE, np.array([0, 1, 10, 11, 20, 21, 100], dtype)) == [0, 1, 1, 2, 2, "other", "other"]


@pytest.mark.parametrize("dtype", [*FLOATS, *INTEGERS])
@pytest.mark.parametrize("count", [5, 100])
def test_few_and_many_breaks_are_classified_alike_to_the_last_value(dtype, count):
    breaks = np.linspace(-40, 90, count)
    renderer = ClassifiedRenderer([(float(limit), RED) for limit in breaks])
    values = np.concatenate([np.arange(-100, 101), breaks]).clip(0 if dtype[0] == "u" else -100, 100).astype(dtype)
    limits = breaks.astype(dtype) if dtype in FLOATS else breaks
    expected = [int((limits < value).sum()) for value in values]
    assert classes(renderer, values) == ["other" if number == count else number for number in expected]


def test_float32_data_equal_a_break_that_only_float64_has():
    renderer = ClassifiedRenderer([(0.1, RED), (0.3, GREEN)])
    assert classes(renderer, np.array([0.1, 0.3], np.float32)) == [0, 1]
    assert classes(renderer, np.array([0.1, 0.3])) == [0, 1]


def test_the_largest_whole_numbers_lose_nothing():
    big = 2**53
    renderer = ClassifiedRenderer([(big, RED), (big + 1, GREEN), (2**63 - 1, BLUE), (2**64 - 1, GREY)])
    assert classes(renderer, np.array([big, big + 1, big + 2, 2**63 - 1])) == [0, 1, 2, 2]
    assert classes(renderer, np.array([big + 1, 2**63 - 1, 2**63, 2**64 - 1], np.uint64)) == [1, 2, 3, 3]
    assert renderer_from_json(renderer.to_json()) == renderer


def test_breaks_beyond_what_the_data_can_hold_are_not_in_the_way():
    renderer = ClassifiedRenderer([(-1000, RED), (-0.5, GREEN), (7.5, BLUE), (1e200, GREY)])
    assert classes(renderer, np.array([0, 7, 8, 255], np.uint8)) == [2, 2, 3, 3]
    assert classes(renderer, np.array([-128, -1, 0, 127], np.int8)) == [1, 1, 2, 3]
    assert classes(renderer, np.array([-3e38, 3e38], np.float32)) == [0, 3]
    assert classes(ClassifiedRenderer([(-5, RED)]), np.array([0, 255], np.uint8)) == ["other", "other"]


def test_a_class_without_a_limit_takes_all_that_is_above():
    for endless in (None, np.inf, float("inf"), np.float32("inf")):
        renderer = ClassifiedRenderer([(endless, BLUE), (1, RED)])
        assert classes(renderer, np.array([1, 1.5, np.inf, -np.inf, np.nan])) == [0, 1, 1, 0, "missing"]
        assert classes(renderer, np.array([0, 255], np.uint8)) == [0, 1]


def test_nan_masked_and_fill_values_are_missing():
    renderer = ClassifiedRenderer([(0, RED), (10, GREEN)], fill_value=-999)
    assert classes(renderer, np.array([np.nan, -999, 1], np.float32)) == ["missing", "missing", 1]
    assert classes(renderer, np.array([-999, 1], np.int16)) == ["missing", 1]
    assert classes(renderer, np.ma.masked_equal([7, 1], 7)) == ["missing", 1]
    assert classes(renderer, np.array([1, 200], np.uint8)) == [1, "other"]  # which cannot hold -999
    many = ClassifiedRenderer([(value, RED) for value in range(100)], fill_value=0.1)
    assert classes(many, np.array([np.nan, 0.1], np.float32)) == ["missing", "missing"]


def test_the_shape_stays_and_any_array_will_do():
    assert THREE.indices(5.0).shape == ()
    assert int(THREE.indices(5.0)) == 2
    assert THREE.indices(xr.DataArray(np.zeros((2, 3)))).shape == (2, 3)
    assert classes(THREE, [[True, False]]) == [1, 0]
    assert THREE.indices(np.empty((0, 4))).shape == (0, 4)


def test_background_and_missing_are_transparent_unless_given():
    plain = THREE.palette()
    assert plain[0].tolist() == plain[4].tolist() == [0, 0, 0, 0]
    drawn = ClassifiedRenderer([(0, RED)], background=GREY, missing=Color(1, 2, 3, 4))
    colors = drawn.palette()[drawn.indices(np.array([np.nan, -1, 1]))]
    assert colors.tolist() == [[1, 2, 3, 4], [255, 0, 0, 255], [128, 128, 128, 255]]


def test_254_classes_are_the_most():
    renderer = ClassifiedRenderer([(value, RED) for value in range(254)], background=GREY)
    assert classes(renderer, np.array([0, 253, 254])) == [0, 253, "other"]
    assert renderer.palette()[255].tolist() == [128, 128, 128, 255]
    with pytest.raises(RendererNotValid, match="255 colors given, not 1 to 254"):
        ClassifiedRenderer([(value, RED) for value in range(255)])


@pytest.mark.parametrize(
    ("pairs", "part"),
    [
        ([], "0 colors"),
        ([(1, RED), (1, GREEN)], "the break 1 is there twice"),
        ([(1, RED), (np.float32(1), GREEN)], "the break 1"),
        ([(np.nan, RED)], "nan"),
        ([(-np.inf, RED)], "-inf"),
        ([("1", RED)], "'1'"),
        ([(np.ma.masked, RED)], "not a number"),
        ([(Fraction(1, 2), RED)], "Fraction"),
        ([(1, "#f00")], "'#f00' is not a Color"),
        ("red", "colors is 'red'"),
        (7, "colors is 7"),
    ],
)
def test_classes_that_cannot_be_used_are_refused_naming_them(pairs, part):
    with pytest.raises(RendererNotValid, match=part):
        ClassifiedRenderer(pairs)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"labels": ["a"]}, "1 labels for 3 colors"),
        ({"labels": 3}, "labels is 3"),
        ({"fill_value": np.nan}, "nan in fill_value"),
        ({"background": "#fff"}, "background is '#fff', not a Color"),
        ({"missing": 7}, "missing is 7, not a Color"),
    ],
)
def test_options_that_cannot_be_used_are_refused_by_name(options, part):
    with pytest.raises(RendererNotValid, match=part):
        ClassifiedRenderer(THREE.colors, **options)


def test_breaks_with_a_list_of_colors_or_a_colormap():
    assert ClassifiedRenderer.from_breaks([0, 10, 20.5], [RED, GREEN, BLUE]) == THREE
    named = ClassifiedRenderer.from_breaks([1, 2, None], "viridis", labels=["low", "middle", "high"])
    assert [color.to_hex() for _, color in named.colors] == ["#440154", "#20908c", "#fde724"]
    assert [entry["label"] for entry in named.legend()["entries"]] == ["low", "middle", "high"]
    assert len(ClassifiedRenderer.from_breaks([5], "viridis").colors) == 1
    with pytest.raises(RendererNotValid, match="2 colors for 3 breaks"):
        ClassifiedRenderer.from_breaks([0, 1, 2], [RED, GREEN])
    with pytest.raises(RendererNotValid, match="'verdigris'"):
        ClassifiedRenderer.from_breaks([0, 1], "verdigris")


def test_equal_classes_end_exactly_at_the_maximum():
    raster = xr.DataArray(np.array([[0.1, 0.7], [np.nan, 0.25]], np.float32))
    renderer = ClassifiedRenderer.equal(raster.min(), raster.max(), 3, "viridis", background=RED)
    assert classes(renderer, raster) == [0, 2, "missing", 0]
    assert [limit for limit, _ in renderer.colors] == pytest.approx([0.3, 0.5, 0.7])


@pytest.mark.parametrize("value", [288.0, 0.0, np.nan, None, -1e300])
def test_constant_rasters_and_those_without_data_have_defined_classes(value):
    renderer = ClassifiedRenderer.equal(value, value, 4)
    assert len(renderer.colors) == 4
    if value in (288.0, 0.0):
        assert classes(renderer, np.array([value])) == [1]


@pytest.mark.parametrize("arguments", [(1, 0), (0, 1, 0), (0, 1, 255), (0, 1, 2.5), (0, 1, "3"), ("a", 1), (None, 1)])
def test_equal_classes_of_nothing_sensible_are_refused(arguments):
    with pytest.raises(RendererNotValid):
        ClassifiedRenderer.equal(*arguments)


def test_the_legend_tells_the_limits_of_each_class():
    legend = ClassifiedRenderer([(1.5, RED), (10, GREEN), (None, BLUE)], missing=GREY).legend("K")
    assert (legend["type"], legend["unit"]) == ("classified", "K")
    assert legend["entries"] == [
        {"value": 1.5, "low": None, "high": 1.5, "label": "≤ 1.5", "color": "#ff0000"},
        {"value": 10, "low": 1.5, "high": 10, "label": "1.5 – 10.0", "color": "#00ff00"},
        {"value": None, "low": 10, "high": None, "label": "> 10.0", "color": "#0000ff"},
    ]
    assert legend["others"] == [{"label": "no data", "color": "#808080"}]
    assert "colors" not in legend


def test_what_is_beyond_the_last_class_is_in_the_legend_where_it_can_be_seen():
    assert ClassifiedRenderer([(1, RED)]).legend()["others"] == []
    clear = Color(1, 2, 3, 0)
    assert ClassifiedRenderer([(1, RED)], background=clear, missing=clear).legend()["others"] == []
    assert ClassifiedRenderer([(1, RED)], background=GREY).legend()["others"] == [
        {"label": "other", "color": "#808080"}
    ]
    assert ClassifiedRenderer([(None, RED)], background=GREY).legend()["others"] == []


@pytest.mark.parametrize(
    ("breaks", "labels"),
    [
        ([None], ["all values"]),
        ([-5, 5], ["≤ −5", "−5 – 5"]),
        ([271.77163, 276.44987, 281.1281], ["≤ 271.77", "271.77 – 276.45", "276.45 – 281.13"]),
        ([0.1, 100], ["≤ 0.1", "0.1 – 100.0"]),
        ([1e-9, 2.5e-9], ["≤ 1e−9", "1e−9 – 2.5e−9"]),
        ([1000000, 2500000], ["≤ 1000000", "1000000 – 2500000"]),
        ([288.00001, 288.00002], ["≤ 288.00001", "288.00001 – 288.00002"]),
        ([0.3], ["≤ 0.3"]),
        ([3e-9, 5.0, 10.0], ["≤ 3e−9", "3e−9 – 5", "5 – 10"]),
        ([1.5e13, 2.25e13], ["≤ 1.5e13", "1.5e13 – 2.25e13"]),
    ],
)
def test_limits_are_written_with_the_digits_that_tell_them_apart(breaks, labels):
    legend = ClassifiedRenderer([(limit, RED) for limit in breaks]).legend()
    assert [entry["label"] for entry in legend["entries"]] == labels


@given(st.lists(st.floats(-1e300, 1e300), min_size=1, max_size=40, unique=True))
def test_every_class_has_a_label_of_its_own(breaks):
    labels = [entry["label"] for entry in ClassifiedRenderer([(limit, RED) for limit in breaks]).legend()["entries"]]
    assert len(set(labels)) == len(breaks)


@given(
    st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=50, unique=True),
    st.lists(st.floats(-2e6, 2e6) | st.just(np.nan), max_size=30),
)
def test_each_value_is_in_the_class_whose_limits_enclose_it(breaks, values):
    renderer = ClassifiedRenderer([(limit, RED) for limit in breaks])
    entries = renderer.legend()["entries"]
    for value, row in zip(values, renderer.indices(np.array(values, dtype=float)).tolist(), strict=True):
        if np.isnan(value):
            assert row == 0
        elif value > max(breaks):
            assert row == len(breaks) + 1
        else:
            entry = entries[row - 1]
            assert value <= entry["high"]
            assert entry["low"] is None or value > entry["low"]


def test_a_classified_renderer_is_immutable_and_survives_pickling():
    with pytest.raises(AttributeError):
        THREE.colors = ()
    with pytest.raises(ValueError, match="read-only"):
        THREE.palette()[1] = 0
    for copy in (pickle.loads(pickle.dumps(THREE)), cloudpickle.loads(cloudpickle.dumps(THREE))):
        assert copy == THREE
        assert hash(copy) == hash(THREE)
        assert classes(copy, np.array([5.0])) == [1]
    assert ClassifiedRenderer(THREE.colors, missing=GREY) != THREE
    assert "ClassifiedRenderer(colors=((0, Color(" in repr(THREE)
