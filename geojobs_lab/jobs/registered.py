"""The jobs that may be submitted: those of the configuration, and the library's tasks under their own names.

Owns the reading of `registered_jobs`. A wrong entry costs that job alone: it is logged once, listed as unavailable
with the reason, and its submissions are refused with it. Importing tasks is slow and is somebody else's code, so it is
done in a thread.
"""

import asyncio
import base64
import importlib
import logging
import os
import re
import reprlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import ConfigurationError, GeoJobsError, NotFound, UnknownJob
from geojobs_lab.jobs.nodes import NodeTasks
from geojobs_lab.jobs.rules import Rules, read_rules
from geojobs_lab.parameters.base import show
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.tasks import Registry, Task, default_registry
from geojobs_lab.tasks.loading import load_task
from geojobs_lab.threads import in_thread
from geojobs_lab.workflows import Workflow

_log = logging.getLogger(__name__)

_FOLDERS = re.compile(r"(?<![\w./:])/(?:[^\s/'\":,;()]+/)+(?=[^\s/])")  # of a path in somebody's message

_COMMON = {
    "type",
    "publish_raster_results",
    "results_renderer",
    "title",
    "description",
    *("timeout", "retries", "retry_on", "retry_delay", "restartable", "max_running"),
}
_KEYS = {"task": {"task", *_COMMON}, "workflow": {"path", *_COMMON}}


_RULES = Rules()
_LIBRARY_RULES = Rules(restartable=True)


@dataclass(frozen=True, slots=True)
class RegisteredJob:
    """A job that may be submitted; `reason` says why it may not after all.

    Attributes
    ----------
    definition : Mapping
        As in `JobSpec`.
    renderer : str or None
        The `results_renderer`, cloudpickled, in base64.
    rules : Rules
        How it is run.
    """

    name: str
    definition: Mapping[str, Any]
    task: Task | None = None
    title: str | None = None
    description: str | None = None
    publish: bool = False
    renderer: str | None = None
    reason: str | None = None
    rules: Rules = _RULES

    def document(self) -> dict[str, Any]:
        """Return what ``registered-jobs/`` tells of it."""
        described: dict[str, Any] = {"title": None, "description": None, "inputs": [], "outputs": []}
        if self.task is not None:
            described |= self.task.describe()
        return {
            "name": self.name,
            "title": self.title or described["title"],
            "description": self.description or described["description"],
            "inputs": described["inputs"],
            "outputs": described["outputs"],
            "publish_raster_results": self.publish,
            "available": self.reason is None,
            "reason": self.reason,
        }


class RegisteredJobs:
    """All jobs of a server.

    Parameters
    ----------
    entries : Mapping
        The configuration's `registered_jobs`, unchecked.
    expose_library : bool
        Whether tasks of the entry points may be submitted under their own names.
    """

    def __init__(self, entries: Mapping[str, Any], *, expose_library: bool = True) -> None:
        self._entries = entries
        self._expose_library = expose_library
        self._jobs: dict[str, RegisteredJob] = {}
        self._loading: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to import the tasks; returns at once."""
        self._loading = asyncio.create_task(in_thread(self._load))

    async def all(self) -> Sequence[RegisteredJob]:
        """Return the jobs: those of the configuration first, in its order."""
        await self._loaded()
        return list(self._jobs.values())

    async def get(self, name: str) -> RegisteredJob:
        """Return a job, or raise NotFound."""
        await self._loaded()
        if name not in self._jobs:
            raise NotFound("registered job", name)
        return self._jobs[name]

    async def for_submission(self, name: object) -> tuple[RegisteredJob, Task]:
        """Return a job that can be run, and its task.

        Raises
        ------
        UnknownJob
            There is none of that name, or its registration is wrong.
        """
        await self._loaded()
        if not isinstance(name, str) or not name:
            raise UnknownJob(f"job: expected the name of a registered job, got {reprlib.repr(name)}", value=name)
        job = self._jobs.get(name)
        if job is None:
            raise UnknownJob(f"job: there is no registered job {show(name)}", value=name)
        if job.task is None:
            raise UnknownJob(f"job: {name!r} is not available: {job.reason}", value=name)
        return job, job.task

    def task_paths(self) -> Sequence[str]:
        """Return the dotted paths of the tasks that could be loaded so far."""
        return [job.definition["task"] for job in self._jobs.values() if job.task and "task" in job.definition]

    async def _loaded(self) -> None:
        if self._loading is None:
            self.start()
        if self._loading is not None:
            await asyncio.shield(self._loading)

    def _load(self) -> None:
        load_libraries()  # the tasks are going to import them too
        library = default_registry()
        tasks = NodeTasks(library)
        entries = self._entries if isinstance(self._entries, Mapping) else {}
        jobs: dict[str, RegisteredJob] = dict.fromkeys(map(str, entries), _UNREAD)
        # Workflows last: the tasks that they name may stand behind them.
        for name, entry in sorted(entries.items(), key=lambda item: _is_workflow(item[1])):
            try:
                jobs[str(name)] = _read(str(name), entry, tasks)
            except BaseException as error:  # noqa: BLE001  somebody else's module may raise anything
                reason = str(error) or type(error).__name__
                _log.error("Registered job %r is not available: %s (entry %r)", name, reason, entry)
                # The log may tell where the server keeps its files, an answer to a client may not.
                jobs[str(name)] = RegisteredJob(str(name), definition={}, reason=_FOLDERS.sub("", reason))
        if self._expose_library:
            jobs |= {
                name: _of_library(library, name)
                for name in library.names()
                if name not in jobs and library.get(name).exposed
            }
        self._jobs = jobs


_UNREAD = RegisteredJob("", definition={})


def _is_workflow(entry: object) -> bool:
    return isinstance(entry, Mapping) and entry.get("type") == "workflow"


def _of_library(library: Registry, name: str) -> RegisteredJob:
    return RegisteredJob(
        name, definition={"type": "library", "name": name}, task=library.get(name), publish=True, rules=_LIBRARY_RULES
    )


def _read(name: str, entry: object, tasks: NodeTasks) -> RegisteredJob:
    """Check an entry of the configuration and load what it names; `tasks` is what nodes of workflows may name.

    Raises
    ------
    ConfigurationError
        The message says what is wrong with which key.
    """
    if not isinstance(entry, Mapping):
        raise ConfigurationError(f"expected a dictionary, got {entry!r}", entry=name)
    kind = entry.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise ConfigurationError(f"'type' must be 'task' or 'workflow', not {kind!r}", entry=name)
    unknown = sorted(set(map(str, entry)) - _KEYS[kind])
    if unknown:
        raise ConfigurationError(f"unknown key {unknown[0]!r}; known are {sorted(_KEYS[kind])}", entry=name)
    source = "task" if kind == "task" else "path"
    where = entry.get(source)
    if where is None:
        raise ConfigurationError(f"{source!r} is missing", entry=name)
    if not isinstance(where, str | Path) or not str(where):
        wanted = "the dotted path of a task" if kind == "task" else "the path of a file"
        raise ConfigurationError(f"{source!r} must be {wanted}, as a text, not {where!r}", entry=name)
    publish = entry.get("publish_raster_results", False)
    if not isinstance(publish, bool):
        raise ConfigurationError(f"'publish_raster_results' must be True or False, not {publish!r}", entry=name)
    for key in ("title", "description"):
        if not isinstance(entry.get(key), str | None):
            raise ConfigurationError(f"{key!r} must be a text, not {entry[key]!r}", entry=name)
    task, definition = _load_task(str(where), tasks) if kind == "task" else _load_workflow(name, str(where), tasks)
    return RegisteredJob(
        name,
        definition=definition,
        task=task,
        title=entry.get("title"),
        description=entry.get("description"),
        publish=publish,
        renderer=_pickled(name, entry.get("results_renderer")),
        rules=read_rules(name, entry),
    )


def _load_task(path: str, tasks: NodeTasks) -> tuple[Task, Mapping[str, Any]]:
    task = load_task(path)
    tasks.offer(task, path)
    return task, {"type": "task", "task": path}


def _load_workflow(name: str, where: str, tasks: NodeTasks) -> tuple[Task, Mapping[str, Any]]:
    path = Path(os.path.expanduser(where))  # noqa: PTH111  Path's own raises where there is no such user
    if not path.is_file():
        raise ConfigurationError(f"'path': there is no file {path.name!r}", entry=name)
    try:
        workflow = Workflow.from_file(path, tasks)
    except GeoJobsError as error:
        raise ConfigurationError(f"'path': {error}", entry=name) from error
    # What was checked here is what runs, even if the file changes.
    document = workflow.to_json()
    return workflow, {"type": "workflow", "document": dump_json(document), "tasks": tasks.used_in(document)}


def _pickled(name: str, style: object) -> str | None:
    """Return a `results_renderer` ready for the way to a worker."""
    import cloudpickle

    from geojobs_lab.renderers import Renderer

    if style is None:
        return None
    if isinstance(style, str):
        style = _imported(name, style)
    if not isinstance(style, Renderer) and not callable(style):
        raise ConfigurationError(
            f"'results_renderer' must be a renderer, a function that returns one, or a dotted path to either, "
            f"not {style!r}",
            entry=name,
        )
    try:
        return base64.b64encode(cloudpickle.dumps(style)).decode()
    except Exception as error:
        raise ConfigurationError(f"'results_renderer' cannot be sent to a worker: {error}", entry=name) from error


def _imported(name: str, path: str) -> object:
    module, _, attribute = path.rpartition(".")
    try:
        return getattr(importlib.import_module(module), attribute)
    except Exception as error:
        raise ConfigurationError(f"'results_renderer': {path!r} cannot be imported: {error}", entry=name) from error
