"""A store that has been in use for years: many jobs that have ended, written before the server starts."""

import asyncio
from dataclasses import replace
from pathlib import Path
from uuid import uuid4

from geojobs_lab.database import Database
from geojobs_lab.documents import Status
from geojobs_lab.jobs import Job
from geojobs_lab.jobs.store import SqliteJobStore

_AT_ONCE = 2000


def fill(data_dir: Path, count: int) -> None:
    """Write this many jobs that have succeeded into the store of a data folder."""
    asyncio.run(_fill(data_dir, count))


async def _fill(data_dir: Path, count: int) -> None:
    database = Database(data_dir / "geojobs.sqlite")
    store = SqliteJobStore(database)
    await database.start()
    moment = "2026-01-01T00:00:00.000000Z"
    ended = Job(
        uuid="",
        job="debug:echo",
        created=moment,
        started=moment,
        finished=moment,
        inputs='{"value": 1}',
        outputs='{"value": 1}',
        status=Status.SUCCESS,
        progress=1.0,
        revision=3,
    )
    for _ in range(0, count, _AT_ONCE):
        await asyncio.gather(*(store.add(replace(ended, uuid=str(uuid4()))) for _ in range(_AT_ONCE)))
    await database.stop()
