"""What a run holds: in a process of its own, whose peak the kernel has kept."""

import gc
import subprocess
import sys
import weakref

import numpy as np
import pytest

from geojobs_lab.errors import NodeFailed
from geojobs_lab.parameters import AnyParameter, NdArrayParameter
from geojobs_lab.tasks import Registry, Task
from geojobs_lab.workflows import Workflow

CHAIN = """
import re
from pathlib import Path

import numpy as np
import xarray as xr

from geojobs_lab.parameters import FloatParameter, RasterParameter
from geojobs_lab.tasks import Registry, Task
from geojobs_lab.workflows import Workflow

SIDE = 3536  # cells: 100 MB as float64


class Make(Task):
    name = "test:make"
    inputs = (FloatParameter("side"),)
    outputs = (RasterParameter("out"),)

    def execute(self, side):
        side = int(side)
        axes = {"latitude": np.linspace(60, 40, side), "longitude": np.linspace(0, 20, side)}
        return xr.DataArray(np.ones((side, side)), axes, tuple(axes))


class Add(Task):
    name = "test:add"
    inputs = (RasterParameter("a"),)
    outputs = (RasterParameter("out"),)

    def execute(self, a):
        return (a + 1).values  # bare: it is put on the grid of the input


def chain(length, side):
    registry = Registry()
    registry.register(Make)
    registry.register(Add)
    nodes = [{"id": "n0", "task": "test:make", "inputs": {"side": {"source": "literal", "input": side}}}]
    nodes += [
        {"id": f"n{n}", "task": "test:add", "inputs": {"a": {"source": "dependency", "node": [f"n{n - 1}", "out"]}}}
        for n in range(1, length)
    ]
    document = {"workflow": nodes, "outputs": [{"name": "out", "node": [f"n{length - 1}", "out"]}]}
    return Workflow.from_json(document, registry)


def peak():
    return int(re.search(r"VmHWM:\\s+(\\d+)", Path("/proc/self/status").read_text())[1]) * 1024


chain(10, 4)()
before = peak()
result = chain(10, SIDE)()["out"]
assert float(result[0, 0]) == 10.0
print((peak() - before) / (SIDE * SIDE * 8))
"""


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="asks Linux for the peak")
def test_a_chain_of_ten_rasters_of_100_mb_holds_an_input_and_an_output_at_a_time():
    child = subprocess.run([sys.executable, "-c", CHAIN], capture_output=True, text=True, check=False)
    assert child.returncode == 0, child.stderr
    assert float(child.stdout) < 2.5  # rasters


class Watched(Task):
    """Give an array, and tell which of those given before are still there."""

    name = "test:watched"
    inputs = (AnyParameter("a", required=False), AnyParameter("b", required=False))
    outputs = (NdArrayParameter("out"), NdArrayParameter("unused"))

    def __init__(self):
        self.given = []
        self.alive = []

    def execute(self, **_):
        self.alive.append([number for number, given in enumerate(self.given) if given() is not None])
        out, unused = np.zeros(3), np.zeros(3)
        self.given += [weakref.ref(out), weakref.ref(unused)]
        return {"out": out, "unused": unused}


def watched(*nodes, outputs):
    task = Watched()
    registry = Registry()
    registry.register(task)
    document = {
        "workflow": [
            {
                "id": node,
                "task": "test:watched",
                "inputs": {
                    name: {"source": "dependency", "node": [other, "out"]}
                    for name, other in zip("ab", needed, strict=False)
                },
            }
            for node, *needed in nodes
        ],
        "outputs": [{"name": node, "node": [node, "out"]} for node in outputs],
    }
    return Workflow.from_json(document, registry), task


def test_a_value_goes_when_the_last_node_that_needs_it_has_ended():
    workflow, task = watched("a", "ba", "cb", "dca", "ed", outputs="e")
    gc.disable()
    try:
        result = workflow()
        # 0 is the out of a, which b and d need; 2 that of b, 4 of c, 6 of d. What is not used, the odd ones, is
        # dropped at once.
        assert task.alive == [[], [0], [0, 2], [0, 4], [6]]
        assert [number for number, given in enumerate(task.given) if given() is not None] == [8]
        del result
        assert not any(given() is not None for given in task.given)
    finally:
        gc.enable()


def test_an_output_of_the_workflow_stays():
    workflow, task = watched("a", "ba", "cb", outputs="ac")
    assert set(workflow()) == {"a", "c"}
    assert task.alive == [[], [0], [0, 2]]


def test_a_failure_holds_no_value_that_its_node_did_not_have():
    class Fail(Task):
        name = "test:fail"
        inputs = (AnyParameter("a"),)
        outputs = (AnyParameter("out"),)

        def execute(self, a):
            raise ValueError("no")

    task, registry = Watched(), Registry()
    registry.register(task)
    registry.register(Fail)
    a, b = ({"source": "dependency", "node": [node, "out"]} for node in "ab")
    document = {
        "workflow": [
            {"id": "a", "task": "test:watched"},
            {"id": "b", "task": "test:watched", "inputs": {"a": a}},
            {"id": "c", "task": "test:fail", "inputs": {"a": b}},
        ],
        "outputs": [{"name": "a", "node": ["a", "out"]}, {"name": "c", "node": ["c", "out"]}],
    }
    workflow = Workflow.from_json(document, registry)
    gc.disable()
    try:
        with pytest.raises(NodeFailed) as caught:
            workflow()
        assert [number for number, given in enumerate(task.given) if given() is not None] == [2]
        del caught
        assert not any(given() is not None for given in task.given)
    finally:
        gc.enable()
