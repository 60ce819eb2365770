"""Celery with Redis, alone and behind Django REST framework, measured as our jobs are."""

import asyncio
import importlib.util
import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.connection import Connection
from benchmarks.measure import Times, bounded
from benchmarks.server import free_port

_NEEDED = ("celery", "redis", "django", "rest_framework", "gunicorn")
_STARTING = 60.0  # seconds
_STOPPING = 10.0
_POLL = 0.005  # seconds between two looks at a job: there is no way to wait for it
_LOOK = 0.02  # the same, at how many of a burst have ended
_LONGEST = 120.0  # seconds that a burst may take
_THREADS = 4  # of each of the server's processes
_REPOSITORY = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a peer takes.

    Attributes
    ----------
    single : Times
        From submission to success, of one job after the other.
    bursts : tuple of float
        Jobs per second, of each round.
    """

    single: Times
    bursts: tuple[float, ...]

    @property
    def burst(self) -> float:
        return statistics.median(self.bursts)


def measure(*, jobs: int, burst: int, connections: int, rounds: int) -> dict[str, Figures] | str:
    """Return the figures of ``celery`` and ``rest``, or why there are none."""
    missing = [name for name in _NEEDED if importlib.util.find_spec(name) is None]
    if shutil.which("redis-server") is None:
        missing.append("redis-server")
    if missing:
        return f"{', '.join(missing)} not installed"
    with tempfile.TemporaryDirectory(prefix="geojobs-bench-") as name:
        folder = Path(name)
        environment = {**os.environ, "PEER_FOLDER": name, "PYTHONPATH": str(_REPOSITORY)}
        os.environ["PEER_FOLDER"] = name
        with _processes() as start:
            start(folder, environment, ["redis-server", *_redis_options(folder)])
            _wait_for(folder / "redis.sock")
            token = _said(environment, "from benchmarks.django_site import make_tables; print(make_tables())")
            workers = str(os.cpu_count() or 1)
            # fmt: off
            start(folder, environment, [sys.executable, "-m", "celery", "-A", "benchmarks.django_site:celery", "worker",
                                        "-c", workers, "--loglevel", "ERROR"])
            port = free_port()
            start(folder, environment, [sys.executable, "-m", "gunicorn", "benchmarks.django_site:application",
                                        "-w", workers, "--threads", str(_THREADS), "-b", f"127.0.0.1:{port}",
                                        "--keep-alive", "600"])
            # fmt: on
            return {
                "celery": _celery(jobs, burst, rounds),
                "rest": asyncio.run(_rest(f"http://127.0.0.1:{port}/", token, jobs, burst, connections, rounds)),
            }


def _redis_options(folder: Path) -> list[str]:
    return ["--port", "0", "--unixsocket", str(folder / "redis.sock"), "--save", "", "--appendonly", "no"]


def _celery(jobs: int, burst: int, rounds: int) -> Figures:
    from benchmarks.django_site import noop

    for _ in range(20):
        noop.delay(1).get(timeout=_STARTING)
    single = []
    for _ in bounded(jobs, least=50, seconds=10):
        start = time.perf_counter()
        noop.delay(1).get(timeout=_LONGEST)
        single.append((time.perf_counter() - start) * 1000)
    bursts = []
    for _ in bounded(rounds, least=2, seconds=15):
        start = time.perf_counter()
        for result in [noop.delay(number) for number in range(burst)]:
            result.get(timeout=_LONGEST)
        bursts.append(burst / (time.perf_counter() - start))
    return Figures(Times(tuple(single)), tuple(bursts))


async def _rest(url: str, token: str, jobs: int, burst: int, connections: int, rounds: int) -> Figures:
    open_ones = [await _opened(url, token) for _ in range(connections + 1)]
    one, *others = open_ones
    for _ in range(20):
        await _run_job(one)
    single = []
    for _ in bounded(jobs, least=50, seconds=10):
        start = time.perf_counter()
        await _run_job(one)
        single.append((time.perf_counter() - start) * 1000)
    bursts = [await _burst(one, others, burst) for _ in bounded(rounds, least=2, seconds=30)]
    for connection in open_ones:
        await connection.close()
    return Figures(Times(tuple(single)), tuple(bursts))


async def _opened(url: str, token: str) -> Connection:
    end = time.monotonic() + _STARTING
    while True:
        try:
            return await Connection.open(url, token)
        except OSError:
            if time.monotonic() > end:
                raise
            await asyncio.sleep(0.05)


async def _run_job(connection: Connection) -> None:
    job = await connection.request("POST", "jobs/", {"job": "noop", "inputs": '{"value": 1}'})
    while job["status"] != "success":
        await asyncio.sleep(_POLL)
        job = await connection.request("GET", f"jobs/{job['id']}/")


async def _burst(watcher: Connection, connections: list[Connection], count: int) -> float:
    before = await _done(watcher)
    left = iter(range(count))

    async def post(connection: Connection) -> None:
        for _ in left:
            await connection.request("POST", "jobs/", {"job": "noop", "inputs": '{"value": 1}'})

    start = time.perf_counter()
    await asyncio.gather(*map(post, connections))
    while await _done(watcher) < before + count:
        if time.perf_counter() - start > _LONGEST:
            raise RuntimeError(f"Celery did not run {count} jobs within {_LONGEST} s")
        await asyncio.sleep(_LOOK)
    return count / (time.perf_counter() - start)


async def _done(connection: Connection) -> int:
    return int((await connection.request("GET", "jobs/?status=success&limit=1"))["count"])


def _said(environment: dict[str, str], code: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code], env=environment, cwd=_REPOSITORY, capture_output=True, text=True, check=True
    )
    return done.stdout.strip()


def _wait_for(path: Path) -> None:
    end = time.monotonic() + _STARTING
    while not path.exists():
        if time.monotonic() > end:
            raise RuntimeError(f"{path.name} did not appear")
        time.sleep(0.01)


@contextmanager
def _processes() -> Iterator[object]:
    """Give a function that starts processes, and end all of them with their children."""
    running: list[subprocess.Popen[bytes]] = []

    def start(folder: Path, environment: dict[str, str], command: list[str]) -> None:
        with (folder / "log.txt").open("ab") as log:
            running.append(
                subprocess.Popen(
                    command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=_REPOSITORY, env=environment
                )
            )

    try:
        yield start
    finally:
        for process in reversed(running):
            process.terminate()
            try:
                process.wait(_STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
