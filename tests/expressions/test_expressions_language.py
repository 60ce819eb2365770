"""What the language means, case by case; the older language's cases are among them."""

import math
from typing import Any

import numpy as np
import pytest

from geojobs_lab.errors import ExpressionFailed, GeoJobsError
from geojobs_lab.expressions import Expression

X = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
N = np.array([3, -2, 7], np.int8)
U = np.array([0, 5, 250], np.uint8)
F = np.array([0.5, 1.5, -2.5], np.float32)
B = np.array([True, False, True])
C = np.array([True, True, False])
VALUES: dict[str, Any] = {
    "x": X,
    "n": N,
    "u": U,
    "f": F,
    "b": B,
    "c": C,
    "one": 1,
    "half": 0.5,
    "yes": True,
    "text": "abc",
    "items": [10, 20, [30, 40]],
    "layers": [X, X + 1],
    "d": {"one": 1, 2: "two", "x": X},
    "np32": np.float32(0.5),
    "zero_d": np.array(7),
    "sum": 12,
    "count": 4,
    "min": 2,
    "i": 2,
}


def evaluate(text: str, **more: Any) -> Any:
    return Expression(text).evaluate({**VALUES, **more})


SCALARS = [
    # numbers, truth values, texts
    ("1", 1),
    ("007", 7),
    ("2.", 2.0),
    (".5", 0.5),
    ("1.25", 1.25),
    ("1e5", 1e5),
    ("1.5E-3", 1.5e-3),
    (".5e+1", 5.0),
    ("9223372036854775807", 2**63 - 1),
    ("true", True),
    ("True", True),
    ("TRUE", True),
    ("false", False),
    ("False", False),
    ("FALSE", False),
    ("'abc'", "abc"),
    ('"a b"', "a b"),
    ("''", ""),
    ('"it\'s"', "it's"),
    ("pi", math.pi),
    (" \t1\n+\r\n1 ", 2),
    # arithmetic
    ("1 + 2", 3),
    ("1 - 2", -1),
    ("2 * 3", 6),
    ("1 / 2", 0.5),
    ("4 / 2", 2.0),
    ("7 % 3", 1),
    ("-7 % 3", 2),
    ("7.5 % 2", 1.5),
    ("2 ** 4", 16),
    ("2 ** -1", 0.5),
    ("2 ** 0.5", math.sqrt(2)),
    ("0 ** 0", 1),
    ("true + true", 2),
    ("1 + .5", 1.5),
    ("half + np32", 1.0),
    # precedence and order
    ("1 + 2 * 3", 7),
    ("(1 + 2) * 3", 9),
    ("10 - 4 - 3", 3),
    ("2 - 3 + 4", 3),
    ("24 / 4 / 2", 3.0),
    ("24 / 4 * 2", 12.0),
    ("7 % 4 * 2", 6),
    ("2 * 7 % 4", 2),
    ("2 * 3 ** 2", 18),  # 36 in the older language, which took them from left to right
    ("2 ** 4 * 3", 48),
    ("2 ** 3 ** 2", 512),
    ("-2 ** 2", -4),
    ("(-2) ** 2", 4),
    ("2 ** -2 ** 2", 0.0625),
    ("2 * -1", -2),
    ("2 - -1", 3),
    ("2 - +1", 1),
    ("- - 1", 1),
    ("-+-1", 1),
    ("+1", 1),
    ("-1 + 2", 1),
    ("-2 * -3", 6),
    ("1--1", 2),
    # comparisons bind tighter than and/or, and go from left to right
    ("1 > 2 == False", True),
    ("1 < 2 == true", True),
    ("3 > 2 > 1", False),
    ("1 == 1.0", True),
    ("1 != 2", True),
    ("1 <= 1", True),
    ("1 >= 2", False),
    ("1 < 2", True),
    ("2 > 2", False),
    ("1 + 1 == 2", True),
    ("2 * 2 > 3 and 1 < 2", True),
    ("1 < 2 && 3 < 2", False),
    ("1 < 2 || 3 < 2", True),
    ("'a' == 'a'", True),
    ("'a' != \"a\"", False),
    ("'a' == 1", False),
    ("'a' < 'b' == true", True),
    ("'b' <= 'a'", False),
    ("'2050-01' >= '2049-12'", True),
    ("text == 'abc'", True),
    # and/or give the operand, and are of one level, from left to right
    ("1 and 0", 0),
    ("0 and 1", 0),
    ("1 and 2", 2),
    ("0 or 3", 3),
    ("2 or 3", 2),
    ("1 or 0 and 0", 0),
    ("1 or 1 && 0", 0),
    ("0 and 1 or 5", 5),
    ("true and false", False),
    # not: looser than comparisons, tighter than and/or
    ("not true", False),
    ("not 0", True),
    ("not 1 == 2", True),
    ("not not 3", True),
    ("not false and false", False),
    ("not (false and false)", True),
    ("true and not false", True),
    ("(not 1) + 1", 1),
    # indexing
    ("items[0]", 10),
    ("items[-2]", 20),
    ("items[+1]", 20),
    ("items[2][1]", 40),
    ("items[1 - 1]", 10),
    ("-items[0]", -10),
    ("items[0] ** 2", 100),
    ("2 ** items[0]", 1024),
    ("items[items[0] - 10]", 10),
    ("items[i][0]", 30),
    ('d["one"]', 1),
    ("d['one'] + 1", 2),
    ("d[2]", "two"),
    ("d['x'][0][2]", 3.0),
    ("x[0][1]", 2.0),
    ("x[-1][-1]", 6.0),
    ("-x[0][1]", -2.0),
    ("(x + 1)[1][0]", 5.0),
    ("layers[1][0][0]", 2.0),
    ("n[0]", 3),
    ("b[1]", False),
    ("zero_d", 7),
    # functions on single values
    ("abs(-3)", 3),
    ("abs(-.5)", 0.5),
    ("floor(-2.5)", -3),
    ("ceil(-2.5)", -2),
    ("floor(2)", 2),
    ("floor(1e300)", 1e300),
    ("int(2.7)", 2),
    ("int(-2.7)", -2),
    ("int8(300)", 300),  # of a single value a plain integer, as it was
    ("float(2)", 2.0),
    ("float16(1) / 3", 1 / 3),
    ("sqrt(16)", 4.0),
    ("exp(0)", 1.0),
    ("log(exp(1))", 1.0),
    ("log10(1000)", 3.0),
    ("sin(0)", 0.0),
    ("cos(pi)", -1.0),
    ("tan(0)", 0.0),
    ("arctan2(1, 0)", math.pi / 2),
    ("hypot(3, 4)", 5.0),
    ("clip(5, 0, 3)", 3),
    ("clip(-1, 0, 3)", 0),
    ("where(1 > 2, 3, 4)", 4),
    ("where(true, 'a', 'b')", "a"),
    ("isnan(1)", False),
    ("isnan(nan)", True),
    ("get_mask(nan)", True),
    ("mask(1, false)", 1),
    # a function's name is a function only before a parenthesis
    ("sum / count", 3.0),
    ("min + min(x)", 3.0),
    ("sum (x)", 21.0),
    # infinities and NaN instead of errors
    ("1 / 0", math.inf),
    ("-1 / 0", -math.inf),
    ("0 / 0", math.nan),
    ("1 % 0", math.nan),
    ("1.5 % 0", math.nan),
    ("log(0)", -math.inf),
    ("log(-1)", math.nan),
    ("sqrt(-1)", math.nan),
    ("0 ** -1", math.inf),
    ("(-8) ** (1 / 3)", math.nan),
    ("2.0 ** 10000", math.inf),
    ("int(1e300)", math.nan),
    ("floor(1 / 0)", math.inf),
    # a missing number makes the result missing
    ("nan + 1", math.nan),
    ("nan == nan", math.nan),
    ("1 < nan", math.nan),
    ("nan ** 0", math.nan),
    ("1 and nan", math.nan),
    ("0 and nan", math.nan),
    ("nan or 1", math.nan),
    ("not nan", math.nan),
    ("abs(nan)", math.nan),
    ("int(nan)", math.nan),
    ("floor(nan)", math.nan),
    ("clip(1, nan, 2)", math.nan),
    ("where(nan, 1, 2)", math.nan),
    ("where(true, 1, nan)", 1),
    ("mask(1, true)", math.nan),
    ("mask(1, nan)", math.nan),
    # reductions
    ("min(x)", 1.0),
    ("max(x)", 6.0),
    ("sum(x)", 21.0),
    ("count(x)", 6),
    ("mean(x)", 3.5),
    ("median(x)", 3.5),
    ("var(x)", 17.5 / 6),
    ("std(x)", math.sqrt(17.5 / 6)),
    ("percentile(x, 0)", 1.0),
    ("percentile(x, 90)", 5.5),
    ("percentile(x, 100)", 6.0),
    ("min(n)", -2),
    ("max(n)", 7),
    ("sum(n)", 8),
    ("sum(u)", 255),
    ("mean(n)", 8 / 3),
    ("sum(b)", 2),
    ("min(b)", False),
    ("max(b)", True),
    ("mean(b)", 2 / 3),
    ("count(x > 2)", 6),
    ("sum(x > 2)", 4),
    ("min(items[2])", 30),
    ("mean(items[2])", 35.0),
    ("max(x - mean(x))", 2.5),
    ("min(x[1])", 4.0),
    ("sum(min(x, 0))", 6.0),
    ("count(u)", 3),
    ("min(n, 0)", -2),
    ("percentile(n, 50, axis=0)", 3.0),
]


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_an_expression_of_single_values(text: str, expected: Any) -> None:
    value = evaluate(text)
    assert type(value) is type(expected), value
    assert value == (pytest.approx(expected, nan_ok=True) if isinstance(expected, float) else expected)


ARRAYS = [
    # operators, with the types that numpy gives them; scalars are weak
    ("x", X),
    ("+x", X),
    ("-x", -X),
    ("x + 1", X + 1),
    ("1 - x", 1 - X),
    ("x + x[0]", X + X[0]),
    ("x - x", np.zeros((2, 3))),
    ("x * 2", X * 2),
    ("x / 2", X / 2),
    ("x / x", np.ones((2, 3))),
    ("x ** 2", X**2),
    ("x % 2", X % 2),
    ("2 ** x", 2**X),
    ("-x ** 2", -(X**2)),
    ("-x[0]", -X[0]),
    ("n * 2", N * np.int32(2)),
    ("n + 0.5", N + 0.5),
    ("n / 2", N / 2),
    ("n ** 2", N.astype(np.int64) ** 2),
    ("n ** -1", 1 / N),
    ("n ** 0.5", np.array([3**0.5, np.nan, 7**0.5])),
    ("n % 4", np.array([3, 2, 3], np.int8)),
    ("n % 4.0", np.array([3.0, 2.0, 3.0])),
    ("u + 10", np.array([10, 15, 260], np.int32)),  # nothing wraps round
    ("u + 300", np.array([300, 305, 550], np.int32)),
    ("n + 300", np.array([303, 298, 307], np.int32)),
    ("n + 100000", np.array([100003, 99998, 100007], np.int64)),
    ("u - 1", np.array([-1, 4, 249], np.int32)),
    ("-u", np.array([0, -5, -250], np.int32)),
    ("(u - 255) / (u + 255)", np.array([-1, -250 / 260, -5 / 505])),
    ("u * u", np.array([0, 25, 62500], np.int32)),
    ("(u + 0) * 1000000", np.array([0, 5_000_000, 250_000_000], np.int64)),
    ("u ** 4", np.array([0, 625, 3906250000], np.int64)),
    ("u + n", np.array([3, 3, 257], np.int32)),
    ("u + -1", np.array([-1, 4, 249], np.int32)),
    ("f * 2", np.array([1, 3, -5], np.float32)),
    ("f + n", F + N),
    ("f / 3", F / np.float32(3)),
    ("f * mean(x)", F * np.float32(3.5)),
    ("f * x[0]", F * X[0]),
    ("f * np32", F * np.float32(0.5)),
    ("b + c", np.array([2, 1, 1], np.int32)),  # how many hold
    ("b * c", np.array([1, 0, 0], np.int32)),
    ("b - c", np.array([0, -1, 1], np.int32)),
    ("b + 1", np.array([2, 1, 2])),
    ("b * 0.5", np.array([0.5, 0, 0.5])),
    ("b + n", np.array([4, -2, 8], np.int32)),
    ("x / 0", np.full((2, 3), np.inf)),
    ("n / 0", np.array([np.inf, -np.inf, np.inf])),
    ("items[2] + 1", np.array([31, 41])),
    ("items[2] + items[2]", np.array([60, 80])),  # an array, not a longer list
    # comparisons and logic
    ("x > 2", X > 2),
    ("2 < x", X > 2),
    ("x >= 2", X >= 2),
    ("x <= 2", X <= 2),
    ("x == 2", X == 2),
    ("x != 2", X != 2),
    ("u > -1", np.array([True, True, True])),
    ("u < 300", np.array([True, True, True])),
    ("u == 256", np.array([False, False, False])),
    ("x > 1 and x < 4", (X > 1) & (X < 4)),
    ("x < 2 or x > 5", (X < 2) | (X > 5)),
    ("x > 1 && x < 4 || x > 5", ((X > 1) & (X < 4)) | (X > 5)),
    ("b and c", B & C),
    ("b or c", B | C),
    ("not b", ~B),
    ("not x > 2", ~(X > 2)),
    ("not b and c", ~B & C),
    ("b and true", B),
    ("0 or b", B),
    ("n and u", np.array([False, True, True])),
    ("x > 3 == b", (X > 3) == B),
    ("b == true", B),
    # functions
    ("abs(n)", np.array([3, 2, 7], np.int8)),
    ("abs(-x)", X),
    ("floor(f)", np.array([0, 1, -3], np.float32)),
    ("ceil(f)", np.array([1, 2, -2], np.float32)),
    ("floor(n)", N),
    ("ceil(b)", B),
    ("floor(items[2])", np.array([30, 40])),
    ("int(f)", np.array([0, 1, -2], np.int64)),
    ("int8(f)", np.array([0, 1, -2], np.int8)),
    ("int16(x)", X.astype(np.int16)),
    ("int32(x)", X.astype(np.int32)),
    ("int64(x)", X.astype(np.int64)),
    ("int(b)", np.array([1, 0, 1])),
    ("int8(u)", np.array([0, 5, -6], np.int8)),  # integers wrap round, as numpy has it
    ("float(n)", N.astype(np.float64)),
    ("float16(n)", N.astype(np.float16)),
    ("float32(x)", X.astype(np.float32)),
    ("float64(f)", F.astype(np.float64)),
    ("int(items[2])", np.array([30, 40])),
    ("sqrt(x)", np.sqrt(X)),
    ("sqrt(u)", np.sqrt(U.astype(float))),  # numpy would take float16
    ("sqrt(f)", np.array([0.5**0.5, 1.5**0.5, np.nan], np.float32)),
    ("exp(x)", np.exp(X)),
    ("log(x)", np.log(X)),
    ("log(u)", np.array([-np.inf, math.log(5), math.log(250)])),
    ("log10(x)", np.log10(X)),
    ("sin(x)", np.sin(X)),
    ("cos(x)", np.cos(X)),
    ("tan(x)", np.tan(X)),
    ("arctan2(x, 2)", np.arctan2(X, 2)),
    ("hypot(x, 3)", np.hypot(X, 3)),
    ("clip(x, 2, 5)", np.clip(X, 2, 5)),
    ("clip(n, -1, 5)", np.array([3, -1, 5], np.int8)),
    ("clip(x, x[0], 4)", np.array([[1.0, 2, 3], [4, 4, 4]])),
    ("where(x > 2, x, 0)", np.where(X > 2, X, 0)),
    ("where(b, 1, 2)", np.array([1, 2, 1])),
    ("where(b, 1, 2.5)", np.array([1, 2.5, 1])),
    ("where(b, n, 0)", np.array([3, 0, 7], np.int8)),
    ("where(n, b, c)", B),
    ("where(b, true, false)", B),
    ("where(true, n, f)", N.astype(np.float32)),
    ("where(b, n, nan)", np.array([3, np.nan, 7])),
    ("isnan(x)", np.zeros((2, 3), bool)),
    ("get_mask(n)", np.zeros(3, bool)),
    # reductions along an axis
    ("min(x, 0)", X.min(0)),
    ("min(x, axis=0)", X.min(0)),
    ("max(x, 1)", X.max(1)),
    ("max(x, axis=-1)", X.max(1)),
    ("mean(x, 0)", X.mean(0)),
    ("median(x, 0)", np.median(X, 0)),
    ("std(x, 0)", X.std(0)),
    ("var(x, axis=1)", X.var(1)),
    ("sum(x, axis = 1)", X.sum(1)),
    ("count(x, 0)", np.array([2, 2, 2])),
    ("percentile(x, 25, 1)", np.percentile(X, 25, 1)),
    ("percentile(x, 25, axis=1)", np.percentile(X, 25, 1)),
    ("mean(x, i - 2)", X.mean(0)),
    ("min(x, sum(x > 5) - 1)", X.min(0)),
    ("max(x, count(x) - 6)", X.max(0)),  # an axis of the same array
    ("sum(x, count(x, 0)[0] - 2)", X.sum(0)),
    ("mean(float32(x), 0)", X.mean(0, dtype=np.float32)),
    ("mean(int8(x), 0)", X.mean(0)),
    ("sum(int8(x), 0)", np.array([5, 7, 9])),
    ("min(int8(x), 0)", np.array([1, 2, 3], np.int8)),
    ("x - mean(x, 0)", X - X.mean(0)),
    ("min(x, 0)[1]", 2.0),
    # indexing, and all together
    ("x[0]", X[0]),
    ("x[+1]", X[1]),
    ("x[-1]", X[-1]),
    ("(x * 2)[1]", X[1] * 2),
    ("(x - x[0])[1][2]", 3.0),
    ("layers[0] + layers[1]", X + X + 1),
    ("d['x'] * 2", X * 2),
    ("d", {"one": 1, 2: "two", "x": X}),
    ("items", [10, 20, [30, 40]]),
    ("(x - min(x)) / (max(x) - min(x))", (X - 1) / 5),
    ("abs(mean(x) - x) > std(x)", np.abs(X.mean() - X) > X.std()),
    ("x / sum(x) * 100", X / 21 * 100),
]


@pytest.mark.parametrize(("text", "expected"), ARRAYS)
def test_an_expression_of_arrays(text: str, expected: Any) -> None:
    value = evaluate(text)
    assert type(value) is type(expected), value
    if isinstance(expected, np.ndarray):
        assert value.dtype == expected.dtype
        np.testing.assert_allclose(value, expected, rtol=1e-6 if value.dtype == np.float32 else 1e-12, strict=True)
        assert not any(np.shares_memory(value, given) for given in (X, N, U, F, B, C))
    else:
        assert str(value) == str(expected)


def test_the_byte_order_of_a_file_does_not_come_along() -> None:
    for text in ("x", "x + 1", "x[1]", "min(x, 0)", "median(x, 0)", "mask(x, false)"):
        result = evaluate(text, x=X.astype(">f4"))
        assert result.dtype.isnative
        assert result.dtype == np.float32


def test_single_results_of_small_floats_are_as_exact_as_they_are_computed() -> None:
    large = np.full(2, 6e4, np.float16)
    assert evaluate("sum(x)", x=large) == 120_000.0  # beyond float16
    third = np.array([0.1, 0.3, 0.3], np.float32)
    for name in ("sum", "mean", "std", "var"):
        assert evaluate(f"{name}(x)", x=third) == getattr(third.astype(np.float64), name)()
    assert evaluate("sum(x, 0)", x=large[None]).dtype == np.float16
    assert evaluate("x * mean(x)", x=third).dtype == np.float32


def test_constants_are_names_where_a_value_is_given() -> None:
    assert evaluate("pi", pi=3) == 3
    assert evaluate("nan + 1", nan=1) == 2


def test_the_names_are_known_without_values_and_stand_in_order() -> None:
    assert Expression("min(x) + y < 5").names == ("x", "y")
    assert Expression("x + (y-z)").names == ("x", "y", "z")
    assert Expression("c ** b[a] - min(b, axis=d) + percentile(e, f)").names == ("c", "b", "a", "d", "e", "f")
    assert Expression("sum / count").names == ("sum", "count")
    assert Expression("true and not 'x' == pi + nan").names == ()


def test_expressions_of_one_text_are_equal_and_can_be_keys() -> None:
    assert Expression("x + 1") == Expression("x + 1") != Expression("x+1")
    assert {Expression("x"): 1}[Expression("x")] == 1
    assert repr(Expression("x + 1")) == "Expression(text='x + 1')"


FAILURES = [
    ("y", "'y' cannot be computed: there is no value of this name; given are: b, big, c, "),
    ("1 + y", r"'y' cannot be computed: .* \(in '1 \+ y'\)"),
    ("x[2]", r"'x\[2\]' cannot be computed: an index 2 lies outside of 2"),
    ("x[-3]", "an index -3 lies outside of 2"),
    ("x[0.5]", "an index is an integer, not a value of type float"),
    ("x['a']", "an index is an integer, not a value of type str"),
    ("x[true]", "an index is an integer, not a value of type bool"),
    ("x[x]", r"an index is an integer, not an array of shape \(2, 3\)"),
    ("items[3]", "an index 3 lies outside of 3"),
    ("d['two']", "there is no key 'two'"),
    ("d[1.5]", "a dictionary's key is a text or an integer, not a value of type float"),
    ("one[0]", "a value of type int has no items"),
    ("text[0]", "a value of type str has no items"),
    ("d + 1", "a dictionary is no number"),
    ("x + x[0][0] + min(x, 1)", "do not fit"),
    ("min(x, 1) + x", r"'min\(x, 1\) \+ x' cannot be computed: the shapes \(2,\) and \(2, 3\) do not fit together"),
    ("min(one)", "min takes an array, not a value of type int"),
    ("min(x, 2)", "an axis 2 lies outside of 2"),
    ("min(x, x)", r"an axis is an integer, not an array of shape \(2, 3\)"),
    ("min(x, 0.5)", "an axis is an integer, not a value of type float"),
    ("percentile(x, 101)", "a percentile is a number from 0 to 100, not 101"),
    ("percentile(x, 'a')", "a percentile is a number from 0 to 100, not a value of type str"),
    ("percentile(x, nan)", "not nan"),
    ("'a' + 'b'", "'a' is a text, which can only be compared with texts, or be a key"),
    ("'a' * 1000000000", "'a' is a text"),
    ("1 < 'b'", "'b' is a text"),
    ("-'a'", "'a' is a text"),
    ("abs('a')", "'a' is a text"),
    ("float('1')", "'1' is a text"),
    ("x == 'a'", "'a' is a text, and an array holds numbers"),
    ("where(x > 1, 'a', 'b')", "'a' is a text"),
    ("n ** n", "Integers to negative integer powers are not allowed"),
    ("2 ** 64", "needs more than 64 bits as an integer; write a number with a point for a float"),
    ("9 ** 9 ** 9", r"9 \*\* 387420489 needs more than 64 bits"),
    ("1 + (-2) ** 64", r"'\(-2\) \*\* 64' cannot be computed"),
    ("10 ** (10 ** 10)", "needs more than 64 bits"),
    ("9223372036854775807 * 3", "needs more than 64 bits"),
    ("layers + 1", "a list of a value of type ndarray is no array: take one with an index in brackets"),
    ("ragged + 1", "'ragged \\+ 1' cannot be computed"),
    ("texts + 1", "a list of a value of type str is no array"),
    ("objects + 1", "an array of object holds no real numbers"),
    ("complex + 1", "an array of complex128 holds no real numbers"),
    ("dates + 1", r"an array of datetime64\[D\] holds no real numbers"),
    ("function", "a value of type .*function.* is nothing that expressions compute with"),
    ("nothing", "a value of type NoneType is nothing"),
    ("big", "the integer has more than 64 bits"),
]


@pytest.mark.parametrize(("text", "message"), FAILURES)
def test_what_cannot_be_computed_says_so(text: str, message: str) -> None:
    odd = {
        "ragged": [[1], [1, 2]],
        "texts": ["a"],
        "objects": np.array([{}], object),
        "complex": np.array([1j]),
        "dates": np.array(["2000-01-01"], "datetime64[D]"),
        "function": print,
        "nothing": None,
        "big": 2**70,
    }
    with pytest.raises(ExpressionFailed, match=message) as caught:
        evaluate(text, **odd)
    assert caught.value.expression == text
    assert isinstance(caught.value.__cause__, Exception)
    assert not isinstance(caught.value.__cause__, GeoJobsError)


def test_a_value_is_never_called() -> None:
    def called() -> int:
        raise AssertionError

    with pytest.raises(ExpressionFailed):
        evaluate("f", f=called)


def test_unary_plus_leaves_truth_values_as_they_are() -> None:
    result = Expression("+x").evaluate({"x": B})
    assert result is not B
    np.testing.assert_array_equal(result, B, strict=True)
