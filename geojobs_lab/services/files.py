"""The files behind services: looking into them, keeping them open, and the style of each variable.

All of it reads files, so all of it is for threads, not for an event loop. numpy and xarray are loaded on first use.
"""

import threading
from collections import OrderedDict
from collections.abc import Mapping
from datetime import datetime
from itertools import product
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import InvalidInput, RasterError, Unavailable
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.services.service import Service
from geojobs_lab.services.sidefiles import SideFiles

if TYPE_CHECKING:
    from geojobs_lab.rasters import RasterFile
    from geojobs_lab.renderers import Renderer

_OPEN_FILES = 32  # handles kept; each costs some hundred kB
_STEPS_LOOKED_AT = 12  # of a long series, to find the range that a default stretch covers


class OpenFiles:
    """A bounded set of open raster files, the least recently used going first.

    Parameters
    ----------
    sides : SideFiles
        Where the overviews of files from elsewhere are.
    """

    def __init__(self, sides: SideFiles) -> None:
        self._sides = sides
        self._files: OrderedDict[tuple[Path, int, Path | None], RasterFile] = OrderedDict()
        self._styles: dict[tuple[Path, int, str], Renderer] = {}
        self._stored_styles: OrderedDict[tuple[str, datetime, int, str], Renderer] = OrderedDict()
        self._lock = threading.Lock()

    def open(self, service: Service) -> "RasterFile":
        """Return the service's file, open for reading.

        Raises
        ------
        Unavailable
            The service is not ready, or its file cannot be read any more.
        """
        if service.state != "ready":
            reason = f": {service.reason}" if service.reason else ""
            raise Unavailable(f"service {service.name!r} is {service.state}{reason}")
        load_libraries()
        from geojobs_lab.rasters import RasterFile

        side = self._sides.find(service)
        key = (*_key(service), side)
        with self._lock:
            if key in self._files:
                self._files.move_to_end(key)
                return self._files[key]
        if side is None:
            self._sides.want(service)  # its file may have changed, or the side file be gone
        try:
            file = RasterFile(service.path, side)
        except RasterError as error:
            raise Unavailable(f"service {service.name!r}: {error}") from error
        with self._lock:
            file = self._files.setdefault(key, file)
            # An evicted file closes itself when its last reader lets go of it.
            while len(self._files) > _OPEN_FILES:
                self._files.popitem(last=False)
        return file

    def version(self, service: Service) -> object:
        """Return what tells the file and its overviews from others that take their place; None where there is none."""
        try:
            about = service.path.stat()
        except OSError:
            return None
        return about.st_mtime_ns, about.st_size, about.st_ino, self._sides.find(service) is not None

    def renderer(self, service: Service, variable: str) -> "Renderer":
        """Return the variable's renderer: the one that was set, or a stretch over the range of its values."""
        load_libraries()
        if variable in service.renderers:
            return self._stored(service, variable)
        key = (*_key(service), variable)
        style = self._styles.get(key)
        if style is None:
            style = self._styles[key] = _default_style(self.open(service), variable)
        return style

    def _stored(self, service: Service, variable: str) -> "Renderer":
        """Return a renderer that was set: read once, not for every tile."""
        from geojobs_lab.renderers import renderer_from_json

        key = (service.name, service.created, service.revision, variable)
        style = self._stored_styles.get(key)
        if style is None:
            style = renderer_from_json(service.renderers[variable])
            with self._lock:
                self._stored_styles[key] = style
                while len(self._stored_styles) > _OPEN_FILES:
                    self._stored_styles.popitem(last=False)
        return style

    def close(self) -> None:
        """Let go of all files."""
        with self._lock:
            self._files.clear()
            self._styles.clear()
            self._stored_styles.clear()


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


def _key(service: Service) -> tuple[Path, int]:
    try:
        return service.path, service.path.stat().st_mtime_ns
    except OSError as error:
        raise Unavailable(f"service {service.name!r}: its file cannot be read: {error.strerror}") from error


def _default_style(file: "RasterFile", variable: str) -> "Renderer":
    import numpy as np

    from geojobs_lab.renderers import StretchedRenderer

    info = file.variables[variable]
    selection = info.select()
    steps = range(1)
    if info.time is not None:
        count = len(info.time.stops)
        steps = range(0, count, max(1, count // _STEPS_LOOKED_AT))
    low, high = np.inf, -np.inf
    for step in steps:
        if info.time is not None:
            selection[info.time.name] = step
        # the first and the last position of each other dimension, such as the ground and the top of the air
        for ends in product(*({0, values.size - 1} for values in info.others.values())):
            values = file.read(variable, {**selection, **dict(zip(info.others, ends, strict=True))})
            finite = values[np.isfinite(values)]
            if finite.size:
                low, high = min(low, float(finite.min())), max(high, float(finite.max()))
    return StretchedRenderer.from_colormap("viridis", *((low, high) if low <= high else (0.0, 1.0)))
