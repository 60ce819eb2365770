"""What fits what, held against what the parameters themselves accept."""

import datetime
import json

import geopandas as gpd
import numpy as np
import pyproj
import pytest
import shapely
import xarray as xr

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters import (
    AnyParameter,
    BBoxParameter,
    BooleanParameter,
    ChoiceParameter,
    ColorParameter,
    CRSParameter,
    DateParameter,
    DateTimeParameter,
    DictParameter,
    FeatureCollectionParameter,
    FeatureDatasetParameter,
    FeatureParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    Parameter,
    RasterDatasetParameter,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.parameters.fitting import fits

POINT = {"type": "Point", "coordinates": [1, 2]}
COLLECTION = {"type": "FeatureCollection", "features": [{"type": "Feature", "geometry": POINT, "properties": {}}]}
TEXTS = ["1", "true", "2000-01-01", "1,2,3,4", "#ff0000", "EPSG:4326", json.dumps(POINT), json.dumps(COLLECTION)]
RASTER = xr.DataArray(
    np.ones((2, 2)), {"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]}, ("latitude", "longitude"), name="t"
)
FEATURES = gpd.GeoDataFrame({"a": [1]}, geometry=[shapely.Point(1, 2)], crs=4326)

# Each kind with values as a task gets and gives them.
SAMPLES = {
    StringParameter: TEXTS,
    NumberParameter: [0, 1, 2, 3, 4326, 2.5],
    IntParameter: [0, 1, 2, 3, 4326],
    FloatParameter: [0.0, 1.0, 2.0, 3.0, 4326.0],
    BooleanParameter: [True, False],
    DictParameter: [POINT, COLLECTION, pyproj.CRS(4326).to_json_dict()],
    NdArrayParameter: [np.array(1), np.array(4326), np.arange(4), np.ones((2, 2)), RASTER],
    RasterParameter: [RASTER],
    FeatureParameter: [shapely.Point(1, 2), shapely.GeometryCollection([shapely.Point(1, 2)])],
    FeatureCollectionParameter: [[shapely.Point(1, 2)]],
    RasterDatasetParameter: [RASTER.to_dataset()],
    FeatureDatasetParameter: [FEATURES],
    DateParameter: [datetime.date(2000, 1, 1)],
    DateTimeParameter: [datetime.datetime(2000, 1, 1)],
    BBoxParameter: [BBoxParameter("").clean([1, 2, 3, 4])],
    CRSParameter: [pyproj.CRS(4326)],
    ColorParameter: [ColorParameter("").clean("#ff0000")],
}
KINDS = {kind.id: (kind("p"), values) for kind, values in SAMPLES.items()}
LISTS = {
    f"list of {name}": (ListParameter(kind, "p"), [*([value] for value in values), values[:4]])
    for name, (kind, values) in KINDS.items()
}
ALL = {**KINDS, **LISTS}

# Fitting by their kinds, although none of the samples goes through.
UP_TO_THE_VALUE = {
    ("bbox", "list of bool"),
    ("bbox", "list of crs"),
    ("list of string", "bbox"),
    ("list of number", "bbox"),
    ("list of int", "bbox"),
    ("list of float", "bbox"),
    ("list of float", "color"),
    ("list of array", "bbox"),
}


def accepts(target, values):
    for value in values:
        try:
            target.clean(value)
        except (ParameterNotValidError, TypeError):
            continue
        return True
    return False


@pytest.mark.parametrize("source", ALL)
def test_what_a_parameter_accepts_fits_it_and_nothing_else_does(source):
    gives, values = ALL[source]
    for target, (takes, _) in ALL.items():
        expected = accepts(takes, values) or (source, target) in UP_TO_THE_VALUE
        assert fits(gives, takes) == expected, f"{source} -> {target}"


@pytest.mark.parametrize("kind", ALL)
def test_anything_fits_any_and_any_fits_anything(kind):
    parameter = ALL[kind][0]
    assert fits(parameter, AnyParameter("p"))
    assert fits(AnyParameter("p"), parameter)
    assert fits(ListParameter(AnyParameter(""), "p"), NdArrayParameter("p"))


def test_of_several_kinds_one_has_to_fit():
    either = MultipleParameter([DictParameter(""), StringParameter("")], "p")
    assert fits(either, NumberParameter("p"))
    assert fits(NumberParameter("p"), either)
    assert not fits(either, RasterParameter("p"))
    assert not fits(RasterParameter("p"), either)
    assert fits(ListParameter(either, "p"), ListParameter(NumberParameter(""), "p"))
    assert fits(ListParameter(MultipleParameter([DictParameter(""), NumberParameter("")], ""), "p"), BBoxParameter("p"))
    assert not fits(ListParameter(MultipleParameter([DictParameter("")], ""), "p"), BBoxParameter("p"))


def test_of_choices_one_has_to_be_accepted():
    assert fits(ChoiceParameter("p", choices=["1", "x"]), NumberParameter("p"))
    assert not fits(ChoiceParameter("p", choices=["x", "y"]), NumberParameter("p"))
    assert not fits(StringParameter("p", choices=["x", "y"]), NumberParameter("p"))
    assert fits(StringParameter("p", choices=["x", "y"]), ListParameter(StringParameter(""), "p"))
    assert fits(StringParameter("p"), ChoiceParameter("p", choices=["x"]))
    assert not fits(RasterParameter("p"), ChoiceParameter("p", choices=["x"]))


def test_lists_of_lists_are_arrays_where_they_hold_numbers():
    def table(kind):
        return ListParameter(ListParameter(kind(""), ""), "p")

    assert fits(table(NumberParameter), NdArrayParameter("p"))
    assert not fits(table(DictParameter), NdArrayParameter("p"))
    assert not fits(table(NumberParameter), BBoxParameter("p"))
    assert fits(NdArrayParameter("p"), table(FloatParameter))
    assert not fits(table(NumberParameter), ListParameter(NumberParameter(""), "p"))


def test_a_kind_of_somebody_elses_fits_everything():
    class Own(Parameter):
        id = "own"

    for parameter, _ in ALL.values():
        assert fits(Own("p"), parameter)
        assert fits(parameter, Own("p"))
    assert fits(ListParameter(Own(""), "p"), BBoxParameter("p"))
    assert fits(ListParameter(ListParameter(DictParameter(""), ""), "p"), Own("p"))
