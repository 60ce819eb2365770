"""The files that jobs leave behind: where they are, and how they go."""

import asyncio
import contextlib
import re
import shutil
from collections.abc import Iterable
from pathlib import Path

from geojobs_lab.errors import NotFound

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class Results:
    """The folder that holds one folder for each job with files."""

    def __init__(self, data_dir: Path) -> None:
        self._root = data_dir / "results"

    def folder(self, uuid: str) -> Path:
        """Return the job's folder, which need not exist."""
        return self._root / uuid

    def array(self, uuid: str, name: str) -> Path:
        """Return the file of a large array.

        Raises
        ------
        NotFound
            The job has no such file, or the names are none.
        """
        if _UUID.fullmatch(uuid) and _NAME.fullmatch(name):
            path = self.folder(uuid) / f"{name}.npy"
            if path.is_file():
                return path
        raise NotFound("output", name)

    async def remove(self, uuid: str) -> None:
        """Remove everything that the job has written."""
        folder = self.folder(uuid)
        if folder.exists():
            await asyncio.to_thread(shutil.rmtree, folder, ignore_errors=True)

    async def remove_except(self, uuid: str, kept: Iterable[Path]) -> None:
        """Remove what the job has written, but not the files of `kept`."""
        keep = set(kept)
        if not keep:
            await self.remove(uuid)
            return
        for path in self.folder(uuid).iterdir():
            if path not in keep:
                with contextlib.suppress(OSError):
                    path.unlink()
