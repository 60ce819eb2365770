"""One SQLite file, one thread that owns its connection, and group commit.

Owns: opening the file with the right permissions and pragmas, schema versions, and turning units of work from
the event loop into transactions. Rooms that keep tables bring their schema (`Database.add_schema`) and their own
SQL; what the rows mean is theirs.

Units of work that wait together are committed together: one fsync serves all of them, and none of them is
answered before it. Each runs in a savepoint, so that one that fails undoes only itself.
"""

import asyncio
import logging
import os
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeVar

from geojobs_lab.errors import StoreError

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_BATCH = 256  # units of work in one transaction, at most
_BUSY_TIMEOUT = 5000  # ms that another process's write is waited for


@dataclass(slots=True)
class _Unit:
    work: Callable[[sqlite3.Connection], Any]
    writes: bool
    future: Future[Any] = field(default_factory=Future)


class Database:
    """A SQLite database for an asyncio program.

    Parameters
    ----------
    path : Path
        The file; it is made with mode 0600 in a folder with mode 0700.
    journal_mode : str
        ``"WAL"``, or ``"DELETE"`` where the file system has no shared memory.
    """

    def __init__(self, path: Path, *, journal_mode: str = "WAL") -> None:
        self.path = path
        self._journal_mode = journal_mode
        self._schemas: dict[str, Sequence[str]] = {}
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def add_schema(self, room: str, steps: Sequence[str]) -> None:
        """Name a room's tables, before the start: the n-th SQL script leads from version n to n + 1."""
        self._schemas[room] = steps

    async def start(self) -> None:
        """Open the file and bring its schema up to date.

        Raises
        ------
        StoreError
            The file cannot be opened, or was written by a newer version.
        """
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="geojobs-database", daemon=True)
        self._thread.start()
        await asyncio.wrap_future(opened)

    async def stop(self) -> None:
        """Finish what waits, close the file. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._units.put(None)
            await asyncio.to_thread(thread.join)

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` in a transaction; when this returns, it is on the disk.

        Raises
        ------
        StoreError
            SQLite refused (disk full, locked for too long, corrupt).
        """
        return await self._do(_Unit(work, writes=True))  # type: ignore[no-any-return]

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work`, which only reads, after everything that was asked for before it."""
        return await self._do(_Unit(work, writes=False))  # type: ignore[no-any-return]

    async def version(self) -> int:
        """Return a number that changes when another process has written."""
        return await self.read(lambda c: int(c.execute("PRAGMA data_version").fetchone()[0]))

    async def _do(self, unit: _Unit) -> Any:
        if self._thread is None:
            raise StoreError("the database is closed")
        self._units.put(unit)
        return await asyncio.wrap_future(unit.future)

    def _serve(self, opened: "Future[None]") -> None:
        try:
            connection = self._open()
        except (sqlite3.Error, OSError, StoreError) as error:
            opened.set_exception(error if isinstance(error, StoreError) else _store_error(error))
            return
        opened.set_result(None)
        going_on = True
        while going_on:
            batch = [self._units.get()]
            while len(batch) < _BATCH and not self._units.empty():
                batch.append(self._units.get())
            if None in batch:
                going_on = False
            # A caller that gave up while it waited gets its work undone before it began.
            units = [unit for unit in batch if unit is not None and unit.future.set_running_or_notify_cancel()]
            if units:
                _transact(connection, units)
        connection.close()

    def _open(self) -> sqlite3.Connection:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.close(os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600))
        connection = sqlite3.connect(self.path, isolation_level=None, timeout=_BUSY_TIMEOUT / 1000)
        connection.row_factory = sqlite3.Row
        connection.execute(f"PRAGMA journal_mode = {self._journal_mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        self._migrate(connection)
        return connection

    def _migrate(self, connection: sqlite3.Connection) -> None:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute("CREATE TABLE IF NOT EXISTS schemas (room TEXT PRIMARY KEY, version INTEGER NOT NULL)")
        versions = {row["room"]: row["version"] for row in connection.execute("SELECT room, version FROM schemas")}
        for room, steps in self._schemas.items():
            version = versions.get(room, 0)
            if version > len(steps):
                raise StoreError(
                    f"the database was written by a newer version of geojobs_lab ({room}: schema {version}, "
                    f"this version knows {len(steps)})"
                )
            for script in steps[version:]:
                for statement in filter(str.strip, script.split(";")):
                    connection.execute(statement)
            connection.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?)", (room, len(steps)))
        connection.execute("COMMIT")


def _transact(connection: sqlite3.Connection, units: Sequence[_Unit]) -> None:
    """Run the units in one transaction; answer each when, and only when, all are on the disk."""
    outcomes: list[tuple[_Unit, Any, BaseException | None]] = []
    try:
        connection.execute("BEGIN IMMEDIATE" if any(unit.writes for unit in units) else "BEGIN")
        for unit in units:
            connection.execute("SAVEPOINT unit")
            try:
                outcomes.append((unit, unit.work(connection), None))
            except Exception as error:  # noqa: BLE001  it is the caller's, who gets it
                connection.execute("ROLLBACK TO unit")
                outcomes.append((unit, None, _store_error(error) if isinstance(error, sqlite3.Error) else error))
            connection.execute("RELEASE unit")
        connection.execute("COMMIT")
    except sqlite3.Error as error:
        _log.error("The database refused a transaction: %s", error)
        if connection.in_transaction:
            connection.execute("ROLLBACK")
        for unit in units:
            unit.future.set_exception(_store_error(error))
        return
    for unit, result, failure in outcomes:
        if failure is None:
            unit.future.set_result(result)
        else:
            unit.future.set_exception(failure)


def _store_error(error: Exception) -> StoreError:
    store_error = StoreError(f"the job database cannot be used: {error}")
    store_error.__cause__ = error
    return store_error
