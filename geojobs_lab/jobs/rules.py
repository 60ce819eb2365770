"""How a registered job is run: for how long, how often again, how many at once."""

import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from geojobs_lab.errors import ConfigurationError

CRASHED = "WorkerCrashed"

_LONGEST_DELAY = 300.0  # seconds between two tries


@dataclass(frozen=True, slots=True)
class Rules:
    """What the configuration says of running a job.

    Attributes
    ----------
    timeout : float or None
        Seconds that it may run; None for what the server says.
    retries : int
        How often it is tried again after a crash of its worker, or after an error of `retry_on`.
    retry_on : sequence of str
        Names of exceptions, or of classes that they are derived from.
    retry_delay : float
        Seconds before the first new try; twice as many before each further one, 300 at the most.
    restartable : bool
        Whether it may begin anew after its server has gone.
    max_running : int or None
        How many of them the server runs at once.
    """

    timeout: float | None = None
    retries: int = 0
    retry_on: Sequence[str] = ()
    retry_delay: float = 1.0
    restartable: bool = False
    max_running: int | None = None

    def time_limit(self, of_server: float | None, of_submission: float | None) -> float | None:
        """Return the seconds that a job may run: a submission may only ask for less than the configuration allows."""
        limits = (of_server if self.timeout is None else self.timeout, of_submission)
        return min((limit for limit in limits if limit is not None), default=None)

    def delay(self, kinds: Sequence[str], retried: int) -> float | None:
        """Return the seconds to wait before a job is tried again, None when it is not.

        Parameters
        ----------
        kinds : sequence of str
            What it failed with: the names of the exception's class and of its bases.
        retried : int
            How often it has been tried again already.
        """
        if retried >= self.retries or not {CRASHED, *self.retry_on} & set(kinds):
            return None
        return min(self.retry_delay * 2.0 ** min(retried, 30), _LONGEST_DELAY)


def read_rules(name: str, entry: Mapping[str, Any]) -> Rules:
    """Read the rules in an entry of `registered_jobs`.

    Raises
    ------
    ConfigurationError
        A value cannot be used; the message names key and value.
    """

    def read(key: str, default: Any, fits: Callable[[Any], bool], wanted: str) -> Any:
        value = entry.get(key, default)
        if value is default or fits(value):
            return value
        raise ConfigurationError(f"{key!r} must be {wanted}, not {value!r}", entry=name)

    return Rules(
        timeout=read("timeout", None, lambda v: _is_number(v) and v > 0, "a number of seconds greater than 0"),
        retries=read("retries", 0, lambda v: _is_whole(v) and v >= 0, "a whole number from 0 on"),
        retry_on=tuple(read("retry_on", (), _are_names, "a list of names of exceptions")),
        retry_delay=read("retry_delay", 1.0, lambda v: _is_number(v) and v >= 0, "a number of seconds from 0 on"),
        restartable=read("restartable", False, lambda v: isinstance(v, bool), "True or False"),
        max_running=read("max_running", None, lambda v: _is_whole(v) and v >= 1, "a whole number from 1 on"),
    )


def _are_names(value: object) -> bool:
    return isinstance(value, list | tuple | set | frozenset) and all(isinstance(one, str) for one in value)


def _is_number(value: object) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)
