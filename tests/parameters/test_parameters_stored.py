import json

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.parameters import (
    AnyParameter,
    BooleanParameter,
    DictParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    ParameterCollection,
    ParameterNotValidError,
    RasterParameter,
    StringParameter,
    parameter_from_stored,
)

NAMES = st.text(min_size=1, max_size=8)
TEXTS = st.none() | st.text(max_size=8)


@st.composite
def common(draw, default):
    keywords = {"title": draw(TEXTS), "description": draw(TEXTS)}
    how = draw(st.sampled_from(["required", "optional", "default", "none"]))
    if how == "optional":
        keywords["required"] = False
    elif how != "required":
        keywords["default"] = draw(default) if how == "default" else None
    return keywords


@st.composite
def numbers(draw, kind, values):
    limits = sorted(draw(st.lists(values, min_size=2, max_size=2)))
    options = draw(st.sets(st.sampled_from(["minimum", "maximum"])))
    keywords = {key: limits[key == "maximum"] for key in options} | {"unit": draw(TEXTS)}
    inside = st.sampled_from(limits) if options else values
    return kind(draw(NAMES), **keywords, **draw(common(inside)))


@st.composite
def texts(draw):
    choices = draw(st.none() | st.lists(st.text(max_size=5), min_size=1, max_size=4))
    default = st.text(max_size=8) if choices is None else st.sampled_from(choices)
    return StringParameter(draw(NAMES), choices=choices, **draw(common(default)))


def simple(kind, default):
    return st.builds(lambda name, keywords: kind(name, **keywords), NAMES, common(default))


INTS = st.integers(-(2**60), 2**60)
FLOATS = st.floats(allow_nan=False, allow_infinity=False)
JSON = st.recursive(
    st.none() | st.booleans() | INTS | FLOATS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=5,
)
LEAVES = (
    simple(AnyParameter, JSON)
    | simple(BooleanParameter, st.booleans())
    | simple(DictParameter, st.dictionaries(st.text(max_size=3), JSON, max_size=3))
    | simple(NdArrayParameter, st.lists(FLOATS, min_size=1, max_size=3))
    | simple(RasterParameter, st.just("service://a/b:c@2070-01-01"))
    | texts()
    | numbers(IntParameter, INTS)
    | numbers(FloatParameter, FLOATS)
    | numbers(NumberParameter, INTS | FLOATS)
)
PARAMETERS = st.recursive(
    LEAVES,
    lambda inner: (
        st.builds(lambda item, name, kw: ListParameter(item, name, **kw), inner, NAMES, common(st.just([])))
        | st.builds(
            lambda kinds, name, kw: MultipleParameter(kinds, name, **kw),
            st.lists(inner, min_size=1, max_size=3),
            NAMES,
            common(st.none()),
        )
    ),
    max_leaves=4,
)


@given(PARAMETERS)
def test_every_schema_is_json_schema_and_accepts_the_default(parameter):
    schema = parameter.json_schema()
    jsonschema.Draft202012Validator.check_schema(schema)
    if parameter.default is not None:
        jsonschema.validate(parameter.describe()["default"], schema)


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
                        "array, raster, not 'nmber'"),
        (["int"], None, "x: the type must be one of any, multiple"),
        ("list", None, "x: 'list' takes 1 positional arguments, not 0"),
        ("int", [["y"], {}], "x: 'int' takes 0 positional arguments, not 1"),
        ("int", {"minimum": 0}, "x: the arguments must be [positional, keyword], not {'minimum': 0}"),
        ("int", [[], {"least": 0}], "x: 'int' cannot be made of [['x'], {'least': 0}]: "),
        ("int", [[], {"default": "a"}], "x: must be an integer, not 'a'"),
        ("int", [[], {"minimum": "a"}], "x: a limit must be a number, not 'a'"),
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
