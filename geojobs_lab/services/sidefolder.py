"""The folder of side files: their names, its lock, and what goes from it.

A name tells which file a side file belongs to, and in which state that was.
"""

from contextlib import suppress
from functools import lru_cache
from hashlib import blake2b
from pathlib import Path

from geojobs_lab.services.traces import real

LOCK = "lock"  # held by who writes into the folder
_PART = ".part"
_DIGEST = 12  # bytes


def side_file(folder: Path, file: Path) -> Path:
    """Return the side file of a file as it is now, which need not exist; OSError where the file cannot be seen."""
    state = file.stat()
    return _side_file(folder, file, state.st_size, state.st_mtime_ns, state.st_ino, state.st_dev)


@lru_cache(512)  # asked for by every tile, and following links takes its time
def _side_file(folder: Path, file: Path, *state: int) -> Path:
    return folder / f"{_name(file)}-{_digest(' '.join(map(str, state)))}.nc"


def part_of(target: Path) -> Path:
    """Return what a side file is called while it is being written."""
    return target.with_name(f".{target.name}{_PART}")


def remove_parts(folder: Path) -> None:
    """Remove what makers have left that are gone; the caller holds the lock."""
    for path in folder.glob(f".*{_PART}"):
        _remove(path)


def remove_side_files(folder: Path, file: Path) -> None:
    """Remove the side files of a file, of whatever state."""
    for path in folder.glob(f"{_name(file)}-*.nc"):
        _remove(path)


def remove_unused(folder: Path, before: float) -> None:
    """Remove the side files that no server has asked for since a time."""
    for path in folder.glob("*.nc"):
        with suppress(OSError):
            if path.stat().st_mtime < before:
                path.unlink()


def _remove(path: Path) -> None:
    with suppress(OSError):
        path.unlink()


def _name(file: Path) -> str:
    return _digest(str(real(file)))


def _digest(text: str) -> str:
    return blake2b(text.encode(errors="surrogateescape"), digest_size=_DIGEST).hexdigest()
