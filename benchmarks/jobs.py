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

from benchmarks import celery_peer
from benchmarks.connection import Connection
from benchmarks.lag import lags
from benchmarks.measure import Table, Times, bounded, in_turns, ratio
from benchmarks.server import API, STATUS, Server, jupyter_server

_WARM_UP = 30
_JOBS = 300
_BURST = 1000
_OLD = 100_000  # jobs in a store that has been in use for years
_CONNECTIONS = 16
_ROUNDS = 3  # of the burst; the median is shown
_LOOK = 0.02  # seconds between two looks at how many jobs have ended
_LONGEST = 60.0  # seconds that a burst may take
_NOOP = {"job": "debug:echo", "inputs": {"value": 1}}


def measure() -> list[Table]:
    """Measure single jobs and bursts."""
    with jupyter_server(lags=True) as server:
        tables, empty = asyncio.run(_measure(server))
    with jupyter_server(old_jobs=_OLD, lags=True) as server:
        full = asyncio.run(_measure_store(server))
    store = Table(
        f"The same with {_OLD} old jobs in the store",
        "a list page is GET jobs/?limit=20; how late the event loop is during the burst is looked at from within, "
        "every 5 ms (aim: p99 10)",
        ("", "empty store", "old jobs", "ratio"),
    )
    for name in empty:
        store.add(name, empty[name], full[name], ratio(full[name], empty[name]))
    return [*tables, _peers(tables[0], tables[1]), store]


def _peers(single: Table, burst: Table) -> Table:
    """Measure Celery, and compare with our figures of the same run."""
    try:
        found = celery_peer.measure(jobs=_JOBS, burst=_BURST, connections=_CONNECTIONS, rounds=_ROUNDS)
    except (RuntimeError, OSError, EOFError) as error:  # a request failed; our own figures stand by themselves
        found = str(error) or type(error).__name__
    table = Table(
        "The same jobs with Celery and Redis, alone and behind Django REST framework as ncdjango has them",
        f"p50 and p95 of a job in ms, polled every 5 ms over HTTP; {_BURST} at once: jobs per second; as many worker "
        "processes; rows in SQLite, queued when they are committed (aim: 4 x on both)",
        ("", "p50", "p95", "at once", "ours is better: p50", "at once"),
    )
    ours = single.rows[0], burst.rows[0]
    table.add("geojobs_lab over HTTP", ours[0][1], ours[0][2], ours[1][1], None, None)
    if isinstance(found, str):
        table.add(f"not measured: {found}", None, None, None, None, None)
        return table
    for name, label in (
        ("rest", "Celery, Redis, Django REST framework"),
        ("celery", "Celery and Redis, no HTTP, no rows"),
    ):
        peer = found[name]
        better = ratio(peer.single.p50, float(ours[0][1] or 0)), ratio(float(ours[1][1] or 0), peer.burst)
        table.add(label, peer.single.p50, peer.single.p95, peer.burst, *better)
    return table


async def _measure_store(server: Server) -> dict[str, float]:
    """Return what is compared between a store with old jobs and one without."""
    async with _connected(server, 1) as (connection,):
        for _ in range(_WARM_UP):
            await run_job(connection)
        _, job = await _single(connection)
        page = await _page(connection)
    rounds = [await _burst(server) for _ in bounded(_ROUNDS, least=3, seconds=15)]
    return _compared(job, page, rounds)


def _compared(job: Times, page: Times, rounds: Sequence[tuple[float, Times]]) -> dict[str, float]:
    late = sorted(lag for _, lags in rounds for lag in lags.ms)
    return {
        "a job, submit to success, p50 ms": job.p50,
        "a list page, p50 ms": page.p50,
        "jobs per second in a burst": statistics.median(speed for speed, _ in rounds),
        "lag of the event loop meanwhile, p50 ms": statistics.median(late),
        "lag of the event loop meanwhile, p99 ms": late[int(0.99 * (len(late) - 1))],
    }


async def _page(connection: Connection) -> Times:
    times = []
    for _ in bounded(200, least=50, seconds=3):
        start = time.perf_counter()
        await connection.request("GET", f"{API}jobs/?limit=20")
        times.append((time.perf_counter() - start) * 1000)
    return Times(tuple(times))


async def _measure(server: Server) -> tuple[list[Table], dict[str, float]]:
    async with _connected(server, 1) as (connection,):
        for _ in range(_WARM_UP):
            await run_job(connection)
        floor, job = await _single(connection)
        page = await _page(connection)
    turns = bounded(_ROUNDS, least=3, seconds=15)
    rounds = [(await _burst(server), await _flood(server)) for _ in turns]
    pool, commit = _pool(), _commit()

    single = Table(
        "A no-op job over HTTP, submitted to success: ms",
        f"{len(job.ms)} jobs on one connection, each beside one GET {STATUS}; the job is POSTed, then long-polled; "
        "it is on the disk before the 201, and its end before that is told",
        ("", "p50", "p95", "a job costs"),
    )
    single.add("geojobs_lab, submit to success (aim: p50 4)", job.p50, job.p95, None)
    single.add(f"GET {STATUS}, Jupyter's own", floor.p50, floor.p95, ratio(job.p50, floor.p50))
    single.add("concurrent.futures process pool, no HTTP, no store", pool.p50, pool.p95, ratio(job.p50, pool.p50))
    single.add("one row committed to SQLite here, synchronous=FULL", commit.p50, commit.p95, ratio(job.p50, commit.p50))

    bursts = [speed for (speed, _), _ in rounds]
    requests = [flood for _, flood in rounds]
    burst = Table(
        f"{_BURST} no-op jobs at once from {_CONNECTIONS} connections: per second",
        f"from the first POST to the last success; medians of {len(rounds)} rounds, in turns; "
        f"jobs: {_listed(bursts)}; requests: {_listed(requests)}",
        ("", "per second", "a job costs"),
    )
    times = statistics.median(more / less for less, more in zip(bursts, requests, strict=True))
    burst.add("geojobs_lab, jobs (aim: 600)", statistics.median(bursts), None)
    burst.add(f"GET {STATUS}, requests", statistics.median(requests), ratio(times, 1))
    return [single, burst], _compared(job, page, [one for one, _ in rounds])


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


async def _burst(server: Server) -> tuple[float, Times]:
    """Return how many jobs a second the server brings to success, and how late its event loop is meanwhile."""
    async with _connected(server, _CONNECTIONS + 1) as (watcher, *connections):
        before = await _count(watcher, "success")
        left = iter(range(_BURST))

        async def post(connection: Connection) -> None:
            for _ in left:  # shared: whoever is free takes the next
                await connection.request("POST", f"{API}jobs/", _NOOP)

        start, begin = time.perf_counter(), time.monotonic()
        await asyncio.gather(*map(post, connections))
        while await _count(watcher, "success") < before + _BURST:
            if time.perf_counter() - start > _LONGEST:
                raise RuntimeError(f"{await _count(watcher, 'failure')} jobs failed, or {_LONGEST} s were not enough")
            await asyncio.sleep(_LOOK)
        speed = _BURST / (time.perf_counter() - start)
        return speed, lags(server.lags, begin, time.monotonic())


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
