"""Server-sent events: how they are written, and how long a stream of them lives.

Owns the wire (https://html.spec.whatwg.org/multipage/server-sent-events.html), the signs of life in between and the
end: when there is no more to tell, when the client leaves, when the server stops. What is told is `events`' matter.
"""

import asyncio
from collections.abc import AsyncGenerator

from tornado import iostream

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import GeoJobsError, InvalidInput
from geojobs_lab_server.base import Handler

_KEEP_ALIVE = 15.0  # seconds; proxies cut off connections on which nothing comes for a minute
_RETRY = 2000  # milliseconds after which a browser comes again when the connection breaks
_DIGITS = 15  # of a number that JSON and SQLite hold exactly

Events = AsyncGenerator[bytes, None]


def event(name: str, document: object, identifier: object = None) -> bytes:
    """Return an event as it is sent; its data is one line, as JSON has it."""
    mark = "" if identifier is None else f"id: {identifier}\n"
    return f"{mark}event: {name}\ndata: {dump_json(document)}\n\n".encode(errors="replace")


def opening(identifier: object = None) -> bytes:
    """Return what a stream begins with: no event, but where to go on after a break, and when."""
    mark = "" if identifier is None else f"id: {identifier}\n"
    return f": geojobs\n{mark}retry: {_RETRY}\n\n".encode()


class StreamHandler(Handler):
    """Answers with events as they come."""

    polled = True
    _pump: asyncio.Task[None] | None = None

    def last_event_id(self) -> str:
        """Return the ``id`` of the last event that the client has seen, sent when it comes again."""
        return self.request.headers.get("Last-Event-ID", "")

    async def stream(self, events: Events) -> None:
        """Send events until there are no more, the client leaves or the server stops."""
        self.set_header("Content-Type", "text/event-stream")
        self.set_header("Cache-Control", "no-cache")
        self.set_header("X-Accel-Buffering", "no")  # nginx would keep them until there are many
        if self.settings.get("compress_response"):
            self.set_header("Content-Encoding", "identity")  # tornado would compress each event
        if self.request.method == "HEAD":
            await self.flush()
        else:
            await self._send_all(events)
        self.finish(set_content_type="text/event-stream")

    async def _send_all(self, events: Events) -> None:
        self.geojobs.streams.add(self)
        self._pump = asyncio.create_task(self._send(events))
        try:
            await asyncio.wait({self._pump})
        finally:
            self.geojobs.streams.discard(self)
        error = None if self._pump.cancelled() else self._pump.exception()
        if isinstance(error, GeoJobsError):  # too late for another status; who listens comes again and hears of it
            self.log.warning("A stream of events ends: %s", error)
        elif error is not None and not isinstance(error, iostream.StreamClosedError):
            raise error

    async def _send(self, events: Events) -> None:
        upcoming: asyncio.Task[bytes | None] | None = None
        try:
            while True:
                upcoming = asyncio.create_task(_next(events))
                while not (await asyncio.wait({upcoming}, timeout=_KEEP_ALIVE))[0]:
                    await self._write(b":\n\n")
                told = upcoming.result()
                if told is None:
                    return
                await self._write(told)
        finally:
            if upcoming is not None:
                upcoming.cancel()
                await asyncio.wait({upcoming})
            await events.aclose()

    async def _write(self, told: bytes) -> None:
        self.write(told)
        await self.flush()  # returns when the client has room for more: a slow one is told less often

    def end(self) -> None:
        """End the stream: the server stops, or the client has left."""
        if self._pump is not None:
            self._pump.cancel()

    def on_connection_close(self) -> None:
        """Let go of what the stream listens to."""
        super().on_connection_close()
        self.end()


async def _next(events: Events) -> bytes | None:
    return await anext(events, None)


def numbers_in(text: str, name: str, *, most: int) -> list[int]:
    """Return the numbers of an ``id`` that a client gives back.

    Raises
    ------
    InvalidInput
        It is none of up to `most` numbers, joined by points.
    """
    parts = text.split(".")
    if len(parts) <= most and all(part.isascii() and part.isdigit() and len(part) <= _DIGITS for part in parts):
        return [int(part) for part in parts]
    raise InvalidInput(f"{name}: {text[:50]!r} is not the id of an event of this stream", field=name, value=text)
