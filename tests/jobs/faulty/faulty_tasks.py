"""Tasks that do to their process what people's tasks do."""

import ctypes
import logging
import os
import signal
import subprocess
import sys
import threading
import time
import warnings
from pathlib import Path

import numpy as np
import xarray as xr

from geojobs_lab.parameters import AnyParameter, NumberParameter, RasterParameter, StringParameter
from geojobs_lab.tasks import Task, log, progress, task, track


@task
def double(value: int) -> int:
    """Double a number."""
    return 2 * value


@task
def raises(text: str = "the lake is dry") -> int:
    raise ValueError(text)


class _Speechless(Exception):
    def __str__(self) -> str:
        raise RuntimeError("no words")


@task
def raises_without_words() -> int:
    raise _Speechless


@task
def names_a_file_that_is_no_utf8(how: str = "return") -> str:
    name = os.fsdecode(b"caf\xe9.nc")
    progress(0.5, name)
    log(name)
    if how == "raise":
        raise ValueError(name)
    return name


@task
def says_very_much() -> int:
    progress(0.5, "x" * 1_000_000)
    return 1


@task
def exits(code: int = 3) -> int:
    sys.exit(code)


@task
def interrupts() -> int:
    raise KeyboardInterrupt


@task
def exits_at_once() -> int:
    os._exit(7)


@task
def segfaults() -> int:
    return ctypes.string_at(0)[0]


@task
def kills_itself() -> int:
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@task
def sleeps(seconds: float = 60.0, mark: str = "") -> int:
    if mark:
        Path(mark).write_text(str(os.getpid()))
    time.sleep(seconds)
    return os.getpid()


@task
def ignores_sigterm(mark: str) -> int:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    Path(mark).write_text(str(os.getpid()))
    time.sleep(60)
    return 0


@task
def holds_the_interpreter(mark: str) -> int:
    Path(mark).write_text(str(os.getpid()))
    ctypes.PyDLL(None).sleep(60)
    return 0


@task
def starts_a_child(mark: str, wait: bool = True) -> int:
    child = subprocess.Popen(["sleep", "60"])
    Path(mark).write_text(f"{os.getpid()} {child.pid}")
    if wait:
        child.wait()
    return child.pid


@task
def forks_and_both_return() -> int:
    os.fork()
    return os.getpid()


@task
def leaves_a_thread() -> int:
    threading.Thread(target=time.sleep, args=(60,)).start()
    return os.getpid()


@task
def speaks() -> int:
    log("from the task")
    logging.getLogger("a.library").warning("from %s", "logging")
    warnings.warn("from a warning", stacklevel=1)
    print("from print")
    print("from print to stderr", file=sys.stderr)
    os.write(1, b"from the descriptor, no end of line")
    libc = ctypes.CDLL(None)
    libc.puts(b"from C")
    libc.fflush(None)
    return 0


@task
def floods(lines: int = 200_000) -> int:
    for number in range(lines):
        print(f"line {number} {'x' * 50}")
    return lines


@task
def writes_into_every_descriptor() -> int:
    for descriptor in range(3, 64):
        try:
            os.write(descriptor, b"\xff" * 64)
        except OSError:
            continue
    time.sleep(60)
    return 0


@task
def closes_every_descriptor() -> int:
    os.closerange(0, 256)
    time.sleep(60)
    return 0


@task
def spoils_its_process() -> int:
    os.chdir("/")
    os.environ["SPOILT"] = "yes"
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.alarm(1)
    logging.getLogger().setLevel(logging.CRITICAL)
    return os.getpid()


@task
def looks_round() -> dict:
    return {
        "pid": os.getpid(),
        "folder": str(Path.cwd()),
        "spoilt": os.environ.get("SPOILT"),
        "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
    }


@task
def reports() -> int:
    progress(0.25, "a quarter")
    time.sleep(0.3)
    for _ in track(range(5000), "counting"):
        pass
    progress(0.9, "the last word")
    return 0


class ManyOutputs(Task):
    """Gives back every kind of value."""

    name = "many_outputs"
    outputs = [AnyParameter(name) for name in ("number", "nan", "small", "masked", "large", "time", "nested")]

    def execute(self) -> dict:
        large = np.arange(20_000, dtype="float32").reshape(100, 200)
        return {
            "number": np.int64(3),
            "nan": float("nan"),
            "small": np.array([[1.0, np.nan], [3.0, np.inf]]),
            "masked": np.ma.masked_greater([1, 2, 3], 2),
            "large": np.ma.masked_less(large, 1),
            "time": np.datetime64("2026-11-23T12:00:00"),
            "nested": {"a": [np.float32(0.5), None]},
        }


@task
def returns_what_has_no_json() -> object:
    return object()


class Warms(Task):
    """Adds one to every cell."""

    name = "warms"
    inputs = [RasterParameter("data")]
    outputs = [RasterParameter("warmer"), NumberParameter("mean")]

    def execute(self, data):
        with xr.set_options(keep_attrs=True):
            warmer = data + 1
        return {"warmer": warmer, "mean": float(warmer.mean())}


class HalfWritten(Task):
    """Writes into the folder of results, and goes on and on."""

    name = "half_written"
    inputs = [RasterParameter("data"), StringParameter("mark")]
    outputs = [RasterParameter("out")]

    def execute(self, data, mark):
        Path(mark).write_text(str(os.getpid()))
        time.sleep(60)
        return data


@task
def says_too_much() -> str:
    return "x" * (257 * 2**20)
