"""Sends a file in pieces: reading in threads, and no faster than the client takes them."""

import os
import re
from functools import partial
from pathlib import Path
from typing import BinaryIO

from tornado.httputil import format_timestamp

from geojobs_lab.errors import Unavailable
from geojobs_lab_server.base import Handler

_PIECE = 2**20  # bytes


async def send_file(handler: Handler, path: Path, name: str, content_type: str) -> None:
    """Answer with the content of a file, to be saved as `name`.

    Raises
    ------
    Unavailable
        It cannot be read.
    """
    try:
        file = await handler.in_pool(lambda: path.open("rb"))
    except OSError as error:
        raise Unavailable(f"the file of {name!r} cannot be read: {error.strerror}") from error
    try:
        await _send(handler, file, name, content_type)
    finally:
        file.close()


async def _send(handler: Handler, file: BinaryIO, name: str, content_type: str) -> None:
    about = os.fstat(file.fileno())
    handler.set_header("Etag", f'"{about.st_mtime_ns:x}-{about.st_size:x}"')
    handler.set_header("Last-Modified", format_timestamp(about.st_mtime))
    handler.set_header("Cache-Control", "private, no-cache")
    if handler.check_etag_header():
        handler.set_status(304)
        handler.finish(set_content_type=content_type)
        return
    await send_open(handler, file, name, content_type)


def attach(handler: Handler, name: str, content_type: str) -> None:
    """Tell the client what comes, and to save it as `name`."""
    handler.set_header("Content-Type", content_type)
    handler.set_header("Content-Disposition", f'attachment; filename="{re.sub(r"[^A-Za-z0-9_.-]", "_", name)}"')


async def send_open(handler: Handler, file: BinaryIO, name: str, content_type: str) -> None:
    """Answer with what is left of an open file, to be saved as `name`."""
    left = os.fstat(file.fileno()).st_size - file.tell()
    attach(handler, name, content_type)
    handler.set_header("Content-Length", str(left))
    while left:
        piece = await handler.in_pool(partial(file.read, min(_PIECE, left)))
        if not piece:
            raise OSError(f"{name} has become shorter while it was sent")
        left -= len(piece)
        handler.write(piece)
        await handler.flush()
    handler.finish(set_content_type=content_type)
