"""Showing how far a task is that is called directly in a notebook.

What is shown is the business of whoever offers the entry point ``progress`` of the group ``geojobs_lab.displays``;
outside of a notebook's kernel it is not even loaded. Whatever goes wrong with the display, the task goes on.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import cache
from importlib.metadata import entry_points
from typing import Final, Protocol

from geojobs_lab.tasks.context import OUTSIDE, OutsideContext, current_context, use_context

GROUP: Final = "geojobs_lab.displays"
_logger = logging.getLogger(__name__)


class ProgressDisplay(Protocol):
    """What the entry point makes of the title of a call that begins."""

    def report(self, fraction: float | None, message: str | None) -> None:
        """Take what `RunContext.report` takes."""

    def finish(self, error: BaseException | None) -> None:
        """Show that the call has ended, by `error` where it failed."""


class _ShownContext(OutsideContext):
    def __init__(self, display: ProgressDisplay) -> None:
        self._display: ProgressDisplay | None = display

    def report(self, fraction: float | None, message: str | None) -> None:
        self._tell(lambda display: display.report(fraction, message))

    def finish(self, error: BaseException | None) -> None:
        self._tell(lambda display: display.finish(error))

    def _tell(self, say: Callable[[ProgressDisplay], None]) -> None:
        try:
            if self._display is not None:
                say(self._display)
        except Exception:  # a picture of the work must not harm the work
            _logger.debug("The progress cannot be shown", exc_info=True)
            self._display = None


@contextmanager
def shown(title: str) -> Iterator[None]:
    """Show the progress of what runs inside the ``with``, where it is nobody's part and somebody can look."""
    display = _begin(title) if current_context() is OUTSIDE else None
    if display is None:
        yield
        return
    context = _ShownContext(display)
    try:
        with use_context(context):
            yield
    except BaseException as error:
        context.finish(error)
        raise
    context.finish(None)


def _begin(title: str) -> ProgressDisplay | None:
    if not _is_in_kernel():
        return None
    try:
        kind = _display_kind()
        return None if kind is None else kind(title)
    except Exception:  # see above
        _logger.debug("The progress cannot be shown", exc_info=True)
        return None


def _is_in_kernel() -> bool:
    if "ipykernel" not in sys.modules:
        return False
    shell = getattr(sys.modules.get("IPython"), "get_ipython", lambda: None)()
    return getattr(shell, "kernel", None) is not None


@cache
def _display_kind() -> Callable[[str], ProgressDisplay] | None:
    for point in entry_points(group=GROUP, name="progress"):
        kind: Callable[[str], ProgressDisplay] = point.load()
        return kind
    return None
