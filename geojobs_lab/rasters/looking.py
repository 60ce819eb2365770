"""What a file tells when it is looked into: its rasters and their overviews, kept for the next time it is opened.

Owns opening by netCDF4, and how a file is told from another that takes its place. Finding the rasters is `scan`'s work,
reading their numbers `rasterfile`'s.
"""

import logging
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any

import netCDF4

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.overviews import GROUP, MEAN, MODE, StoredLayer, find
from geojobs_lab.rasters.scan import Scan, read_attributes
from geojobs_lab.rasters.variables import VariableInfo

_MOST_KEPT = 64  # looks; the places along axes are the most of each

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Version:
    """A file as it is at a moment: with other content, or another one under its name, it is another version."""

    path: Path
    inode: int
    size: int
    mtime_ns: int

    @classmethod
    def of(cls, path: Path) -> "Version":
        """Return the version that is there now.

        Raises
        ------
        RasterError
            There is no file.
        """
        # Asked first of all: netCDF4 would take a name for the address of a remote server.
        try:
            about = path.stat()
        except (OSError, ValueError):
            about = None
        if about is None or not stat.S_ISREG(about.st_mode):
            raise RasterError(f"there is no file {path.name!r}")
        return cls(path, about.st_ino, about.st_size, about.st_mtime_ns)

    def open(self) -> netCDF4.Dataset:
        """Open this very version; the caller holds the lock.

        Raises
        ------
        RasterError
            It cannot be opened, or another one is there.
        """
        dataset = _open_as_stored(self.path)
        if Version.of(self.path) != self:
            dataset.close()
            raise RasterError(f"{self.path.name!r} has changed since it was opened")
        return dataset


@dataclass(frozen=True, slots=True, eq=False)
class Look:
    """What a file tells.

    Attributes
    ----------
    attributes : Mapping
        The global ones.
    variables : Mapping
        Name -> `VariableInfo`.
    skipped : Mapping
        Variable -> why it cannot be placed.
    groups : tuple of str
        Those below the root, in which no variables are looked for.
    overviews : Mapping
        (variable, method) -> factor -> where the overview lies.
    versions : Mapping
        Path of the file, and of the one that holds the overviews where that is another -> its version.
    """

    attributes: Mapping[str, Any]
    variables: Mapping[str, VariableInfo]
    skipped: Mapping[str, str]
    groups: tuple[str, ...]
    overviews: Mapping[tuple[str, str], Mapping[int, StoredLayer]]
    versions: Mapping[Path, Version]


def look_into(path: Path, side: Path | None, opened: dict[Path, netCDF4.Dataset]) -> Look:
    """Look into a file, or remember what it told, if neither it nor the one of its overviews has changed.

    Parameters
    ----------
    path : Path
    side : Path, optional
        The side file that holds the overviews; one that cannot be used is as good as none.
    opened : dict
        Takes the data sets that had to be opened, by path: the caller closes them, whatever happens.

    Raises
    ------
    RasterError
        It is no NetCDF file.
    """
    version = Version.of(path)
    kept = _kept(version, None if side is None else _version_or_none(side))
    if not kept:
        with HDF5_LOCK:
            if not kept:  # no other thread has looked meanwhile
                found = _look(version, side, opened)
                # Cells that have longitudes and latitudes of their own can take 100 MB.
                curved = any(isinstance(info.grid, CurvilinearGrid) for info in found.variables.values())
                if curved or version != Version.of(path):
                    return found
                kept.append(found)
    return kept[0]


@lru_cache(maxsize=_MOST_KEPT)
def _kept(version: Version, side: Version | None) -> list[Look]:
    """Return the place for the look into a file: the look, or nothing yet."""
    return []


def _version_or_none(path: Path) -> Version | None:
    try:
        return Version.of(path)
    except RasterError:
        return None


def _look(version: Version, side: Path | None, opened: dict[Path, netCDF4.Dataset]) -> Look:
    path = version.path
    dataset = opened[path] = _open_as_stored(path)
    attributes = read_attributes(dataset)
    scan = Scan(dataset)
    versions = {path: version}
    holder: netCDF4.Dataset | None = dataset
    if side is not None and GROUP not in dataset.groups:
        try:
            versions[side] = Version.of(side)
            holder = opened[side] = _open_as_stored(side)
        except RasterError as error:
            _log.warning("The overviews of %r are not used: %s", path.name, error)
            holder = None
        path = side
    overviews = {
        (info.name, method): {level: StoredLayer(path, *rest) for level, rest in found.items()}
        for info in scan.variables.values()
        for method in (MEAN, MODE)
        if holder is not None and (found := find(holder, info, method))
    }
    return Look(attributes, scan.variables, scan.skipped, tuple(dataset.groups), overviews, versions)


def _open_as_stored(path: Path) -> netCDF4.Dataset:
    """Open a file that gives numbers as they are stored, without mask and scale."""
    try:
        dataset = netCDF4.Dataset(path, mode="r")
    except (OSError, RuntimeError, UnicodeDecodeError) as error:
        raise RasterError(f"{path.name!r} cannot be read as NetCDF: {without_folder(error, path)}") from error
    dataset.set_auto_mask(False)
    dataset.set_auto_scale(False)
    return dataset


def without_folder(error: Exception, path: Path) -> str:
    """Return an error's text without the server's folders."""
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return text.replace(str(path), path.name)
