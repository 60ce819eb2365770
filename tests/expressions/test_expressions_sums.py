"""Sums of large blocks, in few passes, are those of float64; equal cells deviate by nothing at all."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from geojobs_lab.expressions import Expression
from geojobs_lab.expressions.sums import _LEAST, sums
from geojobs_lab.expressions.workspace import Workspace

SIZE = _LEAST + 77
RANDOM = np.random.default_rng(11)
NORMAL, UNIFORM = RANDOM.normal(size=SIZE), RANDOM.random(SIZE)
EXACT = {"f4": 1e-6, "f8": 1e-12, "i4": 1e-12, "i2": 1e-12}  # of float32, 1e-7 of each cell is unknown anyway
HARD: dict[str, tuple[Any, tuple[str, ...]]] = {
    "reflectances": (UNIFORM, ("f4", "f8")),
    "around 0": (NORMAL, ("f4", "f8")),
    "kelvin": (280 + 20 * NORMAL, ("f4", "f8", "i2")),
    "far from 0": (1e6 + 1e-2 * NORMAL, ("f4", "f8")),
    "farther from 0": (1e8 + NORMAL, ("f8", "i4")),
    "tiny": (1e-25 * NORMAL, ("f4", "f8")),
    "tiny, and of both signs": (1e-25 * np.where(np.arange(SIZE) % 2, 1.0, -1.0), ("f4", "f8")),
    "subnormal": (1e-42 * UNIFORM, ("f4", "f8")),
    "huge": (1e30 * NORMAL, ("f4", "f8")),
    "all scales": (10.0 ** (60 * UNIFORM - 30), ("f4", "f8")),
    "one of many": (np.where(np.arange(SIZE) == 1000, 1e4, 0.0), ("f4", "f8", "i2")),
    "the first is far from all others": (np.where(np.arange(SIZE) == 0, 0.0, 1e9 + NORMAL), ("f4", "f8")),
    "whole numbers": (np.floor(UNIFORM * 200), ("f4", "f8", "i2", "i4")),
    "wide products": (30000 * NORMAL.clip(-1, 1), ("i2",)),
}


def exact(array: Any) -> tuple[int, float, float, float]:
    """Return count, sum, mean and variance by Python's own sums of the cells that are there."""
    cells = [float(cell) for cell in np.ma.masked_invalid(array).compressed()]
    total = math.fsum(cells)
    mean = total / len(cells)
    return len(cells), total, mean, math.fsum((cell - mean) ** 2 for cell in cells) / len(cells)


def agrees(array: Any, error: float) -> None:
    """Fail unless all moments are right: sums up to an error of each cell, variances up to an error of their own."""
    count, total, mean, variance = exact(array)
    names = ("count(x)", "sum(x)", "mean(x)", "var(x)", "std(x)")
    found = [Expression(name).evaluate({"x": array}) for name in names]
    size = float(np.abs(np.ma.masked_invalid(array).compressed().astype(np.float64)).mean())
    assert found[0] == count
    assert found[1:3] == [pytest.approx(total, abs=error * size * count), pytest.approx(mean, abs=error * size)]
    assert found[3:] == [pytest.approx(variance, rel=error), pytest.approx(math.sqrt(variance), rel=error)]


def holed(array: Any) -> Any:
    """Return the cells with some missing in runs, and a few by themselves: NaN, or masked with numbers beneath."""
    gaps = np.sin(np.arange(array.size) / 90) > 0.6
    gaps[::997] = True
    gaps[0] = True
    if array.dtype.kind == "f":
        return np.where(gaps, array.dtype.type(np.nan), array)
    return np.ma.MaskedArray(np.where(gaps, array.dtype.type(77), array), gaps)


@pytest.mark.parametrize(("case", "dtype"), [(case, dtype) for case, (_, dtypes) in HARD.items() for dtype in dtypes])
def test_moments_of_large_blocks_are_those_of_float64(case: str, dtype: str) -> None:
    array = HARD[case][0].astype(dtype)
    for lay in (array, array.reshape(-1, 1)[::-1], np.repeat(array, 2)[::2]):
        agrees(lay, EXACT[dtype])
    agrees(holed(array), EXACT[dtype])
    agrees(np.ma.MaskedArray(array, np.arange(SIZE) % 5 == 0), EXACT[dtype])


@settings(max_examples=40)
@given(
    st.integers(0, 2**32),
    st.floats(-30, 30),
    st.floats(-2, 9),
    st.sampled_from([0.0, 1e-4, 0.3, 0.999]),
    st.sampled_from(["normal", "random", "standard_exponential", "standard_cauchy"]),
    st.sampled_from(["f4", "f8"]),
)
def test_moments_are_numpys_of_wide_numbers(
    seed: int, scale: float, offset: float, missing: float, kind: str, dtype: str
) -> None:
    random = np.random.default_rng(seed)
    deviations = getattr(random, kind)(size=SIZE)
    array = np.asarray((10**offset * random.integers(-1, 2) + deviations) * 10.0 ** (scale - 9), dtype)
    array[random.random(SIZE) < missing] = np.nan
    cells = array[~np.isnan(array)].astype(np.longdouble)
    with np.errstate(all="ignore"):
        found = sums(array, None, Workspace(SIZE), squares=True)
    size = float(np.abs(cells).mean())
    assert found.count == len(cells)
    assert found.mean == pytest.approx(float(cells.mean()), abs=EXACT[dtype] * size)
    assert found.total == pytest.approx(float(cells.sum()), abs=EXACT[dtype] * size * found.count)
    assert found.squares == pytest.approx(float(np.square(cells - cells.mean()).sum()), rel=EXACT[dtype], abs=1e-300)


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i4"])
@pytest.mark.parametrize("value", [0.0, 0.1, 3.0, -1e-30, 1e30])
@pytest.mark.parametrize("size", [1, 7, SIZE, 10 * SIZE])
def test_equal_cells_deviate_by_exactly_nothing(size: int, value: float, dtype: str) -> None:
    if np.dtype(dtype).kind == "i" and value > 1e6:
        value = 12345
    array = np.full(size, value, dtype)
    for cells in (array, holed(np.append(array, array))):
        assert Expression("std(x)").evaluate({"x": cells}) == 0
        assert not np.ma.filled(Expression("abs(x - mean(x)) > std(x)").evaluate({"x": cells}), False).any()


def test_sums_of_whole_numbers_in_float32_are_exact() -> None:
    array = RANDOM.integers(-50, 200, 10 * SIZE).astype(np.float32)
    assert Expression("sum(x)").evaluate({"x": array}) == array.sum(dtype=np.float64)
    assert Expression("sum(x) + 0 * std(x)").evaluate({"x": array}) == array.sum(dtype=np.float64)


@pytest.mark.parametrize("missing", [0.0, 0.4, 1.0])
def test_large_blocks_of_float32_are_not_made_wider(missing: float) -> None:
    class Narrow(Workspace):
        def take(self, shape: tuple[int, ...], dtype: Any) -> Any:
            raise AssertionError(f"a buffer of {dtype} is not needed")

    array = UNIFORM.astype(np.float32)
    array[RANDOM.random(SIZE) < missing] = np.nan
    count = int(np.count_nonzero(~np.isnan(array)))
    for squares in (True, False):
        found = sums(array, None, Narrow(), squares=squares)
        assert (found.count, found.mean) == (count, pytest.approx(np.nansum(array, dtype=float) / max(count, 1), 1e-6))


@pytest.mark.parametrize("dtype", ["f4", "f8"])
@pytest.mark.parametrize("size", [5, SIZE, 20 * SIZE])
def test_an_infinite_cell_makes_the_mean_infinite_and_the_deviation_missing(size: int, dtype: str) -> None:
    array = np.ones(size, dtype)
    array[[1, 3]] = np.inf, np.nan
    assert Expression("mean(x)").evaluate({"x": array}) == math.inf
    assert Expression("where(isnan(std(x)), mean(x), 0)").evaluate({"x": array}) == math.inf
    assert math.isnan(Expression("std(x)").evaluate({"x": array}))
    array[2] = -np.inf
    assert math.isnan(Expression("mean(x)").evaluate({"x": array}))
