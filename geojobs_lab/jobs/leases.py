"""Whether the servers that jobs belong to are still there, on this machine and on others."""

import time
from collections.abc import Collection

from geojobs_lab.jobs.store import JobStore
from geojobs_lab.services.owner import Owner
from geojobs_lab.threads import in_thread


class Leases:
    """Signs of life, given and looked for.

    On one machine the operating system tells. A server on another machine is gone when its count of signs has not
    moved for the whole lease, by the observer's own clock, which stands still while the observer is suspended: clocks
    of two machines are never compared.

    Parameters
    ----------
    lease : float
        Seconds.
    """

    def __init__(self, owner: Owner, store: JobStore, lease: float) -> None:
        self._owner = owner
        self._store = store
        self._lease = lease
        self._seen: dict[str, tuple[int, float]] = {}

    @property
    def pause(self) -> float:
        """Seconds between two signs of life."""
        return self._lease / 6

    async def give_sign(self) -> None:
        """Tell servers on other machines that this one lives."""
        await self._store.beat(self._owner.name)

    async def gone(self, names: Collection[str | None]) -> set[str | None]:
        """Return those of the servers that are gone; to be asked again and again for all that have jobs."""
        states = {name: await in_thread(self._owner.state, name) for name in names}
        gone = {name for name, state in states.items() if state == "gone"}
        away = {name for name, state in states.items() if state == "elsewhere" and name is not None}
        beats = await self._store.beats() if away else {}
        now = time.monotonic()
        for name in away:
            count = beats.get(name, 0)
            seen = self._seen.get(name)
            if seen is None or seen[0] != count:
                self._seen[name] = (count, now)
            elif now - seen[1] > self._lease:
                gone.add(name)
        # One that has no jobs gives no signs, so it is watched from the beginning when it has some again.
        self._seen = {name: seen for name, seen in self._seen.items() if name in away}
        return gone

    async def forget(self, name: str | None) -> None:
        """Forget a server whose jobs have all been settled."""
        if name is not None:
            await in_thread(self._owner.forget, name)
            await self._store.forget_server(name)
