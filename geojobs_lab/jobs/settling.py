"""What becomes of the jobs of servers that are gone.

Every server that uses the data folder looks for such jobs, at its start and every few seconds; a compare-and-set
decides which one gets a job.
"""

import asyncio
import itertools
import logging
from collections.abc import Callable, Iterable, Sequence

from geojobs_lab.documents import ErrorDocument, LogLine, Status, format_time, utc_now
from geojobs_lab.jobs.leases import Leases
from geojobs_lab.jobs.lifecycle import Adopt, Event, Fail, Job, PutBack, Revoke, advance
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.store import JobStore
from geojobs_lab.jobs.watching import Changes

_log = logging.getLogger(__name__)

_MOST_LOST = 3  # servers that may vanish under a job: it may be the job that takes them along
_AT_ONCE = 256  # jobs settled together, in one commit
STOPPED: ErrorDocument = {
    "type": "ServerStopped",
    "message": "the server stopped while the job was running",
    "where": "",
}


class Settling:
    """Takes over for a server what others have left.

    Parameters
    ----------
    owner : str
        The server.
    store, leases, results, changes
    has_ended : callable
        Called with each job that is brought to its end.
    """

    def __init__(
        self,
        owner: str,
        store: JobStore,
        leases: Leases,
        results: Results,
        changes: Changes,
        has_ended: Callable[[Job], None],
    ) -> None:
        self._owner = owner
        self._store = store
        self._leases = leases
        self._results = results
        self._changes = changes
        self._has_ended = has_ended

    async def settle(self) -> Sequence[Job]:
        """Bring the jobs of servers that are gone to this one, or to their end; return those that wait here now."""
        others = [owner for owner in await self._store.owners() if owner != self._owner]
        waiting: list[Job] = []
        for owner in await self._leases.gone(others):
            marks = await self._store.owned(owner)
            for jobs in _parts(await self._store.unfinished(owner)):
                settled = await asyncio.gather(*(self._settle(job, marks.get(job.uuid, False)) for job in jobs))
                waiting += [job for job in settled if job is not None]
            await self._leases.forget(owner)
        return sorted(waiting, key=lambda job: job.created)

    async def _settle(self, job: Job, is_cancelled: bool) -> Job | None:
        event = self._event(job, is_cancelled)
        settled = advance(job, event)
        if not await self._store.replace(job, settled, log=_told(event)):
            return None  # another server was faster
        if not settled.status.is_final:
            self._changes.notify(settled)
            return settled
        _log.info("Job %s (%s) is ended here: its server has gone", job.uuid, job.job)
        await self._results.remove(job.uuid)
        self._has_ended(settled)
        return None

    def _event(self, job: Job, is_cancelled: bool) -> Event:
        now = format_time(utc_now())
        if is_cancelled:
            return Revoke(now)
        if job.status is Status.PENDING:
            return Adopt(self._owner)
        if not job.restartable:
            return Fail(now, {**STOPPED, "where": job.job})
        if job.lost + 1 >= _MOST_LOST:
            message = f"the server stopped {_MOST_LOST} times while the job was running"
            return Fail(now, {**STOPPED, "message": message, "where": job.job})
        return PutBack("put back: its server stopped while it was running", self._owner, lost=1)


def _told(event: Event) -> Sequence[LogLine]:
    if not isinstance(event, PutBack):
        return []
    return [LogLine(time=format_time(utc_now()), level="WARNING", message=event.message)]


def _parts(jobs: Iterable[Job]) -> Iterable[Sequence[Job]]:
    rest = iter(jobs)
    while part := list(itertools.islice(rest, _AT_ONCE)):
        yield part
