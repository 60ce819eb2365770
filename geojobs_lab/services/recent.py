"""What was found out a moment ago, for what is asked for many times a second."""

import time
from collections.abc import Awaitable, Callable, Hashable
from typing import Generic, TypeVar

Found = TypeVar("Found")

_MOST = 1024  # things that are remembered


class Recent(Generic[Found]):
    """Remembers for a while what was found under a key; for one event loop.

    Parameters
    ----------
    seconds : float
        How long.
    """

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._found: dict[Hashable, tuple[float, Found]] = {}
        self._forgotten = 0

    async def get(self, key: Hashable, find: Callable[[], Awaitable[Found]]) -> Found:
        """Return what is remembered, or find it."""
        known = self._found.get(key)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        before = self._forgotten
        found = await find()
        if before == self._forgotten:  # else it may have changed since
            self._found.pop(key, None)  # its place is at the end, with the newest
            self._found[key] = (time.monotonic() + self._seconds, found)
            if len(self._found) > _MOST:
                del self._found[next(iter(self._found))]
        return found

    def forget(self) -> None:
        """Find everything anew."""
        self._found.clear()
        self._forgotten += 1
