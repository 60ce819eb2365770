"""Jobs that are tried again, put back, taken over, ranked and limited; with real workers and a real store."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from jobs_bench import FAULTY, eventually, is_gone, pids_in
from jobs_house import House

from geojobs_lab.documents import Status
from geojobs_lab.errors import Conflict, InvalidInput, NotFound, StoreError
from geojobs_lab.jobs import Job
from geojobs_lab.jobs.lifecycle import Start, advance


def entry(name: str, **rules: Any) -> dict[str, Any]:
    return {"type": "task", "task": name, **rules}


ENTRIES = {
    "raising": entry("trying_tasks.at_the_third_try", retries=2, retry_on=["OSError"], retry_delay=0.05),
    "crashing": entry("trying_tasks.at_the_third_try", retries=2, retry_delay=0.05),
    "once more": entry("trying_tasks.at_the_third_try", retries=1, retry_on=["OSError"], retry_delay=0.05),
    "patient": entry("trying_tasks.at_the_third_try", retries=2, retry_on=["OSError"], retry_delay=300),
    "notes": entry("trying_tasks.notes", restartable=True),
    "notes one by one": entry("trying_tasks.notes", max_running=1),
    "sleeps": entry("faulty_tasks.sleeps"),
    "sleeps a second": entry("faulty_tasks.sleeps", timeout=1),
    "sleeps again": entry("faulty_tasks.sleeps", restartable=True),
    "double": entry("faulty_tasks.double"),
}


@pytest.fixture
def open_house(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.syspath_prepend(str(FAULTY))

    @asynccontextmanager
    async def opened(**settings: Any) -> AsyncIterator[House]:
        house = House(tmp_path / "data", ENTRIES, {}, **settings)
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


async def messages(house: House, job: Job) -> str:
    lines, _ = await house.manager.log(job.uuid, 0)
    return "\n".join(line["message"] for line in lines)


async def status_of(house: House, uuid: str, status: Status, *, within: float = 15.0) -> Job:
    """Wait for a status as clients do, by asking."""

    async def wait() -> Job:
        while (job := await house.manager.get(uuid)).status is not status:
            assert not job.status.is_final, job
            await house.manager.wait(uuid, revision=job.revision, timeout=1)
        return job

    return await asyncio.wait_for(wait(), within)


def journal(path: Path) -> list[str]:
    return path.read_text().splitlines() if path.exists() else []


@pytest.mark.parametrize(
    ("name", "how", "why"), [("raising", "raise", "FileNotFoundError"), ("crashing", "crash", "SIGKILL")]
)
def test_a_job_is_tried_again_as_its_registration_says(open_house, tmp_path: Path, name, how, why) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            done = await house.finish(await house.submit(name, {"journal": str(tmp_path / "tries"), "how": how}))
            assert (done.status, done.outputs) == (Status.SUCCESS, '{"result": 3}')
            said = await messages(house, done)
            assert "try 2 of 3 follows in 0.05 s" in said
            assert "try 3 of 3 follows in 0.1 s" in said
            assert why in said

    asyncio.run(scenario())


def test_errors_that_are_not_named_and_tries_too_many_fail_the_job(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            inputs = {"journal": str(tmp_path / "a"), "how": "raise"}
            unnamed = await house.finish(await house.submit("crashing", inputs))
            assert (unnamed.status, unnamed.error["type"]) == (Status.FAILURE, "FileNotFoundError")
            assert (tmp_path / "a").read_text() == "x"
            last = await house.finish(await house.submit("once more", {"journal": str(tmp_path / "b")}))
            assert (last.status, last.error["message"]) == (Status.FAILURE, "the tape is not in the drive")
            assert (tmp_path / "b").read_text() == "xx"

    asyncio.run(scenario())


def test_a_job_that_waits_for_its_next_try_says_so_and_can_be_cancelled(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            job = await house.submit("patient", {"journal": str(tmp_path / "tries")})
            await eventually(lambda: (tmp_path / "tries").exists())
            waiting = await house.manager.wait(job.uuid, revision=2, timeout=10)
            assert (waiting.status, waiting.started, waiting.progress) == (Status.PENDING, None, None)
            assert "try 2 of 3 follows in 300 s, after FileNotFoundError" in waiting.message
            await eventually(lambda: house.manager.waiting == 1)
            assert house.manager.running == 1  # it keeps an idle server awake
            assert (await house.manager.cancel(job.uuid)).status is Status.REVOKED
            assert house.manager.running == 0

    asyncio.run(scenario())


def test_those_of_higher_priority_go_first(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            blocker = await house.submit("sleeps", {"mark": str(tmp_path / "mark")})
            await eventually(lambda: pids_in(tmp_path / "mark"))
            jobs = []
            for name, priority in (("a", None), ("b", -3), ("c", "5"), ("d", 0), ("e", 5)):
                inputs = {"journal": str(tmp_path / "journal"), "name": name}
                jobs.append(await house.submit("notes", inputs, priority=priority))
            await house.manager.cancel(blocker.uuid)
            for job in jobs:
                await house.finish(job)
            begun = [line.split()[1] for line in journal(tmp_path / "journal") if line.startswith("begin")]
            assert begun == ["c", "e", "a", "d", "b"]

    asyncio.run(scenario())


@pytest.mark.parametrize("priority", [1001, -1001, 1.5, "high", "nan", True, [], 10**400])
def test_a_priority_that_is_none_is_refused(open_house, priority: object) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            with pytest.raises(InvalidInput, match="priority: ") as refusal:
                await house.submit("double", {"value": 1}, priority=priority)
            assert refusal.value.field == "priority"
            assert (await house.manager.list(limit=1))[0] == 0

    asyncio.run(scenario())


def test_only_so_many_of_a_job_run_at_once(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house(max_workers=3) as house:
            alone = {"journal": str(tmp_path / "alone"), "seconds": 0.1}
            jobs = [await house.submit("notes one by one", {**alone, "name": str(number)}) for number in range(3)]
            other = await house.submit("double", {"value": 1})
            await house.finish(other)
            assert len(journal(tmp_path / "alone")) < 6  # it did not wait behind them
            for job in jobs:
                await house.finish(job)
            assert journal(tmp_path / "alone") == [
                f"{what} {number}" for number in range(3) for what in ("begin", "end")
            ]

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "timeout", "limit"),
    [("sleeps", 0.5, "0.5"), ("sleeps a second", None, "1"), ("sleeps a second", "60", "1")],
)
def test_a_job_runs_no_longer_than_submission_and_registration_allow(open_house, name, timeout, limit) -> None:
    async def scenario() -> None:
        async with open_house(job_timeout=30) as house:
            done = await house.finish(await house.submit(name, None, timeout=timeout))
            assert (done.status, done.error["type"]) == (Status.FAILURE, "JobTimeout")
            assert f"longer than {limit} s" in done.error["message"]

    asyncio.run(scenario())


@pytest.mark.parametrize("timeout", [0, -1, "soon", "inf", False, {}])
def test_a_time_limit_that_is_none_is_refused(open_house, timeout: object) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            with pytest.raises(InvalidInput, match="timeout: ") as refusal:
                await house.submit("double", {"value": 1}, timeout=timeout)
            assert refusal.value.field == "timeout"

    asyncio.run(scenario())


def test_the_same_key_gives_the_first_job_again_even_at_once_and_after_a_restart(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            asked = [house.manager.submit("double", '{"value": 1}', key="k") for _ in range(10)]
            answers = await asyncio.gather(*asked)
            assert len({job.uuid for job, _ in answers}) == 1
            assert sorted(new for _, new in answers) == [False] * 9 + [True]
            first = answers[0][0].uuid
            with pytest.raises(InvalidInput, match="Idempotency-Key: 'k' was used for job"):
                await house.submit("double", '{"value": 2}', key="k")
            with pytest.raises(InvalidInput, match="Idempotency-Key"):
                await house.submit("sleeps", '{"value": 1}', key="k")
        async with open_house() as house:
            again, is_new = await house.manager.submit("double", {"value": 1}, key="k")
            assert (again.uuid, is_new) == (first, False)
            await house.finish(again)
            await house.manager.delete(first)
            again, is_new = await house.manager.submit("double", {"value": 1}, key="k")
            assert is_new

    asyncio.run(scenario())


@pytest.mark.parametrize("key", ["", "x" * 256, "a\nb", 3])
def test_a_key_that_is_none_is_refused(open_house, key: object) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            with pytest.raises(InvalidInput, match="Idempotency-Key: "):
                await house.submit("double", {"value": 1}, key=key)

    asyncio.run(scenario())


def test_retry_submits_the_same_once_more(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            first = await house.finish(await house.submit("double", '{"value":  4}', priority=3, timeout=20, key="k"))
            again = await house.manager.retry(first.uuid)
            assert again.uuid != first.uuid
            assert (again.job, again.inputs, again.priority, again.timeout) == ("double", '{"value":  4}', 3, 20)
            assert (await house.finish(again)).outputs == first.outputs
            with pytest.raises(NotFound):
                await house.manager.retry("nobody")

    asyncio.run(scenario())


def test_a_stop_puts_back_what_may_begin_anew_and_the_next_server_runs_it(open_house, tmp_path: Path) -> None:
    mark = tmp_path / "journal"

    async def before() -> str:
        async with open_house() as house:
            job = await house.submit("notes", {"journal": str(mark), "name": "it", "seconds": 0.5})
            await eventually(lambda: journal(mark))
            await house.manager.stop()
            put_back = await house.manager.get(job.uuid)
            assert (put_back.status, put_back.owner, put_back.started) == (Status.PENDING, None, None)
            assert put_back.message == "put back: the server was stopped while it was running"
            return job.uuid

    async def after(uuid: str) -> None:
        async with open_house() as house:
            done = await house.finish(await house.manager.get(uuid))
            assert (done.status, done.message) == (Status.SUCCESS, None)
            assert journal(mark) == ["begin it", "begin it", "end it"]
            assert "the server was stopped" in await messages(house, done)

    asyncio.run(after(asyncio.run(before())))


def test_servers_on_one_folder_show_and_end_each_others_jobs(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as one, open_house() as two:
            running = await one.submit("sleeps", {"mark": str(tmp_path / "mark")})
            waiting = await one.submit("sleeps", None)
            await eventually(lambda: pids_in(tmp_path / "mark"))
            count, jobs = await two.manager.list(limit=10)
            assert (count, {job.uuid for job in jobs}) == (2, {running.uuid, waiting.uuid})

            hears = asyncio.create_task(two.manager.wait(running.uuid, revision=100, timeout=20))
            assert (await two.manager.cancel(waiting.uuid)).status is Status.REVOKED
            assert (await two.manager.cancel(running.uuid)).status is Status.REVOKED
            assert all(map(is_gone, pids_in(tmp_path / "mark")))
            assert (await asyncio.wait_for(hears, 2)).status is Status.REVOKED
            await eventually(lambda: one.manager.running == 0)  # it has let go of the one that waited
            assert (await one.manager.get(waiting.uuid)).status is Status.REVOKED
            with pytest.raises(Conflict):
                await two.manager.cancel(running.uuid)

    asyncio.run(scenario())


def test_what_a_server_that_stops_leaves_is_run_by_another_at_once(open_house, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with open_house() as two:
            async with open_house() as one:
                inputs = {"journal": str(tmp_path / "journal"), "seconds": 0.5}
                running = await one.submit("notes", {**inputs, "name": "running"})
                waiting = await one.submit("notes", {**inputs, "name": "waiting"})
                await eventually(lambda: journal(tmp_path / "journal"))
            for job in (running, waiting):
                assert (await status_of(two, job.uuid, Status.SUCCESS)).owner == two.catalogue.owner.name
            ends = [line for line in journal(tmp_path / "journal") if line.startswith("end")]
            assert sorted(ends) == ["end running", "end waiting"]

    asyncio.run(scenario())


def test_one_who_follows_hears_of_every_job_of_every_server(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as one, open_house() as two:
            feed = two.manager.follow(None)
            cursor, changes = await anext(feed)
            assert changes == ()
            job = await one.submit("double", {"value": 1})
            seen: dict[str, Status | None] = {}

            async def until(status: Status | None) -> int:
                while seen.get(job.uuid, "unseen") is not status:
                    number, news = await anext(feed)
                    assert [change.number for change in news] == sorted(change.number for change in news)
                    seen.update({change.uuid: change.job and change.job.status for change in news})
                return number

            await asyncio.wait_for(until(Status.SUCCESS), 10)
            await one.manager.delete(job.uuid)
            last = await asyncio.wait_for(until(None), 10)
            await feed.aclose()
            # Who comes again with an old number misses nothing, who comes with a number of another store nothing new.
            again = two.manager.follow(cursor)
            assert await anext(again) == (cursor, ())
            number, changes = await anext(again)
            assert (number, [change.job for change in changes]) == (last, [None])
            await again.aclose()
            late = two.manager.follow(10**9)
            assert await anext(late) == (last, ())
            await late.aclose()

    asyncio.run(scenario())


def test_an_end_that_cannot_be_written_is_written_as_soon_as_it_can(open_house, monkeypatch) -> None:
    from geojobs_lab.jobs import store

    async def scenario() -> None:
        async with open_house() as house:
            refusing = True
            replace = store.SqliteJobStore.replace

            async def refuses(self: Any, old: Job, new: Job, **more: Any) -> bool:
                if refusing and new.status.is_final:
                    raise StoreError("the disk is full")
                return await replace(self, old, new, **more)

            monkeypatch.setattr(store.SqliteJobStore, "replace", refuses)
            job = await house.submit("double", {"value": 21})
            await eventually(lambda: house.manager._runner.owes_end_of(job.uuid))
            assert (await house.manager.get(job.uuid)).status is Status.STARTED
            with pytest.raises(Conflict, match="has ended"):
                await house.manager.cancel(job.uuid)
            refusing = False
            assert (await status_of(house, job.uuid, Status.SUCCESS)).outputs == '{"result": 42}'

    asyncio.run(scenario())


def test_a_start_that_cannot_be_written_loses_no_job(open_house, monkeypatch) -> None:
    from geojobs_lab.jobs import runner, store

    monkeypatch.setattr(runner, "_AGAIN", 0.1)

    async def scenario() -> None:
        async with open_house() as house:
            left = [StoreError("locked")] * 2
            replace = store.SqliteJobStore.replace

            async def refuses(self: Any, old: Job, new: Job, **more: Any) -> bool:
                if left and new.status is Status.STARTED:
                    raise left.pop()
                return await replace(self, old, new, **more)

            monkeypatch.setattr(store.SqliteJobStore, "replace", refuses)
            first = await house.submit("sleeps", None)
            second = await house.submit("double", {"value": 21})  # its start is a write of its own
            await house.manager.cancel(first.uuid)
            done = await house.finish(second)
            assert (done.status, left) == (Status.SUCCESS, [])

    asyncio.run(scenario())


def test_a_job_whose_server_has_gone_is_told_of_like_all_that_end(open_house) -> None:
    async def scenario() -> None:
        async with open_house() as house:
            ended: list[Job] = []
            house.manager.on_finished.append(ended.append)
            began = Job(uuid="lost", job="sleeps", created="2026-01-01T00:00:00Z", owner="nobody", inputs="{}")
            await house.manager._store.add(advance(began, Start("2026-01-01T00:00:01Z")))
            await house.manager._settling.settle()
            assert [(job.uuid, job.status, job.error["type"]) for job in ended] == [
                ("lost", Status.FAILURE, "ServerStopped")
            ]

    asyncio.run(scenario())
