"""Decoded blocks of the layers of raster files, kept for whoever draws next.

Owns the one cache of the process. Which way blocks are read is the work of `layers`, what the values mean that of
`packing`; where they lie on the Earth is the grid's matter, which of them a picture takes the room `tiles`'.

Blocks are those of the file where it has chunks, several small ones together; elsewhere windows of 256 x 256. A layer
can be taken thinned: of each square of `step` x `step` cells the one in its middle. It is then read once, in pieces,
and only what is taken is kept, so that a file without overviews costs time and not memory.
"""

import os
from collections.abc import Hashable, Iterable, Mapping
from functools import cache, partial
from typing import TYPE_CHECKING

import numpy as np

from geojobs_lab.rasters.cache import ArrayCache
from geojobs_lab.rasters.layers import SIDE, Place, Values, layers_of
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.threads import Pool

if TYPE_CHECKING:
    pass

BLOCK_CACHE = ArrayCache(256 * 2**20)
"""The blocks of the process; its `limit` may be set."""

_THREADS = min(4, os.cpu_count() or 1)  # that decode the blocks of one picture


class Blocks:
    """One two-dimensional layer of a file, in blocks.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        Dimension -> position, as `VariableInfo.select` makes it; what is left out is at 0.
    factor : int
        Of the overview, 1 for the data itself.
    method : {"mean", "mode"}
        Of the overview.
    step : int
        Thins the layer: of `step` x `step` cells the middle one stands for all.

    Attributes
    ----------
    shape : tuple of int
        (rows, columns) of cells, at this factor and step.
    size : tuple of int
        (rows, columns) of cells in a block; the last ones may have fewer.

    Raises
    ------
    InvalidInput
        A position lies outside its dimension.
    """

    def __init__(
        self,
        file: RasterFile,
        variable: str,
        selection: Mapping[str, int],
        *,
        factor: int = 1,
        method: str = "mean",
        step: int = 1,
    ) -> None:
        self._layers = layers_of(file, variable, factor, method)
        self._at = self._layers.position(selection)
        self._step = step
        self._kept, self._part = self._layers.kept(self._at) if step == 1 else (self._at, None)
        ny, nx = self._layers.shape
        self.shape = (-(-ny // step), -(-nx // step))
        self.size = self._layers.size if step == 1 else (SIDE, SIDE)

    def get(self, places: Iterable[Place]) -> dict[Place, Values]:
        """Return blocks, (rows, columns) each, read-only: y then x, unpacked, NaN where missing.

        Those that have to be decoded are decoded in several threads.

        Raises
        ------
        RasterError
            The data cannot be read.
        """
        found: dict[Place, Values] = {}
        missing: list[tuple[Place, Hashable]] = []
        for place in places:
            key: Hashable = (self._layers.identity, self._kept, self._step, place)
            block = BLOCK_CACHE.get(key)
            if block is None:
                missing.append((place, key))
            else:
                found[place] = block
        fetch = BLOCK_CACHE.fetch
        waiting = [(place, _pool().submit(fetch, key, partial(self._make, place))) for place, key in missing[1:]]
        for place, key in missing[:1]:
            found[place] = fetch(key, partial(self._make, place))
        found.update((place, block.result()) for place, block in waiting)
        if self._part is None:
            return found
        return {place: block[self._part] for place, block in found.items()}

    def _make(self, place: Place) -> Values:
        return self._layers.block(self._kept, place) if self._step == 1 else self._thinned(place)

    def _thinned(self, place: Place) -> Values:
        """Return a block of the cells in the middle of squares."""
        rows, cols = (
            np.minimum(np.arange(at * SIDE, min((at + 1) * SIDE, end)) * self._step + self._step // 2, full - 1)
            for at, end, full in zip(place, self.shape, self._layers.shape, strict=True)
        )
        return self._layers.sample(self._at, rows, cols)


@cache
def _pool() -> Pool:
    return Pool(_THREADS, "geojobs-blocks")
