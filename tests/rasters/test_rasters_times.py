"""How a timestamp meets a calendar, by the letter of the REST contract."""

from datetime import UTC, datetime
from fractions import Fraction

import cftime
import numpy as np
import pytest
import xarray as xr
from hypothesis import assume, given
from hypothesis import strategies as st

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters import TimeAxis
from geojobs_lab.rasters.calendars import CALENDARS, Moment, month_length

# Where cftime itself counts the years before 1 in its own way, the comparison with it stays after year 1.
YEARS = st.integers(-4000, 6000)


@st.composite
def moments(draw, calendar: str, years=YEARS) -> Moment:
    year, month = draw(years), draw(st.integers(1, 12))
    day = draw(st.integers(1, month_length(calendar, year, month)))
    moment = Moment(year, month, day, *(draw(st.integers(0, top)) for top in (23, 59, 59)))
    assume(moment.exists_in(calendar))
    return moment


def independent_seconds(moment: Moment) -> int:
    """The rule again, by NumPy's proleptic Gregorian days."""
    first = np.datetime64(
        f"{moment.year:05d}-{moment.month:02d}" if moment.year < 0 else f"{moment.year:04d}-{moment.month:02d}", "M"
    )
    length = int(((first + 1).astype("M8[D]") - first.astype("M8[D]")).astype(int))
    day, time = moment.day, moment.hour * 3600 + moment.minute * 60 + moment.second
    if day > length:
        day, time = length, 86399
    return int(first.astype("M8[D]").astype(int) + day - 1) * 86400 + time


def axis_of(calendar: str, found: list[Moment]) -> TimeAxis:
    return TimeAxis("time", calendar, tuple(moment.to_cftime(calendar) for moment in found))


@given(st.sampled_from(CALENDARS).flatmap(lambda name: st.tuples(st.just(name), moments(name))))
def test_calendar_fields_are_read_as_proleptic_gregorian_utc(case) -> None:
    calendar, moment = case
    axis = axis_of(calendar, [moment])
    assert axis.timestamps.tolist() == [independent_seconds(moment)]


@pytest.mark.parametrize(
    ("calendar", "fields", "expected"),
    [
        ("360_day", (2070, 2, 30, 6), "2070-02-28T23:59:59"),
        ("360_day", (2072, 2, 30, 0), "2072-02-29T23:59:59"),
        ("360_day", (2070, 2, 29, 0), "2070-02-28T23:59:59"),
        ("all_leap", (2001, 2, 29, 12), "2001-02-28T23:59:59"),
        ("julian", (1900, 2, 29, 12), "1900-02-28T23:59:59"),
        ("noleap", (2000, 3, 1, 0), "2000-03-01T00:00:00"),
        ("standard", (1582, 10, 4, 0), "1582-10-04T00:00:00"),
        ("360_day", (1950, 4, 30, 12), "1950-04-30T12:00:00"),
    ],
)
def test_days_that_do_not_exist_count_as_the_last_second_of_the_month(calendar, fields, expected) -> None:
    axis = axis_of(calendar, [Moment(*fields)])
    assert axis.timestamps[0] == datetime.fromisoformat(expected).replace(tzinfo=UTC).timestamp()


def test_year_zero_is_the_year_before_one_however_the_calendar_counts() -> None:
    year_zero = -62167219200.0  # 0000-01-01, proleptic Gregorian
    for calendar, units in (("360_day", "days since 0000-01-01"), ("standard", "days since 0000-01-01")):
        axis = TimeAxis.from_numbers("time", [0.0], units, calendar)
        assert axis.isos == ("0000-01-01T00:00:00Z",)
        assert axis.timestamps.tolist() == [year_zero]
        assert axis.index("0000-01-01", best_fit=False) == 0
    with pytest.warns(cftime.CFWarning):
        date = cftime.datetime(-1, 1, 1, calendar="julian", has_year_zero=False)
    before = TimeAxis("t", "julian", (date,))
    assert before.isos == ("0000-01-01T00:00:00Z",)
    assert before.timestamps.tolist() == [year_zero]


@given(st.sampled_from(CALENDARS).flatmap(lambda name: st.tuples(st.just(name), moments(name, st.integers(1, 6000)))))
def test_days_are_counted_as_cftime_counts_them(case) -> None:
    calendar, moment = case
    date, epoch = moment.to_cftime(calendar), Moment(1970).to_cftime(calendar)
    ours = moment.ordinal(calendar) - Moment(1970).ordinal(calendar)
    assert ours == round((date - epoch).total_seconds()) * 1_000_000
    assert cftime.datetime.strptime(str(moment), "%Y-%m-%dT%H:%M:%SZ", calendar=calendar) == date


@given(
    steps=st.lists(moments("360_day", st.integers(1960, 1964)), min_size=1, max_size=8),
    seconds=st.one_of(
        st.floats(-4e8, -1e8), st.floats(allow_nan=False, allow_infinity=False), st.integers(-4 * 10**8, 0)
    ),
)
def test_the_nearest_step_is_taken_the_earlier_of_two_equally_near(steps, seconds) -> None:
    axis = axis_of("360_day", steps)
    wanted = Fraction(float(seconds))
    stamps = [independent_seconds(step) for step in steps]
    best = min((abs(stamp - wanted), stamp) for stamp in stamps)
    assert stamps[axis.index(float(seconds))] == best[1]
    assert axis.index(repr(float(seconds))) == axis.index(float(seconds))


@given(st.sampled_from(CALENDARS).flatmap(lambda name: st.tuples(st.just(name), st.lists(moments(name), min_size=1))))
def test_every_stop_is_found_by_its_own_iso_and_its_own_timestamp(case) -> None:
    calendar, steps = case
    axis = axis_of(calendar, steps)
    for position, iso in enumerate(axis.isos):
        assert axis.isos[axis.index(iso, best_fit=False)] == iso
        found = axis.index(float(axis.timestamps[position]), best_fit=False)
        assert axis.timestamps[found] == axis.timestamps[position]


def test_a_tie_goes_to_the_earlier_time_even_on_a_descending_axis() -> None:
    axis = TimeAxis.from_numbers("time", [20, 10, 0], "seconds since 1970-01-01", "standard")
    assert axis.index(5.0) == 2
    assert axis.index("15") == 1
    assert axis.index(-1e300) == 2


def test_an_exact_match_may_be_asked_for() -> None:
    axis = TimeAxis.from_numbers("time", [-1.5, 0, 10], "seconds since 1970-01-01", "standard")
    assert axis.index(-1.5, best_fit=False) == 0
    assert axis.index(None, best_fit=False) == 0
    for wrong in (9.999, "1970-01-01T00:00:09Z", "11"):
        with pytest.raises(InvalidInput, match="1970-01-01T00:00:10Z") as caught:
            axis.index(wrong, best_fit=False)
        assert caught.value.field == "time"


def test_an_iso_text_is_read_in_the_axis_own_calendar() -> None:
    axis = TimeAxis.from_numbers("time", np.arange(0, 720, 1), "days since 2070-01-01", "360_day")
    assert axis.isos[axis.index("2070-02-30")] == "2070-02-30T00:00:00Z"  # the timestamps of 29 and 30 are one
    assert axis.isos[axis.index("2071-06")] == "2071-06-01T00:00:00Z"
    assert axis.isos[axis.index("2071-06-02T13:00")] == "2071-06-03T00:00:00Z"
    assert axis.isos[axis.index("-0044-03-15")] == "2070-01-01T00:00:00Z"


@pytest.mark.parametrize(
    "text", ["2070-01-31", "2070-13", "yesterday", "", "nan", "inf", "1_000", "2070-01-01T25:00", "x" * 500, "0x10"]
)
def test_what_is_no_time_is_refused_naming_it(text: str) -> None:
    axis = TimeAxis.from_numbers("time", [0, 1], "days since 2070-01-01", "360_day")
    with pytest.raises(InvalidInput, match="time: ") as caught:
        axis.index(text)
    assert caught.value.field == "time"
    assert len(str(caught.value)) < 250


def test_the_days_that_the_reform_skipped_do_not_exist() -> None:
    axis = TimeAxis.from_numbers("time", [0, 1], "days since 1582-10-04", "standard")
    assert axis.isos == ("1582-10-04T00:00:00Z", "1582-10-15T00:00:00Z")
    with pytest.raises(InvalidInput, match="1582-10-10"):
        axis.index("1582-10-10")


def test_what_float64_loses_of_a_second_is_put_right() -> None:
    hours = TimeAxis.from_numbers("time", np.array([1 / 3, 100000 + 1 / 3]), "days since 1800-01-01", "standard")
    assert hours.isos == ("1800-01-01T08:00:00Z", "2073-10-16T08:00:00Z")
    parts = TimeAxis.from_numbers("time", [0.25], "seconds since 2000-01-01", "standard")
    assert parts.isos == ("2000-01-01T00:00:00.25Z",)
    assert parts.timestamps.tolist() == [946684800.25]


@pytest.mark.parametrize(
    ("values", "units", "calendar"),
    [
        ([0.0], "fortnights since 2000-01-01", "standard"),
        ([0.0], "m", "standard"),
        ([0.0], "days since 2000-01-01", "maya"),
        ([np.nan], "days since 2000-01-01", "standard"),
        ([1e300], "days since 2000-01-01", "standard"),
        ([0.0], "months since yesterday", "standard"),
        ([1e300], "months since 2000-01-01", "standard"),
    ],
)
def test_an_axis_that_cannot_be_decoded_is_refused_naming_it(values, units, calendar) -> None:
    with pytest.raises(RasterError, match="'when'"):
        TimeAxis.from_numbers("when", values, units, calendar)


def test_decoded_coordinates_of_xarray_are_read() -> None:
    modern = xr.DataArray(np.array(["2001-02-03T04:05:06", "1500-01-01"], dtype="M8[s]"), dims="time")
    axis = TimeAxis.from_coordinate(modern, "time")
    assert axis.isos == ("2001-02-03T04:05:06Z", "1500-01-01T00:00:00Z")
    assert axis.calendar == "proleptic_gregorian"
    dates = xr.DataArray([cftime.datetime(2070, 2, 30, calendar="360_day")], dims="time")
    assert TimeAxis.from_coordinate(dates, "time").isos == ("2070-02-30T00:00:00Z",)
    with pytest.raises(RasterError, match="missing"):
        TimeAxis.from_coordinate(xr.DataArray(np.array(["NaT"], dtype="M8[ns]"), dims="time"), "time")
    with pytest.raises(RasterError, match="not dates"):
        TimeAxis.from_coordinate(xr.DataArray([1.0], dims="time"), "time")
