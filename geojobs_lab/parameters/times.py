"""The kinds whose values are dates and times of the ordinary calendar.

A year has the four digits that ISO 8601 gives it, 0001 to 9999; dates of other calendars are read where the same
day exists here.
"""

from datetime import UTC, date, datetime, time
from typing import Any, TypeVar

from geojobs_lab.parameters.base import Parameter, limits, show

Day = TypeVar("Day", date, datetime)


class _TimeParameter(Parameter):
    """What dates and times have in common."""

    options = ("minimum", "maximum")
    documented = ("minimum", "maximum")
    format = ""

    def __init__(
        self, name: str, required: bool = True, *, minimum: Any = None, maximum: Any = None, **common: Any
    ) -> None:
        self.minimum, self.maximum = (self._limit(name, end) for end in (minimum, maximum))
        if self.minimum is not None and self.maximum is not None and _moment(self.minimum) > _moment(self.maximum):
            raise ValueError(f"{name}: the minimum {self.minimum} lies above the maximum {self.maximum}")
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> Any:
        """Return the value, or raise ParameterNotValidError."""
        found = self._convert(read_time(value))
        if found is None or not self._is_within(found):
            self.refuse(value)
        return found

    def expected(self) -> str:
        """Say what is accepted, limits included."""
        ends = (None if end is None else end.isoformat() for end in (self.minimum, self.maximum))
        return f"{self.wanted}{limits(*ends)}"

    def _limit(self, name: str, end: Any) -> Any:
        found = self._convert(read_time(end))
        if found is None and end is not None:
            raise ValueError(f"{name}: a limit must be {self.wanted}, not {show(end)}")
        return found

    def _convert(self, found: datetime | None) -> date | None:
        raise NotImplementedError

    def _is_within(self, found: date) -> bool:
        above = self.minimum is None or _moment(found) >= _moment(self.minimum)
        return above and (self.maximum is None or _moment(found) <= _moment(self.maximum))

    def _schema(self) -> dict[str, Any]:
        # JSON Schema has no limits for texts; these keywords are widely understood, and ignored elsewhere.
        ends = {"formatMinimum": self.minimum, "formatMaximum": self.maximum}
        return {"type": "string", "format": self.format} | {
            key: end.isoformat() for key, end in ends.items() if end is not None
        }


class DateParameter(_TimeParameter):
    """Accepts a date: a `datetime.date`, its ISO text, a numpy, pandas or cftime time at midnight.

    Parameters
    ----------
    minimum, maximum : date, optional
        The first and the last date that is accepted, as anything that the parameter itself accepts.

    Raises
    ------
    ValueError
        A limit is no date, or `minimum` lies above `maximum`.
    """

    id = "date"
    wanted = "a date like '2070-01-31'"
    format = "date"

    def _convert(self, found: datetime | None) -> date | None:
        return found.date() if found is not None and found.time() == time() else None


class DateTimeParameter(_TimeParameter):
    """Accepts a date and time: a `datetime.datetime`, its ISO text, a date, a numpy, pandas or cftime time.

    One with an offset from UTC keeps it and one without stays without; only to compare it with a limit, the latter
    counts as UTC. What is finer than a microsecond is cut off.

    Parameters
    ----------
    minimum, maximum : datetime, optional
        The earliest and the latest time that is accepted, as anything that the parameter itself accepts.

    Raises
    ------
    ValueError
        A limit is no time, or `minimum` lies above `maximum`.
    """

    id = "datetime"
    wanted = "a date and time like '2070-01-31T12:00:00' or '2070-01-31T12:00:00Z'"
    format = "date-time"

    def _convert(self, found: datetime | None) -> datetime | None:
        return found


def read_time(value: Any) -> datetime | None:
    """Return what a value says as a plain `datetime.datetime`, or None where it says no time."""
    if type(value) is datetime:
        return value
    text = _iso_text(value)
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text)
    except ValueError:
        return None


def _iso_text(value: Any) -> str | None:
    if isinstance(value, str):
        return value.strip()
    dtype = getattr(value, "dtype", None)
    if getattr(dtype, "kind", "") == "M" and getattr(value, "ndim", None) == 0:  # numpy and xarray
        return str(getattr(value, "values", value).astype("datetime64[us]"))
    # dates, and what is like them: pandas' (whose own conversion warns of nanoseconds) and cftime's
    return value.isoformat() if hasattr(value, "isoformat") else None


def _moment(found: date) -> datetime:
    moment = found if isinstance(found, datetime) else datetime.combine(found, time())
    return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
