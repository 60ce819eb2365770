"""The manager with a real store, real workers and real files."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import xarray as xr
from jobs_bench import eventually, is_gone, pids_in
from jobs_house import ENTRIES, eventually_ready, files_below

from geojobs_lab.documents import Status
from geojobs_lab.errors import (
    Conflict,
    InvalidInput,
    InvalidReference,
    NotFound,
    ParameterNotValidError,
    QueueFull,
    ServerStopping,
    StoreError,
    UnknownJob,
)
from geojobs_lab.jobs import manager, running


def test_a_job_goes_from_pending_to_success(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("double", '{"value": 21}')
            assert (job.status, job.inputs, job.revision) == (Status.PENDING, '{"value": 21}', 1)
            done = await house.finish(job)
            assert (done.status, done.outputs) == (Status.SUCCESS, '{"result": 42}')
            assert job.created <= done.started <= done.finished

    asyncio.run(scenario())


@pytest.mark.parametrize("inputs", [None, "", "null", "{}", {}])
def test_no_inputs_can_be_said_in_many_ways(open_house, inputs: Any) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("raises", inputs)
            assert job.inputs == "{}"

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("job", "inputs", "error", "says"),
    [
        ("nothing", "{}", UnknownJob, "'nothing'"),
        (None, "{}", UnknownJob, "None"),
        (["double"], "{}", UnknownJob, "double"),
        ("broken", "{}", UnknownJob, "no_such_module"),
        ("double", "{", InvalidInput, "not JSON"),
        ("double", '{"value": NaN}', InvalidInput, "NaN"),
        ("double", "[1]", InvalidInput, "JSON object"),
        ("double", 3, InvalidInput, "JSON object"),
        ("double", "{}", ParameterNotValidError, "value"),
        ("double", '{"value": "x"}', ParameterNotValidError, "'x'"),
        ("double", '{"value": 1, "colour": 2}', ParameterNotValidError, "colour"),
        ("Warms", '{"data": "service://nowhere:t"}', InvalidReference, "'nowhere'"),
        ("Warms", '{"data": "service://nowhere:t"}', InvalidReference, "inputs: data: "),
        ("Warms", '{"data": "service://climate:wind"}', InvalidReference, "'wind'"),
        ("Warms", '{"data": "service://climate:t@soon"}', InvalidInput, "'soon'"),
        ("Warms", '{"data": "service://../climate:t"}', InvalidInput, "'../climate'"),
    ],
)
def test_what_is_wrong_is_refused_and_leaves_no_row(open_house, job, inputs, error, says: str) -> None:
    entries = {**ENTRIES, "broken": {"type": "task", "task": "no_such_module.Task"}}

    async def scenario() -> None:
        async with open_house(entries) as house:
            await eventually_ready(house)
            with pytest.raises(error) as refusal:
                await house.submit(job, inputs)
            assert says in str(refusal.value)
            assert (await house.manager.list(limit=5))[0] == 0

    asyncio.run(scenario())


def test_a_raster_becomes_a_temporary_service_with_its_file(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.finish(await house.submit("Warms", '{"data": "service://climate:t@978307200"}'))
            assert job.status is Status.SUCCESS, job.error
            outputs = json.loads(job.outputs)
            assert outputs == {"warmer": f"{job.uuid}/warmer", "mean": 2.0}
            service = await house.catalogue.get(f"{job.uuid}/warmer")
            assert (service.temporary, service.job, service.state, service.variables) == (
                True,
                job.uuid,
                "ready",
                ["data"],
            )
            with xr.open_dataset(service.path) as published:
                assert float(published["data"].mean()) == 2.0
                assert published["data"].attrs["units"] == "K"
                assert published.attrs["geojobs_uuid"] == job.uuid
                assert published.attrs["geojobs_inputs"] == '{"data": "service://climate:t@978307200"}'
            assert files_below(tmp_path / "data" / "results") == [f"{job.uuid}/warmer.nc"]

            with pytest.raises(Conflict):
                await house.manager.cancel(job.uuid)
            await house.manager.delete(job.uuid)
            assert files_below(tmp_path / "data" / "results") == []
            with pytest.raises(NotFound):
                await house.catalogue.get(f"{job.uuid}/warmer")

    asyncio.run(scenario())


def test_a_kept_result_outlives_its_job(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.finish(await house.submit("Warms", {"data": "service://climate@0"}))
            name = f"{job.uuid}/warmer"
            await house.catalogue.update(name, temporary=False, title="Warmer")
            await house.manager.delete(job.uuid)
            service = await house.catalogue.get(name)
            assert (service.title, service.path.is_file()) == ("Warmer", True)
            await house.manager.remove_service(name)
            assert files_below(tmp_path / "data" / "results") == []

    asyncio.run(scenario())


def test_old_results_go_and_results_in_use_stay(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house(max_age=0, cleanup_interval=0.1, max_workers=2) as house:
            job = await house.finish(await house.submit("Warms", {"data": "service://climate@0"}))
            await eventually(lambda: files_below(tmp_path / "data" / "results") == [])
            with pytest.raises(NotFound):
                await house.catalogue.get(f"{job.uuid}/warmer")

    asyncio.run(scenario())


def test_a_service_that_a_job_uses_is_not_removed(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            first = await house.finish(await house.submit("Warms", {"data": "service://climate@0"}))
            name = f"{first.uuid}/warmer"
            second = await house.submit("HalfWritten", {"data": f"service://{name}:data", "mark": "x"})
            with pytest.raises(Conflict, match=second.uuid):
                await house.manager.remove_service(name)
            with pytest.raises(Conflict, match=second.uuid):
                await house.manager.delete(first.uuid)
            await house.manager.cancel(second.uuid)
            await house.manager.remove_service(name)

    asyncio.run(scenario())


def test_configured_services_are_not_changed_through_the_api(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            for asking in (
                house.manager.remove_service("climate"),
                house.catalogue.update("climate", title="x"),
                house.catalogue.publish_path("climate", "climate.nc"),
            ):
                with pytest.raises((Conflict, InvalidInput)):
                    await asking

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["raises", "segfaults", "HalfWritten"])
def test_a_job_that_does_not_succeed_leaves_no_files(open_house, tmp_path: Path, name: str) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            inputs = {"data": "service://climate@0", "mark": str(tmp_path / "mark")} if name == "HalfWritten" else {}
            job = await house.submit(name, inputs)
            if name == "HalfWritten":
                await eventually(lambda: pids_in(tmp_path / "mark"))
                job = await house.manager.cancel(job.uuid)
                assert job.status is Status.REVOKED
                assert all(map(is_gone, pids_in(tmp_path / "mark")))
            else:
                job = await house.finish(job)
                assert job.status is Status.FAILURE
            assert job.outputs == "{}"
            assert files_below(tmp_path / "data" / "results") == []

    asyncio.run(scenario())


def test_progress_and_log_can_be_read_while_the_job_runs(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("reports", None)
            seen = []
            while not job.status.is_final:
                job = await house.manager.wait(job.uuid, revision=job.revision, timeout=10)
                seen.append((job.progress, job.message))
            assert (0.25, "a quarter") in seen
            assert seen[-1] == (1.0, "the last word")
            assert job.revision == len(set(seen)) + 1 or job.revision >= len(seen)

    asyncio.run(scenario())


def test_a_job_that_finds_a_free_place_begins_in_the_write_that_takes_it(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            store = house.manager._store
            before = await store.cursor()
            first, second = await house.submit("sleeps", None), await house.submit("sleeps", None)
            assert [(job.status, job.revision) for job in (first, second)] == [(Status.PENDING, 1)] * 2
            stored = [await store.get(job.uuid) for job in (first, second)]
            assert [(job.status, job.revision) for job in stored] == [(Status.STARTED, 2), (Status.PENDING, 1)]
            assert stored[0].started >= first.created
            assert await store.cursor() == before + 2
            assert house.manager.active == 1
            assert house.manager.waiting == 1

    asyncio.run(scenario())


def test_a_place_is_free_again_when_the_job_for_it_could_not_be_written(open_house, monkeypatch) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            with monkeypatch.context() as patch:
                patch.setattr(house.manager._store, "add", refuse)
                with pytest.raises(StoreError):
                    await house.submit("double", {"value": 1})
            assert house.manager.running == house.manager.active == 0
            await house.submit("sleeps", None)
            assert house.manager.active == 1

    async def refuse(*_: object, **__: object) -> None:
        raise StoreError("the disk is full")

    asyncio.run(scenario())


def test_a_job_that_is_taken_while_the_server_stops_waits_for_the_next(open_house, monkeypatch) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            add = house.manager._store.add

            async def late(*row: Any, **more: Any) -> None:
                await add(*row, **more)
                await house.manager.stop()

            monkeypatch.setattr(house.manager._store, "add", late)
            job = await house.submit("double", {"value": 1})
            left = await house.manager._store.get(job.uuid)
            assert (left.status, left.owner, left.started) == (Status.PENDING, None, None)
            assert left.message == "put back: the server was stopped"

    asyncio.run(scenario())


@pytest.mark.parametrize("restartable", [True, False])
def test_the_start_of_a_job_that_may_begin_anew_is_written_later_than_it_begins(
    open_house, monkeypatch, tmp_path: Path, restartable: bool
) -> None:
    monkeypatch.setattr(running, "_MOMENT", 60)

    async def scenario() -> None:
        async with open_house({**ENTRIES, "sleeps": {**ENTRIES["sleeps"], "restartable": restartable}}) as house:
            first = await house.submit("sleeps", None)
            second = await house.submit("sleeps", {"mark": str(tmp_path / "mark")})
            await house.manager.cancel(first.uuid)
            await eventually((tmp_path / "mark").exists)
            status = (await house.manager._store.get(second.uuid)).status
            assert status is (Status.PENDING if restartable else Status.STARTED)
            ended = await house.manager.cancel(second.uuid)
            assert (ended.status, ended.revision) == (Status.REVOKED, 3)
            assert ended.created <= ended.started <= ended.finished

    asyncio.run(scenario())


def test_what_happens_in_a_moment_is_told_at_once(open_house, monkeypatch) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("double", {"value": 1})
            monkeypatch.setattr(manager, "_MOMENT", 60)
            assert (await house.manager.wait(job.uuid, revision=1, timeout=60)).status is Status.SUCCESS
            job = await house.submit("sleeps", None)
            monkeypatch.setattr(manager, "_MOMENT", 0.01)
            assert (await house.manager.wait(job.uuid, revision=1, timeout=60)).status is Status.STARTED

    asyncio.run(scenario())


def test_waiting_without_news_ends_after_the_time_given(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("sleeps", None)
            while job.status is not Status.STARTED:
                job = await house.manager.wait(job.uuid, revision=job.revision, timeout=10)
            assert await house.manager.wait(job.uuid, revision=job.revision, timeout=0.2) == job
            with pytest.raises(NotFound):
                await house.manager.wait("nobody", revision=0, timeout=0.2)

    asyncio.run(scenario())


def test_a_waiting_job_is_cancelled_without_a_worker(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            first = await house.submit("sleeps", None)
            second = await house.submit("sleeps", {"mark": str(tmp_path / "mark")})
            assert (await house.manager.cancel(second.uuid)).status is Status.REVOKED
            assert (await house.manager.cancel(first.uuid)).status is Status.REVOKED
            third = await house.finish(await house.submit("double", {"value": 1}))
            assert third.status is Status.SUCCESS
            assert not (tmp_path / "mark").exists()

    asyncio.run(scenario())


def test_a_full_queue_refuses(open_house) -> None:
    async def scenario() -> None:
        async with open_house(max_queued=2) as house:
            results = await asyncio.gather(*(house.submit("sleeps", None) for _ in range(6)), return_exceptions=True)
            refused = [result for result in results if isinstance(result, QueueFull)]
            assert len(refused) in (3, 4)
            assert refused[0].retry_after > 0
            assert (await house.manager.list(limit=10))[0] == 6 - len(refused)

    asyncio.run(scenario())


def test_after_a_stop_what_waited_runs_and_what_ran_has_failed(open_house, tmp_path: Path) -> None:
    async def before() -> tuple[str, str]:
        async with open_house() as house:
            mark = tmp_path / "mark"
            first = await house.submit("sleeps", {"mark": str(mark)})
            second = await house.submit("double", {"value": 4})
            await eventually(lambda: pids_in(mark))
            await house.manager.stop()
            with pytest.raises(ServerStopping):
                await house.submit("double", {"value": 4})
            return first.uuid, second.uuid

    async def after(first: str, second: str) -> None:
        async with open_house() as house:
            failed = await house.manager.get(first)
            assert failed.status is Status.FAILURE
            assert failed.error["type"] == "ServerStopped"
            done = await house.finish(await house.manager.get(second))
            assert (done.status, done.outputs) == (Status.SUCCESS, '{"result": 8}')

    asyncio.run(after(*asyncio.run(before())))


def test_wrong_entries_of_the_configuration_are_listed_with_their_reasons(open_house, caplog) -> None:
    wrong = {
        "no dictionary": 3,
        "no type": {"task": "faulty_tasks.double"},
        "no task": {"type": "task"},
        "unknown key": {"type": "task", "task": "faulty_tasks.double", "publish": True},
        "no module": {"type": "task", "task": "no_such_module.Task"},
        "no attribute": {"type": "task", "task": "faulty_tasks.nothing"},
        "no task object": {"type": "task", "task": "faulty_tasks.os"},
        "no file": {"type": "workflow", "path": "/nowhere/workflow.json"},
        "wrong renderer": {"type": "task", "task": "faulty_tasks.double", "results_renderer": 3},
        "renderer not there": {"type": "task", "task": "faulty_tasks.double", "results_renderer": "a.b"},
    }

    async def scenario() -> None:
        async with open_house({**ENTRIES, **wrong}) as house:
            documents = {job.name: job.document() for job in await house.registered.all()}
            for name in wrong:
                assert documents[name]["available"] is False
                assert documents[name]["reason"]
                assert sum(f"{name!r}" in record.getMessage() for record in caplog.records) == 1
                with pytest.raises(UnknownJob) as refusal:
                    await house.submit(name, None)
                assert documents[name]["reason"] in str(refusal.value)
            assert documents["double"]["available"] is True
            assert documents["double"]["inputs"][0]["name"] == "value"
            assert "/nowhere" not in documents["no file"]["reason"]

    asyncio.run(scenario())


def test_the_renderer_of_the_configuration_draws_the_result(open_house) -> None:
    from geojobs_lab.renderers import Color, StretchedRenderer

    limit = 7.0
    entries = {
        "function": {
            **ENTRIES["Warms"],
            "results_renderer": lambda raster: StretchedRenderer(
                [(raster.min(), Color(255, 0, 0)), (limit, Color(0, 0, 255))]
            ),
        },
        "fails": {**ENTRIES["Warms"], "results_renderer": lambda raster: raster.no_such_thing},
        "no renderer": {**ENTRIES["Warms"], "results_renderer": lambda raster: 3},
        "default": ENTRIES["Warms"],
    }

    async def scenario() -> None:
        async with open_house(entries) as house:
            jobs = {
                name: await house.finish(await house.submit(name, {"data": "service://climate@0"})) for name in entries
            }
            service = await house.catalogue.get(f"{jobs['function'].uuid}/warmer")
            assert service.renderers["data"]["colors"] == [[1.0, "#ff0000"], [7.0, "#0000ff"]]
            for name in ("fails", "no renderer"):
                assert jobs[name].status is Status.FAILURE
                assert jobs[name].error["where"] == "results_renderer"
            service = await house.catalogue.get(f"{jobs['default'].uuid}/warmer")
            assert [color for _, color in service.renderers["data"]["colors"]] == ["#000000", "#ffffff"]

    asyncio.run(scenario())
