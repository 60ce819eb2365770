"""One worker process as the server sees it: started, spoken to, watched, ended with its whole group.

Owns the operating-system side of a slot. Which worker gets which job is `slots`' matter.
"""

import asyncio
import contextlib
import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import IO, Any

from geojobs_lab.documents import LogLine, format_time, utc_now
from geojobs_lab.errors import RunError
from geojobs_lab.jobs.channel import ServerEnd
from geojobs_lab.jobs.scratch import make_scratch, remove_scratch, with_scratch
from geojobs_lab.jobs.spec import JobSpec, Watcher
from geojobs_lab.jobs.tally import Tally
from geojobs_lab.threads import in_thread

_log = logging.getLogger(__name__)

_CHUNK = 2**16  # bytes read of a worker's output at a time
_REST = 0.01  # seconds between two full chunks, so that a flood of output does not fill the event loop
_LONGEST_LINE = 10_000  # characters
_CONTROL = re.compile(r"\x1b\[[0-9;?]*[ -/]*[@-~]|[\x00-\x08\x0b-\x1f\x7f]")  # colours of a terminal and such
_REPORTS = ("progress", "log")  # what a process sends before it answers
_TAIL = 20  # lines of output remembered of a worker that has no job, to explain why it did not start


class WorkerLost(RunError):
    """The process is gone, or speaks no sense any more.

    Attributes
    ----------
    began : bool
        It had begun the job.
    killed : bool
        Somebody has ended it from outside; it is not to blame.
    """

    def __init__(self, message: str, *, began: bool = False, killed: bool = False) -> None:
        super().__init__(message)
        self.began = began
        self.killed = killed


class WorkerProcess:
    """A child process that runs one job at a time.

    Parameters
    ----------
    on_exit : callable
        Called on the event loop when the process has ended, for whatever reason.
    temporary : Path
        Where it gets a folder for temporary files.
    """

    def __init__(self, on_exit: Callable[["WorkerProcess"], None], temporary: Path) -> None:
        self._on_exit = on_exit
        self._parent = temporary
        self._loop = asyncio.get_running_loop()
        self._process: subprocess.Popen[bytes] | None = None
        self._spawned = asyncio.Event()
        self._exited: asyncio.Future[int] = self._loop.create_future()
        self._reaping = threading.Lock()
        self._signalled = False
        self._hung_up = False
        self._given = self._begun = 0  # jobs; what has begun is known when the process has ended
        self._answer: asyncio.Future[Mapping[str, Any] | None] | None = None
        self._streams: list[_Output] = []
        self._watcher: Watcher | None = None
        self._tail: deque[str] = deque(maxlen=_TAIL)

    @property
    def is_alive(self) -> bool:
        """Tell whether the process has not ended yet."""
        return not self._exited.done()

    async def start(self, tasks: Sequence[str]) -> None:
        """Start the process and wait until it is ready for jobs.

        Parameters
        ----------
        tasks : sequence of str
            Dotted paths whose modules it loads beforehand.

        Raises
        ------
        WorkerLost
            It ended instead; the message has what it said.
        """
        ours = await self._spawn()
        self._channel = (await self._loop.create_connection(lambda: ServerEnd(self._take), sock=ours))[1]
        threading.Thread(target=self._reap, name="geojobs-reaper", daemon=True).start()
        if await self._ask({"type": "hello", "sys_path": sys.path, "tasks": list(tasks)}) is None:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._exited), 1)
            killed = self._exited.done() and -self._exited.result() in (signal.SIGKILL, signal.SIGTERM)
            await self.end(grace=0)
            said = "; ".join(self._tail) or "it said nothing"
            raise WorkerLost(f"a worker process {self._ending()} before it was ready: {said}", killed=killed)

    async def _spawn(self) -> socket.socket:
        """Start the process and return our end of its channel. Must not be cancelled on its way."""
        ours, theirs = socket.socketpair()
        lifeline, self._lifeline = os.pipe()
        scratch = tally = None
        try:
            tally = self._tally = Tally.make()
            scratch = self._scratch = await in_thread(make_scratch, self._parent)
            command = [sys.executable, "-P", "-u", "-m", "geojobs_lab.jobs.worker"]
            inherited = theirs.fileno(), lifeline, tally.descriptor
            command += [*map(str, inherited), str(scratch)]
            self._process = await in_thread(
                subprocess.Popen,
                command,
                pass_fds=inherited,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                start_new_session=True,
                env=with_scratch(os.environ, scratch),
            )
        except OSError as error:
            if scratch is not None:
                remove_scratch(scratch)
            if tally is not None:
                tally.close()
            ours.close()
            os.close(self._lifeline)
            raise WorkerLost(f"a worker process could not be started: {error.strerror}") from error
        finally:
            theirs.close()
            os.close(lifeline)
            self._spawned.set()
        for stream, level in ((self._process.stdout, "STDOUT"), (self._process.stderr, "STDERR")):
            if stream is not None:
                self._streams.append(_Output(stream, level, self._said, self._loop))
        return ours

    async def run(self, spec: JobSpec, watcher: Watcher) -> Mapping[str, Any]:
        """Run a job and return the worker's ``success`` or ``failure`` document.

        Raises
        ------
        WorkerLost
            The process ended, or was ended, before it could answer.
        """
        self._given += 1
        self._watcher = watcher
        try:
            answer = await self._ask(spec.to_message())
            if answer is not None:
                self._hear()
                return answer
            with contextlib.suppress(TimeoutError):
                # It may have lost its end of the pipe and live on.
                await asyncio.wait_for(asyncio.shield(self._exited), 1)
            await self.end(grace=0)
            self._hear()
            raise WorkerLost(f"the worker process {self._ending()}", began=self._begun != self._given - 1)
        finally:
            self._watcher = None

    async def end(self, *, grace: float) -> None:
        """End the process and all its children: SIGTERM, SIGKILL after `grace` seconds. May be called twice."""
        await self._spawned.wait()
        if self._process is None:
            return
        if grace > 0:
            self._signal(signal.SIGTERM)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(asyncio.shield(self._exited), grace)
        self._signal(signal.SIGKILL)
        await self._exited

    def _signal(self, number: signal.Signals) -> None:
        with self._reaping, contextlib.suppress(ProcessLookupError):
            if self._process is not None and self._process.returncode is None:
                self._signalled = True
                os.killpg(self._process.pid, number)

    def _reap(self) -> None:
        """Wait for the end in a thread of its own; take the rest of the group along before the pid is free again."""
        process = self._process
        if process is None:
            return
        pid = process.pid
        if hasattr(os, "waitid"):
            os.waitid(os.P_PID, pid, os.WEXITED | os.WNOWAIT)
        with self._reaping:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(pid, signal.SIGKILL)
            code = process.wait()
        remove_scratch(self._scratch)
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody is left to be told
            self._loop.call_soon_threadsafe(self._has_exited, code)

    def _has_exited(self, code: int) -> None:
        self._hear()
        for stream in self._streams:
            stream.close()
        self._channel.close()
        os.close(self._lifeline)
        self._begun = self._tally.read()
        self._tally.close()
        self._exited.set_result(code)
        self._on_exit(self)

    def _ending(self) -> str:
        code = self._exited.result() if self._exited.done() else 0
        if code >= 0:
            return f"ended with exit code {code}"
        try:
            name = signal.Signals(-code).name
        except ValueError:
            name = "an unknown signal"
        hint = ", as the system does when memory runs out" if -code == signal.SIGKILL and not self._signalled else ""
        return f"was ended by {name} (signal {-code}){hint}"

    async def _ask(self, document: Mapping[str, Any]) -> Mapping[str, Any] | None:
        """Send a document and return the answer to it, None where the process has hung up."""
        if self._hung_up:
            return None
        self._answer = self._loop.create_future()
        self._channel.send(document)
        return await self._answer

    def _take(self, document: Mapping[str, Any] | None) -> None:
        """Take a document of the process."""
        kind = None if document is None else document["type"]
        if document is None:
            self._hung_up = True
        elif kind == "progress" and self._watcher is not None:
            self._watcher.progress(document["progress"], document["message"])
        elif kind == "log" and self._watcher is not None:
            line = LogLine(time=document["time"], level=document["level"], message=document["message"])
            self._watcher.log(line)
        if kind not in _REPORTS and self._answer is not None and not self._answer.done():
            self._answer.set_result(document)

    def _hear(self) -> None:
        for stream in self._streams:
            stream.drain()

    def _said(self, level: str, text: str) -> None:
        if self._watcher is not None:
            self._watcher.log(LogLine(time=format_time(utc_now()), level=level, message=text))
        else:
            self._tail.append(text)


class _Output:
    """What a worker's process, Python or not, writes to one of its standard streams, cut into lines."""

    def __init__(
        self,
        stream: IO[bytes],
        level: str,
        said: Callable[[str, str], None],
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        self._stream = stream
        self._level = level
        self._said = said
        self._loop = loop
        self._rest = b""
        self._open = True
        os.set_blocking(stream.fileno(), False)
        loop.add_reader(stream.fileno(), self._read)

    def drain(self) -> None:
        """Take what is there now, an unfinished line included."""
        for _ in range(16):  # a flood does not hold the loop
            if not self._open or not self._take():
                break
        if self._rest:
            rest, self._rest = self._rest, b""
            self._say(rest)

    def close(self) -> None:
        if self._open:
            self._open = False
            self._loop.remove_reader(self._stream.fileno())
        self._stream.close()

    def _read(self) -> None:
        if self._take() == _CHUNK and self._open:
            self._loop.remove_reader(self._stream.fileno())
            self._loop.call_later(_REST, self._listen)

    def _listen(self) -> None:
        if self._open:
            self._loop.add_reader(self._stream.fileno(), self._read)

    def _take(self) -> int:
        """Read a chunk; return how many bytes came, 0 for none."""
        try:
            data = os.read(self._stream.fileno(), _CHUNK)
        except BlockingIOError:
            return 0
        if not data:
            self._open = False
            self._loop.remove_reader(self._stream.fileno())
            return 0
        *lines, rest = (self._rest + data).split(b"\n")
        for line in lines:
            self._say(line)
        self._rest = _last_state(rest)
        while len(self._rest) > _LONGEST_LINE:
            self._say(self._rest[:_LONGEST_LINE])
            self._rest = self._rest[_LONGEST_LINE:]
        return len(data)

    def _say(self, line: bytes) -> None:
        text = _CONTROL.sub("", _last_state(line).decode(errors="replace").rstrip("\r"))
        if text or not line:
            self._said(self._level, text[:_LONGEST_LINE])


def _last_state(line: bytes) -> bytes:
    """Return what a terminal shows of a line that begins again after carriage returns, as progress bars do."""
    body = line.rstrip(b"\r")
    return body[body.rfind(b"\r") + 1 :] + line[len(body) :]
