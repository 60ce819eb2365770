import json
from datetime import UTC, timedelta, timezone

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.colors import Color
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
    ParameterCollection,
    ParameterNotValidError,
    RasterDatasetParameter,
    RasterParameter,
    StringParameter,
    parameter_from_stored,
)
from geojobs_lab.parameters.stored import _KINDS

NAMES = st.text(min_size=1, max_size=8)
TEXTS = st.none() | st.text(max_size=8)


@st.composite
def common(draw, default):
    keywords = {"title": draw(TEXTS), "description": draw(TEXTS), "unit": draw(TEXTS)}
    how = draw(st.sampled_from(["required", "optional", "default", "none"]))
    if how == "optional":
        keywords["required"] = False
    elif how != "required":
        keywords["default"] = draw(default) if how == "default" else None
    return keywords


@st.composite
def limited(draw, kind, values):
    limits = sorted(draw(st.lists(values, min_size=2, max_size=2)))
    ends = draw(st.sets(st.sampled_from(["minimum", "maximum"])))
    keywords = {key: limits[key == "maximum"] for key in ends}
    inside = st.sampled_from(limits) if ends else values
    return kind(draw(NAMES), **keywords, **draw(common(inside)))


@st.composite
def texts(draw):
    choices = draw(st.none() | st.lists(st.text(max_size=5), min_size=1, max_size=4))
    default = st.text(min_size=2, max_size=8) if choices is None else st.sampled_from(choices)
    sizes = {"min_length": draw(st.none() | st.integers(0, 2)), "max_length": draw(st.none() | st.integers(8, 9))}
    more = {} if choices else {**sizes, "pattern": draw(st.sampled_from([None, "^", ".*"]))}
    return StringParameter(draw(NAMES), choices=choices, **more, **draw(common(default)))


@st.composite
def choices(draw):
    plain = st.text(max_size=5) | st.booleans() | INTS | FLOATS
    values = draw(st.lists(plain, min_size=1, max_size=4, unique_by=lambda value: (isinstance(value, bool), value)))
    return ChoiceParameter(draw(NAMES), choices=values, **draw(common(st.sampled_from(values))))


def simple(kind, default, **options):
    def make(name, keywords, more):
        return kind(name, **keywords, **more)

    return st.builds(make, NAMES, common(default), st.fixed_dictionaries(options))


INTS = st.integers(-(2**60), 2**60)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
POINT = {"type": "Point", "coordinates": [7, 50]}
FEATURE = {"type": "Feature", "geometry": POINT, "properties": {"a": 1, "b": None}}
COLLECTION = {"type": "FeatureCollection", "features": [FEATURE]}
TYPES = st.none() | st.just(["Point"]) | st.just(["Point", "MultiPolygon"])
TIMES = st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=-5, minutes=30))]))
PROJ = "+proj=laea +lat_0=52 +lon_0=10 +units=km +type=crs"
LEAVES = {
    "any": simple(AnyParameter, JSON),
    "bool": simple(BooleanParameter, st.booleans()),
    "dict": simple(DictParameter, st.dictionaries(st.text(max_size=3), JSON, max_size=3)),
    "array": simple(NdArrayParameter, st.lists(FLOATS | st.none(), min_size=1, max_size=3)),
    "raster": simple(RasterParameter, st.just("service://a/b:c@2070-01-01")),
    "raster_dataset": simple(RasterDatasetParameter, st.just("service://a/b")),
    "feature": simple(FeatureParameter, st.sampled_from([POINT, FEATURE, json.dumps(POINT)]), geometry_types=TYPES),
    "feature_collection": simple(
        FeatureCollectionParameter, st.sampled_from([POINT, COLLECTION, []]), geometry_types=TYPES
    ),
    "feature_dataset": simple(FeatureDatasetParameter, st.sampled_from([COLLECTION, json.dumps(COLLECTION)])),
    "bbox": simple(BBoxParameter, st.just([5, 45.5, "15", 55]), crs=st.sampled_from([None, 3857, "EPSG:4326", PROJ])),
    "crs": simple(CRSParameter, st.sampled_from([3857, "EPSG:4326", "OGC:CRS84", "ESRI:54030", PROJ])),
    "color": simple(ColorParameter, st.builds(Color, *[st.integers(0, 255)] * 4)),
    "string": texts(),
    "choice": choices(),
    "int": limited(IntParameter, INTS),
    "float": limited(FloatParameter, FLOATS),
    "number": limited(NumberParameter, INTS | FLOATS),
    "date": limited(DateParameter, st.dates()),
    "datetime": limited(DateTimeParameter, TIMES) | limited(DateTimeParameter, st.datetimes()),
}
PARAMETERS = st.recursive(
    st.one_of(list(LEAVES.values())),
    lambda inner: (
        st.builds(
            lambda item, name, most, kw: ListParameter(item, name, min_items=0, max_items=most, **kw),
            inner,
            NAMES,
            st.none() | st.integers(0, 3),
            common(st.just([])),
        )
        | st.builds(
            lambda kinds, name, kw: MultipleParameter(kinds, name, **kw),
            st.lists(inner, min_size=1, max_size=3),
            NAMES,
            common(st.none()),
        )
    ),
    max_leaves=4,
)


def test_the_laws_below_are_tried_on_every_kind():
    assert {*LEAVES, "list", "multiple"} == set(_KINDS)


@given(PARAMETERS)
def test_every_schema_is_json_schema_and_accepts_the_default(parameter):
    schema = parameter.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    if parameter.default is not None:
        jsonschema.validate(parameter.describe()["default"], schema)


@given(PARAMETERS)
def test_every_kind_documents_all_that_people_ask_of_it(parameter):
    document = parameter.describe()
    assert {"name", "type", "required", "default", "title", "description", "unit", "schema"} <= set(document)
    assert (document["title"], document["unit"]) == (parameter.title, parameter.unit)


@given(PARAMETERS)
def test_every_parameter_survives_its_stored_form(parameter):
    stored = json.loads(json.dumps(parameter.to_stored(), allow_nan=False))
    again = parameter_from_stored(parameter.id, parameter.name, stored)
    assert again == parameter
    assert again.to_stored() == stored
    assert again.describe() == parameter.describe()
    assert (again.required, again.has_default) == (parameter.required, parameter.has_default)


def test_the_stored_form_is_that_of_the_page():
    layers = ListParameter(NdArrayParameter(""), "layers")
    assert layers.to_stored() == [[["array", [[""], {}]]], {}]
    assert parameter_from_stored("list", "layers", [[["array", [[""], {}]]], {}]) == layers
    which = MultipleParameter([StringParameter(""), ListParameter(DictParameter(""), "")], "which", required=False)
    stored = [
        [[["string", [[""], {}]], ["list", [[["dict", [[""], {}]], ""], {}]]]],
        {"required": False},
    ]
    assert which.to_stored() == stored
    assert parameter_from_stored("multiple", "which", stored) == which


def test_a_parameter_without_arguments_is_required():
    assert parameter_from_stored("number", "limit") == NumberParameter("limit")
    assert parameter_from_stored("number", "limit", []) == NumberParameter("limit")
    assert parameter_from_stored("number", "limit", [[], {"required": True}]) == NumberParameter("limit")


@pytest.mark.parametrize(
    ("type_id", "args", "message"),
    [
        ("nmber", None, "x: the type must be one of any, multiple, list, string, number, int, float, bool, dict, "
                        "array, raster, feature, feature_collection, raster_dataset, feature_dataset, choice, date, "
                        "datetime, bbox, crs, color, not 'nmber'"),
        (["int"], None, "x: the type must be one of any, multiple"),
        ("list", None, "x: 'list' takes 1 positional arguments, not 0"),
        ("int", [["y"], {}], "x: 'int' takes 0 positional arguments, not 1"),
        ("int", {"minimum": 0}, "x: the arguments must be [positional, keyword], not {'minimum': 0}"),
        ("int", [[], {"least": 0}], "x: 'int' cannot be made of [['x'], {'least': 0}]: "),
        ("int", [[], {"default": "a"}], "x: must be an integer, not 'a'"),
        ("int", [[], {"minimum": "a"}], "x: a limit must be a number, not 'a'"),
        ("choice", None, "x: 'choice' cannot be made of [['x'], {}]: "),
        ("date", [[], {"minimum": "soon"}], "x: a limit must be a date like '2070-01-31', not 'soon'"),
        ("bbox", [[], {"crs": "nowhere"}], "x: the crs must be a coordinate reference system"),
        ("feature", [[], {"geometry_types": ["Circle"]}], "x: the geometry types must be among Point, MultiPoint"),
        ("list", [[["array", [[""], {}]]], {"min_items": -1}], "x: a limit of the size must be a whole number from 0"),
        ("list", [["array"], {}], "x: wanted [type id, [positional, keyword]], not 'array'"),
        ("list", [[["aray", [[""], {}]]], {}], "x: the type must be one of any,"),
        ("list", [[["array", [[], {}]]], {}], "x: 'array' cannot be made of [[], {}]: "),
        ("multiple", [[[]], {}], "x: MultipleParameter takes a list of parameters first"),
    ],
)  # fmt: skip
def test_a_stored_form_that_cannot_be_read_is_refused(type_id, args, message):
    with pytest.raises(ParameterNotValidError) as caught:
        parameter_from_stored(type_id, "x", args)
    assert message in str(caught.value)
    assert caught.value.parameter == "x"


def test_a_collection_is_a_dictionary_that_cleans():
    values = ParameterCollection([IntParameter("a"), IntParameter("b", required=False)])
    assert not values.is_complete
    values["a"] = "3"
    assert values.is_complete
    assert dict(values) == {"a": 3} == values.format_args()
    assert values == {"a": 3}
    assert list(values.items()) == [("a", 3)]
    assert values.get("b") is None
    assert repr(values) == "ParameterCollection(a=3)"
    with pytest.raises(KeyError):
        values["b"]
    del values["a"]
    assert len(values) == 0


def test_a_collection_refuses_what_its_parameters_refuse():
    values = ParameterCollection([IntParameter("a")])
    with pytest.raises(ParameterNotValidError, match=r"^a: must be an integer, not 'x'$"):
        values["a"] = "x"
    with pytest.raises(ParameterNotValidError, match=r"^c: there is no such parameter; there are: 'a'$"):
        values["c"] = 1
