"""Threads that draw pictures, and the pictures that were drawn last.

A picture that several ask for at the same time is drawn once; one that nobody waits for any more is not drawn. When
more wait than can be drawn in a while, the next is refused: a map asks again, but not for what it has scrolled past.
"""

import asyncio
import os
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from http.client import SERVICE_UNAVAILABLE

from tornado import iostream

from geojobs_lab.threads import Pool
from geojobs_lab_server.base import Handler
from geojobs_lab_server.errors import Refusal

_THREADS = max(2, min(4, os.cpu_count() or 1))
_MOST_WAITING = 256  # pictures, more than a wall of screens shows; 0.5 s of work
_KEPT = 32 * 2**20  # bytes of pictures

Draw = Callable[[], bytes]


@dataclass(slots=True, eq=False)
class _Drawing:
    """A picture under way, and who waits for it."""

    askers: list[Handler]
    picture: "asyncio.Future[bytes] | None" = None

    def run(self, draw: Draw) -> bytes:
        """Draw, in a thread."""
        if all(asker.left for asker in self.askers):
            raise iostream.StreamClosedError
        return draw()


class Pictures:
    """Draws pictures off the event loop, on which its methods are called."""

    def __init__(self) -> None:
        self._pool = Pool(_THREADS, "geojobs-pictures")
        self._drawing: dict[str, _Drawing] = {}
        self._kept: OrderedDict[str, bytes] = OrderedDict()
        self._size = 0

    async def get(self, key: str, draw: Draw, asker: Handler) -> bytes:
        """Return a picture.

        Parameters
        ----------
        key : str
            Of all that the picture is made of: its entity tag.
        draw : callable
            Draws it, in a thread.
        asker : Handler
            Who waits.

        Raises
        ------
        Refusal
            Too many pictures wait: 503.
        StreamClosedError
            The asker has left, and the picture was not drawn.
        """
        while (picture := self._kept.get(key)) is None:
            drawing = self._drawing.get(key)
            if drawing is None:
                drawing = self._begin(key, draw)
            drawing.askers.append(asker)
            try:
                return await asyncio.shield(drawing.picture)  # type: ignore[arg-type]  # it has begun
            except iostream.StreamClosedError:
                if asker.left:
                    raise
                # All others had left, and this one came too late to be seen.
        self._kept.move_to_end(key)
        return picture

    def _begin(self, key: str, draw: Draw) -> _Drawing:
        if len(self._drawing) >= _MOST_WAITING:
            raise Refusal(
                SERVICE_UNAVAILABLE, f"{_MOST_WAITING} pictures wait to be drawn already", headers={"Retry-After": "1"}
            )
        drawing = self._drawing[key] = _Drawing([])
        drawing.picture = asyncio.get_running_loop().run_in_executor(self._pool, drawing.run, draw)
        drawing.picture.add_done_callback(partial(self._end, key))
        return drawing

    def _end(self, key: str, picture: "asyncio.Future[bytes]") -> None:
        del self._drawing[key]
        if picture.cancelled() or picture.exception() is not None:
            return
        self._kept[key] = picture.result()
        self._size += len(picture.result())
        while self._size > _KEPT:
            _, gone = self._kept.popitem(last=False)
            self._size -= len(gone)

    def stop(self) -> None:
        """Draw nothing more."""
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._kept.clear()
