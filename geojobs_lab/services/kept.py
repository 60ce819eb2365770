"""What took a while to find out, kept for the next who asks; for threads."""

import threading
from collections import OrderedDict
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")


class Kept(Generic[Found]):
    """Results under their keys, the least recently used going first.

    Parameters
    ----------
    most : int
        How many are kept.
    """

    def __init__(self, most: int) -> None:
        self._most = most
        self._found: OrderedDict[Hashable, Found] = OrderedDict()
        self._finding: dict[Hashable, threading.Lock] = {}
        self._lock = threading.Lock()

    def get(self, key: Hashable, find: Callable[[], Found]) -> Found:
        """Return what is kept, or find it; several who ask at the same time wait for the first of them.

        What `find` raises is raised and not kept.
        """
        with self._lock:
            if key in self._found:
                self._found.move_to_end(key)
                return self._found[key]
            finding = self._finding.setdefault(key, threading.Lock())
        with finding:
            with self._lock:
                if key in self._found:
                    return self._found[key]
            try:
                found = find()
            finally:
                with self._lock:
                    self._finding.pop(key, None)
            with self._lock:
                self._found[key] = found
                while len(self._found) > self._most:
                    self._found.popitem(last=False)
            return found

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._found.clear()
