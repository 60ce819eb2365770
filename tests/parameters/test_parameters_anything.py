"""Nothing that somebody may send gets past a parameter but as a refusal in the parameter's name."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geojobs_lab.parameters import (
    BBoxParameter,
    ChoiceParameter,
    CRSParameter,
    DateParameter,
    DateTimeParameter,
    FeatureParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    Parameter,
    ParameterNotValidError,
)
from geojobs_lab.parameters.base import to_json
from geojobs_lab.parameters.geojson import GEOMETRY_TYPES
from geojobs_lab.parameters.stored import _KINDS

OWN: dict[str, Parameter] = {
    "multiple": MultipleParameter([IntParameter(""), DateParameter(""), BBoxParameter("")], "x"),
    "list": ListParameter(MultipleParameter([CRSParameter(""), FeatureParameter("")], ""), "x", max_items=3),
    "choice": ChoiceParameter("x", choices=["a", 1, True, 2.5]),
    "datetime": DateTimeParameter("x", minimum="1900-01-01T00:00:00Z", maximum="2100-01-01"),
}
EVERY = [OWN.get(id) or kind("x") for id, kind in _KINDS.items()]
NUMBERS = st.integers(-(2**70), 2**70) | st.floats()
JSON = st.recursive(
    st.none() | st.booleans() | NUMBERS | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=6,
)
COORDINATES = st.recursive(NUMBERS | st.none(), lambda inner: st.lists(inner, max_size=4), max_leaves=9)
GEOJSON = st.deferred(
    lambda: st.fixed_dictionaries(
        {"type": st.sampled_from([*GEOMETRY_TYPES, "Feature", "FeatureCollection"])},
        optional={
            "coordinates": COORDINATES,
            "geometry": GEOJSON | JSON,
            "geometries": st.lists(GEOJSON, max_size=2) | JSON,
            "features": st.lists(GEOJSON, max_size=2) | JSON,
            "properties": JSON,
            "crs": JSON,
        },
    )
)
ANYTHING = JSON | COORDINATES | GEOJSON | GEOJSON.map(json.dumps)


def nested(depth):
    value = [1]
    for _ in range(depth):
        value = [value]
    return value


def check(parameter, value):
    try:
        cleaned = parameter.clean(value)
    except ParameterNotValidError as error:
        said = error
    else:
        assert list(parameter.references(cleaned)) in ([], [cleaned])
        if parameter.id not in ("any", "dict"):  # as they came
            assert to_json(parameter.clean(to_json(cleaned))) == to_json(cleaned)
        return
    assert (str(said)[0], said.parameter[0]) == ("x", "x")


@given(ANYTHING)
@settings(max_examples=60)
def test_whatever_is_sent_is_cleaned_or_refused(value):
    for parameter in EVERY:
        check(parameter, value)


@pytest.mark.parametrize(
    "value",
    [
        10**400,
        -(10**5000),
        "1e400",
        nested(800),
        {"a": nested(800)},
        {"type": "Point", "coordinates": nested(800)},
        {"type": "Polygon", "coordinates": [nested(100)]},
        {"type": "Point", "coordinates": [float("nan"), 1]},
        {"type": "Point", "coordinates": [10**400, 1]},
        {"type": "Feature", "geometry": {"type": "Feature", "geometry": None}},
        "[" * 100_000,
        "PROJCRS[" * 20_000,
        '{"type":' * 900,
        "\ud800",
        "2070-01-01\ud80012:00",
        "a\0b",
        "0001-01-01T00:00:00+23:59",
        "service://",
        "service://a:b@c",
        object(),
        {"proj": "longlat", "init": "/etc/passwd:x"},
        "+init=/etc/passwd:x",
    ],
    ids=lambda value: f"{value!r:.20}" if isinstance(value, str) else type(value).__name__,
)
def test_what_breaks_readers_is_cleaned_or_refused(value):
    for parameter in EVERY:
        check(parameter, value)
