"""The contract of a job store, for every store there is."""

import asyncio
import sqlite3
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

import pytest

from geojobs_lab.database import Database
from geojobs_lab.documents import Status
from geojobs_lab.errors import NotFound
from geojobs_lab.jobs.lifecycle import Fail, Job, Report, Revoke, Start, advance
from geojobs_lab.jobs.store import LOG_LINES, JobStore, SqliteJobStore

STORES = {"sqlite, write-ahead log": "WAL", "sqlite, rollback journal": "DELETE"}
Scenario = Callable[[JobStore], Awaitable[None]]


@asynccontextmanager
async def opened(path: Path, journal_mode: str) -> AsyncIterator[JobStore]:
    database = Database(path, journal_mode=journal_mode)
    store = SqliteJobStore(database)
    await database.start()
    try:
        yield store
    finally:
        await database.stop()


@pytest.fixture(params=STORES.values(), ids=STORES.keys())
def play(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[Scenario], None]:
    """Play scenarios one after the other, each on the store as it is opened anew."""

    def run(scenario: Scenario) -> None:
        async def main() -> None:
            async with opened(tmp_path / "jobs.db", request.param) as store:
                await scenario(store)

        asyncio.run(main())

    return run


def job(name: str = "warming", **fields: object) -> Job:
    return replace(Job(uuid=str(uuid4()), job=name, created="t0", inputs='{"a": 1}', owner="one"), **fields)


def line(text: str) -> dict[str, str]:
    return {"time": "t", "level": "INFO", "message": text}


def test_a_job_is_there_as_it_was_after_closing_and_opening(play) -> None:
    error = {"type": "ValueError", "message": "ä", "where": "node"}
    failed = advance(advance(job(), Start("t1")), Fail("t2", error))
    play(lambda store: store.add(failed))

    async def look(store: JobStore) -> None:
        assert await store.get(failed.uuid) == failed

    play(look)


def test_an_unknown_job_is_not_found(play) -> None:
    async def scenario(store: JobStore) -> None:
        for asking in (store.get("nobody"), store.delete("nobody"), store.log("nobody", 0)):
            with pytest.raises(NotFound) as refusal:
                await asking
            assert refusal.value.name == "nobody"

    play(scenario)


def test_only_one_of_two_changes_from_the_same_state_is_made(play) -> None:
    async def scenario(store: JobStore) -> None:
        waiting = job()
        await store.add(waiting)
        starts = [advance(waiting, Start(f"t{number}")) for number in range(20)]
        done = await asyncio.gather(*(store.replace(waiting, start) for start in starts))
        assert sorted(done) == [False] * 19 + [True]
        assert await store.get(waiting.uuid) == starts[done.index(True)]

    play(scenario)


def test_a_change_by_the_wrong_owner_is_not_made(play) -> None:
    async def scenario(store: JobStore) -> None:
        waiting = job()
        await store.add(waiting)
        foreign = replace(waiting, owner="two")
        assert not await store.replace(foreign, advance(foreign, Start("t")), log=[line("mine")])
        assert await store.get(waiting.uuid) == waiting
        assert await store.log(waiting.uuid, 0) == ([], 0)

    play(scenario)


def test_what_is_written_with_a_change_is_written_with_it_or_not_at_all(play) -> None:
    def fails(connection: object) -> None:
        raise LookupError("no")

    async def scenario(store: JobStore) -> None:
        waiting = job()
        await store.add(waiting)
        with pytest.raises(LookupError):
            await store.replace(waiting, advance(waiting, Start("t")), log=[line("x")], also=fails)
        assert await store.get(waiting.uuid) == waiting
        assert await store.log(waiting.uuid, 0) == ([], 0)

    play(scenario)


def test_pages_are_newest_first_and_filtered(play) -> None:
    async def scenario(store: JobStore) -> None:
        jobs = [job("odd" if number % 2 else "even") for number in range(10)]
        for one in jobs:
            await store.add(one)
        started = advance(jobs[4], Start("t"))
        await store.replace(jobs[4], started)
        assert await store.list(limit=3, offset=2) == (10, [jobs[7], jobs[6], jobs[5]])
        assert await store.list(job="odd", limit=2) == (5, [jobs[9], jobs[7]])
        assert await store.list(status=Status.STARTED, limit=5) == (1, [started])
        assert await store.list(uuids=[jobs[1].uuid, jobs[3].uuid, "x"], limit=5) == (2, [jobs[3], jobs[1]])
        assert await store.list(uuids=[], limit=5) == (0, [])
        assert await store.list(limit=5, offset=100) == (10, [])

    play(scenario)


def test_unfinished_jobs_come_oldest_first(play) -> None:
    async def scenario(store: JobStore) -> None:
        jobs = [job() for _ in range(3)]
        for one in jobs:
            await store.add(one)
        failed = advance(jobs[1], Fail("t", {"type": "E", "message": "m", "where": "w"}))
        await store.replace(jobs[1], failed)
        assert await store.unfinished("one") == [jobs[0], jobs[2]]

    play(scenario)


def test_the_log_is_read_in_order_from_any_line(play) -> None:
    async def scenario(store: JobStore) -> None:
        one, two = job(), job()
        await store.add(one)
        await store.add(two)
        await store.replace(one, one, log=[line("a"), line("b")])
        await store.replace(two, two, log=[line("other")])
        await store.replace(one, advance(one, Start("t")), log=[line("c")])
        assert await store.log(one.uuid, 0) == ([line("a"), line("b"), line("c")], 3)
        assert await store.log(one.uuid, 2) == ([line("c")], 3)
        assert await store.log(one.uuid, 3) == ([], 3)

    play(scenario)


def test_a_log_is_bounded_and_keeps_its_numbers(play) -> None:
    async def scenario(store: JobStore) -> None:
        one = job()
        await store.add(one)
        await store.replace(one, one, log=[line(str(number)) for number in range(LOG_LINES)])
        await store.replace(one, one, log=[line("last but one"), line("last")])
        first, _ = await store.log(one.uuid, 0)
        assert first[0] == {"time": "t", "level": "WARNING", "message": "2 earlier lines are not kept"}
        assert first[1]["message"] == "2"
        assert (await store.log(one.uuid, 2))[0][0]["message"] == "2"
        assert await store.log(one.uuid, LOG_LINES + 1) == ([line("last")], LOG_LINES + 2)

    play(scenario)


def test_a_deleted_job_takes_its_log_along(play) -> None:
    async def scenario(store: JobStore) -> None:
        one = job()
        await store.add(one)
        await store.replace(one, one, log=[line("a")])
        await store.delete(one.uuid)
        assert await store.list(limit=5) == (0, [])
        await store.add(one)
        assert await store.log(one.uuid, 0) == ([], 0)

    play(scenario)


def test_a_report_is_kept(play) -> None:
    async def scenario(store: JobStore) -> None:
        one = advance(job(), Start("t"))
        await store.add(one)
        after = advance(one, Report(0.25, "reading"))
        assert await store.replace(one, after)
        assert (await store.get(one.uuid)).progress == 0.25

    play(scenario)


def test_counts_are_those_of_the_rows(play) -> None:
    async def scenario(store: JobStore) -> None:
        jobs = [job("odd" if number % 2 else "even") for number in range(6)]
        for one in jobs:
            await store.add(one)
        started = advance(jobs[0], Start("t"))
        await store.replace(jobs[0], started)
        await store.replace(started, advance(started, Fail("t", {"type": "E", "message": "m", "where": "w"})))
        await store.replace(jobs[1], advance(jobs[1], Start("t")))
        await store.delete(jobs[0].uuid)
        counts = {
            (name, status): (await store.list(job=name, status=status, limit=10))
            for name in ("odd", "even")
            for status in Status
        }
        assert all(count == len(rows) for count, rows in counts.values())
        assert (await store.list(limit=1))[0] == 5
        assert (await store.list(status=Status.FAILURE, limit=1))[0] == 0
        assert (await store.list(job="nothing", limit=1))[0] == 0

    play(scenario)


def test_a_store_of_the_first_version_is_brought_up_to_date(tmp_path: Path) -> None:
    from geojobs_lab.jobs.schema import SCHEMA

    old = sqlite3.connect(tmp_path / "jobs.db", isolation_level=None)
    old.executescript(SCHEMA[0])
    old.execute("CREATE TABLE schemas (room TEXT PRIMARY KEY, version INTEGER NOT NULL)")
    old.execute("INSERT INTO schemas VALUES ('jobs', 1)")
    for number, status in enumerate(["success", "success", "pending"]):
        row = (f"u{number}", "warming", "t", status, "{}", "{}", 1, "one")
        old.execute(
            "INSERT INTO jobs (uuid, job, created, status, inputs, outputs, revision, owner) VALUES (?,?,?,?,?,?,?,?)",
            row,
        )
    old.close()

    async def scenario() -> None:
        async with opened(tmp_path / "jobs.db", "WAL") as store:
            waiting = Job(uuid="u2", job="warming", created="t", inputs="{}", owner="one")
            assert await store.get("u2") == waiting
            assert (await store.list(status=Status.SUCCESS, limit=5))[0] == 2
            assert [change.uuid for change in await store.changes(0, 10)] == ["u0", "u1", "u2"]
            await store.replace(waiting, advance(waiting, Start("t")))
            assert [change.uuid for change in await store.changes(3, 10)] == ["u2"]

    asyncio.run(scenario())


def test_one_asks_for_the_end_of_a_job_and_its_server_hears_of_it(play) -> None:
    async def scenario(store: JobStore) -> None:
        one, two = job(), job(owner=None)
        await store.add(one)
        await store.add(two)
        assert set(await store.owners()) == {"one", None}
        await store.request_cancel(one.uuid)
        assert await store.owned("one") == {one.uuid: True}
        assert await store.owned(None) == {two.uuid: False}
        started = advance(one, Start("t"))
        assert await store.replace(one, started)  # what its server writes does not undo it
        assert await store.owned("one") == {one.uuid: True}
        await store.release("one")
        assert set(await store.owners()) == {"one", None}  # only what waits is left to others
        await store.replace(started, advance(started, Revoke("t")))
        assert await store.owned("one") == {}
        assert await store.unfinished(None) == [two]

    play(scenario)


def test_no_cost_grows_with_the_jobs_that_have_ended(tmp_path: Path) -> None:
    """Costs are counted in steps of SQLite's virtual machine, which no clock and no other program has a hand in."""
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 1
        return 0

    def fill(connection: sqlite3.Connection) -> None:
        ended = [(str(uuid4()), "noise" if number % 2 else "warming", number) for number in range(5000)]
        connection.executemany(
            "INSERT INTO jobs (uuid, job, created, status, inputs, outputs, revision, changed) "
            "VALUES (?, ?, 't', 'success', '{}', '{}', 3, ?)",
            ended,
        )

    async def scenario() -> None:
        nonlocal steps
        database = Database(tmp_path / "jobs.db")
        store = SqliteJobStore(database)
        await database.start()
        some = [job() for _ in range(30)]
        for one in some:
            await store.add(one)
        uuids = [one.uuid for one in some[:3]]

        async def submits_and_ends() -> None:
            one = job(key=str(uuid4()))
            started = advance(one, Start("t"))
            await store.add(one)
            await store.replace(one, started, log=[line("a")])
            await store.replace(started, advance(started, Revoke("t")))
            await store.delete(one.uuid)

        work: dict[str, Callable[[], Awaitable[object]]] = {
            "a job's life": submits_and_ends,
            "page": lambda: store.list(limit=20),
            "page of a status": lambda: store.list(status=Status.PENDING, limit=20),
            "page of a name": lambda: store.list(job="warming", limit=20),
            "page of both": lambda: store.list(job="warming", status=Status.PENDING, limit=20),
            "some": lambda: store.list(uuids=uuids, limit=20),
            "some of a status": lambda: store.list(uuids=uuids, status=Status.SUCCESS, limit=20),
            "some of a name": lambda: store.list(uuids=uuids, job="noise", limit=20),
            "unfinished": lambda: store.unfinished("one"),
            "owners": store.owners,
            "owned": lambda: store.owned("one"),
            "changes": lambda: store.changes(2**40, 100),
            "key": lambda: store.with_key("none"),
        }

        async def costs() -> dict[str, int]:
            nonlocal steps
            found = {}
            for name, call in work.items():
                steps = 0
                await database.read(lambda c: c.set_progress_handler(count, 1))
                await call()
                await database.read(lambda c: c.set_progress_handler(None, 1))
                found[name] = steps
            return found

        before = await costs()
        await database.write(fill)
        after = await costs()
        assert {name for name in work if after[name] > 1.5 * before[name] + 100} == set(), (before, after)
        steps = 0
        await database.read(lambda c: c.set_progress_handler(count, 1))
        assert len((await store.list(limit=20, offset=4000))[1]) == 20
        assert steps < 5 * 4000  # of a page far down, what is skipped is not read
        await database.stop()

    asyncio.run(scenario())
