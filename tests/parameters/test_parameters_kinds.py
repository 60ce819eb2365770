"""Choices, times, boxes, CRSs and colours: what they convert to, what they refuse, what they say of themselves."""

import enum
import math
from datetime import UTC, date, datetime, timedelta, timezone

import cftime
import numpy as np
import pandas as pd
import pyproj
import pytest
import xarray as xr

from geojobs_lab.colors import Color
from geojobs_lab.parameters import (
    BBox,
    BBoxParameter,
    ChoiceParameter,
    ColorParameter,
    CRSParameter,
    DateParameter,
    DateTimeParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    ParameterNotValidError,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.parameters.base import to_json

BERLIN = timezone(timedelta(hours=1))


class Method(enum.Enum):
    MEAN = "mean"


@pytest.mark.parametrize(
    ("parameter", "value", "cleaned"),
    [
        (ChoiceParameter("x", choices=["a", 3, 2.5, True]), "a", "a"),
        (ChoiceParameter("x", choices=["a", 3, 2.5, True]), "3", 3),
        (ChoiceParameter("x", choices=["a", 3, 2.5, True]), 3.0, 3),
        (ChoiceParameter("x", choices=["a", 3, 2.5, True]), "2.50", 2.5),
        (ChoiceParameter("x", choices=["a", 3, 2.5, True]), "TRUE", True),
        (ChoiceParameter("x", choices=[1, True]), True, True),
        (ChoiceParameter("x", choices=[True, 1]), 1, 1),
        (ChoiceParameter("x", choices=["3", 3]), "3", "3"),
        (ChoiceParameter("x", choices=["3", "4"]), 4, "4"),
        (ChoiceParameter("x", choices=[3]), np.int16(3), 3),
        (ChoiceParameter("x", choices=["mean"]), Method.MEAN, "mean"),
        (ChoiceParameter("x", choices=[Method.MEAN]), "mean", "mean"),
        (DateParameter("x"), "2070-01-31", date(2070, 1, 31)),
        (DateParameter("x"), " 20700131 ", date(2070, 1, 31)),
        (DateParameter("x"), "2070-01-31T00:00:00Z", date(2070, 1, 31)),
        (DateParameter("x"), datetime(2070, 1, 31), date(2070, 1, 31)),
        (DateParameter("x"), date(2070, 1, 31), date(2070, 1, 31)),
        (DateParameter("x"), np.datetime64("2070-01-31"), date(2070, 1, 31)),
        (DateParameter("x"), np.array("2070-01-31", "datetime64[ns]"), date(2070, 1, 31)),
        (DateParameter("x"), xr.DataArray(np.datetime64("2070-01-31", "ns")), date(2070, 1, 31)),
        (DateParameter("x"), pd.Timestamp("2070-01-31"), date(2070, 1, 31)),
        (DateParameter("x"), cftime.DatetimeNoLeap(2070, 1, 31), date(2070, 1, 31)),
        (DateTimeParameter("x"), "2070-01-31", datetime(2070, 1, 31)),
        (DateTimeParameter("x"), "2070-01-31T12:30", datetime(2070, 1, 31, 12, 30)),
        (DateTimeParameter("x"), "2070-01-31T12:30:00Z", datetime(2070, 1, 31, 12, 30, tzinfo=UTC)),
        (DateTimeParameter("x"), "2070-01-31T12:30:00+01:00", datetime(2070, 1, 31, 12, 30, tzinfo=BERLIN)),
        (DateTimeParameter("x"), date(2070, 1, 31), datetime(2070, 1, 31)),
        (DateTimeParameter("x"), np.datetime64("2070-01-31T12:30:00.123456789"),
         datetime(2070, 1, 31, 12, 30, 0, 123456)),
        (DateTimeParameter("x"), pd.Timestamp("2070-01-31 12:30:00.000000001"), datetime(2070, 1, 31, 12, 30)),
        (DateTimeParameter("x"), pd.Timestamp("2070-01-31", tz="Europe/Berlin"), datetime(2070, 1, 31, tzinfo=BERLIN)),
        (DateTimeParameter("x"), cftime.Datetime360Day(2070, 1, 30, 6), datetime(2070, 1, 30, 6)),
        (BBoxParameter("x"), [5, 45, 15, 55], BBox(5.0, 45.0, 15.0, 55.0)),
        (BBoxParameter("x"), "5, 45, 15, 55.5", BBox(5.0, 45.0, 15.0, 55.5)),
        (BBoxParameter("x"), np.array([5, 45, 15, 55]), BBox(5.0, 45.0, 15.0, 55.0)),
        (BBoxParameter("x"), [170, -10, -170, 10], BBox(170.0, -10.0, -170.0, 10.0)),
        (BBoxParameter("x", crs="EPSG:4258"), [170, -10, -170, 10], BBox(170.0, -10.0, -170.0, 10.0)),
        (BBoxParameter("x", crs=3857), [-2e7, 0, 2e7, 1e6], BBox(-2e7, 0.0, 2e7, 1e6)),
        (CRSParameter("x"), 3857, pyproj.CRS(3857)),
        (CRSParameter("x"), "3857", pyproj.CRS(3857)),
        (CRSParameter("x"), "EPSG:3857", pyproj.CRS(3857)),
        (CRSParameter("x"), pyproj.CRS(3857), pyproj.CRS(3857)),
        (CRSParameter("x"), pyproj.CRS(3857).to_wkt(), pyproj.CRS(3857)),
        (CRSParameter("x"), pyproj.CRS(3857).to_json_dict(), pyproj.CRS(3857)),
        (CRSParameter("x"), pyproj.CRS(3857).to_json(), pyproj.CRS(3857)),
        (CRSParameter("x"), "+proj=longlat +datum=WGS84 +type=crs", pyproj.CRS("+proj=longlat +datum=WGS84 +type=crs")),
        (ColorParameter("x"), "#1f7", Color(0x11, 0xFF, 0x77)),
        (ColorParameter("x"), "#1F77B480", Color(0x1F, 0x77, 0xB4, 0x80)),
        (ColorParameter("x"), [31, 119, 180], Color(31, 119, 180)),
        (ColorParameter("x"), (31, 119, 180, 0), Color(31, 119, 180, 0)),
        (ColorParameter("x"), Color(1, 2, 3), Color(1, 2, 3)),
        (StringParameter("x", pattern="^a+$", min_length=2, max_length=3), "aaa", "aaa"),
    ],
)  # fmt: skip
def test_a_value_is_converted_where_that_loses_nothing(parameter, value, cleaned):
    result = parameter.clean(value)
    assert result == cleaned
    assert type(result) is type(cleaned)
    assert parameter.clean(result) == cleaned


def test_rasterios_crs_is_one_too():
    from rasterio.crs import CRS

    assert CRSParameter("x").clean(CRS.from_epsg(3857)) == pyproj.CRS(3857)


BOX = "a box [xmin, ymin, xmax, ymax] in EPSG:4326, longitudes and latitudes in degrees, ymin below ymax"
DATE = "a date like '2070-01-31'"
TIME = "a date and time like '2070-01-31T12:00:00' or '2070-01-31T12:00:00Z'"
CRS = "a coordinate reference system: an EPSG code like 3857 or 'EPSG:3857', WKT, or PROJ JSON"
COLOR = "a colour like '#1f77b4', or [red, green, blue] from 0 to 255"


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (ChoiceParameter("x", choices=["a", 3, True], unit="m"), "b", "one of 'a', 3, true (m), not 'b'"),
        (ChoiceParameter("x", choices=[3]), True, "one of 3, not true"),
        (ChoiceParameter("x", choices=[True]), 1, "one of true, not 1"),
        (ChoiceParameter("x", choices=["a"]), None, "one of 'a', not null"),
        (ChoiceParameter("x", choices=["a"]), ["a"], "one of 'a', not ['a']"),
        (DateParameter("x"), "2070-02-30", f"{DATE}, not '2070-02-30'"),
        (DateParameter("x"), "tomorrow", f"{DATE}, not 'tomorrow'"),
        (DateParameter("x"), 20700131, f"{DATE}, not 20700131"),
        (DateParameter("x"), datetime(2070, 1, 31, 12), f"{DATE}, not datetime.datetime(2070, 1, 31, 12, 0)"),
        (DateParameter("x"), pd.NaT, f"{DATE}, not NaT"),
        (DateParameter("x"), np.datetime64("NaT", "D"), f"{DATE}, not np.datetime64('NaT','D')"),
        (DateParameter("x", minimum="2000-01-01", maximum=date(2009, 12, 31)), "2010-01-01",
         f"{DATE} from 2000-01-01 to 2009-12-31, not '2010-01-01'"),
        (DateTimeParameter("x"), "12:00", f"{TIME}, not '12:00'"),
        (DateTimeParameter("x"), 0, f"{TIME}, not 0"),
        (DateTimeParameter("x", minimum="2000-01-01T00:00:00Z"), "1999-12-31T23:59:59",
         f"{TIME} not below 2000-01-01T00:00:00+00:00, not '1999-12-31T23:59:59'"),
        (DateTimeParameter("x", maximum="2000-01-01"), "2000-01-01T00:00:00-01:00",
         f"{TIME} not above 2000-01-01T00:00:00, not '2000-01-01T00:00:00-01:00'"),
        (BBoxParameter("x"), [5, 45, 15], f"{BOX}, not [5, 45, 15]"),
        (BBoxParameter("x"), [5, 45, 0, 15, 55, 9], f"{BOX}, not [5, 45, 0, 15, 55, 9]"),
        (BBoxParameter("x"), [5, 55, 15, 45], f"{BOX}, not [5, 55, 15, 45]"),
        (BBoxParameter("x"), [5, 45, 5, 55], f"{BOX}, not [5, 45, 5, 55]"),
        (BBoxParameter("x"), [5, 45, 15, None], f"{BOX}, not [5, 45, 15, None]"),
        (BBoxParameter("x"), [5, 45, 15, math.inf], f"{BOX}, not [5, 45, 15, inf]"),
        (BBoxParameter("x"), [4e5, 5e6, 5e5, 6e6], f"{BOX}, not [400000.0, 5000000.0, 500000.0, 6000000.0]"),
        (BBoxParameter("x"), "5,45,15", f"{BOX}, not '5,45,15'"),
        (BBoxParameter("x"), {"west": 5}, f"{BOX}, not {{'west': 5}}"),
        (BBoxParameter("x", crs=3857), [5, 45, 4, 55],
         "a box [xmin, ymin, xmax, ymax] in EPSG:3857, xmin below xmax and ymin below ymax, not [5, 45, 4, 55]"),
        (CRSParameter("x"), "EPSG:999999", f"{CRS}, not 'EPSG:999999'"),
        (CRSParameter("x"), "", f"{CRS}, not ''"),
        (CRSParameter("x"), 1.5, f"{CRS}, not 1.5"),
        (CRSParameter("x"), True, f"{CRS}, not true"),
        (CRSParameter("x"), {}, f"{CRS}, not {{}}"),
        (CRSParameter("x"), ["EPSG", 4326], f"{CRS}, not ['EPSG', 4326]"),
        (CRSParameter("x"), "+init=epsg:4326", f"{CRS}, not '+init=epsg:4326'"),
        (ColorParameter("x"), "red", f"{COLOR}, not 'red'"),
        (ColorParameter("x"), [1, 2], f"{COLOR}, not [1, 2]"),
        (ColorParameter("x"), [1, 2, 256], f"{COLOR}, not [1, 2, 256]"),
        (ColorParameter("x"), [1, 2, 0.5], f"{COLOR}, not [1, 2, 0.5]"),
        (StringParameter("x", min_length=1), "", "a text of at least 1 character, not ''"),
        (StringParameter("x", max_length=2), "abc", "a text of at most 2 characters, not 'abc'"),
        (StringParameter("x", min_length=2, max_length=2), "a", "a text of 2 characters, not 'a'"),
        (StringParameter("x", pattern="^[a-z]+$"), "A", "a text that matches '^[a-z]+$', not 'A'"),
        (ListParameter(IntParameter(""), "x", min_items=2), [1],
         "a list of at least 2 items, each item an integer, not [1]: it has 1"),
        (ListParameter(IntParameter(""), "x", min_items=1, max_items=2), "5 6",
         "a list of 1 to 2 items, each item an integer, not '5 6'"),
    ],
)  # fmt: skip
def test_a_refusal_names_the_parameter_the_value_and_what_was_wanted(parameter, value, message):
    with pytest.raises(ParameterNotValidError) as caught:
        parameter.clean(value)
    assert str(caught.value) == f"x: must be {message}"
    assert caught.value.parameter == "x"
    assert caught.value.value is value


def test_a_definition_that_cannot_be_meant_is_refused_where_it_stands():
    for choices in ([], "ab", [None], [[1]], [math.nan]):
        with pytest.raises(ValueError, match="c: the choices must be a list of texts, numbers, true and false"):
            ChoiceParameter("c", choices=choices)
    with pytest.raises(ValueError, match=r"c: one of the choices is there twice: \['a', 'a'\]"):
        ChoiceParameter("c", choices=["a", "a"])
    with pytest.raises(ValueError, match="d: the minimum 2000-01-02 lies above the maximum 2000-01-01"):
        DateParameter("d", minimum="2000-01-02", maximum="2000-01-01")
    with pytest.raises(ValueError, match="d: a limit must be a date like '2070-01-31', not 'soon'"):
        DateParameter("d", minimum="soon")
    with pytest.raises(ValueError, match="b: the crs must be a coordinate reference system: .* not 'nowhere'"):
        BBoxParameter("b", crs="nowhere")
    with pytest.raises(ValueError, match=r"s: the pattern '\(' is no regular expression"):
        StringParameter("s", pattern="(")
    with pytest.raises(ValueError, match="s: the least size 3 lies above the greatest 2"):
        StringParameter("s", min_length=3, max_length=2)
    with pytest.raises(ValueError, match="n: a limit of the size must be a whole number from 0 on, not true"):
        ListParameter(FloatParameter(""), "n", min_items=True)


def test_the_schema_is_json_schema_of_what_is_accepted():
    assert ChoiceParameter("x", choices=["a", 1, True]).json_schema() == {"enum": ["a", 1, True]}
    assert DateParameter("x", minimum="2000-01-01", default=date(2070, 1, 31)).json_schema() == {
        "type": "string",
        "format": "date",
        "formatMinimum": "2000-01-01",
        "default": "2070-01-31",
    }
    assert DateTimeParameter("x").json_schema() == {"type": "string", "format": "date-time"}
    assert BBoxParameter("x", default=[1, 2, 3, 4]).json_schema() == {
        "type": "array",
        "format": "bbox",
        "items": {"type": "number"},
        "minItems": 4,
        "maxItems": 4,
        "default": [1.0, 2.0, 3.0, 4.0],
    }
    assert CRSParameter("x", default=3857).json_schema() == {
        "type": ["string", "integer", "object"],
        "format": "crs",
        "default": "EPSG:3857",
    }
    assert ColorParameter("x", default="#FFF").json_schema()["default"] == "#ffffff"
    assert StringParameter("x", min_length=1, max_length=9, pattern="a").json_schema() == {
        "type": "string",
        "minLength": 1,
        "maxLength": 9,
        "pattern": "a",
    }
    assert ListParameter(IntParameter(""), "x", min_items=1, max_items=3).json_schema() == {
        "type": "array",
        "items": {"type": "integer"},
        "minItems": 1,
        "maxItems": 3,
    }


def test_what_a_schema_cannot_say_stands_in_the_document():
    assert DateParameter("x", minimum="2000-01-01").describe()["minimum"] == "2000-01-01"
    assert BBoxParameter("x").describe()["crs"] == "EPSG:4326"
    assert BBoxParameter("x", crs=3857).describe()["crs"] == "EPSG:3857"


def test_every_cleaned_value_has_its_json():
    lonely = pyproj.CRS("+proj=laea +lat_0=52 +lon_0=10 +type=crs")
    assert to_json(pyproj.CRS("ESRI:54030")) == "ESRI:54030"
    assert pyproj.CRS(to_json(lonely)) == lonely
    assert to_json([date(2070, 1, 31), datetime(2070, 1, 31, tzinfo=UTC)]) == [
        "2070-01-31",
        "2070-01-31T00:00:00+00:00",
    ]
    assert to_json({"box": BBox(1, 2, 3, 4), "color": Color(1, 2, 3)}) == {"box": [1, 2, 3, 4], "color": "#010203"}
    assert to_json(np.array([[1.5, np.nan], [np.inf, 2]])) == [[1.5, None], [None, 2.0]]
    assert to_json(Method.MEAN) == "mean"


def test_the_unit_of_a_list_is_that_of_its_items():
    heights = ListParameter(FloatParameter("", minimum=0), "heights", unit="m")
    with pytest.raises(ParameterNotValidError, match=r"^heights\[1\]: must be a number not below 0 \(m\), not -1$"):
        heights.clean([1, -1])
    assert ListParameter(FloatParameter("", unit="km"), "x", unit="m").item.unit == "km"
    raster = xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})
    either = MultipleParameter([FloatParameter(""), RasterParameter("")], "", unit="K")
    (placed,) = ListParameter(either, "x").place([raster], None)
    assert placed.attrs == {"units": "K"}


def test_each_kind_of_several_sees_all_that_an_iterator_gives():
    either = MultipleParameter([ListParameter(IntParameter(""), ""), ListParameter(StringParameter(""), "")], "x")
    assert either.clean(iter(["1", "b"])) == ["1", "b"]
    assert either.place(iter([1, 2]), None) == [1, 2]


def test_an_output_gets_the_unit_that_its_parameter_has_and_it_has_not():
    raster = xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})
    assert RasterParameter("x", unit="K").place(raster, None).attrs == {"units": "K"}
    assert RasterParameter("x", unit="K").place(raster.assign_attrs(units="degC"), None).attrs == {"units": "degC"}
    assert raster.attrs == {}


def test_a_default_without_a_json_form_is_refused():
    with pytest.raises(ParameterNotValidError, match="x: the default must have a JSON form, such as a reference"):
        RasterParameter("x", default=xr.DataArray([[1.0]]))
