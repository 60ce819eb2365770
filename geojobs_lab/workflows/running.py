"""One run of a workflow: which node next, in which thread, and what is kept until when.

Owns the order of events. Nodes that do not depend on each other run side by side: the caller's thread takes one, and
each further one that is ready gets a thread; a chain needs none. A value lives until the last node that needs it has
been called with it, so that a long chain holds a few rasters and not all of them.

After a failure nothing more is started, what runs is waited for, and the first failure is raised. An interrupt of
the caller (Ctrl-C) does not wait: what runs goes on to its end in its thread, and what it gives is dropped.
"""

import copy
import os
import threading
from collections import Counter, defaultdict, deque
from collections.abc import Mapping, Sequence
from contextvars import copy_context
from dataclasses import dataclass
from typing import Any

from geojobs_lab.errors import NodeFailed
from geojobs_lab.parameters import ParameterCollection
from geojobs_lab.tasks import current_context, use_context
from geojobs_lab.workflows.graph import FromInput, FromNode, Graph, Node
from geojobs_lab.workflows.reporting import NodeContext, RunProgress

# Nodes of one run that work at the same time: each holds its rasters, and more than there are cores gain nothing.
_AT_ONCE = max(4, os.cpu_count() or 1)


@dataclass(frozen=True, slots=True)
class Plan:
    """What a run has to know of its graph, found once for all runs.

    Attributes
    ----------
    nodes : sequence of Node
        Each behind those that it needs.
    followers : mapping of str to sequence of Node
        The nodes that need a node, by its id.
    needs : mapping of str to int
        How many nodes a node waits for, by its id.
    uses : mapping of FromNode to int
        How many times an output is taken: by inputs of nodes, and by outputs of the workflow.
    results : mapping of str to FromNode
        Where the workflow's outputs come from.
    """

    nodes: Sequence[Node]
    followers: Mapping[str, Sequence[Node]]
    needs: Mapping[str, int]
    uses: Mapping[FromNode, int]
    results: Mapping[str, FromNode]

    @classmethod
    def of(cls, graph: Graph) -> "Plan":
        """Return the plan of a graph that has been checked."""
        nodes = tuple(graph.order())
        followers: dict[str, list[Node]] = defaultdict(list)
        for node in nodes:
            for needed in set(node.needs()):
                followers[needed].append(node)
        taken = [source for node in nodes for source in node.inputs.values()]
        uses = Counter(source for source in (*taken, *graph.results.values()) if isinstance(source, FromNode))
        return cls(nodes, dict(followers), {node.id: len(set(node.needs())) for node in nodes}, uses, graph.results)


def run(plan: Plan, inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Run every node once and return the workflow's outputs by name.

    Parameters
    ----------
    plan : Plan
        Of the workflow.
    inputs : mapping of str to object
        The workflow's inputs, cleaned and resolved.

    Raises
    ------
    NodeFailed
        Names the node that failed first; its own error is the cause.
    """
    return _Run(plan, inputs).outputs()


class _Run:
    def __init__(self, plan: Plan, inputs: Mapping[str, Any]) -> None:
        self._plan = plan
        self._values = _Values(plan, inputs)
        self._progress = RunProgress(current_context(), (node.id for node in plan.nodes))
        self._context = copy_context()
        self._threads: list[threading.Thread] = []
        self._failure: BaseException | None = None
        self._changed = threading.Condition()  # guards what follows
        self._waits = dict(plan.needs)
        self._ready = deque(node for node in plan.nodes if not plan.needs[node.id])
        self._working = 0  # nodes that are under way
        self._idle = False  # whether the caller's thread waits for something to do
        self._stopped = False

    def outputs(self) -> dict[str, Any]:
        try:
            try:
                self._work_until_over()
            except Exception as error:  # noqa: BLE001  raised below, if it is the first
                self._fail(error)
            for thread in self._threads:
                thread.join()
        except BaseException:  # Ctrl-C, or what asks the process to exit
            self._stop()
            self._values.clear()
            raise
        failure, self._failure = self._failure, None
        try:
            if failure is not None:
                self._values.clear()
                raise failure
        finally:
            del failure  # its traceback holds this frame, and so it would hold itself
        return self._values.results()

    def _work_until_over(self) -> None:
        """Work on what is ready, and wait for it, until nothing is under way that could make more ready."""
        while True:
            with self._changed:
                self._idle = True
                self._changed.wait_for(lambda: self._may_start() or not self._working)
                self._idle = False
                if not self._may_start():
                    return
            self._work()

    def _help(self) -> None:
        """Work in a thread of the run's own, as long as there is something ready."""
        try:
            self._work()
        except BaseException as error:  # noqa: BLE001  it is the caller's
            self._fail(error)

    def _work(self) -> None:
        while (node := self._take()) is not None:
            try:
                self._context.copy().run(self._execute, node)
            except BaseException:
                self._stop()
                raise
            finally:
                self._leave(node)

    def _take(self) -> Node | None:
        """Return a node that is ready, and see to it that somebody takes the next one."""
        with self._changed:
            if not self._may_start():
                return None
            node = self._ready.popleft()
            self._working += 1
            if self._may_start() and self._idle:
                self._changed.notify()
            elif self._may_start():
                self._threads.append(threading.Thread(target=self._help, name="geojobs-workflow"))
                self._threads[-1].start()
            return node

    def _may_start(self) -> bool:
        return bool(self._ready) and self._working < _AT_ONCE

    def _leave(self, node: Node) -> None:
        """Count a node as over, and as ready those that waited for it alone."""
        with self._changed:
            self._working -= 1
            for follower in self._plan.followers.get(node.id, ()):
                self._waits[follower.id] -= 1
                if not self._waits[follower.id] and not self._stopped:
                    self._ready.append(follower)
            self._changed.notify()

    def _execute(self, node: Node) -> None:
        context = NodeContext(self._progress, node.id)
        try:
            with use_context(context):
                context.begin()
                # Nothing here may name the values: the node alone decides how long it holds its inputs.
                self._values.keep(node, node.task(**self._values.take(node)))
                context.finish()
        except Exception as error:
            raise NodeFailed(node.id, error) from error

    def _fail(self, error: BaseException) -> None:
        self._stop()
        with self._changed:
            first, self._failure = self._failure is None, self._failure or error
        if not first:
            self._progress.outer.log("ERROR", f"after another node had failed: {error}")

    def _stop(self) -> None:
        with self._changed:
            self._stopped = True
            self._ready.clear()


class _Values:
    """What the nodes have given, as long as anything may still take it."""

    def __init__(self, plan: Plan, inputs: Mapping[str, Any]) -> None:
        self._inputs = inputs
        self._results = plan.results
        self._uses = dict(plan.uses)
        self._kept: dict[FromNode, Any] = {}
        self._lock = threading.Lock()

    def take(self, node: Node) -> dict[str, Any]:
        """Return what a node is called with; what an optional input or output did not give is left out."""
        values = copy.deepcopy(node.literals())
        for name, source in node.inputs.items():
            if isinstance(source, FromInput) and source.name in self._inputs:
                values[name] = self._inputs[source.name]
            elif isinstance(source, FromNode) and source in self._kept:
                values[name] = self._use(source)
        return values

    def keep(self, node: Node, returned: ParameterCollection) -> None:
        """Keep of a node's outputs those that are used."""
        with self._lock:
            for name in returned:
                if (place := FromNode(node.id, name)) in self._uses:
                    self._kept[place] = returned[name]

    def results(self) -> dict[str, Any]:
        """Return the workflow's outputs, as far as they were given."""
        return {name: self._kept[source] for name, source in self._results.items() if source in self._kept}

    def clear(self) -> None:
        """Let go of everything, and keep nothing from now on."""
        with self._lock:
            self._uses.clear()
            self._kept.clear()

    def _use(self, source: FromNode) -> Any:
        with self._lock:
            self._uses[source] -= 1
            return self._kept[source] if self._uses[source] else self._kept.pop(source)
