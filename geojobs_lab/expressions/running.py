"""Windows shared out among threads: the caller's own, and those of one pool for the whole process.

numpy lets go of the interpreter while it computes, and netCDF4 while it reads, so one thread reads a file while another
computes. The pool starts with the first work that is large enough.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from typing import TypeAlias

import numpy as np

from geojobs_lab.expressions.windows import Window
from geojobs_lab.threads import Pool

MOST_THREADS = 4  # what streams through memory is no faster with more
THREADS = "OMP_NUM_THREADS"
"""Environment variable that limits the threads, as it does those of other numerical libraries."""

Work: TypeAlias = "Callable[[Turns], None]"


def threads() -> int:
    """Return how many threads compute one expression: of the processors that this process may use, at most four.

    One is enough where twice as many want to run as there are processors, such as several jobs at once: whoever shares
    out work has to wait for the others' last windows.
    """
    if hasattr(os, "getloadavg") and os.getloadavg()[0] > 2 * (os.cpu_count() or 1):
        return 1
    allowed = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    limit = os.environ.get(THREADS, "").split(",")[0]
    return max(1, min(allowed, MOST_THREADS, int(limit) if limit.isdecimal() else MOST_THREADS))


class Turns:
    """Gives each item with its number to one of the threads that ask."""

    def __init__(self, items: Sequence[Window]) -> None:
        self._items = enumerate(items)
        self._lock = threading.Lock()
        self._over = False

    def __iter__(self) -> Iterator[tuple[int, Window]]:
        return self.each(lambda window: None)

    def each(self, announce: Callable[[Window], None]) -> Iterator[tuple[int, Window]]:
        """Yield what is given to the thread that asks, announced in the order in which all threads are given theirs."""
        while True:
            with self._lock:
                item = None if self._over else next(self._items, None)
                if item is None:
                    return
                announce(item[1])
            yield item

    def stop(self) -> None:
        self._over = True


def share_out(items: Sequence[Window], work: Work, *, alone: bool) -> None:
    """Call `work` with the turns that give it windows, at once in several threads unless it is to work alone.

    numpy's warnings are off in all of them. The first error ends the work and is raised.
    """
    helpers = 0 if alone else min(threads(), len(items)) - 1
    turns = Turns(items)
    if helpers <= 0:
        _quietly(work, turns)
        return
    pool = _pool(os.getpid())
    futures = [pool.submit(_quietly, work, turns) for _ in range(helpers)]
    try:
        _quietly(work, turns)
    finally:
        # One that has not begun is not waited for: the pool may be busy with who waits for us.
        begun = [future for future in futures if not future.cancel()]
        errors = [error for future in begun if (error := future.exception()) is not None]
    for error in errors:
        raise error


def _quietly(work: Work, turns: Turns) -> None:
    with np.errstate(all="ignore"):
        try:
            work(turns)
        except BaseException:
            turns.stop()
            raise


@cache
def _pool(process: int) -> Pool:
    """Return the pool of a process; one that was forked has to have its own."""
    return Pool(max(1, threads() - 1), "geojobs-expressions")
