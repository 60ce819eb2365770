"""The tasks that the nodes of a configuration's workflow files may name: the library's, and the configuration's own.

A server and its workers make the same of the same dotted paths, so that a workflow that was checked in one runs in the
other, however long ago the worker was started.
"""

import logging
from collections.abc import Iterable, Mapping
from typing import Any, Self

from geojobs_lab.errors import ConfigurationError, NotFound
from geojobs_lab.tasks import Registry, Task, default_registry
from geojobs_lab.tasks.loading import load_task

_log = logging.getLogger(__name__)


class NodeTasks(Registry):
    """A registry that adds tasks to those of installed packages, and refuses names that mean two tasks."""

    def __init__(self, library: Registry) -> None:
        super().__init__()
        for name in library.names():
            self.register(library.get(name))
        self._paths: dict[str, str] = {}
        self._unclear: dict[str, str] = {}

    @classmethod
    def load(cls, paths: Iterable[str]) -> Self:
        """Return the library's tasks and those at dotted paths.

        Raises
        ------
        ConfigurationError
            There is no task at a path.
        """
        tasks = cls(default_registry())
        for path in paths:
            tasks.offer(load_task(path), path)
        return tasks

    def offer(self, task: Task, path: str) -> None:
        """Add a task under its own name, if it has one; a name that another task has means neither from now on."""
        if not task.name:
            return
        try:
            self.register(task)
        except ConfigurationError as error:
            _log.warning("Workflows cannot name a task: %s", error)
            self._unclear[task.name] = str(error)
        else:
            self._paths[task.name] = path

    def get(self, name: str) -> Task:
        """Return the task of this name.

        Raises
        ------
        NotFound
            There is none, or there are two.
        """
        if name in self._unclear:
            raise NotFound("task", name, f"two tasks are called {name!r}: {self._unclear[name]}")
        return super().get(name)

    def used_in(self, document: Mapping[str, Any]) -> list[str]:
        """Return the dotted paths of those that were offered and that a workflow's document names."""
        names = {node["task"] for node in document["workflow"]}
        return [path for name, path in self._paths.items() if name in names]
