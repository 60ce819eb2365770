"""The database thread: durable answers, units that fail alone, schemas."""

import asyncio
import sqlite3
import stat
from pathlib import Path

import pytest

from geojobs_lab.database import Database
from geojobs_lab.errors import StoreError

TABLE = ("CREATE TABLE things (name TEXT PRIMARY KEY)",)


def insert(name: str):
    return lambda connection: connection.execute("INSERT INTO things VALUES (?)", (name,))


def names(connection: sqlite3.Connection) -> list[str]:
    return [row["name"] for row in connection.execute("SELECT name FROM things ORDER BY name")]


def opened(path: Path, steps: tuple[str, ...] = TABLE) -> Database:
    database = Database(path)
    database.add_schema("things", steps)
    return database


def test_what_is_answered_is_in_the_file(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = opened(tmp_path / "jobs.db")
        await database.start()
        await database.write(insert("one"))
        other = sqlite3.connect(tmp_path / "jobs.db")
        assert other.execute("SELECT name FROM things").fetchall() == [("one",)]
        other.close()
        await database.stop()

    asyncio.run(scenario())


def test_units_that_come_together_are_all_done_and_one_that_fails_undoes_only_itself(tmp_path: Path) -> None:
    def half_then_fail(connection: sqlite3.Connection) -> None:
        connection.execute("INSERT INTO things VALUES ('half')")
        raise LookupError("no")

    async def scenario() -> None:
        database = opened(tmp_path / "jobs.db")
        await database.start()
        results = await asyncio.gather(
            *(database.write(insert(f"{number:03}")) for number in range(500)),
            database.write(half_then_fail),
            database.write(insert("007")),
            return_exceptions=True,
        )
        assert isinstance(results[-2], LookupError)
        assert isinstance(results[-1], StoreError)
        assert await database.read(names) == [f"{number:03}" for number in range(500)]
        await database.stop()

    asyncio.run(scenario())


def test_a_read_sees_every_write_that_was_asked_for_before_it(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = opened(tmp_path / "jobs.db")
        await database.start()
        writing = asyncio.ensure_future(database.write(insert("one")))
        await asyncio.sleep(0)
        assert await database.read(names) == ["one"]
        await writing
        await database.stop()

    asyncio.run(scenario())


def test_file_and_folder_belong_to_the_user_alone(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = opened(tmp_path / "data" / "jobs.db")
        await database.start()
        await database.write(insert("one"))
        assert stat.S_IMODE((tmp_path / "data").stat().st_mode) == 0o700
        for path in (tmp_path / "data").iterdir():
            assert stat.S_IMODE(path.stat().st_mode) == 0o600
        await database.stop()

    asyncio.run(scenario())


def test_a_schema_is_brought_up_to_date_and_a_newer_one_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        first = opened(tmp_path / "jobs.db")
        await first.start()
        await first.write(insert("one"))
        await first.stop()
        second = opened(tmp_path / "jobs.db", (*TABLE, "ALTER TABLE things ADD COLUMN colour TEXT DEFAULT 'red'"))
        await second.start()
        colours = await second.read(lambda c: [tuple(row) for row in c.execute("SELECT * FROM things")])
        assert colours == [("one", "red")]
        await second.stop()
        with pytest.raises(StoreError, match="newer version"):
            await opened(tmp_path / "jobs.db").start()

    asyncio.run(scenario())


def test_stopping_twice_and_using_a_closed_database(tmp_path: Path) -> None:
    async def scenario() -> None:
        database = opened(tmp_path / "jobs.db")
        await database.start()
        await database.stop()
        await database.stop()
        with pytest.raises(StoreError, match="closed"):
            await database.read(names)

    asyncio.run(scenario())
