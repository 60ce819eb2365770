"""How a running task speaks to the server: its progress, its log, and what Python's logging carries."""

import logging
import threading
from collections.abc import Mapping
from typing import Any, Self

from geojobs_lab.documents import format_time, utc_now
from geojobs_lab.jobs.channel import Channel
from geojobs_lab.tasks import RunContext

_PAUSE = 0.05  # seconds between two reports of progress; the newest wins
_LONGEST_STATUS = 1000  # characters of the message that a job's document shows
LONGEST_MESSAGE = 10_000  # characters of one line of a log


class ChannelContext(RunContext):
    """The run context of a job: progress and log go down the channel, the newest progress never waits long."""

    def __init__(self, channel: Channel, message: Mapping[str, Any]) -> None:
        from geojobs_lab.services.references import FileResolver

        self._channel = channel
        self.resolver = FileResolver(message["services"], best_fit=message["best_fit_time"])
        self._newest: tuple[float | None, str | None] = (None, None)
        self._sent: tuple[float | None, str | None] = (None, None)
        self._wake = threading.Event()
        self._over = threading.Event()
        self._thread: threading.Thread | None = None
        self._reporting = threading.Lock()  # a task may report from threads of its own

    def report(self, fraction: float | None, message: str | None) -> None:
        with self._reporting:
            before = self._newest
            text = before[1] if message is None else str(message)[:_LONGEST_STATUS]
            self._newest = (before[0] if fraction is None else fraction, text)
            if self._thread is None:
                self._thread = threading.Thread(target=self._send_newest, name="geojobs-progress", daemon=True)
                self._thread.start()
        self._wake.set()

    def log(self, level: str, message: str) -> None:
        send_line(self._channel, level, message)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self._over.set()
        self._wake.set()
        if self._thread is not None and self._thread.is_alive():
            self._thread.join()
        self._flush()

    def _send_newest(self) -> None:
        while not self._over.is_set():
            self._wake.wait()
            self._wake.clear()
            self._flush()
            self._over.wait(_PAUSE)

    def _flush(self) -> None:
        newest = self._newest
        if newest != self._sent:
            self._sent = newest
            self._channel.send({"type": "progress", "progress": newest[0], "message": newest[1]})


class ChannelHandler(logging.Handler):
    """Python's logging, and with it the warnings, as lines of the job's log."""

    def __init__(self, channel: Channel) -> None:
        super().__init__()
        self._channel = channel

    def emit(self, record: logging.LogRecord) -> None:
        try:
            send_line(self._channel, record.levelname, self.format(record))
        except Exception:  # noqa: BLE001  as every logging handler
            self.handleError(record)


def send_line(channel: Channel, level: str, message: str) -> None:
    """Send a line of the job's log."""
    time = format_time(utc_now())
    channel.send({"type": "log", "time": time, "level": level, "message": str(message)[:LONGEST_MESSAGE]})
