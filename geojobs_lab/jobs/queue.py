"""The jobs that wait: those of higher priority first, first come first served among equals."""

import heapq
import itertools
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Any

from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.jobs.registered import RegisteredJob


@dataclass(frozen=True, slots=True)
class Order:
    """A job that waits, checked and ready to be handed to the executor."""

    job: Job
    registered: RegisteredJob
    values: Mapping[str, Any]
    services: Mapping[str, str]  # name -> path


class JobQueue:
    """Orders by registered job, so that one whose limit is reached holds up no other."""

    def __init__(self) -> None:
        self._orders: dict[str, Order] = {}
        self._heaps: dict[str, list[tuple[int, int, Order]]] = {}
        self._numbers = itertools.count()

    def __len__(self) -> int:
        return len(self._orders)

    @property
    def uuids(self) -> Collection[str]:
        """The jobs that wait."""
        return self._orders.keys()

    def add(self, order: Order) -> None:
        """Put an order behind the others of its priority."""
        self._orders[order.job.uuid] = order
        entry = (-order.job.priority, next(self._numbers), order)
        heapq.heappush(self._heaps.setdefault(order.job.job, []), entry)

    def get(self, uuid: str) -> Order | None:
        """Return the order of a job, if it waits."""
        return self._orders.get(uuid)

    def remove(self, uuid: str) -> Order | None:
        """Take a job out, if it waits."""
        return self._orders.pop(uuid, None)

    def take(self, may_run: Callable[[RegisteredJob], bool]) -> Order | None:
        """Take the next order of a registered job that may run now."""
        heads = []
        for name, heap in list(self._heaps.items()):
            while heap and self._orders.get(heap[0][2].job.uuid) is not heap[0][2]:
                heapq.heappop(heap)  # it was taken out
            if not heap:
                del self._heaps[name]
            elif may_run(heap[0][2].registered):
                heads.append(heap)
        if not heads:
            return None
        _, _, order = heapq.heappop(min(heads, key=lambda heap: heap[0][:2]))
        return self._orders.pop(order.job.uuid)
