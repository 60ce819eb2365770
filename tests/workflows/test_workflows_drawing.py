"""The picture of a workflow: what is on it, that it is safe, and that nothing lies on something else."""

import itertools
import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab import cli
from geojobs_lab.parameters import AnyParameter
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import Task
from geojobs_lab.workflows import Workflow, WorkflowBuilder
from geojobs_lab.workflows.layout import Box, Edge, lay_out

SVG = "{http://www.w3.org/2000/svg}"
NASTY = "</title><script>alert('1')</script> & \"quoted\" <b onload=x>"


class Two(Task):
    name = "demo:two"
    description = "Gives two."
    inputs = tuple(AnyParameter(name, required=False) for name in ("one", "two", "three", "a", "b", "c", "d", "e"))
    outputs = (AnyParameter("mean"), AnyParameter("spread"))
    execute = print


def picture(workflow):
    """Return the HTML, parsed, and its SVG; HTML that is no XML either would fail here."""
    html = ET.fromstring(workflow._repr_html_())
    return html, html.find(f"{SVG}svg")


def texts(element):
    return ["".join(text.itertext()) for text in element.iter(f"{SVG}text")]


def warming():
    return Workflow.from_file(Path(cli.__path__[0]) / "warming.json")


def test_the_picture_shows_title_inputs_nodes_literals_and_outputs():
    html, svg = picture(warming())
    words = ["".join(div.itertext()) for div in html.findall("div")]
    assert words == ["Warming until the end of the century · warming", "Mean of 2070–2099 minus mean of 1961–1990."]
    shown = texts(svg)
    assert {"data", "future", "past", "difference", "warming", "climate:period_mean", "raster:subtract"} <= set(shown)
    assert {"start = 2070", "end = 2099", "start = 1961", "end = 1990"} <= set(shown)
    assert {"a", "b"} <= set(shown)
    assert any(re.fullmatch("long_name = Warming, 2070.+…", text) for text in shown)
    tooltips = [title.text for title in svg.iter(f"{SVG}title")]
    assert any('long_name = "Warming, 2070–2099 against 1961–1990"' in tooltip for tooltip in tooltips)
    assert any("a: mean of future" in tooltip for tooltip in tooltips)


def test_names_stand_at_the_lines_only_where_they_tell_something():
    build = WorkflowBuilder()
    data = build.input("data")
    first = build.add(Two, id="first", one=data)
    second = build.add(Two, id="second", two=first["mean"], three=first["spread"])
    build.output("out", second["mean"])
    shown = texts(picture(build.build())[1])
    assert "one" not in shown  # the only line that comes in
    assert {"two", "three"} <= set(shown)
    assert (shown.count("mean"), shown.count("spread")) == (2, 1)


def test_it_is_a_picture_with_words_for_those_who_do_not_see_it():
    _, svg = picture(warming())
    assert svg.get("role") == "img"
    assert svg.get("aria-label") == (
        "Workflow warming. Inputs: data. Nodes: future (climate:period_mean); past (climate:period_mean); difference "
        "(raster:subtract) after future and past. Outputs: warming of difference."
    )


def test_it_scales_to_the_width_and_takes_its_colours_from_the_theme():
    html, svg = picture(warming())
    assert "var(--jp-ui-font-color1, currentColor)" in html.get("style")
    assert svg.get("fill") == "currentColor"
    _, _, width, height = map(float, svg.get("viewBox").split())
    assert f"width: 100%; max-width: {width:.0f}px" in svg.get("style")
    assert min(width, height) > 100
    assert not re.search("#[0-9a-f]{3}|: (black|white)", ET.tostring(html, encoding="unicode"))


def test_nothing_in_a_workflow_gets_out_of_its_text():
    class Nasty(Task):
        name = NASTY
        title = description = NASTY
        inputs = (AnyParameter("value"), AnyParameter(NASTY, required=False))
        outputs = (AnyParameter(NASTY), AnyParameter("other"))
        execute = print

    build = WorkflowBuilder(NASTY, title=NASTY, description=NASTY)
    value = build.input(AnyParameter(NASTY, title=NASTY, description=NASTY))
    node = build.add(Nasty, id=NASTY, value=value, **{NASTY: NASTY})
    build.output(NASTY, build.add(Nasty, id="n2", value=node[NASTY], **{NASTY: node["other"]})["other"])
    html, _ = picture(build.build())
    assert {element.tag.removeprefix(SVG) for element in html.iter()} == {
        "div", "span", "svg", "path", "g", "title", "rect", "text", "tspan",
    }  # fmt: skip
    assert {name for element in html.iter() for name in element.attrib if name.startswith("on")} == set()


def test_a_text_of_any_letters_can_be_drawn():
    build = WorkflowBuilder("\x00\x1b[31m名")
    build.output("o", build.add(Two, id="a\x08b\x00", one="\x1f\ufffe")["mean"])
    assert "a b " in texts(picture(build.build())[1])


def test_literals_are_shown_short_and_not_too_many():
    build = WorkflowBuilder()
    long = build.add(Two, id="n" * 500, one="", two=None, three=[1] * 10_000, a=False, b=1e-9, c="x\n\ny", d={"k": 0})
    build.output("o", long["mean"])
    _, svg = picture(build.build())
    shown = texts(svg)
    assert 'one = ""' in shown
    assert "two = null" in shown
    assert "a = false" in shown
    assert "and 3 more" in shown
    assert max(map(len, shown)) < 60
    assert len(ET.tostring(svg)) < 20_000
    assert float(svg.get("viewBox").split()[2]) < 320


def test_an_input_that_nothing_uses_and_a_workflow_without_inputs_are_drawn():
    build = WorkflowBuilder()
    build.input("unused", Raster)
    build.output("o", build.add("debug:echo", value=1))
    html, svg = picture(build.build())
    assert "unused" in texts(svg)
    assert "Workflow" in "".join(html.find("div").itertext())
    assert "Inputs: unused" in svg.get("aria-label")
    build = WorkflowBuilder()
    build.output("o", build.add("debug:echo", value=1))
    assert "Inputs: none" in picture(build.build())[1].get("aria-label")


def test_the_short_form_counts_the_nodes():
    assert repr(warming()) == "<Workflow 'warming': (data) -> (warming), 3 nodes>"
    build = WorkflowBuilder("small")
    build.output("o", build.add("debug:echo", value=1))
    assert repr(build.build()) == "<Workflow 'small': () -> (o), 1 node>"


def test_drawing_the_same_twice_gives_the_same():
    document = json.dumps(warming().to_json())
    assert Workflow.from_json(document)._repr_html_() == Workflow.from_json(document)._repr_html_()


@st.composite
def pictures(draw):
    """Draw boxes with ports and lines from earlier to later ones."""
    count = draw(st.integers(1, 12))
    keys = [f"box {number}" for number in range(count)]
    wanted = draw(
        st.lists(st.tuples(st.integers(0, count - 1), st.integers(0, count - 1), st.integers(0, 1)), max_size=20)
    )
    edges, ports = [], dict.fromkeys(keys, 0)
    for source, target, out in wanted:
        if source < target:
            edges.append(Edge(keys[source], out, keys[target], ports[keys[target]]))
            ports[keys[target]] += 1
    boxes = {
        key: Box(draw(st.integers(40, 300)), draw(st.integers(20, 120)), tuple(range(ports[key])), outs=(-5.0, 5.0))
        for key in keys
    }
    return boxes, edges


@given(pictures())
def test_no_boxes_overlap_lines_go_down_and_all_is_within_the_picture(drawn):
    boxes, edges = drawn
    layout = lay_out(boxes, edges)
    for one, other in itertools.combinations(boxes, 2):
        (x, y), (x2, y2) = layout.corners[one], layout.corners[other]
        beside = x + boxes[one].width < x2 or x2 + boxes[other].width < x
        assert beside or y + boxes[one].height < y2 or y2 + boxes[other].height < y
    for key, (x, y) in layout.corners.items():
        assert -0.01 <= x <= layout.width - boxes[key].width + 0.01
        assert -0.01 <= y <= layout.height - boxes[key].height + 0.01
    for edge, path, (x, y) in zip(edges, layout.paths, layout.tips, strict=True):
        start = layout.corners[edge.source]
        first = [float(number) for number in re.findall(r"-?[\d.]+", path)[:2]]
        assert first[0] == pytest.approx(
            start[0] + boxes[edge.source].width / 2 + boxes[edge.source].outs[edge.out], abs=0.1
        )
        assert first[1] == pytest.approx(start[1] + boxes[edge.source].height, abs=0.1)
        end = layout.corners[edge.target]
        assert (x, y) == (
            pytest.approx(end[0] + boxes[edge.target].width / 2 + boxes[edge.target].ins[edge.port]),
            pytest.approx(end[1]),
        )
        assert y > first[1]


@given(pictures())
def test_no_line_runs_through_a_box(drawn):
    boxes, edges = drawn
    layout = lay_out(boxes, edges)
    for edge, path in zip(edges, layout.paths, strict=True):
        x = float(re.match(r"M(-?[\d.]+)", path)[1])
        uprights = []  # x, from, to
        y = float(re.match(r"M\S+ (-?[\d.]+)", path)[1])
        for command, numbers in re.findall(r"([VC])([^VCM]+)", path):
            values = [float(number) for number in numbers.split()]
            if command == "V":
                uprights.append((x, y, values[0]))
                y = values[0]
            else:
                x, y = values[-2:]
        for (key, box), (at, upper, lower) in itertools.product(boxes.items(), uprights):
            left, top = layout.corners[key]
            inside = left < at < left + box.width and max(top, upper) + 0.1 < min(top + box.height, lower)
            assert not inside, (edge, key)


def test_lines_that_need_not_cross_do_not_and_a_tree_is_even():
    boxes = {key: Box(60, 20, (-10.0, 10.0), (0.0,)) for key in "abcdefg"}
    tree = [Edge(s, 0, t, p) for s, t, p in [("a", "e", 0), ("b", "e", 1), ("d", "f", 0), ("c", "f", 1)]]
    layout = lay_out(boxes, [*tree, Edge("e", 0, "g", 0), Edge("f", 0, "g", 1)])
    x = {key: corner[0] for key, corner in layout.corners.items()}
    assert x["a"] < x["b"] < x["d"] < x["c"]
    assert x["e"] == pytest.approx((x["a"] + x["b"]) / 2)
    assert x["g"] == pytest.approx((x["e"] + x["f"]) / 2)
