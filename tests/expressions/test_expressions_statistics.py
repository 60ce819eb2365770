"""Reductions of many blocks are as exact as those of the whole at once, or more."""

import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from geojobs_lab.expressions import Expression, ranks, sources
from geojobs_lab.expressions.selecting import copy_missing, replace, set_missing, set_zero

RANDOM = np.random.default_rng(8)
DTYPES = ("?", "i1", "u1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8")


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_AT_ONCE", 100)
    monkeypatch.setattr(sources.Source, "at_once", 100)
    monkeypatch.setattr(ranks, "_SORTED", 20)


def numbers(dtype: str) -> Any:
    kind = np.dtype(dtype)
    if kind.kind == "f":
        values = RANDOM.normal(size=(50, 60)).astype(kind)
        values[RANDOM.random((50, 60)) < 0.1] = np.nan
        values[0, :3] = [0.0, -0.0, -np.nan]
        return values
    if kind.kind == "b":
        return RANDOM.random((50, 60)) < 0.3
    limits = np.iinfo(kind)
    return RANDOM.integers(limits.min, limits.max, (50, 60), kind, endpoint=True)


@pytest.mark.parametrize("rank", [0, 12.5, 50, 99.9, 100])
@pytest.mark.parametrize("dtype", DTYPES)
def test_percentiles_of_large_arrays_are_numpys(dtype: str, rank: float, small_blocks: None) -> None:
    values = numbers(dtype)
    exact = values.astype(float)
    found = Expression(f"percentile(x, {rank})").evaluate({"x": values})
    assert found == pytest.approx(np.percentile(exact[~np.isnan(exact)], rank), rel=1e-12)
    mask = RANDOM.random(values.shape) < 0.5
    found = Expression(f"percentile(x, {rank})").evaluate({"x": np.ma.MaskedArray(values, mask)})
    assert found == pytest.approx(np.percentile(exact[~np.isnan(exact) & ~mask], rank), rel=1e-12)


@given(npst.arrays(np.float32, 300, elements=st.floats(width=32) | st.sampled_from([1.0, 2.0])), st.integers(0, 100))
def test_percentiles_are_those_of_the_sorted_cells(array: Any, rank: int) -> None:
    wanted = Expression(f"percentile(x, {rank})").evaluate({"x": array})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ranks, "_SORTED", 20)
        patch.setattr(sources, "_AT_ONCE", 64)
        found = Expression(f"percentile(x, {rank})").evaluate({"x": array})
    assert found == wanted or (math.isnan(found) and math.isnan(wanted))


def test_percentiles_of_nothing_but_missing_cells_are_missing(small_blocks: None) -> None:
    assert math.isnan(Expression("median(x)").evaluate({"x": np.full(500, np.nan)}))
    assert math.isnan(Expression("median(x)").evaluate({"x": np.ma.masked_all(500, int)}))


@pytest.mark.parametrize("dtype", ["f4", "f8", "i4"])
@pytest.mark.parametrize("offset", [0.0, 300.0, 1e6])
def test_moments_are_exact_far_from_zero(dtype: str, offset: float, small_blocks: None) -> None:
    values = (RANDOM.normal(size=(40, 50)) * 10 + offset).astype(dtype)
    exact = [float(value) for value in values.ravel()]
    mean = math.fsum(exact) / len(exact)
    variance = math.fsum((value - mean) ** 2 for value in exact) / len(exact)
    assert Expression("mean(x)").evaluate({"x": values}) == pytest.approx(mean, rel=1e-14)
    assert Expression("var(x)").evaluate({"x": values}) == pytest.approx(variance, rel=1e-12)
    assert Expression("std(x)").evaluate({"x": values}) == pytest.approx(math.sqrt(variance), rel=1e-12)


def test_blocks_of_different_levels_do_not_cancel_one_another(small_blocks: None) -> None:
    values = np.concatenate([np.zeros(1000), 1e9 + RANDOM.normal(size=1000)])
    later = values[1000:]
    assert Expression("var(x[0])").evaluate({"x": [later]}) == pytest.approx(np.var(later - 1e9), rel=1e-6)
    assert Expression("std(x)").evaluate({"x": values}) == pytest.approx(np.std(values), rel=1e-14)


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_moments_along_an_axis_skip_missing_cells(axis: int, small_blocks: None) -> None:
    values = RANDOM.normal(size=(20, 12, 15)) + 1e6
    values[RANDOM.random(values.shape) < 0.2] = np.nan
    values[:, 3, 4] = np.nan
    values[5, 6, :] = np.nan
    values[7, :, 8] = np.nan
    masked = np.ma.masked_invalid(values)
    for name in ("mean", "std", "min", "max"):
        found = Expression(f"{name}(x, {axis})").evaluate({"x": values})
        wanted = getattr(masked, name)(axis=axis)
        np.testing.assert_allclose(found, np.ma.filled(wanted, np.nan), rtol=1e-9)
        assert wanted.mask.sum() > 0


@given(st.sampled_from(DTYPES), st.data())
def test_cells_are_chosen_by_bits_as_numpy_chooses_them(dtype: str, data: Any) -> None:
    a, b = (data.draw(npst.arrays(dtype, (3, 4))) for _ in range(2))
    row, mask = data.draw(npst.arrays(dtype, 4)), data.draw(npst.arrays(np.bool_, (3, 4)))
    for others in (b, row, b[0, 0].reshape(())):
        for where in (mask, mask[0], np.array(True)):
            chosen = a.copy()
            replace(chosen, others, where)
            np.testing.assert_array_equal(chosen, np.where(where, others, a))
            zero = a.copy()
            set_zero(zero, where)
            np.testing.assert_array_equal(zero, np.where(where, np.zeros((), a.dtype), a))
            if a.dtype.kind == "f":
                missing = a.copy()
                set_missing(missing, where)
                np.testing.assert_array_equal(missing, np.where(where, np.nan, a))
                copy_missing(missing, others + np.zeros_like(a), where)
                np.testing.assert_array_equal(missing, np.where(where, np.nan, others + np.zeros_like(a)))
