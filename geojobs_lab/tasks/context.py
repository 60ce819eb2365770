"""What a running task can say and ask for: progress, log lines, data behind references.

Owns the context of a run and the functions that tasks call. Who listens (a worker's pipe, a notebook, nobody)
is the context's business; the present one travels in a context variable, so that a task needs no argument for it
and two runs in two threads do not meet.
"""

from __future__ import annotations

import logging
import math
from abc import ABC, abstractmethod
from collections.abc import Iterable, Iterator, Sized
from contextlib import contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Final, NoReturn, TypeVar

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidReference
from geojobs_lab.parameters import Resolver

if TYPE_CHECKING:
    import xarray as xr

Item = TypeVar("Item")

_LEVELS: Final = ("DEBUG", "INFO", "WARNING", "ERROR", "CRITICAL")
_TRACK_STEPS = 200  # reports of one `track` at most: more than a progress bar shows
_logger = logging.getLogger(__name__)


class RunContext(ABC):
    """Where one run's progress and log go, and where its references lead.

    Attributes
    ----------
    resolver : Resolver
        Opens what ``service://`` references point at.
    """

    resolver: Resolver

    @abstractmethod
    def report(self, fraction: float | None, message: str | None) -> None:
        """Take the progress, 0..1 (None: as before), and what is being done (None: as before)."""

    @abstractmethod
    def log(self, level: str, message: str) -> None:
        """Take a log line; `level` is the name of a logging level."""


class _NoResolver:
    def raster(self, reference: ServiceReference) -> xr.DataArray:
        self._refuse(reference, "xarray.DataArray")

    def dataset(self, reference: ServiceReference) -> xr.Dataset:
        self._refuse(reference, "xarray.Dataset")

    def _refuse(self, reference: ServiceReference, instead: str) -> NoReturn:
        raise InvalidReference(
            f"{str(reference)!r}: a task that is called directly knows no services; submit it as a job, or give it "
            f"the {instead} itself",
            value=str(reference),
        )


class OutsideContext(RunContext):
    """The context of a task that is called directly: log lines go to `logging`, progress nowhere."""

    resolver = _NoResolver()

    def report(self, fraction: float | None, message: str | None) -> None:
        """Nobody looks."""

    def log(self, level: str, message: str) -> None:
        _logger.log(logging.getLevelNamesMapping()[level], "%s", message)


OUTSIDE: Final = OutsideContext()
_context: ContextVar[RunContext] = ContextVar("geojobs_lab_run", default=OUTSIDE)


def current_context() -> RunContext:
    """Return the context of the run that is under way here."""
    return _context.get()


@contextmanager
def use_context(context: RunContext) -> Iterator[RunContext]:
    """Make `context` the present one inside the ``with``."""
    token = _context.set(context)
    try:
        yield context
    finally:
        _context.reset(token)


def progress(fraction: float, message: str | None = None) -> None:
    """Say how far the task is.

    Parameters
    ----------
    fraction : float
        0..1; what lies outside counts as the nearer end.
    message : str, optional
        What the task is doing; the last one stays when it is left out.

    Raises
    ------
    ValueError
        `fraction` is NaN.
    """
    if math.isnan(fraction):
        raise ValueError("progress takes a fraction from 0 to 1, not NaN")
    current_context().report(min(max(float(fraction), 0.0), 1.0), message)


def track(iterable: Iterable[Item], message: str | None = None, total: int | None = None) -> Iterator[Item]:
    """Yield the items of `iterable`, and report the share that is done after each.

    Parameters
    ----------
    iterable : iterable
        What is worked through.
    message : str, optional
        What the task is doing.
    total : int, optional
        How many items there are, where `iterable` has no length; without either, only the message is reported.
    """
    count = len(iterable) if total is None and isinstance(iterable, Sized) else total
    if count or message is not None:
        current_context().report(0.0 if count else None, message)
    shown = 0
    for done, item in enumerate(iterable, start=1):
        yield item
        step = min(done, count) * _TRACK_STEPS // count if count else 0
        if count and step > shown:
            shown = step
            current_context().report(min(done / count, 1.0), message)


def log(message: str, level: str = "INFO") -> None:
    """Write a line to the job's log.

    Raises
    ------
    ValueError
        `level` is not the name of a logging level.
    """
    if level.upper() not in _LEVELS:
        raise ValueError(f"level: must be one of {', '.join(_LEVELS)}, not {level!r}")
    current_context().log(level.upper(), str(message))
