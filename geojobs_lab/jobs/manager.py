"""The manager: takes jobs, has them run, and keeps store, catalogue and files in step.

Owns the order of things: the row is on the disk before the job is queued, the result is whole before the row says
success, and what a job leaves behind goes with it. How a job may change is `lifecycle`'s matter, where it is kept
`store`'s, how it runs the executor's.
"""

import asyncio
import logging
import time
from collections import Counter, OrderedDict
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from contextlib import suppress
from dataclasses import replace
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
from geojobs_lab.jobs.leases import Leases
from geojobs_lab.jobs.lifecycle import Event, Fail, Job, PutBack, Revoke, Start, Succeed, advance
from geojobs_lab.jobs.queue import JobQueue, Order
from geojobs_lab.jobs.registered import RegisteredJob, RegisteredJobs
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.running import RunningJob, Written
from geojobs_lab.jobs.settling import STOPPED, Settling
from geojobs_lab.jobs.slots import SlotExecutor
from geojobs_lab.jobs.spec import Executor, JobSpec, Outcome
from geojobs_lab.jobs.store import Change, JobStore, SqliteJobStore
from geojobs_lab.jobs.submission import check_inputs, check_same, read_inputs, read_key, read_priority, read_timeout
from geojobs_lab.jobs.watching import Changes
from geojobs_lab.services import ServiceCatalogue

_log = logging.getLogger(__name__)

_LAST_WRITES = 1.5  # seconds in which the ends of jobs must be written when the server stops
_RETRY_AFTER = 5  # seconds after which a full queue may have room again
_HEARING = 0.25  # seconds between two looks whether another server has written
_LOOKING = 2.0  # seconds between two looks whether another server has gone
_CANCELLING = 6.0  # seconds that another server has to end a job
_FINISHING = 64  # ends of jobs that may be on their way to the disk while others begin
_REMEMBERED = 1000  # finished jobs whose documents are kept in memory
_PAGE = 200  # changes that are handed out at once
_GATHERED = 0.05  # seconds in which changes are gathered for those who follow them


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
    lease : float
        Seconds without a sign of life after which a server on another machine counts as gone.

    Attributes
    ----------
    on_finished : list of callable
        Called with each job that this server has brought to its end.
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
        lease: float = 60,
        executor: Executor | None = None,
    ) -> None:
        self.on_finished: list[Callable[[Job], None]] = []
        self._store: JobStore = SqliteJobStore(database, on_end=catalogue.release)
        self._catalogue = catalogue
        self._registered = registered
        self._executor = executor or SlotExecutor(max_workers, tasks=registered.task_paths)
        self._owner = catalogue.owner
        self._results = Results(data_dir)
        self._changes = Changes()
        self._leases = Leases(self._owner, self._store, lease)
        self._settling = Settling(self._owner.name, self._store, self._leases, self._results, self._changes)
        self._url_prefix = url_prefix
        self._max_queued = max_queued
        self._job_timeout = job_timeout
        self._best_fit_time = best_fit_time
        self._cleanup_interval = cleanup_interval
        self._queue = JobQueue()
        self._later: dict[str, tuple[Order, asyncio.TimerHandle]] = {}  # those that wait for a moment first
        self._available = asyncio.Event()
        self._adding = 0
        self._running: dict[str, tuple[RunningJob, Order]] = {}
        self._active: Counter[str] = Counter()  # registered job -> how many are in the executor's hands
        self._owed: dict[str, tuple[RunningJob, Order, Outcome]] = {}  # ends that the store has refused
        self._taken_over: dict[str, Job] = {}  # to be looked through before they are queued
        self._recent: OrderedDict[str, Job] = OrderedDict()
        self._stopping = False
        self._look = asyncio.Event()
        self._runners: list[asyncio.Task[None]] = []
        self._finishing: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_FINISHING)
        self._errands: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; jobs that waited when the last server ended are run, jobs that ran are put back or failed."""
        await asyncio.to_thread(self._owner.hold)
        self._registered.start()
        await self._executor.start()
        left = await self._settling.settle()
        await asyncio.to_thread(self._owner.sweep)
        await self._sweep()
        self._runners = [asyncio.create_task(self._serve_queue()) for _ in range(self._executor.capacity)]
        resuming = asyncio.create_task(self._resume(left))
        self._errands = [
            resuming,
            asyncio.create_task(self._clean_up(resuming)),
            asyncio.create_task(self._listen()),
            asyncio.create_task(self._look_around(resuming)),
        ]

    async def stop(self) -> None:
        """End running jobs and take no more; those that wait are left to the next server. May be called twice."""
        self._stopping = True
        self._changes.close()
        self._available.set()
        for task in self._errands:
            task.cancel()
        for _, timer in self._later.values():
            timer.cancel()
        await self._executor.stop()
        work = [*self._runners, *self._finishing]
        if work:  # they write the ends of their jobs now
            await asyncio.wait(work, timeout=_LAST_WRITES)
            await asyncio.wait([*work, *self._finishing], timeout=_LAST_WRITES)
        for task in (*self._runners, *self._finishing):
            task.cancel()
        await asyncio.gather(*self._runners, *self._finishing, *self._errands, return_exceptions=True)
        with suppress(StoreError):
            await self._store.release(self._owner.name)

    @property
    def running(self) -> int:
        """How many jobs run or wait for their turn."""
        return len(self._running) + self.waiting

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._queue) + len(self._later)

    @property
    def active(self) -> int:
        """How many jobs the executor is at work on."""
        return self._active.total()

    @property
    def workers(self) -> int:
        """How many processes there are to run jobs, idle ones included."""
        return self._executor.workers

    async def submit(
        self, job: object, inputs: object, *, priority: object = None, timeout: object = None, key: object = None
    ) -> tuple[Job, bool]:
        """Take a job: when this returns, it is on the disk.

        Parameters
        ----------
        job : str
            The name of a registered job.
        inputs : str, Mapping or None
            A JSON text that holds an object, or the object.
        priority : int, optional
            -1000 to 1000; those with more go first.
        timeout : float, optional
            Seconds that it may run; never more than the configuration allows.
        key : str, optional
            The ``Idempotency-Key``: sent again with the same job and inputs, it gives the first job again.

        Returns
        -------
        Job, bool
            The job, and whether it is new.

        Raises
        ------
        InvalidInput
            What was sent is wrong; the message names field and value. Nothing was written.
        QueueFull, ServerStopping
            It was right, and cannot be taken now.
        """
        self._refuse_when_stopping()
        idempotency = read_key(key)
        given = read_inputs(inputs)
        if idempotency is not None and (first := await self._store.with_key(idempotency)) is not None:
            check_same(first, job, given)
            return first, False
        rank, limit = read_priority(priority), read_timeout(timeout)
        registered, task = await self._registered.for_submission(job)
        services = await check_inputs(task, given.values, self._catalogue, best_fit_time=self._best_fit_time)
        self._refuse_when_stopping()
        if self.waiting + self._adding >= self._max_queued:
            raise QueueFull(f"{self._max_queued} jobs are waiting already", retry_after=_RETRY_AFTER)
        row = Job(
            uuid=str(uuid4()),
            job=registered.name,
            created=format_time(utc_now()),
            inputs=given.text,
            owner=self._owner.name,
            priority=rank,
            timeout=limit,
            key=idempotency,
            restartable=registered.rules.restartable,
        )
        self._adding += 1
        try:
            first = await self._store.add(row, also=self._catalogue.holding(row.uuid, services.values()))
        except NotFound as error:
            raise InvalidReference(f"inputs: {error}; it has just been removed", value=error.name) from None
        finally:
            self._adding -= 1
        if first is not None:  # the same key came twice at once
            check_same(first, job, given)
            return first, False
        _log.info("Job %s (%s) is pending", row.uuid, row.job)
        paths = {name: str(service.path) for name, service in services.items()}
        self._enqueue(Order(row, registered, given.values, paths))
        self._changes.notify(row)
        return row, True

    async def retry(self, uuid: str) -> Job:
        """Submit a job once more, as a new one.

        Raises
        ------
        NotFound
            There is no such job.
        InvalidInput, QueueFull, ServerStopping
            As `submit` does; what was right once may be wrong by now.
        """
        job = await self.get(uuid)
        again, _ = await self.submit(job.job, job.inputs, priority=job.priority, timeout=job.timeout)
        return again

    async def get(self, uuid: str) -> Job:
        """Return a job, or raise NotFound."""
        return self._known(uuid) or await self._store.get(uuid)

    async def wait(self, uuid: str, *, revision: int, timeout: float) -> Job:
        """Return a job when its revision is greater than `revision`, when it has ended, or after `timeout` seconds."""
        with self._changes.of(uuid) as news, suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                job = await self.get(uuid)
                while not (job.revision > revision or job.status.is_final or self._changes.is_closed):
                    await news.wait()
                    job = news.take() or await self._store.get(uuid)
                return job
        return await self.get(uuid)

    async def follow(self, after: int | None) -> AsyncIterator[tuple[int, Sequence[Change]]]:
        """Give the changes of all jobs on the data folder, whichever server makes them.

        What has changed several times since the last look comes once, as it is now, so a slow reader costs nothing.

        Parameters
        ----------
        after : int or None
            The number of the last change that is known already; None for all that there are now.

        Yields
        ------
        int, sequence of Change
            The number to go on with, and the changes; none of them the first time.
        """
        newest = await self._store.cursor()
        cursor = newest if after is None else min(after, newest)
        with self._changes.of_all() as news:
            yield cursor, ()
            while not self._changes.is_closed:
                news.take()
                changes = await self._store.changes(cursor, _PAGE)
                if changes:
                    cursor = changes[-1].number
                    yield cursor, changes
                    await asyncio.sleep(_GATHERED)
                else:
                    await news.wait()

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
        """Stop a job that waits or runs, in whichever server; when this returns, its worker has ended.

        A server that does not answer is waited for a few seconds; the job is then returned as it is.

        Raises
        ------
        Conflict
            It has ended already.
        """
        order = self._take_out(uuid)
        if order is not None:
            await self._revoke(order)
        elif uuid in self._running:
            await self._end_run(uuid)
        else:
            job = await self._store.get(uuid)
            if job.status.is_final or uuid in self._owed:
                raise Conflict(f"job {uuid} has ended: {job.history()}")
            await self._cancel_elsewhere(job)
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
        kept: list[Path] = []
        await self._store.delete(uuid, also=lambda c: kept.extend(self._catalogue.forget_results(c, uuid)))
        self._recent.pop(uuid, None)
        self._changes.notify_all()
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

    def _known(self, uuid: str) -> Job | None:
        """Return a job of this server as it stands in the store, without asking it."""
        if uuid in self._running:
            return self._running[uuid][0].job
        order = self._queue.get(uuid) or self._later.get(uuid, (None,))[0]
        return order.job if order is not None else self._recent.get(uuid)

    def _enqueue(self, order: Order) -> None:
        self._queue.add(order)
        self._available.set()

    def _enqueue_later(self, order: Order, delay: float) -> None:
        uuid = order.job.uuid

        def now() -> None:
            del self._later[uuid]
            self._enqueue(order)

        if not self._stopping:
            self._later[uuid] = (order, asyncio.get_running_loop().call_later(delay, now))

    def _take_out(self, uuid: str) -> Order | None:
        """Take a job out of the queue, if it waits."""
        order = self._queue.remove(uuid)
        if order is None and uuid in self._later:
            order, timer = self._later.pop(uuid)
            timer.cancel()
        return order

    # -- ending jobs

    async def _revoke(self, order: Order) -> None:
        """End a job that was taken out of the queue."""
        revoked = advance(order.job, Revoke(format_time(utc_now())))
        try:
            done = await self._store.replace(order.job, revoked)
        except StoreError:
            self._enqueue(order)  # nobody has written that it is over, so it is not
            raise
        if done:
            self._has_ended(revoked)

    async def _end_run(self, uuid: str) -> None:
        running, _ = self._running[uuid]
        running.cancelled = True
        self._executor.cancel(uuid)
        await running.over.wait()

    async def _cancel_elsewhere(self, job: Job) -> None:
        """End a job of another server: one that waits at once, one that runs by asking its server."""
        revoked = advance(job, Revoke(format_time(utc_now())))
        if job.status is Status.PENDING and await self._store.replace(job, revoked):
            self._has_ended(revoked)
            return
        await self._store.request_cancel(job.uuid)
        self._look.set()  # that server may be gone
        with self._changes.of(job.uuid) as news, suppress(TimeoutError, NotFound):
            async with asyncio.timeout(_CANCELLING):
                while not (await self._store.get(job.uuid)).status.is_final:
                    await news.wait()
                    news.take()

    def _has_ended(self, job: Job) -> None:
        self._recent[job.uuid] = job
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        self._changes.notify(job)
        _log.info("Job %s (%s) is %s", job.uuid, job.job, job.status.value)
        for listener in self.on_finished:
            listener(job)

    # -- running jobs

    async def _serve_queue(self) -> None:
        """Run jobs one after the other."""
        while not self._stopping:
            order = self._queue.take(self._may_run)
            if order is None:
                self._available.clear()
                await self._available.wait()
                continue
            try:
                await self._run(order)
            except StoreError as error:
                _log.error("Job %s cannot be started yet: %s", order.job.uuid, error)
                self._enqueue_later(order, _RETRY_AFTER)
            except Exception:  # noqa: BLE001  the runner must live on for the other jobs
                _log.exception("Job %s could not be brought to its end", order.job.uuid)

    def _may_run(self, registered: RegisteredJob) -> bool:
        most = registered.rules.max_running
        return most is None or self._active[registered.name] < most

    async def _run(self, order: Order) -> None:
        uuid, name = order.job.uuid, order.registered.name
        running = RunningJob(order.job, self._store, self._changes)
        self._running[uuid] = (running, order)
        self._active[name] += 1
        finishing = False
        try:
            if order.job.retried or order.job.lost:
                await self._results.remove(uuid)  # what the run before may have left
            if not await running.change(Start(format_time(utc_now()))):
                return  # another server has taken or revoked it
            _log.info("Job %s (%s) is started", uuid, order.job.job)
            outcome = Outcome("revoked")
            if not running.cancelled:
                outcome = await self._execute(order, running)
            # The next job begins while the end of this one is on its way to the disk.
            await self._room.acquire()
            finishing = True
            self._in_background(self._finish(running, order, outcome))
        finally:
            self._active[name] -= 1
            self._available.set()  # one that waited for this one of its kind
            if not finishing:
                del self._running[uuid]
                running.over.set()

    async def _finish(self, running: RunningJob, order: Order, outcome: Outcome) -> None:
        """Write how a run has ended, and see to it that what it has left on the disk agrees."""
        uuid = order.job.uuid
        try:
            if not running.taken:
                await self._write_end(running, order, outcome)
        finally:
            self._room.release()
            del self._running[uuid]
            running.over.set()

    async def _write_end(self, running: RunningJob, order: Order, outcome: Outcome) -> None:
        job = order.job
        event, delay = self._end(outcome, order)
        if outcome.kind != "success":
            await self._results.remove(job.uuid)
        if isinstance(event, PutBack):
            running.log(LogLine(time=format_time(utc_now()), level="WARNING", message=event.message))
        services = self._catalogue.results(job.uuid, outcome.services)
        written = await running.finish(event, also=self._catalogue.insertion(services))
        if written is Written.REFUSED:
            self._owed[job.uuid] = (running, order, outcome)
        elif written is Written.NOT_OURS:
            await self._forget_run(job.uuid)
        elif running.job.status.is_final:
            self._has_ended(running.job)
        else:
            _log.info("Job %s (%s) is %s", job.uuid, job.job, running.job.message)
            if running.job.owner == self._owner.name:
                self._enqueue_later(replace(order, job=running.job), delay)

    async def _forget_run(self, uuid: str) -> None:
        """Remove the files of a run whose job is not ours any more, unless they may be another server's by now."""
        with suppress(NotFound):
            if not (await self._store.get(uuid)).status.is_final:
                return
        await self._results.remove(uuid)

    async def _write_owed(self) -> None:
        """Write the ends that the store has refused before."""
        for uuid, (running, order, outcome) in list(self._owed.items()):
            del self._owed[uuid]
            await self._write_end(running, order, outcome)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._finishing.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._finishing.discard(task)
        if not task.cancelled() and (error := task.exception()) is not None:
            _log.error("The end of a job could not be written", exc_info=error)

    async def _execute(self, order: Order, running: RunningJob) -> Outcome:
        try:
            return await self._executor.run(self._spec(order), running)
        except Exception as error:  # noqa: BLE001  a mistake of ours must not leave a job that runs for ever
            _log.exception("Job %s could not be run", order.job.uuid)
            return Outcome.failure(
                type(error).__name__, "the server could not run it; its log tells why", order.job.job
            )

    def _end(self, outcome: Outcome, order: Order) -> tuple[Event, float]:
        """Return what the end of a run makes of its job, and how many seconds it waits if it is to run again."""
        now, job, rules = format_time(utc_now()), order.job, order.registered.rules
        match outcome.kind:
            case "success":
                return Succeed(now, dump_json(dict(outcome.outputs))), 0
            case "revoked":
                return Revoke(now), 0
            case "stopped" if job.restartable:
                return PutBack("put back: the server was stopped while it was running", None), 0
            case "stopped":
                return Fail(now, {**STOPPED, "where": job.job}), 0
        error = outcome.error or {"type": "RunError", "message": "no reason given", "where": job.job}
        delay = rules.delay(outcome.kinds, job.retried)
        if delay is None:
            return Fail(now, error), 0
        count = f"try {job.retried + 2} of {rules.retries + 1} follows in {delay:g} s"
        return PutBack(f"{count}, after {error['type']}: {error['message']}", self._owner.name, retried=1), delay

    def _spec(self, order: Order) -> JobSpec:
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
            timeout=registered.rules.time_limit(self._job_timeout, job.timeout),
        )

    # -- other servers, and earlier ones

    async def _listen(self) -> None:
        """Hear of what other servers on the data folder write."""
        version = None
        while True:
            try:
                newest = await self._store.version()
                if version not in (None, newest):
                    await self._hear_of_others()
                version = newest
            except StoreError as error:
                _log.debug("Other servers cannot be heard: %s", error)
            except Exception:  # noqa: BLE001  it must go on listening
                _log.exception("Other servers cannot be heard")
            await asyncio.sleep(_HEARING)

    async def _hear_of_others(self) -> None:
        ours = [*self._queue.uuids, *self._later, *self._running, *self._taken_over]
        owned = await self._store.owned(self._owner.name)
        self._recent.clear()
        for uuid in ours:
            running = self._running.get(uuid, (None,))[0]
            if running is not None and running.is_ending:
                continue
            if uuid not in owned:
                self._let_go(uuid, running)
            elif owned[uuid]:
                self._in_background(self._cancel_as_asked(uuid))
        self._changes.notify_all()
        if None in await self._store.owners():
            self._look.set()  # a server that has stopped has left jobs

    def _let_go(self, uuid: str, running: RunningJob | None) -> None:
        """Leave a job to the server that has taken or revoked it."""
        if running is None:
            self._take_out(uuid)
            self._taken_over.pop(uuid, None)
        elif not running.taken:
            _log.warning("Job %s is another server's by now: its run ends here", uuid)
            running.taken = True
            self._executor.cancel(uuid)

    async def _cancel_as_asked(self, uuid: str) -> None:
        with suppress(Conflict, NotFound, StoreError):
            await self.cancel(uuid)

    async def _look_around(self, resuming: asyncio.Task[None]) -> None:
        """Give signs of life, and take over from servers that give none."""
        await asyncio.wait([resuming])
        pause, given = self._leases.pause, float("-inf")
        while True:
            try:
                await self._write_owed()
                if self.running and time.monotonic() - given >= pause:
                    await self._leases.give_sign()
                    given = time.monotonic()
                await self._resume(await self._settling.settle())
            except StoreError as error:
                _log.warning("Jobs of other servers could not be looked for: %s", error)
            except Exception:  # noqa: BLE001  it must go on looking
                _log.exception("Jobs of other servers could not be looked for")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), min(_LOOKING, pause))
            self._look.clear()

    async def _sweep(self) -> None:
        """Remove the files that a crash has left without a row."""
        found = await asyncio.to_thread(self._results.by_job)
        statuses = await self._store.statuses(list(found))
        services = await self._catalogue.owned_paths()
        await asyncio.to_thread(self._results.sweep, found, statuses, services)

    async def _resume(self, jobs: Sequence[Job]) -> None:
        """Queue jobs of other servers; what has become wrong with them since fails them."""
        self._taken_over |= {job.uuid: job for job in jobs}
        for job in list(self._taken_over.values()):
            try:
                registered, task = await self._registered.for_submission(job.job)
                values = read_inputs(job.inputs).values
                services = await check_inputs(task, values, self._catalogue, best_fit_time=self._best_fit_time)
                # The servers of an earlier version have held nothing.
                holding = self._catalogue.holding(job.uuid, services.values())
                is_ours = not services or await self._store.replace(job, job, also=holding)
            except (InvalidInput, NotFound) as error:
                await self._fail(job, {"type": type(error).__name__, "message": str(error), "where": job.job})
            else:
                paths = {name: str(service.path) for name, service in services.items()}
                if is_ours:
                    self._enqueue(Order(job, registered, values, paths))
            self._taken_over.pop(job.uuid, None)

    async def _fail(self, job: Job, error: ErrorDocument) -> None:
        failed = advance(job, Fail(format_time(utc_now()), error))
        if await self._store.replace(job, failed):
            self._has_ended(failed)

    async def _clean_up(self, resuming: asyncio.Task[None]) -> None:
        await asyncio.wait([resuming])  # then all jobs hold what they use
        while True:
            try:
                await self._catalogue.remove_expired()
            except GeoJobsError as error:
                _log.warning("Temporary services could not be looked through: %s", error)
            await asyncio.sleep(self._cleanup_interval)
