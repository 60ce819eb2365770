"""Kinds that do not fit are refused when a workflow is loaded, with the node's name and what would help."""

import pytest

from geojobs_lab.errors import WorkflowNotValid
from geojobs_lab.parameters import (
    AnyParameter,
    DictParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.tasks import Registry, Task
from geojobs_lab.workflows import Workflow

KINDS = {
    "any": AnyParameter,
    "array": NdArrayParameter,
    "dict": DictParameter,
    "number": NumberParameter,
    "raster": RasterParameter,
    "string": StringParameter,
}
KINDS |= {
    "numbers": lambda name, *more: ListParameter(NumberParameter(""), name, *more),
    "rasters": lambda name, *more: ListParameter(RasterParameter(""), name, *more),
    "strings": lambda name, *more: ListParameter(StringParameter(""), name, *more),
    "either": lambda name, *more: MultipleParameter([DictParameter(""), NumberParameter("")], name, *more),
}


def gives(kind):
    return type("Gives", (Task,), {"name": f"gives:{kind}", "outputs": (KINDS[kind]("out"),), "execute": print})


def takes(kind, required=True):
    name = f"takes:{kind}" if required else f"may:{kind}"
    members = {"inputs": (KINDS[kind]("value", required),), "outputs": (AnyParameter("out"),), "execute": print}
    return type("Takes", (Task,), {"name": name, **members})


@pytest.fixture(scope="module")
def registry():
    registry = Registry()
    for kind in KINDS:
        registry.register(gives(kind)())
        registry.register(takes(kind)())
        registry.register(takes(kind, required=False)())
    return registry


def between_nodes(source, target):
    return {
        "workflow": [
            {"id": "first", "task": f"gives:{source}"},
            {
                "id": "second",
                "task": f"takes:{target}",
                "inputs": {"value": {"source": "dependency", "node": ["first", "out"]}},
            },
        ],
        "outputs": [{"name": "out", "node": ["second", "out"]}],
    }


def from_input(entry, task):
    return {
        "inputs": [{"name": "x", **entry}],
        "workflow": [{"id": "second", "task": task, "inputs": {"value": {"source": "input", "input": "x"}}}],
        "outputs": [{"name": "out", "node": ["second", "out"]}],
    }


@pytest.mark.parametrize(
    ("source", "target", "words"),
    [
        ("dict", "number", "takes number, and output 'out' of node 'first' gives dict"),
        ("raster", "number", "takes number, and output 'out' of node 'first' gives raster"),
        ("string", "raster", "takes raster, and output 'out' of node 'first' gives string"),
        ("strings", "raster", "takes raster, and output 'out' of node 'first' gives list of string"),
        ("numbers", "number", "takes number, and output 'out' of node 'first' gives list of number"),
        ("dict", "rasters", "takes list of raster, and output 'out' of node 'first' gives dict"),
        ("either", "raster", "takes raster, and output 'out' of node 'first' gives dict or number"),
        ("raster", "either", "takes dict or number, and output 'out' of node 'first' gives raster"),
    ],
)
def test_an_output_that_can_never_be_the_input_is_refused(registry, source, target, words):
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_json(between_nodes(source, target), registry)
    assert str(caught.value) == (
        f"node 'second', input 'value': {words}, which can never become that; take another source, or put a task "
        "between them that converts it"
    )


@pytest.mark.parametrize(
    ("source", "target"),
    [
        ("string", "number"),
        ("number", "string"),
        ("raster", "array"),
        ("array", "raster"),
        ("raster", "rasters"),
        ("rasters", "rasters"),
        ("strings", "numbers"),
        ("any", "raster"),
        ("dict", "any"),
        ("either", "number"),
        ("string", "either"),
    ],
)
def test_what_may_become_the_input_is_left_to_the_run(registry, source, target):
    assert Workflow.from_json(between_nodes(source, target), registry).outputs[0].name == "out"


def test_an_input_of_the_workflow_that_does_not_fit_is_refused(registry):
    with pytest.raises(WorkflowNotValid, match="node 'second', input 'value': takes raster, and the workflow's input "
                                               "'x' gives string, which can never"):  # fmt: skip
        Workflow.from_json(from_input({"type": "string"}, "takes:raster"), registry)
    assert Workflow.from_json(from_input({"type": "array"}, "takes:raster"), registry).inputs[0].id == "array"


@pytest.mark.parametrize("options", [{"required": False}, {"default": None}])
def test_an_input_that_may_be_left_out_cannot_be_what_a_node_requires(registry, options):
    with pytest.raises(WorkflowNotValid) as caught:
        Workflow.from_json(from_input({"type": "number", "args": [[], options]}, "takes:number"), registry)
    assert str(caught.value) == (
        "node 'second', input 'value': is required, and the workflow's input 'x' need not be given; make that "
        "required, or give it a default"
    )


@pytest.mark.parametrize(
    ("entry", "task"),
    [
        ({"type": "number", "args": [[], {"required": False}]}, "may:number"),
        ({"type": "number", "args": [[], {"default": 0}]}, "takes:number"),
        ({"type": "any", "args": [[], {"default": None}]}, "takes:any"),
    ],
)
def test_an_input_that_may_be_left_out_is_fine_where_the_node_can_do_without(registry, entry, task):
    assert not Workflow.from_json(from_input(entry, task), registry).inputs[0].required


def test_an_input_that_nothing_uses_is_allowed(registry):
    document = between_nodes("number", "number") | {"inputs": [{"name": "unused", "type": "raster"}]}
    assert Workflow.from_json(document, registry).to_json() == document
