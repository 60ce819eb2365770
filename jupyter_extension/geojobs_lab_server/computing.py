"""Threads that compute what a whole layer has to be read for, and the answers that were given last.

What several ask for at the same time is computed once. Between two reads the work looks whether anybody still waits for
it and whether the server stops, and ends when not.
"""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Mapping
from functools import partial
from http.client import SERVICE_UNAVAILABLE
from threading import Event
from typing import Any, Generic, TypeAlias, TypeVar

from tornado import iostream

from geojobs_lab.errors import ServerStopping
from geojobs_lab.threads import Pool
from geojobs_lab_server.base import Handler
from geojobs_lab_server.errors import Refusal

_THREADS = 2  # of their own, so that pictures and files do not wait for large layers
_MOST_WAITING = 64  # computations
_KEPT = 256  # answers; each a few kB, a long series some 100 kB

Check: TypeAlias = Callable[[], None]
Document: TypeAlias = Mapping[str, Any]
Result = TypeVar("Result")


class Computations:
    """Computes off the event loop, on which its methods are called."""

    def __init__(self) -> None:
        self._pool = Pool(_THREADS, "geojobs-numbers")
        self._stopping = Event()
        self._waiting = 0
        self._running: dict[str, _Computation[Document]] = {}
        self._kept: OrderedDict[str, Document] = OrderedDict()

    async def get(self, key: str, compute: Callable[[Check], Document], asker: Handler) -> Document:
        """Return a document.

        Parameters
        ----------
        key : str
            Of all that the document is made of.
        compute : callable
            Makes it, in a thread; calls what it is given between two reads.
        asker : Handler
            Who waits.

        Raises
        ------
        Refusal
            Too many computations wait: 503.
        ServerStopping
        StreamClosedError
            The asker has left.
        """
        while (document := self._kept.get(key)) is None:
            running = self._running.get(key)
            if running is None:
                running = self._running[key] = self._begin(compute)
                running.future.add_done_callback(partial(self._keep, key))
            running.askers.append(asker)
            try:
                return await asyncio.shield(running.future)
            except iostream.StreamClosedError:
                if asker.left:
                    raise
                # All others had left, and this one came too late to be seen.
        self._kept.move_to_end(key)
        return document

    async def run(self, work: Callable[[Check], Result], asker: Handler) -> Result:
        """Do what nobody else asks for, and of which nothing is kept; otherwise as `get`."""
        running = self._begin(work)
        running.askers.append(asker)
        return await running.future

    def _begin(self, work: Callable[[Check], Result]) -> "_Computation[Result]":
        if self._stopping.is_set():
            raise ServerStopping("the server is stopping")
        if self._waiting >= _MOST_WAITING:
            raise Refusal(
                SERVICE_UNAVAILABLE, f"{_MOST_WAITING} computations wait already", headers={"Retry-After": "5"}
            )
        running = _Computation(self._stopping, self._pool, work)
        self._waiting += 1
        running.future.add_done_callback(self._end)
        return running

    def _end(self, _: "asyncio.Future[Any]") -> None:
        self._waiting -= 1

    def _keep(self, key: str, future: "asyncio.Future[Document]") -> None:
        del self._running[key]
        if future.cancelled() or future.exception() is not None:
            return
        self._kept[key] = future.result()
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def stop(self) -> None:
        """End all work at its next read, and begin no other. May be called twice."""
        self._stopping.set()
        self._pool.shutdown(wait=False, cancel_futures=True)
        self._kept.clear()


class _Computation(Generic[Result]):
    """Work under way, and who waits for it."""

    def __init__(self, stopping: Event, pool: Pool, work: Callable[[Check], Result]) -> None:
        self.askers: list[Handler] = []
        self._stopping = stopping
        self.future: asyncio.Future[Result] = asyncio.get_running_loop().run_in_executor(pool, self._run, work)

    def _run(self, work: Callable[[Check], Result]) -> Result:
        self._check()
        return work(self._check)

    def _check(self) -> None:
        if self._stopping.is_set():
            raise ServerStopping("the server is stopping")
        if self.askers and all(asker.left for asker in self.askers):
            raise iostream.StreamClosedError
