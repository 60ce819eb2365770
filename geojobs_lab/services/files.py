"""The files behind services: looking into them and keeping them open.

All of it reads files, so all of it is for threads, not for an event loop. numpy and xarray are loaded on first use.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import InvalidInput, RasterError, Unavailable
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.services.service import Service
from geojobs_lab.services.sidefiles import SideFiles

if TYPE_CHECKING:
    from geojobs_lab.rasters import RasterFile

_OPEN_FILES = 32  # handles kept; each costs some hundred kB


class OpenFiles:
    """A bounded set of open raster files, the least recently used going first.

    Parameters
    ----------
    sides : SideFiles
        Where the overviews of files from elsewhere are.
    block_cache : int, optional
        Bytes that the process keeps of blocks of all its files; as `rasters` has it when left out.
    """

    def __init__(self, sides: SideFiles, block_cache: int | None = None) -> None:
        self._sides = sides
        self._block_cache = block_cache
        self._files: OrderedDict[tuple[Path, int, tuple[Path, int] | None], RasterFile] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, service: Service) -> "RasterFile":
        """Return the service's file, open for reading.

        Raises
        ------
        Unavailable
            The service is not ready, or its file cannot be read any more.
        """
        load_libraries()
        from geojobs_lab.rasters import RasterFile

        side = self._sides.find(service)
        key = (*version_key(service), side)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        self._limit_cache()
        if side is None:
            self._sides.want(service)  # its file may have changed, or the side file be gone
        try:
            file = RasterFile(service.path, side and side[0])
        except RasterError as error:
            raise Unavailable(f"service {service.name!r}: {error}") from error
        with self._lock:
            file = self._files.setdefault(key, file)
            # An evicted file closes itself when its last reader lets go of it.
            while len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)
        return file

    def _limit_cache(self) -> None:
        from geojobs_lab.rasters.blocks import BLOCK_CACHE

        if self._block_cache is not None:
            BLOCK_CACHE.limit = self._block_cache

    def version(self, service: Service) -> object:
        """Return what tells the file and its overviews from others that take their place; None where there is none."""
        try:
            about = service.path.stat()
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size, about.st_ino, self._sides.find(service)

    def close(self) -> None:
        """Let go of all files."""
        with self._lock:
            self._files.clear()


def look_into(path: Path) -> Mapping[str, Any]:
    """Describe the raster file at `path`.

    Raises
    ------
    InvalidInput
        With ``field="path"``: it is no raster file, or nothing in it can be placed.
    """
    load_libraries()
    from geojobs_lab.rasters import RasterFile

    try:
        with RasterFile(path) as file:
            info: Mapping[str, Any] = file.describe()
    except (RasterError, OSError) as error:
        raise InvalidInput(f"path: {error}", field="path", value=path.name) from error
    return info


def version_key(service: Service) -> tuple[Path, int]:
    """Return what tells a service's file, as it is now, from others.

    Raises
    ------
    Unavailable
        The service is not ready, or its file cannot be read any more.
    """
    if service.state != "ready":
        reason = f": {service.reason}" if service.reason else ""
        raise Unavailable(f"service {service.name!r} is {service.state}{reason}")
    try:
        return service.path, service.path.stat().st_mtime_ns
    except OSError as error:
        raise Unavailable(f"service {service.name!r}: its file cannot be read: {error.strerror}") from error
