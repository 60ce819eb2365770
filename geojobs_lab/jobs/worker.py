"""The child process that runs tasks: ``python -m geojobs_lab.jobs.worker CHANNEL LIFELINE TALLY SCRATCH``.

The first three are inherited descriptors, the last is a folder for temporary files.

Owns the life of that process: what it loads before the first job, what it says, its guard. What running a job means is
`run`'s matter, what the next job finds as it was `state`'s.

The guard is a second, tiny process in the worker's group that waits for the end of the lifeline. Only the server
holds the other end: when the server is gone, however it went, the guard kills the whole group, even if the worker sits
in native code that never lets go of the interpreter lock.
"""

import contextlib
import ctypes
import faulthandler
import importlib
import logging
import os
import signal
import socket
import sys
import warnings
from collections.abc import Mapping, Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from geojobs_lab.jobs.channel import Channel
from geojobs_lab.jobs.scratch import clear_scratch
from geojobs_lab.jobs.tally import Tally

if TYPE_CHECKING:
    from geojobs_lab.jobs.state import ProcessState

# Loaded before the worker says that it is ready, so that no job waits for an import.
_PRELOADED = (
    "geojobs_lab.jobs.run",
    "geojobs_lab.jobs.state",
    "geojobs_lab.services.publishing",
    "geojobs_lab.services.references",
    "rioxarray",
)
_LINE_BUFFERED = 1  # _IOLBF of C's stdio.h, on Linux and macOS


def main() -> NoReturn:
    """Serve jobs until the channel closes."""
    (channel_fd, lifeline_fd, tally_fd), scratch = map(int, sys.argv[1:4]), Path(sys.argv[4])
    sys.argv[1:] = []
    for inherited in (channel_fd, tally_fd):
        os.set_inheritable(inherited, False)
    _post_guard(lifeline_fd, channel_fd)
    faulthandler.enable()
    _speak_by_lines()
    channel = Channel(socket.socket(fileno=channel_fd))
    hello = channel.receive()
    if hello is not None:
        sys.path[:] = hello["sys_path"]
        _preload(hello["tasks"])
        from geojobs_lab.jobs.state import ProcessState

        logging.getLogger().setLevel(logging.INFO)
        state, tally = ProcessState(), Tally(tally_fd)
        channel.send({"type": "ready"})
        while (message := channel.receive()) is not None:
            tally.add()
            _serve(channel, scratch, state, message)
    _end_group()


def _post_guard(lifeline: int, channel: int) -> None:
    if os.fork() == 0:
        # Forked once more, so that the guard is nobody's child: the worker's own children are then the task's.
        if os.fork() == 0:
            for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)
            os.close(channel)
            nowhere = os.open(os.devnull, os.O_RDWR)
            for stream in (0, 1, 2):
                os.dup2(nowhere, stream)
            with contextlib.suppress(OSError):
                os.read(lifeline, 1)
            _end_group()
        os._exit(0)
    os.wait()
    os.close(lifeline)


def _end_group() -> NoReturn:
    os.killpg(os.getpgrp(), signal.SIGKILL)
    os._exit(1)


def _preload(tasks: Sequence[str]) -> None:
    for name in _PRELOADED:
        importlib.import_module(name)
    from geojobs_lab.tasks import default_registry

    default_registry()
    for path in tasks:
        # A module that cannot be imported fails the jobs that need it, not the worker.
        with contextlib.suppress(Exception, SystemExit):
            importlib.import_module(path.rpartition(".")[0])


def _serve(channel: Channel, scratch: Path, state: "ProcessState", message: Mapping[str, Any]) -> None:
    """Run one job, answer with its end, and leave the process as it was."""
    from geojobs_lab.jobs.reporting import ChannelContext, ChannelHandler
    from geojobs_lab.jobs.run import run_to_document

    me = os.getpid()
    logging.getLogger().addHandler(ChannelHandler(channel))
    logging.captureWarnings(True)
    with warnings.catch_warnings(), ChannelContext(channel, message) as context:
        answer = run_to_document(message, context)
        if os.getpid() != me:
            os._exit(0)  # a child that the task forked and forgot has come here by returning
        _flush()
    retire = not state.restore()
    clear_scratch(scratch)
    try:
        channel.send({**answer, "retire": retire})
    except (TypeError, ValueError, RecursionError) as error:  # more than a worker may send, or no JSON after all
        text = f"the outputs are too large or have no JSON form: {error}"
        problem = {"type": "RunError", "message": text, "where": message["job"]}
        channel.send({"type": "failure", "error": problem, "retire": retire})


def _flush() -> None:
    """Let everything that was said, by Python or by C, be heard before the job's end is."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        with contextlib.suppress(Exception):
            stream.flush()  # type: ignore[union-attr]  # whatever the task has put there
    with contextlib.suppress(Exception):
        _libc().fflush(None)


@cache
def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)


def _speak_by_lines() -> None:
    """Have C write its output line by line, as it does on a terminal, so that it is heard while the job runs."""
    with contextlib.suppress(Exception):
        stdout = ctypes.c_void_p.in_dll(_libc(), "__stdoutp" if sys.platform == "darwin" else "stdout")
        _libc().setvbuf(stdout, None, _LINE_BUFFERED, 0)


if __name__ == "__main__":
    main()
