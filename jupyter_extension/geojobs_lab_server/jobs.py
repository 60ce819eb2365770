"""``jobs/``: submitting, watching, stopping and removing jobs."""

from geojobs_lab.documents import Status
from geojobs_lab.errors import InvalidInput
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.query import Page, flag, number, whole_number
from geojobs_lab_server.sending import send_file

LONGEST_WAIT = 30.0  # seconds; proxies cut off requests that take a minute


class JobsHandler(Handler):
    """``jobs/``."""

    polled = True

    @endpoint
    async def get(self) -> None:
        """Answer with a page of the jobs, newest first."""
        page = Page(self)
        uuids = self.get_query_argument("uuid", "")
        count, jobs = await self.geojobs.manager.list(
            status=self._status(),
            job=self.get_query_argument("job", "") or None,
            uuids=[uuid.strip() for uuid in uuids.split(",")] if uuids else None,
            limit=page.limit,
            offset=page.offset,
        )
        self.reply(page.document(self.links.jobs(), count, [job.document() for job in jobs]))

    def _status(self) -> Status | None:
        text = self.get_query_argument("status", "")
        if text and text not in list(Status):
            choices = ", ".join(Status)
            raise InvalidInput(f"status: {text!r} is not one of {choices}", field="status", value=text)
        return Status(text) if text else None

    @endpoint
    async def post(self) -> None:
        """Submit a job; one whose key has come before is answered with the first."""
        job, is_new = await self.geojobs.manager.submit(
            self.fields.get("job"),
            self.fields.get("inputs"),
            priority=self.sent("priority"),
            timeout=self.sent("timeout"),
            key=self.request.headers.get("Idempotency-Key"),
        )
        self.set_header("Location", self.links.job(job.uuid))
        self.reply(job.document(), 201 if is_new else 200)


class JobHandler(Handler):
    """``jobs/<uuid>/``."""

    polled = True

    @endpoint
    async def get(self, uuid: str) -> None:
        """Answer with the document; with ``wait``, when it has changed or the time is over."""
        job = await self.geojobs.manager.get(uuid)
        wait = min(number(self, "wait", 0.0), LONGEST_WAIT)
        revision = whole_number(self, "revision", job.revision)
        if wait > 0 and not job.status.is_final:
            job = await self.geojobs.manager.wait(uuid, revision=revision, timeout=wait)
        self.reply(job.document())

    @endpoint
    async def delete(self, uuid: str) -> None:
        """Stop an active job; remove one that has ended, unless only an active one is meant."""
        only_active = flag(self, "active")
        job = await self.geojobs.manager.get(uuid)
        if job.status.is_final and not only_active:
            await self.geojobs.manager.delete(uuid)
            self.set_status(204)
        else:
            job = await self.geojobs.manager.cancel(uuid)
            self.reply(job.document())


class JobRetryHandler(Handler):
    """``jobs/<uuid>/retry/``."""

    @endpoint
    async def post(self, uuid: str) -> None:
        """Submit the job once more, as a new one."""
        job = await self.geojobs.manager.retry(uuid)
        self.set_header("Location", self.links.job(job.uuid))
        self.reply(job.document(), 201)


class JobLogHandler(Handler):
    """``jobs/<uuid>/log/``."""

    polled = True

    @endpoint
    async def get(self, uuid: str) -> None:
        """Answer with the lines from ``offset`` on."""
        lines, next_offset = await self.geojobs.manager.log(uuid, whole_number(self, "offset", 0))
        self.reply({"lines": lines, "next_offset": next_offset})


class JobOutputHandler(Handler):
    """``jobs/<uuid>/outputs/<name>.npy``: a large array."""

    @endpoint
    async def get(self, uuid: str, name: str) -> None:
        """Send the file."""
        path = await self.in_pool(lambda: self.geojobs.manager.output_file(uuid, name))
        await send_file(self, path, f"{name}.npy", "application/octet-stream")
