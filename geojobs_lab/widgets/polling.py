"""A thread that looks for news again and again: the second source of a widget, beside the page's own questions."""

import logging
import threading
from collections.abc import Callable

from geojobs_lab.errors import ClientError

_log = logging.getLogger(__name__)

_LONGEST = 15.0  # seconds between two looks while the server does not answer
_PATIENCE = 2.0  # seconds that stopping waits for a look under way


class Poller:
    """Calls a step until that returns False or the poller is stopped.

    Parameters
    ----------
    step : callable
        Asked again after `pause`, more slowly while it raises a ClientError. It gets an event that is set when nobody
        wants its result any more.
    pause : float
        Seconds.
    """

    def __init__(self, step: Callable[[threading.Event], bool], *, pause: float) -> None:
        self._step = step
        self._pause = pause
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, name="geojobs-widget", daemon=True)
        self._thread.start()

    @property
    def is_alive(self) -> bool:
        """Tell whether it still looks."""
        return self._thread.is_alive()

    def stop(self) -> None:
        """End the thread; a second call does nothing."""
        self._over.set()
        if self._thread is not threading.current_thread():
            self._thread.join(_PATIENCE)

    def _run(self) -> None:
        pause = self._pause
        while not self._over.is_set():
            try:
                if not self._step(self._over):
                    return
                pause = self._pause
            except ClientError as error:
                _log.debug("No news: %s", error)
                pause = min(2 * pause, _LONGEST)
            self._over.wait(pause)
