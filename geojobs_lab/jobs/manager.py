"""The manager: takes jobs, has them run, and keeps store, catalogue and files in step.

Owns the order of things: the row is on the disk before the job is queued, the result is whole before the row says
success, and what a job leaves behind goes with it. How a job may change is `lifecycle`'s matter, where it is kept
`store`'s, how it runs the executor's.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from uuid import uuid4

from geojobs_lab.database import Database
from geojobs_lab.documents import ErrorDocument, LogLine, Status, dump_json, format_time, utc_now
from geojobs_lab.errors import (
    Conflict,
    GeoJobsError,
    InvalidInput,
    InvalidReference,
    NotFound,
    QueueFull,
    ServerStopping,
    StoreError,
)
from geojobs_lab.jobs.lifecycle import Adopt, Event, Fail, Job, Revoke, Start, Succeed, advance
from geojobs_lab.jobs.registered import RegisteredJob, RegisteredJobs
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.running import RunningJob
from geojobs_lab.jobs.slots import SlotExecutor
from geojobs_lab.jobs.spec import Executor, JobSpec, Outcome
from geojobs_lab.jobs.store import JobStore, SqliteJobStore
from geojobs_lab.jobs.submission import check_inputs, read_inputs
from geojobs_lab.jobs.watching import Changes
from geojobs_lab.services import ServiceCatalogue

_log = logging.getLogger(__name__)

_LAST_WRITES = 3  # seconds in which the ends of jobs must be written when the server stops
_RETRY_AFTER = 5  # seconds after which a full queue may have room again
_GONE: ErrorDocument = {
    "type": "ServerStopped",
    "message": "the server stopped while the job was running",
    "where": "",
}


@dataclass(frozen=True, slots=True)
class _Order:
    """A job that waits, checked and ready to be handed to the executor."""

    job: Job
    registered: RegisteredJob
    values: Mapping[str, Any]
    services: Mapping[str, str]  # name -> path


class JobManager:
    """All jobs of one server.

    Parameters
    ----------
    data_dir : Path
        Where results are written; servers of one user may share it.
    url_prefix : str
        What the URLs of large outputs begin with, such as ``/user/x/geojobs/rest/``.
    max_workers, max_queued : int
        Jobs that run at once, and that wait at most.
    job_timeout : float or None
        Seconds that a job may run.
    cleanup_interval : float
        Seconds between two looks for temporary services that are too old.
    """

    def __init__(
        self,
        *,
        data_dir: Path,
        database: Database,
        catalogue: ServiceCatalogue,
        registered: RegisteredJobs,
        url_prefix: str,
        max_workers: int,
        max_queued: int = 10_000,
        job_timeout: float | None = None,
        best_fit_time: bool = True,
        cleanup_interval: float = 600,
        executor: Executor | None = None,
    ) -> None:
        self._store: JobStore = SqliteJobStore(database, on_end=catalogue.release)
        self._catalogue = catalogue
        self._registered = registered
        self._executor = executor or SlotExecutor(max_workers, tasks=registered.task_paths)
        self._owner = catalogue.owner
        self._results = Results(data_dir)
        self._url_prefix = url_prefix
        self._max_queued = max_queued
        self._job_timeout = job_timeout
        self._best_fit_time = best_fit_time
        self._cleanup_interval = cleanup_interval
        self._changes = Changes()
        self._queue: dict[str, _Order] = {}
        self._available = asyncio.Event()
        self._adding = 0
        self._running: dict[str, tuple[RunningJob, _Order]] = {}
        self._stopping = False
        self._runners: list[asyncio.Task[None]] = []
        self._errands: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; jobs that waited when the last server ended are run, jobs that ran are failed."""
        await asyncio.to_thread(self._owner.hold)
        self._registered.start()
        await self._executor.start()
        left = await self._settle_the_past()
        await self._sweep()
        self._runners = [asyncio.create_task(self._serve_queue()) for _ in range(self._executor.capacity)]
        resuming = asyncio.create_task(self._resume(left))
        self._errands = [resuming, asyncio.create_task(self._clean_up(resuming))]

    async def stop(self) -> None:
        """End running jobs and take no more; those that wait stay in the store. May be called twice."""
        self._stopping = True
        self._changes.close()
        self._available.set()
        for task in self._errands:
            task.cancel()
        await self._executor.stop()
        if self._runners:  # they write the ends of their jobs now
            _, late = await asyncio.wait(self._runners, timeout=_LAST_WRITES)
            for task in late:
                task.cancel()
        await asyncio.gather(*self._runners, *self._errands, return_exceptions=True)

    @property
    def running(self) -> int:
        """How many jobs run or wait for their turn."""
        return len(self._running) + len(self._queue)

    async def submit(self, job: object, inputs: object) -> Job:
        """Take a job: when this returns, it is on the disk.

        Parameters
        ----------
        job : str
            The name of a registered job.
        inputs : str, Mapping or None
            A JSON text that holds an object, or the object.

        Raises
        ------
        InvalidInput
            What was sent is wrong; the message names field and value. Nothing was written.
        QueueFull, ServerStopping
            It was right, and cannot be taken now.
        """
        self._refuse_when_stopping()
        registered, task = await self._registered.for_submission(job)
        given = read_inputs(inputs)
        services = await check_inputs(task, given.values, self._catalogue, best_fit_time=self._best_fit_time)
        self._refuse_when_stopping()
        if len(self._queue) + self._adding >= self._max_queued:
            raise QueueFull(f"{self._max_queued} jobs are waiting already", retry_after=_RETRY_AFTER)
        row = Job(
            uuid=str(uuid4()),
            job=registered.name,
            created=format_time(utc_now()),
            inputs=given.text,
            owner=self._owner.name,
        )
        self._adding += 1
        try:
            await self._store.add(row, also=self._catalogue.holding(row.uuid, services.values()))
        except NotFound as error:
            raise InvalidReference(f"inputs: {error}; it has just been removed", value=error.name) from None
        finally:
            self._adding -= 1
        _log.info("Job %s (%s) is pending", row.uuid, row.job)
        paths = {name: str(service.path) for name, service in services.items()}
        self._enqueue(_Order(row, registered, given.values, paths))
        return row

    async def get(self, uuid: str) -> Job:
        """Return a job, or raise NotFound."""
        return await self._store.get(uuid)

    async def wait(self, uuid: str, *, revision: int, timeout: float) -> Job:
        """Return a job when its revision is greater than `revision`, when it has ended, or after `timeout` seconds."""
        with self._changes.of(uuid) as changed, suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                while True:
                    changed.clear()
                    job = await self._store.get(uuid)
                    if job.revision > revision or job.status.is_final or self._changes.is_closed:
                        return job
                    await changed.wait()
        return await self._store.get(uuid)

    async def list(
        self,
        *,
        status: Status | None = None,
        job: str | None = None,
        uuids: Sequence[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[int, Sequence[Job]]:
        """Return how many jobs match, and a page of them, newest first."""
        return await self._store.list(status=status, job=job, uuids=uuids, limit=limit, offset=offset)

    async def log(self, uuid: str, offset: int) -> tuple[Sequence[LogLine], int]:
        """Return lines of a job's log from number `offset`, and the number to go on with."""
        return await self._store.log(uuid, offset)

    async def cancel(self, uuid: str) -> Job:
        """Stop a job that waits or runs; when this returns, its worker has ended.

        Raises
        ------
        Conflict
            It has ended already, or runs in another server.
        """
        order = self._queue.pop(uuid, None)
        if order is not None:
            revoked = advance(order.job, Revoke(format_time(utc_now())))
            try:
                await self._store.replace(order.job, revoked)
            except StoreError:
                self._enqueue(order)  # nobody has written that it is over, so it is not
                raise
            self._changes.notify(uuid)
            _log.info("Job %s (%s) is revoked", uuid, order.job.job)
        elif uuid in self._running:
            running, _ = self._running[uuid]
            running.cancelled = True
            self._executor.cancel(uuid)
            await running.over.wait()
        else:
            job = await self._store.get(uuid)
            state = "has ended" if job.status.is_final else "is in the hands of another server"
            raise Conflict(f"job {uuid} {state}: {job.history()}")
        return await self._store.get(uuid)

    async def delete(self, uuid: str) -> None:
        """Remove a job that has ended, its log, its files and its temporary services.

        Raises
        ------
        Conflict
            It has not ended, or a job uses one of its results.
        """
        job = await self._store.get(uuid)
        if not job.status.is_final:
            raise Conflict(f"job {uuid} has not ended: {job.history()}")
        services = await self._catalogue.of_job(uuid)
        going = [service.name for service in services if service.temporary]
        await self._store.delete(uuid, also=self._catalogue.deletion(going))
        kept = [service.path for service in services if not service.temporary]
        await self._results.remove_except(uuid, kept)
        _log.info("Job %s (%s) is removed", uuid, job.job)

    async def remove_service(self, name: str) -> None:
        """Remove a service.

        Raises
        ------
        Conflict
            A job uses it, or it belongs to the configuration.
        """
        await self._catalogue.remove(name)

    def output_file(self, uuid: str, name: str) -> Path:
        """Return the file of a large array output, or raise NotFound."""
        return self._results.array(uuid, name)

    def _refuse_when_stopping(self) -> None:
        if self._stopping:
            raise ServerStopping("the server is stopping and takes no new jobs")

    def _enqueue(self, order: _Order) -> None:
        self._queue[order.job.uuid] = order
        self._available.set()

    async def _serve_queue(self) -> None:
        """Run jobs, the oldest first, one after the other."""
        while not self._stopping:
            if not self._queue:
                self._available.clear()
                await self._available.wait()
                continue
            order = self._queue.pop(next(iter(self._queue)))
            try:
                await self._run(order)
            except Exception:  # noqa: BLE001  the runner must live on for the other jobs
                _log.exception("Job %s could not be brought to its end", order.job.uuid)

    async def _run(self, order: _Order) -> None:
        running = RunningJob(order.job, self._store, self._changes)
        self._running[order.job.uuid] = (running, order)
        try:
            if not await running.change(Start(format_time(utc_now()))):
                return  # another server has taken or revoked it
            _log.info("Job %s (%s) is started", order.job.uuid, order.job.job)
            outcome = Outcome("revoked")
            if not running.cancelled:
                outcome = await self._execute(order, running)
            if outcome.kind != "success":
                await self._results.remove(order.job.uuid)
            services = self._catalogue.results(order.job.uuid, outcome.services)
            if not await running.finish(_end(outcome, order.job), also=self._catalogue.insertion(services)):
                await self._results.remove(order.job.uuid)  # no row names them
            _log.info("Job %s (%s) is %s", order.job.uuid, order.job.job, running.job.status.value)
        finally:
            del self._running[order.job.uuid]
            running.over.set()

    async def _execute(self, order: _Order, running: RunningJob) -> Outcome:
        try:
            return await self._executor.run(self._spec(order), running)
        except Exception as error:  # noqa: BLE001  a mistake of ours must not leave a job that runs for ever
            _log.exception("Job %s could not be run", order.job.uuid)
            return Outcome.failure(
                type(error).__name__, "the server could not run it; its log tells why", order.job.job
            )

    def _spec(self, order: _Order) -> JobSpec:
        job, registered = order.job, order.registered
        return JobSpec(
            uuid=job.uuid,
            job=job.job,
            created=job.created,
            definition=registered.definition,
            inputs=order.values,
            results_dir=str(self._results.folder(job.uuid)),
            href=f"{self._url_prefix}jobs/{job.uuid}/outputs",
            services=order.services,
            publish=registered.publish,
            renderer=registered.renderer,
            best_fit_time=self._best_fit_time,
            timeout=self._job_timeout,
        )

    async def _settle_the_past(self) -> Sequence[Job]:
        """Fail what ran in servers that are gone, take over what waited in them."""
        left = []
        for job in await self._store.unfinished():
            if not await asyncio.to_thread(self._owner.is_gone, job.owner):
                continue
            if job.status is Status.PENDING:
                adopted = advance(job, Adopt(self._owner.name))
                if await self._store.replace(job, adopted):
                    await self._results.remove(job.uuid)
                    left.append(adopted)
            else:
                await self._results.remove(job.uuid)
                await self._fail(job, {**_GONE, "where": job.job})
        return left

    async def _sweep(self) -> None:
        """Remove the files that a crash has left without a row."""
        found = await asyncio.to_thread(self._results.by_job)
        statuses = await self._store.statuses(list(found))
        services = await self._catalogue.owned_paths()
        await asyncio.to_thread(self._results.sweep, found, statuses, services)

    async def _resume(self, jobs: Sequence[Job]) -> None:
        """Queue jobs of an earlier server; what has become wrong with them since fails them."""
        for job in jobs:
            try:
                registered, task = await self._registered.for_submission(job.job)
                values = read_inputs(job.inputs).values
                services = await check_inputs(task, values, self._catalogue, best_fit_time=self._best_fit_time)
                # The servers of an earlier version have held nothing.
                holding = self._catalogue.holding(job.uuid, services.values())
                if services and not await self._store.replace(job, job, also=holding):
                    continue  # it is not ours any more
            except (InvalidInput, NotFound) as error:
                await self._fail(job, {"type": type(error).__name__, "message": str(error), "where": job.job})
            else:
                paths = {name: str(service.path) for name, service in services.items()}
                self._enqueue(_Order(job, registered, values, paths))

    async def _fail(self, job: Job, error: ErrorDocument) -> None:
        await self._store.replace(job, advance(job, Fail(format_time(utc_now()), error)))
        _log.info("Job %s (%s) is failure: %s", job.uuid, job.job, error["message"])

    async def _clean_up(self, resuming: asyncio.Task[None]) -> None:
        await asyncio.wait([resuming])  # then all jobs hold what they use
        while True:
            try:
                await self._catalogue.remove_expired()
            except GeoJobsError as error:
                _log.warning("Temporary services could not be looked through: %s", error)
            await asyncio.sleep(self._cleanup_interval)


def _end(outcome: Outcome, job: Job) -> Event:
    now = format_time(utc_now())
    match outcome.kind:
        case "success":
            return Succeed(now, dump_json(dict(outcome.outputs)))
        case "revoked":
            return Revoke(now)
        case "stopped":
            return Fail(now, {**_GONE, "where": job.job})
        case "failure":
            return Fail(now, outcome.error or {"type": "RunError", "message": "no reason given", "where": job.job})
