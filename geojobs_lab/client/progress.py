"""A job's progress in a terminal: one line that is written over, or plain lines where nothing can be.

Reads job documents; waiting for them is `job`'s work.
"""

import sys
import time
from typing import TextIO

from geojobs_lab.client.tables import one_line
from geojobs_lab.documents import JobDocument, Status

_WIDTH = 30  # cells of the bar
_COLUMNS = (80, 24)  # of a terminal that does not tell
_STEP = 0.1  # of the work, between two plain lines


class ProgressLine:
    """Shows how far a job is.

    Parameters
    ----------
    stream : file, optional
        Standard error when left out. A terminal gets one live line, anything else a line per new message, status
        or tenth of the work.
    """

    def __init__(self, stream: TextIO | None = None) -> None:
        self._stream = stream or sys.stderr
        self.live = self._stream.isatty()
        self._start = time.monotonic()
        self._shown: tuple[object, ...] = ()
        self._open = False

    def show(self, document: JobDocument) -> None:
        """Show what a document says."""
        if self.live:
            self._over(self._line(document))
            self._open = True
            return
        stand = (document.status, document.message, int((document.progress or 0.0) / _STEP))
        if stand != self._shown:
            self._shown = stand
            self._stream.write(self._line(document) + "\n")
            self._stream.flush()

    def close(self) -> None:
        """End the live line, so that what comes next stands below it."""
        if self._open:
            self._stream.write("\n")
            self._stream.flush()
            self._open = False

    def _over(self, line: str) -> None:
        import shutil  # loads compression libraries

        columns = shutil.get_terminal_size(_COLUMNS).columns
        self._stream.write("\r" + line[: columns - 1].ljust(columns - 1))
        self._stream.flush()

    def _line(self, document: JobDocument) -> str:
        progress = 1.0 if document.status is Status.SUCCESS else document.progress
        parts = [document.job, self._bar(progress)] if self.live else [document.job]
        parts.append("  …" if progress is None else f"{progress:4.0%}")
        parts.append(f"{time.monotonic() - self._start:5.1f} s")
        parts.append(document.status.value)
        if document.message:
            parts.append(document.message)
        return one_line("  ".join(parts))

    def _bar(self, progress: float | None) -> str:
        full, rest = ("█", "░") if "utf" in (self._stream.encoding or "").lower() else ("#", ".")
        done = round((progress or 0.0) * _WIDTH)
        return full * done + rest * (_WIDTH - done)
