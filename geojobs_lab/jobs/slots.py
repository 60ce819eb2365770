"""The executor of this machine: jobs in child processes, a warm spare always ready, no process left behind.

Owns how many workers there are and who gets one. There is always one idle worker more than is needed, up to
`capacity` + 1 in all; it takes the place of one that is lost or ended, at once.
"""

import asyncio
import contextlib
import logging
import tempfile
from collections import deque
from collections.abc import Callable, Coroutine, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from geojobs_lab.errors import RunError
from geojobs_lab.jobs.process import WorkerLost, WorkerProcess
from geojobs_lab.jobs.spec import JobSpec, Outcome, Watcher

_log = logging.getLogger(__name__)

_GRACE = 2.0  # seconds between SIGTERM and SIGKILL for a cancelled job; the contract allows 4 in all
_STOP_GRACE = 1.0  # the same when the server goes down
_TRIES = 3  # failed starts of workers in a row before the jobs that wait are failed
_LONGEST_PAUSE = 30.0  # seconds between two starts of workers that keep failing


class _NoWorker(RunError):
    """There is no worker to be had."""


@dataclass(slots=True)
class _Run:
    worker: WorkerProcess | None = None
    waiting: asyncio.Future[WorkerProcess] | None = None
    cancelled: bool = False


class SlotExecutor:
    """Runs jobs in worker processes of this machine.

    Parameters
    ----------
    capacity : int
        Jobs at once.
    tasks : callable
        Returns the dotted paths of the tasks whose modules workers load beforehand.
    temporary : Path, optional
        The folder in which each worker gets one for temporary files; one below the system's when left out.
    """

    def __init__(
        self, capacity: int, *, tasks: Callable[[], Sequence[str]] = tuple, temporary: Path | None = None
    ) -> None:
        self.capacity = capacity
        self._tasks = tasks
        self._temporary = temporary or Path(tempfile.gettempdir())
        self._workers: set[WorkerProcess] = set()
        self._launching: set[WorkerProcess] = set()
        self._idle: deque[WorkerProcess] = deque()
        self._starting = 0
        self._failures = 0
        self._waiting: deque[asyncio.Future[WorkerProcess]] = deque()
        self._runs: dict[str, _Run] = {}
        self._stopping = False
        self._stopped = asyncio.Event()
        self._background: set[asyncio.Task[None]] = set()

    @property
    def workers(self) -> int:
        """How many processes there are to run jobs, idle ones included."""
        return len(self._workers)

    async def start(self) -> None:
        """Start the first worker in the background."""
        self._top_up()

    async def run(self, spec: JobSpec, watcher: Watcher) -> Outcome:
        """Run a job to its end; see `Executor.run`."""
        run = self._runs[spec.uuid] = _Run()
        try:
            while not self._stopping and not run.cancelled:
                outcome = await self._try(spec, watcher, run)
                if outcome is not None and not self._stopping and not run.cancelled:
                    return outcome
            return Outcome("revoked" if run.cancelled else "stopped")
        finally:
            del self._runs[spec.uuid]

    async def _try(self, spec: JobSpec, watcher: Watcher, run: _Run) -> Outcome | None:
        """Run the job in one worker; None when it was lost before it had begun, and another may take the job."""
        try:
            worker = run.worker = await self._acquire(run)
        except _NoWorker as error:
            return Outcome.failure("WorkerUnavailable", str(error), spec.job)
        try:
            async with asyncio.timeout(spec.timeout):
                message = await worker.run(spec, watcher)
        except TimeoutError:
            await worker.end(grace=_GRACE)
            return Outcome.failure("JobTimeout", f"it ran longer than {spec.timeout:g} s", spec.job)
        except WorkerLost as error:
            return Outcome.failure("WorkerCrashed", str(error), spec.job) if error.began else None
        except BaseException:
            self._in_background(worker.end(grace=0))  # nobody knows what it is doing now
            raise
        if not run.cancelled:
            self._release(worker, keep=not message.get("retire", True))
        if message["type"] == "success":
            return Outcome("success", outputs=message["outputs"], services=message["services"])
        return Outcome("failure", error=message["error"], kinds=message.get("kinds", ()))

    def cancel(self, uuid: str) -> None:
        """End a running job; its `run` then returns ``revoked``."""
        run = self._runs.get(uuid)
        if run is not None and not run.cancelled:
            run.cancelled = True
            if run.waiting is not None:
                _give(run.waiting, _NoWorker("the job was cancelled"))
            elif run.worker is not None:
                self._in_background(run.worker.end(grace=_GRACE))

    async def stop(self) -> None:
        """End all workers; every `run` returns ``stopped``."""
        self._stopping = True
        self._stopped.set()
        while self._waiting:
            _give(self._waiting.popleft(), _NoWorker("the server is stopping"))
        await asyncio.gather(*(worker.end(grace=_STOP_GRACE) for worker in [*self._workers, *self._launching]))
        await asyncio.gather(*self._background)

    async def _acquire(self, run: _Run) -> WorkerProcess:
        while self._idle:
            worker = self._idle.pop()  # the one that was at work last has the warmest caches
            if worker.is_alive:
                self._top_up()
                return worker
        run.waiting = asyncio.get_running_loop().create_future()
        self._waiting.append(run.waiting)
        self._top_up()
        try:
            return await run.waiting
        finally:
            run.waiting = None

    def _release(self, worker: WorkerProcess, *, keep: bool) -> None:
        if not keep:
            self._in_background(worker.end(grace=0))
        elif worker.is_alive and not self._stopping:
            self._offer(worker)

    def _offer(self, worker: WorkerProcess, *, fresh: bool = False) -> None:
        while self._waiting:
            if _give(self._waiting.popleft(), worker):
                return
        if fresh:
            self._idle.appendleft(worker)
        else:
            self._idle.append(worker)

    def _top_up(self) -> None:
        """Start workers until one more is idle than is waited for, or there are `capacity` + 1."""
        room = self.capacity + 1 - len(self._workers) - self._starting
        missing = len(self._waiting) + 1 - len(self._idle) - self._starting
        for _ in range(0 if self._stopping else min(room, missing)):
            self._starting += 1
            self._in_background(self._bring_up())

    async def _bring_up(self) -> None:
        """Start a worker, later when the last ones failed to start, and give it to who has waited longest."""
        if self._failures:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopped.wait(), min(0.25 * 2**self._failures, _LONGEST_PAUSE))
        if self._stopping:
            return
        worker = WorkerProcess(self._has_exited, self._temporary)
        self._launching.add(worker)
        try:
            await worker.start(self._tasks())
        except WorkerLost as error:
            self._starting -= 1
            self._give_up_or_go_on(error)
        else:
            self._starting -= 1
            self._failures = 0
            if worker.is_alive:
                self._workers.add(worker)
                self._offer(worker, fresh=True)
            self._top_up()
        finally:
            self._launching.discard(worker)

    def _give_up_or_go_on(self, error: WorkerLost) -> None:
        if self._stopping:
            return
        _log.log(logging.INFO if error.killed else logging.ERROR, "%s", error)
        self._failures += not error.killed
        if self._failures >= _TRIES:
            while self._waiting:
                _give(self._waiting.popleft(), _NoWorker(str(error)))
        else:
            self._top_up()

    def _has_exited(self, worker: WorkerProcess) -> None:
        self._workers.discard(worker)
        if worker in self._idle:
            self._idle.remove(worker)
        self._top_up()

    def _in_background(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._background.add(task)
        task.add_done_callback(self._background.discard)


def _give(future: asyncio.Future[WorkerProcess], gift: WorkerProcess | _NoWorker) -> bool:
    """Answer one who waits, if it still does."""
    if future.done():
        return False
    if isinstance(gift, WorkerProcess):
        future.set_result(gift)
    else:
        future.set_exception(gift)
    return True
