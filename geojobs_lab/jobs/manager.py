"""The manager: what a server does with jobs, as others ask for it.

Owns what is asked for: jobs are taken (the row is on the disk before the job is queued), shown, ended, removed with
what they leave behind. How a job may change is `lifecycle`'s matter, where it is kept `store`'s, how it comes to its
end `runner`'s, what other servers have to do with it `neighbours`'.
"""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path
from uuid import uuid4

from geojobs_lab.database import Database
from geojobs_lab.documents import LogLine, Status, format_time, utc_now
from geojobs_lab.errors import Conflict, GeoJobsError, InvalidReference, NotFound, QueueFull, ServerStopping, StoreError
from geojobs_lab.jobs.leases import Leases
from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.jobs.neighbours import Neighbours
from geojobs_lab.jobs.queue import Order
from geojobs_lab.jobs.registered import RegisteredJobs
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.runner import Runner, Settings
from geojobs_lab.jobs.settling import Settling
from geojobs_lab.jobs.slots import SlotExecutor
from geojobs_lab.jobs.spec import Executor
from geojobs_lab.jobs.store import Change, JobStore, SqliteJobStore
from geojobs_lab.jobs.submission import check_inputs, check_same, read_inputs, read_key, read_priority, read_timeout
from geojobs_lab.jobs.watching import Changes
from geojobs_lab.services import ServiceCatalogue
from geojobs_lab.threads import in_thread

_log = logging.getLogger(__name__)

_RETRY_AFTER = 5  # seconds after which a full queue may have room again
_PAGE = 200  # changes that are handed out at once
_MOMENT = 0.02  # seconds in which what happens to a job that has begun is told at once
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
        self._store: JobStore = SqliteJobStore(database, on_end=catalogue.release)
        self._catalogue = catalogue
        self._registered = registered
        self._owner = catalogue.owner
        self._executor = executor or SlotExecutor(
            max_workers, tasks=registered.task_paths, temporary=self._owner.temporary
        )
        self._results = Results(data_dir)
        database.add_folder(self._results.root)
        self._changes = Changes()
        self._runner = Runner(
            Settings(url_prefix=url_prefix, job_timeout=job_timeout, best_fit_time=best_fit_time),
            store=self._store,
            catalogue=catalogue,
            results=self._results,
            executor=self._executor,
            changes=self._changes,
        )
        leases = Leases(self._owner, self._store, lease)
        self._settling = Settling(
            self._owner.name, self._store, leases, self._results, self._changes, self._runner.has_ended
        )
        self._neighbours = Neighbours(
            runner=self._runner,
            store=self._store,
            catalogue=catalogue,
            registered=registered,
            settling=self._settling,
            leases=leases,
            changes=self._changes,
            best_fit_time=best_fit_time,
        )
        self._max_queued = max_queued
        self._best_fit_time = best_fit_time
        self._cleanup_interval = cleanup_interval
        self._adding = 0
        self._stopping = False
        self._errands: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin to work; jobs that waited when the last server ended are run, jobs that ran are put back or failed."""
        await in_thread(self._owner.hold)
        self._registered.start()
        await self._executor.start()
        left = await self._settling.settle()
        await in_thread(self._owner.sweep)
        await self._sweep()
        self._runner.start()
        resuming = asyncio.create_task(self._neighbours.resume(left))
        self._errands = [
            resuming,
            asyncio.create_task(self._neighbours.listen()),
            asyncio.create_task(self._after(resuming, self._neighbours.look_around)),
            asyncio.create_task(self._after(resuming, self._clean_up)),  # then all jobs hold what they use
        ]

    async def stop(self) -> None:
        """End running jobs and take no more; those that wait are left to the next server. May be called twice."""
        self._stopping = True
        self._changes.close()
        for task in self._errands:
            task.cancel()
        await self._runner.stop()
        await asyncio.gather(*self._errands, return_exceptions=True)
        with suppress(StoreError):
            await self._store.release(self._owner.name)

    @property
    def on_finished(self) -> list[Callable[[Job], None]]:
        """Called with each job that this server has brought to its end."""
        return self._runner.on_finished

    @property
    def running(self) -> int:
        """How many jobs run or wait for their turn."""
        return len(self._runner.uuids)

    @property
    def waiting(self) -> int:
        """How many jobs wait."""
        return self._runner.waiting

    @property
    def active(self) -> int:
        """How many jobs are being run."""
        return self._runner.active

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
        paths = {name: str(service.path) for name, service in services.items()}
        order = Order(row, registered, given.values, paths)
        self._adding += 1
        try:
            first = await self._runner.admit(order, also=self._catalogue.holding(row.uuid, services.values()))
        except NotFound as error:
            raise InvalidReference(f"inputs: {error}; it has just been removed", value=error.name) from None
        finally:
            self._adding -= 1
        if first is not None:  # the same key came twice at once
            check_same(first, job, given)
            return first, False
        return row, True  # as it was when it was taken, even if it runs by now

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
        return self._runner.known(uuid) or await self._store.get(uuid)

    async def wait(self, uuid: str, *, revision: int, timeout: float) -> Job:
        """Return a job when its revision is greater than `revision`, when it has ended, or after `timeout` seconds.

        Of one that runs it is a moment later, so that a job that is over at once costs its client no second request.
        """
        with self._changes.of(uuid) as news, suppress(TimeoutError):
            async with asyncio.timeout(timeout):
                job = await self.get(uuid)
                while not (job.revision > revision or job.status.is_final or self._changes.is_closed):
                    await news.wait()
                    job = news.take() or await self._store.get(uuid)
                async with asyncio.timeout(_MOMENT):
                    while job.status is Status.STARTED and not self._changes.is_closed:
                        await news.wait()
                        job = news.take() or await self._store.get(uuid)
                return job
        return await self.get(uuid)

    async def follow(self, after: int | None) -> AsyncGenerator[tuple[int, Sequence[Change]], None]:
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
        order = self._runner.take_out(uuid)
        if order is not None:
            await self._runner.revoke(order)
        elif not await self._runner.end_run(uuid):
            job = await self._store.get(uuid)
            if job.status.is_final or self._runner.owes_end_of(uuid):
                raise Conflict(f"job {uuid} has ended: {job.history()}")
            await self._neighbours.cancel(job)
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
        self._runner.forget(uuid)
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

    async def _sweep(self) -> None:
        """Remove the files that a crash has left without a row."""
        found = await in_thread(self._results.by_job)
        statuses = await self._store.statuses(list(found))
        services = await self._catalogue.owned_paths()
        await in_thread(self._results.sweep, found, statuses, services)

    async def _after(self, first: asyncio.Task[None], then: Callable[[], Awaitable[None]]) -> None:
        await asyncio.wait([first])
        await then()

    async def _clean_up(self) -> None:
        while True:
            try:
                await self._catalogue.remove_expired()
            except GeoJobsError as error:
                _log.warning("Temporary services could not be looked through: %s", error)
            await asyncio.sleep(self._cleanup_interval)
