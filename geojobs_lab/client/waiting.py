"""The rounds of one wait for a job: how long each may take, what is shown, what is borne.

Knows clocks and documents; the requests are `job`'s, made in its two ways, blocking and not.
"""

import time
from typing import Any

from geojobs_lab.client.progress import ProgressLine
from geojobs_lab.documents import JobDocument
from geojobs_lab.errors import RequestRefused, ServerNotFound, WaitTimeout

_POLL = 20.0  # seconds that one long-poll may take
_TICK = 1.0  # seconds between two pictures of a live progress line, and between two tries to reach a lost server
_PAUSE = 0.05  # seconds between two polls, whatever the pace of a task's reports
_PATIENCE = 30.0  # seconds without an answer that a wait bears: a server starts anew, a network drops


class Waiting:
    """One wait.

    Parameters
    ----------
    timeout : float or None
        Seconds; None waits forever.
    progress : bool or None
        Whether standard error shows the progress; None: when it is a terminal.

    Attributes
    ----------
    pause : float
        Seconds to let pass before the next request.
    """

    def __init__(self, timeout: float | None, progress: bool | None) -> None:
        self._timeout = timeout
        self._start = self._answered = time.monotonic()
        self._asked = False
        line = ProgressLine()
        self._line = line if progress or (progress is None and line.live) else None
        self.pause = _PAUSE

    def request(self, document: JobDocument) -> dict[str, Any]:
        """Return the arguments of the next request.

        Raises
        ------
        WaitTimeout
            The time is over.
        """
        seconds = _POLL if self._line is None or not self._line.live else _TICK
        if self._timeout is not None:
            left = max(0.0, self._start + self._timeout - time.monotonic())
            if left == 0.0 and self._asked:
                state = f"is {document.status.value} after {self._timeout} s and goes on"
                raise WaitTimeout(f"job {document.job!r} ({document.uuid}) {state}", job_id=document.uuid)
            seconds = min(seconds, left)
        self._asked = True
        return {
            "doing": f"waiting for the job {document.uuid}",
            "params": {"wait": f"{seconds:.3f}", "revision": document.revision},
            "waiting": seconds,
        }

    def hear(self, document: JobDocument) -> None:
        """Take an answer."""
        self._answered, self.pause = time.monotonic(), _PAUSE
        if self._line is not None:
            self._line.show(document)

    def bear(self, error: ServerNotFound | RequestRefused) -> None:
        """Bear for a while that nothing answers, or that the server is stopping; raise anything else."""
        is_refused = isinstance(error, RequestRefused) and error.status != 503
        if is_refused or time.monotonic() - self._answered > _PATIENCE:
            raise error
        self.pause = _TICK

    def close(self) -> None:
        """End what is shown."""
        if self._line is not None:
            self._line.close()
