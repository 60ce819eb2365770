"""Threads for what reads files and computes, that never hold up the end of the process.

Those of `concurrent.futures.ThreadPoolExecutor` are waited for when the interpreter ends, however long they take.
"""

import asyncio
import atexit
import logging
import os
import queue
import sys
import threading
from collections.abc import Callable
from concurrent.futures import Executor, Future
from functools import cache, partial
from typing import ParamSpec, TypeVar

Arguments = ParamSpec("Arguments")
Result = TypeVar("Result")


class Pool(Executor):
    """Runs work in a fixed number of threads, first come first served.

    Parameters
    ----------
    size : int
        How many threads.
    name : str
        What they are called.
    """

    def __init__(self, size: int, name: str) -> None:
        self._waiting: queue.SimpleQueue[tuple[Future[object], Callable[[], object]] | None] = queue.SimpleQueue()
        self._threads = [threading.Thread(target=self._work, name=f"{name}_{n}", daemon=True) for n in range(size)]
        self._started = False
        self._closed = False
        self._busy: set[str] = set()

    def submit(
        self, fn: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs
    ) -> "Future[Result]":
        """Have a function called in one of the threads.

        Raises
        ------
        RuntimeError
            The pool is shut down.
        """
        if self._closed:
            raise RuntimeError("the pool is shut down")
        self._start()
        future: Future[Result] = Future()
        self._waiting.put((future, lambda: fn(*args, **kwargs)))  # type: ignore[arg-type]  # of whatever result
        return future

    def _start(self) -> None:
        if not self._started:
            self._started = True
            atexit.register(self._end_process)
            for thread in self._threads:
                thread.start()

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        """Take no more work; that which waits is given up where `cancel_futures` says so. May be called twice."""
        self._closed = True
        while cancel_futures:
            try:
                item = self._waiting.get_nowait()
            except queue.Empty:
                break
            if item is not None:
                item[0].cancel()
        for _ in self._threads:
            self._waiting.put(None)
        if wait and self._started:
            for thread in self._threads:
                thread.join()

    def _work(self) -> None:
        name = threading.current_thread().name
        while (item := self._waiting.get()) is not None:
            future, call = item
            if not future.set_running_or_notify_cancel():
                continue
            self._busy.add(name)
            try:
                result = call()
            except BaseException as error:  # noqa: BLE001  whoever waits for it is to hear of it, whatever it is
                future.set_exception(error)
            else:
                future.set_result(result)
                del result
            finally:
                self._busy.discard(name)
            del item, future, call  # a thread that waits must not keep what it worked on

    def _end_process(self) -> None:
        """End the process at once when a thread is still at work.

        It cannot be ended by itself, and while the interpreter is taken down netCDF4 crashes in such a thread and h5py
        waits for a lock that nobody lets go. All rooms are stopped by now, and what these threads do is reading.
        """
        if self._busy:
            logging.shutdown()
            for stream in (sys.stdout, sys.stderr):
                if stream is not None:
                    stream.flush()
            os._exit(0)


_THREADS = 8  # for short work that blocks: files, folders, the start of processes


@cache
def _pool() -> Pool:
    return Pool(_THREADS, "geojobs-work")


async def in_thread(call: Callable[Arguments, Result], /, *args: Arguments.args, **kwargs: Arguments.kwargs) -> Result:
    """Call a function that blocks in a thread that the end of the process does not wait for, and return its result.

    `asyncio.to_thread` has its work waited for when the interpreter ends, however long it takes.
    """
    return await asyncio.get_running_loop().run_in_executor(_pool(), partial(call, *args, **kwargs))
