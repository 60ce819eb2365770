"""The one lock round libhdf5 and libnetcdf, which are not safe for threads.

Every netCDF4 call of the process goes through `HDF5_LOCK`, lazy reads by xarray included. What is read
is other modules' work.
"""

import threading
from types import TracebackType
from typing import Self


class ProcessLock:
    """A re-entrant lock that pickles as its own name, so that lazy arrays which hold it can be pickled."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._lock = threading.RLock()

    def acquire(self, blocking: bool = True, timeout: float = -1) -> bool:
        """Take the lock; see `threading.RLock.acquire`."""
        return self._lock.acquire(blocking, timeout)

    def release(self) -> None:
        """Give the lock back."""
        self._lock.release()

    def __enter__(self) -> Self:
        self._lock.acquire()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.release()

    def __reduce__(self) -> str:
        return self._name  # the module-level variable of that name


HDF5_LOCK = ProcessLock("HDF5_LOCK")
