"""What an executor is told to run, and what it says of the end; both are plain documents on their way to a worker."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, Self

from geojobs_lab.documents import ErrorDocument, LogLine


@dataclass(frozen=True, slots=True)
class JobSpec:
    """All that a worker needs to know of a job.

    Attributes
    ----------
    definition : Mapping
        ``{"type": "task", "task": dotted path}``, ``{"type": "workflow", "document": JSON, "tasks": dotted paths of
        those that its nodes name}`` or ``{"type": "library", "name": task name}``.
    inputs : Mapping
        As they were submitted.
    services : Mapping of str to str
        The published services that the inputs refer to: name -> path of the file.
    results_dir : str
        The job's own folder; made when the first result is written.
    href : str
        The URL of `results_dir`, without a slash at the end.
    renderer : str or None
        A renderer or a function that makes one, cloudpickled, in base64.
    timeout : float or None
        Seconds.
    """

    uuid: str
    job: str
    created: str
    definition: Mapping[str, Any]
    inputs: Mapping[str, Any]
    results_dir: str
    href: str
    services: Mapping[str, str] = field(default_factory=dict)
    publish: bool = False
    renderer: str | None = None
    best_fit_time: bool = True
    timeout: float | None = None

    def to_message(self) -> dict[str, Any]:
        """Return the document that goes to a worker."""
        return {"type": "job", **{name: getattr(self, name) for name in self.__slots__}}

    @classmethod
    def from_message(cls, message: Mapping[str, Any]) -> Self:
        """Read what `to_message` wrote."""
        return cls(**{name: message[name] for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended.

    Attributes
    ----------
    kind : str
        ``"stopped"``: the executor went down before the end.
    outputs : Mapping
        JSON values, of a success.
    services : sequence of Mapping
        The rasters that the worker wrote: name, path, title, renderer, info.
    error : ErrorDocument or None
        Of a failure.
    kinds : sequence of str
        Of a failure: the names of the exception's class and of its bases.
    """

    kind: Literal["success", "failure", "revoked", "stopped"]
    outputs: Mapping[str, Any] = field(default_factory=dict)
    services: Sequence[Mapping[str, Any]] = ()
    error: ErrorDocument | None = None
    kinds: Sequence[str] = ()

    @classmethod
    def failure(cls, kind: str, message: str, where: str) -> Self:
        """Return a failure of the given kind (an exception's name), message and place."""
        return cls("failure", error=ErrorDocument(type=kind, message=message, where=where), kinds=(kind,))


class Watcher(Protocol):
    """Who wants to hear of a running job; called on the event loop, must not block."""

    def progress(self, fraction: float | None, message: str | None) -> None:
        """The task is so far."""

    def log(self, line: LogLine) -> None:
        """The task, or something in its process, said this."""


class Executor(Protocol):
    """Something that runs jobs, `capacity` of them at once."""

    capacity: int

    @property
    def workers(self) -> int:
        """How many processes there are to run jobs, idle ones included."""

    async def start(self) -> None:
        """Make ready; returns before workers are."""

    async def run(self, spec: JobSpec, watcher: Watcher) -> Outcome:
        """Run a job to its end. Never raises for anything that a task does."""

    def cancel(self, uuid: str) -> None:
        """End a running job; its `run` then returns ``revoked``."""

    async def stop(self) -> None:
        """End all work; every `run` returns ``stopped``. No process is left. May be called twice."""
