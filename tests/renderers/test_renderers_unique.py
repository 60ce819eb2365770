import pickle

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import ClassifiedRenderer, Color, UniqueRenderer, UniqueValuesRenderer, renderer_from_json

RED, GREEN, BLUE, GREY = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255), Color(128, 128, 128)
COVER = UniqueRenderer([(1, RED), (5, GREEN), (2, BLUE)], labels=["town", "wood", "lake"], background=GREY)
NUMBERS = ["float16", "float32", "float64", "int8", "uint8", "int16", "uint16", "int32", "uint32", "int64", "uint64"]


def found(renderer, values):
    """Return the listed value of each value, "other" or "missing"."""
    names = ["missing", *(value for value, _ in renderer.colors), "other"]
    return [names[row] for row in renderer.indices(values).ravel().tolist()]


@pytest.mark.parametrize("dtype", NUMBERS)
def test_listed_values_have_their_colors_and_all_others_the_background(dtype):
    assert found(COVER, np.array([0, 1, 2, 3, 4, 5, 6, 100], dtype)) == [
        "other", 1, 2, "other", "other", 5, "other", "other",
    ]  # fmt: skip


@pytest.mark.parametrize("dtype", NUMBERS)
@pytest.mark.parametrize("count", [3, 50])
def test_few_and_many_values_are_found_alike(dtype, count):
    listed = [2 * number for number in range(count)]
    renderer = UniqueRenderer([(value, RED) for value in listed])
    values = np.arange(120).astype(dtype)
    assert found(renderer, values) == [value if value in listed else "other" for value in range(120)]


def test_float32_data_equal_a_value_that_only_float64_has():
    for more in (0, 50):
        renderer = UniqueRenderer([(0.1, RED), (0.3, GREEN), *((100 + number, BLUE) for number in range(more))])
        assert found(renderer, np.array([0.1, 0.3, 0.10001], np.float32)) == [0.1, 0.3, "other"]
        assert found(renderer, np.array([0.1, 0.3, np.float32(0.1)])) == [0.1, 0.3, "other"]


def test_whole_numbers_equal_only_whole_values_that_they_can_be():
    for more in (0, 50):
        pairs = [(-1, RED), (2.5, GREEN), (3.0, BLUE), (300, GREY), *((1000 + n, RED) for n in range(more))]
        renderer = UniqueRenderer(pairs)
        assert found(renderer, np.array([2, 3, 44, 255], np.uint8)) == ["other", 3.0, "other", "other"]
        assert found(renderer, np.array([-1, 3], np.int8)) == [-1, 3.0]
    assert found(UniqueRenderer([(0.5, RED)]), np.array([0, 1])) == ["other", "other"]


def test_large_whole_numbers_are_told_apart():
    renderer = UniqueRenderer([(2**53, RED), (2**53 + 1, GREEN), (2**64 - 1, BLUE)])
    assert found(renderer, np.array([2**53, 2**53 + 1, 2**53 + 2])) == [2**53, 2**53 + 1, "other"]
    assert found(renderer, np.array([2**64 - 1, 2**64 - 2], np.uint64)) == [2**64 - 1, "other"]
    assert renderer_from_json(renderer.to_json()) == renderer


def test_nan_masked_and_fill_values_are_missing():
    for more in (0, 50):
        pairs = [(1, RED), (5, GREEN), *((100 + number, BLUE) for number in range(more))]
        renderer = UniqueRenderer(pairs, fill_value=5)
        assert found(renderer, np.array([np.nan, 5, 1, 7])) == ["missing", "missing", 1, "other"]
        assert found(renderer, np.ma.masked_equal(np.array([1, 3]), 3)) == [1, "missing"]
        assert int(renderer.indices(1)) == 1


def test_background_and_missing_are_transparent_unless_given():
    plain = UniqueRenderer([(1, RED)])
    assert plain.palette()[plain.indices(np.array([np.nan, 1, 2]))][:, 3].tolist() == [0, 255, 0]
    drawn = UniqueRenderer([(1, RED)], background=BLUE, missing=GREY)
    assert drawn.palette()[drawn.indices(np.array([np.nan, 2]))].tolist() == [[128, 128, 128, 255], [0, 0, 255, 255]]
    assert drawn.legend()["others"] == [
        {"label": "other", "color": "#0000ff"},
        {"label": "no data", "color": "#808080"},
    ]


def test_254_values_are_the_most():
    renderer = UniqueRenderer([(value, RED) for value in range(254)], background=GREY)
    assert found(renderer, np.array([0, 253, 254])) == [0, 253, "other"]
    with pytest.raises(RendererNotValid, match="255 colors"):
        UniqueRenderer([(value, RED) for value in range(255)])


@pytest.mark.parametrize(
    ("pairs", "part"), [([(1, RED), (1.0, GREEN)], "the value 1"), ([(np.nan, RED)], "nan"), ([(None, RED)], "None")]
)
def test_values_that_cannot_be_used_are_refused(pairs, part):
    with pytest.raises(RendererNotValid, match=part):
        UniqueRenderer(pairs)


def test_the_legend_has_the_labels_or_the_values():
    assert COVER.legend(None)["entries"] == [
        {"value": 1, "label": "town", "color": "#ff0000"},
        {"value": 2, "label": "lake", "color": "#0000ff"},
        {"value": 5, "label": "wood", "color": "#00ff00"},
    ]
    values = [-3, 0.5, float(np.float32(0.1)), 1e-7, 2**53 + 1]
    labels = [entry["label"] for entry in UniqueRenderer([(value, RED) for value in values]).legend()["entries"]]
    assert labels == ["−3", "1e−7", "0.1", "0.5", "9007199254740993"]


def test_the_longer_name_is_the_same_renderer():
    assert UniqueValuesRenderer is UniqueRenderer


def test_a_unique_renderer_survives_pickling_and_is_no_classified_one():
    copy = pickle.loads(pickle.dumps(COVER))
    assert copy == COVER
    assert hash(copy) == hash(COVER)
    assert ClassifiedRenderer([(1, RED)]) != UniqueRenderer([(1, RED)])


def flags(**attributes):
    return xr.DataArray(np.array([[1, 2], [4, 9]], np.int8), attrs=attributes)


def test_the_flags_of_cf_give_values_labels_and_colors():
    raster = flags(
        flag_values=np.array([1, 2, 4], np.int8),
        flag_meanings="water evergreen_forest bare",
        flag_colors="#0000FF #0a0 #ccbb99",
    )
    renderer = UniqueRenderer.from_flags(raster, background=GREY)
    assert [entry["label"] for entry in renderer.legend()["entries"]] == ["water", "evergreen forest", "bare"]
    assert [entry["color"] for entry in renderer.legend()["entries"]] == ["#0000ff", "#00aa00", "#ccbb99"]
    assert found(renderer, raster) == [1, 2, 4, "other"]
    assert renderer.background == GREY
    assert UniqueRenderer.from_flags(raster.attrs, background=GREY) == renderer


def test_flags_without_colors_or_meanings_are_drawn_in_colors_that_differ():
    for count in (1, 7, 15, 100):
        renderer = UniqueRenderer.from_flags(flags(flag_values=np.arange(count, dtype=np.int16)))
        assert len({color for _, color in renderer.colors}) == count
        assert renderer.labels is None
    assert UniqueRenderer.from_flags(flags(flag_values=np.int8(3))).colors[0][0] == 3


@pytest.mark.parametrize(
    ("attributes", "part"),
    [
        ({}, "flag_values"),
        ({"flag_values": [1, 2], "flag_meanings": "one"}, "flag_meanings is 'one'"),
        ({"flag_values": [1, 2], "flag_colors": "#fff #000 #111"}, "flag_colors"),
        ({"flag_values": [1, 2], "flag_colors": "red blue"}, "'red'"),
        ({"flag_values": [1, 1]}, "the value 1 is there twice"),
        ({"flag_values": "1b, 2b"}, "'1b, 2b'"),
    ],
)
def test_flags_that_do_not_fit_are_refused_naming_them(attributes, part):
    with pytest.raises(RendererNotValid, match=part):
        UniqueRenderer.from_flags(flags(**attributes))
