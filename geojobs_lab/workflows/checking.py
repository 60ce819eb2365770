"""What a graph has to pass before it can run; each refusal names the node and says what would help.

Owns the checks and their words. Everything here is known from the definition alone: nothing is opened and nothing run.
"""

from collections import Counter
from collections.abc import Iterable
from difflib import get_close_matches

from geojobs_lab.errors import ParameterNotValidError, WorkflowNotValid
from geojobs_lab.parameters import ListParameter, MultipleParameter, Parameter
from geojobs_lab.parameters.fitting import fits
from geojobs_lab.workflows.graph import FromInput, FromNode, Graph, Literal, Node


def check_graph(graph: Graph) -> None:
    """Refuse a graph that cannot run.

    Raises
    ------
    WorkflowNotValid
        Names the node, the input or the output that is wrong.
    """
    _refuse_twice("input", (parameter.name for parameter in graph.inputs))
    _refuse_twice("node", (node.id for node in graph.nodes))
    for node in graph.nodes:
        check_node(graph, node)
    graph.order()
    for name, source in graph.results.items():
        output_of(graph, source, f"output {name!r}")
    _refuse_unreachable(graph)


def check_node(graph: Graph, node: Node) -> None:
    """Refuse a node whose inputs are not those of its task, or come from what is not in the graph."""
    where = f"node {node.id!r}"
    parameters = {parameter.name: parameter for parameter in node.task.inputs}
    for name, source in node.inputs.items():
        if name not in parameters and not node.task.allow_extra_args:
            raise WorkflowNotValid(
                f"{where}: its task {node.task.label!r} has no input {name!r}; "
                f"{_meant(name, parameters)}it takes {listed(parameters)}"
            )
        if isinstance(source, Literal):
            _check_literal(node, name)
        else:
            _check_origin(graph, source, parameters.get(name), f"{where}, input {name!r}")
    missing = [p.name for p in node.task.inputs if p.required and p.name not in node.inputs]
    if missing:
        raise WorkflowNotValid(f"{where}: its task {node.task.label!r} requires {listed(missing)}, not given")
    _check_together(node)


def output_of(graph: Graph, source: FromNode, where: str) -> Parameter:
    """Return the parameter of a node's output.

    Raises
    ------
    WorkflowNotValid
        There is no such node, or its task has no such output.
    """
    tasks = {node.id: node.task for node in graph.nodes}
    if source.node not in tasks:
        raise WorkflowNotValid(
            f"{where}: there is no node {source.node!r}; {_meant(source.node, tasks)}there are {listed(tasks)}"
        )
    task = tasks[source.node]
    outputs = {parameter.name: parameter for parameter in task.outputs}
    if source.output not in outputs:
        raise WorkflowNotValid(
            f"{where}: node {source.node!r} ({task.label}) has no output {source.output!r}; it has {listed(outputs)}"
        )
    return outputs[source.output]


def listed(names: Iterable[str]) -> str:
    """Return names as a message lists them."""
    return ", ".join(map(repr, names)) or "none"


def _check_origin(graph: Graph, source: FromInput | FromNode, parameter: Parameter | None, where: str) -> None:
    if isinstance(source, FromNode):
        given, origin = output_of(graph, source, where), f"output {source.output!r} of node {source.node!r}"
    else:
        given, origin = _input_of(graph, source, where), f"the workflow's input {source.name!r}"
    if parameter is None:
        return
    if not fits(given, parameter):
        raise WorkflowNotValid(
            f"{where}: takes {_kind(parameter)}, and {origin} gives {_kind(given)}, which can never become that; take "
            "another source, or put a task between them that converts it"
        )
    if isinstance(source, FromInput) and parameter.required and _may_be_missing(given, parameter):
        raise WorkflowNotValid(
            f"{where}: is required, and {origin} need not be given; make that required, or give it a default"
        )


def _input_of(graph: Graph, source: FromInput, where: str) -> Parameter:
    inputs = {parameter.name: parameter for parameter in graph.inputs}
    if source.name not in inputs:
        raise WorkflowNotValid(
            f"{where}: the workflow has no input {source.name!r}; {_meant(source.name, inputs)}it has {listed(inputs)}"
        )
    return inputs[source.name]


def _may_be_missing(given: Parameter, parameter: Parameter) -> bool:
    """Tell whether a call that leaves out the workflow's input leaves a required one without an acceptable value."""
    if given.has_default:
        return given.default is None and not parameter.accepts_null
    return not given.required


def _check_literal(node: Node, name: str) -> None:
    try:
        node.clean_literal(name)
    except ParameterNotValidError as error:
        raise WorkflowNotValid(f"node {node.id!r}, input {error}", value=node.literals()[name]) from error


def _check_together(node: Node) -> None:
    literals = {name: node.clean_literal(name) for name in node.literals()}
    try:
        node.task.check_call(node.inputs, literals)
    except ParameterNotValidError as error:
        raise WorkflowNotValid(f"node {node.id!r}, input {error}", value=error.value) from error


def _refuse_unreachable(graph: Graph) -> None:
    needed = {source.node for source in graph.results.values()}
    for node in reversed(graph.order()):
        if node.id in needed:
            needed.update(node.needs())
    for node in graph.nodes:
        if node.id not in needed:
            raise WorkflowNotValid(
                f"node {node.id!r}: no output of the workflow depends on it; take it out, or name one of its outputs "
                "under 'outputs'"
            )


def _refuse_twice(kind: str, names: Iterable[str]) -> None:
    for name, times in Counter(names).items():
        if times > 1:
            raise WorkflowNotValid(f"{kind} {name!r}: there are {times} of this name; each needs one of its own")


def _meant(name: str, known: Iterable[str]) -> str:
    meant = get_close_matches(name, list(known), n=1)
    return f"did you mean {meant[0]!r}? " if meant else ""


def _kind(parameter: Parameter) -> str:
    if isinstance(parameter, ListParameter):
        return f"list of {_kind(parameter.item)}"
    if isinstance(parameter, MultipleParameter):
        return " or ".join(map(_kind, parameter.alternatives))
    return parameter.id
