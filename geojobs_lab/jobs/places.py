"""How many jobs may begin: the executor's places, and the limits of registered jobs."""

from collections import Counter

from geojobs_lab.jobs.registered import RegisteredJob


class Places:
    """The places of one server's executor; there are none before `open`."""

    def __init__(self) -> None:
        self._free = 0
        self._taken: Counter[str] = Counter()  # registered job -> places

    def open(self, count: int) -> None:
        """Let so many jobs begin."""
        self._free += count

    @property
    def are_free(self) -> bool:
        return self._free > 0

    @property
    def taken(self) -> int:
        """How many jobs have a place."""
        return self._taken.total()

    def may_begin(self, registered: RegisteredJob) -> bool:
        """Tell whether fewer of a registered job have a place than may, whatever is free."""
        most = registered.rules.max_running
        return most is None or self._taken[registered.name] < most

    def take(self, registered: RegisteredJob) -> None:
        """Take one for a job."""
        self._free -= 1
        self._taken[registered.name] += 1

    def leave(self, registered: RegisteredJob) -> None:
        """Give one back."""
        self._free += 1
        self._taken[registered.name] -= 1
