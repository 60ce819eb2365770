"""A cell that is missing in any operand is missing in the result, and what lies beneath a mask is never seen."""

import math
from typing import Any

import numpy as np
import pytest

from geojobs_lab.expressions import Expression

LEAK = 77  # what lies beneath the masks, and must not come out
NAN = np.nan
VALUES: dict[str, Any] = {
    "p": np.array([NAN, 1.0, 2.0, -3.0]),  # plain, missing as NaN
    "m": np.ma.MaskedArray([LEAK, 1.0, 2.0, -3.0], [1, 0, 0, 0]),
    "k": np.ma.MaskedArray(np.array([LEAK, 1, 2, -3], np.int16), [1, 0, 0, 0]),
    "t": np.ma.MaskedArray([True, True, False, True], [1, 0, 0, 0]),
    "w": np.array([2.0, 1.0, NAN, 0.0]),
    "z": np.array([1, 2, 0, 4], np.int16),
    "full": np.array([1.0, 2.0, 3.0, 4.0]),
    "void": np.array([NAN, NAN]),
    "hidden": np.ma.MaskedArray([LEAK, LEAK], True),
    "empty": np.array([]),
    "open": np.ma.MaskedArray([1, 2]),  # without a mask
    "grid": np.ma.MaskedArray([[LEAK, LEAK], [3, 5]], [[1, 1], [0, 0]]),
}
PLAIN, MASKED = np.ndarray, np.ma.MaskedArray
M = None  # written for a missing cell


def evaluate(text: str) -> Any:
    return Expression(text).evaluate(VALUES)


# expression, the cells (None: missing), type of array
CASES = [
    ("p + 1", [M, 2.0, 3.0, -2.0], PLAIN),
    ("p - w", [M, 0.0, M, -3.0], PLAIN),
    ("p * 0", [M, 0.0, 0.0, -0.0], PLAIN),
    ("p / w", [M, 1.0, M, -np.inf], PLAIN),
    ("p % 2", [M, 1.0, 0.0, 1.0], PLAIN),
    ("p ** 0", [M, 1.0, 1.0, 1.0], PLAIN),  # numpy says 1 for NaN too
    ("1 ** p", [M, 1.0, 1.0, 1.0], PLAIN),
    ("-p", [M, -1.0, -2.0, 3.0], PLAIN),
    ("+p", [M, 1.0, 2.0, -3.0], PLAIN),
    ("p", [M, 1.0, 2.0, -3.0], PLAIN),
    ("p > 0", [M, True, True, False], MASKED),
    ("p < 0", [M, False, False, True], MASKED),
    ("p >= 1", [M, True, True, False], MASKED),
    ("p <= 1", [M, True, False, True], MASKED),
    ("p == 2", [M, False, True, False], MASKED),
    ("p != 2", [M, True, False, True], MASKED),
    ("full > nan", [M, M, M, M], MASKED),
    ("p > 0 and full > 0", [M, True, True, False], MASKED),
    ("full > 0 or p > 0", [M, True, True, True], MASKED),  # also where the other side would decide
    ("full < 0 and p > 0", [M, False, False, False], MASKED),
    ("not p", [M, False, False, False], MASKED),
    ("p and full", [M, True, True, True], MASKED),
    ("full + nan", [M, M, M, M], PLAIN),
    ("z + nan", [M, M, M, M], PLAIN),
    ("m + 1", [M, 2.0, 3.0, -2.0], MASKED),
    ("m", [M, 1.0, 2.0, -3.0], MASKED),
    ("m * full", [M, 2.0, 6.0, -12.0], MASKED),
    ("full - m", [M, 1.0, 1.0, 7.0], MASKED),
    ("p + m", [M, 2.0, 4.0, -6.0], MASKED),
    ("w + m", [M, 2.0, M, -3.0], MASKED),
    ("m > 0", [M, True, True, False], MASKED),
    ("m ** 0", [M, 1.0, 1.0, 1.0], MASKED),
    ("m / 0", [M, np.inf, np.inf, -np.inf], MASKED),
    ("k", [M, 1, 2, -3], MASKED),
    ("k + 1", [M, 2, 3, -2], MASKED),
    ("k * k", [M, 1, 4, 9], MASKED),
    ("k / 2", [M, 0.5, 1.0, -1.5], MASKED),
    ("k ** 0", [M, 1, 1, 1], MASKED),
    ("k == 77", [M, False, False, False], MASKED),
    ("k % z", [M, 1, M, 1], MASKED),
    ("z % z", [0, 0, M, 0], MASKED),  # an integer cannot be NaN
    ("z % 2", [1, 0, 0, 0], PLAIN),
    ("k + full", [M, 3.0, 5.0, 1.0], MASKED),
    ("t", [M, True, False, True], MASKED),
    ("not t", [M, False, True, False], MASKED),
    ("t and full", [M, True, False, True], MASKED),
    ("t or true", [M, True, True, True], MASKED),
    ("t * 1", [M, 1, 0, 1], MASKED),
    ("open + 1", [2, 3], MASKED),
    ("abs(p)", [M, 1.0, 2.0, 3.0], PLAIN),
    ("abs(k)", [M, 1, 2, 3], MASKED),
    ("floor(m)", [M, 1.0, 2.0, -3.0], MASKED),
    ("ceil(k)", [M, 1, 2, -3], MASKED),
    ("int(p)", [M, 1, 2, -3], MASKED),
    ("int8(k)", [M, 1, 2, -3], MASKED),
    ("int8(p * 100)", [M, 100, M, M], MASKED),  # beyond the type: what C makes of it differs
    ("int(full / 0)", [M, M, M, M], MASKED),
    ("float(k)", [M, 1.0, 2.0, -3.0], MASKED),
    ("float32(p)", [M, 1.0, 2.0, -3.0], PLAIN),
    ("sqrt(p)", [M, 1.0, math.sqrt(2), M], PLAIN),
    ("sqrt(k)", [M, 1.0, math.sqrt(2), M], MASKED),
    ("exp(p * 0)", [M, 1.0, 1.0, 1.0], PLAIN),
    ("log(p)", [M, 0.0, math.log(2), M], PLAIN),
    ("hypot(p, 1 / 0)", [M, np.inf, np.inf, np.inf], PLAIN),  # numpy says inf for NaN too
    ("arctan2(p, 0)", [M, np.pi / 2, np.pi / 2, -np.pi / 2], PLAIN),
    ("clip(p, 0, 1)", [M, 1.0, 1.0, 0.0], PLAIN),
    ("clip(full, w, 9)", [2.0, 2.0, M, 4.0], PLAIN),
    ("clip(k, 0, 1)", [M, 1, 1, 0], MASKED),
    ("isnan(p)", [True, False, False, False], PLAIN),
    ("isnan(m)", [True, False, False, False], PLAIN),
    ("isnan(k)", [True, False, False, False], PLAIN),
    ("get_mask(p)", [True, False, False, False], PLAIN),
    ("get_mask(t)", [True, False, False, False], PLAIN),
    ("isnan(full)", [False, False, False, False], PLAIN),
    ("not isnan(m)", [False, True, True, True], PLAIN),
    ("where(p > 0, full, 0)", [M, 2.0, 3.0, 0.0], PLAIN),
    ("where(isnan(p), 0, p)", [0.0, 1.0, 2.0, -3.0], PLAIN),
    ("where(isnan(k), 0, k)", [0, 1, 2, -3], MASKED),
    ("where(full > 2, p, w)", [2.0, 1.0, 2.0, -3.0], PLAIN),  # the branch not taken may be missing
    ("where(full > 2, w, p)", [M, 1.0, M, 0.0], PLAIN),
    ("where(full > 2, k, 9)", [9, 9, 2, -3], MASKED),
    ("where(full > 2, 9, k)", [M, 1, 9, 9], MASKED),
    ("where(full > 2, full, nan)", [M, M, 3.0, 4.0], PLAIN),
    ("where(nan, full, full)", [M, M, M, M], PLAIN),
    ("where(t, 1, 2)", [M, 1, 2, 1], MASKED),
    ("mask(full, full > 2)", [1.0, 2.0, M, M], MASKED),
    ("mask(z, z > 1)", [1, M, 0, M], MASKED),
    ("mask(p, full > 3)", [M, 1.0, 2.0, M], MASKED),
    ("mask(full, p > 1)", [M, 2.0, M, 4.0], MASKED),
    ("mask(1, z > 1)", [1, M, 1, M], MASKED),
    ("mask(full, false)", [1.0, 2.0, 3.0, 4.0], MASKED),
    ("mask(full, get_mask(k))", [M, 2.0, 3.0, 4.0], MASKED),
    ("p - mean(p)", [M, 1.0, 2.0, -3.0], PLAIN),
    ("k - min(k)", [M, 4, 5, 0], MASKED),
    ("abs(mean(k) - k) > std(k)", [M, False, False, True], MASKED),
    ("full - mean(void)", [M, M, M, M], PLAIN),
    ("z > mean(void)", [M, M, M, M], MASKED),
    ("min(grid, 0)", [3, 5], MASKED),
    ("mean(grid, 0)", [3.0, 5.0], MASKED),
    ("min(grid, 1)", [M, 3], MASKED),
    ("sum(grid, 1)", [M, 8], MASKED),
    ("mean(grid, 1)", [M, 4.0], MASKED),
    ("std(grid, 1)", [M, 1.0], MASKED),
    ("median(grid, 1)", [M, 4.0], MASKED),
    ("percentile(grid, 50, axis=0)", [3.0, 5.0], MASKED),
    ("count(grid, 1)", [0, 2], MASKED),
    ("grid[0]", [M, M], MASKED),
    ("grid[1]", [3, 5], MASKED),
]


@pytest.mark.parametrize(("text", "cells", "kind"), CASES)
def test_missing_cells(text: str, cells: list[Any], kind: type) -> None:
    value = evaluate(text)
    assert type(value) is kind
    missing = np.array([cell is None for cell in cells])
    if value.dtype.kind == "f":
        np.testing.assert_array_equal(np.isnan(np.ma.getdata(value)), missing)
    if kind is MASKED:
        np.testing.assert_array_equal(np.ma.getmaskarray(value), missing)
    present = [cell for cell in cells if cell is not None]
    np.testing.assert_allclose(np.ma.getdata(value)[~missing], present)
    assert all(
        type(cell) is type(read) for cell, read in zip(present, np.ma.getdata(value)[~missing].tolist(), strict=True)
    )
    assert not np.isin(np.ma.getdata(value), [LEAK, LEAK + 1, LEAK * LEAK]).any()


SCALARS = [
    ("min(p)", -3.0),
    ("max(p)", 2.0),
    ("sum(p)", 0.0),
    ("mean(p)", 0.0),
    ("count(p)", 3),
    ("median(p)", 1.0),
    ("std(p)", math.sqrt(14 / 3)),
    ("var(p)", 14 / 3),
    ("percentile(p, 100)", 2.0),
    ("min(m)", -3.0),
    ("max(m)", 2.0),
    ("sum(m)", 0.0),
    ("mean(m)", 0.0),
    ("count(m)", 3),
    ("median(m)", 1.0),
    ("var(m)", 14 / 3),
    ("percentile(m, 100)", 2.0),
    ("max(k)", 2),
    ("sum(k)", 0),
    ("mean(k)", 0.0),
    ("count(k)", 3),
    ("median(k)", 1.0),
    ("std(k)", math.sqrt(14 / 3)),
    ("percentile(k, 100)", 2.0),
    ("max(t)", True),
    ("sum(t)", 2),
    ("count(t)", 3),
    ("count(p > 0)", 3),
    ("sum(p > 0)", 2),
    ("count(isnan(p))", 4),
    ("sum(isnan(p))", 1),
    ("max(mask(full, full > 2))", 2.0),
    ("max(1 / z)", math.inf),
    ("mean(1 / z)", math.inf),
    ("p[0]", NAN),
    ("m[0]", NAN),
    ("k[0]", NAN),
    ("t[0]", NAN),
    ("k[1]", 1),
    ("median(1 / z)", 0.75),
    ("count(void)", 0),
    ("count(hidden)", 0),
    ("count(empty)", 0),
    *[(f"{name}({array})", NAN) for name in ("min", "max", "sum", "mean", "median", "std", "var")
      for array in ("void", "hidden", "empty")],
    ("percentile(void, 50)", NAN),
]  # fmt: skip


@pytest.mark.parametrize(("text", "expected"), SCALARS)
def test_reductions_skip_missing_cells(text: str, expected: Any) -> None:
    value = evaluate(text)
    assert type(value) is type(expected)
    assert value == pytest.approx(expected, nan_ok=True)


def test_the_values_that_are_given_stay_as_they_are() -> None:
    array, mask = np.array([LEAK, 1.0, NAN]), np.array([True, False, False])
    given = np.ma.MaskedArray(array, mask)
    for text in ("x", "x + 1", "sqrt(x)", "mask(x, x > 0)", "where(x > 0, x, 0)", "clip(x, nan, 1)", "median(x)"):
        Expression(text).evaluate({"x": given})
    np.testing.assert_array_equal(array, [LEAK, 1.0, NAN])
    np.testing.assert_array_equal(mask, [True, False, False])


def test_no_element_of_a_masked_array_without_dimensions_leaks() -> None:
    assert math.isnan(Expression("x + 1").evaluate({"x": np.ma.masked}))
    assert math.isnan(Expression("x").evaluate({"x": np.ma.MaskedArray(LEAK, True)}))


def test_null_in_a_list_is_missing() -> None:
    np.testing.assert_array_equal(Expression("x * 2").evaluate({"x": [1, None, 3]}), [2, NAN, 6])


def test_the_median_and_percentiles_of_no_cells_are_missing_whatever_the_dimensions() -> None:
    for text in ("median(x)", "percentile(x, 90)"):
        result = Expression(text).evaluate({"x": np.empty((0, 3))})
        assert isinstance(result, float)
        assert math.isnan(result)


def test_between_an_infinite_and_a_finite_cell_percentiles_are_infinite() -> None:
    for rank, low, high in ((0, -np.inf, 1.0), (25, -np.inf, np.inf), (75, -np.inf, np.inf), (100, 1.0, np.inf)):
        percentile = Expression(f"percentile(x, {rank})")
        assert percentile.evaluate({"x": np.array([1.0, -np.inf])}) == low
        assert percentile.evaluate({"x": np.array([1.0, np.inf])}) == high
    assert Expression("median(1 / x)").evaluate({"x": np.array([-0.0, 1.0])}) == -np.inf
    assert math.isnan(Expression("median(x)").evaluate({"x": np.array([-np.inf, np.inf])}))
