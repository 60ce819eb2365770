"""The files that jobs leave behind: where they are, and how they go."""

import contextlib
import re
import shutil
from collections.abc import Collection, Mapping
from pathlib import Path

from geojobs_lab.documents import Status
from geojobs_lab.errors import NotFound
from geojobs_lab.services.traces import files_below, real, remove_empty, remove_stray
from geojobs_lab.threads import in_thread

_UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")


class Results:
    """The folder that holds one folder for each job with files.

    Attributes
    ----------
    root : Path
        It need not exist.
    """

    def __init__(self, data_dir: Path) -> None:
        self.root = data_dir / "results"

    def folder(self, uuid: str) -> Path:
        """Return the job's folder, which need not exist."""
        return self.root / uuid

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
            await in_thread(shutil.rmtree, folder, ignore_errors=True)

    async def remove_except(self, uuid: str, kept: Collection[Path]) -> None:
        """Remove what the job has written, but not the files of `kept`."""
        if kept:
            await in_thread(self._remove_others, uuid, set(map(real, kept)))
        else:
            await self.remove(uuid)

    def _remove_others(self, uuid: str, kept: Collection[Path]) -> None:
        for path in files_below(self.folder(uuid)):
            if real(path) not in kept:
                with contextlib.suppress(OSError):
                    path.unlink()

    def by_job(self) -> dict[str, list[Path]]:
        """Return all files: uuid -> the files of that job."""
        found: dict[str, list[Path]] = {folder.name: [] for folder in self.root.glob("*")}
        for path in files_below(self.root):
            # Another server may have begun a job since the line before.
            found.setdefault(path.relative_to(self.root).parts[0], []).append(path)
        return found

    def sweep(
        self, found: Mapping[str, list[Path]], statuses: Mapping[str, Status], services: Collection[Path]
    ) -> None:
        """Remove the files that belong neither to a service, nor to a job that has succeeded, nor to one under way.

        Parameters
        ----------
        found : Mapping
            What `by_job` gave **before** the others were asked for: files of later jobs are not in it.
        statuses : Mapping
            Of the jobs that there are.
        services : collection of Path
            The `real` paths of the files that services are made of.
        """
        for uuid, paths in found.items():
            status = statuses.get(uuid)
            if status is not None and not status.is_final:
                continue  # another server runs it
            for path in paths:
                is_array = path.suffix == ".npy" and status is Status.SUCCESS
                if real(path) not in services and not is_array:
                    remove_stray(path)
            remove_empty(self.folder(uuid))
