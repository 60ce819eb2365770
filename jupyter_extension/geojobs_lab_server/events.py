"""``jobs/<uuid>/events/`` and ``events/``: what happens to jobs, told as it happens."""

from contextlib import aclosing

from geojobs_lab.errors import NotFound
from geojobs_lab.jobs import Job
from geojobs_lab_server.base import endpoint
from geojobs_lab_server.query import whole_number
from geojobs_lab_server.streaming import Events, StreamHandler, event, numbers_in, opening

_LOG_PAUSE = 0.5  # seconds between two looks for new lines in the log of a job that tells nothing else


class JobEventsHandler(StreamHandler):
    """``jobs/<uuid>/events/``: the document at each change, the log as it grows, until the job has ended."""

    @endpoint
    async def get(self, uuid: str) -> None:
        """Send the events."""
        job = await self.geojobs.manager.get(uuid)
        revision, offset = 0, whole_number(self, "offset", 0)
        last = self.last_event_id()
        if last:
            revision, *line = numbers_in(last, "Last-Event-ID", most=2)
            offset = line[0] if line else offset
        if last and job.status.is_final and job.revision <= revision:
            self.set_status(204)  # all has been told: so a browser does not come again
            return
        await self.stream(self._events(job, revision, offset))

    async def _events(self, job: Job, revision: int, offset: int) -> Events:
        manager = self.geojobs.manager
        yield opening()
        try:
            while True:
                # First the log: its last lines are written together with the end, which is the last event.
                while True:
                    lines, next_offset = await manager.log(job.uuid, offset)
                    if not lines:
                        break
                    offset = next_offset
                    yield event("log", {"lines": lines, "next_offset": offset}, f"{revision}.{offset}")
                if job.revision > revision:
                    revision = job.revision
                    yield event("job", job.document(), f"{revision}.{offset}")
                if job.status.is_final or self.geojobs.is_stopping:
                    return
                job = await manager.wait(job.uuid, revision=revision, timeout=_LOG_PAUSE)
        except NotFound:
            yield event("removed", {"uuid": job.uuid})


class EventsHandler(StreamHandler):
    """``events/``: the changes of all jobs."""

    @endpoint
    async def get(self) -> None:
        """Send the events."""
        last = self.last_event_id() or self.get_query_argument("after", "")
        name = "Last-Event-ID" if self.last_event_id() else "after"
        after = numbers_in(last, name, most=1)[0] if last else None
        await self.stream(self._events(after))

    async def _events(self, after: int | None) -> Events:
        begun = False
        async with aclosing(self.geojobs.manager.follow(after)) as changes:
            async for cursor, some in changes:
                if not begun:
                    begun = True
                    yield opening(cursor)
                for change in some:
                    if change.job is None:
                        yield event("removed", {"uuid": change.uuid}, change.number)
                    else:
                        yield event("job", change.job.document(), change.number)
