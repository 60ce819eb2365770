"""``registered-jobs/``: what can be run, and what it takes."""

from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.query import Page


class RegisteredJobsHandler(Handler):
    """``registered-jobs/``."""

    polled = True

    @endpoint
    async def get(self) -> None:
        """Answer with all of them, or with the page that is asked for."""
        documents = [job.document() for job in await self.geojobs.registered.all()]
        page = Page(self, limit=max(1, len(documents)))
        self.reply(page.document(self.links.registered_jobs(), len(documents), page.cut(documents)))


class RegisteredJobHandler(Handler):
    """``registered-jobs/<name>/``."""

    polled = True

    @endpoint
    async def get(self, name: str) -> None:
        """Answer with its document."""
        job = await self.geojobs.registered.get(name)
        self.reply(job.document())
