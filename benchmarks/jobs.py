"""Jobs through a real server: what a no-op costs over HTTP, one by one and in a burst, beside what bounds it."""

import asyncio
import multiprocessing
import sqlite3
import statistics
import tempfile
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor
from contextlib import asynccontextmanager, closing
from pathlib import Path
from typing import Any

from benchmarks.connection import Connection
from benchmarks.measure import Table, Times, bounded, in_turns, ratio
from benchmarks.server import API, STATUS, Server, jupyter_server

_WARM_UP = 30
_JOBS = 300
_BURST = 500
_CONNECTIONS = 16
_ROUNDS = 5  # of the burst; the median is shown
_LOOK = 0.01  # seconds between two looks at how many jobs have ended
_LONGEST = 60.0  # seconds that a burst may take
_NOOP = {"job": "debug:echo", "inputs": {"value": 1}}


def measure() -> list[Table]:
    """Measure single jobs and bursts."""
    with jupyter_server() as server:
        return asyncio.run(_measure(server))


async def _measure(server: Server) -> list[Table]:
    async with _connected(server, 1) as (connection,):
        for _ in range(_WARM_UP):
            await run_job(connection)
        floor, job = await _single(connection)
    turns = bounded(_ROUNDS, least=3, seconds=15)
    rounds = [(await _burst(server), await _flood(server)) for _ in turns]
    pool, commit = _pool(), _commit()

    single = Table(
        "A no-op job over HTTP, submitted to success: ms",
        f"{len(job.ms)} jobs on one connection, each beside one GET {STATUS}; the job is POSTed, then long-polled; "
        "it is on the disk before the 201, as is its start and its end",
        ("", "p50", "p95", "a job costs"),
    )
    single.add("geojobs_lab, submit to success (aim: p50 4)", job.p50, job.p95, None)
    single.add(f"GET {STATUS}, Jupyter's own", floor.p50, floor.p95, ratio(job.p50, floor.p50))
    single.add("concurrent.futures process pool, no HTTP, no store", pool.p50, pool.p95, ratio(job.p50, pool.p50))
    single.add("one row committed to SQLite here, synchronous=FULL", commit.p50, commit.p95, ratio(job.p50, commit.p50))

    bursts, requests = zip(*rounds, strict=True)
    burst = Table(
        f"{_BURST} no-op jobs at once from {_CONNECTIONS} connections: per second",
        f"from the first POST to the last success; medians of {len(rounds)} rounds, in turns; "
        f"jobs: {_listed(bursts)}; requests: {_listed(requests)}",
        ("", "per second", "a job costs"),
    )
    times = statistics.median(more / less for less, more in rounds)
    burst.add("geojobs_lab, jobs (aim: 600)", statistics.median(bursts), None)
    burst.add(f"GET {STATUS}, requests", statistics.median(requests), ratio(times, 1))
    return [single, burst]


@asynccontextmanager
async def _connected(server: Server, count: int) -> Any:
    connections = [await Connection.open(server.url, server.token) for _ in range(count)]
    try:
        yield connections
    finally:
        for connection in connections:
            await connection.close()


async def _single(connection: Connection) -> tuple[Times, Times]:
    """Time Jupyter's own answer and a whole job in turns."""
    floor, job = [], []
    for _ in bounded(_JOBS, least=50, seconds=10):
        start = time.perf_counter()
        await connection.request("GET", STATUS)
        middle = time.perf_counter()
        await run_job(connection)
        job.append((time.perf_counter() - middle) * 1000)
        floor.append((middle - start) * 1000)
    return Times(tuple(floor)), Times(tuple(job))


async def run_job(connection: Connection) -> None:
    """Submit a no-op job and wait, as clients do, until it has succeeded."""
    document = await connection.request("POST", f"{API}jobs/", _NOOP)
    while document["status"] in ("pending", "started"):
        query = f"wait=20&revision={document['revision']}"
        document = await connection.request("GET", f"{API}jobs/{document['uuid']}/?{query}")
    if document["status"] != "success":
        raise RuntimeError(f"a no-op job did not succeed: {document}")


async def _burst(server: Server) -> float:
    """Return how many jobs a second the server brings to success."""
    async with _connected(server, _CONNECTIONS + 1) as (watcher, *connections):
        before = await _count(watcher, "success")
        left = iter(range(_BURST))

        async def post(connection: Connection) -> None:
            for _ in left:  # shared: whoever is free takes the next
                await connection.request("POST", f"{API}jobs/", _NOOP)

        start = time.perf_counter()
        await asyncio.gather(*map(post, connections))
        while await _count(watcher, "success") < before + _BURST:
            if time.perf_counter() - start > _LONGEST:
                raise RuntimeError(f"{await _count(watcher, 'failure')} jobs failed, or {_LONGEST} s were not enough")
            await asyncio.sleep(_LOOK)
        return _BURST / (time.perf_counter() - start)


async def _count(connection: Connection, status: str) -> int:
    return int((await connection.request("GET", f"{API}jobs/?status={status}&limit=1"))["count"])


async def _flood(server: Server) -> float:
    """Return how many requests a second Jupyter itself answers."""
    async with _connected(server, _CONNECTIONS) as connections:
        left = iter(range(2 * _BURST))

        async def get(connection: Connection) -> None:
            for _ in left:
                await connection.request("GET", STATUS)

        start = time.perf_counter()
        await asyncio.gather(*map(get, connections))
        return 2 * _BURST / (time.perf_counter() - start)


def _pool() -> Times:
    with ProcessPoolExecutor(1, mp_context=multiprocessing.get_context("spawn")) as pool:
        calls = {"pool": lambda: pool.submit(int, 1).result()}
        return in_turns(calls, rounds=50, seconds=2)["pool"]


def _commit() -> Times:
    # Where the server of this benchmark has its folder too.
    with (
        tempfile.TemporaryDirectory(prefix="geojobs-bench-") as folder,
        closing(sqlite3.connect(Path(folder) / "rows.sqlite", isolation_level=None)) as connection,
    ):
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE rows (value TEXT)")
        calls = {"commit": lambda: connection.execute("INSERT INTO rows VALUES ('a row')")}
        return in_turns(calls, rounds=50, seconds=2)["commit"]


def _listed(numbers: Sequence[float]) -> str:
    return ", ".join(f"{number:.0f}" for number in numbers)
