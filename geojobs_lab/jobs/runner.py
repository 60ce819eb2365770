"""A server's own jobs from the queue to their end.

Owns which job runs when, what the end of a run makes of its job, and that the row says so before anybody else does.
An end that the store refuses is kept, and written when the store can be written again.
"""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Callable, Collection, Coroutine
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import Any

from geojobs_lab.documents import LogLine, format_time, utc_now
from geojobs_lab.errors import NotFound, StoreError
from geojobs_lab.jobs.ends import end_of_run
from geojobs_lab.jobs.lifecycle import Job, PutBack, Revoke, Start, advance
from geojobs_lab.jobs.places import Places
from geojobs_lab.jobs.queue import JobQueue, Order
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.running import RunningJob, Written
from geojobs_lab.jobs.spec import Executor, JobSpec, Outcome
from geojobs_lab.jobs.store import AlsoWrite, JobStore
from geojobs_lab.jobs.watching import Changes
from geojobs_lab.services import ServiceCatalogue

_log = logging.getLogger(__name__)

_LAST_WRITES = 1.5  # seconds in which the ends of jobs must be written when the server stops
_AGAIN = 5.0  # seconds after which a job whose start cannot be written is tried again
_FINISHING = 64  # ends of jobs that may be on their way to the disk while others begin
_REMEMBERED = 1000  # finished jobs whose documents are kept in memory


@dataclass(frozen=True, slots=True)
class Settings:
    """What all jobs of a server have in common.

    Attributes
    ----------
    url_prefix : str
        What the URLs of large outputs begin with.
    job_timeout : float or None
        Seconds that a job may run where its registration does not say.
    """

    url_prefix: str
    job_timeout: float | None = None
    best_fit_time: bool = True


class Runner:
    """Runs the jobs of one server.

    Attributes
    ----------
    on_finished : list of callable
        Called with each job that this server has brought to its end.
    """

    def __init__(
        self,
        settings: Settings,
        *,
        store: JobStore,
        catalogue: ServiceCatalogue,
        results: Results,
        executor: Executor,
        changes: Changes,
    ) -> None:
        self.on_finished: list[Callable[[Job], None]] = []
        self._settings = settings
        self._store = store
        self._catalogue = catalogue
        self._results = results
        self._executor = executor
        self._changes = changes
        self._queue = JobQueue()
        self._later: dict[str, tuple[Order, asyncio.TimerHandle]] = {}  # those that wait for a moment first
        self._places = Places()
        self._running: dict[str, tuple[RunningJob, Order]] = {}
        self._owed: dict[str, tuple[RunningJob, Order, Outcome]] = {}  # ends that the store has refused
        self._recent: OrderedDict[str, Job] = OrderedDict()
        self._stopping = False
        self._runners: set[asyncio.Task[None]] = set()
        self._background: set[asyncio.Task[None]] = set()
        self._room = asyncio.Semaphore(_FINISHING)

    def start(self) -> None:
        """Begin to run what waits."""
        self._places.open(self._executor.capacity)
        self._begin_waiting()

    async def stop(self) -> None:
        """End running jobs, and write their ends. May be called twice."""
        self._stopping = True
        for _, timer in self._later.values():
            timer.cancel()
        await self._executor.stop()
        for _ in range(2):  # the runs, and the ends that they have left to be written
            if work := [*self._runners, *self._background]:
                await asyncio.wait(work, timeout=_LAST_WRITES)
        for task in (work := [*self._runners, *self._background]):
            task.cancel()
        await asyncio.gather(*work, return_exceptions=True)

    # -- what there is

    @property
    def uuids(self) -> Collection[str]:
        """The jobs that wait or run here."""
        return [*self._queue.uuids, *self._later, *self._running]

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return len(self._queue) + len(self._later)

    @property
    def active(self) -> int:
        """How many jobs the executor is at work on."""
        return self._places.taken

    def owes_end_of(self, uuid: str) -> bool:
        """Tell whether a job has ended, but the store could not be told yet."""
        return uuid in self._owed

    def known(self, uuid: str) -> Job | None:
        """Return a job of this server as it stands in the store, without asking it."""
        if uuid in self._running:
            return self._running[uuid][0].job
        order = self._queue.get(uuid) or self._later.get(uuid, (None,))[0]
        return order.job if order is not None else self._recent.get(uuid)

    async def admit(self, order: Order, *, also: AlsoWrite) -> Job | None:
        """Put a new job into the store and let it wait; where a place is free it begins in the same write.

        Returns
        -------
        Job or None
            The job that has its key already; nothing was written then.
        """
        places = self._places
        at_once = places.are_free and not self._stopping and places.may_begin(order.registered)
        if at_once:
            order = replace(order, job=advance(order.job, Start(format_time(utc_now()))))
            places.take(order.registered)
        begins = False
        try:
            first = await self._store.add(order.job, also=also)
            begins = at_once and first is None
        finally:
            if at_once and not begins:
                self._leave_place(order)
        if first is not None:
            return first
        self._changes.notify(order.job)
        if not begins:
            self.add(order)
        elif self._stopping:
            await self._store.replace(order.job, advance(order.job, PutBack("put back: the server was stopped", None)))
        else:
            self._begin(order, is_started=True)
            await asyncio.sleep(0)  # a worker has the job before its sender has the answer
        return None

    def add(self, order: Order) -> None:
        """Let a job wait for its turn."""
        self._queue.add(order)
        self._begin_waiting()

    def _add_later(self, order: Order, delay: float) -> None:
        uuid = order.job.uuid

        def now() -> None:
            del self._later[uuid]
            self.add(order)

        if not self._stopping:
            self._later[uuid] = (order, asyncio.get_running_loop().call_later(delay, now))

    def take_out(self, uuid: str) -> Order | None:
        """Take a job out of the queue, if it waits."""
        order = self._queue.remove(uuid)
        if order is None and uuid in self._later:
            order, timer = self._later.pop(uuid)
            timer.cancel()
        return order

    # -- ending jobs

    async def revoke(self, order: Order) -> None:
        """End a job that was taken out of the queue."""
        revoked = advance(order.job, Revoke(format_time(utc_now())))
        try:
            done = await self._store.replace(order.job, revoked)
        except StoreError:
            self.add(order)  # nobody has written that it is over, so it is not
            raise
        if done:
            self.has_ended(revoked)

    async def end_run(self, uuid: str) -> bool:
        """End a job that runs, and return when its end is written; False when it does not run here."""
        if uuid not in self._running:
            return False
        running, _ = self._running[uuid]
        running.cancelled = True
        self._executor.cancel(uuid)
        await running.over.wait()
        return True

    def end_soon(self, uuid: str) -> None:
        """End a job because another server was asked to."""
        self._in_background(self._end_as_asked(uuid))

    async def _end_as_asked(self, uuid: str) -> None:
        order = self.take_out(uuid)
        if order is None:
            await self.end_run(uuid)
        else:
            with suppress(StoreError):  # it waits again, and may be asked for again
                await self.revoke(order)

    def let_go(self, uuid: str) -> None:
        """Leave a job to the server that has taken or revoked it."""
        running = self._running.get(uuid, (None,))[0]
        if running is None:
            self.take_out(uuid)
        elif not running.taken and not running.is_ending:
            _log.warning("Job %s is another server's by now: its run ends here", uuid)
            running.taken = True
            self._executor.cancel(uuid)

    def forget(self, uuid: str | None = None) -> None:
        """Forget how a job has ended, or all jobs, because that may not be so any more."""
        if uuid is None:
            self._recent.clear()
        else:
            self._recent.pop(uuid, None)

    def has_ended(self, job: Job) -> None:
        """Tell everybody that a job is over."""
        self._recent[job.uuid] = job
        while len(self._recent) > _REMEMBERED:
            self._recent.popitem(last=False)
        self._changes.notify(job)
        asyncio.get_running_loop().call_soon(self._tell, job)  # those who wait for it go first

    def _tell(self, job: Job) -> None:
        _log.info("Job %s (%s) is %s", job.uuid, job.job, job.status.value)
        for listener in self.on_finished:
            listener(job)

    # -- running jobs

    def _leave_place(self, order: Order) -> None:
        self._places.leave(order.registered)
        self._begin_waiting()

    def _begin_waiting(self) -> None:
        """Give the places that are free to jobs that wait."""
        while self._places.are_free and not self._stopping:
            order = self._queue.take(self._places.may_begin)
            if order is None:
                return
            self._places.take(order.registered)
            self._begin(order)

    def _begin(self, order: Order, *, is_started: bool = False) -> None:
        """Run a job that has a place; `is_started` when the store says so already."""
        running = RunningJob(order.job, self._store, self._changes)
        self._running[order.job.uuid] = running, order
        task = asyncio.get_running_loop().create_task(self._serve(running, order, is_started=is_started))
        self._runners.add(task)
        task.add_done_callback(self._runners.discard)

    async def _serve(self, running: RunningJob, order: Order, *, is_started: bool) -> None:
        try:
            await self._run(running, order, is_started=is_started)
        except StoreError as error:
            _log.error("Job %s cannot be started yet: %s", order.job.uuid, error)
            self._add_later(order, _AGAIN)
        except Exception:  # noqa: BLE001  its place must live on for other jobs
            _log.exception("Job %s could not be brought to its end", order.job.uuid)
        self._leave_place(order)

    async def _run(self, running: RunningJob, order: Order, *, is_started: bool) -> None:
        uuid = order.job.uuid
        finishing = False
        try:
            if order.job.retried or order.job.lost:
                await self._results.remove(uuid)  # what the run before may have left
            if not is_started and not await self._start(running, order):
                return  # another server has taken or revoked it
            outcome = Outcome("revoked")
            if not running.cancelled:
                outcome = await self._execute(order, running)
            # The next job begins while the end of this one is on its way to the disk.
            await self._room.acquire()
            finishing = True
            self._in_background(self._finish(running, order, outcome))
        finally:
            if not finishing:
                del self._running[uuid]
                running.over.set()

    async def _start(self, running: RunningJob, order: Order) -> bool:
        """Write that a job begins, before it does unless it may begin anew; False when it is not ours any more."""
        start = Start(format_time(utc_now()))
        if order.job.restartable and order.job.revision == 1:  # no server has been lost under it yet
            running.begin(start)
            return True
        return await running.change(start)

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
        event, delay = end_of_run(outcome, order, self._catalogue.owner.name)
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
            self.has_ended(running.job)
        else:
            _log.info("Job %s (%s) is %s", job.uuid, job.job, running.job.message)
            if running.job.owner == self._catalogue.owner.name:
                self._add_later(replace(order, job=running.job), delay)

    async def _forget_run(self, uuid: str) -> None:
        """Remove the files of a run whose job is not ours any more, unless they may be another server's by now."""
        with suppress(NotFound):
            if not (await self._store.get(uuid)).status.is_final:
                return
        await self._results.remove(uuid)

    async def write_owed(self) -> None:
        """Write the ends that the store has refused before."""
        for uuid, (running, order, outcome) in list(self._owed.items()):
            del self._owed[uuid]
            await self._write_end(running, order, outcome)

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._finished)

    def _finished(self, task: asyncio.Task[None]) -> None:
        self._background.discard(task)
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

    def _spec(self, order: Order) -> JobSpec:
        job, registered = order.job, order.registered
        return JobSpec(
            uuid=job.uuid,
            job=job.job,
            created=job.created,
            definition=registered.definition,
            inputs=order.values,
            results_dir=str(self._results.folder(job.uuid)),
            href=f"{self._settings.url_prefix}jobs/{job.uuid}/outputs",
            services=order.services,
            publish=registered.publish,
            renderer=registered.renderer,
            best_fit_time=self._settings.best_fit_time,
            timeout=registered.rules.time_limit(self._settings.job_timeout, job.timeout),
        )
