"""A workflow: a graph of tasks that is itself a task.

Owns loading, the run, and the way back to JSON. The document is kept as it was read, so that it is written back
without loss, what this version does not know included. A workflow does not change: a run keeps its values to itself,
so one object runs many times, and at the same time in several threads.
"""

import copy
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn, Self

from geojobs_lab.documents import ServiceReference, dump_json, load_json
from geojobs_lab.errors import WorkflowNotValid
from geojobs_lab.parameters import ParameterCollection
from geojobs_lab.tasks import Registry, Task, default_registry
from geojobs_lab.workflows.checking import check_graph
from geojobs_lab.workflows.drawing import draw
from geojobs_lab.workflows.graph import Graph
from geojobs_lab.workflows.reading import normalise, read_graph, read_meta
from geojobs_lab.workflows.running import Plan, run

_DEEPEST = 100  # levels of objects and lists in a document


class Workflow(Task):
    """Tasks that hand values to each other, called like one task.

    Parameters
    ----------
    document : object
        The stored form, as plain JSON values.
    registry : Registry, optional
        Where the tasks are found; those of installed packages where it is left out.

    Raises
    ------
    WorkflowNotValid
        The workflow cannot be run; the message names the node.
    """

    description: str | None = None  # not this class's own docstring
    _document: dict[str, Any]
    _graph: Graph
    _plan: Plan

    def __init__(self, document: Mapping[str, Any], registry: Registry | None = None) -> None:
        own = normalise(_own(document))
        graph = read_graph(own, default_registry() if registry is None else registry)
        check_graph(graph)
        meta = read_meta(own)
        vars(self).update(
            name=meta["name"] or "",
            title=meta["title"],
            description=meta["description"],
            inputs=graph.inputs,
            outputs=graph.outputs(),
            _document=own,
            exposed=all(node.task.exposed for node in graph.nodes),
            _graph=graph,
            _plan=Plan.of(graph),
        )

    @classmethod
    def from_json(cls, text: str | bytes | Mapping[str, Any], registry: Registry | None = None) -> Self:
        """Load a workflow from JSON text, or from what the text holds.

        Raises
        ------
        WorkflowNotValid
            It is not JSON, or cannot be run; the message names the node.
        """
        if not isinstance(text, str | bytes):
            return cls(text, registry)
        try:
            document = load_json(text, unique=True)
        except ValueError as error:
            raise WorkflowNotValid(f"the workflow is not JSON: {error}") from error
        return cls(document, registry)

    @classmethod
    def from_file(cls, path: str | Path, registry: Registry | None = None) -> Self:
        """Load a workflow from a JSON file.

        Raises
        ------
        WorkflowNotValid
            The message names the file, without its folder.
        """
        path = Path(path)
        try:
            return cls.from_json(path.read_bytes(), registry)
        except OSError as error:
            raise WorkflowNotValid(f"the workflow file {path.name!r} cannot be read: {error.strerror}") from error
        except WorkflowNotValid as error:
            raise WorkflowNotValid(f"the workflow file {path.name!r}: {error}", value=error.value) from error

    def to_json(self) -> dict[str, Any]:
        """Return the stored form: what was read, literals included."""
        return copy.deepcopy(self._document)

    def execute(self, /, *args: Any, **inputs: Any) -> ParameterCollection:
        """Run the nodes, each behind those that it needs and beside those that it does not, and return the outputs.

        Raises
        ------
        NodeFailed
            Names the node; its own error is the cause.
        """
        return ParameterCollection(self.outputs, run(self._plan, inputs))  # a dictionary might be one output's value

    def references(self, cleaned: Mapping[str, Any]) -> Iterator[ServiceReference]:
        """Yield every reference that a run will resolve, those in the workflow's literals included."""
        yield from super().references(cleaned)
        for node in self._plan.nodes:
            yield from node.references()

    def __repr__(self) -> str:
        count = len(self._graph.nodes)
        return f"{super().__repr__()[:-1]}, {count} node{'s' * (count != 1)}>"

    def _repr_html_(self) -> str:
        return draw(self._graph, name=self.name, title=self.title, description=self.description)

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a workflow does not change: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a workflow does not change: {name} cannot be deleted")


def _own(document: Mapping[str, Any]) -> Any:
    """Return a copy of the document that nobody else holds, as plain JSON."""
    try:
        own = load_json(dump_json(document))
    except (TypeError, ValueError) as error:
        raise WorkflowNotValid(f"the workflow is not JSON: {error}") from error
    except RecursionError:
        raise WorkflowNotValid("the workflow is not JSON: it is nested too deeply") from None
    _refuse_deep(own)
    return own


def _refuse_deep(document: Any) -> None:
    # Python copies and writes values by recursion, and less deeply than it reads them.
    waiting = [(document, 1)]
    while waiting:
        value, depth = waiting.pop()
        if depth > _DEEPEST:
            raise WorkflowNotValid(f"the workflow is nested more than {_DEEPEST} levels deep")
        if isinstance(value, dict | list):
            waiting += [(item, depth + 1) for item in (value.values() if isinstance(value, dict) else value)]
