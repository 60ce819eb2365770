"""One thread that owns the connection to a SQLite file, and group commit.

Owns the turning of units of work from the event loop into transactions. What concerns the file itself is `file`'s.

Units of work that wait together are committed together: one fsync serves all of them, and none of them is
answered before it. When one fails, all are undone and run again, each in a savepoint, so that it undoes only itself;
savepoints for all of them from the start would cost more than their work.
"""

import asyncio
import contextlib
import logging
import queue
import sqlite3
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

from geojobs_lab.database.file import open_file
from geojobs_lab.database.troubles import store_error
from geojobs_lab.errors import StoreError
from geojobs_lab.threads import in_thread

_log = logging.getLogger(__name__)
_T = TypeVar("_T")

_BATCH = 256  # units of work in one transaction, at most
_LAST_WORK = 2.0  # seconds that the last units may take when the database is closed


@dataclass(slots=True)
class _Unit:
    work: Callable[[sqlite3.Connection], Any]
    writes: bool
    future: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None

    def answer(self) -> None:
        """Tell who waits; on the event loop."""
        if self.future.done():  # it has given up
            return
        if self.error is None:
            self.future.set_result(self.result)
        else:
            self.future.set_exception(self.error)


class Database:
    """A SQLite database for an asyncio program.

    Parameters
    ----------
    path : Path
        The file; it is made with mode 0600 in a folder with mode 0700.
    journal_mode : str, optional
        ``"WAL"``, or ``"DELETE"`` for file systems of a network; what suits the file's own when left out.
    set_aside : bool
        Whether a damaged file is kept under another name and a new one begun; otherwise it is refused.
    """

    def __init__(self, path: Path, *, journal_mode: str | None = None, set_aside: bool = True) -> None:
        self.path = path
        self._journal_mode = journal_mode
        self._set_aside = set_aside
        self._schemas: dict[str, Sequence[str]] = {}
        self._folders: list[Path] = []
        self._units: queue.SimpleQueue[_Unit | None] = queue.SimpleQueue()
        self._thread: threading.Thread | None = None

    def add_schema(self, room: str, steps: Sequence[str]) -> None:
        """Name a room's tables, before the start: the n-th SQL script leads from version n to n + 1."""
        self._schemas[room] = steps

    def add_folder(self, folder: Path) -> None:
        """Name a folder, before the start, whose files only the rows explain: it is set aside with a damaged file."""
        self._folders.append(folder)

    async def start(self) -> None:
        """Open the file and bring its schema up to date; may be called again when it could not.

        Raises
        ------
        StoreError
            The file cannot be opened, or was written by a newer version.
        """
        opened: Future[None] = Future()
        self._thread = threading.Thread(target=self._serve, args=(opened,), name="geojobs-database", daemon=True)
        self._thread.start()
        try:
            await asyncio.wrap_future(opened)
        except BaseException:
            self._thread = None
            raise

    async def stop(self) -> None:
        """Finish what waits, close the file. May be called twice."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._units.put(None)
            await in_thread(thread.join, _LAST_WORK)
            if thread.is_alive():
                _log.error("The job database is still busy: its last work is left undone")

    async def write(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work` in a transaction; when this returns, it is on the disk. It may be undone and called again.

        Raises
        ------
        StoreError
            SQLite refused (disk full, locked for too long, corrupt).
        """
        return await self._do(work, writes=True)  # type: ignore[no-any-return]

    async def read(self, work: Callable[[sqlite3.Connection], _T]) -> _T:
        """Run `work`, which only reads, after everything that was asked for before it."""
        return await self._do(work, writes=False)  # type: ignore[no-any-return]

    async def version(self) -> int:
        """Return a number that changes when another process has written."""
        return await self.read(lambda c: int(c.execute("PRAGMA data_version").fetchone()[0]))

    async def _do(self, work: Callable[[sqlite3.Connection], Any], *, writes: bool) -> Any:
        if self._thread is None:
            raise StoreError("the database is closed")
        unit = _Unit(work, writes, asyncio.get_running_loop().create_future())
        self._units.put(unit)
        return await unit.future

    def _serve(self, opened: "Future[None]") -> None:
        try:
            connection = self._open()
        except Exception as error:  # noqa: BLE001  in a damaged file anything may be met, and somebody waits
            opened.set_exception(error if isinstance(error, StoreError) else store_error(error))
            return
        inode = self.path.stat().st_ino
        opened.set_result(None)
        going_on = True
        while going_on:
            batch = [self._units.get()]
            while len(batch) < _BATCH and not self._units.empty():
                batch.append(self._units.get())
            if None in batch:
                going_on = False
            # A caller that gave up while it waited gets its work undone before it began.
            units = [unit for unit in batch if unit is not None and not unit.future.cancelled()]
            if not units:
                continue
            try:
                if not self._is_there(inode):
                    # What is written into a file that has been removed is lost: another takes its place.
                    connection.close()
                    inode = 0  # the new file may get the number of the old one, and its opening may fail after that
                    connection = self._open()
                    inode = self.path.stat().st_ino
                    _log.error("The job database was removed or replaced while it was in use; it is opened anew")
                _transact(connection, units)
            except Exception as error:  # noqa: BLE001  likewise
                _refuse(units, error)
            _answer(units)
        connection.close()

    def _open(self) -> sqlite3.Connection:
        return open_file(self.path, self._journal_mode, self._schemas, set_aside=self._set_aside, folders=self._folders)

    def _is_there(self, inode: int) -> bool:
        try:
            return self.path.stat().st_ino == inode
        except FileNotFoundError:
            return False


def _transact(connection: sqlite3.Connection, units: Sequence[_Unit]) -> None:
    """Run the units in one transaction; when this returns, all that has succeeded is on the disk."""
    writes = any(unit.writes for unit in units)
    try:
        try:
            _run_all(connection, units, writes=writes, apart=False)
        except Exception:
            if not writes or not connection.in_transaction:
                raise  # SQLite has undone all of it: the disk is full, or the file damaged
            connection.execute("ROLLBACK")
            _run_all(connection, units, writes=writes, apart=True)
    except Exception as error:
        _log.error("The database refused a transaction: %s", error)
        with contextlib.suppress(sqlite3.Error):
            if connection.in_transaction:
                connection.execute("ROLLBACK")
        raise


def _run_all(connection: sqlite3.Connection, units: Sequence[_Unit], *, writes: bool, apart: bool) -> None:
    """Run the units; with `apart` each in a savepoint, so that one that fails undoes only itself."""
    connection.execute("BEGIN IMMEDIATE" if writes else "BEGIN")
    for unit in units:
        unit.error = None
        if apart:
            connection.execute("SAVEPOINT unit")
        try:
            unit.result = unit.work(connection)
        except Exception as error:
            if not connection.in_transaction or (unit.writes and not apart):
                raise
            unit.error = store_error(error) if isinstance(error, sqlite3.Error) else error
            if apart:
                connection.execute("ROLLBACK TO unit")
        if apart:
            connection.execute("RELEASE unit")
    connection.execute("COMMIT")


def _refuse(units: Sequence[_Unit], error: Exception) -> None:
    for unit in units:
        unit.error = error if isinstance(error, StoreError) else store_error(error)


def _answer(units: Sequence[_Unit]) -> None:
    """Wake each event loop once, however many of its units are done."""
    for loop in {unit.future.get_loop() for unit in units}:
        done = [unit for unit in units if unit.future.get_loop() is loop]
        with contextlib.suppress(RuntimeError):  # the loop is closed: nobody waits any more
            loop.call_soon_threadsafe(_answer_all, done)


def _answer_all(units: Sequence[_Unit]) -> None:
    for unit in units:
        unit.answer()
