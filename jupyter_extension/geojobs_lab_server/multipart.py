"""Reads a multipart/form-data body piece by piece, as RFC 7578 and RFC 2046 have it.

Owns the grammar alone: fields are kept in memory up to a limit, the content of a file goes straight to the disk, so
that a large upload costs no memory. It does blocking writes; `bodies` calls it in a thread.
"""

import os
from collections.abc import Callable
from email import message_from_string
from email.utils import collapse_rfc2231_value
from enum import Enum, auto
from pathlib import Path
from typing import BinaryIO
from uuid import uuid4

from geojobs_lab.errors import InvalidInput, TooLarge
from geojobs_lab.services.traces import make_private

_LONGEST_HEADERS = 16_384  # bytes of one part's headers


class _At(Enum):
    PREAMBLE = auto()
    DELIMITER = auto()
    HEADERS = auto()
    CONTENT = auto()
    END = auto()


def _wrong(message: str) -> InvalidInput:
    return InvalidInput(f"body: not multipart/form-data: {message}", field="body")


class MultipartReader:
    """A push parser; `fields` and `file` are complete when `close` has returned.

    Parameters
    ----------
    boundary : str
        From the Content-Type.
    uploads_dir : Path or None
        Where the content of the part ``file`` goes; None reads such parts as ordinary fields.
    limit : int
        Bytes that all fields may have together.
    """

    def __init__(self, boundary: str, *, uploads_dir: Path | None, limit: int) -> None:
        self.fields: dict[str, str] = {}
        self.file: Path | None = None
        self._uploads_dir = uploads_dir
        self._room = limit
        self._delimiter = b"\r\n--" + boundary.encode()
        self._buffer = bytearray(b"\r\n")  # the first delimiter may stand at the very beginning
        self._at = _At.PREAMBLE
        self._name = ""
        self._content = bytearray()
        self._sink: BinaryIO | None = None

    def feed(self, data: bytes) -> None:
        """Take the next piece of the body.

        Raises
        ------
        InvalidInput
            It is not multipart/form-data, or a second file.
        TooLarge
            The fields are longer than the limit.
        """
        self._buffer += data
        steps: dict[_At, Callable[[], bool]] = {
            _At.PREAMBLE: self._read_preamble,
            _At.DELIMITER: self._read_delimiter,
            _At.HEADERS: self._read_headers,
            _At.CONTENT: self._read_content,
            _At.END: self._read_epilogue,
        }
        while steps[self._at]():
            pass

    def close(self) -> None:
        """Say that the body has ended; raise InvalidInput when it should not have."""
        if self._at is not _At.END:
            raise _wrong("it ends before its last boundary")

    def discard(self) -> None:
        """Let go of the file, if it is still there."""
        if self._sink is not None:
            self._sink.close()
        if self.file is not None:
            self.file.unlink(missing_ok=True)

    def _read_preamble(self) -> bool:
        found = self._buffer.find(self._delimiter)
        if found < 0:
            del self._buffer[: max(0, len(self._buffer) - len(self._delimiter))]
            return False
        del self._buffer[: found + len(self._delimiter)]
        self._at = _At.DELIMITER
        return True

    def _read_delimiter(self) -> bool:
        if self._buffer.startswith(b"--"):
            self._at = _At.END
            return True
        end = self._buffer.find(b"\r\n")
        if end < 0:
            if len(self._buffer) > _LONGEST_HEADERS:
                raise _wrong("a boundary's line does not end")
            return False
        if self._buffer[:end].strip(b" \t"):
            raise _wrong("there is something behind a boundary")
        del self._buffer[: end + 2]
        self._at = _At.HEADERS
        return True

    def _read_headers(self) -> bool:
        end = self._buffer.find(b"\r\n\r\n")
        if end > _LONGEST_HEADERS or (end < 0 and len(self._buffer) > _LONGEST_HEADERS):
            raise _wrong("a part's headers are too long")
        if end < 0:
            return False
        try:
            headers = message_from_string(self._buffer[:end].decode())
        except UnicodeDecodeError:
            raise _wrong("a part's headers are no UTF-8") from None
        del self._buffer[: end + 4]
        name = headers.get_param("name", header="content-disposition")
        if not name:
            raise _wrong("a part has no name")
        self._name = collapse_rfc2231_value(name)
        self._content.clear()
        if self._uploads_dir is not None and headers.get_filename() is not None:
            self._open(self._uploads_dir)
        self._at = _At.CONTENT
        return True

    def _open(self, folder: Path) -> None:
        if self._name != "file" or self.file is not None:
            raise InvalidInput(f"{self._name}: one file is wanted, in the field 'file'", field=self._name)
        make_private(folder)
        self.file = folder / f".{uuid4().hex}.part"
        self._sink = os.fdopen(os.open(self.file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb")

    def _read_content(self) -> bool:
        found = self._buffer.find(self._delimiter)
        # Without a delimiter, all is content but what might be the beginning of one.
        end = found if found >= 0 else max(0, len(self._buffer) - len(self._delimiter) + 1)
        self._keep(self._buffer[:end])
        if found < 0:
            del self._buffer[:end]
            return False
        del self._buffer[: end + len(self._delimiter)]
        self._end_part()
        self._at = _At.DELIMITER
        return True

    def _keep(self, content: bytearray) -> None:
        if self._sink is not None:
            self._sink.write(content)
            return
        self._room -= len(content)
        if self._room < 0:
            raise TooLarge("the fields of the form are too long")
        self._content += content

    def _end_part(self) -> None:
        if self._sink is not None:
            self._sink.close()
            self._sink = None
            return
        try:
            self.fields[self._name] = self._content.decode()
        except UnicodeDecodeError:
            raise InvalidInput(f"{self._name}: the field is no UTF-8", field=self._name) from None

    def _read_epilogue(self) -> bool:
        self._buffer.clear()
        return False
