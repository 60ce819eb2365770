"""The life of a job as a pure function: `advance(job, event) -> job`.

Owns which step may follow which, and what each leaves in the job's document. No clock, no disk, no process: those who
have them build the event.
"""

from dataclasses import dataclass, replace
from typing import Any, assert_never

from geojobs_lab.documents import ErrorDocument, JobDocument, Status
from geojobs_lab.errors import IllegalTransition


@dataclass(frozen=True, slots=True)
class Job:
    """A job as it is stored: its document's fields, and who is responsible for it.

    Attributes
    ----------
    owner : str or None
        The server that runs it, or will; None when the next that looks may take it.
    priority : int
        Those with more go first.
    timeout : float or None
        Seconds that it may run, as asked for when it was submitted.
    key : str or None
        The submission's ``Idempotency-Key``.
    restartable : bool
        Whether it may begin anew when its server has gone.
    retried : int
        How many of its retries it has used.
    lost : int
        How often its server has vanished while it ran.
    """

    uuid: str
    job: str
    created: str
    inputs: str
    status: Status = Status.PENDING
    outputs: str = "{}"
    started: str | None = None
    finished: str | None = None
    progress: float | None = None
    message: str | None = None
    error: ErrorDocument | None = None
    revision: int = 1
    owner: str | None = None
    priority: int = 0
    timeout: float | None = None
    key: str | None = None
    restartable: bool = False
    retried: int = 0
    lost: int = 0

    def document(self) -> dict[str, Any]:
        """Return what the REST contract tells of the job; see `JobDocument`."""
        return {name: getattr(self, name) for name in JobDocument.__slots__}

    def history(self) -> str:
        """Say in words what has happened to the job."""
        steps = [f"created {self.created}"]
        if self.started:
            steps.append(f"started {self.started}")
        if self.finished:
            steps.append(f"ended {self.finished} with status {self.status.value!r}")
        return ", ".join(steps)


@dataclass(frozen=True, slots=True)
class Adopt:
    """A server takes over a job that waits, from one that is gone."""

    owner: str


@dataclass(frozen=True, slots=True)
class Start:
    """A worker begins."""

    time: str


@dataclass(frozen=True, slots=True)
class Report:
    """The task says how far it is: `progress` 0..1 or None for unknown, `message` None for unchanged."""

    progress: float | None
    message: str | None


@dataclass(frozen=True, slots=True)
class PutBack:
    """It could not go on where it ran, and waits again; the message says why.

    Attributes
    ----------
    owner : str or None
        Who is to run it now.
    retried, lost : int
        What this adds to the job's own count.
    """

    message: str
    owner: str | None
    retried: int = 0
    lost: int = 0


@dataclass(frozen=True, slots=True)
class Succeed:
    """The task has returned; `outputs` is a JSON text."""

    time: str
    outputs: str


@dataclass(frozen=True, slots=True)
class Fail:
    """The task, its worker or its server could not do it."""

    time: str
    error: ErrorDocument


@dataclass(frozen=True, slots=True)
class Revoke:
    """Somebody cancelled it."""

    time: str


Event = Adopt | Start | Report | PutBack | Succeed | Fail | Revoke

_ALLOWED: dict[type[Event], frozenset[Status]] = {
    Adopt: frozenset({Status.PENDING}),
    Start: frozenset({Status.PENDING}),
    Report: frozenset({Status.STARTED}),
    PutBack: frozenset({Status.STARTED}),
    Succeed: frozenset({Status.STARTED}),
    Fail: frozenset({Status.PENDING, Status.STARTED}),
    Revoke: frozenset({Status.PENDING, Status.STARTED}),
}


def advance(job: Job, event: Event) -> Job:
    """Return what the job becomes when the event happens.

    Raises
    ------
    IllegalTransition
        The event cannot follow; the message tells the job's history.
    """
    if job.status not in _ALLOWED[type(event)]:
        raise IllegalTransition(
            f"job {job.uuid} cannot {type(event).__name__.lower()} now: {job.history()}", job_id=job.uuid
        )
    revision = job.revision + 1
    match event:
        case Adopt(owner):
            return replace(job, owner=owner, revision=revision)
        case Start(time):
            return replace(job, status=Status.STARTED, started=time, message=None, revision=revision)
        case Report(progress, message):
            return replace(job, progress=progress, message=message or job.message, revision=revision)
        case PutBack(message, owner, retried, lost):
            return replace(
                job,
                status=Status.PENDING,
                started=None,
                progress=None,
                message=message,
                owner=owner,
                retried=job.retried + retried,
                lost=job.lost + lost,
                revision=revision,
            )
        case Succeed(time, outputs):
            return replace(job, status=Status.SUCCESS, finished=time, outputs=outputs, progress=1.0, revision=revision)
        case Fail(time, error):
            return replace(job, status=Status.FAILURE, finished=time, error=error, revision=revision)
        case Revoke(time):
            return replace(job, status=Status.REVOKED, finished=time, revision=revision)
        case _:
            assert_never(event)
