"""The graph of a workflow as values: nodes, where their inputs come from, and what the workflow gives.

Owns the checks that a graph has to pass before it can run, and the order of the run. The JSON form is `reading`'s
work, the run `workflow`'s.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from geojobs_lab.errors import ParameterNotValidError, WorkflowNotValid
from geojobs_lab.parameters import Parameter
from geojobs_lab.tasks import Task


@dataclass(frozen=True, slots=True)
class FromInput:
    """A node's input that is an input of the workflow."""

    name: str


@dataclass(frozen=True, slots=True)
class FromNode:
    """A node's input, or a workflow's output, that is an output of a node."""

    node: str
    output: str


@dataclass(frozen=True, slots=True)
class Literal:
    """A node's input that stands in the workflow itself: any JSON."""

    value: Any


Source = FromInput | FromNode | Literal


@dataclass(frozen=True, slots=True)
class Node:
    """One task of the graph, and where each of its inputs comes from."""

    id: str
    task: Task
    inputs: Mapping[str, Source]

    def literals(self) -> dict[str, Any]:
        """Return the inputs that stand in the workflow, as they were written."""
        return {name: source.value for name, source in self.inputs.items() if isinstance(source, Literal)}


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole of a workflow's definition; `results` are its outputs by name."""

    inputs: tuple[Parameter, ...]
    nodes: tuple[Node, ...]
    results: Mapping[str, FromNode]

    def check(self) -> None:
        """Refuse a graph that cannot run.

        Raises
        ------
        WorkflowNotValid
            Names the node, the input or the output that is wrong.
        """
        _refuse_twice("input", (parameter.name for parameter in self.inputs))
        _refuse_twice("node", (node.id for node in self.nodes))
        for node in self.nodes:
            self._check_node(node)
        self.order()
        for name, source in self.results.items():
            _output(self._tasks(), source, f"output {name!r}")

    def order(self) -> list[Node]:
        """Return the nodes, each behind those that it depends on.

        Raises
        ------
        WorkflowNotValid
            They depend on each other in a circle.
        """
        by_id = {node.id: node for node in self.nodes}
        try:
            ids = TopologicalSorter({node.id: list(_needed(node)) for node in self.nodes}).static_order()
            return [by_id[node_id] for node_id in ids]
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            path = " needs ".join(map(repr, circle))
            raise WorkflowNotValid(f"node {circle[0]!r}: the nodes need each other in a circle: {path}") from error

    def outputs(self) -> tuple[Parameter, ...]:
        """Return the workflow's outputs: the nodes' own, under the workflow's names."""
        tasks = self._tasks()
        return tuple(_output(tasks, source, name).renamed(name) for name, source in self.results.items())

    def _tasks(self) -> dict[str, Task]:
        return {node.id: node.task for node in self.nodes}

    def _check_node(self, node: Node) -> None:
        where = f"node {node.id!r}"
        parameters = {parameter.name: parameter for parameter in node.task.inputs}
        for name, source in node.inputs.items():
            if name in parameters and isinstance(source, Literal):
                _check_literal(source, parameters[name], where)
            elif name in parameters or node.task.allow_extra_args:
                self._check_origin(source, f"{where}, input {name!r}")
            else:
                raise WorkflowNotValid(
                    f"{where}: its task {node.task.label!r} has no input {name!r}; it takes {_listed(parameters)}"
                )
        missing = [p.name for p in node.task.inputs if p.required and p.name not in node.inputs]
        if missing:
            raise WorkflowNotValid(f"{where}: its task {node.task.label!r} requires {_listed(missing)}, not given")

    def _check_origin(self, source: Source, where: str) -> None:
        names = [parameter.name for parameter in self.inputs]
        if isinstance(source, FromInput) and source.name not in names:
            raise WorkflowNotValid(f"{where}: the workflow has no input {source.name!r}; it has {_listed(names)}")
        if isinstance(source, FromNode):
            _output(self._tasks(), source, where)


def _check_literal(source: Literal, parameter: Parameter, where: str) -> None:
    if source.value is None and not parameter.required:
        return
    try:
        parameter.clean(source.value)
    except ParameterNotValidError as error:
        raise WorkflowNotValid(f"{where}, input {error}", value=source.value) from error


def _output(tasks: Mapping[str, Task], source: FromNode, where: str) -> Parameter:
    if source.node not in tasks:
        raise WorkflowNotValid(f"{where}: there is no node {source.node!r}; there are {_listed(tasks)}")
    task = tasks[source.node]
    outputs = {parameter.name: parameter for parameter in task.outputs}
    if source.output not in outputs:
        raise WorkflowNotValid(
            f"{where}: node {source.node!r} ({task.label}) has no output {source.output!r}; it has {_listed(outputs)}"
        )
    return outputs[source.output]


def _needed(node: Node) -> Iterator[str]:
    return (source.node for source in node.inputs.values() if isinstance(source, FromNode))


def _refuse_twice(kind: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise WorkflowNotValid(f"{kind} {name!r}: there are {times} of this name")


def _listed(names: Iterable[str]) -> str:
    return ", ".join(map(repr, names)) or "none"
