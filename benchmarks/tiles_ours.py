"""Tiles of this project: the published file through `render_tile`, as the server draws them."""

import sys
from pathlib import Path

from benchmarks.tiles_data import COLORMAP, RANGE, Files, Tile
from geojobs_lab.rasters import RasterFile, looking
from geojobs_lab.renderers import StretchedRenderer
from geojobs_lab.services.publishing import VARIABLE
from geojobs_lab.tiles import render_tile


class Ours:
    """A file that is kept open, as the catalogue keeps it.

    Parameters
    ----------
    files : Files
    seen : bool
        Whether what the file has told is remembered when all else is forgotten, as a server does of a file that it has
        closed.
    """

    def __init__(self, files: Files, *, seen: bool = False) -> None:
        self._seen = seen
        self._path: Path = files.netcdf
        self._renderer = StretchedRenderer.from_colormap(COLORMAP, *RANGE)
        self._file: RasterFile | None = None

    def draw(self, tile: Tile) -> bytes:
        if self._file is None:
            self._file = RasterFile(self._path)
        return render_tile(self._file, VARIABLE, {}, self._renderer, *tile)

    def forget(self) -> None:
        if self._file is not None:
            self._file.close()
            self._file = None
        for name, module in list(sys.modules.items()):
            if self._seen and name == looking.__name__:
                continue
            if name.startswith(("geojobs_lab.rasters.", "geojobs_lab.tiles.")):
                for kept in list(vars(module).values()):
                    _clear(kept)


def _clear(kept: object) -> None:
    """Empty what a module keeps of files and tiles: the cache of blocks, and every function's cache that is bounded."""
    parameters = getattr(kept, "cache_parameters", None)
    if parameters is not None and parameters()["maxsize"] is not None:
        kept.cache_clear()  # type: ignore[attr-defined]
    elif type(kept).__name__ == "ArrayCache":
        kept.clear()  # type: ignore[attr-defined]
