"""What SQLite and the disk refuse, in words for the user who asked; no path of the server is told."""

import sqlite3

from geojobs_lab.errors import StoreError

DAMAGED = (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)

_WORDS = {
    sqlite3.SQLITE_BUSY: "it is locked by another program",
    sqlite3.SQLITE_LOCKED: "it is locked by another program",
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it may only be read",
    sqlite3.SQLITE_PERM: "its file may not be opened",
    sqlite3.SQLITE_AUTH: "its file may not be opened",
    sqlite3.SQLITE_CANTOPEN: "its file cannot be opened",
    sqlite3.SQLITE_IOERR: "the disk cannot be read or written",
    **dict.fromkeys(DAMAGED, "its file is damaged; it is set aside when the server starts again"),
}


def store_error(error: Exception) -> StoreError:
    """Translate what SQLite or the operating system has said."""
    words = error.strerror if isinstance(error, OSError) else _WORDS.get(code(error))
    translated = StoreError(f"the job database cannot be used: {words or error}")
    translated.__cause__ = error
    return translated


def code(error: Exception) -> int:
    """Return SQLite's primary result code, 0 where there is none."""
    return getattr(error, "sqlite_errorcode", 0) & 0xFF
