"""A job while it runs: what its worker reports is gathered, and written to the store not too often."""

import asyncio
import contextlib
import logging
from collections import deque

from geojobs_lab.documents import LogLine
from geojobs_lab.errors import StoreError
from geojobs_lab.jobs.lifecycle import Event, Job, Report, advance
from geojobs_lab.jobs.store import LOG_LINES, AlsoWrite, JobStore
from geojobs_lab.jobs.watching import Changes

_log = logging.getLogger(__name__)

_PAUSE = 0.1  # seconds between two writes of a job's progress and log
_RETRIES = (0.2, 1.0, 5.0)  # seconds to wait when the end of a job cannot be written


class RunningJob:
    """The one place where a running job changes; it is the executor's `Watcher`.

    Attributes
    ----------
    job : Job
        As it stands in the store.
    cancelled : bool
        Somebody has asked for its end.
    over : asyncio.Event
        Set when the end is in the store.
    """

    def __init__(self, job: Job, store: JobStore, changes: Changes) -> None:
        self.job = job
        self.cancelled = False
        self.over = asyncio.Event()
        self._store = store
        self._changes = changes
        self._report: Report | None = None
        self._lines: deque[LogLine] = deque(maxlen=LOG_LINES)
        self._writing = asyncio.Lock()
        self._ending = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None

    def progress(self, fraction: float | None, message: str | None) -> None:
        """Take the newest progress; see `Watcher`."""
        self._report = Report(fraction, message)
        self._flush_soon()

    def log(self, line: LogLine) -> None:
        """Take a line of the log; see `Watcher`."""
        self._lines.append(line)
        self._flush_soon()

    async def change(self, event: Event, *, also: AlsoWrite | None = None) -> bool:
        """Put what the event makes of the job into the store; False when the job is not ours any more.

        Raises
        ------
        StoreError
            It could not be written.
        """
        async with self._writing:
            return await self._write(advance(self.job, event), also)

    async def finish(self, event: Event, *, also: AlsoWrite | None = None) -> bool:
        """Write the end of the job, with the last progress and log; tries again when the store refuses.

        False when it could not be written, or the job was not ours any more.
        """
        self._ending.set()
        for pause in (*_RETRIES, None):
            try:
                async with self._writing:
                    done = await self._write(advance(self._reported(), event), also)
                if not done:
                    _log.warning("Job %s was changed by somebody else while it ran", self.job.uuid)
                return done
            except StoreError as error:
                _log.error("The end of job %s could not be written: %s", self.job.uuid, error)
                if pause is not None:
                    await asyncio.sleep(pause)
        return False

    def _reported(self) -> Job:
        """Return the job with the newest progress in it, at one revision more at the most."""
        report, self._report = self._report, None
        if report is None or (report.progress, report.message) == (self.job.progress, self.job.message):
            return self.job
        return advance(self.job, report)

    async def _write(self, new: Job, also: AlsoWrite | None = None) -> bool:
        lines = list(self._lines)
        self._lines.clear()
        try:
            done = await self._store.replace(self.job, new, log=lines, also=also)
        except StoreError:
            self._lines.extendleft(reversed(lines))
            raise
        if done and new is not self.job:
            self.job = new
            self._changes.notify(new.uuid)
        return done

    def _flush_soon(self) -> None:
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        while (self._report or self._lines) and not self._ending.is_set():
            try:
                async with self._writing:
                    if not self._ending.is_set():
                        await self._write(self._reported())
            except StoreError as error:
                _log.warning("The progress of job %s could not be written: %s", self.job.uuid, error)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), _PAUSE)
