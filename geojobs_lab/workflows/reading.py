"""From the stored form of a workflow, strict JSON, to its graph.

Owns the form: which keys there are and what stands under them. Whether the graph can run is `graph`'s business.
"""

from typing import Any, TypeVar

from geojobs_lab.errors import NotFound, ParameterNotValidError, WorkflowNotValid
from geojobs_lab.parameters import Parameter, parameter_from_stored
from geojobs_lab.parameters.base import show
from geojobs_lab.tasks import Registry
from geojobs_lab.workflows.graph import FromInput, FromNode, Graph, Literal, Node, Source

Kind = TypeVar("Kind")

_KINDS: dict[type, str] = {str: "a text", list: "a list", dict: "an object"}


def normalise(document: Any) -> dict[str, Any]:
    """Return the document (which it changes) with literals where they belong: under ``input``.

    Older files have some under ``node``.

    Raises
    ------
    WorkflowNotValid
        The document is no workflow.
    """
    if not isinstance(document, dict):
        raise WorkflowNotValid(f"a workflow must be an object, not {show(document)}", value=document)
    for node in _items(document, "workflow"):
        inputs = node.get("inputs")
        for entry in inputs.values() if isinstance(inputs, dict) else ():
            is_literal = isinstance(entry, dict) and entry.get("source") == "literal"
            if is_literal and "input" not in entry and "node" in entry:
                entry["input"] = entry.pop("node")
    return document


def read_graph(document: dict[str, Any], registry: Registry) -> Graph:
    """Return the graph that a normalised document describes.

    Raises
    ------
    WorkflowNotValid
        A key is missing or holds the wrong thing, or a task or a type of parameter is not known.
    """
    graph = Graph(
        tuple(_read_input(entry) for entry in _items(document, "inputs", [])),
        tuple(_read_node(entry, number, registry) for number, entry in enumerate(_items(document, "workflow"), 1)),
        _read_results(_items(document, "outputs")),
    )
    if not graph.results:
        raise WorkflowNotValid("outputs: a workflow must give something, and the list is empty")
    return graph


def read_meta(document: dict[str, Any]) -> dict[str, Any]:
    """Return name, title and description, each a text or None."""
    meta = _get(document, "meta", dict, "workflow", {})
    return {key: _get({key: "", **_given(meta)}, key, str, "meta") or None for key in ("name", "title", "description")}


def _read_input(entry: dict[str, Any]) -> Parameter:
    name = _name(entry, "name", "inputs")
    try:
        return parameter_from_stored(_get(entry, "type", str, f"input {name!r}"), name, entry.get("args"))
    except ParameterNotValidError as error:
        raise WorkflowNotValid(f"input {error}", value=entry) from error


def _read_node(entry: dict[str, Any], number: int, registry: Registry) -> Node:
    node_id = _name(entry, "id", f"node number {number}")
    where = f"node {node_id!r}"
    try:
        task = registry.get(_name(entry, "task", where))
    except NotFound as error:
        raise WorkflowNotValid(f"{where}: {error}", value=entry["task"]) from error
    inputs = _get(entry, "inputs", dict, where, {})
    return Node(node_id, task, {name: _read_source(s, f"{where}, input {name!r}") for name, s in inputs.items()})


def _read_source(entry: Any, where: str) -> Source:
    if not isinstance(entry, dict):
        raise WorkflowNotValid(f"{where}: must be an object with a source, not {show(entry)}", value=entry)
    source = entry.get("source")
    if source == "input":
        return FromInput(_get(entry, "input", str, where))
    if source == "dependency":
        return _read_place(entry, where)
    if source != "literal":
        raise WorkflowNotValid(
            f"{where}: the source must be one of 'input', 'dependency', 'literal', not {show(source)}", value=source
        )
    if "input" not in entry:
        raise WorkflowNotValid(f"{where}: the literal has no value under 'input'", value=entry)
    return Literal(entry["input"])


def _read_place(entry: dict[str, Any], where: str) -> FromNode:
    place = _get(entry, "node", list, where)
    if len(place) != 2 or not all(isinstance(part, str) for part in place):
        raise WorkflowNotValid(f"{where}: 'node' must be [node id, output name], not {show(place)}", value=place)
    return FromNode(*place)


def _read_results(entries: list[dict[str, Any]]) -> dict[str, FromNode]:
    results: dict[str, FromNode] = {}
    for entry in entries:
        name = _name(entry, "name", "outputs")
        if name in results:
            raise WorkflowNotValid(f"output {name!r}: there are several of this name")
        results[name] = _read_place(entry, f"output {name!r}")
    return results


def _items(document: dict[str, Any], key: str, default: list[Any] | None = None) -> list[dict[str, Any]]:
    items = _get(document, key, list, "workflow", default)
    for number, item in enumerate(items, 1):
        if not isinstance(item, dict):
            raise WorkflowNotValid(f"{key}: number {number} must be an object, not {show(item)}", value=item)
    return items


def _name(entry: dict[str, Any], key: str, where: str) -> str:
    name = _get(entry, key, str, where)
    if not name:
        raise WorkflowNotValid(f"{where}: {key!r} is empty", value=entry)
    return name


def _get(entry: dict[str, Any], key: str, kind: type[Kind], where: str, default: Kind | None = None) -> Kind:
    if key not in entry and default is not None:
        return default
    if key not in entry:
        raise WorkflowNotValid(f"{where}: {key!r} is missing", value=entry)
    value = entry[key]
    if not isinstance(value, kind):
        raise WorkflowNotValid(f"{where}: {key!r} must be {_KINDS[kind]}, not {show(value)}", value=value)
    return value


def _given(meta: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in meta.items() if value is not None}
