"""Tasks by name: explicit registration, and the entry points of installed packages.

Owns which task a name means. Loading from dotted paths and checking definitions is `loading`'s work.
"""

import logging
from collections.abc import Iterable
from difflib import get_close_matches
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from threading import Lock
from typing import Any

from geojobs_lab.errors import ConfigurationError, NotFound
from geojobs_lab.tasks.base import Task
from geojobs_lab.tasks.loading import as_task, one_line

ENTRY_POINT_GROUP = "geojobs_lab.tasks"

_logger = logging.getLogger(__name__)


class Registry:
    """The tasks that workflows and jobs may name."""

    def __init__(self) -> None:
        self._tasks: dict[str, Task] = {}

    def register(self, task: Task | type[Task]) -> Task:
        """Add a task, or a class of one, under its name; the same class or function again replaces itself.

        Raises
        ------
        ConfigurationError
            The task has no name, its name means another task already, or its definition does not hold.
        """
        ready = as_task(task, _origin(task))
        if not ready.name:
            raise ConfigurationError(f"{_origin(ready)!r} has no name to be registered under", entry=_origin(ready))
        other = self._tasks.get(ready.name)
        if other is not None and _origin(other) != _origin(ready):
            raise ConfigurationError(
                f"the name {ready.name!r} of {_origin(ready)!r} is taken by {_origin(other)!r}", entry=ready.name
            )
        self._tasks[ready.name] = ready
        return ready

    def get(self, name: str) -> Task:
        """Return the task of this name.

        Raises
        ------
        NotFound
            Names what is known.
        """
        if name in self._tasks:
            return self._tasks[name]
        meant = get_close_matches(name, self._tasks, n=1)
        hint = f"did you mean {meant[0]!r}? " if meant else ""
        known = ", ".join(map(repr, self.names())) or "none"
        raise NotFound("task", name, f"there is no task {name!r}; {hint}known are: {known}")

    def names(self) -> tuple[str, ...]:
        """Return the names, sorted."""
        return tuple(sorted(self._tasks))

    def load_entry_points(self, group: str = ENTRY_POINT_GROUP) -> None:
        """Register the tasks of installed packages; a broken one is logged and left out.

        An entry point leads to a `Task` class, a `Task` object, or an iterable of them.
        """
        for entry in sorted(entry_points(group=group), key=lambda entry: (entry.name, entry.value)):
            try:
                loaded = entry.load()
            except (Exception, SystemExit) as error:  # noqa: BLE001  # other people's module: anything may happen
                _leave_out(entry, one_line(error))
                continue
            for thing in _as_iterable(loaded):
                try:
                    self.register(thing)
                except ConfigurationError as error:
                    _leave_out(entry, str(error))


_loading = Lock()  # two first calls at once must not make two registries


def default_registry() -> Registry:
    """Return the registry of this process, with the tasks of installed packages loaded at the first call."""
    with _loading:
        return _load_default()


@cache
def _load_default() -> Registry:
    registry = Registry()
    registry.load_entry_points()
    return registry


def _leave_out(entry: EntryPoint, reason: str) -> None:
    _logger.error("Entry point %r of %s: a task is left out: %s", entry.name, entry.group, reason)


def _as_iterable(loaded: Any) -> Iterable[Any]:
    return loaded if isinstance(loaded, Iterable) and not isinstance(loaded, Task | type) else [loaded]


def _origin(task: Any) -> str:
    """Return where a task was written, which is what makes it the same task."""
    home = getattr(task, "__wrapped__", task if isinstance(task, type) else type(task))
    return f"{home.__module__}.{home.__qualname__}"
