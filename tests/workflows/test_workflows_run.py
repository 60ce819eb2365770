import threading
from typing import Any

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import NodeFailed, ParameterNotValidError, WorkflowNotValid
from geojobs_lab.parameters import AnyParameter, IntParameter, ListParameter, NdArrayParameter, RasterParameter
from geojobs_lab.tasks import Registry, RunContext, Task, log, progress, task, use_context
from geojobs_lab.workflows import Workflow, WorkflowBuilder


class Recording(RunContext):
    def __init__(self):
        self.resolver = self
        self.reports = []
        self.lines = []

    def raster(self, reference):
        return xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})

    def report(self, fraction, message):
        self.reports.append((fraction, message))

    def log(self, level, message):
        self.lines.append((level, message))


class MapLayers(Task):
    name = "raster:map"
    inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), AnyParameter("expression"))
    outputs = (ListParameter(NdArrayParameter(""), "arrays_out"),)

    def execute(self, arrays_in, expression):
        return [array / array.max() for array in arrays_in]


class SumLayers(Task):
    name = "raster:sum"
    inputs = (ListParameter(NdArrayParameter(""), "arrays_in"), NdArrayParameter("initial", required=False))
    outputs = (NdArrayParameter("array_out"), IntParameter("count", required=False))

    def execute(self, arrays_in, initial=None):
        total = sum(arrays_in)
        return {"array_out": total if initial is None else total + initial}


class Fill(Task):
    name = "raster:fill"
    inputs = (RasterParameter("like"), IntParameter("value"))
    outputs = (RasterParameter("out"),)

    def execute(self, like, value):
        progress(0.5, "filling")
        log("half")
        return np.full(like.shape, value)


@task(name="demo:divide")
def divide(a: float, b: float) -> float:
    return a / b


@task(name="demo:append")
def append(to: list, item: int) -> list:
    to.append(item)
    return to


@pytest.fixture
def registry():
    registry = Registry()
    for thing in (MapLayers, SumLayers, Fill, divide, append):
        registry.register(thing)
    return registry


LAYERS = {
    "meta": {"name": "Suitability", "title": "Sum", "description": "Sum of the normalised layers"},
    "inputs": [
        {"name": "layers", "type": "list", "args": [[["array", [[""], {}]]], {}]},
        {"name": "first", "type": "array", "args": [[], {"required": False}]},
    ],
    "workflow": [
        {
            "id": "sum",
            "task": "raster:sum",
            "inputs": {
                "arrays_in": {"source": "dependency", "node": ["normalise", "arrays_out"]},
                "initial": {"source": "input", "input": "first"},
            },
        },
        {
            "id": "normalise",
            "task": "raster:map",
            "inputs": {
                "arrays_in": {"source": "input", "input": "layers"},
                "expression": {"source": "literal", "input": None},
            },
        },
    ],
    "outputs": [{"name": "total", "node": ["sum", "array_out"]}],
}


def divided_twice():
    return {
        "inputs": [{"name": "a", "type": "number"}, {"name": "b", "type": "number"}],
        "workflow": [
            {
                "id": "half",
                "task": "demo:divide",
                "inputs": {"a": {"source": "input", "input": "a"}, "b": {"source": "literal", "input": 2}},
            },
            {
                "id": "rest",
                "task": "demo:divide",
                "inputs": {
                    "a": {"source": "dependency", "node": ["half", "result"]},
                    "b": {"source": "input", "input": "b"},
                },
            },
        ],
        "outputs": [{"name": "q", "node": ["rest", "result"]}],
    }


def test_a_workflow_is_a_task_with_its_own_inputs_and_outputs(registry):
    workflow = Workflow.from_json(LAYERS, registry)
    assert isinstance(workflow, Task)
    document = workflow.describe()
    assert (document["name"], document["title"]) == ("Suitability", "Sum")
    assert document["description"] == "Sum of the normalised layers"
    assert [(p["name"], p["type"], p["required"]) for p in document["inputs"]] == [
        ("layers", "list", True),
        ("first", "array", False),
    ]
    assert [(p["name"], p["type"]) for p in document["outputs"]] == [("total", "array")]


def test_nodes_run_behind_those_that_they_need(registry):
    workflow = Workflow.from_json(LAYERS, registry)
    np.testing.assert_array_equal(workflow(layers=[[1, 2], [4, 4]])["total"], [1.5, 2.0])
    np.testing.assert_array_equal(workflow(layers=[[1, 2], [4, 4]], first=[1, 1])["total"], [2.5, 3.0])


def test_inputs_are_checked_before_a_node_runs(registry):
    workflow = Workflow.from_json(LAYERS, registry)
    with pytest.raises(ParameterNotValidError, match="layers: is required and must be a list"):
        workflow.clean({})
    with pytest.raises(ParameterNotValidError, match="layer: there is no such input; did you mean 'layers'"):
        workflow(layer=[[1]])


def test_a_failing_node_is_named_and_its_error_is_the_cause(registry):
    workflow = Workflow.from_json(divided_twice(), registry)
    assert workflow(a=8, b=2)["q"] == 2.0
    with pytest.raises(NodeFailed) as caught:
        workflow(a=8, b=0)
    assert caught.value.node == "rest"
    assert isinstance(caught.value.__cause__, ZeroDivisionError)
    assert str(caught.value) == "node 'rest': float division by zero"


def test_progress_and_log_name_the_node_and_share_the_whole_evenly(registry):
    document = {
        "inputs": [{"name": "data", "type": "raster"}],
        "workflow": [
            {
                "id": node,
                "task": "raster:fill",
                "inputs": {"like": like, "value": {"source": "literal", "input": 5}},
            }
            for node, like in (
                ("one", {"source": "input", "input": "data"}),
                ("two", {"source": "dependency", "node": ["one", "out"]}),
            )
        ],
        "outputs": [{"name": "filled", "node": ["two", "out"]}],
    }
    with use_context(Recording()) as context:
        filled = Workflow.from_json(document, registry)(data="service://a")["filled"]
    assert list(filled["latitude"].values) == [1.0, 0.0]
    assert context.reports == [
        (0.0, "one"), (0.25, "one: filling"), (0.5, "one"), (0.5, "two"), (0.75, "two: filling"), (1.0, "two"),
    ]  # fmt: skip
    assert context.lines == [("INFO", "one: half"), ("INFO", "two: half")]


def test_a_workflow_can_be_a_node_of_another(registry):
    inner = Workflow.from_json({**divided_twice(), "meta": {"name": "demo:twice"}}, registry)
    registry.register(inner)
    outer = Workflow.from_json(
        {
            "workflow": [
                {
                    "id": "outer",
                    "task": "demo:twice",
                    "inputs": {"a": {"source": "literal", "input": 8}, "b": {"source": "literal", "input": 0}},
                }
            ],
            "outputs": [{"name": "q", "node": ["outer", "q"]}],
        },
        registry,
    )
    with use_context(Recording()) as context, pytest.raises(NodeFailed, match="node 'outer': node 'rest': float div"):
        outer()
    assert context.reports[-1] == (0.5, "outer: rest")


def test_references_are_those_of_the_inputs_and_of_the_literals(registry):
    document = {
        "inputs": [{"name": "data", "type": "raster"}],
        "workflow": [
            {
                "id": "sum",
                "task": "raster:sum",
                "inputs": {
                    "arrays_in": {"source": "literal", "input": ["service://fixed:t@0"]},
                    "initial": {"source": "input", "input": "data"},
                },
            }
        ],
        "outputs": [{"name": "total", "node": ["sum", "array_out"]}],
    }
    workflow = Workflow.from_json(document, registry)
    cleaned = workflow.clean({"data": "service://mine"})
    assert [str(reference) for reference in workflow.references(cleaned)] == ["service://mine", "service://fixed:t@0"]
    with use_context(Recording()):
        np.testing.assert_array_equal(workflow(**cleaned)["total"], [[2.0, 4.0]] * 2)


class Loose(Task):
    """Take anything."""

    name = "demo:loose"
    outputs = (AnyParameter("all"),)
    allow_extra_args = True

    def execute(self, **all_of_it):
        return {"all": all_of_it}


def loose(**literals):
    registry = Registry()
    registry.register(Loose)
    inputs = {name: {"source": "literal", "input": value} for name, value in literals.items()}
    document = {
        "workflow": [{"id": "loose", "task": "demo:loose", "inputs": inputs}],
        "outputs": [{"name": "all", "node": ["loose", "all"]}],
    }
    return Workflow.from_json(document, registry)


def test_references_among_undeclared_literals_are_found_too():
    workflow = loose(a="service://one", b=["service://two:t", "service://three"], c=["service://four", 5], d={}, e=None)
    assert list(map(str, workflow.references({}))) == ["service://one", "service://two:t", "service://three"]
    with use_context(Recording()):
        given = workflow()["all"]
    assert isinstance(given["a"], xr.DataArray)
    assert [type(item) for item in given["b"]] == [xr.DataArray, xr.DataArray]
    assert (given["c"], given["d"], given["e"]) == (["service://four", 5], {}, None)
    with pytest.raises(WorkflowNotValid, match="node 'loose', input a: "):
        loose(a="service://")


def test_a_workflow_with_a_task_that_is_not_exposed_is_not_exposed_either(registry):
    assert Workflow.from_json(LAYERS, registry).exposed
    hidden = Registry()
    for thing in (MapLayers, type("SumLayers", (SumLayers,), {"exposed": False})):
        hidden.register(thing)
    assert not Workflow.from_json(LAYERS, hidden).exposed


def test_running_twice_gives_the_same_whatever_a_task_does_to_its_literals(registry):
    document = {
        "workflow": [
            {
                "id": "append",
                "task": "demo:append",
                "inputs": {"to": {"source": "literal", "input": [[0]]}, "item": {"source": "literal", "input": 1}},
            }
        ],
        "outputs": [{"name": "list", "node": ["append", "result"]}],
    }
    workflow = Workflow.from_json(document, registry)
    first = workflow()["list"]
    first[0].append("spoilt")
    assert workflow()["list"] == [[0], 1]
    assert workflow.to_json() == document


def test_running_at_the_same_time_in_many_threads_gives_the_same(registry):
    workflow = Workflow.from_json(divided_twice(), registry)
    start, results = threading.Barrier(8, timeout=20), {}

    def run(number):
        start.wait()
        results[number] = [workflow(a=number, b=2)["q"] for _ in range(50)]

    threads = [threading.Thread(target=run, args=(number,)) for number in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {number: [number / 4] * 50 for number in range(8)}


def test_a_workflow_does_not_change(registry):
    given = divided_twice()
    workflow = Workflow.from_json(given, registry)
    with pytest.raises(AttributeError, match="a workflow does not change: name cannot be set"):
        workflow.name = "other"
    with pytest.raises(AttributeError, match="a workflow does not change: inputs cannot be deleted"):
        del workflow.inputs
    given["workflow"].clear()
    workflow.to_json()["workflow"].clear()
    assert len(workflow.to_json()["workflow"]) == 2
    assert workflow(a=8, b=2)["q"] == 2.0


def test_outputs_that_no_node_gave_are_left_out():
    @task(name="demo:maybe")
    def maybe(value: Any = None) -> dict | None:
        return value

    known = Registry()
    known.register(maybe)
    build = WorkflowBuilder("maybe", registry=known)
    build.output("found", build.add(maybe, value=build.input("value", Any, default=None)))
    workflow = build.build()
    assert dict(workflow()) == {}
    assert dict(workflow(value={"found": {"a": 1}})) == {"found": {"found": {"a": 1}}}
