"""What somebody may try with a text: refused in words, in little time and memory, and never executed."""

import sys
import tracemalloc
from contextlib import suppress
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import ExpressionFailed, ExpressionNotValid, InvalidInput, RunError
from geojobs_lab.expressions import Expression
from geojobs_lab.expressions import sources as expression_sources

# text, position, what stands there or why
REFUSED = [
    # not an expression
    ("", 0, "at the end: a value was expected"),
    ("   ", 3, "at the end"),
    ("1 +", 3, "at the end: a value was expected"),
    ("x y", 2, "at 'y': an operator or the end was expected"),
    ("2x", 1, "at 'x'"),
    ("x ; 2", 2, "at ';': the language has no such character"),
    ("x <> 2", 3, "at '>': a value was expected"),
    ("x = 2", 2, "at '='"),
    ("x := 2", 2, "at ':'"),
    ("x === 2", 4, "at '='"),
    ("x ** * 2", 5, r"at '\*'"),
    ("x // 2", 3, "at '/'"),
    ("x & y", 2, "at '&'"),
    ("x | y", 2, r"at '\|'"),
    ("!x", 0, "at '!'"),
    ("~x", 0, "at '~'"),
    ("x ^ 2", 2, r"at '\^'"),
    ("x @ y", 2, "at '@'"),
    ("x ? 1 : 2", 2, r"at '\?'"),
    ("(x", 2, r"at the end: '\)' was expected"),
    ("x)", 1, r"at '\)': an operator or the end was expected"),
    ("x[", 2, "at the end"),
    ("x[]", 2, "at ']'"),
    ("x[0", 3, r"at the end: '\]' was expected"),
    ("()", 1, r"at '\)'"),
    ("and", 0, "at 'and': a value was expected"),
    ("x and", 5, "at the end"),
    ("x or or y", 5, "at 'or'"),
    ("not", 3, "at the end"),
    ("1 + not x", 4, "at 'not': 'not' needs parentheses here"),
    ("x == not y", 5, "'not' needs parentheses"),
    ("- not x", 2, "'not' needs parentheses"),
    ("true(x)", 4, r"at '\('"),
    ("'abc", 0, "the text that begins there does not end"),
    ("x == \"a'", 5, "does not end"),
    ("'a\nb'", 0, "does not end"),
    ("1.2.3", 3, "at '.3'"),
    ("1_000", 1, "at '_000'"),
    ("0x10", 1, "at 'x10'"),
    ("1j", 1, "at 'j'"),
    ("1e", 1, "at 'e'"),
    # functions
    ("foo(x)", 0, "at 'foo': there is no such function"),
    ("medain(x)", 0, "did you mean 'median'?"),
    ("eval('1')", 0, "there is no such function"),
    ("exec('1')", 0, "there is no such function"),
    ("__import__('os')", 0, "there is no such function"),
    ("getattr(x, 'y')", 0, "there is no such function"),
    ("open('/etc/passwd')", 0, "there is no such function"),
    ("print(x)", 0, "there is no such function"),
    ("pi(x)", 0, "there is no such function"),
    ("abs()", 0, "abs takes 1 argument, not none"),
    ("abs(x, y)", 0, "abs takes 1 argument, not 2"),
    ("min()", 0, "min takes 1 argument and an axis, not none"),
    ("min(axis=0)", 0, "min takes 1 argument and an axis, not none"),
    ("min(x, 0, 1)", 0, "min takes 1 argument and an axis, not 3"),
    ("percentile(x)", 0, "percentile takes 2 arguments and an axis, not 1"),
    ("percentile(x, 1, 2, 3)", 0, "not 4"),
    ("where(x, y)", 0, "where takes 3 arguments, not 2"),
    ("mask(x)", 0, "mask takes 2 arguments, not 1"),
    ("clip(x, 1)", 0, "clip takes 3 arguments"),
    ("min(x, 0, axis=0)", 0, "min takes 1 argument and an axis, not 2"),
    ("min(x, axis=0, 1)", 13, r"at ',': '\)' was expected"),
    ("min(x, axis=)", 12, r"at '\)'"),
    ("min(x, dtype=1)", 7, "at 'dtype': min has no argument of this name"),
    ("min(a=x)", 4, "min has no argument of this name"),
    ("abs(x, axis=0)", 7, "abs has no argument of this name"),
    ("min(x,)", 6, r"at '\)'"),
    ("min(x, *y)", 7, r"at '\*'"),
    ("min(x, **y)", 7, r"at '\*\*'"),
    ("(x)(y)", 3, r"at '\('"),
    ("x[0](y)", 4, r"at '\('"),
    ("'a'(y)", 3, r"at '\('"),
    ("abs(x)(y)", 6, r"at '\('"),
    # Python's ways out
    ("x.__class__", 1, r"at '\.'"),
    ("x.shape", 1, r"at '\.'"),
    ("().__class__.__bases__[0]", 2, r"at '\.'"),
    ("''.join('a')", 2, r"at '\.'"),
    ("1 .real", 2, r"at '\.'"),
    ("1..real", 2, r"at '\.'"),
    ("lambda: 1", 6, "at ':'"),
    ("lambda x", 7, "at 'x'"),
    ("[x for x in y]", 0, r"at '\['"),
    ("{x}", 0, r"at '\{'"),
    ("{'a': 1}", 0, r"at '\{'"),
    ("(x, y)", 2, "at ','"),
    ("x, y", 1, "at ','"),
    ("x[0:1]", 3, "at ':'"),
    ("x[0, 1]", 3, "at ','"),
    ("f'{x}'", 1, "at \"'{x}'\""),
    ("r'x'", 1, "at \"'x'\""),
    ("b'x'", 1, "at \"'x'\""),
    ("`x`", 0, "at '`'"),
    ("$x", 0, r"at '\$'"),
    ("x\\y", 1, r"at '\\\\'"),
    ("x # y", 2, "at '#'"),
    ("x if y else z", 2, "at 'if'"),
    ("x is y", 2, "at 'is'"),
    ("x in y", 2, "at 'in'"),
    ("import os", 7, "at 'os'"),
    ("await x", 6, "at 'x'"),
    ("...", 0, r"at '\.'"),
    # characters that look like others
    ("x\x00", 1, r"at '\\x00'"),
    ("\x00", 0, r"at '\\x00'"),
    ("\ufeffx", 0, r"at '\\ufeff'"),
    ("x\xa0+ 1", 1, r"at '\\xa0'"),
    ("ｘ", 0, "at 'ｘ'"),
    ("µ", 0, "at 'µ'"),
    ("１", 0, "at '１'"),
    ("x − 1", 2, "at '−'"),
    ("x․__class__", 1, "at '․'"),
    ("\u202ex", 0, r"at '\\u202e'"),
    ("\ud800", 0, r"at '\\ud800'"),
    ("x\x0b+ 1", 1, r"at '\\x0b'"),
    # too much
    ("9223372036854775808", 0, "integers have at most 64 bits"),
    ("9" * 5000, 0, "integers have at most 64 bits"),
    ("x" * 10_001, 10_000, "it has 10001 characters, and 10000 is the most"),
    ("(" * 101 + "x" + ")" * 101, 100, "more than 100 levels deep"),
    ("(" * 9999, 100, "more than 100 levels deep"),
    ("-" * 9999 + "x", 100, "more than 100 levels deep"),
    ("not " * 2000 + "x", 400, "more than 100 levels deep"),
    ("x" + "[0]" * 3000, 0, "more than 100 levels deep"),
    ("x" + " + x" * 2000, 0, "more than 100 levels deep"),
    ("2" + "**2" * 3000, 300, "more than 100 levels deep"),
    ("abs(" * 2000, 400, "more than 100 levels deep"),
    ("x[" * 3000, 200, "more than 100 levels deep"),
]


@pytest.mark.parametrize(("text", "position", "message"), REFUSED)
def test_what_is_no_expression_is_refused(text: str, position: int, message: str) -> None:
    with pytest.raises(ExpressionNotValid, match=message) as caught:
        Expression(text)
    assert isinstance(caught.value, InvalidInput)
    assert str(caught.value).startswith(f"the expression is invalid at position {position}, at ")
    assert len(str(caught.value)) < 400
    assert (caught.value.position, caught.value.value, caught.value.field) == (position, text, "inputs")


@pytest.mark.parametrize("text", [None, 1, b"x", ["x"], np.array("x")])
def test_only_texts_are_expressions(text: Any) -> None:
    with pytest.raises(ExpressionNotValid, match="the expression is invalid: it must be a text, not"):
        Expression(text)


@pytest.mark.parametrize("name", ["__class__", "__builtins__", "__import__", "self", "lambda", "None", "os", "eval"])
def test_pythons_names_are_names_like_others(name: str) -> None:
    assert Expression(name).names == (name,)
    with pytest.raises(ExpressionFailed, match="there is no value of this name; given are: none"):
        Expression(name).evaluate({})
    assert Expression(f"{name} + 1").evaluate({name: 1}) == 2


@pytest.mark.parametrize(
    "text",
    [
        "(" * 99 + "x" + ")" * 99,
        "x" + " + x" * 99,
        "-" * 99 + "x",
        "x" + "[0]" * 99,
        "abs(" * 99 + "x" + ")" * 99,
        "1" + "**1" * 99,
        "x + 1" + " " * 9995,
    ],
)
def test_what_is_just_within_the_limits_is_computed(text: str) -> None:
    values: dict[str, Any] = {"x": np.array([1.0])}
    if "[" in text:
        for _ in range(99):
            values["x"] = [values["x"]]
    result = Expression(text).evaluate(values)
    assert abs(np.asarray(result).item()) in (1, 2, 100)


def test_the_deepest_expression_leaves_python_room() -> None:
    # as deep as a server's handler and a task's machinery may stand already
    def down(levels: int) -> Any:
        return down(levels - 1) if levels else Expression("max(" * 99 + "x" + ", 0)" * 98 + ")").evaluate({"x": cube})

    cube = np.ones((1,) * 60)
    with pytest.raises(ExpressionFailed):  # has not so many axes, and that is what it says
        down(sys.getrecursionlimit() // 3)


@pytest.mark.parametrize("text", ["min(x, min(x))", "min(x, min(x, min(x, 0)))", "x[x[x[0]]]", "percentile(x, min(x))"])
def test_what_refers_to_itself_ends(text: str) -> None:
    assert Expression(text).evaluate({"x": np.zeros(3, int)}) == 0


class Hostile:
    """Fails the test whatever is done with it."""

    def __call__(self, *args: Any) -> Any:
        pytest.fail("it was called")

    __getitem__ = __add__ = __bool__ = __array__ = __len__ = __iter__ = __eq__ = __call__
    __hash__ = None

    def __getattr__(self, name: str) -> Any:
        pytest.fail(f"it was asked for {name}")


@pytest.mark.parametrize("text", ["h", "h + 1", "h[0]", "h == 1", "min(h)", "h and true", "x + h", "d['h']", "l[0]"])
def test_values_of_other_types_are_refused_untouched(text: str) -> None:
    values = {"h": Hostile(), "x": np.ones(2), "d": {"h": Hostile()}, "l": [Hostile()]}
    with pytest.raises(ExpressionFailed, match="a value of type Hostile is nothing that expressions compute with"):
        Expression(text).evaluate(values)


@pytest.mark.parametrize("text", ["c * r", "c == r", "sum(c * r)", "where(c, r, 1)", "(c * r)[0]", "c + r and true"])
def test_a_result_much_larger_than_its_operands_is_refused_before_there_is_one(text: str) -> None:
    many = 40_000
    values = {"c": np.ones((many, 1)), "r": np.ones((1, many))}
    tracemalloc.start()
    try:
        with pytest.raises(ExpressionFailed, match=rf"a result of shape \({many}, {many}\) is too large") as caught:
            Expression(text).evaluate(values)
        assert tracemalloc.get_traced_memory()[1] < 5e6
    finally:
        tracemalloc.stop()
    assert isinstance(caught.value, RunError)


def test_the_limit_is_on_growth_and_not_on_large_arrays(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression_sources, "MOST_CELLS", 10)
    assert Expression("x + 1").evaluate({"x": np.ones((5, 5))}).shape == (5, 5)
    assert Expression("x + x[0]").evaluate({"x": np.ones((5, 5))}).shape == (5, 5)
    with pytest.raises(ExpressionFailed, match="10 cells the most"):
        Expression("c + r").evaluate({"c": np.ones((5, 1)), "r": np.ones(5)})


@given(st.text(max_size=40) | st.text("xy01. +-*/%()[],=<>!&|'\"aminodrt\n", max_size=60))
def test_any_text_is_an_expression_or_refused(text: str) -> None:
    try:
        names = Expression(text).names
    except ExpressionNotValid as error:
        message, names = str(error), ()
    else:
        message = "the expression is invalid at position"
    assert message.startswith("the expression is invalid at position")
    assert all(name in text for name in names)


TOKENS = ["x", "y", "1", "2.5", "0", "true", "nan", "'a'", "(", ")", "[", "]", ",", "axis=", "+", "-", "*", "/", "**"]
TOKENS += ["%", "<", "==", "and", "or", "not", "min(", "abs(", "where(", "mask(", "median(", "int8(", "isnan("]


@given(st.lists(st.sampled_from(TOKENS), max_size=12))
def test_any_expression_has_a_value_or_says_why_not(tokens: list[str]) -> None:
    values = {"x": np.array([[1.0, np.nan], [0.0, -2.0]]), "y": np.ma.MaskedArray([3, 0], [False, True], np.int8)}
    with suppress(ExpressionNotValid, ExpressionFailed):
        Expression(" ".join(tokens)).evaluate(values)
