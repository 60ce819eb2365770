"""The graph of a workflow as values: nodes, where their inputs come from, and what the workflow gives.

Owns what the parts are and the order that they stand in. Whether a graph can run is `checking`'s business, its JSON
form `reading`'s, the run `running`'s.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from graphlib import CycleError, TopologicalSorter
from typing import Any

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import WorkflowNotValid
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


class _Undeclared(Task):
    """Declares nothing, and so treats every input as any task with `allow_extra_args` treats what it does not know."""

    allow_extra_args = True


_UNDECLARED = _Undeclared()


@dataclass(frozen=True, slots=True)
class Node:
    """One task of the graph, and where each of its inputs comes from."""

    id: str
    task: Task
    inputs: Mapping[str, Source]

    def literals(self) -> dict[str, Any]:
        """Return the inputs that stand in the workflow, as they were written."""
        return {name: source.value for name, source in self.inputs.items() if isinstance(source, Literal)}

    def clean_literal(self, name: str) -> Any:
        """Return a literal as the task will get it, None where it counts as not given.

        Raises
        ------
        ParameterNotValidError
            The task's parameter refuses it.
        """
        value = self.literals()[name]
        for parameter in self.task.inputs:
            if parameter.name == name:
                return None if value is None and not parameter.required else parameter.clean(value)
        return _UNDECLARED.clean({name: value})[name]

    def references(self) -> Iterator[ServiceReference]:
        """Yield the references to published data in the literals."""
        return self.task.references({name: self.clean_literal(name) for name in self.literals()})

    def needs(self) -> Iterator[str]:
        """Yield the ids of the nodes that this one depends on, once for each of its inputs."""
        return (source.node for source in self.inputs.values() if isinstance(source, FromNode))


@dataclass(frozen=True, slots=True)
class Graph:
    """The whole of a workflow's definition; `results` are its outputs by name."""

    inputs: tuple[Parameter, ...]
    nodes: tuple[Node, ...]
    results: Mapping[str, FromNode]

    def order(self) -> list[Node]:
        """Return the nodes, each behind those that it depends on.

        Raises
        ------
        WorkflowNotValid
            They depend on each other in a circle.
        """
        by_id = {node.id: node for node in self.nodes}
        try:
            ids = TopologicalSorter({node.id: list(node.needs()) for node in self.nodes}).static_order()
            return [by_id[node_id] for node_id in ids]
        except CycleError as error:
            circle = list(reversed(error.args[1]))
            path = " needs ".join(map(repr, circle))
            raise WorkflowNotValid(
                f"node {circle[0]!r}: the nodes need each other in a circle: {path}; one of them has to do without"
            ) from error

    def outputs(self) -> tuple[Parameter, ...]:
        """Return the workflow's outputs: the nodes' own, under the workflow's names."""
        tasks = {node.id: node.task for node in self.nodes}
        return tuple(
            parameter.renamed(name)
            for name, source in self.results.items()
            for parameter in tasks[source.node].outputs
            if parameter.name == source.output
        )
