"""The stored form: lossless there and back, and each mistake named when it is loaded."""

import copy
import json
import math
from functools import reduce

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import WorkflowNotValid
from geojobs_lab.parameters import AnyParameter, IntParameter, ListParameter, NdArrayParameter, StringParameter
from geojobs_lab.tasks import Registry, Task
from geojobs_lab.workflows import Workflow


class Total(Task):
    name = "demo:total"
    inputs = (IntParameter("a"), IntParameter("b"), AnyParameter("note", required=False))
    outputs = (IntParameter("sum"), AnyParameter("note"))

    def execute(self, a, b, note=None):
        return {"sum": a + b, "note": note}


class Loose(Task):
    name = "demo:loose"
    inputs = (ListParameter(IntParameter(""), "numbers"),)
    outputs = (IntParameter("sum"),)
    allow_extra_args = True

    def execute(self, numbers, **more):
        return sum(numbers)


REGISTRY = Registry()
REGISTRY.register(Total)
REGISTRY.register(Loose)

NAMES = st.text(min_size=1, max_size=6)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
UNKNOWN = st.dictionaries(st.sampled_from(["x", "y", "comment", "version"]), JSON, max_size=2)
NUMBERS = st.sampled_from(  # what a node may take for a whole number
    [
        {"type": "int"},
        {"type": "int", "args": [[], {"minimum": 0, "default": 3, "title": "Zahl"}]},
        {"type": "number", "args": []},
        {"type": "any", "args": None},
        {"type": "string"},
        {"type": "multiple", "args": [[[["int", [[""], {}]], ["string", [[""], {"required": True}]]]], {}]},
    ]
)
OTHERS = st.sampled_from(
    [
        {"type": "number", "args": [[], {"required": False}]},
        {"type": "list", "args": [[["array", [[""], {}]]], {}]},
        {"type": "list", "args": [[["list", [[["raster", [[""], {}]], ""], {}]]], {"required": False}]},
        {"type": "dict"},
    ]
)


def reachable(nodes, outputs):
    """Keep the nodes that the outputs need."""
    needed = {entry["node"][0] for entry in outputs}
    for node in reversed(nodes):  # each stands behind those that it needs
        if node["id"] in needed:
            needed |= {s["node"][0] for s in node["inputs"].values() if s["source"] == "dependency"}
    return [node for node in nodes if node["id"] in needed]


@st.composite
def documents(draw):
    """Draw a workflow of `Total` nodes, in any order, that depend on inputs, on earlier nodes and on literals."""
    inputs = draw(st.lists(NAMES, unique=True, max_size=3))
    others = draw(st.lists(NAMES.filter(lambda name: name not in inputs), unique=True, max_size=2))
    ids = draw(st.lists(NAMES, unique=True, min_size=1, max_size=5))

    def number(position):
        choices = [{"source": "literal", "input": draw(st.integers(-9, 9))}]
        choices += [{"source": "input", "input": name} for name in inputs]
        choices += [{"source": "dependency", "node": [earlier, "sum"]} for earlier in ids[:position]]
        return draw(st.sampled_from(choices))

    nodes = []
    for position, node_id in enumerate(ids):
        sources = {"a": number(position), "b": number(position)}
        if draw(st.booleans()):
            sources["note"] = {"source": "literal", "input": draw(JSON), **draw(UNKNOWN)}
        nodes.append({"id": node_id, "task": "demo:total", "inputs": sources, **draw(UNKNOWN)})
    outputs = [
        {"name": name, "node": [draw(st.sampled_from(ids)), draw(st.sampled_from(["sum", "note"]))]}
        for name in draw(st.lists(NAMES, unique=True, min_size=1, max_size=3))
    ]
    meta = draw(st.fixed_dictionaries({}, optional={"name": NAMES, "description": st.none() | st.text(max_size=5)}))
    return {
        "meta": {**meta, **draw(UNKNOWN)},
        "inputs": [
            *({"name": name, **draw(NUMBERS), **draw(UNKNOWN)} for name in inputs),
            *({"name": name, **draw(OTHERS)} for name in others),
        ],
        "workflow": draw(st.permutations(reachable(nodes, outputs))),
        "outputs": outputs,
        **draw(UNKNOWN),
    }


@given(documents())
def test_a_workflow_survives_its_stored_form(document):
    text = json.dumps(document)
    workflow = Workflow.from_json(text, REGISTRY)
    assert workflow.to_json() == document
    assert json.dumps(workflow.to_json()) == text
    again = Workflow.from_json(workflow.to_json(), REGISTRY)
    assert again.describe() == workflow.describe()
    assert (workflow.name, workflow.description) == (
        document["meta"].get("name", ""),
        document["meta"].get("description") or None,
    )


def evaluate(document, inputs, node_id):
    node = next(node for node in document["workflow"] if node["id"] == node_id)

    def value(source):
        if source["source"] == "dependency":
            return evaluate(document, inputs, source["node"][0])
        return inputs[source["input"]] if source["source"] == "input" else source["input"]

    return value(node["inputs"]["a"]) + value(node["inputs"]["b"])


@given(documents(), st.integers(-9, 9))
def test_what_comes_out_is_what_the_graph_says(document, number):
    document = {**document, "inputs": [{"name": entry["name"], "type": "int"} for entry in document["inputs"]]}
    document["outputs"] = [{**entry, "node": [entry["node"][0], "sum"]} for entry in document["outputs"]]
    inputs = {entry["name"]: number + place for place, entry in enumerate(document["inputs"])}
    workflow = Workflow.from_json(document, REGISTRY)
    expected = {entry["name"]: evaluate(document, inputs, entry["node"][0]) for entry in document["outputs"]}
    assert dict(workflow(**inputs)) == expected
    assert dict(workflow(**inputs)) == expected


def example():
    return {
        "meta": {"name": "Example"},
        "inputs": [{"name": "n", "type": "int"}],
        "workflow": [
            {
                "id": "one",
                "task": "demo:total",
                "inputs": {"a": {"source": "input", "input": "n"}, "b": {"source": "literal", "input": 0}},
            },
            {
                "id": "two",
                "task": "demo:total",
                "inputs": {
                    "a": {"source": "dependency", "node": ["one", "sum"]},
                    "b": {"source": "literal", "input": "5"},
                },
            },
        ],
        "outputs": [{"name": "total", "node": ["two", "sum"]}],
    }


def test_older_literals_under_node_are_read_and_written_under_input():
    document = example()
    for value in (0, False, "", None, ["a", "b"]):
        document["workflow"][0]["inputs"]["note"] = {"source": "literal", "node": value}
        workflow = Workflow.from_json(document, REGISTRY)
        assert workflow.to_json()["workflow"][0]["inputs"]["note"] == {"source": "literal", "input": value}
        assert document["workflow"][0]["inputs"]["note"] == {"source": "literal", "node": value}


OLDER = """
{
  "meta": {"name": null, "description": ""},
  "inputs": [
    {"name": "arrays", "type": "list", "args": [[["array", [[""], {"required": true}]]], {}]},
    {"name": "either", "type": "multiple",
     "args": [[[["number", [["", true], {}]], ["list", [[["number", [[""], {}]], ""], {}]]]], {"required": false}]}
  ],
  "workflow": [
    {"id": "b", "task": "older:reduce",
     "inputs": {"arrays_in": {"source": "dependency", "node": ["a", "arrays_out"]},
                "expression": {"source": "literal", "node": "x * y"},
                "initial": {"source": "literal", "node": 0},
                "flag": {"source": "literal", "node": false},
                "text": {"source": "literal", "node": ""},
                "nothing": {"source": "literal", "node": null},
                "list": {"source": "literal", "node": ["a", "arrays_out"]},
                "either": {"source": "input", "input": "either"}}},
    {"id": "a", "task": "older:map",
     "inputs": {"arrays_in": {"source": "input", "input": "arrays"}, "factor": {"source": "literal", "input": 2}}}
  ],
  "outputs": [{"name": "total", "node": ["b", "array_out"]}, {"name": "seen", "node": ["b", "seen"]}]
}
"""


class OlderMap(Task):
    name = "older:map"
    inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), IntParameter("factor"))
    outputs = (ListParameter(NdArrayParameter(""), "arrays_out"),)

    def execute(self, arrays_in, factor):
        return [factor * array for array in arrays_in]


class OlderReduce(Task):
    name = "older:reduce"
    inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), StringParameter("expression"))
    outputs = (NdArrayParameter("array_out"), AnyParameter("seen"))
    allow_extra_args = True

    def execute(self, arrays_in, expression, **more):
        return {"array_out": arrays_in[0] * arrays_in[1], "seen": [expression, more]}


def test_a_file_as_the_older_system_wrote_it_loads_runs_and_keeps_every_literal():
    registry = Registry()
    registry.register(OlderMap)
    registry.register(OlderReduce)
    workflow = Workflow.from_json(OLDER, registry)
    more = {"initial": 0, "flag": False, "text": "", "nothing": None, "list": ["a", "arrays_out"]}
    result = workflow(arrays=[[1, 2], [3, 4]])
    assert result["total"].tolist() == [12, 32]
    assert result["seen"] == ["x * y", more]
    assert workflow(arrays=[[1, 2], [3, 4]], either=["5"])["seen"] == ["x * y", {**more, "either": [5]}]
    stored = workflow.to_json()
    reduce = stored["workflow"][0]["inputs"]
    assert {name: reduce[name] for name in more} == {k: {"source": "literal", "input": v} for k, v in more.items()}
    assert Workflow.from_json(json.dumps(stored), registry).to_json() == stored
    as_read = json.loads(OLDER)
    for entry in as_read["workflow"][0]["inputs"].values():
        if entry["source"] == "literal":
            entry["input"] = entry.pop("node")
    assert stored == as_read


PAGE = """
{
  "meta": {"name": "Suitability", "description": "Mean of the normalised layers above a limit"},
  "inputs": [
    {"name": "layers", "type": "list", "args": [[["array", [[""], {}]]], {}]},
    {"name": "limit", "type": "number"}
  ],
  "workflow": [
    {"id": "normalise", "task": "raster:map_by_expression",
     "inputs": {"arrays_in": {"source": "input", "input": "layers"},
                "expression": {"source": "literal", "input": "(x - min(x)) / (max(x) - min(x))"}}},
    {"id": "sum", "task": "raster:reduce_by_expression",
     "inputs": {"arrays_in": {"source": "dependency", "node": ["normalise", "arrays_out"]},
                "expression": {"source": "literal", "input": "x + y"}}}
  ],
  "outputs": [{"name": "total", "node": ["sum", "array_out"]}]
}
"""


def test_the_workflow_of_the_page_loads_runs_and_is_written_back(tmp_path):
    class Map(Task):
        name = "raster:map_by_expression"
        inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), StringParameter("expression"))
        outputs = (ListParameter(NdArrayParameter(""), "arrays_out"),)

        def execute(self, arrays_in, expression):
            assert expression == "(x - min(x)) / (max(x) - min(x))"
            return [(x - x.min()) / (x.max() - x.min()) for x in arrays_in]

    class Reduce(Task):
        name = "raster:reduce_by_expression"
        inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), StringParameter("expression"))
        outputs = (NdArrayParameter("array_out"),)

        def execute(self, arrays_in, expression):
            assert expression == "x + y"
            return sum(arrays_in)

    registry = Registry()
    registry.register(Map)
    registry.register(Reduce)
    file = tmp_path / "suitability.json"
    file.write_text(PAGE, encoding="utf-8")
    workflow = Workflow.from_file(file, registry)
    assert workflow.to_json() == json.loads(PAGE)
    assert [parameter.required for parameter in workflow.inputs] == [True, True]
    assert workflow(layers=[[1, 2, 3], [4, 6, 4]], limit="0.5")["total"].tolist() == [0.0, 1.5, 1.0]


def broken(change):
    document = example()
    change(document)
    return document


def node(number, **changes):
    return lambda document: document["workflow"][number].update(changes)


def source(name, value):
    return lambda document: document["workflow"][1]["inputs"].update({name: value})


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda d: d.pop("workflow"), "workflow: 'workflow' is missing"),
        (lambda d: d.pop("outputs"), "workflow: 'outputs' is missing"),
        (lambda d: d.update(outputs=[]), "outputs: a workflow must give something, and the list is empty"),
        (lambda d: d.update(workflow={}), "workflow: 'workflow' must be a list, not {}"),
        (lambda d: d.update(meta="x"), "workflow: 'meta' must be an object, not 'x'"),
        (lambda d: d.update(meta={"name": 5}), "meta: 'name' must be a text, not 5"),
        (lambda d: d.update(inputs=["n"]), "inputs: number 1 must be an object, not 'n'"),
        (lambda d: d["inputs"].append({"name": "n", "type": "int"}), "input 'n': there are 2 of this name"),
        (lambda d: d["inputs"].append({"type": "int"}), "inputs: 'name' is missing"),
        (lambda d: d["inputs"].append({"name": "m"}), "input 'm': 'type' is missing"),
        (lambda d: d["inputs"].append({"name": "m", "type": "itn"}),
         "input m: the type must be one of any, multiple, list, string, number, int, float, bool, dict, "),
        (lambda d: d["workflow"].append(d["workflow"][0]),
         "node 'one': there are 2 of this name; each needs one of its own"),
        (lambda d: d["outputs"].append(d["outputs"][0]), "output 'total': there are several of this name"),
        (lambda d: d["workflow"][0].pop("id"), "node number 1: 'id' is missing"),
        (node(0, id=""), "node number 1: 'id' is empty"),
        (lambda d: d["workflow"][1].pop("task"), "node 'two': 'task' is missing"),
        (node(1, task="demo:totl"), "node 'two': there is no task 'demo:totl'; did you mean 'demo:total'? known are: "
                                    "'demo:loose', 'demo:total'"),
        (node(1, inputs=[]), "node 'two': 'inputs' must be an object, not []"),
        (node(1, inputs={}), "node 'two': its task 'demo:total' requires 'a', 'b', not given"),
        (source("c", {"source": "literal", "input": 1}),
         "node 'two': its task 'demo:total' has no input 'c'; it takes 'a', 'b', 'note'"),
        (source("a", 5), "node 'two', input 'a': must be an object with a source, not 5"),
        (source("a", {"source": "inputs"}),
         "node 'two', input 'a': the source must be one of 'input', 'dependency', 'literal', not 'inputs'"),
        (source("a", {"source": "literal"}), "node 'two', input 'a': the literal has no value under 'input'"),
        (source("a", {"source": "literal", "input": "x"}),
         "node 'two', input a: must be an integer, not 'x'"),
        (source("a", {"source": "literal", "input": None}),
         "node 'two', input a: must be an integer, not null"),
        (source("a", {"source": "input", "input": "m"}),
         "node 'two', input 'a': the workflow has no input 'm'; it has 'n'"),
        (source("a", {"source": "input"}), "node 'two', input 'a': 'input' is missing"),
        (source("a", {"source": "dependency", "node": "one"}),
         "node 'two', input 'a': 'node' must be a list, not 'one'"),
        (source("a", {"source": "dependency", "node": ["one"]}),
         "node 'two', input 'a': 'node' must be [node id, output name], not ['one']"),
        (source("a", {"source": "dependency", "node": ["three", "sum"]}),
         "node 'two', input 'a': there is no node 'three'; there are 'one', 'two'"),
        (source("a", {"source": "dependency", "node": ["one", "total"]}),
         "node 'two', input 'a': node 'one' (demo:total) has no output 'total'; it has 'sum', 'note'"),
        (lambda d: d["outputs"][0].update(node=["three", "sum"]),
         "output 'total': there is no node 'three'; there are 'one', 'two'"),
        (lambda d: d["outputs"][0].update(node=["two", "x"]),
         "output 'total': node 'two' (demo:total) has no output 'x'; it has 'sum', 'note'"),
        (lambda d: d["workflow"][0]["inputs"].update(a={"source": "dependency", "node": ["two", "sum"]}),
         "the nodes need each other in a circle: "),
        (source("a", {"source": "dependency", "node": ["two", "sum"]}),
         "node 'two': the nodes need each other in a circle: 'two' needs 'two'; one of them has to do without"),
        (lambda d: d["workflow"].append({**d["workflow"][0], "id": "three"}),
         "node 'three': no output of the workflow depends on it; take it out, or name one of its outputs under "
         "'outputs'"),
        (lambda d: d["outputs"][0].update(node=["one", "sum"]), "node 'two': no output of the workflow depends on it"),
        (source("a", {"source": "dependency", "node": ["ones", "sum"]}),
         "there is no node 'ones'; did you mean 'one'? there are"),
    ],
)  # fmt: skip
def test_each_mistake_is_named_when_the_workflow_is_loaded(change, message):
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_json(broken(change), REGISTRY)
    assert message in str(caught.value)
    assert caught.value.field == "workflow"


def test_a_circle_is_told_in_the_direction_of_need():
    document = example()
    third = copy.deepcopy(document["workflow"][1])
    third["id"] = "three"
    third["inputs"]["a"]["node"] = ["two", "sum"]
    document["workflow"].append(third)
    document["workflow"][0]["inputs"]["a"] = {"source": "dependency", "node": ["three", "sum"]}
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_json(document, REGISTRY)
    assert str(caught.value).split(": ")[-1].removesuffix("; one of them has to do without") in {
        "'one' needs 'three' needs 'two' needs 'one'",
        "'two' needs 'one' needs 'three' needs 'two'",
        "'three' needs 'two' needs 'one' needs 'three'",
    }


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("{", "the workflow is not JSON: Expecting property name"),
        ('{"workflow": [NaN]}', "the workflow is not JSON: NaN is not JSON"),
        (b"\xff", "the workflow is not JSON: "),
        (
            '{"workflow": [], "workflow": []}',
            "the workflow is not JSON: the key 'workflow' is there twice",
        ),
        ("[]", "a workflow must be an object, not []"),
        ({"workflow": [math.nan]}, "the workflow is not JSON: "),
        ({"workflow": [{1, 2}]}, "the workflow is not JSON: "),
        ({"workflow": reduce(lambda inner, _: [inner], range(5000), [])}, "the workflow is not JSON: it is nested too"),
    ],
)
def test_what_is_no_json_is_refused(text, message):
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_json(text, REGISTRY)
    assert str(caught.value).startswith(message)


def test_a_file_is_named_without_its_folder(tmp_path):
    file = tmp_path / "wrong.json"
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_file(file, REGISTRY)
    assert str(caught.value) == "the workflow file 'wrong.json' cannot be read: No such file or directory"
    file.write_text('{"workflow": []}')
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_file(str(file), REGISTRY)
    assert str(caught.value) == "the workflow file 'wrong.json': workflow: 'outputs' is missing"


@pytest.mark.parametrize("depth", [200, 800, 100_000])
def test_a_literal_that_nothing_could_copy_is_refused_when_it_is_loaded(depth: int) -> None:
    text = (
        '{"workflow": [{"id": "a", "task": "debug:echo", "inputs": {"value": {"source": "literal", "input": '
        + "[" * depth + "]" * depth
        + '}}}], "outputs": [{"name": "value", "node": ["a", "value"]}]}'
    )  # fmt: skip
    with pytest.raises(WorkflowNotValid, match="deep"):
        Workflow.from_json(text)
