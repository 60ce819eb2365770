"""The chunks of an HDF5 dataset, read as they are stored and decoded here: libhdf5 only finds them.

libhdf5 inflates under a lock that all threads share, and slowly. Here the lock is held for the bytes alone; shuffle and
deflate are undone outside of it, by libdeflate where it is there. What else a dataset may be stored as is left to
netCDF4.
"""

import math
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.locks import HDF5_LOCK

try:
    from deflate import zlib_decompress  # takes 0.6 of ISA-L's time
except ImportError:  # no wheels for this machine's processor
    from zlib import decompress

    def zlib_decompress(data: bytes, size: int) -> bytes:  # type: ignore[misc]  # the same in other types
        return decompress(data, bufsize=size)


if TYPE_CHECKING:
    import h5py

_DEFLATE, _SHUFFLE = 1, 2  # HDF5's numbers of its filters
_LARGEST = 2**26  # bytes of a chunk that is decoded as a whole


class RawChunks:
    """A dataset of an open file, which stays open as long as this is used.

    Attributes
    ----------
    shape, chunk : tuple of int
        Of the dataset and of each of its chunks; no chunk where it lies in one piece.
    dtype : dtype
        As stored.
    decodable : bool
        Whether `read` can be used: the filters are known and a chunk is not too large.
    """

    def __init__(self, file: "h5py.File", dataset: str) -> None:
        with HDF5_LOCK:
            self._dataset = file[dataset]
            self.shape: tuple[int, ...] = self._dataset.shape
            self.chunk: tuple[int, ...] | None = self._dataset.chunks
            self.dtype = np.dtype(self._dataset.dtype.str)
            plan = self._dataset.id.get_create_plist()
            self._filters = [plan.get_filter(number)[0] for number in range(plan.get_nfilters())]
        self._bytes = math.prod(self.chunk or ()) * self.dtype.itemsize
        self.decodable = (
            self.chunk is not None
            and self.dtype.kind in "iuf"
            and self.dtype.itemsize <= 8
            and self._filters in ([], [_DEFLATE], [_SHUFFLE], [_SHUFFLE, _DEFLATE])
            and self._bytes <= _LARGEST
        )

    def read(self, start: tuple[int, ...]) -> npt.NDArray[Any]:
        """Return a chunk as it is stored, whole: what lies beyond the dataset's edge has any value.

        Parameters
        ----------
        start : tuple of int
            The position of its first element.

        Raises
        ------
        OSError, RuntimeError, ValueError
            It cannot be read.
        """
        chunk = self.chunk or ()
        try:
            with HDF5_LOCK:
                mask, data = self._dataset.id.read_direct_chunk(start)
        except (OSError, RuntimeError, ValueError):  # one that was never written has no place in the file
            return self._fill(start)
        for number in reversed(range(len(self._filters))):
            if mask >> number & 1:  # this chunk went past the filter
                continue
            data = _inflate(data, self._bytes) if self._filters[number] == _DEFLATE else _unshuffle(data, self.dtype)
        return np.frombuffer(data, self.dtype).reshape(chunk)

    def _fill(self, start: tuple[int, ...]) -> npt.NDArray[Any]:
        chunk = self.chunk or ()
        found = np.empty(chunk, self.dtype)
        part = tuple(slice(at, min(at + size, end)) for at, size, end in zip(start, chunk, self.shape, strict=True))
        with HDF5_LOCK:
            found[tuple(slice(0, cut.stop - cut.start) for cut in part)] = self._dataset[part]
        return found


def _inflate(data: Any, size: int) -> Any:
    try:
        return zlib_decompress(data, size)
    except Exception as error:
        # zlib's and libdeflate's errors have no base in common but this one.
        raise OSError(f"a chunk cannot be inflated: {error}") from error


def _unshuffle(data: Any, dtype: np.dtype[Any]) -> Any:
    """Put the first bytes of all numbers, then their second bytes and so on, together to numbers again."""
    size = dtype.itemsize
    planes: npt.NDArray[Any] = np.frombuffer(data, np.uint8).reshape(size, -1)
    half = 1
    while half < size:  # by halves of double width: faster than byte by byte into every fourth place
        wider = np.dtype(f"<u{2 * half}")
        planes, low = planes[1::2].astype(wider), planes[::2]
        planes <<= 8 * half
        planes |= low
        half *= 2
    return planes
