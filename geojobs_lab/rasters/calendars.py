"""Dates in the calendars of CF: their days, their ISO texts, and the Unix seconds they stand for.

All years here are astronomical: 0 is the year before 1. Reading a file's numbers into dates is `timeaxis`'
work.
"""

import re
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Self

import cftime

from geojobs_lab.documents import is_iso_time

_ALIASES = {
    "gregorian": "standard",
    "365_day": "noleap",
    "366_day": "all_leap",
    # Atomic and coordinated time have no dates before 1958, where all of these agree.
    "tai": "standard",
    "utc": "standard",
}
CALENDARS = ("standard", "proleptic_gregorian", "julian", "noleap", "all_leap", "360_day")

_LENGTHS = (31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
_REFORM = (1582, 10, 15)  # the first Gregorian day of the standard calendar; 4 October went before
_DAY = 86_400_000_000  # microseconds
_UNIX_EPOCH = 719_468  # days from 0000-03-01 to 1970-01-01, proleptic Gregorian

_PARTS = re.compile(
    r"(?P<year>[+-]?\d+)(?:-(?P<month>\d\d)(?:-(?P<day>\d\d)"
    r"(?:[T ](?P<hour>\d\d)(?::(?P<minute>\d\d)(?::(?P<second>\d\d)(?:\.(?P<fraction>\d+))?)?)?Z?)?)?)?"
)


def calendar_rule(calendar: str) -> str:
    """Return which of `CALENDARS` a calendar's name means.

    Raises
    ------
    ValueError
        It is none of CF's.
    """
    name = calendar.strip().lower()
    name = _ALIASES.get(name, name)
    if name not in CALENDARS:
        raise ValueError(f"{calendar!r} is not a calendar of CF")
    return name


@contextmanager
def without_cf_warnings() -> Iterator[None]:
    """Keep cftime from warning of every date before year 1 in the calendars of CF that begin there."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", cftime.CFWarning)
        yield


@dataclass(frozen=True, slots=True, order=True)
class Moment:
    """The fields of a time in some calendar; `year` is astronomical, `microsecond` 0..999999."""

    year: int
    month: int = 1
    day: int = 1
    hour: int = 0
    minute: int = 0
    second: int = 0
    microsecond: int = 0

    @classmethod
    def from_cftime(cls, date: cftime.datetime) -> Self:
        """Read the fields of a date, whichever way it counts the years before 1."""
        year = date.year if date.has_year_zero or date.year > 0 else date.year + 1
        return cls(year, date.month, date.day, date.hour, date.minute, date.second, date.microsecond)

    @classmethod
    def parse(cls, text: str, calendar: str) -> Self:
        """Read an ISO text; ``"2070"`` and ``"2070-06"`` mean their first instant.

        Raises
        ------
        ValueError
            The text is no ISO date, or the calendar has no such date.
        """
        match = _PARTS.fullmatch(text.strip()) if is_iso_time(text.strip()) else None
        if match is None:
            raise ValueError(f"{text!r} is not an ISO date such as '2070', '2070-06-30' or '2070-06-30T12:00:00Z'")
        fraction = (match["fraction"] or "").ljust(6, "0")[:6]
        moment = cls(
            int(match["year"]),
            int(match["month"] or 1),
            int(match["day"] or 1),
            int(match["hour"] or 0),
            int(match["minute"] or 0),
            int(match["second"] or 0),
            int(fraction),
        )
        if not moment.exists_in(calendar):
            raise ValueError(f"there is no {text!r} in the calendar {calendar!r}")
        return moment

    def exists_in(self, calendar: str) -> bool:
        """Tell whether a calendar has this time."""
        rule = calendar_rule(calendar)
        if not (1 <= self.month <= 12 and 1 <= self.day <= month_length(rule, self.year, self.month)):
            return False
        if rule == "standard" and (1582, 10, 4) < (self.year, self.month, self.day) < _REFORM:
            return False
        return self.hour < 24 and self.minute < 60 and self.second < 60

    def to_cftime(self, calendar: str) -> cftime.datetime:
        """Return the date as cftime has it by default in this calendar."""
        rule = calendar_rule(calendar)
        year = self.year - 1 if self.year <= 0 and rule in ("standard", "julian") else self.year
        fields = (year, self.month, self.day, self.hour, self.minute, self.second, self.microsecond)
        if year > 0:
            return cftime.datetime(*fields, calendar=rule)
        with without_cf_warnings():
            return cftime.datetime(*fields, calendar=rule)

    def ordinal(self, calendar: str) -> int:
        """Return the microseconds since some fixed time, counted in the calendar's own days."""
        rule = calendar_rule(calendar)
        return day_number(rule, self.year, self.month, self.day) * _DAY + self._within_day()

    def unix_seconds(self) -> float:
        """Return the Unix seconds of these fields read as proleptic Gregorian UTC.

        A day that does not exist there counts as 23:59:59 of its month's last day.
        """
        last = month_length("proleptic_gregorian", self.year, self.month)
        day, within = self.day, self._within_day()
        if day > last:
            day, within = last, 86_399_000_000
        days = day_number("proleptic_gregorian", self.year, self.month, day) - _UNIX_EPOCH
        return (days * _DAY + within) / 1_000_000

    def _within_day(self) -> int:
        seconds = (self.hour * 60 + self.minute) * 60 + self.second
        return seconds * 1_000_000 + self.microsecond

    def __str__(self) -> str:
        sign = "-" if self.year < 0 else ""
        fraction = f".{self.microsecond:06d}".rstrip("0") if self.microsecond else ""
        return (
            f"{sign}{abs(self.year):04d}-{self.month:02d}-{self.day:02d}"
            f"T{self.hour:02d}:{self.minute:02d}:{self.second:02d}{fraction}Z"
        )


def is_gregorian(calendar: str, moments: Sequence[Moment]) -> bool:
    """Tell whether a calendar counts these times as the proleptic Gregorian one does."""
    rule = calendar_rule(calendar)
    return rule == "proleptic_gregorian" or (rule == "standard" and all(m >= Moment(*_REFORM) for m in moments))


def month_length(rule: str, year: int, month: int) -> int:
    """Return the days of a month; `rule` is one of `CALENDARS`."""
    if rule == "360_day":
        return 30
    return 29 if month == 2 and _is_leap(rule, year) else _LENGTHS[month - 1]


def _is_leap(rule: str, year: int) -> bool:
    if rule in ("noleap", "all_leap"):
        return rule == "all_leap"
    if rule == "julian" or (rule == "standard" and year <= 1582):
        return year % 4 == 0
    return year % 4 == 0 and (year % 100 != 0 or year % 400 == 0)


def day_number(rule: str, year: int, month: int, day: int) -> int:
    """Return the number of a day, counted within one calendar; `rule` is one of `CALENDARS`.

    Gregorian days count from 0000-03-01; the years begin in March, so that the leap day comes last.
    """
    if rule == "360_day":
        return year * 360 + (month - 1) * 30 + day - 1
    if rule in ("noleap", "all_leap"):
        february = 29 if rule == "all_leap" else 28
        before = sum(_LENGTHS[: month - 1]) + (february - 28 if month > 2 else 0)
        return year * (337 + february) + before + day - 1
    march_year, march_month = (year, month - 3) if month > 2 else (year - 1, month + 9)
    days = march_year * 365 + march_year // 4 + (153 * march_month + 2) // 5 + day - 1
    if rule == "julian" or (rule == "standard" and (year, month, day) < _REFORM):
        return days - 2  # 0000-03-01 Julian is two days before its Gregorian namesake
    return days - march_year // 100 + march_year // 400
