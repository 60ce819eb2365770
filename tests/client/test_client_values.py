from datetime import UTC, date, datetime, timedelta, timezone
from enum import Enum, IntEnum, StrEnum
from pathlib import Path

import cftime
import geopandas as gpd
import numpy as np
import pandas as pd
import pyproj
import pytest
import shapely
import xarray as xr

from geojobs_lab.client import RasterOutput
from geojobs_lab.client.values import is_stored_array, rasters_in, read_outputs, to_json
from geojobs_lab.colors import Color
from geojobs_lab.documents import JobDocument, ServiceReference, Status, dump_json
from geojobs_lab.errors import InvalidInput
from geojobs_lab.parameters import BBox


class Level(IntEnum):
    HIGH = 3


class Method(Enum):
    MEAN = "mean"
    COUNT = np.int64(3)


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
        (Method.MEAN, "mean"),
        (Method.COUNT, 3),
        (Color(31, 119, 180), "#1f77b4"),
        (BBox(5.0, 45.0, 15.0, 55.0), [5.0, 45.0, 15.0, 55.0]),
        (pyproj.CRS(3857), "EPSG:3857"),
        (pyproj.CRS("ESRI:54030"), "ESRI:54030"),
        (pyproj.CRS("+proj=laea +lat_0=52 +type=crs"), pyproj.CRS("+proj=laea +lat_0=52 +type=crs").to_wkt()),
        (shapely.Point(7, 50), {"type": "Point", "coordinates": [7.0, 50.0]}),
        ([shapely.Point(7, 50)], [{"type": "Point", "coordinates": [7.0, 50.0]}]),
        (ServiceReference("a/b", "t", 3.0), "service://a/b:t@3"),
        (RasterOutput("uuid/warming"), "service://uuid/warming"),
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
    assert outputs["warming"].reference == ServiceReference("u-1/warming")


def test_a_list_of_services_is_several_rasters():
    cells = ["u-1/cells/0", "u-1/cells/1"]
    outputs = read_outputs(document({"cells": cells, "others": ["u-1/others/1"], "none": [], "one": "u-1/one"}))
    assert [type(value) for value in outputs["cells"]] == [RasterOutput, RasterOutput]
    assert [type(value) for value in outputs["others"]] == [str]
    assert rasters_in(outputs) == {"cells/0": "u-1/cells/0", "cells/1": "u-1/cells/1", "one": "u-1/one"}
    assert to_json(outputs["cells"], "x") == ["service://u-1/cells/0", "service://u-1/cells/1"]


def test_a_geodataframe_becomes_geojson_in_longitude_and_latitude():
    frame = gpd.GeoDataFrame(
        {"name": ["a", "b"], "people": [1.5, np.nan], "since": pd.to_datetime(["2070-01-01", "2071-01-01"])},
        geometry=[shapely.Point(7, 50), None],
        crs="EPSG:4326",
    ).to_crs("EPSG:3857")
    made = to_json(frame, "x")
    dump_json(made)
    assert made["type"] == "FeatureCollection"
    first, second = made["features"]
    assert first["geometry"]["coordinates"] == pytest.approx([7, 50])
    assert first["properties"] == {"name": "a", "people": 1.5, "since": "2070-01-01T00:00:00"}
    assert (second["geometry"], second["properties"]["people"]) == (None, None)
    assert to_json(frame.geometry, "x")["features"][0]["geometry"] == first["geometry"]


def test_coordinates_that_are_not_finite_are_refused_by_the_servers_own_words():
    assert to_json(shapely.Point(7, float("nan")), "x") == {"type": "Point", "coordinates": [7.0, None]}
    with pytest.raises(InvalidInput, match="'x' holds inf"):
        to_json(shapely.Point(7, float("inf")), "x")


def test_a_stored_array_is_told_by_its_three_keys():
    assert is_stored_array({"href": "x", "shape": [1], "dtype": "f8"})
    assert not is_stored_array({"href": "x"})
    assert not is_stored_array("href")


def test_the_name_of_a_file_that_is_no_utf8_is_refused_before_it_is_sent() -> None:
    for value in ("caf\udce9.nc", ["caf\udce9.nc"], Path("caf\udce9.nc")):
        with pytest.raises(InvalidInput, match=r"'file' is 'caf.udce9.nc', which holds half a character"):
            to_json(value, "file")
