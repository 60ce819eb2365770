"""Hearing of changes: who waits for a job is woken when its document changes."""

import asyncio
import contextlib
from collections.abc import Iterator


class Changes:
    """Wakes those who wait for news of a job."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}
        self._closed = False

    @contextlib.contextmanager
    def of(self, uuid: str) -> Iterator[asyncio.Event]:
        """Give an event that is set at every change of the job from now on."""
        event = asyncio.Event()
        self._waiting.setdefault(uuid, set()).add(event)
        if self._closed:
            event.set()
        try:
            yield event
        finally:
            events = self._waiting[uuid]
            events.discard(event)
            if not events:
                del self._waiting[uuid]

    def notify(self, uuid: str) -> None:
        """Say that the job has changed."""
        for event in self._waiting.get(uuid, ()):
            event.set()

    def close(self) -> None:
        """Wake everybody: the server is going down."""
        self._closed = True
        for events in self._waiting.values():
            for event in events:
                event.set()

    @property
    def is_closed(self) -> bool:
        """Tell whether nothing will be heard any more."""
        return self._closed
