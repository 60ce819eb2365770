"""Things that were used last, as many as a number of bytes allows; for threads."""

from collections import OrderedDict
from collections.abc import Hashable
from threading import Lock
from typing import Generic, TypeVar

Thing = TypeVar("Thing")


class LastUsed(Generic[Thing]):
    """Keeps things by key, the least recently used going first.

    Parameters
    ----------
    limit : int
        Bytes of all things together.
    """

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._things: OrderedDict[Hashable, tuple[Thing, int]] = OrderedDict()
        self._size = 0
        self._lock = Lock()

    def get(self, key: Hashable) -> Thing:
        """Return a thing that is kept.

        Raises
        ------
        KeyError
            It is not.
        """
        with self._lock:
            self._things.move_to_end(key)
            return self._things[key][0]

    def put(self, key: Hashable, thing: Thing, size: int) -> None:
        """Keep a thing of so many bytes."""
        with self._lock:
            _, before = self._things.pop(key, (None, 0))
            self._things[key] = thing, size
            self._size += size - before
            while self._size > self._limit:
                _, (_, gone) = self._things.popitem(last=False)
                self._size -= gone
