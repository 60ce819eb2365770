"""The other servers on a data folder: hearing of what they write, taking over what they leave, ending what they run."""

import asyncio
import logging
import time
from collections.abc import Sequence
from contextlib import suppress

from geojobs_lab.documents import ErrorDocument, Status, format_time, utc_now
from geojobs_lab.errors import InvalidInput, NotFound, StoreError
from geojobs_lab.jobs.leases import Leases
from geojobs_lab.jobs.lifecycle import Fail, Job, Revoke, advance
from geojobs_lab.jobs.queue import Order
from geojobs_lab.jobs.registered import RegisteredJobs
from geojobs_lab.jobs.runner import Runner
from geojobs_lab.jobs.settling import Settling
from geojobs_lab.jobs.store import JobStore
from geojobs_lab.jobs.submission import check_inputs, read_inputs
from geojobs_lab.jobs.watching import Changes
from geojobs_lab.services import ServiceCatalogue

_log = logging.getLogger(__name__)

_HEARING = 0.25  # seconds between two looks whether another server has written
_LOOKING = 2.0  # seconds between two looks whether another server has gone
_CANCELLING = 6.0  # seconds that another server has to end a job


class Neighbours:
    """What a server has to do with others on its data folder."""

    def __init__(
        self,
        *,
        runner: Runner,
        store: JobStore,
        catalogue: ServiceCatalogue,
        registered: RegisteredJobs,
        settling: Settling,
        leases: Leases,
        changes: Changes,
        best_fit_time: bool,
    ) -> None:
        self._runner = runner
        self._store = store
        self._catalogue = catalogue
        self._registered = registered
        self._settling = settling
        self._leases = leases
        self._changes = changes
        self._best_fit_time = best_fit_time
        self._look = asyncio.Event()
        self._taken_over: dict[str, Job] = {}  # to be looked through before they are queued

    async def listen(self) -> None:
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
        ours = [*self._runner.uuids, *self._taken_over]
        owned = await self._store.owned(self._catalogue.owner.name)
        self._runner.forget()
        for uuid in ours:
            if uuid not in owned:
                self._taken_over.pop(uuid, None)
                self._runner.let_go(uuid)
            elif owned[uuid]:
                self._runner.end_soon(uuid)
        self._changes.notify_all()
        if None in await self._store.owners():
            self._look.set()  # a server that has stopped has left jobs

    async def look_around(self) -> None:
        """Give signs of life, and take over from servers that give none."""
        pause, given = self._leases.pause, float("-inf")
        while True:
            try:
                await self._runner.write_owed()
                if (self._runner.uuids or self._taken_over) and time.monotonic() - given >= pause:
                    await self._leases.give_sign()
                    given = time.monotonic()
                await self.resume(await self._settling.settle())
            except StoreError as error:
                _log.warning("Jobs of other servers could not be looked for: %s", error)
            except Exception:  # noqa: BLE001  it must go on looking
                _log.exception("Jobs of other servers could not be looked for")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), min(_LOOKING, pause))
            self._look.clear()

    async def resume(self, jobs: Sequence[Job]) -> None:
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
                    self._runner.add(Order(job, registered, values, paths))
            self._taken_over.pop(job.uuid, None)

    async def _fail(self, job: Job, error: ErrorDocument) -> None:
        failed = advance(job, Fail(format_time(utc_now()), error))
        if await self._store.replace(job, failed):
            self._runner.has_ended(failed)

    async def cancel(self, job: Job) -> None:
        """End a job of another server: one that waits at once, one that runs by asking its server."""
        revoked = advance(job, Revoke(format_time(utc_now())))
        if job.status is Status.PENDING and await self._store.replace(job, revoked):
            self._runner.has_ended(revoked)
            return
        await self._store.request_cancel(job.uuid)
        self._look.set()  # that server may be gone
        with self._changes.of(job.uuid) as news, suppress(TimeoutError, NotFound):
            async with asyncio.timeout(_CANCELLING):
                while not (await self._store.get(job.uuid)).status.is_final:
                    await news.wait()
                    news.take()
