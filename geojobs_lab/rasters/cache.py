"""A cache bounded by bytes, for arrays that many threads want at the same time."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from concurrent.futures import Future
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

Array: TypeAlias = npt.NDArray[Any]


class ArrayCache:
    """Arrays by key, the least recently used going first; one that several threads miss is made once.

    Parameters
    ----------
    limit : int
        Bytes of all arrays together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._size = 0
        self._arrays: OrderedDict[Hashable, Array] = OrderedDict()
        self._making: dict[Hashable, Future[Array]] = {}
        self._lock = threading.Lock()

    @property
    def size(self) -> int:
        """Bytes that are kept now."""
        return self._size

    @property
    def limit(self) -> int:
        """Bytes that may be kept; a smaller limit holds at once."""
        return self._limit

    @limit.setter
    def limit(self, limit: int) -> None:
        with self._lock:
            self._limit = limit
            self._shrink()

    def get(self, key: Hashable) -> Array | None:
        """Return an array that is kept, or None."""
        with self._lock:
            array = self._arrays.get(key)
            if array is not None:
                self._arrays.move_to_end(key)
            return array

    def fetch(self, key: Hashable, make: Callable[[], Array]) -> Array:
        """Return the array of a key; when there is none, make it, or wait for the thread that makes it.

        It is read-only. What `make` raises, all who wait for it get.
        """
        with self._lock:
            array = self._arrays.get(key)
            if array is not None:
                self._arrays.move_to_end(key)
                return array
            other = self._making.get(key)
            if other is None:
                mine = self._making[key] = Future()
        if other is not None:
            return other.result()
        try:
            array = np.asarray(make())
            array.flags.writeable = False
        except BaseException as error:
            with self._lock:
                del self._making[key]
            mine.set_exception(error)
            raise
        with self._lock:
            del self._making[key]
            self._arrays[key] = array
            self._size += array.nbytes
            self._shrink()
        mine.set_result(array)
        return array

    def clear(self) -> None:
        """Let go of all arrays."""
        with self._lock:
            self._arrays.clear()
            self._size = 0

    def _shrink(self) -> None:
        while self._size > self._limit and self._arrays:
            _, array = self._arrays.popitem(last=False)
            self._size -= array.nbytes
