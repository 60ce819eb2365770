"""Files that are damaged, locked, full, removed, or on the network."""

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Coroutine
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.database import Database
from geojobs_lab.database import file as module
from geojobs_lab.database.file import is_on_network
from geojobs_lab.errors import StoreError

TABLE = ("CREATE TABLE things (name TEXT PRIMARY KEY)",)
LETTER = b"a letter to my grandmother" * 400


def insert(name: str) -> Callable[[sqlite3.Connection], Any]:
    return lambda connection: connection.execute("INSERT INTO things VALUES (?)", (name,))


def names(connection: sqlite3.Connection) -> list[str]:
    return [row["name"] for row in connection.execute("SELECT name FROM things ORDER BY name")]


def use(path: Path, work: Callable[[Database], Coroutine[Any, Any, Any]], **options: Any) -> Any:
    async def scenario() -> Any:
        database = Database(path, **options)
        database.add_schema("things", TABLE)
        await database.start()
        try:
            return await work(database)
        finally:
            await database.stop()

    return asyncio.run(scenario())


def aside(path: Path) -> list[Path]:
    return sorted(one for one in path.parent.glob("jobs.db.corrupt-*") if not one.name.endswith(("-wal", "-shm")))


async def writes_and_reads(database: Database) -> list[str]:
    await database.write(insert("new"))
    return await database.read(names)


def test_a_file_that_is_no_database_is_set_aside_and_told_in_the_log(tmp_path: Path, caplog) -> None:
    path = tmp_path / "jobs.db"
    for count in (1, 2, 3):  # within one second, and none of them is overwritten
        path.write_bytes(LETTER + bytes([count]))
        assert use(path, writes_and_reads) == ["new"]
        assert len(aside(path)) == count
    assert sorted(one.read_bytes() for one in aside(path)) == [LETTER + bytes([count]) for count in (1, 2, 3)]
    assert str(aside(path)[0]) in caplog.text


def test_what_only_a_damaged_file_explains_is_set_aside_with_it(tmp_path: Path) -> None:
    path, folders = tmp_path / "jobs.db", [tmp_path / "results", tmp_path / "uploads"]

    async def scenario(content: bytes) -> None:
        path.write_bytes(LETTER)
        folders[0].mkdir()  # the other is not there
        (folders[0] / "result").write_bytes(content)
        database = Database(path)
        for folder in folders:
            database.add_folder(folder)
        await database.start()
        await database.stop()
        assert not folders[0].exists()

    for content in (b"first", b"second"):
        asyncio.run(scenario(content))
    endings = [one.name.removeprefix("jobs.db") for one in aside(path)]
    kept = [(tmp_path / f"results{ending}" / "result").read_bytes() for ending in endings]
    assert sorted(kept) == [b"first", b"second"]


@given(place=st.integers(0, 2**31), size=st.integers(1, 5000))
def test_no_damage_keeps_the_database_from_starting(place: int, size: int, tmp_path_factory) -> None:
    path = tmp_path_factory.mktemp("damaged") / "jobs.db"

    async def fills(database: Database) -> None:
        await asyncio.gather(*(database.write(insert(f"{number:05} {'x' * 200}")) for number in range(100)))

    use(path, fills)
    content = bytearray(path.read_bytes())
    place %= len(content)
    content[place : place + size] = b"\xa5" * len(content[place : place + size])
    path.write_bytes(content)

    async def writes_and_counts(database: Database) -> int:
        await database.write(insert("new"))
        return await database.read(lambda c: int(c.execute("SELECT COUNT(*) FROM things").fetchone()[0]))

    try:
        count, told = use(path, writes_and_counts), ""
    except StoreError as error:  # what no check sees is told to those who meet it; another format is left alone
        count, told = 0, str(error)
    assert count in (1, 101) or "damaged" in told or "unsupported file format" in told


def test_two_that_start_at_once_on_a_damaged_file_set_it_aside_once(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    path.write_bytes(LETTER)

    async def scenario() -> None:
        both = [Database(path), Database(path)]
        for database in both:
            database.add_schema("things", TABLE)
        await asyncio.gather(*(database.start() for database in both))
        await both[0].write(insert("one"))
        assert await both[1].read(names) == ["one"]
        for database in both:
            await database.stop()

    asyncio.run(scenario())
    assert len(aside(path)) == 1


def test_damage_that_is_met_at_work_is_told_and_set_aside_at_the_next_start(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"

    async def meets(database: Database) -> None:
        for number in range(50):
            await database.write(insert(f"{number:05} {'x' * 1000}"))
        with path.open("r+b") as file:
            file.seek(4096)
            file.write(b"\xa5" * (path.stat().st_size - 4096))
        await database.read(lambda c: c.execute("PRAGMA shrink_memory").fetchall() and None)
        for work in (database.read, database.write):
            with pytest.raises(StoreError, match="damaged; it is set aside"):
                await work(names)

    use(path, meets, journal_mode="DELETE")
    assert use(path, writes_and_reads) == ["new"]
    assert len(aside(path)) == 1


def test_a_lock_is_told_and_over_when_it_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_BUSY_TIMEOUT", 0.1)
    path = tmp_path / "jobs.db"

    async def meets(database: Database) -> None:
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("BEGIN IMMEDIATE")
            with pytest.raises(StoreError, match="locked by another program"):
                await database.write(insert("one"))
            assert await database.read(names) == []
            other.execute("ROLLBACK")
        await database.write(insert("one"))
        assert await database.read(names) == ["one"]

    use(path, meets)


def test_a_full_disk_is_told_and_over_when_it_is_over(tmp_path: Path) -> None:
    async def meets(database: Database) -> None:
        await database.write(insert("one"))
        pages = await database.read(lambda c: c.execute("PRAGMA page_count").fetchone()[0])
        await database.read(lambda c: c.execute(f"PRAGMA max_page_count = {pages}").fetchone()[0])
        with pytest.raises(StoreError, match="the disk is full"):
            await database.write(insert("x" * 100_000))
        assert await database.read(names) == ["one"]
        await database.read(lambda c: c.execute("PRAGMA max_page_count = 1000000").fetchone()[0])
        await database.write(insert("x" * 100_000))

    use(tmp_path / "jobs.db", meets)


def test_a_folder_that_cannot_be_had_is_told_without_its_path_and_tried_again(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    folder.write_text("a file where the folder should be")

    async def scenario() -> None:
        database = Database(folder / "jobs.db")
        database.add_schema("things", TABLE)
        for _ in range(2):
            with pytest.raises(StoreError, match="job database cannot be used") as refusal:
                await database.start()
            assert str(tmp_path) not in str(refusal.value)
            with pytest.raises(StoreError, match="closed"):
                await database.read(names)
        folder.unlink()
        await database.start()
        assert await writes_and_reads(database) == ["new"]
        await database.stop()

    asyncio.run(scenario())


def test_a_file_that_is_removed_at_work_is_begun_anew_so_that_nothing_goes_into_the_void(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"

    async def meets(database: Database) -> None:
        await database.write(insert("lost"))
        for file in tmp_path.iterdir():
            file.unlink()
        await database.write(insert("kept"))

    use(path, meets)
    assert use(path, lambda database: database.read(names)) == ["kept"]


def test_a_step_of_the_schema_that_fails_leaves_the_version_before(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"
    use(path, writes_and_reads)

    async def scenario() -> None:
        database = Database(path)
        database.add_schema("things", (*TABLE, "ALTER TABLE things ADD COLUMN size INTEGER; CREATE NONSENSE"))
        with pytest.raises(StoreError):
            await database.start()

    asyncio.run(scenario())
    assert use(path, lambda database: database.read(names)) == ["new"]
    with closing(sqlite3.connect(path)) as connection:
        assert [row[1] for row in connection.execute("PRAGMA table_info(things)")] == ["name"]


def test_the_journal_fits_the_file_system(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def mode(database: Database) -> Coroutine[Any, Any, str]:
        return database.read(lambda c: str(c.execute("PRAGMA journal_mode").fetchone()[0]))

    path = tmp_path / "jobs.db"
    assert use(path, mode) == "wal"
    monkeypatch.setattr(module, "is_on_network", lambda path: True)
    assert use(path, mode) == "delete"
    assert use(path, lambda d: d.read(lambda c: c.execute("PRAGMA synchronous").fetchone()[0])) == 2


@pytest.mark.parametrize(
    ("path", "kind", "expected"),
    [
        ("/home/ann/data/jobs.db", "nfs4", True),
        ("/home/ann/data/jobs.db", "ext4", False),
        ("/home/ann/data/jobs.db", "fuse.sshfs", True),
        ("/home/ann/data/jobs.db", "cifs", True),
        ("/home/ann/data/jobs.db", "9p", True),
        ("/home/ann/data/jobs.db", "fuse.ntfs-3g", False),
        ("/home/annabel/jobs.db", "nfs4", False),
        ("/srv/with space/jobs.db", "nfs4", True),
    ],
)
def test_file_systems_of_a_network_are_known_by_the_table_of_mounts(path: str, kind: str, expected: bool) -> None:
    table = (
        "22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw\n"
        f"30 22 0:26 / /home/ann rw shared:7 - {kind} server:/ann rw\n"
        "31 22 0:27 / /srv/with\\040space rw - nfs server:/srv rw\n"
    )
    assert is_on_network(Path(path), table) is expected


def test_another_program_that_writes_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "jobs.db"

    async def notices(database: Database) -> None:
        before = await database.version()
        await database.write(insert("ours"))
        assert await database.version() == before
        with closing(sqlite3.connect(path, isolation_level=None)) as other:
            other.execute("INSERT INTO things VALUES ('theirs')")
        assert await database.version() != before

    use(path, notices)


def test_a_database_that_hangs_does_not_hold_up_the_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from geojobs_lab.database import thread

    monkeypatch.setattr(thread, "_LAST_WORK", 0.1)
    release = threading.Event()

    async def scenario() -> None:
        database = Database(tmp_path / "jobs.db")
        await database.start()
        hanging = asyncio.ensure_future(database.read(lambda c: release.wait(20)))
        await asyncio.sleep(0.05)
        await database.stop()
        assert not hanging.done()
        release.set()
        await hanging

    asyncio.run(scenario())
