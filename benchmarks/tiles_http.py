"""Tiles through HTTP: this project in a real Jupyter server, with a token, and peers behind the servers they come with.

Owns the requests and their times. On a machine with two cores the client takes its part of what it measures; the row of
Jupyter's own answer shows how much.
"""

import asyncio
import json
import subprocess
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks import ncdjango_peer, tiles_ncdjango, tiles_titiler, tiles_xpublish
from benchmarks.children import NotInstalled
from benchmarks.connection import Connection
from benchmarks.lag import lags
from benchmarks.measure import Table, Times
from benchmarks.server import API, STATUS, free_port, jupyter_server
from benchmarks.tiles_data import ZOOMS, Files, Tile, mercator_bounds, tiles_of

CONNECTIONS = 16
WARM_AIM, UNCACHED_AIM = 600.0, 400.0  # tiles/s
_LAG_AIM = 5.0  # ms

_SINGLE, _MANY = 300, 2000  # requests by one connection, and by all of them together
_SLOW = 40  # the same of peers
_LONGEST = 12.0  # seconds for one figure; there are fewer requests when it takes longer
_DISTINCT_ZOOM = 7  # has enough tiles for no one to be asked for twice
_STARTING = 120.0  # seconds
_REPOSITORY = Path(__file__).parent.parent
_WARM, _UNCACHED = "warm", "uncached"


def measure(rasters: Sequence[Files]) -> list[Table]:
    """Measure one table a raster."""
    lag = Table(
        "The event loop's lag while tiles are drawn and sent, ms",
        f"looked at from within every 5 ms, during all requests above; aim: never above {_LAG_AIM:.0f}",
        ("", "p50", "p95", "p99", "most"),
    )
    return [*(_measured(files, lag, peers=files.raster.name == "medium") for files in rasters), lag]


def against_aims(tables: Iterable[Table]) -> Iterator[tuple[str, float, float]]:
    """Give the name, the aim and the figure of what has an aim: tiles/s."""
    for table in tables:
        for row in table.rows:
            for state, aim in ((_WARM, WARM_AIM), (_UNCACHED, UNCACHED_AIM)):
                if row[0] == f"geojobs_lab, {state}":
                    yield f"{table.title.split(':')[0]}, {state}, tiles/s", aim, float(row[4] or 0)


def _measured(files: Files, lag: Table, *, peers: bool) -> Table:
    raster = files.raster
    table = Table(
        f"Tiles of {raster.name} through HTTP: tiles/s, and ms a tile",
        f"warm: the tiles of zooms {', '.join(map(str, ZOOMS[1:]))} again and again, no ETag sent; uncached: tiles of "
        f"zoom {_DISTINCT_ZOOM}, each once; ours with a token; aims: {WARM_AIM:.0f} and {UNCACHED_AIM:.0f} tiles/s",
        ("", "1 connection", "p50", "p95", f"{CONNECTIONS} connections", "p50", "p95"),
    )
    known = [tile for zoom in ZOOMS[1:] for tile in tiles_of(raster, zoom)]
    distinct = list(tiles_of(raster, _DISTINCT_ZOOM, _SINGLE + _MANY))
    with jupyter_server(settings={"services": {"raster": str(files.netcdf)}}, lags=True) as server:
        base = f"{API}services/raster/"
        asyncio.run(_ready(server.url, server.token, base))
        path = f"{base}variables/data/tiles/{{}}/{{}}/{{}}.png".format
        begin = time.monotonic()
        asyncio.run(
            _rows(table, "geojobs_lab", server.url, server.token, lambda t: path(*t), known, distinct, _SINGLE, _MANY)
        )
        late = lags(server.lags, begin, time.monotonic())
        lag.add(raster.name, late.p50, late.p95, sorted(late.ms)[int(0.99 * (len(late.ms) - 1))], late.slowest)
        floor = asyncio.run(_load(server.url, server.token, [STATUS] * _SINGLE, [STATUS] * _MANY))
        table.add(f"beside it: {STATUS} of the same server", *floor)
    for peer in _peers(files) if peers else ():
        with _serving(peer, files, table) as url:
            if url:
                few = known[:: -(-len(known) // _SLOW)]
                asyncio.run(_rows(table, peer.name, url, "", peer.path, few, distinct, _SLOW, _SLOW))
    return table


@dataclass(frozen=True, slots=True)
class _Peer:
    """A peer's server: a module that is run with a port and the files.

    Attributes
    ----------
    path : callable
        Of a tile -> what is asked for.
    """

    name: str
    module: str
    interpreter: Callable[[], Path]
    path: Callable[[Tile], str]


def _peers(files: Files) -> tuple[_Peer, ...]:
    titiler, xpublish = tiles_titiler.path(files), tiles_xpublish.path()
    return (
        _Peer(
            "rio-tiler, COG: titiler, uvicorn", "tiles_titiler", tiles_titiler.interpreter, lambda t: titiler.format(*t)
        ),
        _Peer("xpublish-tiles, uvicorn", "tiles_xpublish", tiles_xpublish.interpreter, lambda t: xpublish.format(*t)),
        _Peer("ncdjango export, processes", "tiles_ncdjango", ncdjango_peer.interpreter, _exported),
    )


def _exported(tile: Tile) -> str:
    return tiles_ncdjango.path().format(*mercator_bounds(tile))


async def _ready(url: str, token: str, path: str) -> None:
    connection = await Connection.open(url, token)
    end = time.monotonic() + _STARTING
    while (found := await connection.request("GET", path))["state"] != "ready":
        if found["state"] == "unavailable" or time.monotonic() > end:
            raise RuntimeError(f"the service is {found['state']}: {found.get('reason')}")
        await asyncio.sleep(0.05)
    await connection.close()


async def _rows(
    table: Table,
    name: str,
    url: str,
    token: str,
    path: Callable[[Tile], str],
    known: Sequence[Tile],
    distinct: Sequence[Tile],
    single: int,
    many: int,
) -> None:
    """Add a row for uncached tiles, then one for warm ones."""
    paths, again = [path(tile) for tile in distinct], [path(tile) for tile in known]
    await _load(url, token, again[:1], again[:1])  # what is loaded and compiled with the first tile
    uncached = await _load(url, token, paths[:single], paths[single : single + many])
    await _load(url, token, again, again)
    times = -(-max(single, many) // len(again))
    warm = await _load(url, token, (again * times)[:single], (again * times)[:many])
    table.add(f"{name}, {_WARM}", *warm)
    table.add(f"{name}, {_UNCACHED}", *uncached)


async def _load(url: str, token: str, single: Sequence[str], many: Sequence[str]) -> tuple[float, ...]:
    """Return tiles/s, p50 and p95 of requests by one connection, and of others by all connections."""
    figures: list[float] = []
    for paths, count in ((single, 1), (many, CONNECTIONS)):
        connections = [await Connection.open(url, token) for _ in range(count)]
        left, ms, end = iter(paths), list[float](), time.perf_counter() + _LONGEST

        async def work(connection: Connection, left: Iterator[str], ms: list[float], end: float) -> None:
            for path in left:
                start = time.perf_counter()
                await connection.fetch(path)
                stop = time.perf_counter()
                ms.append((stop - start) * 1000)
                if stop > end:
                    return

        start = time.perf_counter()
        await asyncio.gather(*(work(connection, left, ms, end) for connection in connections))
        taken = Times(tuple(ms))
        figures += [len(ms) / (time.perf_counter() - start), taken.p50, taken.p95]
        for connection in connections:
            await connection.close()
    return tuple(figures)


@contextmanager
def _serving(peer: _Peer, files: Files, table: Table) -> Iterator[str | None]:
    """Run a peer's server; None, and a row that says so, where it is not installed."""
    port = free_port()
    try:
        python = peer.interpreter()
    except NotInstalled as error:
        table.add(f"{peer.name}: not measured, {error}", *[None] * 6)
        yield None
        return
    command = [str(python), "-m", f"benchmarks.{peer.module}", str(port), json.dumps(files.to_json())]
    process = subprocess.Popen(command, cwd=_REPOSITORY, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        asyncio.run(_listening(process, f"http://127.0.0.1:{port}/"))
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()


async def _listening(process: "subprocess.Popen[bytes]", url: str) -> None:
    end = time.monotonic() + _STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            await (await Connection.open(url, "")).close()
            return
        except OSError:
            await asyncio.sleep(0.1)
    raise RuntimeError(f"no server at {url}")
