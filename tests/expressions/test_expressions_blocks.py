"""Arrays are read block by block: each cell as seldom as can be, and memory bounded by the block."""

import subprocess
import sys
import tracemalloc
from typing import Any

import numpy as np
import pytest

from geojobs_lab.expressions import BlockSource, Expression
from geojobs_lab.expressions import sources as expression_sources
from geojobs_lab.expressions.sources import windows


class Counted(BlockSource):
    """An array that writes down what is read of it."""

    def __init__(self, array: Any, axes: tuple[int, ...] | None = None) -> None:
        self.array = array
        self.shape = array.shape
        self.dtype = array.dtype
        self.axes = axes or tuple(range(-array.ndim, 0))
        self.reads: list[tuple[slice, ...]] = []

    def read(self, window: tuple[slice, ...]) -> Any:
        self.reads.append(window)
        return self.array[window]

    @property
    def cells(self) -> int:
        return sum(self.array[window].size for window in self.reads)


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression_sources, "_AT_ONCE", 12)
    monkeypatch.setattr(expression_sources, "_READ_AT_ONCE", 12)
    monkeypatch.setattr(expression_sources.Source, "at_once", 12)


SERIES = np.random.default_rng(4).normal(size=(7, 4, 5)).round(2)
SERIES[SERIES > 1] = np.nan
COUNTS = np.ma.masked_less(np.random.default_rng(5).integers(-9, 9, (7, 4, 5), np.int16), -5)


@pytest.mark.parametrize("shape", [(), (0,), (1,), (5,), (7, 4), (3, 40), (1, 1, 30), (2, 0, 3), (2, 3, 4, 5)])
def test_windows_cover_each_cell_once_and_are_small(shape: tuple[int, ...]) -> None:
    seen = np.zeros(shape, int)
    for window in windows(shape, 12):
        assert seen[window].size <= 12
        seen[window] += 1
    assert (seen == 1).all()


@pytest.mark.parametrize(
    "text",
    [
        "x",
        "x * 2 + 1",
        "(x - min(x)) / (max(x) - min(x))",
        "abs(mean(x) - x) > std(x)",
        "x - mean(x, 0)",
        "x - median(x, 1)[0]",
        "x - layer",
        "layer * x + x[-1]",
        "sum(x * layer)",
        "var(x - mean(x))",
        "std(x, 0)",
        "var(x, 1)",
        "mean(x, -1)",
        "min(x, 1)",
        "max(x > 0, 0)",
        "sum(n)",
        "sum(n, 0)",
        "sum(n, 2)",
        "std(n)",
        "mean(n, 1)",
        "count(n, 0)",
        "min(n, 0) + max(n, 0)",
        "where(n > 0, x, layer)",
        "mask(n, x > 0) * 2",
        "percentile(n, 75, 0)",
        "median(x)",
        "column * row",
        "x[2] - x[1] and not n[0] > 3",
    ],
)
def test_blocks_give_the_same_as_the_whole(text: str, small_blocks: None, monkeypatch: pytest.MonkeyPatch) -> None:
    values = {
        "x": SERIES,
        "n": COUNTS,
        "layer": SERIES[3],
        "column": SERIES[0, :, :1],
        "row": SERIES[0, :1],
    }
    blocks = Expression(text).evaluate(values)
    sources = Expression(text).evaluate({name: Counted(array) for name, array in values.items()})
    monkeypatch.setattr(expression_sources.Source, "at_once", 10**6)
    monkeypatch.setattr(expression_sources, "_AT_ONCE", 10**6)
    whole = Expression(text).evaluate(values)
    assert type(blocks) is type(whole)
    for found in (blocks, sources):
        assert np.asarray(found).dtype == np.asarray(whole).dtype
        np.testing.assert_allclose(_floats(found), _floats(whole), rtol=1e-12)


def _floats(array: Any) -> Any:
    return np.ma.filled(np.ma.asarray(array, float), np.nan)


@pytest.mark.parametrize(
    ("text", "times"),
    [
        ("x", 1),
        ("x * x - x", 1),
        ("sum(x)", 1),
        ("min(x) + max(x) + mean(x) + std(x) + count(x)", 1),
        ("(x - min(x)) / (max(x) - min(x))", 2),
        ("sum(x, 0) / count(x, 0)", 1),
        ("mean(x, 0) - mean(x, 1)[0][0]", 2),
        ("x[3]", 1 / 7),
        ("x[3] - x[0]", 2 / 7),
        ("x[3][2]", 1 / 28),
        ("(x * 2)[3]", 1 / 7),
        ("mean(x[3] - x[0])", 2 / 7),
        ("x[3][1][2]", 1 / 140),
        ("median(x)", 1),
        ("mean(x, 1)", 1),
    ],
)
def test_no_cell_is_read_more_often_than_it_must(text: str, times: float, small_blocks: None) -> None:
    source = Counted(SERIES)
    Expression(text).evaluate({"x": source})
    assert source.cells == times * SERIES.size
    assert max(SERIES[window].size for window in source.reads) <= 12


def test_a_layer_that_meets_each_step_of_a_series_is_read_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(expression_sources, "_READ_AT_ONCE", 20)
    series, layer = Counted(SERIES), Counted(SERIES[0])
    Expression("x - y").evaluate({"x": series, "y": layer})
    assert (len(series.reads), len(layer.reads)) == (7, 1)


def test_named_axes_meet_by_name_and_keep_it() -> None:
    time = Counted(np.arange(3.0), axes=(-3,))
    layer = Counted(np.ones((4, 5)), axes=(-2, -1))
    series = Counted(np.ones((3, 4, 5)))
    assert Expression("a * b").evaluate({"a": time, "b": layer}).shape == (3, 4, 5)
    assert Expression("a - b").evaluate({"a": series, "b": time}).shape == (3, 4, 5)
    assert Expression("a - mean(a, 1)").evaluate({"a": series}).shape == (3, 4, 5)
    assert Expression("a - mean(mean(a, 1), 1)").evaluate({"a": series}).tolist() == np.zeros((3, 4, 5)).tolist()
    assert Expression("a[0] * t").evaluate({"a": series, "t": time}).shape == (3, 4, 5)


@pytest.mark.parametrize(
    ("text", "mebibytes"),
    [
        ("x * 2 + y", 12),
        ("(x - min(x)) / (max(x) - min(x))", 14),
        ("sqrt(x ** 2 + y ** 2) > mean(y)", 14),
        ("std(x) + sum(x * y)", 14),
        ("where(x > y, x, y) + m", 16),
        ("not isnan(x) and y > 0", 14),
    ],
)
def test_memory_beyond_inputs_and_output_is_bounded_by_the_block(text: str, mebibytes: float) -> None:
    values = {"x": np.ones((2000, 2000)), "y": np.zeros((2000, 2000)), "m": np.ma.masked_less(np.ones((2000, 2000)), 0)}
    Expression(text).evaluate({name: array[:1] for name, array in values.items()})  # what is loaded only once
    tracemalloc.start()
    try:
        result = Expression(text).evaluate(values)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    # 32 MB each are the inputs, and any intermediate array would be
    kept = getattr(result, "nbytes", 0) + (result.size if isinstance(result, np.ma.MaskedArray) else 0)
    assert peak - kept < mebibytes * 2**20


def test_no_warning_comes_out_of_another_thread_either() -> None:
    from concurrent.futures import ThreadPoolExecutor

    with ThreadPoolExecutor(2) as pool:
        results = pool.map(lambda text: Expression(text).evaluate({"x": np.array([0.0, -1, np.nan])}),
                           ["1 / x", "log(x)", "median(x / 0)", "int8(x / 0)"] * 4)  # fmt: skip
        assert len(list(results)) == 16


def test_an_expression_is_checked_without_numpy() -> None:
    code = """
import sys
from geojobs_lab.expressions import Expression
assert Expression("min(x) + y").names == ("x", "y")
heavy = {"numpy", "xarray", "netCDF4", "pandas", "shapely", "pyproj", "matplotlib"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)
