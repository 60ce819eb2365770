"""What jobs leave behind: rasters, lists of them and data sets as services, whole or not at all."""

import asyncio
import json
import os
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from jobs_bench import eventually
from jobs_house import House, files_below

from geojobs_lab.documents import Status
from geojobs_lab.errors import NotFound
from geojobs_lab.jobs import Job

PUBLISHED = {
    name: {"type": "task", "task": f"result_tasks.{name}", "publish_raster_results": True}
    for name in ("Several", "Together", "Series", "Odd", "Words")
}
PLAIN = {
    f"plain_{name}": {"type": "task", "task": f"result_tasks.{name}"} for name in ("Several", "Together", "Series")
}
STYLED = {
    f"styled_{name}": {**PUBLISHED[name], "results_renderer": "result_tasks.by_units"}
    for name in ("Several", "Together")
}
ENTRIES = {**PUBLISHED, **PLAIN, **STYLED}


@pytest.fixture
def run(open_house: Any) -> Any:
    """Return a function that runs a job in a house of its own, and hands house and job to a check."""

    def start(name: str, inputs: dict[str, Any], check: Any, status: Status = Status.SUCCESS) -> None:
        async def scenario() -> None:
            async with open_house(ENTRIES) as house:
                job = await house.finish(await house.submit(name, inputs))
                assert job.status is status, job.error
                await check(house, job)

        asyncio.run(scenario())

    return start


async def log_of(house: House, job: Job) -> str:
    lines, _ = await house.manager.log(job.uuid, 0)
    return "\n".join(f"{line['level']} {line['message']}" for line in lines)


def test_a_list_of_rasters_becomes_several_services_and_goes_as_one(run: Any, tmp_path: Path) -> None:
    async def check(house: House, job: Job) -> None:
        names = [f"{job.uuid}/cells/{number}" for number in range(3)]
        assert json.loads(job.outputs) == {"cells": names, "count": 3}
        for number, name in enumerate(names):
            service = await house.catalogue.get(name)
            assert (service.title, service.temporary, service.variables) == (f"Height {number}", True, ["data"])
            with xr.open_dataset(service.path) as file:
                assert float(file["data"].mean()) == number
                assert file["data"].attrs["units"] == "m"
                assert file["data"].attrs["long_name"] == f"Height {number}"
                assert file.attrs["geojobs_uuid"] == job.uuid
        await house.catalogue.update(names[1], temporary=False)
        await house.manager.delete(job.uuid)
        assert [service.name for service in (await house.catalogue.list(9, 0))[1]][1:] == [names[1]]
        assert len(files_below(tmp_path / "data" / "results")) == 1

    run("Several", {"count": 3}, check)


def test_an_empty_list_is_an_empty_list(run: Any) -> None:
    async def check(house: House, job: Job) -> None:
        assert json.loads(job.outputs) == {"cells": [], "count": 0}

    run("Several", {"count": 0}, check)


def test_when_one_of_several_rasters_cannot_be_published_nothing_of_the_job_is_left(run: Any, tmp_path: Path) -> None:
    async def check(house: House, job: Job) -> None:
        assert "complex128" in job.error["message"]
        assert job.outputs == "{}"
        assert (await house.catalogue.list(9, 0))[0] == 1  # the configured one
        assert files_below(tmp_path / "data" / "results") == []
        with pytest.raises(NotFound):
            await house.catalogue.get(f"{job.uuid}/cells/0")

    run("Several", {"count": 4, "wrong": 2}, check, Status.FAILURE)


def test_a_data_set_becomes_one_service_with_all_its_rasters(run: Any) -> None:
    async def check(house: House, job: Job) -> None:
        assert json.loads(job.outputs) == {"both": f"{job.uuid}/both"}
        service = await house.catalogue.get(f"{job.uuid}/both")
        assert (service.title, service.variables) == ("Both", ["warm", "wet"])
        with xr.open_dataset(service.path) as file:
            assert (float(file.warm.mean()), float(file.wet.mean())) == (1, 2)
            assert (file.warm.units, file.wet.units) == ("K", "mm")
            assert file.attrs["institution"] == "House"
            assert file.attrs["history"].startswith(job.created)
        assert "WARNING Left out of what is published" in await log_of(house, job)

    run("Together", {}, check)


def test_the_configured_renderer_is_asked_for_each_raster(run: Any) -> None:
    async def top(house: House, name: str, variable: str) -> float:
        return (await house.catalogue.get(name)).renderers[variable]["colors"][-1][0]

    async def check_list(house: House, job: Job) -> None:
        for number in range(2):
            assert await top(house, f"{job.uuid}/cells/{number}", "data") == 300 + number

    async def check_dataset(house: House, job: Job) -> None:
        assert await top(house, f"{job.uuid}/both", "warm") == 100
        assert await top(house, f"{job.uuid}/both", "wet") == 200

    run("styled_Several", {"count": 2}, check_list)
    run("styled_Together", {}, check_dataset)


def test_a_time_axis_is_published_with_its_calendar_units_and_name(run: Any) -> None:
    async def check(house: House, job: Job) -> None:
        service = await house.catalogue.get(f"{job.uuid}/series")
        (variable,) = service.info["variables"]
        assert variable["time"]["calendar"] == "360_day"
        isos = [stop["iso"][:10] for stop in variable["time"]["stops"]]
        assert isos == ["2000-02-28", "2000-02-29", "2000-02-30"]
        assert (variable["units"], variable["long_name"]) == ("K", "Warmth")
        with xr.open_dataset(service.path, decode_times=False) as file:
            assert file["data"].attrs["cell_methods"] == "time: mean"
            assert file["data"].attrs["source_name"] == "tas"

    run("Series", {}, check)


def test_results_that_are_not_published_are_arrays_and_summaries(run: Any, tmp_path: Path) -> None:
    async def check_list(house: House, job: Job) -> None:
        assert json.loads(job.outputs) == {"cells": [[[0.0] * 3] * 2, [[1.0] * 3] * 2], "count": 2}

    async def check_dataset(house: House, job: Job) -> None:
        both = json.loads(job.outputs)["both"]
        assert both["variables"]["warm"]["units"] == "K"
        assert both["dimensions"]["lat"] == 2
        assert files_below(tmp_path / "data" / "results") == []

    run("plain_Several", {"count": 2}, check_list)
    run("plain_Together", {}, check_dataset)


def test_attributes_that_netcdf_cannot_hold_do_not_fail_the_job(run: Any) -> None:
    async def check(house: House, job: Job) -> None:
        service = await house.catalogue.get(f"{job.uuid}/out")
        assert service.title == "from caf?.nc"
        with xr.open_dataset(service.path) as file:
            attributes = file["data"].attrs
            assert (attributes["source"], attributes["nul"]) == ("caf?.nc", "a?b")
            assert (attributes["kept"], attributes["number"]) == ("yes", 3)
            assert not {"none", "object", "huge", " blank", "CLASS", "a/b"} & attributes.keys()
        log = await log_of(house, job)
        assert "The attribute source of data is not Unicode and is changed" in log
        assert "The attribute 'CLASS' of data is left out" in log

    run("Odd", {}, check)


def test_a_raster_of_texts_is_refused_by_its_output_not_by_a_renderer(run: Any, tmp_path: Path) -> None:
    async def check(house: House, job: Job) -> None:
        assert job.error is not None
        assert job.error["message"] == "output 'words': a raster of <U32 cannot be published: it holds no numbers"
        assert job.error["where"] == "Words"
        assert files_below(tmp_path / "data" / "results") == []

    run("Words", {}, check, Status.FAILURE)


@pytest.mark.parametrize("end", ["kill", "wait"])
def test_the_temporary_files_of_a_worker_that_was_ended_are_removed(open_house: Any, tmp_path: Path, end: str) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        name = "makes_temporary_files"
        async with open_house({name: {"type": "task", "task": f"faulty_tasks.{name}"}}) as house:
            job = await house.submit(name, {"mark": str(mark), "end": end})
            if end == "wait":
                await eventually(mark.exists)
                await house.manager.cancel(job.uuid)
            assert (await house.finish(job)).status is (Status.REVOKED if end == "wait" else Status.FAILURE)
            folder = Path(mark.read_text().split()[0]).parent
            assert folder.parent == house.catalogue.owner.temporary
            assert not folder.exists()
        assert not folder.parent.exists()

    asyncio.run(scenario())


def test_results_are_for_the_user_alone_whatever_tasks_are_used_to(open_house: Any, tmp_path: Path) -> None:
    more = {"ManyOutputs": "faulty_tasks.ManyOutputs", "writes": "result_tasks.writes"}
    entries = {**ENTRIES, **{name: {"type": "task", "task": path} for name, path in more.items()}}

    async def scenario() -> None:
        async with open_house(entries) as house:
            for name, inputs in (("Several", {"count": 1}), ("plain_Several", {"count": 1}), ("ManyOutputs", {})):
                assert (await house.finish(await house.submit(name, inputs))).status is Status.SUCCESS
            mine = tmp_path / "mine"
            assert (await house.finish(await house.submit("writes", {"path": str(mine)}))).status is Status.SUCCESS
            found = {path: path.stat().st_mode & 0o777 for path in (tmp_path / "data").rglob("*")}
            assert {mode for path, mode in found.items() if path.is_file()} == {0o600}
            assert {mode for path, mode in found.items() if path.is_dir()} == {0o700}
            assert mine.stat().st_mode & 0o777 == 0o644

    before = os.umask(0o022)
    try:
        asyncio.run(scenario())
    finally:
        os.umask(before)
