"""The catalogue's table: the services that did not come from the configuration."""

import json
import sqlite3
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from geojobs_lab.documents import format_time, parse_time
from geojobs_lab.errors import Conflict, NotFound
from geojobs_lab.services.service import Service

SCHEMA = (
    """
    CREATE TABLE services (
        name TEXT PRIMARY KEY,
        path TEXT NOT NULL,
        title TEXT NOT NULL,
        description TEXT NOT NULL,
        temporary INTEGER NOT NULL,
        created TEXT NOT NULL,
        job TEXT,
        owned INTEGER NOT NULL,
        renderers TEXT NOT NULL,
        info TEXT NOT NULL,
        revision INTEGER NOT NULL
    );
    CREATE INDEX services_by_job ON services (job);
    CREATE INDEX services_by_age ON services (temporary, created)
    """,
)


def insert(connection: sqlite3.Connection, service: Service) -> None:
    """Add a row.

    Raises
    ------
    Conflict
        The name is taken.
    """
    try:
        connection.execute(
            "INSERT INTO services VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            (
                service.name,
                str(service.path),
                service.title,
                service.description,
                service.temporary,
                format_time(service.created),
                service.job,
                service.owned,
                json.dumps(dict(service.renderers)),
                json.dumps(service.info),
                service.revision,
            ),
        )
    except sqlite3.IntegrityError:
        raise Conflict(f"name: there is a service {service.name!r} already") from None


def find(connection: sqlite3.Connection, name: str) -> Service:
    """Return the service of that name, or raise NotFound."""
    row = connection.execute("SELECT * FROM services WHERE name = ?", (name,)).fetchone()
    if row is None:
        raise NotFound("service", name)
    return _service(row)


def newest_first(connection: sqlite3.Connection, limit: int, offset: int) -> tuple[int, list[Service]]:
    """Return how many there are, and a page of them."""
    count = connection.execute("SELECT COUNT(*) FROM services").fetchone()[0]
    rows = connection.execute("SELECT * FROM services ORDER BY created DESC, name LIMIT ? OFFSET ?", (limit, offset))
    return count, [_service(row) for row in rows]


def update(connection: sqlite3.Connection, name: str, **changes: Any) -> Service:
    """Change `title`, `temporary` or `renderers`, and return what is there now."""
    service = find(connection, name)
    changed = replace(service, **changes, revision=service.revision + 1)
    connection.execute(
        "UPDATE services SET title = ?, temporary = ?, renderers = ?, revision = ? WHERE name = ?",
        (changed.title, changed.temporary, json.dumps(dict(changed.renderers)), changed.revision, name),
    )
    return changed


def delete(connection: sqlite3.Connection, name: str) -> Service:
    """Remove the row and return what it was."""
    service = find(connection, name)
    connection.execute("DELETE FROM services WHERE name = ?", (name,))
    return service


def of_job(connection: sqlite3.Connection, job: str) -> list[Service]:
    """Return the services that hold the results of a job."""
    return _all(connection.execute("SELECT * FROM services WHERE job = ?", (job,)))


def temporary_before(connection: sqlite3.Connection, time: str) -> list[Service]:
    """Return the temporary services created before `time`."""
    return _all(connection.execute("SELECT * FROM services WHERE temporary AND created < ?", (time,)))


def _all(rows: Iterable[sqlite3.Row]) -> list[Service]:
    return [_service(row) for row in rows]


def _service(row: sqlite3.Row) -> Service:
    path = Path(row["path"])
    there = path.is_file()
    return Service(
        name=row["name"],
        path=path,
        title=row["title"],
        description=row["description"],
        temporary=bool(row["temporary"]),
        created=parse_time(row["created"]),
        job=row["job"],
        owned=bool(row["owned"]),
        state="ready" if there else "unavailable",
        reason=None if there else "its file is gone",
        renderers=json.loads(row["renderers"]),
        info=json.loads(row["info"]),
        revision=row["revision"],
    )
