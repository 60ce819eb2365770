"""Jobs and their logs in SQLite.

Owns the tables and the compare-and-set that every change of a job goes through: a change is made only when the row
still has the revision and the owner that the change was computed from, so that two servers on one database never
overwrite each other.
"""

import json
import sqlite3
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from geojobs_lab.database import Database
from geojobs_lab.documents import LogLine, Status
from geojobs_lab.errors import NotFound
from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.jobs.schema import SCHEMA

LOG_LINES = 10_000  # kept for a job; the oldest go first
_LOG_PAGE = 1000  # lines in one answer
_REMOVED = 10_000  # removals remembered for those who follow the changes
_NOW = "(SELECT changed + 1 FROM clock)"  # the number of a new change
_UNFINISHED = "status IN ('pending', 'started')"

AlsoWrite = Callable[[sqlite3.Connection], object]


@dataclass(frozen=True, slots=True)
class Change:
    """What has become of a job, by whichever server: its row now, None when it is removed.

    Changes are numbered; a job that has changed again has only its newest number.
    """

    number: int
    uuid: str
    job: Job | None


class JobStore(Protocol):
    """What the manager needs of a store; every answer is durable when it is given."""

    async def add(self, job: Job, *, also: AlsoWrite | None = None) -> Job | None:
        """Insert a new job, and `also`'s rows, all or nothing; return the job that has its key already instead."""

    async def with_key(self, key: str) -> Job | None:
        """Return the job that was submitted with this key."""

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

    async def unfinished(self, owner: str | None) -> Sequence[Job]:
        """Return the jobs of a server that have not ended, oldest first."""

    async def owners(self) -> Collection[str | None]:
        """Return the servers that have unfinished jobs."""

    async def owned(self, owner: str | None) -> Mapping[str, bool]:
        """Return the unfinished jobs of a server: uuid -> whether somebody has asked for its end."""

    async def release(self, owner: str) -> None:
        """Leave the waiting jobs of a server to whoever takes them."""

    async def request_cancel(self, uuid: str) -> None:
        """Ask the server that runs a job to end it."""

    async def cursor(self) -> int:
        """Return the number of the newest change."""

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        """Return the changes with greater numbers, in order, `limit` at the most."""

    async def beat(self, owner: str) -> None:
        """Give a sign of life of a server."""

    async def beats(self) -> Mapping[str, int]:
        """Return how many signs of life each server has given."""

    async def forget_server(self, owner: str) -> None:
        """Forget a server that has no jobs any more."""

    async def version(self) -> int:
        """Return a number that changes when another process writes."""

    async def statuses(self, uuids: Sequence[str]) -> Mapping[str, Status]:
        """Return the status of each of these jobs that there is."""

    async def log(self, uuid: str, offset: int) -> tuple[Sequence[LogLine], int]:
        """Return log lines from number `offset`, and the number to go on with; raise NotFound.

        Where the oldest have been dropped, a first line says how many.
        """


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

    async def add(self, job: Job, *, also: AlsoWrite | None = None) -> Job | None:
        values = _values(job)
        marks = ", ".join("?" * len(values))
        statement = f"INSERT INTO jobs ({', '.join(values)}, changed) VALUES ({marks}, {_NOW})"  # noqa: S608  our own names

        def work(connection: sqlite3.Connection) -> Job | None:
            if job.key is not None and (first := _with_key(connection, job.key)) is not None:
                return first
            connection.execute(statement, tuple(values.values()))
            if also is not None:
                also(connection)
            return None

        return await self._database.write(work)

    async def with_key(self, key: str) -> Job | None:
        return await self._database.read(lambda c: _with_key(c, key))

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
        # By the uuids where there are any: the + keeps SQLite from going through all jobs of a status instead.
        plain = "" if uuids is None else "+"
        if status is not None:
            terms.append(f"{plain}status = ?")
            values.append(status.value)
        if job is not None:
            terms.append(f"{plain}job = ?")
            values.append(job)
        if uuids is not None:
            terms.append(f"uuid IN ({', '.join('?' * len(uuids))})")
            values.extend(uuids)
        where = f"WHERE {' AND '.join(terms)}" if terms else ""
        counting = (
            f"SELECT COALESCE(SUM(count), 0) FROM counts {where}"  # noqa: S608  our own terms, the values are bound
            if uuids is None
            else f"SELECT COUNT(*) FROM jobs {where}"  # noqa: S608  likewise
        )
        # What a page far down skips is only looked up in an index.
        numbers = f"SELECT seq FROM jobs {where} ORDER BY seq DESC LIMIT ? OFFSET ?"  # noqa: S608  likewise
        paging = f"SELECT * FROM jobs WHERE seq IN ({numbers}) ORDER BY seq DESC"  # noqa: S608  likewise

        def work(connection: sqlite3.Connection) -> tuple[int, Sequence[Job]]:
            count = connection.execute(counting, values).fetchone()[0]
            return count, [_job(row) for row in connection.execute(paging, (*values, limit, offset))]

        return await self._database.read(work)

    async def replace(self, old: Job, new: Job, *, log: Sequence[LogLine] = (), also: AlsoWrite | None = None) -> bool:
        before, after = _values(old), _values(new)
        # SQLite writes the indices of all columns that are named anew.
        values = {name: value for name, value in after.items() if value != before[name]}
        sets = "".join(f"{name} = ?, " for name in values)
        statement = f"UPDATE jobs SET {sets}changed = {_NOW} WHERE uuid = ? AND revision = ? AND owner IS ?"  # noqa: S608  likewise

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
            connection.execute(
                "DELETE FROM removed WHERE changed <= "
                "(SELECT changed FROM removed ORDER BY changed DESC LIMIT 1 OFFSET ?)",
                (_REMOVED,),
            )
            if also is not None:
                also(connection)

        await self._database.write(work)

    async def unfinished(self, owner: str | None) -> Sequence[Job]:
        return await self._database.read(lambda c: _jobs(c, f"{_UNFINISHED} AND owner IS ? ORDER BY seq", owner))

    async def owners(self) -> Collection[str | None]:
        statement = f"SELECT DISTINCT owner FROM jobs WHERE {_UNFINISHED}"  # noqa: S608  our own condition
        return await self._database.read(lambda c: {row["owner"] for row in c.execute(statement)})

    async def owned(self, owner: str | None) -> Mapping[str, bool]:
        statement = f"SELECT uuid, cancel_requested FROM jobs WHERE {_UNFINISHED} AND owner IS ?"  # noqa: S608  likewise

        def work(connection: sqlite3.Connection) -> dict[str, bool]:
            return {row["uuid"]: bool(row["cancel_requested"]) for row in connection.execute(statement, (owner,))}

        return await self._database.read(work)

    async def release(self, owner: str) -> None:
        def work(connection: sqlite3.Connection) -> None:
            connection.execute("UPDATE jobs SET owner = NULL WHERE status = 'pending' AND owner = ?", (owner,))
            connection.execute("DELETE FROM servers WHERE name = ?", (owner,))

        await self._database.write(work)

    async def request_cancel(self, uuid: str) -> None:
        await self._database.write(
            lambda c: c.execute("UPDATE jobs SET cancel_requested = 1 WHERE uuid = ?", (uuid,)).rowcount
        )

    async def cursor(self) -> int:
        return await self._database.read(lambda c: int(c.execute("SELECT changed FROM clock").fetchone()[0]))

    async def changes(self, after: int, limit: int) -> Sequence[Change]:
        bounds = (after, limit)

        def work(connection: sqlite3.Connection) -> Sequence[Change]:
            jobs = connection.execute("SELECT * FROM jobs WHERE changed > ? ORDER BY changed LIMIT ?", bounds)
            gone = connection.execute("SELECT * FROM removed WHERE changed > ? ORDER BY changed LIMIT ?", bounds)
            found = [Change(row["changed"], row["uuid"], _job(row)) for row in jobs]
            found += [Change(row["changed"], row["uuid"], None) for row in gone]
            return sorted(found, key=lambda change: change.number)[:limit]

        return await self._database.read(work)

    async def beat(self, owner: str) -> None:
        statement = "INSERT INTO servers VALUES (?, 1) ON CONFLICT (name) DO UPDATE SET beat = beat + 1"
        await self._database.write(lambda c: c.execute(statement, (owner,)).rowcount)

    async def beats(self) -> Mapping[str, int]:
        return await self._database.read(
            lambda c: {row["name"]: row["beat"] for row in c.execute("SELECT name, beat FROM servers")}
        )

    async def forget_server(self, owner: str) -> None:
        await self._database.write(lambda c: c.execute("DELETE FROM servers WHERE name = ?", (owner,)).rowcount)

    async def version(self) -> int:
        return await self._database.version()

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
            if rows and (dropped := rows[0]["line"] - offset) > 0:
                note = f"{dropped} earlier lines are not kept"
                lines.insert(0, LogLine(time=rows[0]["time"], level="WARNING", message=note))
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


def _with_key(connection: sqlite3.Connection, key: str) -> Job | None:
    jobs = _jobs(connection, "key = ?", key)
    return jobs[0] if jobs else None


def _jobs(connection: sqlite3.Connection, condition: str, *values: object) -> Sequence[Job]:
    rows = connection.execute(f"SELECT * FROM jobs WHERE {condition}", values)  # noqa: S608  our own conditions
    return [_job(row) for row in rows]


def _values(job: Job) -> dict[str, object]:
    values = {name: getattr(job, name) for name in Job.__slots__}
    values["status"] = job.status.value
    values["error"] = None if job.error is None else json.dumps(job.error)
    return values


def _job(row: sqlite3.Row) -> Job:
    values = {name: row[name] for name in Job.__slots__}
    values["status"] = Status(row["status"])
    values["restartable"] = bool(row["restartable"])
    values["error"] = None if row["error"] is None else json.loads(row["error"])
    return Job(**values)
