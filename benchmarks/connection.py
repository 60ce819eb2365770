"""A small HTTP/1.1 client: on a machine with two cores, what the client costs is taken from the server.

One connection, kept alive, one request at a time; answers have a length, as Jupyter's have.
"""

import asyncio
import json
from typing import Any, Self
from urllib.parse import urlsplit


class Connection:
    """A connection to a server; use `open` and `close`.

    Attributes
    ----------
    requests : int
        How many were made.
    """

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, base: str, headers: str) -> None:
        self._reader = reader
        self._writer = writer
        self._base = base
        self._headers = headers
        self.requests = 0

    @classmethod
    async def open(cls, url: str, token: str) -> Self:
        """Connect to the server whose base URL ends with a slash."""
        parts = urlsplit(url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        return cls(
            reader, writer, parts.path, f"Host: {parts.netloc}\r\nAccept: */*\r\nAuthorization: token {token}\r\n"
        )

    async def request(self, method: str, path: str, document: object = None) -> Any:
        """Send a request and return the JSON that came back.

        Raises
        ------
        RuntimeError
            The status was not 200, 201 or 204.
        """
        body = b"" if document is None else json.dumps(document).encode()
        answer = await self._exchange(method, path, body)
        return json.loads(answer) if answer else None

    async def fetch(self, path: str) -> bytes:
        """GET what is no JSON and return it.

        Raises
        ------
        RuntimeError
            The status was not 200.
        """
        return await self._exchange("GET", path, b"")

    async def _exchange(self, method: str, path: str, body: bytes) -> bytes:
        kind = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n" if body else ""
        self._writer.write(f"{method} {self._base}{path} HTTP/1.1\r\n{self._headers}{kind}\r\n".encode() + body)
        head = (await self._reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        first, *lines = head.split("\r\n")
        fields = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        answer = await self._reader.readexactly(int(fields.get("content-length", 0)))
        self.requests += 1
        if first.split()[1] not in ("200", "201", "204"):
            raise RuntimeError(f"{method} {path}: {first}: {answer[:500].decode(errors='replace')}")
        return answer

    async def close(self) -> None:
        """Hang up."""
        self._writer.close()
        await self._writer.wait_closed()
