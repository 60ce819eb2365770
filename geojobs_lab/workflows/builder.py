"""Workflows written in Python: a few readable lines instead of JSON.

Owns the words of the builder and the document that it writes. What is wrong is refused at the line that says it, by
the same checks as when a workflow is loaded.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from geojobs_lab.documents import dump_json, load_json
from geojobs_lab.errors import ConfigurationError, NotFound, ParameterNotValidError, WorkflowNotValid
from geojobs_lab.parameters import Parameter
from geojobs_lab.parameters.base import show, to_json
from geojobs_lab.tasks import Registry, Task, default_registry
from geojobs_lab.tasks.hints import parameter_from_hint
from geojobs_lab.workflows.checking import check_node, listed, output_of
from geojobs_lab.workflows.graph import FromInput, FromNode, Graph, Literal, Node, Source
from geojobs_lab.workflows.workflow import Workflow

_OWN_NAME: Final = re.compile(r"\w+")


@dataclass(frozen=True, slots=True, eq=False)
class InputHandle:
    """An input of the workflow under construction."""

    builder: "WorkflowBuilder"
    name: str

    def __repr__(self) -> str:
        return f"<input {self.name!r} of {self.builder!r}>"


@dataclass(frozen=True, slots=True, eq=False)
class OutputHandle:
    """An output of a node."""

    builder: "WorkflowBuilder"
    place: FromNode

    def __repr__(self) -> str:
        return f"<output {self.place.output!r} of node {self.place.node!r} of {self.builder!r}>"


@dataclass(frozen=True, slots=True, eq=False)
class NodeHandle:
    """A node; ``node["mean"]`` is its output of that name, and where it has only one the node stands for it."""

    builder: "WorkflowBuilder"
    node: Node

    def __getitem__(self, output: str) -> OutputHandle:
        """Return the handle of an output.

        Raises
        ------
        WorkflowNotValid
            The node's task has none of this name.
        """
        place = FromNode(self.node.id, output)
        output_of(Graph((), (self.node,), {}), place, f"output {show(output)}")
        return OutputHandle(self.builder, place)

    def only_output(self) -> OutputHandle:
        """Return the handle of the only output.

        Raises
        ------
        WorkflowNotValid
            There are several, or none.
        """
        names = [parameter.name for parameter in self.node.task.outputs]
        if len(names) == 1:
            return self[names[0]]
        if not names:
            raise WorkflowNotValid(f"node {self.node.id!r} has no outputs: nothing can be taken from it")
        raise WorkflowNotValid(f"node {self.node.id!r} has the outputs {listed(names)}; say which: node[{names[0]!r}]")

    def __repr__(self) -> str:
        return f"<node {self.node.id!r} ({self.node.task.label}) of {self.builder!r}>"


Handle = InputHandle | OutputHandle | NodeHandle


class WorkflowBuilder:
    """Makes a `Workflow` line by line.

    Parameters
    ----------
    name, title, description : str, optional
        Of the workflow.
    registry : Registry, optional
        Where tasks that are given by name are found; those of installed packages where it is left out.

    Examples
    --------
    >>> build = WorkflowBuilder("warming")
    >>> data = build.input("data", Raster)
    >>> past = build.add("climate:period_mean", id="past", data=data, start="1961", end="1990")
    >>> future = build.add("climate:period_mean", id="future", data=data, start="2070", end="2099")
    >>> build.output("warming", build.add("raster:subtract", a=future, b=past))
    >>> workflow = build.build()
    """

    def __init__(
        self,
        name: str | None = None,
        *,
        title: str | None = None,
        description: str | None = None,
        registry: Registry | None = None,
    ) -> None:
        given = {"name": name, "title": title, "description": description}
        self._meta = {key: text for key, text in given.items() if text is not None}
        self._known = default_registry() if registry is None else registry
        self._used = Registry()
        self._inputs: dict[str, Parameter] = {}
        self._nodes: dict[str, Node] = {}
        self._results: dict[str, FromNode] = {}

    def input(self, parameter: Parameter | str, hint: Any = Any, /, **options: Any) -> InputHandle:
        """Declare an input of the workflow.

        Parameters
        ----------
        parameter : Parameter or str
            The parameter, or a name.
        hint : type
            What a name stands for, as in the signature of a function with ``@task``: ``Raster``, ``int``,
            ``Literal["a", "b"]``. Anything where it is left out.
        **options
            Of the parameter that a name stands for: `default`, `title`, `description`.

        Raises
        ------
        WorkflowNotValid
            There is an input of this name already.
        TypeError
            No parameter is known for the hint.
        """
        if not isinstance(parameter, Parameter):
            parameter = parameter_from_hint(hint, parameter, self._label(), **options)
        if not parameter.name or parameter.name in self._inputs:
            raise WorkflowNotValid(f"input {parameter.name!r}: each input needs a name of its own")
        self._inputs[parameter.name] = parameter
        return InputHandle(self, parameter.name)

    # `id` is the stored form's word. A task's own input of that name can be given in JSON only.
    def add(self, task: Task | type[Task] | str, /, *, id: str | None = None, **inputs: Any) -> NodeHandle:
        """Add a node.

        Parameters
        ----------
        task : Task, type of Task or str
            What the node does; a task that is not registered needs a name, and whoever loads the workflow's JSON
            needs a registry that has it.
        id : str, optional
            What messages and the progress call the node; made of the task's name where it is left out.
        **inputs
            The task's inputs: handles, or values that can stand in JSON.

        Raises
        ------
        WorkflowNotValid
            The task is not known, an input is missing, unknown or does not fit, or the id is taken.
        """
        ready = self._task(task)
        node_id = self._free_id(ready) if id is None else id
        if not node_id or node_id in self._nodes:
            raise WorkflowNotValid(f"node {node_id!r}: each node needs an id of its own")
        parameters = {parameter.name: parameter for parameter in ready.inputs}
        sources = {name: self._source(value, f"node {node_id!r}, input {name!r}") for name, value in inputs.items()}
        for name, source in sources.items():
            if isinstance(source, Literal):
                sources[name] = Literal(_plain(source.value, parameters.get(name), f"node {node_id!r}"))
        node = Node(node_id, ready, sources)
        check_node(self._graph(), node)
        self._nodes[node_id] = node
        return NodeHandle(self, node)

    def output(self, name: str, value: NodeHandle | OutputHandle) -> None:
        """Declare an output of the workflow: an output of a node.

        Raises
        ------
        WorkflowNotValid
            The name is taken, or `value` is no output of a node of this builder.
        """
        where = f"output {name!r}"
        if not name or name in self._results:
            raise WorkflowNotValid(f"{where}: each output needs a name of its own")
        place = self._source(value, where)
        if not isinstance(place, FromNode):
            raise WorkflowNotValid(f"{where}: must be an output of a node, not {_shown(value)}", value=value)
        self._results[name] = place

    def build(self) -> Workflow:
        """Return the workflow; what is added later does not change it.

        Raises
        ------
        WorkflowNotValid
            It has no outputs, or a node that none of them depends on.
        """
        return Workflow(self._document(), self._used)

    def __repr__(self) -> str:
        return f"<WorkflowBuilder {self._label()!r}>"

    def _label(self) -> str:
        return self._meta.get("name") or "workflow"

    def _graph(self) -> Graph:
        return Graph(tuple(self._inputs.values()), tuple(self._nodes.values()), self._results)

    def _task(self, task: Task | type[Task] | str) -> Task:
        """Return the task of a name, or one given as an object; a name means one task in the whole workflow."""
        name = task if isinstance(task, str) else getattr(task, "name", "")  # what has none is no task
        try:
            if name in self._known.names() and name not in self._used.names():
                self._used.register(self._known.get(name))
            if isinstance(task, str):
                return (self._used if name in self._used.names() else self._known).get(name)
            before = self._used.get(name) if name in self._used.names() else None
            if before is None:
                return self._used.register(task)
        except (ConfigurationError, NotFound) as error:
            raise WorkflowNotValid(str(error), value=task) from error
        if not _is_same(task, before):
            raise WorkflowNotValid(
                f"task {name!r}: another task has this name already; rename one, or use the same object twice",
                value=task,
            )
        return before

    def _free_id(self, task: Task) -> str:
        stem = "_".join(_OWN_NAME.findall(task.name.rpartition(":")[2])) or "node"
        taken = [stem, *(f"{stem}_{number}" for number in range(2, len(self._nodes) + 2))]
        return next(node_id for node_id in taken if node_id not in self._nodes)

    def _source(self, value: Any, where: str) -> Source:
        if isinstance(value, Handle) and value.builder is not self:
            raise WorkflowNotValid(f"{where}: {value!r} belongs to another workflow", value=value)
        if isinstance(value, NodeHandle):
            value = value.only_output()
        if isinstance(value, OutputHandle):
            return value.place
        if isinstance(value, InputHandle):
            return FromInput(value.name)
        if _holds_handle(value):
            raise WorkflowNotValid(
                f"{where}: a literal cannot hold an input or a node, as this {type(value).__name__} does; let a task "
                "make it of them",
                value=value,
            )
        return Literal(value)

    def _document(self) -> dict[str, Any]:
        return {
            "meta": dict(self._meta),
            "inputs": [_stored_input(parameter) for parameter in self._inputs.values()],
            "workflow": [
                {
                    "id": node.id,
                    "task": node.task.name,
                    "inputs": {name: _stored_source(source) for name, source in node.inputs.items()},
                }
                for node in self._nodes.values()
            ],
            "outputs": [{"name": name, "node": [place.node, place.output]} for name, place in self._results.items()],
        }


def _is_same(task: Task | type[Task], other: Task) -> bool:
    """Tell whether two tasks do the same: one class, and nothing of their own that differs."""
    if isinstance(task, type):
        return type(other) is task
    mine, theirs = vars(task), vars(other)
    return type(task) is type(other) and len(mine) == len(theirs) and all(theirs.get(k) is v for k, v in mine.items())


def _shown(value: Any) -> str:
    return repr(value) if isinstance(value, Handle) else show(value)


def _holds_handle(value: Any) -> bool:
    if isinstance(value, Mapping):
        return any(map(_holds_handle, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_holds_handle, value))
    return isinstance(value, Handle)


def _plain(value: Any, parameter: Parameter | None, where: str) -> Any:
    """Return a literal as plain JSON: a date as its text, a numpy number as a number."""
    try:
        return load_json(dump_json(value))
    except (TypeError, ValueError):
        pass
    try:
        cleaned = value if parameter is None else parameter.clean(value)
        return load_json(dump_json(to_json(cleaned)))
    except ParameterNotValidError as error:
        raise WorkflowNotValid(f"{where}, input {error}", value=value) from error
    except (TypeError, ValueError) as error:
        raise WorkflowNotValid(
            f"{where}: {show(value)} has no JSON form and cannot stand in a workflow; make it an input", value=value
        ) from error


def _stored_input(parameter: Parameter) -> dict[str, Any]:
    args = parameter.to_stored()
    return {"name": parameter.name, "type": parameter.id} | ({"args": args} if any(args) else {})


def _stored_source(source: Source) -> dict[str, Any]:
    match source:
        case FromInput(name):
            return {"source": "input", "input": name}
        case FromNode(node, output):
            return {"source": "dependency", "node": [node, output]}
        case Literal(value):
            return {"source": "literal", "input": value}
