"""Tasks that do to their process what people's tasks do."""

import ctypes
import locale
import logging
import os
import resource
import signal
import subprocess
import sys
import tempfile
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
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    logging.getLogger().setLevel(logging.CRITICAL)
    logging.getLogger().handlers.clear()
    logging.disable(logging.CRITICAL)
    warnings.simplefilter("ignore")
    os.umask(0o777)
    np.seterr(all="raise")
    locale.setlocale(locale.LC_ALL, "C.UTF-8")
    sys.path.insert(0, "/nowhere")
    sys.argv.append("--spoilt")
    sys.stdout = sys.stderr = None
    tempfile.tempdir = "/nowhere"
    return os.getpid()


@task
def looks_round() -> dict:
    logging.getLogger("looks_round").info("is heard")
    warnings.warn("is heard too", stacklevel=1)
    print("and this")
    mask = os.umask(0)
    os.umask(mask)
    return {
        "pid": os.getpid(),
        "folder": str(Path.cwd()),
        "spoilt": os.environ.get("SPOILT"),
        "sigterm": signal.getsignal(signal.SIGTERM) == signal.SIG_DFL,
        "sigint": signal.getsignal(signal.SIGINT) == signal.SIG_IGN,
        "umask": mask,
        "floating": np.geterr()["invalid"],
        "locale": locale.setlocale(locale.LC_ALL),
        "nowhere": "/nowhere" in (sys.path[0], tempfile.gettempdir()),
        "argv": sys.argv[1:],
    }


@task
def spoils_for_good(how: str) -> int:
    """Change what cannot be changed back."""
    if how == "nice":
        os.nice(1)
    elif how == "limit":
        resource.setrlimit(resource.RLIMIT_NOFILE, (512, 512))
    elif how == "folder":
        os.chdir(tempfile.gettempdir())
        Path(__file__).is_file()
    elif how == "memory":
        kept.append(np.ones(2**27 + 2**20))
    return os.getpid()


kept = []


@task
def prints_and_waits(gate: str, how: str) -> int:
    if how == "print":
        print("a line of Python", end="")
    else:
        ctypes.CDLL(None).puts(b"a line of C")
    sys.stdout.write("\n" if how == "print" else "")
    while not Path(gate).exists():
        time.sleep(0.01)
    return 0


@task
def speaks_last(how: str) -> int:
    print("the last words", end="")
    if how == "exit":
        os._exit(3)
    if how == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    ctypes.CDLL(None).printf(b" and those of C")
    return 0


@task
def speaks_oddly() -> int:
    for percent in range(0, 101):
        sys.stderr.write(f"\r{percent:3}%|{'#' * percent}")
        sys.stderr.flush()
    sys.stderr.write("\n")
    os.write(1, b"caf\xe9 \x00 \x1b[31mred\x1b[0m\ttab\r\n")
    return 0


@task
def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


@task
def makes_temporary_files(mark: str = "", end: str = "return") -> str:
    folder = tempfile.mkdtemp()
    (Path(folder) / "large.bin").write_bytes(bytes(1000))
    child = subprocess.run([sys.executable, "-c", "import tempfile; print(tempfile.mkstemp()[1])"], capture_output=True)
    part = Path(f"{mark}.part")
    part.write_text(f"{folder}\n{child.stdout.decode()}")
    part.rename(mark)
    if end == "raise":
        raise ValueError("no more")
    if end == "kill":
        os.kill(os.getpid(), signal.SIGKILL)
    if end == "fork":
        os.fork()
        time.sleep(0.2)
        return str(Path(folder).exists())
    if end == "wait":
        time.sleep(60)
    return folder


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
