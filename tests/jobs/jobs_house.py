"""A server's rooms without HTTP, over real files, with real workers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray as xr
from jobs_bench import FAULTY

from geojobs_lab.database import Database
from geojobs_lab.jobs import Job, JobManager, RegisteredJobs
from geojobs_lab.services import ServiceCatalogue

JOBS = ("double", "raises", "sleeps", "reports", "ManyOutputs", "Warms", "HalfWritten", "segfaults")
ENTRIES = {name: {"type": "task", "task": f"faulty_tasks.{name}", "publish_raster_results": True} for name in JOBS}


class House:
    """Everything that a server has, without HTTP."""

    def __init__(self, data_dir: Path, entries: dict[str, Any], services: dict[str, str], **settings: Any) -> None:
        self.database = Database(data_dir / "geojobs.sqlite")
        max_age = settings.pop("max_age", 3600)
        self.catalogue = ServiceCatalogue(
            self.database, configured=services, data_dir=data_dir, roots=[str(data_dir)], max_age=max_age
        )
        self.registered = RegisteredJobs(entries)
        self.manager = JobManager(
            data_dir=data_dir,
            database=self.database,
            catalogue=self.catalogue,
            registered=self.registered,
            url_prefix="/x/geoprocessing/rest/",
            max_workers=settings.pop("max_workers", 1),
            **settings,
        )

    async def submit(self, job: object, inputs: object, **options: object) -> Job:
        submitted, _ = await self.manager.submit(job, inputs, **options)
        return submitted

    async def finish(self, job: Job) -> Job:
        while not job.status.is_final:
            job = await self.manager.wait(job.uuid, revision=job.revision, timeout=20)
        return job


@pytest.fixture
def climate(tmp_path: Path) -> Path:
    """A small series: 3 steps of a 4 x 5 grid, the step's number in every cell."""
    path = tmp_path / "climate.nc"
    values = np.broadcast_to(np.arange(3.0)[:, None, None], (3, 4, 5)).astype("float32")
    data = xr.DataArray(
        values,
        dims=("time", "lat", "lon"),
        coords={
            "time": np.array(["2000-01-01", "2001-01-01", "2002-01-01"], dtype="datetime64[ns]"),
            "lat": ("lat", [40.0, 41.0, 42.0, 43.0], {"units": "degrees_north"}),
            "lon": ("lon", [10.0, 11.0, 12.0, 13.0, 14.0], {"units": "degrees_east"}),
        },
        name="t",
        attrs={"units": "K", "long_name": "temperature"},
    )
    data.to_netcdf(path)
    return path


@pytest.fixture
def open_house(tmp_path: Path, climate: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FAULTY))

    @asynccontextmanager
    async def opened(entries: dict[str, Any] = ENTRIES, **settings: Any) -> AsyncIterator[House]:
        services = {"climate": str(climate), **settings.pop("services", {})}
        house = House(tmp_path / "data", entries, services, **settings)
        await house.database.start()
        await house.catalogue.start()
        await house.manager.start()
        try:
            yield house
        finally:
            await house.manager.stop()
            await house.catalogue.stop()
            await house.database.stop()

    return opened


def files_below(folder: Path) -> list[str]:
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


async def eventually_ready(house: House) -> None:
    """Return when the configured services have been looked into."""
    for name in house.catalogue._configured:
        while (await house.catalogue.get(name)).state == "publishing":
            await asyncio.sleep(0.02)
