"""How the nodes of one run speak through the run's context: one progress for all of them, every line with its node.

Nodes that run side by side report from several threads. Whoever listens hears them one after another, and sees the
whole only grow.
"""

import threading
from collections.abc import Iterable

from geojobs_lab.tasks import RunContext


class RunProgress:
    """The progress of a run: the mean of its nodes' own.

    Parameters
    ----------
    outer : RunContext
        Who listens.
    nodes : iterable of str
        The ids of all nodes.
    """

    def __init__(self, outer: RunContext, nodes: Iterable[str]) -> None:
        self.outer = outer
        self._done = dict.fromkeys(nodes, 0.0)
        self._lock = threading.Lock()

    def report(self, node: str, fraction: float | None, message: str) -> None:
        """Pass on how far a node is, 0..1; what lies behind what it has reported already counts as that."""
        with self._lock:  # while the listener is told too, or an older report could come in behind a newer one
            if fraction is None:
                self.outer.report(None, message)
                return
            self._done[node] = max(self._done[node], fraction)
            self.outer.report(sum(self._done.values()) / len(self._done), message)


class NodeContext(RunContext):
    """The run context of one node."""

    def __init__(self, run: RunProgress, node: str) -> None:
        self.resolver = run.outer.resolver
        self._run = run
        self._node = node
        self._message = node

    def report(self, fraction: float | None, message: str | None) -> None:
        """Take the node's own progress."""
        if message is not None:
            self._message = f"{self._node}: {message}"
        self._run.report(self._node, fraction, self._message)

    def log(self, level: str, message: str) -> None:
        """Take a line of the node's log."""
        self._run.outer.log(level, f"{self._node}: {message}")

    def begin(self) -> None:
        """Say that the node has been started."""
        self._run.report(self._node, 0.0, self._node)

    def finish(self) -> None:
        """Say that the node has done its work."""
        self._run.report(self._node, 1.0, self._node)
