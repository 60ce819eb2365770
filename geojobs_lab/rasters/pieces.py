"""The order in which the numbers of a raster are read: in pieces that follow the chunks of what it is made of.

A raster larger than memory comes from a file, or is computed, chunk by chunk; a chunk that is read twice is inflated
or computed twice.
"""

import math
from collections.abc import Iterator, Sequence
from itertools import pairwise, product
from typing import Any

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.rasters.chunks import CHUNK

_PIECE = 32_000_000  # bytes read at a time, where chunks do not have more
_MOST = 128_000_000  # bytes that chunks of files may have to be read whole


def pieces(data: xr.DataArray, dims: Sequence[str]) -> Iterator[tuple[tuple[int, ...], npt.NDArray[Any]]]:
    """Yield (position, numbers) until every cell has come once.

    Parameters
    ----------
    data : DataArray
        In memory, lazily read from a file, or made of dask chunks.
    dims : sequence of str
        All its dimensions in the order wanted, rows and columns last; positions and arrays have it.

    Notes
    -----
    A piece has 32 MB at most, but for chunks that have more: up to 128 MB of a file's, any of dask's. As many layers
    are under way at a time as a piece has.
    """
    edges = _edges(data, dims)
    _merge(edges, data.dtype.itemsize)
    axes = [data.dims.index(dim) for dim in dims]
    for spans in product(*(list(pairwise(found)) for found in edges)):
        window = data.isel({dim: slice(*span) for dim, span in zip(dims, spans, strict=True)})
        numbers = np.asarray(window.values)  # may read or compute: not under the lock
        yield tuple(first for first, _ in spans), numbers.transpose(axes)


def _edges(data: xr.DataArray, dims: Sequence[str]) -> list[list[int]]:
    """Return, for each dimension, where the smallest pieces begin, and where the last ends."""
    if data.chunks is not None:  # dask: a part of a chunk costs as much as the whole
        return [[0, *np.cumsum(data.chunksizes[dim]).tolist()] for dim in dims]
    sizes = _file_chunks(data, dims) or [*(1 for _ in dims[:-2]), CHUNK, _PIECE // CHUNK // data.dtype.itemsize]
    sizes[-1] -= sizes[-1] % CHUNK if CHUNK < sizes[-1] < data.sizes[dims[-1]] else 0
    return [[*range(0, data.sizes[dim], size), data.sizes[dim]] for dim, size in zip(dims, sizes, strict=True)]


def _file_chunks(data: xr.DataArray, dims: Sequence[str]) -> list[int] | None:
    """Return the chunks of the file that an array is read from, as xarray remembers them, or parts of them.

    Parts, where the chunks would take too much memory: themselves, or as many layers under way as they have.
    """
    preferred = data.encoding.get("preferred_chunks")
    if not isinstance(preferred, dict) or not all(isinstance(preferred.get(dim), int) for dim in dims):
        return None
    sizes = [max(1, min(preferred[dim], data.sizes[dim])) for dim in dims]
    band = CHUNK * data.sizes[dims[-1]] * data.dtype.itemsize
    for axis in reversed(range(len(dims) - 2)):
        sizes[axis] = min(sizes[axis], max(1, _MOST // (band * math.prod(sizes[axis + 1 : -2]))))
    rest = math.prod(sizes[:-2]) * data.dtype.itemsize
    sizes[-2] = min(sizes[-2], max(CHUNK, _MOST // (rest * sizes[-1])))
    sizes[-1] = min(sizes[-1], max(CHUNK, _MOST // (rest * sizes[-2])))
    return sizes


def _merge(edges: list[list[int]], itemsize: int) -> None:
    """Read neighbours together as long as they are not too much: along x first, layers last."""
    size = itemsize * math.prod(map(_longest, edges))
    for axis in reversed(range(len(edges))):
        found = edges[axis]
        together = max(1, _PIECE // size)
        if together > 1:
            before = _longest(found)
            edges[axis] = [*found[:-1:together], found[-1]]
            size = size // before * _longest(edges[axis])
        if len(edges[axis]) > 2:
            return  # pieces of several layers, or rows, only where they are whole


def _longest(edges: Sequence[int]) -> int:
    return max(last - first for first, last in pairwise(edges))
