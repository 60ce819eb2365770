"""Jobs and their logs in SQLite.

Owns the tables and the compare-and-set that every change of a job goes through: a change is made only when the row
still has the revision and the owner that the change was computed from, so that two servers on one database never
overwrite each other.
"""

import json
import sqlite3
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from geojobs_lab.database import Database
from geojobs_lab.documents import LogLine, Status
from geojobs_lab.errors import NotFound
from geojobs_lab.jobs.lifecycle import Job

SCHEMA = (
    """
    CREATE TABLE jobs (
        seq INTEGER PRIMARY KEY AUTOINCREMENT,
        uuid TEXT NOT NULL UNIQUE,
        job TEXT NOT NULL,
        created TEXT NOT NULL,
        status TEXT NOT NULL,
        inputs TEXT NOT NULL,
        outputs TEXT NOT NULL,
        started TEXT,
        finished TEXT,
        progress REAL,
        message TEXT,
        error TEXT,
        revision INTEGER NOT NULL,
        owner TEXT
    );
    CREATE INDEX jobs_by_status ON jobs (status, seq);
    CREATE INDEX jobs_by_name ON jobs (job, seq);
    CREATE TABLE log (
        job INTEGER NOT NULL REFERENCES jobs (seq) ON DELETE CASCADE,
        line INTEGER NOT NULL,
        time TEXT NOT NULL,
        level TEXT NOT NULL,
        message TEXT NOT NULL,
        PRIMARY KEY (job, line)
    ) WITHOUT ROWID
    """,
)

LOG_LINES = 10_000  # kept for a job; the oldest go first
_LOG_PAGE = 1000  # lines in one answer

AlsoWrite = Callable[[sqlite3.Connection], object]


class JobStore(Protocol):
    """What the manager needs of a store; every answer is durable when it is given."""

    async def add(self, job: Job, *, also: AlsoWrite | None = None) -> None:
        """Insert a new job, and `also`'s rows, all or nothing."""

    async def get(self, uuid: str) -> Job:
        """Return a job, or raise NotFound."""

    async def list(
        self,
        *,
        status: Status | None = None,
        job: str | None = None,
        uuids: Sequence[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[int, Sequence[Job]]:
        """Return how many jobs match, and a page of them, newest first."""

    async def replace(self, old: Job, new: Job, *, log: Sequence[LogLine] = (), also: AlsoWrite | None = None) -> bool:
        """Put `new` in the place of `old`, lines in its log, and `also`'s rows, all or nothing.

        False, and nothing is written, when the row is no longer what `old` says.
        """

    async def delete(self, uuid: str, *, also: AlsoWrite | None = None) -> None:
        """Remove a job and its log, or raise NotFound."""

    async def unfinished(self) -> Sequence[Job]:
        """Return the jobs that have not ended, oldest first."""

    async def statuses(self, uuids: Sequence[str]) -> Mapping[str, Status]:
        """Return the status of each of these jobs that there is."""

    async def log(self, uuid: str, offset: int) -> tuple[Sequence[LogLine], int]:
        """Return log lines from number `offset`, and the number to go on with; raise NotFound."""


class SqliteJobStore:
    """The store that servers use.

    Parameters
    ----------
    on_end : callable, optional
        Called with the connection and the uuid in the transaction that writes the end of a job.
    """

    def __init__(
        self, database: Database, *, on_end: Callable[[sqlite3.Connection, str], object] | None = None
    ) -> None:
        self._database = database
        self._on_end = on_end
        database.add_schema("jobs", SCHEMA)

    async def add(self, job: Job, *, also: AlsoWrite | None = None) -> None:
        values = _values(job)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO jobs ({', '.join(values)}) VALUES ({marks})"  # noqa: S608  our own column names

        def work(connection: sqlite3.Connection) -> None:
            connection.execute(statement, tuple(values.values()))
            if also is not None:
                also(connection)

        await self._database.write(work)

    async def get(self, uuid: str) -> Job:
        row = await self._database.read(lambda c: _row(c, uuid))
        return _job(row)

    async def list(
        self,
        *,
        status: Status | None = None,
        job: str | None = None,
        uuids: Sequence[str] | None = None,
        limit: int,
        offset: int = 0,
    ) -> tuple[int, Sequence[Job]]:
        terms: list[str] = []
        values: list[str] = []
        if status is not None:
            terms.append("status = ?")
            values.append(status.value)
        if job is not None:
            terms.append("job = ?")
            values.append(job)
        if uuids is not None:
            terms.append(f"uuid IN ({', '.join('?' * len(uuids))})")
            values.extend(uuids)
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        counting = f"SELECT COUNT(*) FROM jobs {where}"  # noqa: S608  our own terms, the values are bound
        paging = f"SELECT * FROM jobs {where} ORDER BY seq DESC LIMIT ? OFFSET ?"  # noqa: S608  likewise

        def work(connection: sqlite3.Connection) -> tuple[int, Sequence[Job]]:
            count = connection.execute(counting, values).fetchone()[0]
            return count, [_job(row) for row in connection.execute(paging, (*values, limit, offset))]

        return await self._database.read(work)

    async def replace(self, old: Job, new: Job, *, log: Sequence[LogLine] = (), also: AlsoWrite | None = None) -> bool:
        values = _values(new)
        sets = ", ".join(f"{name} = ?" for name in values)
        statement = f"UPDATE jobs SET {sets} WHERE uuid = ? AND revision = ? AND owner IS ?"  # noqa: S608  likewise

        def work(connection: sqlite3.Connection) -> bool:
            key = (old.uuid, old.revision, old.owner)
            if connection.execute(statement, (*values.values(), *key)).rowcount == 0:
                return False
            _append_log(connection, old.uuid, log)
            if new.status.is_final and self._on_end is not None:
                self._on_end(connection, new.uuid)
            if also is not None:
                also(connection)
            return True

        return await self._database.write(work)

    async def delete(self, uuid: str, *, also: AlsoWrite | None = None) -> None:
        def work(connection: sqlite3.Connection) -> None:
            if connection.execute("DELETE FROM jobs WHERE uuid = ?", (uuid,)).rowcount == 0:
                raise NotFound("job", uuid)
            if also is not None:
                also(connection)

        await self._database.write(work)

    async def unfinished(self) -> Sequence[Job]:
        statement = "SELECT * FROM jobs WHERE status IN ('pending', 'started') ORDER BY seq"
        return await self._database.read(lambda c: [_job(row) for row in c.execute(statement)])

    async def statuses(self, uuids: Sequence[str]) -> Mapping[str, Status]:
        def work(connection: sqlite3.Connection) -> dict[str, Status]:
            found = (
                connection.execute("SELECT uuid, status FROM jobs WHERE uuid = ?", (uuid,)).fetchone() for uuid in uuids
            )
            return {row["uuid"]: Status(row["status"]) for row in found if row is not None}

        return await self._database.read(work)

    async def log(self, uuid: str, offset: int) -> tuple[Sequence[LogLine], int]:
        def work(connection: sqlite3.Connection) -> tuple[Sequence[LogLine], int]:
            rows = connection.execute(
                "SELECT line, time, level, message FROM log WHERE job = ? AND line >= ? ORDER BY line LIMIT ?",
                (_row(connection, uuid)["seq"], offset, _LOG_PAGE),
            ).fetchall()
            lines = [LogLine(time=row["time"], level=row["level"], message=row["message"]) for row in rows]
            return lines, rows[-1]["line"] + 1 if rows else offset

        return await self._database.read(work)


def _append_log(connection: sqlite3.Connection, uuid: str, lines: Sequence[LogLine]) -> None:
    if not lines:
        return
    seq = _row(connection, uuid)["seq"]
    last = connection.execute("SELECT MAX(line) FROM log WHERE job = ?", (seq,)).fetchone()[0]
    first = 0 if last is None else last + 1
    connection.executemany(
        "INSERT INTO log VALUES (?, ?, ?, ?, ?)",
        [(seq, number, line["time"], line["level"], line["message"]) for number, line in enumerate(lines, first)],
    )
    connection.execute("DELETE FROM log WHERE job = ? AND line < ?", (seq, first + len(lines) - LOG_LINES))


def _row(connection: sqlite3.Connection, uuid: str) -> sqlite3.Row:
    row: sqlite3.Row | None = connection.execute("SELECT * FROM jobs WHERE uuid = ?", (uuid,)).fetchone()
    if row is None:
        raise NotFound("job", uuid)
    return row


def _values(job: Job) -> dict[str, object]:
    values = {name: getattr(job, name) for name in Job.__slots__}
    values["status"] = job.status.value
    values["error"] = None if job.error is None else json.dumps(job.error)
    return values


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in Job.__slots__}
    values["status"] = Status(row["status"])
    values["error"] = None if row["error"] is None else json.loads(row["error"])
    return Job(**values)
