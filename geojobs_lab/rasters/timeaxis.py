"""The time axis of a variable, in every calendar of CF, and how a time that somebody names meets it.

The rule is the REST contract's "How a timestamp meets a calendar".
"""

import math
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field, replace
from datetime import timedelta
from fractions import Fraction
from typing import Any, Self

import cftime
import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters.calendars import Moment, calendar_rule, is_gregorian, month_length, without_cf_warnings

_NUMBER = re.compile(r"\s*[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?\s*", re.ASCII)
_YEAR_ZERO = re.compile(r"since\s*\+?0+\b", re.IGNORECASE)
_MONTHS = re.compile(r"\s*(?P<unit>months?|years?)\s+since\s+(?P<start>.+)", re.IGNORECASE)
_UNITS = {"days": 86_400_000_000, "hours": 3_600_000_000, "seconds": 1_000_000, "microseconds": 1}  # microseconds
_FAR = Fraction(10) ** 300  # seconds; where floats still have room to subtract
_NOISE = 20  # microseconds; what "days since 1800" loses in float64
_LONGEST = 60  # characters of a refused text that are shown


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The steps of a time axis.

    Attributes
    ----------
    name : str
        The dimension.
    calendar : str
        As the file has it; one of CF's.
    stops : tuple of cftime.datetime
        In the order stored.
    """

    name: str
    calendar: str
    stops: tuple[cftime.datetime, ...]
    _moments: tuple[Moment, ...] = field(init=False, repr=False, compare=False)
    _ordinals: tuple[int, ...] = field(init=False, repr=False, compare=False)
    _own_seconds: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)
    _timestamps: npt.NDArray[np.float64] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        calendar_rule(self.calendar)
        moments = tuple(Moment.from_cftime(stop) for stop in self.stops)
        epoch = _epoch(self.calendar)
        ordinals = tuple(moment.ordinal(self.calendar) - epoch for moment in moments)
        own_seconds = np.array([ordinal / 1_000_000 for ordinal in ordinals], dtype=np.float64)
        timestamps = own_seconds
        if not is_gregorian(self.calendar, moments):  # where it is, the two are the same
            timestamps = np.array([moment.unix_seconds() for moment in moments], dtype=np.float64)
        timestamps.flags.writeable = False
        object.__setattr__(self, "_moments", moments)
        object.__setattr__(self, "_ordinals", ordinals)
        object.__setattr__(self, "_own_seconds", own_seconds)
        object.__setattr__(self, "_timestamps", timestamps)

    @classmethod
    def from_numbers(cls, name: str, values: npt.ArrayLike, units: str, calendar: str = "standard") -> Self:
        """Decode the numbers of a CF time variable.

        Raises
        ------
        RasterError
            The units, the calendar or a value cannot be read; the message says which.
        """
        numbers = np.asarray(values)
        if numbers.dtype.kind == "f" and not np.isfinite(numbers).all():
            raise RasterError(f"the time axis {name!r} has missing values")
        try:
            calendar_rule(calendar)
            dates = _decode(numbers, units, calendar)
        except (ValueError, OverflowError, TypeError) as error:
            raise RasterError(f"the time axis {name!r} ({units!r}, calendar {calendar!r}): {error}") from error
        with without_cf_warnings():
            return cls(name, calendar, tuple(_without_noise(date) for date in dates))

    @classmethod
    def from_coordinate(cls, coordinate: xr.Variable | xr.DataArray, name: str) -> Self:
        """Read a decoded time coordinate: datetime64, or cftime objects of one calendar.

        Raises
        ------
        RasterError
            It holds something else, or a time is missing.
        """
        values = np.atleast_1d(np.asarray(coordinate.values))
        if values.dtype.kind == "M":
            if np.isnat(values).any():
                raise RasterError(f"the time axis {name!r} has missing values")
            calendar = str(coordinate.encoding.get("calendar", "proleptic_gregorian"))
            moments = [_moment_of_datetime64(value) for value in values.astype("datetime64[us]").astype(np.int64)]
            if not is_gregorian(calendar, moments):
                calendar = "proleptic_gregorian"  # what datetime64 counts by
            return cls(name, calendar, tuple(moment.to_cftime(calendar) for moment in moments))
        if values.size and all(isinstance(value, cftime.datetime) for value in values):
            return cls(name, values[0].calendar, tuple(values))
        raise RasterError(f"the time axis {name!r} holds {values.dtype}, not dates")

    def to_numbers(self) -> tuple[npt.NDArray[Any], dict[str, str]]:
        """Return exact numbers, (n,), in the largest unit that allows it, and CF's attributes that decode them."""
        unit = next(unit for unit, size in _UNITS.items() if not any(ordinal % size for ordinal in self._ordinals))
        numbers = [ordinal // _UNITS[unit] for ordinal in self._ordinals]
        exact_as_float = all(abs(number) < 2**53 for number in numbers)
        attributes = {
            "standard_name": "time",
            "axis": "T",
            "units": f"{unit} since 1970-01-01 00:00:00",
            "calendar": calendar_rule(self.calendar),
        }
        return np.array(numbers, dtype=np.float64 if exact_as_float else np.int64), attributes

    def __len__(self) -> int:
        return len(self.stops)

    @property
    def timestamps(self) -> npt.NDArray[np.float64]:
        """The Unix seconds of the steps, (n,), read-only."""
        return self._timestamps

    @property
    def isos(self) -> tuple[str, ...]:
        """The ISO texts of the steps in the axis' own calendar."""
        return tuple(str(moment) for moment in self._moments)

    @property
    def ordinals(self) -> tuple[int, ...]:
        """The microseconds since 1970-01-01 counted in the axis' own calendar."""
        return self._ordinals

    def index(self, moment: float | str | None, *, best_fit: bool = True) -> int:
        """Return the position of the step nearest to a time, the earlier of two equally near.

        Parameters
        ----------
        moment : float, str or None
            Unix seconds, as a number or as its text; or an ISO text in the axis' own calendar, of which the
            later parts may be left out; None means the first step. A text that reads as a number is one.
        best_fit : bool
            False accepts an exact match only.

        Raises
        ------
        InvalidInput
            With the field ``"time"``.
        """
        if not self.stops:
            raise InvalidInput(f"time: the axis {self.name!r} has no steps", field="time", value=moment)
        if moment is None:
            return 0
        by_calendar = isinstance(moment, str) and not _NUMBER.fullmatch(moment)
        distance, position = self._by_calendar(str(moment)) if by_calendar else self._by_seconds(moment)
        if distance and not best_fit:
            raise InvalidInput(
                f"time: no step of {self.name!r} is exactly at {_shown(moment)}; the nearest is "
                f"{self.isos[position]} ({self.timestamps[position]:.17g} s)",
                field="time",
                value=moment,
            )
        return position

    def _by_calendar(self, text: str) -> tuple[Fraction, int]:
        """Return the distance to the nearest step in the calendar's own seconds, and its position."""
        try:
            wanted = Moment.parse(text, self.calendar).ordinal(self.calendar) - _epoch(self.calendar)
        except ValueError as error:
            reason = str(error) if len(text) <= _LONGEST else f"{_shown(text)} is no ISO date"
            raise _refusal(reason, text) from None
        exact = self.ordinals
        return _nearest(self._own_seconds, lambda i: Fraction(exact[i], 1_000_000), Fraction(wanted, 1_000_000))

    def _by_seconds(self, moment: float | str) -> tuple[Fraction, int]:
        """Return the distance to the nearest step in seconds, and its position."""
        seconds = float(moment)
        if isinstance(moment, bool) or not math.isfinite(seconds):
            raise _refusal(f"{_shown(moment)} is no time", moment)
        return _nearest(self._timestamps, lambda i: Fraction(float(self._timestamps[i])), Fraction(seconds))


def _nearest(
    rounded: npt.NDArray[np.float64], exact: Callable[[int], Fraction], wanted: Fraction
) -> tuple[Fraction, int]:
    """Return the distance and the position of the nearest, the lesser of two equally near, the first of equals.

    Floats find the few that can be nearest, fractions decide between them.
    """
    middle = float(min(max(wanted, -_FAR), _FAR))
    distances = np.abs(rounded - middle)
    least = distances.min()
    slack = 8 * np.spacing(max(np.abs(rounded).max(), abs(middle)))
    candidates = ((exact(int(i)), int(i)) for i in np.flatnonzero(distances - least <= slack))
    distance, _, position = min((abs(at - wanted), at, i) for at, i in candidates)
    return distance, position


def _epoch(calendar: str) -> int:
    return Moment(1970).ordinal(calendar)


def _refusal(reason: str, moment: object) -> InvalidInput:
    return InvalidInput(f"time: {reason}; wanted are Unix seconds or an ISO date", field="time", value=moment)


def _shown(moment: object) -> str:
    return repr(moment[:_LONGEST] + "…" if isinstance(moment, str) and len(moment) > _LONGEST else moment)


def is_refused_by_xarray(units: str) -> bool:
    """Tell whether a time's units are of the kind ``days since 0000-01-01``, or ``months since 1990-01-01``."""
    return _YEAR_ZERO.search(units) is not None or _MONTHS.fullmatch(units) is not None


def _decode(numbers: npt.NDArray[Any], units: str, calendar: str) -> Iterable[cftime.datetime]:
    months = _MONTHS.fullmatch(units)
    if months is not None:
        (start,) = _decode(np.zeros(1), f"days since {months['start']}", calendar)
        years = 12.0 if months["unit"].lower().startswith("year") else 1.0
        first = Moment.from_cftime(start)
        return [_months_later(first, float(number) * years, calendar) for number in np.atleast_1d(numbers)]
    # cftime refuses a reference year 0 in calendars that have none, unless told otherwise.
    from_year_zero = _YEAR_ZERO.search(units) is not None
    with without_cf_warnings():
        dates = np.atleast_1d(
            cftime.num2date(
                numbers, units, calendar, only_use_cftime_datetimes=True, has_year_zero=from_year_zero or None
            )
        )
    return [Moment.from_cftime(date).to_cftime(calendar) for date in dates] if from_year_zero else dates


def _months_later(first: Moment, months: float, calendar: str) -> cftime.datetime:
    """Return the date so many months of the calendar later; of the last one a part: 0.5 is the middle of the month.

    UDUNITS' month is a twelfth of a year whatever the calendar, but files that count in months mean these.
    """
    whole = math.floor(months)
    years, month = divmod(first.month - 1 + whole, 12)
    year, month = first.year + years, month + 1
    length = month_length(calendar_rule(calendar), year, month)
    begin = replace(first, year=year, month=month, day=min(first.day, length)).to_cftime(calendar)
    return begin + timedelta(days=(months - whole) * length)


def _without_noise(date: cftime.datetime) -> cftime.datetime:
    """Return the whole second that a date misses by rounding errors alone, or the date."""
    if date.microsecond == 0:
        return date
    if date.microsecond <= _NOISE:
        return date - timedelta(microseconds=date.microsecond)
    if date.microsecond >= 1_000_000 - _NOISE:
        return date + timedelta(microseconds=1_000_000 - date.microsecond)
    return date


def _moment_of_datetime64(microseconds: int) -> Moment:
    days, within = divmod(int(microseconds), 86_400_000_000)
    year, month, day = _civil(days)
    seconds, rest = divmod(within, 1_000_000)
    return Moment(year, month, day, seconds // 3600, seconds // 60 % 60, seconds % 60, rest)


def _civil(days: int) -> tuple[int, int, int]:
    """Return (year, month, day), proleptic Gregorian, of days since 1970-01-01."""
    text = str(np.datetime64(days, "D"))
    year, month, day = text.rsplit("-", 2)
    return int(year), int(month), int(day)
