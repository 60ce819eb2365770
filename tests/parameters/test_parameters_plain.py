import math
from decimal import Decimal
from fractions import Fraction

import numpy as np
import pytest

from geojobs_lab.documents import ServiceReference
from geojobs_lab.parameters import (
    AnyParameter,
    BooleanParameter,
    DictParameter,
    FloatParameter,
    IntParameter,
    NumberParameter,
    Parameter,
    ParameterNotValidError,
    StringParameter,
)


@pytest.mark.parametrize(
    ("parameter", "value", "cleaned"),
    [
        (IntParameter("n"), 3, 3),
        (IntParameter("n"), "3", 3),
        (IntParameter("n"), " -3 ", -3),
        (IntParameter("n"), 3.0, 3),
        (IntParameter("n"), "3.0", 3),
        (IntParameter("n"), "9007199254740993", 9007199254740993),
        (IntParameter("n"), np.int16(3), 3),
        (IntParameter("n"), np.array(3.0), 3),
        (NumberParameter("n"), 3, 3),
        (NumberParameter("n"), 3.5, 3.5),
        (NumberParameter("n"), "3.5e1", 35),
        (NumberParameter("n"), ".5", 0.5),
        (NumberParameter("n"), "1e300", 1e300),
        (NumberParameter("n"), Fraction(1, 4), 0.25),
        (NumberParameter("n"), Decimal("2.5"), 2.5),
        (NumberParameter("n"), np.float32(0.5), 0.5),
        (FloatParameter("n"), 3, 3.0),
        (FloatParameter("n"), "3", 3.0),
        (StringParameter("s"), "a", "a"),
        (StringParameter("s"), "", ""),
        (StringParameter("s"), 3, "3"),
        (StringParameter("s"), 3.5, "3.5"),
        (StringParameter("s"), np.float64(3.5), "3.5"),
        (StringParameter("s", choices=["1", "2"]), 2, "2"),
        (BooleanParameter("b"), True, True),
        (BooleanParameter("b"), "FALSE", False),
        (BooleanParameter("b"), " true", True),
        (BooleanParameter("b"), 0, False),
        (BooleanParameter("b"), 1.0, True),
        (BooleanParameter("b"), np.bool_(True), True),
        (DictParameter("d"), {"a": [1]}, {"a": [1]}),
        (AnyParameter("a"), None, None),
        (AnyParameter("a"), "service://not/read", "service://not/read"),
    ],
)
def test_a_value_is_converted_where_that_loses_nothing(parameter, value, cleaned):
    result = parameter.clean(value)
    assert result == cleaned
    assert type(result) is type(cleaned)


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (IntParameter("n"), 3.5, "n: must be an integer, not 3.5"),
        (IntParameter("n"), True, "n: must be an integer, not true"),
        (IntParameter("n"), np.bool_(True), "n: must be an integer, not np.True_"),
        (IntParameter("n"), "three", "n: must be an integer, not 'three'"),
        (IntParameter("n"), "1_000", "n: must be an integer, not '1_000'"),
        (IntParameter("n"), "9" * 5000, f"n: must be an integer, not '{'9' * 78}…"),
        (IntParameter("n"), None, "n: must be an integer, not null"),
        (IntParameter("n"), [3], "n: must be an integer, not [3]"),
        (IntParameter("n"), np.ones((2, 3)), "n: must be an integer, not ndarray of shape (2, 3)"),
        (IntParameter("n", minimum=0, maximum=9), 12, "n: must be an integer from 0 to 9, not 12"),
        (IntParameter("n", minimum=0), -1, "n: must be an integer not below 0, not -1"),
        (NumberParameter("n", maximum=9.5, unit="m"), 10, "n: must be a number not above 9.5 (m), not 10"),
        (NumberParameter("n"), math.nan, "n: must be a number, not nan"),
        (NumberParameter("n"), "NaN", "n: must be a number, not 'NaN'"),
        (NumberParameter("n"), "1e400", "n: must be a number, not '1e400'"),
        (NumberParameter("n"), 1j, "n: must be a number, not 1j"),
        (NumberParameter("n"), np.ma.masked, "n: must be a number, not masked"),
        (FloatParameter("n"), -math.inf, "n: must be a number, not -inf"),
        (FloatParameter("n"), 10**400, f"n: must be a number, not 1{'0' * 78}…"),
        (StringParameter("s"), True, "s: must be a text, not true"),
        (StringParameter("s"), math.nan, "s: must be a text, not nan"),
        (StringParameter("s"), ["a"], "s: must be a text, not ['a']"),
        (StringParameter("s", choices=["a", "b"]), "c", "s: must be one of 'a', 'b', not 'c'"),
        (BooleanParameter("b"), "yes", "b: must be true or false, not 'yes'"),
        (BooleanParameter("b"), 2, "b: must be true or false, not 2"),
        (BooleanParameter("b"), None, "b: must be true or false, not null"),
        (DictParameter("d"), [1], "d: must be an object, not [1]"),
        (DictParameter("d"), "{}", "d: must be an object, not '{}'"),
    ],
)
def test_a_refusal_names_the_parameter_the_value_and_what_was_wanted(parameter, value, message):
    with pytest.raises(ParameterNotValidError) as caught:
        parameter.clean(value)
    assert str(caught.value) == message
    assert caught.value.parameter == parameter.name
    assert caught.value.value is value
    assert caught.value.field == "inputs"


def test_a_parameter_is_required_unless_it_says_otherwise_or_has_a_default():
    assert IntParameter("n").required
    assert not IntParameter("n", required=False).required
    assert not IntParameter("n", False).required
    with_default = IntParameter("n", required=True, default="3")
    assert (with_default.required, with_default.has_default, with_default.default) == (False, True, 3)
    without = IntParameter("n", default=None)
    assert (without.required, without.has_default, without.default) == (False, True, None)


def test_a_default_has_to_be_acceptable():
    with pytest.raises(ParameterNotValidError, match=r"^n: must be an integer not below 0, not -1$"):
        IntParameter("n", minimum=0, default=-1)


def test_a_definition_that_cannot_be_meant_is_refused_where_it_stands():
    with pytest.raises(ValueError, match="n: the minimum 2 lies above the maximum 1"):
        NumberParameter("n", minimum=2, maximum=1)
    with pytest.raises(ValueError, match="n: a limit must be a number, not 'low'"):
        NumberParameter("n", minimum="low")
    with pytest.raises(ValueError, match="s: the choices must be a list of texts, not 'ab'"):
        StringParameter("s", choices="ab")
    with pytest.raises(TypeError, match=r"takes a name .* not 'n' and 'a title'"):
        IntParameter("n", "a title")


def test_the_schema_is_json_schema_of_what_is_accepted():
    assert IntParameter("n", minimum=0, maximum=9, default=3, title="Count").json_schema() == {
        "type": "integer",
        "minimum": 0,
        "maximum": 9,
        "title": "Count",
        "default": 3,
    }
    assert FloatParameter("n").json_schema() == {"type": "number"}
    assert StringParameter("s", choices=["a"]).json_schema() == {"type": "string", "enum": ["a"]}
    assert BooleanParameter("b").json_schema() == {"type": "boolean"}
    assert DictParameter("d").json_schema() == {"type": "object"}
    assert AnyParameter("a").json_schema() == {}


def test_the_description_is_the_document_of_the_rest_contract():
    described = NumberParameter("limit", default=2, title="Limit", description="Upper end", unit="K").describe()
    assert described == {
        "name": "limit",
        "type": "number",
        "required": False,
        "default": 2,
        "title": "Limit",
        "description": "Upper end",
        "unit": "K",
        "schema": {"type": "number", "title": "Limit", "description": "Upper end", "default": 2},
    }


def test_parameters_of_ones_own_say_what_they_want_in_the_same_words():
    class EvenParameter(Parameter):
        id = "even"
        wanted = "an even number"

        def clean(self, value):
            return value if value % 2 == 0 else self.refuse(value)

    assert EvenParameter("n").clean(4) == 4
    with pytest.raises(ParameterNotValidError, match=r"^n: must be an even number, not 3$"):
        EvenParameter("n").clean(3)


def test_a_plain_value_holds_no_references():
    assert list(StringParameter("s").references("service://a")) == []
    assert list(AnyParameter("a").references([ServiceReference("a")])) == [ServiceReference("a")]


def test_equal_parameters_are_equal_and_their_text_says_how_they_were_made():
    assert IntParameter("n", minimum=1) == IntParameter("n", minimum=1)
    assert IntParameter("n") != IntParameter("m")
    assert IntParameter("n") != NumberParameter("n")
    assert len({IntParameter("n"), IntParameter("n")}) == 1
    assert repr(IntParameter("n", minimum=1, default=3)) == "IntParameter('n', default=3, minimum=1)"
    assert IntParameter("n", title="T").renamed("m") == IntParameter("m", title="T")
