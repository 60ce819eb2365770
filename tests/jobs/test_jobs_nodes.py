"""Tasks of the configuration are nodes of its workflow files, in the server and in its workers."""

import asyncio
import json
import logging
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import FAULTY

from geojobs_lab.documents import Status
from geojobs_lab.jobs import RegisteredJobs
from geojobs_lab.tasks import default_registry, task


def flow(path: Path, node: str = "house:adds_one") -> Path:
    """Write a workflow that calls a task twice."""
    nodes = [
        {"id": "first", "task": node, "inputs": {"value": {"source": "input", "input": "value"}}},
        {"id": "then", "task": node, "inputs": {"value": {"source": "dependency", "node": ["first", "result"]}}},
    ]
    document = {
        "meta": {"name": "twice"},
        "inputs": [{"name": "value", "type": "int", "args": [[], {}]}],
        "workflow": nodes,
        "outputs": [{"name": "result", "node": ["then", "result"]}],
    }
    path.write_text(json.dumps(document))
    return path


def one(task: str) -> dict[str, Any]:
    return {"type": "task", "task": f"result_tasks.{task}"}


@pytest.mark.parametrize("order", [("flow", "adds"), ("adds", "flow")])
def test_a_registered_task_is_a_node_whatever_the_order_and_runs_in_a_worker(
    open_house: Any, tmp_path: Path, order: tuple[str, str]
) -> None:
    entries = {"adds": one("AddsOne"), "flow": {"type": "workflow", "path": str(flow(tmp_path / "flow.json"))}}

    async def scenario() -> None:
        async with open_house({name: entries[name] for name in order}) as house:
            # The first worker is started at once, before the configuration's tasks are known.
            jobs = [job.name for job in await house.registered.all()]
            assert jobs[:2] == list(order)
            for _ in range(2):
                job = await house.finish(await house.submit("flow", {"value": 3}))
                assert (job.status, job.outputs) == (Status.SUCCESS, '{"result": 5}'), job.error

    asyncio.run(scenario())


@pytest.fixture
def listed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    monkeypatch.syspath_prepend(str(FAULTY))

    def read(entries: dict[str, Any]) -> dict[str, Any]:
        return {job.name: job for job in asyncio.run(_all(entries))}

    return read


async def _all(entries: dict[str, Any]) -> Any:
    return await RegisteredJobs(entries).all()


def test_a_name_that_means_two_tasks_is_refused_in_workflows_alone(
    listed: Any, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.WARNING)
    entries = {
        "flow": {"type": "workflow", "path": str(flow(tmp_path / "flow.json"))},
        "one": one("AddsOne"),
        "again": one("AddsOne"),
        "two": one("AddsTwo"),
    }
    jobs = listed(entries)
    assert [jobs[name].reason for name in ("one", "again", "two")] == [None] * 3
    reason = jobs["flow"].reason
    assert "node 'first'" in reason
    assert "two tasks are called 'house:adds_one'" in reason
    assert "'result_tasks.AddsTwo' is taken by 'result_tasks.AddsOne'" in reason
    assert "Workflows cannot name a task" in caplog.text


def test_a_workflow_of_a_task_that_is_not_registered_is_not_available(listed: Any, tmp_path: Path) -> None:
    jobs = listed({"flow": {"type": "workflow", "path": str(flow(tmp_path / "flow.json", "nobody:knows"))}})
    assert "there is no task 'nobody:knows'" in jobs["flow"].reason


def test_the_librarys_own_registry_does_not_learn_the_configurations_tasks(listed: Any) -> None:
    listed({"one": one("AddsOne")})
    assert "house:adds_one" not in default_registry().names()


def test_tasks_that_are_not_exposed_are_offered_by_the_configuration_only(listed: Any) -> None:
    @task(name="open:reads_numbers")
    def numbers(value: int) -> int:
        return value

    @task(name="secret:reads_paths", exposed=False)
    def paths(value: int) -> int:
        return value

    library = default_registry()
    for one_of_them in (numbers, paths):
        library.register(one_of_them)
    try:
        jobs = listed({"mine": one("AddsOne")})
    finally:
        for one_of_them in (numbers, paths):
            del library._tasks[one_of_them.name]
    assert "open:reads_numbers" in jobs
    assert "secret:reads_paths" not in jobs
