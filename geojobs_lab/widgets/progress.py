"""The bar of a task that is called directly in a notebook: how far it is, what it does, how long it has taken.

A thread of its own draws it, so that a task reports without waiting and one that reports nothing is seen to run. It is
plain HTML with its style in it, which a saved notebook keeps and any front end shows.
"""

import logging
import math
import threading
import time
from contextvars import copy_context
from html import escape
from typing import Final
from uuid import uuid4

_DELAY: Final = 0.5  # seconds: what ends sooner shows nothing
_STEP: Final = 0.1  # seconds between two pictures
_TICK: Final = 1.0  # seconds after which the time is shown anew though nothing was reported
_LONGEST: Final = 200  # characters of a message

_ACCENT: Final = "var(--jp-brand-color1, #1976d2)"
_GOOD: Final = "var(--jp-success-color1, #2e7d32)"
_BAD: Final = "var(--jp-error-color1, #c62828)"
_QUIET: Final = "opacity: 0.7"
_UNKNOWN: Final = (
    "repeating-linear-gradient(-45deg, rgba(128, 128, 128, 0.45) 0 6px, rgba(128, 128, 128, 0.2) 6px 12px)"
)
_logger = logging.getLogger(__name__)


class TaskProgress:
    """Shows one call of a task in the output of the running cell.

    Parameters
    ----------
    title : str
        What the task is called.
    """

    def __init__(self, title: str) -> None:
        self._title = title
        self._start = time.monotonic()
        self._stand: tuple[float | None, str] = (None, "")
        self._display_id = ""  # until there is something to see
        self._ended = threading.Event()
        # With the context of the cell, which tells the kernel in whose output a picture belongs.
        self._thread = threading.Thread(
            target=copy_context().run, args=(self._follow,), name="geojobs-progress", daemon=True
        )
        self._thread.start()

    def report(self, fraction: float | None, message: str | None) -> None:
        """Take the progress, 0..1 (None: as before), and what is being done (None: as before)."""
        before, said = self._stand
        self._stand = (before if fraction is None else fraction, said if message is None else message)

    def finish(self, error: BaseException | None) -> None:
        """Replace the bar by a line that says how the call has ended."""
        self._ended.set()
        self._thread.join()
        if self._display_id:
            self._draw(_end_html(self._title, error, self._seconds()), _end_text(self._title, error, self._seconds()))

    def _follow(self) -> None:
        try:
            if not self._ended.wait(_DELAY):
                self._draw_until_the_end()
        except Exception:  # a picture of the work must not harm the work
            _logger.debug("The progress cannot be shown", exc_info=True)

    def _draw_until_the_end(self) -> None:
        shown, last = None, -math.inf
        while True:
            stand, now = self._stand, self._seconds()
            if stand != shown or now - last >= _TICK:
                shown, last = stand, now
                self._draw(_bar_html(self._title, *stand, now), _bar_text(self._title, *stand, now))
            if self._ended.wait(_STEP):
                return

    def _draw(self, html: str, text: str) -> None:
        from IPython.display import display, update_display

        data = {"text/html": html, "text/plain": text}
        if self._display_id:
            update_display(data, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]
        else:
            self._display_id = uuid4().hex
            display(data, raw=True, display_id=self._display_id)  # type: ignore[no-untyped-call]

    def _seconds(self) -> float:
        return time.monotonic() - self._start


def _bar_html(title: str, fraction: float | None, message: str, seconds: float) -> str:
    share = "" if fraction is None else f"{fraction:.0%}"
    fill = (
        f'<div style="height: 100%; background: {_UNKNOWN}"></div>'
        if fraction is None
        else f'<div style="height: 100%; width: {fraction:.1%}; background: {_ACCENT}"></div>'
    )
    now = "" if fraction is None else f' aria-valuenow="{fraction * 100:.0f}"'
    bar = (
        f'<div role="progressbar" aria-label="{escape(title)}" aria-valuemin="0" aria-valuemax="100"{now} style="'
        "flex: 0 0 180px; height: 8px; border-radius: 4px; overflow: hidden; "
        f'background: rgba(128, 128, 128, 0.25)">{fill}</div>'
    )
    width = "flex: none; min-width: 3em; text-align: right; font-variant-numeric: tabular-nums"
    return _line(
        _title_html(title),
        bar,
        f'<span style="{width}">{share}</span>' if share else "",
        f'<span style="{_QUIET}; overflow: hidden; text-overflow: ellipsis">{escape(_short(message))}</span>'
        if message
        else "",
        f'<span style="{_QUIET}; flex: none; font-variant-numeric: tabular-nums">{_duration(seconds)}</span>',
    )


def _end_html(title: str, error: BaseException | None, seconds: float) -> str:
    sign, words = _end(error)
    color = _GOOD if error is None else "inherit" if isinstance(error, KeyboardInterrupt) else _BAD
    said = f'<span style="{_QUIET}">{escape(words)} {_duration(seconds, precise=True)}</span>'
    return _line(f'<span style="color: {color}; font-weight: 600">{sign}</span>', _title_html(title), said)


def _bar_text(title: str, fraction: float | None, message: str, seconds: float) -> str:
    parts = (title, "" if fraction is None else f"{fraction:.0%}", _short(message), _duration(seconds))
    return "  ".join(filter(None, parts))


def _end_text(title: str, error: BaseException | None, seconds: float) -> str:
    sign, words = _end(error)
    return f"{sign} {title}  {words} {_duration(seconds, precise=True)}"


def _end(error: BaseException | None) -> tuple[str, str]:
    if error is None:
        return "✓", "done in"
    if isinstance(error, KeyboardInterrupt):
        return "■", "stopped after"
    return "✗", f"failed with {type(error).__name__} after"


def _line(*parts: str) -> str:
    style = "display: flex; align-items: center; gap: 10px; max-width: 760px; padding: 2px 0; white-space: nowrap"
    return f'<div style="{style}; font-family: var(--jp-ui-font-family, system-ui, sans-serif)">{"".join(parts)}</div>'


def _title_html(title: str) -> str:
    return f'<span style="flex: none; font-weight: 600">{escape(_short(title))}</span>'


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= _LONGEST else f"{line[: _LONGEST - 1]}…"


def _duration(seconds: float, *, precise: bool = False) -> str:
    if seconds < 60:
        return f"{seconds:.1f} s" if precise else f"{seconds:.0f} s"
    return f"{int(seconds // 60)} min {int(seconds % 60):02d} s"
