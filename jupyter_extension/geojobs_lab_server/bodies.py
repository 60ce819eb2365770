"""The body of a request: JSON, a urlencoded form or multipart, all read to the same fields.

Owns the limits too. A document is kept in memory and may be `LONGEST_DOCUMENT` long; only an upload may have the
length that the server allows, and goes to the disk while it arrives, in a thread.
"""

import asyncio
from collections.abc import Mapping
from concurrent.futures import Executor
from email.message import Message
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from geojobs_lab.documents import load_json
from geojobs_lab.errors import GeoJobsError, InvalidInput, TooLarge
from geojobs_lab_server.errors import refusal
from geojobs_lab_server.multipart import MultipartReader

LONGEST_DOCUMENT = 32 * 2**20  # bytes; parsing more would hold up the event loop
_PIECE = 2**20  # bytes that are handed to a thread at once
_MOST_FIELDS = 1000
_DRAINED = 2  # times the limit: so much is read of a body that is too long, for its sender to hear the answer


class Body:
    """What a client sends, while it arrives and then whole.

    Parameters
    ----------
    content_type : str
        The request's header; JSON when empty.
    limit : int
        Bytes that the server allows.
    uploads_dir : Path or None
        Where the file in a form is to be written; None where none is expected.
    executor : Executor
        For the writing.
    """

    def __init__(self, content_type: str, *, limit: int, uploads_dir: Path | None, executor: Executor) -> None:
        header = Message()
        header["Content-Type"] = content_type or "application/json"
        self._kind = header.get_content_type()
        boundary = header.get_boundary()
        self._reader: MultipartReader | None = None
        if self._kind == "multipart/form-data" and boundary:
            self._reader = MultipartReader(boundary, uploads_dir=uploads_dir, limit=LONGEST_DOCUMENT)
        is_upload = self._reader is not None and uploads_dir is not None
        self._limit = limit if is_upload else min(limit, LONGEST_DOCUMENT)
        self._executor = executor
        self._length = 0
        self._pending = bytearray()
        self._failure: GeoJobsError | None = None
        self._writing = False
        self._unwanted = False

    @property
    def is_form(self) -> bool:
        """Tell whether a page's plain form could have sent it."""
        return self._kind in ("multipart/form-data", "application/x-www-form-urlencoded")

    @property
    def file(self) -> Path | None:
        """The uploaded file, to be moved away."""
        return self._reader.file if self._reader is not None else None

    def refuse(self) -> None:
        """Read on, and keep nothing."""
        self._fail(InvalidInput("body: not wanted", field="body"))

    def announce(self, headers: Mapping[str, str]) -> None:
        """Refuse a body before it comes, when its sender would listen or it is far too long.

        Raises
        ------
        TooLarge
            See above.
        InvalidInput
            Its length is no number.
        """
        told = headers.get("Content-Length", "0")
        # tornado looks at it later; two equal ones are joined by a comma, and allowed.
        numbers = {part.strip() for part in told.split(",")}
        length = int(told.split(",")[0]) if all(part.isascii() and part.isdigit() for part in numbers) else -1
        if length < 0:
            raise InvalidInput(f"Content-Length: {told!r} is not a number of bytes", field="body", value=told)
        allowed = self._limit * (1 if headers.get("Expect") == "100-continue" else _DRAINED)
        if length > allowed:
            raise self._too_large()

    def _too_large(self) -> TooLarge:
        return TooLarge(f"the body of the request is longer than {self._limit} bytes")

    async def feed(self, piece: bytes) -> None:
        """Take what has arrived.

        What is wrong with it is told by `fields`, when the client listens; only an endless body is ended at once, by
        a Refusal.
        """
        self._length += len(piece)
        if self._length > self._limit * _DRAINED:
            raise refusal(self._too_large())
        if self._failure is None and self._length > self._limit:
            self._fail(self._too_large())
        if self._failure is not None:
            return
        self._pending += piece
        if self._reader is not None and len(self._pending) >= _PIECE:
            await self._parse(self._reader)

    def _fail(self, error: GeoJobsError) -> None:
        self._failure = error
        self._pending.clear()

    async def _parse(self, reader: MultipartReader) -> None:
        piece = bytes(self._pending)
        self._pending.clear()
        self._writing = True
        try:
            if self._length < _PIECE:
                reader.feed(piece)  # a form of a few fields is not worth a thread
            else:
                await asyncio.get_running_loop().run_in_executor(self._executor, reader.feed, piece)
        except GeoJobsError as error:
            self._fail(error)
        finally:
            self._writing = False
            if self._unwanted:
                reader.discard()

    async def fields(self) -> Mapping[str, Any]:
        """Return the fields of the whole body; of a repeated one the last.

        Raises
        ------
        InvalidInput
            It cannot be read.
        TooLarge
            It is too long.
        """
        if self._reader is not None and self._failure is None:
            await self._parse(self._reader)
        if self._failure is not None:
            raise self._failure
        if not self._length:
            return {}
        if self._reader is not None:
            self._reader.close()
            return self._reader.fields
        if self._kind == "application/json":
            return self._json()
        if self._kind == "application/x-www-form-urlencoded":
            return self._urlencoded()
        raise InvalidInput(
            f"Content-Type: {self._kind!r} is not understood: application/json, application/x-www-form-urlencoded "
            "or multipart/form-data with a boundary",
            field="body",
            value=self._kind,
        )

    def _json(self) -> Mapping[str, Any]:
        try:
            document = load_json(bytes(self._pending))
        except ValueError as error:
            raise InvalidInput(f"body: not JSON: {error}", field="body") from error
        if not isinstance(document, dict):
            raise InvalidInput("body: a JSON object is wanted", field="body", value=document)
        return document

    def _urlencoded(self) -> Mapping[str, Any]:
        try:
            text = self._pending.decode()
            pairs = parse_qsl(text, keep_blank_values=True, errors="strict", max_num_fields=_MOST_FIELDS)
        except ValueError as error:
            raise InvalidInput(f"body: not a urlencoded form: {error}", field="body") from error
        return dict(pairs)

    def discard(self) -> None:
        """Let go of an uploaded file that nobody took."""
        self._unwanted = True
        if self._reader is not None and not self._writing:
            self._reader.discard()
