import cftime
import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import ParameterNotValidError, RunError
from geojobs_lab.library import climate
from geojobs_lab.library.climate import period_mean
from geojobs_lab.rasters import Grid
from geojobs_lab.tasks import RunContext, use_context


class Recording(RunContext):
    def __init__(self):
        self.resolver = None
        self.reports = []

    def report(self, fraction, message):
        self.reports.append((fraction, message))

    def log(self, level, message):
        """Nobody looks."""


def series(times, values=None, dtype="float32"):
    """Return a raster of 2 x 3 cells through time; cell (row, column) of step n is n + row + column."""
    count = len(times)
    if values is None:
        values = np.arange(count)[:, None, None] + np.arange(2)[:, None] + np.arange(3)
    return xr.DataArray(
        np.asarray(values, dtype=dtype),
        dims=("time", "latitude", "longitude"),
        coords={
            "time": times,
            "latitude": ("latitude", [50.0, 49.0], {"standard_name": "latitude", "units": "degrees_north"}),
            "longitude": ("longitude", [7.0, 8.0, 9.0], {"standard_name": "longitude", "units": "degrees_east"}),
            "height": 1.5,
            "forecast_period": ("time", np.arange(count)),
        },
        name="air_temperature",
        attrs={"units": "K", "long_name": "Air temperature", "actual_range": [0, 1], "cell_methods": "time: maximum"},
    )


def dates(calendar, *fields):
    return [cftime.datetime(*field, calendar=calendar) for field in fields]


YEARS = dates("360_day", *[(year, 2, 30) for year in range(1959, 1965)])


def test_the_mean_is_that_of_the_steps_in_the_period_ends_included():
    mean = period_mean(data=series(YEARS), start="1961", end="1963")["mean"]
    np.testing.assert_array_equal(mean.values, 3 + np.arange(2)[:, None] + np.arange(3))
    assert mean.dtype == np.float32


def test_place_names_and_attributes_are_kept_and_the_mean_is_recorded():
    data = series(YEARS)
    mean = period_mean(data=data, start="1961", end="1963")["mean"]
    assert Grid.from_array(mean).same_as(Grid.from_array(data))
    assert mean.name == "air_temperature"
    assert mean.attrs == {
        "units": "K",
        "long_name": "Air temperature",
        "cell_methods": "time: maximum time: mean (comment: 3 steps from 1961 to 1963)",
    }
    assert set(mean.coords) == {"latitude", "longitude", "height"}
    assert data.attrs["cell_methods"] == "time: maximum"


@pytest.mark.parametrize(
    ("times", "start", "end", "taken"),
    [
        (dates("360_day", (2000, 2, 29), (2000, 2, 30), (2000, 3, 1)), "2000-02-30", "2000-02-30", [1]),
        (dates("360_day", (2000, 2, 29), (2000, 2, 30), (2000, 3, 1)), "2000", "2000-02", [0, 1]),
        (dates("noleap", (1999, 12, 31), (2000, 1, 1), (2001, 1, 1)), "2000", "2000", [1]),
        (dates("proleptic_gregorian", (-1, 5, 1), (0, 1, 1), (1, 1, 1)), "-0001-06", "0000", [1]),
        (dates("standard", (1582, 10, 4), (1582, 10, 15)), "1582-10-15", "1582-10-15", [1]),
        (dates("standard", (2000, 1, 1, 0), (2000, 1, 1, 12), (2000, 1, 1, 18)), "2000-01-01T06", "2000-01-01T12", [1]),
        (np.array(["1960-12-31", "1961-01-01", "1961-12-31T23:59"], "datetime64[ns]"), "1961", "1961", [1, 2]),
        (np.array(["1961-12-31T23:59:59"], "datetime64[s]"), " 1961-12-31T23:59:59.5Z", "+1961", [0]),
        (dates("360_day", (1963, 1, 1), (1961, 1, 1), (1962, 1, 1)), "1961", "1962", [1, 2]),
    ],
)
def test_a_period_is_read_in_the_calendar_of_the_data(times, start, end, taken):
    mean = period_mean(data=series(times), start=start, end=end)["mean"]
    assert float(mean[0, 0]) == np.float32(np.mean(taken))


def test_missing_cells_are_left_out_of_the_mean_and_stay_missing_where_nothing_is():
    values = np.ones((6, 2, 3))
    values[:, 0, 0] = np.nan
    values[3:, 0, 1] = np.nan
    mean = period_mean(data=series(YEARS, values), start="1959", end="1964")["mean"]
    np.testing.assert_array_equal(mean.values, [[np.nan, 1, 1], [1, 1, 1]])


def test_whole_numbers_have_a_mean_that_is_not_whole():
    mean = period_mean(data=series(YEARS, dtype="int16"), start="1959", end="1960")["mean"]
    assert mean.dtype == np.float64
    assert float(mean[0, 0]) == 0.5


def test_a_long_series_is_averaged_a_few_steps_at_a_time_with_progress(monkeypatch):
    monkeypatch.setattr(climate, "_CELLS_AT_ONCE", 12)
    with use_context(Recording()) as context:
        mean = period_mean(data=series(YEARS).transpose(), start="1959", end="1963")["mean"]
    assert mean.dims == ("longitude", "latitude")
    assert float(mean.sel(longitude=9, latitude=49)) == 5.0
    assert context.reports == [(0.0, "averaging"), (1 / 3, "averaging"), (2 / 3, "averaging"), (1.0, "averaging")]


def test_float32_is_summed_with_enough_digits():
    values = np.full((6, 2, 3), 287.15, "float32")
    values[0] = 1e8
    mean = period_mean(data=series(YEARS, values), start="1959", end="1964")["mean"]
    assert float(mean[0, 0]) == np.float32((1e8 + 5 * np.float64(np.float32(287.15))) / 6)


def test_a_period_without_steps_is_refused_with_the_range_of_the_axis():
    with pytest.raises(RunError) as caught:
        period_mean(data=series(YEARS), start="2070", end="2099")
    assert str(caught.value) == (
        "no time step of air_temperature lies in 2070 to 2099: its 6 steps go from 1959-02-30 to 1964-02-30"
    )


@pytest.mark.parametrize(
    ("inputs", "message"),
    [
        ({"start": "sixties", "end": "1990"},
         "start: must be a date like '1961', '1961-06' or '1961-06-30T12:00', not 'sixties'"),
        ({"start": "1961", "end": "1990-13"},
         "end: must be a date like '1961', '1961-06' or '1961-06-30T12:00', not '1990-13'"),
        ({"start": "61", "end": "1990"},
         "start: must be a date like '1961', '1961-06' or '1961-06-30T12:00', not '61'"),
    ],
)  # fmt: skip
def test_what_is_no_date_is_refused(inputs, message):
    with pytest.raises(ParameterNotValidError) as caught:
        period_mean(data=series(YEARS), **inputs)
    assert str(caught.value) == message


def test_a_raster_without_time_axis_is_refused():
    with pytest.raises(ParameterNotValidError, match=r"data: must be a raster with a time axis, not one with \{'lat"):
        period_mean(data=series(YEARS)[0], start="1961", end="1990")


def test_a_year_may_be_given_as_a_number():
    assert period_mean.clean({"data": "service://a1b", "start": 1961, "end": 1990})["start"] == "1961"
