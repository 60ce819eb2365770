"""A job while it runs: what its worker reports is gathered, and written to the store not too often."""

import asyncio
import contextlib
import logging
from collections import deque
from collections.abc import Sequence
from enum import Enum

from geojobs_lab.documents import LogLine, format_time, utc_now
from geojobs_lab.errors import StoreError
from geojobs_lab.jobs.lifecycle import Event, Job, Report, Start, advance
from geojobs_lab.jobs.store import LOG_LINES, AlsoWrite, JobStore
from geojobs_lab.jobs.watching import Changes

_log = logging.getLogger(__name__)

_MOMENT = 0.005  # seconds after which the start of a job is written that may begin anew
_PAUSE = 0.1  # seconds between two writes of a job's progress and log
_AGAIN = 5.0  # seconds after which a write that the store has refused is tried again


class Written(Enum):
    """What has come of writing the end of a job."""

    DONE = "done"
    NOT_OURS = "not ours"  # somebody else has changed the job meanwhile
    REFUSED = "refused"  # the store cannot be written now


class RunningJob:
    """The one place where a running job changes; it is the executor's `Watcher`.

    Attributes
    ----------
    job : Job
        As it stands in the store.
    cancelled : bool
        Somebody has asked for its end.
    taken : bool
        Another server has the job now: nothing of it may be written, or removed, any more.
    over : asyncio.Event
        Set when the end is in the store, or cannot be.
    """

    def __init__(self, job: Job, store: JobStore, changes: Changes) -> None:
        self.job = job
        self.cancelled = False
        self.taken = False
        self.over = asyncio.Event()
        self._store = store
        self._changes = changes
        self._start: Start | None = None  # until it is written
        self._report: Report | None = None
        self._lines: deque[LogLine] = deque(maxlen=LOG_LINES)
        self._dropped = 0
        self._writing = asyncio.Lock()
        self._ending = asyncio.Event()
        self._flusher: asyncio.Task[None] | None = None

    def progress(self, fraction: float | None, message: str | None) -> None:
        """Take the newest progress; see `Watcher`."""
        self._report = Report(fraction, message)
        self._flush_soon()

    def log(self, line: LogLine) -> None:
        """Take a line of the log; see `Watcher`."""
        self._dropped += len(self._lines) == LOG_LINES
        self._lines.append(line)
        self._flush_soon()

    @property
    def is_ending(self) -> bool:
        """Tell whether the end is being written."""
        return self._ending.is_set()

    def begin(self, event: Start) -> None:
        """Take the start: it is written in a moment, or with the end where that comes first."""
        self._start = event
        asyncio.get_running_loop().call_later(_MOMENT, self._flush_start)

    def _flush_start(self) -> None:
        if self._start is not None and not self.is_ending:
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

    async def finish(self, event: Event, *, also: AlsoWrite | None = None) -> Written:
        """Write the end of this run, with the last progress and log; may be called again when the store refuses."""
        self._ending.set()
        try:
            async with self._writing:
                done = await self._write(advance(self._reported(), event), also)
        except StoreError as error:
            _log.error("The end of job %s could not be written yet: %s", self.job.uuid, error)
            return Written.REFUSED
        if not done:
            _log.warning("Job %s was changed by another server while it ran", self.job.uuid)
        return Written.DONE if done else Written.NOT_OURS

    def _reported(self) -> Job:
        """Return the job with its start and the newest progress in it."""
        job = self.job if self._start is None else advance(self.job, self._start)
        report, self._report = self._report, None
        if report is None or (report.progress, report.message) == (job.progress, job.message):
            return job
        return advance(job, report)

    async def _write(self, new: Job, also: AlsoWrite | None = None) -> bool:
        lines, dropped = list(self._lines), self._dropped
        self._lines.clear()
        self._dropped = 0
        try:
            done = await self._store.replace(self.job, new, log=[*_note(dropped), *lines], also=also)
        except StoreError:
            room = LOG_LINES - len(self._lines)
            kept = lines[-room:] if room else []
            self._dropped += dropped + len(lines) - len(kept)
            self._lines.extendleft(reversed(kept))
            raise
        if done and new is not self.job:
            self.job, self._start = new, None
            self._changes.notify(new)
        return done

    def _flush_soon(self) -> None:
        if self._flusher is None or self._flusher.done():
            self._flusher = asyncio.get_running_loop().create_task(self._flush())

    async def _flush(self) -> None:
        while (self._start or self._report or self._lines) and not self._ending.is_set():
            pause = _PAUSE
            try:
                async with self._writing:
                    if not self._ending.is_set():
                        await self._write(self._reported())
            except StoreError as error:
                _log.warning("The progress of job %s could not be written yet: %s", self.job.uuid, error)
                pause = _AGAIN
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._ending.wait(), pause)


def _note(dropped: int) -> Sequence[LogLine]:
    """Return the line that tells of lines that came too fast, if there are any."""
    if not dropped:
        return []
    return [LogLine(time=format_time(utc_now()), level="WARNING", message=f"{dropped} lines came too fast: dropped")]
