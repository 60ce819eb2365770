"""What a task returned, as JSON."""

import datetime
import subprocess
import sys
from pathlib import Path
from typing import Any

import cftime
import geopandas
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from pyproj import CRS
from shapely import Point

from geojobs_lab.colors import Color
from geojobs_lab.errors import RunError
from geojobs_lab.jobs.outputs import ArrayFiles, to_json

LARGE = np.arange(20_000.0)


@pytest.fixture
def files(tmp_path: Path) -> ArrayFiles:
    return ArrayFiles(tmp_path / "results", "/jobs/u/outputs")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Point(1, 2), {"type": "Point", "coordinates": [1, 2]}),
        ([Point(1, 2)], [{"type": "Point", "coordinates": [1, 2]}]),
        (CRS.from_epsg(3035), "EPSG:3035"),
        (Color(255, 0, 10), "#ff000a"),
        (datetime.date(2026, 11, 23), "2026-11-23"),
        (datetime.datetime(2026, 11, 23, 12, tzinfo=datetime.UTC), "2026-11-23T12:00:00+00:00"),
        (np.datetime64("2026-11-23T12:00:00.000000001"), "2026-11-23T12:00:00.000000001"),
        (np.datetime64("NaT"), None),
        (cftime.Datetime360Day(2000, 2, 30), "2000-02-30T00:00:00"),
        (np.array([cftime.Datetime360Day(2000, 2, 30)]), ["2000-02-30T00:00:00"]),
        ((1.0, float("nan"), float("-inf")), [1.0, None, None]),
        ({"a": np.float32(0.5), 2: [np.int8(1), np.True_]}, {"a": 0.5, "2": [1, True]}),
        (np.ma.masked_greater(np.array([1, 2]), 1), [1, None]),
        (np.longdouble("1.5"), 1.5),
        (np.array([1.5, np.nan], dtype="longdouble"), [1.5, None]),
        (np.array(["2026-11-23", "NaT"], dtype="datetime64[D]"), ["2026-11-23", None]),
        ([pd.Timestamp("2026-11-23"), pd.NaT], ["2026-11-23T00:00:00", None]),
    ],
)
def test_every_kind_of_value_has_a_json_form(files: ArrayFiles, value: Any, expected: Any) -> None:
    assert to_json(value, "out", files) == expected


def test_a_bounding_box_is_a_list(files: ArrayFiles) -> None:
    from geojobs_lab.parameters import BBoxParameter

    assert to_json(BBoxParameter("b").clean([1, 2, 3, 4]), "out", files) == [1, 2, 3, 4]


def test_features_are_geojson_in_longitude_and_latitude(files: ArrayFiles) -> None:
    frame = geopandas.GeoDataFrame(
        {"name": ["a", "b"], "size": [1.0, np.nan]}, geometry=[Point(0, 0), Point(111319.49, 0)], crs=3857
    )
    collection = to_json(frame, "out", files)
    assert collection["type"] == "FeatureCollection"
    assert [feature["properties"] for feature in collection["features"]] == [
        {"name": "a", "size": 1.0},
        {"name": "b", "size": None},
    ]
    assert collection["features"][1]["geometry"]["coordinates"] == pytest.approx([1, 0], abs=1e-6)


def test_a_data_set_is_told_of_without_its_numbers(files: ArrayFiles) -> None:
    dataset = xr.Dataset({"t": (("y", "x"), np.zeros((2, 3), "f4"), {"units": "K"}), "n": ("y", [1, 2])})
    assert to_json(dataset, "out", files) == {
        "dimensions": {"y": 2, "x": 3},
        "variables": {
            "t": {"dtype": "float32", "dimensions": ["y", "x"], "shape": [2, 3], "units": "K"},
            "n": {"dtype": "int64", "dimensions": ["y"], "shape": [2], "units": None},
        },
    }


def test_large_arrays_within_others_each_have_a_file_of_their_own(files: ArrayFiles, tmp_path: Path) -> None:
    value = {"a.b": LARGE, "a": {"b": LARGE + 1}, "../up": LARGE + 2, "a b/ü": [LARGE + 3, LARGE + 4], "A.b": LARGE + 5}
    document = to_json(value, "out", files)
    found = [document["a.b"], document["a"]["b"], document["../up"], *document["a b/ü"], document["A.b"]]
    assert len({one["href"].lower() for one in found}) == 6
    for number, one in enumerate(found):
        prefix, _, name = one["href"].rpartition("/")
        assert prefix == "/jobs/u/outputs"
        np.testing.assert_array_equal(np.load(tmp_path / "results" / name), LARGE + number)
    assert len(list(tmp_path.rglob("*.npy"))) == 6


@pytest.mark.parametrize(
    ("array", "kept"),
    [
        (np.full(20_000, 1.5, dtype="longdouble"), 1.5),
        (np.ma.masked_all(20_000, dtype="datetime64[s]"), "NaT"),
        (np.ma.masked_all(20_000, dtype="<U3"), ""),
    ],
)
def test_large_arrays_are_kept_in_a_form_that_everybody_can_read(
    files: ArrayFiles, tmp_path: Path, array: Any, kept: Any
) -> None:
    to_json(array, "out", files)
    found = np.load(tmp_path / "results" / "out.npy")
    assert found.dtype.char == np.asarray(kept).dtype.char
    assert found.shape == (20_000,)
    assert set(found.tolist()) == {kept}


@pytest.mark.parametrize(
    "value", [object(), b"x", {1, 2}, np.array([1j]), Path("/etc"), np.clongdouble(1j), np.array([b"x"])]
)
def test_what_has_no_json_form_is_refused_naming_the_output(files: ArrayFiles, value: Any) -> None:
    with pytest.raises(RunError, match="output 'out"):
        to_json(value, "out", files)


def test_libraries_of_other_kinds_are_not_loaded_for_it() -> None:
    code = "import sys, geojobs_lab.jobs.outputs; assert not {'shapely', 'geopandas', 'matplotlib'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code], check=True)
