import pytest

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import Color, StretchedRenderer, renderer_from_json

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
        ({"type": "classified", "colors": []}, "'classified'"),
        ({"type": "unique", "colors": []}, "'unique'"),
        ({"type": "stretched"}, "colors is None"),
        ({"type": "stretched", "colors": {"0": "#fff"}}, "not a list"),
        ({"type": "stretched", "colors": [[0, "#fff"]]}, "two are the least"),
        ({"type": "stretched", "colors": [[0, "#fff"], "7"]}, "'7'"),
        ({"type": "stretched", "colors": [[0, "#fff"], [1, "white"]]}, "'white'"),
        ({"type": "stretched", "colors": [[0, "#fff"], ["1", "#000"]]}, "'1'"),
        ({**GOOD, "options": 3}, "options is 3"),
        ({**GOOD, "options": {"color_space": "hsv"}}, "'color_space' with 'hsv'"),
        ({**GOOD, "options": {"colour": "rgb"}}, "'colour'"),
    ],
)
def test_documents_that_are_no_renderer_are_refused_naming_the_mistake(document, part):
    with pytest.raises(RendererNotValid, match=r"^(renderer|color): ") as caught:
        renderer_from_json(document)
    assert part in str(caught.value)
    assert caught.value.field == "renderer"
