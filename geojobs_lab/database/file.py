"""The database's file: where it may be kept how, whose it is, and what becomes of one that is damaged."""

import contextlib
import fcntl
import logging
import os
import re
import sqlite3
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path

from geojobs_lab.database.troubles import DAMAGED, code
from geojobs_lab.errors import StoreError

_log = logging.getLogger(__name__)

_BUSY_TIMEOUT = 5.0  # seconds that another process's write is waited for
_MOUNTS = Path("/proc/self/mountinfo")
# Their locks and their memory are not shared by the machines that mount them: no write-ahead log there.
_NETWORKS = re.compile(
    r"nfs\d?|cifs|smb\w*|9p|afs|ncpfs|ocfs2|gfs2?|gpfs|lustre|ceph|beegfs\w*|pvfs2|orangefs|glusterfs"
    r"|fuse\.(sshfs|glusterfs|rclone|s3fs|davfs|gcsfuse|juicefs|\w*ceph\w*|\w*smb\w*)"
)


def open_file(
    path: Path,
    journal_mode: str | None,
    schemas: Mapping[str, Sequence[str]],
    *,
    set_aside: bool,
    folders: Sequence[Path] = (),
) -> sqlite3.Connection:
    """Open the file, made with mode 0600 in a folder with mode 0700, and bring its schema up to date.

    With `set_aside`, one that is damaged is kept under a name that says so, with the `folders` whose files only its
    rows explain, and a new one is begun.

    Raises
    ------
    StoreError
        It was written by a newer version.
    sqlite3.Error, OSError
        It cannot be opened.
    """
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with _alone(path):
        try:
            return _open(path, journal_mode, schemas)
        except (OSError, StoreError):
            raise
        except Exception as error:
            if not set_aside or (isinstance(error, sqlite3.Error) and code(error) not in DAMAGED):
                raise
            # Or it holds texts that are none, versions that are no numbers: what only damage explains.
            aside = _set_aside(path, folders)
            _log.error("The job database is damaged (%s): it is kept as %s, and a new one is begun", error, aside)
            return _open(path, journal_mode, schemas)


def is_on_network(path: Path, mounts: str | None = None) -> bool:
    """Tell whether a file lies on a network file system, as far as the table of mounts tells.

    Parameters
    ----------
    mounts : str, optional
        The text of the table; the system's own when left out.
    """
    if mounts is None:
        try:
            mounts = _MOUNTS.read_text()
        except OSError:
            return False
    where, kind = Path("/"), ""
    here = path.resolve()
    for line in mounts.splitlines():
        fields, _, rest = line.partition(" - ")
        point = Path(re.sub(r"\\(\d{3})", lambda octal: chr(int(octal[1], 8)), fields.split()[4]))
        if here.is_relative_to(point) and len(point.parts) >= len(where.parts):
            where, kind = point, rest.split()[0]
    return _NETWORKS.fullmatch(kind) is not None


@contextlib.contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Let one process at a time open the file: what one has begun anew the next must not take for damaged."""
    lock = os.open(path.with_name(f"{path.name}.opening"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        with contextlib.suppress(OSError):  # some file systems have no locks
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)


def _open(path: Path, journal_mode: str | None, schemas: Mapping[str, Sequence[str]]) -> sqlite3.Connection:
    os.close(os.open(path, os.O_RDWR | os.O_CREAT, 0o600))
    connection = sqlite3.connect(path, isolation_level=None, timeout=_BUSY_TIMEOUT)
    try:
        connection.row_factory = sqlite3.Row
        mode = journal_mode or ("DELETE" if is_on_network(path) else "WAL")
        connection.execute(f"PRAGMA journal_mode = {mode}")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA foreign_keys = ON")
        _check(connection)
        _migrate(connection, schemas)
    except BaseException:
        connection.close()
        raise
    return connection


def _check(connection: sqlite3.Connection) -> None:
    """Look whether the pages hang together."""
    found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    if found != "ok":
        error = sqlite3.DatabaseError(found)
        error.sqlite_errorcode = sqlite3.SQLITE_CORRUPT
        raise error


def _set_aside(path: Path, folders: Sequence[Path]) -> Path:
    """Rename the file, what SQLite keeps beside it, and the folders, to names that nothing has yet."""
    moment = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    endings = (f".corrupt-{moment}{more}" for more in ("", *(f"-{n}" for n in range(2, 1000))))
    ending = next(
        free for free in endings if not any(one.with_name(one.name + free).exists() for one in (path, *folders))
    )
    aside = path.with_name(path.name + ending)
    for folder in folders:  # before the file: what cannot be moved is not left to a database that knows nothing of it
        with contextlib.suppress(FileNotFoundError):
            folder.rename(folder.with_name(folder.name + ending))
    for suffix in ("-wal", "-shm", "-journal"):
        with contextlib.suppress(FileNotFoundError):
            path.with_name(path.name + suffix).rename(aside.with_name(aside.name + suffix))
    path.rename(aside)
    return aside


def _migrate(connection: sqlite3.Connection, schemas: Mapping[str, Sequence[str]]) -> None:
    connection.execute("BEGIN IMMEDIATE")
    connection.execute("CREATE TABLE IF NOT EXISTS schemas (room TEXT PRIMARY KEY, version INTEGER NOT NULL)")
    versions = {row["room"]: row["version"] for row in connection.execute("SELECT room, version FROM schemas")}
    for room, steps in schemas.items():
        version = versions.get(room, 0)
        if version > len(steps):
            raise StoreError(
                f"the database was written by a newer version of geojobs_lab ({room}: schema {version}, "
                f"this version knows {len(steps)})"
            )
        for script in steps[version:]:
            for statement in _statements(script):
                connection.execute(statement)
        connection.execute("INSERT OR REPLACE INTO schemas VALUES (?, ?)", (room, len(steps)))
    connection.execute("COMMIT")


def _statements(script: str) -> Iterator[str]:
    """Yield the statements of a script; those within a trigger are part of it."""
    statement = ""
    for piece in script.split(";"):
        statement += f"{piece};"
        if sqlite3.complete_statement(statement):
            if piece.strip():
                yield statement
            statement = ""
