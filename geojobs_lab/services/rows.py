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
    """
    CREATE TABLE service_holds (
        service TEXT NOT NULL,
        job TEXT NOT NULL,
        PRIMARY KEY (service, job)
    ) WITHOUT ROWID;
    CREATE INDEX service_holds_by_job ON service_holds (job)
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
    """Remove the row and return what it was.

    Raises
    ------
    Conflict
        A job that waits or runs, in whichever server, uses it.
    """
    service = find(connection, name)
    held = connection.execute("SELECT job FROM service_holds WHERE service = ?", (name,)).fetchone()
    if held is not None:
        raise Conflict(f"service {name!r} is used by job {held['job']}")
    connection.execute("DELETE FROM services WHERE name = ?", (name,))
    return service


def of_job(connection: sqlite3.Connection, job: str) -> list[Service]:
    """Return the services that hold the results of a job."""
    return _all(connection.execute("SELECT * FROM services WHERE job = ?", (job,)))


def from_elsewhere(connection: sqlite3.Connection) -> list[Service]:
    """Return the services that are no results of jobs."""
    return _all(connection.execute("SELECT * FROM services WHERE job IS NULL"))


def expired(connection: sqlite3.Connection, before: str) -> list[Service]:
    """Return the temporary services created before a time that no unfinished job uses."""
    return _all(
        connection.execute(
            "SELECT * FROM services WHERE temporary AND created < ? "
            "AND NOT EXISTS (SELECT 1 FROM service_holds WHERE service = name) ORDER BY created, name",
            (before,),
        )
    )


def hold(connection: sqlite3.Connection, job: str, names: Iterable[str]) -> None:
    """Keep services from being removed as long as a job needs them, or raise NotFound."""
    for name in names:
        find(connection, name)
        connection.execute("INSERT OR IGNORE INTO service_holds VALUES (?, ?)", (name, job))


def release(connection: sqlite3.Connection, job: str) -> None:
    """Let go of all services that a job has held."""
    connection.execute("DELETE FROM service_holds WHERE job = ?", (job,))


def owned_paths(connection: sqlite3.Connection) -> dict[str, Path]:
    """Return the files that belong to services: name -> path."""
    rows = connection.execute("SELECT name, path FROM services WHERE owned")
    return {row["name"]: Path(row["path"]) for row in rows}


def move(connection: sqlite3.Connection, name: str, path: Path) -> None:
    """Write down where a service's file is now."""
    connection.execute("UPDATE services SET path = ? WHERE name = ?", (str(path), name))


def forget(connection: sqlite3.Connection, names: Iterable[str]) -> None:
    """Remove rows whose files are gone, in use or not."""
    connection.executemany("DELETE FROM services WHERE name = ?", [(name,) for name in names])


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
