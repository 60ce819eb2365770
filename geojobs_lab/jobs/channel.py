"""The pipe between server and worker: JSON documents, each behind its length, over a socket pair.

Documents and never pickles: what a task did to its process must not be able to hurt the server that reads.
"""

import asyncio
import json
import os
import socket
import struct
import threading
from collections.abc import Mapping
from typing import Any

_LENGTH = struct.Struct("!I")
LARGEST = 256 * 2**20  # bytes of one document


def encode(document: Mapping[str, Any]) -> bytes:
    """Return the bytes of a document; half a character, as in the name of a file that is no UTF-8, becomes a ``?``.

    Raises
    ------
    ValueError, TypeError
        It has no JSON form, or is too large.
    """
    body = json.dumps(document, allow_nan=False, ensure_ascii=False).encode(errors="replace")
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


async def receive(reader: asyncio.StreamReader) -> Any:
    """Return the next document of a worker, None when it has closed its end.

    Raises
    ------
    ValueError
        What came is no document: the task has written into the pipe.
    """
    try:
        (length,) = _LENGTH.unpack(await reader.readexactly(_LENGTH.size))
        if length > LARGEST:
            raise ValueError(f"a worker announced {length} bytes")
        document = json.loads(await reader.readexactly(length))
    except (asyncio.IncompleteReadError, ConnectionError):
        return None
    if not isinstance(document, dict) or "type" not in document:
        raise ValueError("a worker sent something that is no document")
    return document
