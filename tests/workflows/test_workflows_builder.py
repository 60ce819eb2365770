"""The builder: few lines, refusals at the line that is wrong, and a workflow like any other."""

import datetime
import math

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import WorkflowNotValid
from geojobs_lab.library.climate import period_mean
from geojobs_lab.library.debug import Echo
from geojobs_lab.parameters import (
    AnyParameter,
    BBoxParameter,
    DateParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    RasterParameter,
)
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import Registry, Task, default_registry, task
from geojobs_lab.workflows import Workflow, WorkflowBuilder


@task(name="own:add")
def add(a: float, b: float = 1.0) -> float:
    """Add.

    Returns
    -------
    sum : float
        Both.
    """
    return a + b


class Split(Task):
    name = "own:split"
    inputs = (FloatParameter("value"), DateParameter("day", required=False), BBoxParameter("box", required=False))
    outputs = (IntParameter("whole"), FloatParameter("rest"), AnyParameter("seen", required=False))

    def execute(self, value, **more):
        return {"whole": math.floor(value), "rest": value - math.floor(value), "seen": more}


def series():
    time = xr.date_range("1960-01-01", periods=150, freq="YS", use_cftime=True, calendar="360_day")
    return xr.DataArray(
        np.arange(150.0)[:, None, None] * np.ones((1, 2, 3)),
        {"time": time, "latitude": [50.0, 40.0], "longitude": [0.0, 10.0, 20.0]},
        ("time", "latitude", "longitude"),
    )


def test_a_few_lines_make_a_workflow_that_is_the_one_of_its_json():
    build = WorkflowBuilder("warming", title="Warming", description="The end of the century against its past.")
    data = build.input(RasterParameter("data"))
    past = build.add(period_mean, id="past", data=data, start="1961", end="1990")
    future = build.add("climate:period_mean", id="future", data=data, start="2070", end="2099")
    warming = build.add("raster:subtract", a=future["mean"], b=past)
    build.output("warming", warming)
    workflow = build.build()

    assert isinstance(workflow, Workflow)
    assert (workflow.name, workflow.title) == ("warming", "Warming")
    assert workflow.to_json()["workflow"][2] == {
        "id": "subtract",
        "task": "raster:subtract",
        "inputs": {
            "a": {"source": "dependency", "node": ["future", "mean"]},
            "b": {"source": "dependency", "node": ["past", "mean"]},
        },
    }
    loaded = Workflow.from_json(workflow.to_json())
    assert (loaded.to_json(), loaded.describe()) == (workflow.to_json(), workflow.describe())
    raster = series()
    for one in (workflow, loaded):
        np.testing.assert_array_equal(one(data=raster)["warming"], np.full((2, 3), 109.0))


def test_an_input_is_a_parameter_or_a_name_with_a_type_hint():
    build = WorkflowBuilder()
    build.input("raster", Raster)
    build.input("limit", float, default=2, description="How much.")
    build.input("anything")
    numbers = build.input(ListParameter(IntParameter(""), "numbers", title="Numbers"))
    build.output("value", build.add("debug:echo", value=numbers))
    assert build.build().to_json()["inputs"] == [
        {"name": "raster", "type": "raster"},
        {"name": "limit", "type": "float", "args": [[], {"default": 2.0, "description": "How much."}]},
        {"name": "anything", "type": "any"},
        {"name": "numbers", "type": "list", "args": [[["int", [[""], {}]]], {"title": "Numbers"}]},
    ]
    assert build.build()(raster=series(), anything=None, numbers=[1])["value"] == [1]


def test_ids_are_made_of_the_tasks_names():
    build = WorkflowBuilder()
    one, two, three = build.add(add, a=1), build.add(add, a=2), build.add(add, a=3, id="add_4")
    four, five = build.add(add, a=4), build.add(add, a=5)
    assert [handle.node.id for handle in (one, two, three, four, five)] == ["add", "add_2", "add_4", "add_3", "add_5"]


def test_tasks_of_ones_own_need_no_registration_here_and_a_registry_elsewhere():
    build = WorkflowBuilder()
    total = build.add(add, a=1.25, b=build.input("b", float))
    parts = build.add(Split, value=total)
    more = build.add(Split, value=parts["rest"])
    build.output("whole", parts["whole"])
    build.output("rest", more["rest"])
    workflow = build.build()
    assert dict(workflow(b=2)) == {"whole": 3, "rest": 0.25}
    with pytest.raises(WorkflowNotValid, match="node 'add': there is no task 'own:add'"):
        Workflow.from_json(workflow.to_json())
    registry = Registry()
    registry.register(add)
    registry.register(Split)
    assert dict(Workflow.from_json(workflow.to_json(), registry)(b=2)) == {"whole": 3, "rest": 0.25}
    assert "own:add" not in default_registry().names()


def test_a_registry_of_ones_own_is_where_names_are_found():
    registry = Registry()
    registry.register(add)
    build = WorkflowBuilder(registry=registry)
    build.output("sum", build.add("own:add", a=1))
    assert build.build()()["sum"] == 2.0
    with pytest.raises(WorkflowNotValid, match="there is no task 'debug:echo'; known are: 'own:add'"):
        build.add("debug:echo", value=1)


def test_a_workflow_is_a_task_that_can_be_a_node():
    inner = WorkflowBuilder("own:twice")
    once = inner.add(add, a=inner.input("n", float))
    inner.output("n", inner.add(add, a=once, b=once))
    outer = WorkflowBuilder()
    outer.output("n", outer.add(inner.build(), n=3))
    assert outer.build()()["n"] == 8.0


def test_literals_become_json():
    build = WorkflowBuilder()
    parts = build.add(Split(), value=np.float32(1.5), day=datetime.date(2000, 2, 1), box=(0, 1, 2, 3))
    build.output("seen", parts["seen"])
    workflow = build.build()
    assert {name: source["input"] for name, source in workflow.to_json()["workflow"][0]["inputs"].items()} == {
        "value": 1.5,
        "day": "2000-02-01",
        "box": [0, 1, 2, 3],
    }
    assert workflow()["seen"] == {"day": datetime.date(2000, 2, 1), "box": (0.0, 1.0, 2.0, 3.0)}


def test_what_is_built_stays_as_it_is_when_more_is_added():
    given = {"k": [1]}
    build = WorkflowBuilder()
    build.output("a", build.add("debug:echo", value=given))
    first = build.build()
    given["k"].append(2)
    build.output("b", build.add("debug:echo", value=5))
    assert list(first()) == ["a"]
    assert first()["a"] == {"k": [1]}
    assert dict(build.build()()) == {"a": {"k": [1]}, "b": 5}


def refused():
    """Yield what a builder is told, and what it says."""
    here, there = WorkflowBuilder("here"), WorkflowBuilder("there")
    raster = here.input("raster", Raster)
    maybe = here.input("maybe", float | None)
    done = here.add(add, id="done", a=1)
    split = here.add(Split, id="parts", value=1)
    silent = here.add(type("Silent", (Task,), {"name": "own:silent", "execute": print}))
    foreign = there.add(add, a=1)
    here.output("done", done)

    @task(name="own:add")
    def other(a: float) -> float:
        return a

    @task(name="debug:echo")
    def echo(value: int) -> int:
        return value

    yield lambda: here.input("raster", int), "input 'raster': each input needs a name of its own"
    yield lambda: here.input(IntParameter("")), "input '': each input needs a name of its own"
    yield lambda: here.add("own:ad", a=1), "there is no task 'own:ad'"
    yield lambda: here.add(lambda a: a, a=1), "is a function, not a task: put @task on it"
    yield lambda: here.add(other, a=1), "task 'own:add': another task has this name already; rename one"
    yield lambda: here.add(echo, value=1), "task 'debug:echo': another task has this name already"
    yield lambda: here.add(type("Bare", (Task,), {"execute": print})), "has no name to be registered under"
    yield lambda: here.add(add, id="done", a=1), "node 'done': each node needs an id of its own"
    yield lambda: here.add(add, id="", a=1), "node '': each node needs an id of its own"
    yield lambda: here.add(add, b=1), "node 'add': its task 'own:add' requires 'a', not given"
    yield lambda: here.add(add, a=1, bb=1), "node 'add': its task 'own:add' has no input 'bb'; did you mean 'b'? it"
    yield lambda: here.add(add, a="x"), "node 'add', input a: must be a number, not 'x'"
    yield lambda: here.add(add, a=math.nan), "node 'add', input a: must be a number, not nan"
    yield lambda: here.add(add, a=raster), "node 'add', input 'a': takes float, and the workflow's input 'raster' gives"
    yield lambda: here.add(add, a=maybe), "node 'add', input 'a': is required, and the workflow's input 'maybe' need"
    yield lambda: here.add(add, a=split), "node 'parts' has the outputs 'whole', 'rest', 'seen'; say which: node['wh"
    yield lambda: here.add(add, a=silent), "node 'silent' has no outputs: nothing can be taken from it"
    yield lambda: split["hole"], "output 'hole': node 'parts' (own:split) has no output 'hole'; it has 'whole', 'rest'"
    yield lambda: split[0], "has no output 0; it has"
    yield lambda: here.add(add, a=foreign), "node 'add', input 'a': <node 'add' (own:add) of <WorkflowBuilder 'there'>>"
    yield lambda: here.add(Echo, value=[1, {"x": done}]), "a literal cannot hold an input or a node, as this list does"
    yield lambda: here.add("raster:subtract", a=series(), b=raster), "has no JSON form and cannot stand in a workflow"
    yield lambda: here.output("done", done), "output 'done': each output needs a name of its own"
    yield lambda: here.output("r", raster), "output 'r': must be an output of a node, not <input 'raster' of <Workflow"
    yield lambda: here.output("r", 5), "output 'r': must be an output of a node, not 5"
    yield lambda: here.output("r", foreign["sum"]), "belongs to another workflow"
    yield here.build, "node 'parts': no output of the workflow depends on it; take it out"
    yield WorkflowBuilder().build, "outputs: a workflow must give something"


@pytest.mark.parametrize(("act", "message"), list(refused()))
def test_what_is_wrong_is_refused_at_its_line(act, message):
    with pytest.raises(WorkflowNotValid) as caught:
        act()
    assert message in str(caught.value)


def test_a_hint_without_a_parameter_is_a_type_error():
    with pytest.raises(TypeError, match="understood are"):
        WorkflowBuilder("w").input("x", complex)
