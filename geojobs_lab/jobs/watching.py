"""Hearing of changes: who waits for a job is woken when its document changes."""

import asyncio
import contextlib
from collections.abc import Iterator

from geojobs_lab.jobs.lifecycle import Job


class News:
    """What one who waits has heard since it last looked."""

    def __init__(self) -> None:
        self._event = asyncio.Event()
        self._job: Job | None = None

    async def wait(self) -> None:
        """Return when there is something new."""
        await self._event.wait()

    def take(self) -> Job | None:
        """Return the job as it was last heard of, None when it has to be looked up; from now on all is new again."""
        self._event.clear()
        job, self._job = self._job, None
        return job

    def tell(self, job: Job | None) -> None:
        """Wake who waits."""
        self._job = job
        self._event.set()


class Changes:
    """Wakes those who wait for news of a job, or of all jobs."""

    def __init__(self) -> None:
        self._of_one: dict[str, set[News]] = {}
        self._of_all: set[News] = set()
        self._closed = False

    @contextlib.contextmanager
    def of(self, uuid: str) -> Iterator[News]:
        """Give the news of a job from now on."""
        listeners = self._of_one.setdefault(uuid, set())
        try:
            with self._listening(listeners) as news:
                yield news
        finally:
            if not listeners:
                self._of_one.pop(uuid, None)

    @contextlib.contextmanager
    def of_all(self) -> Iterator[News]:
        """Give the news of all jobs from now on."""
        with self._listening(self._of_all) as news:
            yield news

    @contextlib.contextmanager
    def _listening(self, listeners: set[News]) -> Iterator[News]:
        news = News()
        listeners.add(news)
        if self._closed:
            news.tell(None)
        try:
            yield news
        finally:
            listeners.discard(news)

    @property
    def are_awaited(self) -> bool:
        """Tell whether anybody listens."""
        return bool(self._of_one or self._of_all)

    def notify(self, job: Job) -> None:
        """Say what has become of a job."""
        for news in self._of_one.get(job.uuid, ()):
            news.tell(job)
        for news in self._of_all:
            news.tell(None)

    def notify_all(self) -> None:
        """Say that any job may have changed."""
        for news in (*self._of_all, *(news for listeners in self._of_one.values() for news in listeners)):
            news.tell(None)

    def close(self) -> None:
        """Wake everybody: the server is going down."""
        self._closed = True
        self.notify_all()

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing will be heard any more."""
        return self._closed
