from datetime import UTC, date, datetime, timedelta, timezone
from enum import IntEnum, StrEnum
from pathlib import Path

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr

from geojobs_lab.client import RasterOutput
from geojobs_lab.client.values import is_stored_array, read_outputs, to_json
from geojobs_lab.documents import JobDocument, ServiceReference, Status, dump_json
from geojobs_lab.errors import InvalidInput


class Level(IntEnum):
    HIGH = 3


class Season(StrEnum):
    SUMMER = "jja"


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (None, None),
        (True, True),
        (3, 3),
        (2.5, 2.5),
        ("text", "text"),
        (Level.HIGH, 3),
        (Season.SUMMER, "jja"),
        (np.int16(3), 3),
        (np.float32(0.5), 0.5),
        (np.float64(0.5), 0.5),
        (np.bool_(True), True),
        (np.str_("text"), "text"),
        (np.arange(4).reshape(2, 2), [[0, 1], [2, 3]]),
        (np.array([1.0, np.nan]), [1.0, None]),
        (np.array(7), 7),
        (np.ma.masked_equal([1, 2], 2), [1, None]),
        (xr.DataArray(2.5), 2.5),
        (pd.Series([1, 2]), [1, 2]),
        (date(2070, 1, 2), "2070-01-02"),
        (datetime(2070, 1, 2, 3), "2070-01-02T03:00:00"),
        (datetime(2070, 1, 2, 3, tzinfo=timezone(timedelta(hours=1))), "2070-01-02T02:00:00.000000Z"),
        (datetime(2070, 1, 2, 3, tzinfo=UTC), "2070-01-02T03:00:00.000000Z"),
        (pd.Timestamp("2070-01-02"), "2070-01-02T00:00:00"),
        (np.datetime64("2070-01-02"), "2070-01-02"),
        (np.array(["2070-01-02", "2071-01-02"], "datetime64[D]"), ["2070-01-02", "2071-01-02"]),
        (cftime.Datetime360Day(2070, 2, 30), "2070-02-30T00:00:00"),
        (Path("/data/x.nc"), "/data/x.nc"),
        (ServiceReference("a/b", "t", 3.0), "service://a/b:t@3"),
        (RasterOutput("uuid/warming"), "service://uuid/warming:data"),
        ([1, (2, np.int8(3)), {"k": np.float32(1)}], [1, [2, 3], {"k": 1.0}]),
        (range(3), [0, 1, 2]),
        ((value for value in "ab"), ["a", "b"]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_a_value_becomes_its_json(value, expected):
    made = to_json(value, "x")
    assert made == expected
    assert type(made) is type(expected)
    dump_json(made)


@pytest.mark.parametrize(
    "value", [float("nan"), np.float64("inf"), np.float32("nan"), [1.0, float("-inf")], np.array([np.inf])]
)
def test_what_is_not_finite_is_refused_by_its_name(value):
    with pytest.raises(InvalidInput, match="'limit' holds .* not JSON"):
        to_json(value, "limit")


@pytest.mark.parametrize("value", [object(), {1, 2}, b"bytes", 1 + 2j, timedelta(1), {1: 2}])
def test_what_has_no_json_form_is_refused_by_its_name(value):
    with pytest.raises(InvalidInput, match="'x'"):
        to_json(value, "x")


@pytest.mark.parametrize("raster", [xr.DataArray([[1.0]]), xr.Dataset({"a": 1.0})])
def test_a_raster_of_this_process_is_to_be_published_first(raster):
    with pytest.raises(InvalidInput, match="publish"):
        to_json(raster, "x")


def document(outputs: object) -> JobDocument:
    return JobDocument("u-1", "j", "2016", Status.SUCCESS, "{}", dump_json(outputs), None, None, None, None, None, 1)


def test_outputs_that_name_their_service_are_rasters_and_others_are_values():
    outputs = read_outputs(document({"warming": "u-1/warming", "text": "u-1/other", "number": 3}))
    assert outputs == {"warming": "u-1/warming", "text": "u-1/other", "number": 3}
    assert [type(value) for value in outputs.values()] == [RasterOutput, str, int]
    assert outputs["warming"].reference == ServiceReference("u-1/warming", "data")


def test_a_stored_array_is_told_by_its_three_keys():
    assert is_stored_array({"href": "x", "shape": [1], "dtype": "f8"})
    assert not is_stored_array({"href": "x"})
    assert not is_stored_array("href")


def test_the_name_of_a_file_that_is_no_utf8_is_refused_before_it_is_sent() -> None:
    for value in ("caf\udce9.nc", ["caf\udce9.nc"], Path("caf\udce9.nc")):
        with pytest.raises(InvalidInput, match=r"'file' is 'caf.udce9.nc', which holds half a character"):
            to_json(value, "file")
