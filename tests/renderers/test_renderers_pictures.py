"""Legends as SVG and PNG: their texts, their layout, what stands for no value."""

import io
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from PIL import Image

from geojobs_lab.renderers import ClassifiedRenderer, Color, StretchedRenderer, UniqueRenderer, legend_png, legend_svg

RED, GREEN, BLUE, GREY = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255), Color(128, 128, 128)
SVG = "{http://www.w3.org/2000/svg}"
COVER = UniqueRenderer([(1, RED), (2, GREEN), (3, BLUE)], labels=["town", "wood", "lake"])
CLASSES = ClassifiedRenderer([(0, RED), (10, GREEN), (None, BLUE)])
RAMP = StretchedRenderer([(270, RED), (300, BLUE)])


def texts(svg):
    return [element.text for element in ET.fromstring(svg).iter(f"{SVG}text")]


def swatches(svg):
    """Return the colours that are drawn, in order."""
    return [element.get("fill") for group in ET.fromstring(svg).iter(f"{SVG}g") for element in group]


def pixels(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"))


@pytest.mark.parametrize("renderer", [COVER, CLASSES, RAMP])
def test_an_svg_stands_alone_with_its_size_and_a_title_for_those_who_hear_it(renderer):
    root = ET.fromstring(legend_svg(renderer, "Land cover", "1"))
    assert root.tag == f"{SVG}svg"
    assert root.get("viewBox") == f"0 0 {root.get('width')} {root.get('height')}"
    assert root.get("width") == "320"
    assert root.get("font-family") == "sans-serif"
    assert root.find(f"{SVG}title").text == "Land cover (1)"
    assert {element.tag.removeprefix(SVG) for element in root.iter()} <= {
        "svg", "title", "defs", "pattern", "rect", "path", "g", "text",
    }  # fmt: skip
    assert ET.fromstring(legend_svg(renderer)).find(f"{SVG}title").text == "Legend"


def test_an_svg_and_a_png_are_of_the_same_size():
    for renderer in (COVER, CLASSES, RAMP, UniqueRenderer([(value, RED) for value in range(40)], missing=GREY)):
        root = ET.fromstring(legend_svg(renderer, "Title", "K"))
        height, width, _ = pixels(legend_png(renderer, "Title", "K")).shape
        assert (width, height) == (2 * int(root.get("width")), 2 * int(root.get("height")))


def test_classes_and_values_are_told_one_below_the_other():
    assert texts(legend_svg(CLASSES, "Rain", "mm")) == ["Rain (mm)", "≤ 0", "0 – 10", "> 10"]
    assert swatches(legend_svg(CLASSES)) == ["#ff0000", "#00ff00", "#0000ff"]
    assert texts(legend_svg(COVER)) == ["town", "wood", "lake"]


def test_what_stands_for_no_value_is_told_where_it_can_be_seen():
    for renderer in (
        StretchedRenderer(RAMP.colors, background=GREEN, missing=GREY),
        ClassifiedRenderer(CLASSES.colors[:2], background=GREEN, missing=GREY),
        UniqueRenderer(COVER.colors, background=GREEN, missing=GREY),
    ):
        svg = legend_svg(renderer)
        assert texts(svg)[-2:] in (["other", "no data"], ["out of range", "no data"])
        assert swatches(svg)[-2:] == ["#00ff00", "#808080"]
        found = {tuple(color) for color in pixels(legend_png(renderer)).reshape(-1, 3).tolist()}
        assert {(0, 255, 0), (128, 128, 128)} <= found
    assert "no data" not in legend_svg(COVER)


def test_a_ramp_has_its_round_values_at_their_places():
    root = ET.fromstring(legend_svg(RAMP, None, "K"))
    placed = {element.text: float(element.get("x")) for element in root.iter(f"{SVG}text") if element.text != "K"}
    assert list(placed) == ["270", "275", "280", "285", "290", "295", "300"]
    (ramp,) = root.iter(f"{SVG}g")
    left = float(ramp[0].get("x"))
    width = float(ramp[-1].get("x")) + float(ramp[-1].get("width")) - left
    for text, x in placed.items():
        assert x == pytest.approx(left + width * (int(text) - 270) / 30, abs=0.01)


def test_labels_that_would_run_into_each_other_are_left_out():
    wide = StretchedRenderer([(-100000.3, RED), (-100000.0, BLUE)])
    assert 2 <= len(texts(legend_svg(wide))) < len(wide.legend()["entries"])


@pytest.mark.parametrize("high", [1e9 + 1, -1e9 + 1])
def test_long_labels_at_the_ends_of_a_ramp_stay_in_the_picture(high):
    ramp = StretchedRenderer([(high - 1, RED), (high, BLUE)])
    picture = pixels(legend_png(ramp))
    assert (picture[:, [0, 1, 2, -3, -2, -1]] == 255).all()
    root = ET.fromstring(legend_svg(ramp))
    ticks = [float(path.get("d").split()[0][1:]) for path in root.findall(f"{SVG}path")]
    assert ticks[0] == (320 - 254) / 2  # at its value all the same


def test_texts_are_escaped_and_what_xml_cannot_hold_is_replaced():
    evil = UniqueRenderer([(1, RED)], labels=["</text><script>alert(1)</script>&\x00\ud800\n $x_"])
    svg = legend_svg(evil, '"><a href="x">', "<&")
    assert "<script" not in svg
    assert "<a " not in svg
    assert texts(svg) == ['"><a href="x"> (<&)', "</text><script>alert(1)</script>&�� $x_"]
    svg.encode()
    assert pixels(legend_png(evil, '"><a href="x">', "<&")).shape[1] == 640


@settings(max_examples=20)
@given(st.text(max_size=80), st.text(max_size=20), st.lists(st.text(max_size=200), min_size=1, max_size=14))
def test_any_texts_can_be_drawn(title, unit, labels):
    renderer = UniqueRenderer([(value, RED) for value in range(len(labels))], labels=labels)
    root = ET.fromstring(legend_svg(renderer, title, unit).encode())
    height = float(root.get("height"))
    for element in root.iter(f"{SVG}text"):
        assert 0 < float(element.get("y")) < height
    assert pixels(legend_png(renderer, title, unit)).shape[:2] == (2 * height, 640)


def test_long_labels_are_broken_into_lines_and_long_lists_into_columns():
    long = UniqueRenderer([(1, RED), (2, BLUE)], labels=["word " * 20, "short"])
    assert len(texts(legend_svg(long))) == 4
    many = ET.fromstring(legend_svg(UniqueRenderer([(value, RED) for value in range(40)])))
    assert len({element.get("x") for element in many.iter(f"{SVG}text")}) == 3
    assert int(many.get("height")) < 350
    places = {(element.get("x"), element.get("y")) for element in many.iter(f"{SVG}text")}
    assert len(places) == 40


def test_the_unit_is_not_broken_into_lines():
    assert texts(legend_svg(COVER, "A title that is just as long as a line", "W m-2"))[1] == "(W\N{NO-BREAK SPACE}m-2)"


def test_what_shows_through_is_drawn_over_a_chequered_ground():
    clear = UniqueRenderer([(1, Color(255, 0, 0, 0)), (2, BLUE)])
    svg = ET.fromstring(legend_svg(clear))
    assert [rect.get("fill-opacity") for rect in svg.iter(f"{SVG}rect") if rect.get("fill") == "#ff0000"] == ["0.0000"]
    assert sum(rect.get("fill") == "url(#chequered)" for rect in svg.iter(f"{SVG}rect")) == 1
    assert (pixels(legend_png(clear)) == 204).all(axis=2).sum() > 300


def test_a_notebook_shows_a_renderer_as_its_legend():
    assert COVER._repr_svg_() == legend_svg(COVER)
