"""Writing into HDF5 files: opening them for raw chunks, and what to say when that fails."""

import re
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import h5py

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.locks import HDF5_LOCK

_SYSTEM = re.compile(r"error message = '([^']*)'")  # what the system said, in the midst of what HDF5 says


@contextmanager
def hdf5_file(path: Path) -> Iterator[h5py.File]:
    """Open a whole NetCDF-4 file to write raw chunks into it."""
    with HDF5_LOCK, telling(path):
        file = h5py.File(path, "r+")
    try:
        yield file
    except BaseException:
        with HDF5_LOCK, suppress(OSError, RuntimeError, ValueError):  # the first error is the one to tell
            file.close()
        raise
    with HDF5_LOCK, telling(path):
        file.close()


@contextmanager
def telling(path: Path) -> Iterator[None]:
    """Turn what netCDF4 and h5py raise when they cannot write into an error without the server's folders."""
    try:
        yield
    except (OSError, RuntimeError) as error:
        text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
        found = _SYSTEM.search(text)
        name = path.name.removeprefix(".").removesuffix(".part")
        reason = found[1] if found else text.replace(str(path), name)
        raise RasterError(f"{name!r} cannot be written: {reason}") from error
