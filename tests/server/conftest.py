"""A server with data and jobs, shared by the tests of this room; none of them changes what the others look at."""

import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import httpx
import netCDF4
import numpy as np
import pytest

TASKS = '''
import os, signal, sys, time
import numpy as np
from geojobs_lab.parameters import IntParameter, NumberParameter, RasterParameter, StringParameter
from geojobs_lab.rasters import Raster
from geojobs_lab.renderers import Color, StretchedRenderer
from geojobs_lab.tasks import Task, log, progress, task


class SomeTask(Task):
    """Adds one."""

    name = "some"
    inputs = [IntParameter("in")]
    outputs = [IntParameter("out")]

    def execute(self, **inputs):
        return inputs["in"] + 1


@task
def slow(seconds: float = 60.0, data: Raster | None = None) -> str:
    """Take time.

    Parameters
    ----------
    seconds
        How long.
    """
    end = time.monotonic() + seconds
    log(f"pid {os.getpid()}")
    progress(0.25, "a quarter")
    while time.monotonic() < end:
        time.sleep(0.02)
    return "done"


@task
def stubborn() -> str:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    log(f"pid {os.getpid()}")
    progress(0.5)
    while True:
        time.sleep(0.02)


@task
def chatty(lines: int, length: int = 1) -> int:
    for number in range(lines):
        log(f"{number} " + "x" * length)
    return lines


@task
def broken() -> int:
    raise ValueError("the value is wrong")


@task
def numbers(size: int) -> np.ndarray:
    values = np.arange(size, dtype=float)
    values[0] = np.nan
    return values


@task
def doubled(data: Raster) -> Raster:
    return data * 2


def blue(raster):
    return StretchedRenderer([(raster.min(), Color(0, 0, 0)), (raster.max(), Color(0, 0, 255))])


NOT_A_TASK = 5
'''

CONFIG = """
import sys
sys.path.insert(0, {tasks!r})
from geojobs_lab.renderers import Color, StretchedRenderer
c.GeoJobsApp.registered_jobs = {{
    "some_job": {{"type": "task", "task": "labtasks.SomeTask", "title": "Some job"}},
    "slow": {{"type": "task", "task": "labtasks.slow"}},
    "stubborn": {{"type": "task", "task": "labtasks.stubborn"}},
    "chatty": {{"type": "task", "task": "labtasks.chatty"}},
    "broken": {{"type": "task", "task": "labtasks.broken"}},
    "numbers": {{"type": "task", "task": "labtasks.numbers"}},
    "doubled": {{"type": "task", "task": "labtasks.doubled", "publish_raster_results": True,
                "results_renderer": lambda raster: StretchedRenderer([(raster.min(), Color(255, 0, 0)),
                                                                       (raster.max(), Color(0, 0, 255))])}},
    "blue": {{"type": "task", "task": "labtasks.doubled", "publish_raster_results": True,
             "results_renderer": "labtasks.blue"}},
    "misspelt": {{"type": "task", "task": "labtasks.NoSuchTask"}},
    "no_task": {{"type": "task", "task": "labtasks.NOT_A_TASK"}},
    "lost": {{"type": "workflow", "path": "/nowhere/flow.json"}},
    "no_entry": 5,
}}
c.GeoJobsApp.services = {{"world": {world!r}, "climate/deep": {deep!r}, "missing": "/nowhere/at-all.nc"}}
c.GeoJobsApp.service_roots = [{published!r}]
c.GeoJobsApp.max_workers = 2
"""

Submit = Callable[..., dict[str, Any]]


def write_world(path: Path, rows: slice = slice(None)) -> Path:
    """Write 2-degree cells whose temperature is latitude + 100 * time step; nothing south of 60 S; winds on levels."""
    with netCDF4.Dataset(path, "w") as file:
        file.title = "A small world"
        lats = np.arange(-89, 91, 2.0)[rows]
        for name, size in (("time", 3), ("level", 2), ("lat", len(lats)), ("lon", 180)):
            file.createDimension(name, size)
        axes = {
            "time": ([15, 45, 75], {"units": "days since 2000-01-01", "calendar": "360_day", "standard_name": "time"}),
            "level": ([1000, 500], {"units": "hPa"}),
            "lat": (lats, {"units": "degrees_north", "standard_name": "latitude"}),
            "lon": (np.arange(-179, 181, 2), {"units": "degrees_east", "standard_name": "longitude"}),
        }
        for name, (values, attributes) in axes.items():
            variable = file.createVariable(name, "f8", (name,))
            variable.setncatts(attributes)
            variable[:] = values
        lat = lats[:, None]
        fields = np.stack([np.where(lat < -60, np.nan, lat + 100 * step) + np.zeros(180) for step in range(3)])
        temperature = file.createVariable("temperature", "f4", ("time", "lat", "lon"), fill_value=np.nan)
        temperature.units, temperature.long_name = "K", "Air temperature"
        temperature[:] = fields
        wind = file.createVariable("wind", "f4", ("time", "level", "lat", "lon"))
        wind.units = "m s-1"
        wind[:] = (
            np.arange(3)[:, None, None, None] * 10 + np.arange(2)[None, :, None, None] + np.zeros((len(lats), 180))
        )
    return path


@pytest.fixture(scope="session")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of a NetCDF file; see `write_world`."""
    return write_world(tmp_path_factory.mktemp("rasters") / "world.nc")


@pytest.fixture(scope="session")
def published_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that files may be published from by their path."""
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="session")
def lab_config(tmp_path_factory: pytest.TempPathFactory, world: Path, published_dir: Path) -> str:
    """A configuration with jobs and services."""
    folder = tmp_path_factory.mktemp("lab")
    (folder / "labtasks.py").write_text(TASKS)
    deep = write_world(folder / "deep.nc", slice(45, None))  # the northern hemisphere
    return CONFIG.format(tasks=str(folder), world=str(world), deep=str(deep), published=str(published_dir))


@pytest.fixture(scope="session")
def server(geojobs_server: Callable[..., AbstractContextManager[Any]], lab_config: str) -> Iterator[Any]:
    """A running server with `lab_config`."""
    with geojobs_server(lab_config) as running:
        with running.client() as client:
            wait_until_ready(client, "world", "climate/deep")
        yield running


@pytest.fixture
def api(server: Any) -> Iterator[httpx.Client]:
    """A client with the token, whose URLs begin at the API."""
    with server.client() as client:
        yield client


@pytest.fixture
def run(api: httpx.Client) -> Submit:
    """Submit a job and return its document when it has ended."""

    def submit_and_wait(job: str, **inputs: Any) -> dict[str, Any]:
        answer = api.post("jobs/", json={"job": job, "inputs": inputs})
        assert answer.status_code == 201, answer.text
        return finish(api, answer.json())

    return submit_and_wait


@pytest.fixture
def finished(api: httpx.Client) -> Callable[[dict[str, Any]], dict[str, Any]]:
    """Wait until a job has ended."""
    return lambda document: finish(api, document)


@pytest.fixture
def result(run: Submit) -> str:
    """The name of a temporary service that holds twice the world's temperature."""
    document = run("doubled", data="service://world:temperature")
    assert document["status"] == "success", document
    return f"{document['uuid']}/result"


def finish(client: httpx.Client, document: dict[str, Any]) -> dict[str, Any]:
    end = time.monotonic() + 60
    while document["status"] in ("pending", "started"):
        assert time.monotonic() < end, document
        query = {"wait": 20, "revision": document["revision"]}
        document = client.get(f"jobs/{document['uuid']}/", params=query).json()
    return document


def wait_until_ready(client: httpx.Client, *names: str) -> None:
    end = time.monotonic() + 60
    for name in names:
        while (document := client.get(f"services/{name}/").json())["state"] == "publishing":
            assert time.monotonic() < end, document
            time.sleep(0.05)
        assert document["state"] == "ready", document
