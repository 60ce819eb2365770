import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.documents import dump_json, load_json
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import ClassifiedRenderer, Color, StretchedRenderer, UniqueRenderer, renderer_from_json

GOOD = {"type": "stretched", "colors": [[0, "#f00"], [10.5, "#0000ff"]]}


def test_the_json_form_is_read_as_an_object_and_as_a_text():
    renderer = StretchedRenderer([(0, Color(255, 0, 0)), (10.5, Color(0, 0, 255))])
    assert renderer_from_json(GOOD) == renderer
    assert renderer_from_json('{"type": "stretched", "colors": [[0, "#F00"], [10.5, "#00f"]]}') == renderer
    assert renderer_from_json({**GOOD, "options": {"color_space": "rgb"}}) == renderer


def test_the_json_form_is_written_with_type_colors_and_options():
    assert renderer_from_json(GOOD).to_json() == {
        "type": "stretched",
        "colors": [[0.0, "#ff0000"], [10.5, "#0000ff"]],
        "options": {},
    }


def test_null_stands_for_the_values_of_a_raster_without_data():
    assert renderer_from_json({"type": "stretched", "colors": [[None, "#000"], [None, "#fff"]]}).vmax == 1


@pytest.mark.parametrize(
    ("document", "part"),
    [
        ("{", "not JSON"),
        ('{"type": "stretched", "colors": [[NaN, "#fff"], [1, "#000"]]}', "NaN"),
        ("[]", "not an object"),
        (7, "7 is not an object"),
        ({}, "type None"),
        ({"type": ["stretched"]}, "type"),
        ({"type": "classified", "colors": []}, "0 colors given, not 1 to 254"),
        ({"type": "unique", "colors": []}, "0 colors given, not 1 to 254"),
        ({"type": "unique", "colors": [[n, "#fff"] for n in range(255)]}, "255 colors given, not 1 to 254"),
        ({"type": "unique", "colors": [[None, "#fff"]]}, "None"),
        ({"type": "unique", "colors": [[1, "#fff"], [1.0, "#000"]]}, "the value 1 is there twice"),
        ({"type": "classified", "colors": [[2, "#fff"], [2, "#000"]]}, "the break 2 is there twice"),
        ({"type": "classified", "colors": [[None, "#fff"], [None, "#000"]]}, "the break None is there twice"),
        ({"type": "classified", "colors": [[[1], "#fff"]]}, "[1] in colors is not a number"),
        ({"type": "classified", "colors": [[True, "#fff"]]}, "True in colors is not a number"),
        ({"type": "classified", "colors": [[10**400, "#fff"]]}, "not finite, or too large"),
        ({**GOOD, "labels": ["a", "b"]}, "'labels' is not one of type, colors, options"),
        ({**GOOD, "type": "unique", "options": {"labels": ["a"]}}, "1 labels for 2 colors"),
        ({**GOOD, "type": "unique", "options": {"labels": "ab"}}, "labels is 'ab'"),
        ({**GOOD, "type": "unique", "options": {"labels": ["a", 7]}}, "the label 7"),
        ({**GOOD, "type": "classified", "options": {"color_space": "rgb"}}, "the option 'color_space' with 'rgb'"),
        ({**GOOD, "options": {"fill_value": "x"}}, "'x' in fill_value is not a number"),
        ({**GOOD, "options": {"missing": "grey"}}, "the option 'missing': color: 'grey'"),
        ({**GOOD, "options": {"background": 7}}, "the option 'background': color: 7"),
        ({**GOOD, "options": {"labels": ["a", "b"]}}, "the option 'labels'"),
        ({**GOOD, "options": {"colormap": "viridis", "vmin": 0, "vmax": 1}}, "give one of them"),
        ({**GOOD, "options": {"vmin": 0}}, "needs the option colormap"),
        ({"type": "stretched", "options": {"colormap": "viridis", "vmin": 0}}, "needs the option vmax"),
        ({"type": "stretched", "options": {"colormap": "verdigris", "vmin": 0, "vmax": 1}}, "'verdigris'"),
        ({"type": "stretched", "options": {"colormap": ["viridis"], "vmin": 0, "vmax": 1}}, "no colormap ['viridis']"),
        ({"type": "stretched", "options": {"colormap": "viridis", "vmin": "a", "vmax": 1}}, "'a'"),
        ({"type": "stretched"}, "colors is None"),
        ({"type": "stretched", "colors": {"0": "#fff"}}, "not a list"),
        ({"type": "stretched", "colors": [[0, "#fff"]]}, "two are the least"),
        ({"type": "stretched", "colors": [[0, "#fff"], "7"]}, "'7'"),
        ({"type": "stretched", "colors": [[0, "#fff"], [1, "white"]]}, "'white'"),
        ({"type": "stretched", "colors": [[0, "#fff"], ["1", "#000"]]}, "'1'"),
        ({**GOOD, "options": 3}, "options is 3"),
        ({**GOOD, "options": {"color_space": "lab"}}, "color_space is 'lab'"),
        ({**GOOD, "options": {"colour": "rgb"}}, "'colour'"),
    ],
)
def test_documents_that_are_no_renderer_are_refused_naming_the_mistake(document, part):
    with pytest.raises(RendererNotValid, match=r"^(renderer|color): ") as caught:
        renderer_from_json(document)
    assert part in str(caught.value)
    assert caught.value.field == "renderer"


channels = st.integers(0, 255)
colors = st.builds(Color, channels, channels, channels, channels)
numbers = st.one_of(st.floats(-1e300, 1e300), st.integers(-(2**70), 2**70))
common = {
    "fill_value": st.none() | st.floats(allow_nan=False, allow_infinity=False),
    "background": st.none() | colors,
    "missing": st.none() | colors,
}


@st.composite
def listed(draw, kind, values):
    chosen = draw(st.lists(values, min_size=1, max_size=6, unique=True))
    labels = draw(st.none() | st.lists(st.text(max_size=9), min_size=len(chosen), max_size=len(chosen)))
    options = {name: draw(strategy) for name, strategy in common.items()}
    return kind([(value, draw(colors)) for value in chosen], labels=labels, **options)


stretched = st.builds(
    StretchedRenderer,
    st.lists(st.tuples(st.floats(-1e300, 1e300), colors), min_size=2, max_size=5),
    color_space=st.sampled_from(["rgb", "hsv"]),
    **common,
)
renderers = st.one_of(
    stretched,
    listed(ClassifiedRenderer, st.one_of(numbers, st.just(float("inf")))),
    listed(UniqueRenderer, numbers),
)


@given(renderers)
def test_every_renderer_reads_back_from_its_json_text_to_an_equal_one(renderer):
    text = dump_json(renderer.to_json())
    again = renderer_from_json(load_json(text))
    assert again == renderer
    assert hash(again) == hash(renderer)
    assert (again.palette() == renderer.palette()).all()
    assert dump_json(again.to_json()) == text
    assert dump_json(renderer.legend("K"))


anything = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.sampled_from(["#fff", "viridis", "hsv"]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)
options = ["color_space", "fill_value", "background", "missing", "labels", "colormap", "vmin", "vmax", "other"]
documents = st.fixed_dictionaries(
    {"type": st.sampled_from(["stretched", "classified", "unique"])},
    optional={
        "colors": anything | st.lists(st.tuples(anything, st.sampled_from(["#fff", "#12345678", "red"])).map(list)),
        "options": anything | st.dictionaries(st.sampled_from(options), anything, max_size=3),
    },
)


@given(anything | documents)
def test_any_json_is_a_renderer_or_refused_as_none(document):
    with contextlib.suppress(RendererNotValid):  # and nothing else
        renderer = renderer_from_json(document)
        assert renderer_from_json(renderer.to_json()) == renderer


def test_values_that_cannot_be_shown_are_refused_all_the_same():
    deep = []
    for _ in range(5000):
        deep = [deep]
    for value in (deep, 10**5000):
        with pytest.raises(RendererNotValid):
            renderer_from_json({"type": "unique", "colors": [[value, "#fff"]]})
        with pytest.raises(RendererNotValid):
            renderer_from_json({"type": value})


def test_short_colors_and_colors_with_alpha_are_read_in_every_place():
    document = {
        "type": "unique",
        "colors": [[1, "#F80"], [2, "#00000080"]],
        "options": {"background": "#abc", "missing": "#11223300"},
    }
    renderer = renderer_from_json(document)
    assert renderer.colors == ((1, Color(255, 136, 0)), (2, Color(0, 0, 0, 128)))
    assert (renderer.background, renderer.missing) == (Color(170, 187, 204), Color(17, 34, 51, 0))
    assert renderer.to_json()["options"] == {"background": "#aabbcc", "missing": "#11223300"}


def test_null_options_are_none():
    options = {"color_space": None, "fill_value": None, "background": None, "missing": None, "colormap": None}
    assert renderer_from_json({**GOOD, "options": options}) == renderer_from_json({**GOOD, "options": None})


def test_a_colormap_with_its_limits_stands_for_colors():
    options = {"colormap": "viridis", "vmin": 270, "vmax": 300, "missing": "#888"}
    renderer = renderer_from_json({"type": "stretched", "options": options})
    assert renderer == StretchedRenderer.from_colormap("viridis", 270, 300, missing=Color(136, 136, 136))
    assert "colormap" not in renderer.to_json()["options"]
    assert renderer_from_json({"type": "stretched", "colors": [], "options": options}) == renderer


def test_the_color_space_is_written_where_it_is_not_rgb():
    hsv = renderer_from_json({**GOOD, "options": {"color_space": "hsv"}})
    assert hsv.to_json()["options"] == {"color_space": "hsv"}
    assert renderer_from_json({**GOOD, "options": {"color_space": "rgb"}}).to_json()["options"] == {}


def test_the_last_class_may_have_no_limit_which_is_null():
    document = {"type": "classified", "colors": [[None, "#fff"], [5, "#000"]]}
    renderer = renderer_from_json(document)
    assert renderer.colors == ((5, Color(0, 0, 0)), (float("inf"), Color(255, 255, 255)))
    assert renderer.to_json()["colors"] == [[5, "#000000"], [None, "#ffffff"]]


def test_labels_go_with_their_values_in_whatever_order():
    document = {"type": "unique", "colors": [[3, "#333"], [1, "#111"]], "options": {"labels": ["three", "one"]}}
    renderer = renderer_from_json(document)
    assert [entry["label"] for entry in renderer.legend()["entries"]] == ["one", "three"]
    assert renderer.to_json()["options"] == {"labels": ["one", "three"]}


def test_a_text_is_read_once_however_many_tiles_come_with_it():
    text = dump_json(UniqueRenderer([(number, Color(255, 0, 0)) for number in range(100)]).to_json())
    assert renderer_from_json(text) is renderer_from_json(text)
    for _ in range(2):
        with pytest.raises(RendererNotValid, match="is not an object"):
            renderer_from_json('"{}"')
