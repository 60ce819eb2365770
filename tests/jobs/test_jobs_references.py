"""References in the inputs of jobs: what they may say, what is refused before the run, and what a run reads."""

import asyncio
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cftime
import netCDF4
import numpy as np
import pytest
from jobs_house import House, eventually_ready

from geojobs_lab.documents import ServiceReference, Status
from geojobs_lab.errors import InvalidReference
from geojobs_lab.jobs.submission import check_inputs
from geojobs_lab.rasters import RasterFile
from geojobs_lab.services.references import FileResolver
from geojobs_lab.tasks.loading import load_task

CALENDARS = (
    "standard",
    "gregorian",
    "proleptic_gregorian",
    "noleap",
    "365_day",
    "all_leap",
    "366_day",
    "360_day",
    "julian",
)
ENTRIES = {
    name: {"type": "task", "task": f"result_tasks.{name}", "publish_raster_results": True}
    for name in ("Sums", "Series", "Several", "Together", "bytes_read")
}
DAY = 86_400


def write(path: Path, *variables: str, calendar: str = "standard", days: Any = (0, 1, 2), size: int = 2) -> Path:
    """Write variables over days since 2001-02-27, each step full of its number (plus 100 for each later variable)."""
    days = np.asarray(days, dtype=float)
    with netCDF4.Dataset(path, "w") as file:
        axes = (
            ("time", days, {"units": "days since 2001-02-27", "calendar": calendar}),
            ("lat", np.linspace(40, 41, size), {"units": "degrees_north"}),
            ("lon", np.linspace(10, 11, size), {"units": "degrees_east"}),
        )
        for name, values, attributes in axes:
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable.setncatts(attributes)
            variable[:] = values
        for number, name in enumerate(variables):
            chunks = (1, size, size)
            variable = file.createVariable(name, "f4", ("time", "lat", "lon"), chunksizes=chunks)
            for step in range(len(days)):
                variable[step] = np.full((size, size), step + 100 * number)
    return path


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    """Service names, with slashes, and their files: one for each calendar, and one with two variables."""
    made = {f"by/calendar/{name}": write(tmp_path / f"{name}.nc", "v", calendar=name) for name in CALENDARS}
    made["two/variables"] = write(tmp_path / "two.nc", "warm", "wet")
    return {name: str(path) for name, path in made.items()}


@pytest.mark.parametrize("calendar", CALENDARS)
def test_times_are_found_in_every_calendar_exactly_or_nearest_by_seconds_or_iso(
    files: dict[str, str], calendar: str
) -> None:
    name = f"by/calendar/{calendar}"
    exactly, nearest = FileResolver(files, best_fit=False), FileResolver(files)

    def value(resolver: FileResolver, moment: str) -> float:
        return float(resolver.raster(ServiceReference.parse(f"service://{name}:v@{moment}"))[0, 0])

    whole = exactly.raster(ServiceReference.parse(f"service://{name}"))
    assert whole.shape == (3, 2, 2)
    dates = [cftime.num2date(day, "days since 2001-02-27", calendar) for day in range(3)]
    with RasterFile(files[name]) as file:
        stops = file.describe()["variables"][0]["time"]["stops"]
    for step, (stop, date) in enumerate(zip(stops, dates, strict=True)):
        iso = f"{date.year:04d}-{date.month:02d}-{date.day:02d}"
        assert stop["iso"].startswith(iso)
        assert value(exactly, f"{stop['timestamp']:.17g}") == step
        assert value(exactly, iso) == value(exactly, stop["iso"]) == step
        assert value(nearest, f"{stop['timestamp'] + 0.2:.17g}") == step
        assert value(nearest, f"{iso}T06:00:00") == step
    assert value(nearest, "-1e9") == 0
    for moment in ("2001-02-27T00:00:01", "-1e9"):
        with pytest.raises(InvalidReference, match=r"no step of 'time' is exactly at"):
            value(exactly, moment)


@pytest.fixture
def loaded(open_house: Any, files: dict[str, str]) -> Any:
    return lambda entries=ENTRIES, **settings: open_house(entries, services=files, **settings)


def test_a_submission_is_checked_by_the_same_rule_in_every_calendar(loaded: Any) -> None:
    task_path = "result_tasks.Sums"

    async def scenario() -> None:
        async with loaded() as house:
            await eventually_ready(house)
            task = load_task(task_path)
            for calendar in CALENDARS:
                text = f"service://by/calendar/{calendar}:v@"
                for moment, exact in (("2001-02-28", True), ("2001-02-28T00:00:01", False), ("0", False)):
                    inputs = {"raster": f"{text}{moment}"}
                    found = await check_inputs(task, inputs, house.catalogue, best_fit_time=True)
                    assert list(found) == [f"by/calendar/{calendar}"]
                    if exact:
                        await check_inputs(task, inputs, house.catalogue, best_fit_time=False)
                        continue
                    with pytest.raises(InvalidReference, match="inputs: raster: .*exactly at"):
                        await check_inputs(task, inputs, house.catalogue, best_fit_time=False)
            inputs = {"raster": "service://by/calendar/standard:v@2001-02-30"}
            with pytest.raises(InvalidReference, match="2001-02-30"):
                await check_inputs(task, inputs, house.catalogue, best_fit_time=True)
            inputs = {"raster": "service://by/calendar/360_day:v@2001-02-30"}
            await check_inputs(task, inputs, house.catalogue, best_fit_time=True)

    asyncio.run(scenario())


def refusals() -> Iterator[tuple[dict[str, Any], str]]:
    yield {"raster": "service://nowhere"}, r"inputs: raster: .*no service 'nowhere'; there are 'climate', 'by/cal"
    yield {"raster": "service://two/variables"}, r"raster: .*name one of the variables \['warm', 'wet'\]"
    yield {"array": "service://two/variables:cold"}, r"array: .*no variable 'cold'; it has \['warm', 'wet'\]"
    yield {"rasters": ["service://climate", "service://two/variables:x"]}, "rasters: .*'x'"
    yield {"dataset": "service://two/variables:warm"}, "dataset: "
    yield {"dataset": "service://two/variables@0"}, "dataset: "
    yield {"dataset": "service://nowhere"}, "inputs: dataset: .*'nowhere'"
    # the same service is right for one input and wrong for the other
    both = {"dataset": "service://two/variables", "raster": "service://two/variables"}
    yield both, r"inputs: raster: .*name one of"
    yield {"raster": "service://two/variables:warm@noon"}, "raster: .*'noon'"


@pytest.mark.parametrize(("inputs", "says"), list(refusals()))
def test_wrong_references_are_refused_naming_input_and_value_and_what_there_is(
    loaded: Any, inputs: dict[str, Any], says: str
) -> None:
    async def scenario() -> None:
        async with loaded() as house:
            await eventually_ready(house)
            with pytest.raises(ValueError, match=says) as refusal:
                await house.submit("Sums", inputs)
            assert any("service://" in line for line in str(refusal.value).splitlines())
            assert (await house.manager.list(limit=1))[0] == 0

    asyncio.run(scenario())


async def outputs(house: House, job: str, inputs: Any) -> dict[str, Any]:
    done = await house.finish(await house.submit(job, inputs))
    assert done.status is Status.SUCCESS, done.error
    return json.loads(done.outputs)


def test_every_kind_of_input_takes_references_and_one_jobs_results_are_the_next_ones_inputs(loaded: Any) -> None:
    async def scenario() -> None:
        async with loaded() as house:
            inputs = {
                "raster": "service://by/calendar/360_day:v@2001-02-29",
                "array": "service://two/variables:wet@2001-02-28",
                "rasters": ["service://by/calendar/julian", f"service://by/calendar/noleap@{983_318_400 + DAY}"],
                "dataset": "service://two/variables",
                "datasets": ["service://climate", "service://two/variables"],
            }
            assert (await outputs(house, "Sums", inputs))["sums"] == {
                "raster": 8.0,
                "array": 404.0,
                "rasters": [12.0, 8.0],
                "dataset": {"warm": 12.0, "wet": 1212.0},
                "datasets": [1, 2],
            }
            series = (await outputs(house, "Series", {}))["series"]
            cells = (await outputs(house, "Several", {"count": 3}))["cells"]
            both = (await outputs(house, "Together", {}))["both"]
            again = {
                "raster": f"service://{series}:data@2000-02-30",
                "rasters": [f"service://{name}" for name in cells],
                "dataset": f"service://{both}",
            }
            sums = (await outputs(house, "Sums", again))["sums"]
            assert sums["raster"] == 6.0
            assert sums["rasters"] == [0.0, 6.0, 12.0]
            assert sums["dataset"] == {"warm": 6.0, "wet": 8.0}

    asyncio.run(scenario())


def test_one_step_of_a_long_series_is_read_and_not_the_series(loaded: Any, tmp_path: Path) -> None:
    steps, size = 200, 1000
    one_step = size * size * 4
    path = tmp_path / "data" / "long.nc"  # below the roots
    path.parent.mkdir(exist_ok=True)
    write(path, days=range(steps), size=size)
    with netCDF4.Dataset(path, "a") as file:
        file.set_fill_off()  # holes on the disk, which are read like anything else
        file.createVariable("v", "f4", ("time", "lat", "lon"), contiguous=True)[94] = 7
    assert path.stat().st_size > steps // 2 * one_step

    async def scenario() -> None:
        async with loaded() as house:
            await house.catalogue.publish_path("long", str(path))
            # once for what is loaded at first use, then counted
            before = (await outputs(house, "bytes_read", {"data": "service://two/variables:warm@0"}))["result"]
            # named by the reference, and picked by the task from a series that it gets whole
            for inputs in ({"data": "service://long:v@2001-06-01"}, {"data": "service://long:v", "step": 94}):
                after = (await outputs(house, "bytes_read", inputs))["result"]
                assert after["pid"] == before["pid"]
                assert after["sum"] == 7 * size * size
                # netCDF itself reads 4 MiB to open a file
                assert one_step <= after["read"] - before["read"] < 6 * one_step
                before = after

    asyncio.run(scenario())


def test_a_waiting_job_of_another_server_holds_its_services_too(loaded: Any, tmp_path: Path) -> None:
    async def scenario() -> None:
        entries = {**ENTRIES, "sleeps": {"type": "task", "task": "faulty_tasks.sleeps"}}
        async with loaded(entries, max_age=0) as one, loaded(max_age=0) as other:
            name = (await outputs(one, "Several", {"count": 1}))["cells"][0]
            # Held in one server, where it waits for this one; asked to go by the other.
            blocker = await one.submit("sleeps", None)
            held = await one.submit("Sums", {"raster": f"service://{name}"})
            for going in (other.manager.remove_service(name), other.manager.delete(name.partition("/")[0])):
                with pytest.raises(Exception, match=f"used by job {held.uuid}"):
                    await going
            assert await other.catalogue.remove_expired() == []
            await one.manager.cancel(blocker.uuid)
            await one.finish(held)
            assert await other.catalogue.remove_expired() == [name]
            with pytest.raises(InvalidReference, match="no service"):
                await one.submit("Sums", {"raster": f"service://{name}"})

    asyncio.run(scenario())
