"""Files that services leave on the disk: how they get there for good, how they go, and what a crash has left of them.

The order is always the same: a file is whole and on the disk before its row is, and a row is gone before its file is.
So all that a crash can leave is files without rows, which are looked for at the next start.
"""

import logging
import os
from collections.abc import Collection, Iterable
from contextlib import suppress
from pathlib import Path

from geojobs_lab.services.owner import Owner
from geojobs_lab.services.service import Service

_log = logging.getLogger(__name__)


def make_private(folder: Path) -> None:
    """Make a folder, and those above it that are missing, for the user alone; `Path.mkdir` would care for the last."""
    if not folder.parent.exists():
        make_private(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)


def to_disk(path: Path) -> None:
    """Return when a file and its name in its folder are on the disk."""
    for place in (path, path.parent):
        handle = os.open(place, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def remove_files(services: Iterable[Service]) -> None:
    """Remove the files of services that are gone, where the server has written them."""
    for service in services:
        if service.owned:
            try:
                service.path.unlink(missing_ok=True)
            except OSError as error:  # the others go all the same; this one is tried again at the next start
                _log.warning("The file of service %r could not be removed: %s", service.name, error)
            if service.job is not None:
                remove_empty(service.path.parent)  # the job's folder, when this was its last file


def remove_empty(folder: Path) -> None:
    """Remove a folder if there is nothing in it."""
    with suppress(OSError):
        folder.rmdir()


def sweep_uploads(uploads: Path, owner: Owner, kept: Collection[Path]) -> None:
    """Remove the uploads of servers that are gone that no service is made of."""
    for path in files_below(uploads):
        server = path.parent.name if path.parent != uploads else None
        if server != owner.name and owner.is_gone(server) and real(path) not in kept:
            remove_stray(path)
    for folder in uploads.iterdir() if uploads.is_dir() else ():
        if folder.name != owner.name and owner.is_gone(folder.name):
            remove_empty(folder)


def real(path: Path) -> Path:
    """Return the one spelling of a path, links followed, by which files are compared."""
    return Path(os.path.realpath(path))


def files_below(folder: Path) -> list[Path]:
    """Return all files below a folder, which need not exist."""
    # `os.walk` passes over folders that other servers remove meanwhile; `Path.rglob` fails.
    return [Path(place, name) for place, _, names in os.walk(folder) for name in names]


def remove_stray(path: Path) -> None:
    """Remove a file that belongs to nothing."""
    with suppress(OSError):
        path.unlink()
        _log.info("The file %s/%s, left by a server that did not end in order, is removed", path.parent.name, path.name)
