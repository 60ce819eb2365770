"""Numbers of a layer over HTTP: series, statistics, classes, unique values; computed once, and not for nobody."""

import asyncio
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest
from geojobs_lab_server.computing import Computations
from geojobs_lab_server.errors import Refusal

from geojobs_lab.errors import ServerStopping
from geojobs_lab.renderers import renderer_from_json

TEMPERATURE = "services/world/variables/temperature"  # the latitude + 100 * step; nothing south of 60 S
WIND = "services/world/variables/wind"  # 10 * step + level


def test_a_series_has_all_values_through_time(api: httpx.Client) -> None:
    found = api.get(f"{TEMPERATURE}/series/", params={"lon": 11, "lat": 45.2}).json()
    assert found["values"] == [45, 145, 245]
    assert found["times"] == ["2000-01-16T00:00:00Z", "2000-02-16T00:00:00Z", "2000-03-16T00:00:00Z"]
    assert found["timestamps"] == [947_980_800, 950_659_200, 953_164_800]
    assert (found["unit"], found["lon"], found["lat"]) == ("K", 11, 45)
    assert api.get(f"{TEMPERATURE}/series/?lon=11&lat=-80").json()["values"] == [None] * 3
    assert api.get(f"{WIND}/series?lon=0&lat=0&level=500").json()["values"] == [1, 11, 21]


def test_unique_values_are_counted(api: httpx.Client) -> None:
    found = api.get(f"{WIND}/unique/", params={"level": 500, "time": "2000-02-16"}).json()
    assert found == {"values": [{"value": 11, "count": 16_200}], "count": 1, "complete": True, "unit": "m s-1"}
    temperature = api.get(f"{TEMPERATURE}/unique").json()
    assert [row["value"] for row in temperature["values"]] == list(range(-59, 91, 2))


@pytest.mark.parametrize(
    ("query", "breaks"),
    [
        ({"method": "equal", "classes": 4}, [-22, 15, 52, 89]),
        ({"method": "quantile", "classes": 3}, [-11, 39, 89]),
        ({"method": "jenks", "classes": 5}, [-31, -1, 29, 59, 89]),  # even values: even classes
        ({}, [-31, -1, 29, 59, 89]),
        ({"method": "equal", "classes": 1, "time": "2000-03-16"}, [289]),
    ],
)
def test_class_breaks_come_with_their_renderer(api: httpx.Client, query: dict[str, Any], breaks: list[float]) -> None:
    found = api.get(f"{TEMPERATURE}/classify/", params=query).json()
    assert found["breaks"] == pytest.approx(breaks)
    assert found["min"] == (141 if "time" in query else -59)
    assert (found["method"], found["count"], found["unit"]) == (query.get("method", "jenks"), 75 * 180, "K")
    assert [value for value, _ in found["renderer"]["colors"]] == found["breaks"]
    renderer = renderer_from_json(found["renderer"])
    assert renderer.type == "classified"
    tile = api.get(
        f"{TEMPERATURE}/tiles/0/0/0.png", params={"renderer": httpx.Response(200, json=found["renderer"]).text}
    )
    assert tile.status_code == 200


def test_classes_take_their_colors_from_a_colormap(api: httpx.Client) -> None:
    one, other = (
        api.get(f"{TEMPERATURE}/classify/", params={"colormap": name, "classes": 2}).json()["renderer"]["colors"]
        for name in ("viridis", "magma")
    )
    assert [value for value, _ in one] == [value for value, _ in other]
    assert one != other


@pytest.mark.parametrize(
    ("url", "field"),
    [
        ("classify/?method=natural", "method"),
        ("classify/?classes=0", "classes"),
        ("classify/?classes=33", "classes"),
        ("classify/?classes=255&method=equal", "classes"),
        ("classify/?classes=five", "classes"),
        ("classify/?classes=-3", "classes"),
        ("classify/?colormap=verdigris", "colormap"),
        ("classify/?level=3", "level"),
        ("series/?lon=1", "lat"),
        ("series/?lon=x&lat=1", "lon"),
        ("series/?lon=1&lat=91", "lat"),
        ("series/?lon=1&lat=1&depth=3", "depth"),
        ("unique/?time=noon", "time"),
        ("statistics/?method=equal", "method"),
    ],
)
def test_what_cannot_be_asked_is_refused_by_name(api: httpx.Client, url: str, field: str) -> None:
    answer = api.get(f"{TEMPERATURE}/{url}")
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"].keys() == {field}


def test_the_service_tells_where_its_numbers_are(api: httpx.Client, server: Any) -> None:
    (urls, _) = (variable["urls"] for variable in api.get("services/world/").json()["variables"])
    for name in ("series", "statistics", "classify", "unique"):
        assert urls[name] == f"{server.path}{TEMPERATURE}/{name}/"
        query = {"lon": 1, "lat": 1} if name == "series" else {}
        assert api.get(f"{server.origin}{urls[name]}", params=query).status_code == 200


# -- large layers


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("large") / "large.nc"
    size = 5000
    with netCDF4.Dataset(path, "w") as file:
        for name, units, ends in (("lat", "degrees_north", (60, 10)), ("lon", "degrees_east", (0, 50))):
            file.createDimension(name, size)
            file.createVariable(name, "f8", (name,))[:] = np.linspace(*ends, size)
            file[name].units = units
        made = file.createVariable("v", "f4", ("lat", "lon"), chunksizes=(256, 256), zlib=True, complevel=1)
        made[:] = np.arange(size, dtype="f4")[:, None] + np.zeros(size, "f4")
    return path


@pytest.fixture
def large_server(geojobs_server: Any, lab_config: str, large: Path, tmp_path: Path) -> Iterator[Any]:
    """A server that says in a file what it reads, and takes a tenth of a second for it."""
    config = f"""
c.GeoJobsApp.services = {{"large": {str(large)!r}}}
import time
import geojobs_lab.rasters
read = geojobs_lab.rasters.RasterFile.read
def slowly(self, *args, **keywords):
    with open({str(tmp_path / "reads")!r}, "a") as told:
        told.write("read\\n")
    time.sleep(0.1)
    return read(self, *args, **keywords)
geojobs_lab.rasters.RasterFile.read = slowly
"""
    with geojobs_server(lab_config + config) as server, server.client() as api:
        while api.get("services/large/").json()["state"] == "publishing":
            time.sleep(0.05)
        yield server


@pytest.fixture
def reads(tmp_path: Path) -> Callable[[], int]:
    """Return how often the server has read so far."""
    told = tmp_path / "reads"
    return lambda: len(told.read_text().split()) if told.exists() else 0


URL = "services/large/variables/v/statistics/"


def test_statistics_are_computed_once_however_many_ask_and_are_kept(
    large_server: Any, reads: Callable[[], int]
) -> None:
    with large_server.client() as api, ThreadPoolExecutor(6) as threads:
        answers = list(threads.map(lambda _: api.get(URL, timeout=60).json(), range(6)))
        once = reads()
        assert 20 < once < 60  # two passes
        assert all(answer == answers[0] for answer in answers)
        assert (answers[0]["mean"], answers[0]["count"]) == (pytest.approx(2499.5), 25_000_000)
        assert api.get(URL).json() == answers[0]
        assert reads() == once


def test_statistics_that_nobody_waits_for_end(large_server: Any, reads: Callable[[], int]) -> None:
    with large_server.client() as api:
        with pytest.raises(httpx.ReadTimeout):
            api.get(URL, timeout=0.4)
        time.sleep(0.6)
        begun = reads()
        time.sleep(0.5)
        assert reads() == begun < 15


def test_a_server_that_computes_statistics_stops_at_once(large_server: Any, reads: Callable[[], int]) -> None:
    with large_server.client() as api, ThreadPoolExecutor(1) as threads:
        asking = threads.submit(lambda: api.get(URL, timeout=30))
        while not reads():
            time.sleep(0.02)
        large_server.process.terminate()
        assert large_server.process.wait(10) == 0
        assert reads() < 40  # of two passes: it was not waited for
        with_answer = asking.exception(5)
        assert isinstance(with_answer, httpx.TransportError) or asking.result().status_code == 503


# -- the computations by themselves


class Asker:
    left = False


def test_too_many_computations_are_refused_and_none_begins_after_the_stop() -> None:
    async def scenario() -> None:
        computations = Computations()
        go = asyncio.Event()
        begun: list[str] = []
        ended: list[str] = []

        def wait(check: Any) -> dict[str, Any]:
            begun.append("begun")
            while not go.is_set():
                check()
                time.sleep(0.01)
            ended.append("done")
            return {}

        askers = [Asker() for _ in range(64)]
        waiting = [asyncio.ensure_future(computations.get(str(n), wait, asker)) for n, asker in enumerate(askers)]  # type: ignore[arg-type]
        while len(begun) < 2:
            await asyncio.sleep(0.01)
        with pytest.raises(Refusal, match="wait already") as refused:
            await computations.get("one more", wait, Asker())  # type: ignore[arg-type]
        assert (refused.value.status_code, refused.value.headers) == (503, {"Retry-After": "5"})
        computations.stop()
        answers = await asyncio.gather(*waiting, return_exceptions=True)
        assert all(isinstance(answer, ServerStopping | asyncio.CancelledError) for answer in answers)
        assert (len(begun), ended) == (2, [])
        with pytest.raises(ServerStopping):
            await computations.get("late", wait, Asker())  # type: ignore[arg-type]

    asyncio.run(scenario())


def test_what_fails_is_not_kept() -> None:
    async def scenario() -> None:
        computations = Computations()
        with pytest.raises(ZeroDivisionError):
            await computations.get("key", lambda check: {"a": 1 // 0}, Asker())  # type: ignore[arg-type]
        for _ in range(2):
            assert await computations.get("key", lambda check: {"a": 1}, Asker()) == {"a": 1}  # type: ignore[arg-type]
        computations.stop()
        computations.stop()

    asyncio.run(scenario())
