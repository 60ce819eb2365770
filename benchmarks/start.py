"""Starting: what an import costs, what the extension adds to a server's start, and when the first job can run."""

import asyncio
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass

import psutil

from benchmarks.connection import Connection
from benchmarks.jobs import run_job
from benchmarks.measure import Table, Times, bounded
from benchmarks.server import API, STATUS, Server, jupyter_server
from geojobs_lab.jobs import JobSpec, SlotExecutor

_IMPORTS = 5  # fresh processes for each
_SERVERS = 5  # starts with and without the extension
_SECONDS = 30.0  # for the imports, and for the servers; on a busy machine there are fewer of them
_WORKERS = 3

# What is imported before, and what is measured: name of the row -> both.
_MODULES = {
    "import geojobs_lab (aim: 50)": ("", "geojobs_lab"),
    "import geojobs_lab.client": ("", "geojobs_lab.client"),
    "import geojobs_lab.renderers, as configurations do": ("", "geojobs_lab.renderers"),
    "import geojobs_lab_server (aim: 60)": ("jupyter_server.serverapp", "geojobs_lab_server"),
    "import geojobs_lab_server.app, in a server": ("jupyter_server.serverapp", "geojobs_lab_server.app"),
    "beside it: import numpy": ("", "numpy"),
    "beside it: import xarray": ("", "xarray"),
    "beside it: import jupyter_server.serverapp": ("", "jupyter_server.serverapp"),
}
_IMPORT = """
import time
{before}
start = time.perf_counter()
import {module}
print((time.perf_counter() - start) * 1000)
"""


class _Nobody:
    """Watches a job and says nothing."""

    def progress(self, fraction: float | None, message: str | None) -> None:
        pass

    def log(self, line: object) -> None:
        pass


def measure() -> list[Table]:
    """Measure imports and starts."""
    return [_imports(), asyncio.run(_starts())]


def _imports() -> Table:
    taken: dict[str, list[float]] = {name: [] for name in _MODULES}
    for _ in bounded(_IMPORTS, least=2, seconds=_SECONDS):
        for name, (before, module) in _MODULES.items():
            code = _IMPORT.format(before=f"import {before}" if before else "", module=module)
            answer = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
            taken[name].append(float(answer.stdout))
    count = min(map(len, taken.values()))
    table = Table("Imports: ms", f"{count} fresh processes each, in turns", ("", "p50", "slowest"))
    for name, ms in taken.items():
        _add(table, name, ms)
    return table


async def _starts() -> Table:
    turns = bounded(_SERVERS, least=2, seconds=_SECONDS)
    pairs = [(await _start(extension=False), await _start(extension=True)) for _ in turns]
    workers = [await _worker_start() for _ in range(_WORKERS)]
    table = Table(
        "Starts: ms",
        f"from the start of the process; {len(pairs)} servers with and {len(pairs)} without the extension, in turns, "
        f"and {_WORKERS} workers; what is added is the median difference of a pair; its CPU time counts the server's "
        "process alone, in steps of 10 ms, and is disturbed least by what else the machine does",
        ("", "p50", "slowest"),
    )
    _add(table, f"jupyter server without the extension, until {STATUS}", [plain.status for plain, _ in pairs])
    _add(table, f"jupyter server with it, until {STATUS}", [ours.status for _, ours in pairs])
    _add(table, "the same, until the API answers", [ours.api for _, ours in pairs])
    _add(table, "the same, until the first job has succeeded", [ours.job for _, ours in pairs])
    _add(table, "a worker by itself, until its first job has succeeded", workers)
    _add(table, "added, until the API answers (aim: 300)", [ours.api - plain.api for plain, ours in pairs])
    _add(table, "added, until the API answers, CPU time", [ours.cpu - plain.cpu for plain, ours in pairs])
    return table


def _add(table: Table, name: str, ms: Sequence[float]) -> None:
    times = Times(tuple(ms))
    table.add(name, times.p50, times.slowest)


@dataclass(frozen=True, slots=True)
class _Start:
    """When a server that was started did what, in ms; a server without the extension has neither API nor jobs.

    Attributes
    ----------
    cpu : float
        What it had computed when its API answered.
    """

    status: float
    api: float
    cpu: float
    job: float


async def _start(*, extension: bool) -> _Start:
    with jupyter_server(extension=extension) as server:
        connection = await Connection.open(server.url, server.token)
        await connection.request("GET", STATUS)
        status = api = job = _since(server)
        if extension:
            await connection.request("GET", f"{API}jobs/?limit=1")
            api = _since(server)
        used = psutil.Process(server.pid).cpu_times()
        if extension:
            await run_job(connection)
            job = _since(server)
        await connection.close()
        return _Start(status, api, (used.user + used.system) * 1000, job)


def _since(server: Server) -> float:
    return (time.perf_counter() - server.born) * 1000


async def _worker_start() -> float:
    """Return ms from the start of an executor to the end of its first job."""
    executor = SlotExecutor(1)
    spec = JobSpec(
        uuid="bench",
        job="debug:echo",
        created="2000-01-01T00:00:00.000000Z",
        definition={"type": "library", "name": "debug:echo"},
        inputs={"value": 1},
        results_dir="nowhere",  # an echo writes nothing
        href="",
    )
    start = time.perf_counter()
    await executor.start()
    try:
        outcome = await executor.run(spec, _Nobody())
        taken = (time.perf_counter() - start) * 1000
    finally:
        await executor.stop()
    if outcome.kind != "success":
        raise RuntimeError(f"a no-op job did not succeed: {outcome}")
    return taken
