"""The pipe between server and worker: JSON documents, each behind its length, over a socket pair.

Documents and never pickles: what a task did to its process must not be able to hurt the server that reads.
"""

import asyncio
import json
import logging
import os
import socket
import struct
import threading
from collections.abc import Callable, Mapping
from typing import Any, cast

_log = logging.getLogger(__name__)

_LENGTH = struct.Struct("!I")
_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False).encode
LARGEST = 256 * 2**20  # bytes of one document


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document; half a character, as in the name of a file that is no UTF-8, becomes a ``?``.

    Raises
    ------
    ValueError, TypeError
        It has no JSON form, or is too large.
    """
    body = _encode(document).encode(errors="replace")
    if len(body) > LARGEST:
        raise ValueError(f"{len(body)} bytes are more than a worker may send at once ({LARGEST})")
    return _LENGTH.pack(len(body)) + body


class Channel:
    """The worker's end; sends from any thread, and only from the process that made it."""

    def __init__(self, end: socket.socket) -> None:
        self._end = end
        self._lock = threading.Lock()
        self._pid = os.getpid()

    def send(self, document: Mapping[str, Any]) -> None:
        """Send a document; a forked child of the task sends nothing."""
        data = encode(document)
        if os.getpid() == self._pid:
            with self._lock:
                self._end.sendall(data)

    def receive(self) -> Any:
        """Return the next document, None when the other end is closed."""
        head = self._read(_LENGTH.size)
        return json.loads(self._read(_LENGTH.unpack(head)[0])) if head else None

    def _read(self, count: int) -> bytes:
        parts = []
        while count:
            part = self._end.recv(min(count, 2**20))
            if not part:
                return b""
            parts.append(part)
            count -= len(part)
        return b"".join(parts)


class ServerEnd(asyncio.Protocol):
    """The server's end, for an event loop.

    Parameters
    ----------
    take : callable
        Called with each document; with None when no more will come. What it raises ends the connection, too.
    """

    def __init__(self, take: Callable[[Mapping[str, Any] | None], None]) -> None:
        self._take = take
        self._waiting = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def send(self, document: Mapping[str, Any]) -> None:
        """Send a document; nothing, when the other end is closed.

        Raises
        ------
        ValueError, TypeError
            It has no JSON form, or is too large.
        """
        self._transport.write(encode(document))

    def data_received(self, data: bytes) -> None:
        self._waiting += data
        try:
            while (document := self._next()) is not None:
                self._take(document)
        except Exception as error:  # noqa: BLE001  what came is no document: the task has written into the pipe
            _log.warning("A worker is ended, its messages make no sense: %s", error)
            self._transport.abort()

    def connection_lost(self, error: Exception | None) -> None:
        self._take(None)

    def close(self) -> None:
        """Hang up. May be called twice."""
        self._transport.close()

    def _next(self) -> Mapping[str, Any] | None:
        """Take a document from what has come, None where that is not a whole one."""
        if len(self._waiting) < _LENGTH.size:
            return None
        (length,) = _LENGTH.unpack_from(self._waiting)
        if length > LARGEST:
            raise ValueError(f"{length} bytes were announced")
        end = _LENGTH.size + length
        if len(self._waiting) < end:
            return None
        document = json.loads(self._waiting[_LENGTH.size : end])
        del self._waiting[:end]
        if not isinstance(document, dict) or "type" not in document:
            raise ValueError("something came that is no document")
        return document
