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
from geojobs_lab.errors import NodeFailed, WorkflowNotValid
from geojobs_lab.parameters import ParameterCollection
from geojobs_lab.tasks import Registry, Task, current_context, default_registry, progress, use_context
from geojobs_lab.workflows.graph import FromInput, FromNode, Node
from geojobs_lab.workflows.reading import normalise, read_graph, read_meta


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
    _order: tuple[Node, ...]
    _results: Mapping[str, FromNode]

    def __init__(self, document: Mapping[str, Any], registry: Registry | None = None) -> None:
        own = normalise(_own(document))
        graph = read_graph(own, default_registry() if registry is None else registry)
        graph.check()
        meta = read_meta(own)
        vars(self).update(
            name=meta["name"] or "",
            title=meta["title"],
            description=meta["description"],
            inputs=graph.inputs,
            outputs=graph.outputs(),
            _document=own,
            _order=tuple(graph.order()),
            _results=graph.results,
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
            document = load_json(text)
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

    def execute(self, *args: Any, **inputs: Any) -> dict[str, Any]:
        """Run the nodes one after another, each behind those that it needs, and return the outputs.

        Raises
        ------
        NodeFailed
            Names the node; its own error is the cause.
        """
        context = current_context()
        done: dict[str, ParameterCollection] = {}
        for number, node in enumerate(self._order):
            part = context.part(number / len(self._order), (number + 1) / len(self._order), node.id)
            try:
                with use_context(part):
                    progress(0.0)
                    done[node.id] = node.task(**_inputs_of(node, inputs, done))
                    progress(1.0)
            except Exception as error:
                raise NodeFailed(node.id, error) from error
        return {
            name: done[source.node][source.output]
            for name, source in self._results.items()
            if source.output in done[source.node]
        }

    def references(self, cleaned: Mapping[str, Any]) -> Iterator[ServiceReference]:
        """Yield every reference that a run will resolve, those in the workflow's literals included."""
        yield from super().references(cleaned)
        for node in self._order:
            by_name = {parameter.name: parameter for parameter in node.task.inputs}
            given = {k: v for k, v in node.literals().items() if v is not None and k in by_name}
            yield from node.task.references({name: by_name[name].clean(value) for name, value in given.items()})

    def __setattr__(self, name: str, value: Any) -> NoReturn:
        raise AttributeError(f"a workflow does not change: {name} cannot be set")

    def __delattr__(self, name: str) -> NoReturn:
        raise AttributeError(f"a workflow does not change: {name} cannot be deleted")


def _inputs_of(node: Node, inputs: Mapping[str, Any], done: Mapping[str, ParameterCollection]) -> dict[str, Any]:
    """Return what a node is called with; what an optional input or output did not give is left out."""
    values = copy.deepcopy(node.literals())
    for name, source in node.inputs.items():
        if isinstance(source, FromInput) and source.name in inputs:
            values[name] = inputs[source.name]
        elif isinstance(source, FromNode) and source.output in done[source.node]:
            values[name] = done[source.node][source.output]
    return values


def _own(document: Mapping[str, Any]) -> Any:
    """Return a copy of the document that nobody else holds, as plain JSON."""
    try:
        return load_json(dump_json(document))
    except (TypeError, ValueError) as error:
        raise WorkflowNotValid(f"the workflow is not JSON: {error}") from error
