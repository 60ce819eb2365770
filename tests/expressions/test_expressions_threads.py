"""Blocks shared out among threads give what one thread gives, and arrays are walked as they lie in memory or files."""

import math
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import ExpressionFailed, RasterError
from geojobs_lab.expressions import BlockSource, Expression, running, sources, ufuncs
from geojobs_lab.expressions.gathering import gather
from geojobs_lab.expressions.windows import along_chunks, within

RANDOM = np.random.default_rng(6)
X = RANDOM.normal(size=(60, 70)).astype(np.float32)
X[X > 1.5] = np.nan
TEXTS = (
    "x * y + x",
    "x - mean(x)",
    "where(x > y, x, n)",
    "mask(n, x > 0)",
    "std(x, 0)",
    "max(y, 1)",
    "median(x, 0)",
    "x > 0 and n > 2",
    "int16(x * 10)",
    "isnan(x)",
    "clip(x, 0, y)",
    "sum(n) + var(x)",
    "percentile(x * y, 30)",
)


class Elsewhere(BlockSource):
    """An array that says which windows are read of it."""

    def __init__(self, array: Any, chunks: tuple[int, ...] | None = None) -> None:
        self.array, self.shape, self.dtype, self.chunks = array, array.shape, array.dtype, chunks
        self.axes = tuple(range(-array.ndim, 0))
        self.windows: list[tuple[slice, ...]] = []

    def read(self, window: tuple[slice, ...]) -> Any:
        self.windows.append(window)
        return self.array[window]


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "_AT_ONCE", 150)
    monkeypatch.setattr(sources.Source, "at_once", 150)
    monkeypatch.setattr(sources, "_READ_AT_ONCE", 500)


@pytest.fixture
def many_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(running, "threads", lambda: 4)


def values(lay: Any = lambda array: array) -> dict[str, Any]:
    counts = np.ma.masked_less(RANDOM.integers(-9, 9, X.shape, np.int16), -5)
    return {"x": lay(X), "y": lay(X[::-1] + 1), "n": lay(counts)}


def same(found: Any, wanted: Any) -> None:
    assert type(found) is type(wanted)
    if not isinstance(wanted, np.ndarray):
        assert found == wanted
        return
    assert (found.dtype, found.shape) == (wanted.dtype, wanted.shape)
    np.testing.assert_array_equal(np.ma.getmaskarray(found), np.ma.getmaskarray(wanted))
    np.testing.assert_array_equal(np.ma.filled(found, 0), np.ma.filled(wanted, 0))


@pytest.mark.parametrize("text", TEXTS)
def test_four_threads_give_to_the_bit_what_one_gives(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    given = values()
    results = []
    for count in (1, 4):
        monkeypatch.setattr(running, "threads", lambda count=count: count)
        results.append(Expression(text).evaluate(given))
        results.append(Expression(text).evaluate({name: Elsewhere(array) for name, array in given.items()}))
    same(results[2], results[0])
    same(results[3], results[1])


LAYOUTS = {
    "columns first": lambda array: array.T.copy().T,
    "each second": lambda array: np.repeat(array, 2, axis=1)[:, ::2],
    "backwards": lambda array: array[::-1, ::-1].copy()[::-1, ::-1],
    "big-endian": lambda array: array.astype(array.dtype.newbyteorder(">")),
}


@pytest.mark.parametrize("text", TEXTS)
@pytest.mark.parametrize("layout", LAYOUTS)
def test_how_arrays_lie_in_memory_changes_nothing(text: str, layout: str, many_threads: None) -> None:
    given = values()
    wanted = Expression(text).evaluate(given)
    lay = LAYOUTS[layout]
    found = Expression(text).evaluate({name: lay(array) for name, array in given.items()})
    mixed = Expression(text).evaluate({**given, "x": lay(given["x"])})
    for result in (found, mixed):
        assert type(result) is type(wanted)
        np.testing.assert_allclose(np.ma.filled(result, 0), np.ma.filled(wanted, 0), rtol=1e-12)


def test_the_result_of_transposed_arrays_lies_as_they_do() -> None:
    assert Expression("x + y").evaluate({"x": X.T, "y": X.T}).flags.f_contiguous
    assert Expression("x + y").evaluate({"x": X.T, "y": X.T.copy()}).flags.c_contiguous


def test_what_stands_there_twice_is_computed_once(monkeypatch: pytest.MonkeyPatch) -> None:
    cells = []

    def counted(*arrays: Any, **options: Any) -> Any:
        cells.append(arrays[0].size)
        return np.add(*arrays, **options)

    monkeypatch.setitem(ufuncs._FUNCTIONS, "+", counted)
    result = Expression("(x + 1) * (x + 1) - (x + 1) / (x + 1.0)").evaluate({"x": X})
    np.testing.assert_array_equal(result, (X + 1) * (X + 1) - (X + 1) / (X + np.float32(1)))
    assert sum(cells) == 2 * X.size  # x + 1, x + 1.0
    cells.clear()
    result = Expression("where((x + 1) * 2 > (x + 1), x + 1, (x + 1) / 2)").evaluate({"x": X})
    np.testing.assert_array_equal(result, np.where((X + 1) * 2 > X + 1, X + 1, (X + 1) / 2))
    assert sum(cells) == X.size


def test_equal_texts_of_different_numbers_are_not_taken_for_one_another() -> None:
    n = np.array([1, 2])
    assert Expression("(n * 2) / (n * 2.0) + (n * true)").evaluate({"n": n}).tolist() == [2, 3]
    assert Expression("(n * true)").evaluate({"n": n}).dtype == np.int64
    assert Expression("1 / (n * 0.0) + 1 / (n * -0.0)").evaluate({"n": n * 1.0}).dtype == np.float64
    np.testing.assert_array_equal(Expression("1 / (n * 0.0) - 1 / (n * (-0.0))").evaluate({"n": n}), [np.inf, np.inf])


def test_a_layer_larger_than_a_block_is_read_once_for_all_steps(many_threads: None) -> None:
    series, layer = Elsewhere(RANDOM.normal(size=(5, 40, 50))), Elsewhere(RANDOM.normal(size=(40, 50)))
    result = Expression("s - l").evaluate({"s": series, "l": layer})
    np.testing.assert_array_equal(result, series.array - layer.array)
    assert sum(series.array[window].size for window in series.windows) == series.array.size
    assert sum(layer.array[window].size for window in layer.windows) == layer.array.size


def test_files_are_read_in_whole_chunks(many_threads: None) -> None:
    source = Elsewhere(RANDOM.normal(size=(3, 40, 50)), chunks=(1, 16, 16))
    for text in ("x * 2", "mean(x)", "mean(x, 0)", "max(x, 2)", "median(x, 1)"):
        source.windows.clear()
        Expression(text).evaluate({"x": source})
        assert sum(source.array[window].size for window in source.windows) == source.array.size
        starts = np.array([[part.start for part in window] for window in source.windows])
        assert not (starts % source.chunks).any()


@given(st.lists(st.integers(0, 9), max_size=3).map(tuple), st.integers(1, 60), st.booleans(), st.data())
def test_windows_along_chunks_cover_each_cell_once(
    shape: tuple[int, ...], at_once: int, turned: bool, data: Any
) -> None:
    chunks = tuple(data.draw(st.integers(1, 4)) for _ in shape)
    seen = np.zeros(shape, int)
    for window in along_chunks(shape, at_once, chunks, turned=turned):
        assert seen[window].size <= max(at_once, math.prod(chunks)) or not seen.size
        seen[window] += 1
    assert (seen == 1).all()


@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(1, 60), st.data())
def test_windows_within_a_window_cover_each_cell_once(shape: list[int], at_once: int, data: Any) -> None:
    order = data.draw(st.none() | st.permutations(range(len(shape))).map(tuple)) if len(shape) > 1 else (0,)
    seen = np.zeros(shape, int)
    outer = tuple(slice(length // 3, length) for length in shape)
    for window in within(outer, at_once, order):
        assert seen[window].size <= at_once
        seen[window] += 1
    assert (seen[outer] == 1).all()
    assert seen.sum() == seen[outer].size


class Broken(Elsewhere):
    def read(self, window: tuple[slice, ...]) -> Any:
        if threading.current_thread() is threading.main_thread() and window[0].start == 0:
            return super().read(window)
        raise RasterError("the file cannot be read")


def test_an_error_in_another_thread_is_raised_and_ends_the_work(many_threads: None) -> None:
    with pytest.raises(RasterError, match="the file cannot be read"):
        Expression("x * 2").evaluate({"x": Broken(X)})


def test_an_evaluation_within_a_thread_of_an_evaluation_does_not_wait_for_itself(many_threads: None) -> None:
    class Nested(Elsewhere):
        def read(self, window: tuple[slice, ...]) -> Any:
            return Expression("x + 1").evaluate({"x": self.array[window].repeat(9, axis=0)})[::9]

    np.testing.assert_array_equal(Expression("x * 2").evaluate({"x": Nested(X)}), (X + 1) * 2)


@pytest.mark.parametrize(("limit", "most"), [("1", 1), ("2", 2), ("3,2", 3), ("", 4), ("many", 4), ("0", 1)])
def test_the_number_of_threads_follows_the_processors_and_the_environment(
    limit: str, most: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(running.os, "sched_getaffinity", lambda process: set(range(16)), raising=False)
    monkeypatch.setattr(running.os, "cpu_count", lambda: 16)
    monkeypatch.setattr(running.os, "getloadavg", lambda: (32.0, 0.0, 0.0), raising=False)
    monkeypatch.setenv("OMP_NUM_THREADS", limit)
    assert running.threads() == most
    monkeypatch.setattr(running.os, "getloadavg", lambda: (33.0, 0.0, 0.0))
    assert running.threads() == 1


def test_small_work_starts_no_threads() -> None:
    code = """
import threading
import numpy as np
from geojobs_lab.expressions import Expression
x = np.arange(100_000.0)
Expression("(x - mean(x)) / std(x) > percentile(x, 90)").evaluate({"x": x})
assert threading.active_count() == 1, threading.enumerate()
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


FOOTPRINT = """
import sys
from pathlib import Path
from geojobs_lab.rasters import open_raster
from geojobs_lab.rasters.calculating import calculate

def peak():
    lines = Path("/proc/self/status").read_text().splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))

path, *texts = sys.argv[1:]
data = {name: open_raster(path) for name in ("x", "y")}
for text in texts:
    calculate(text, {name: raster[:300, :300] for name, raster in data.items()})  # what is loaded only once
before, largest = peak(), 0
for text in texts:
    largest = max(largest, getattr(calculate(text, data), "nbytes", 0))
print(peak() - before - largest)
"""


@pytest.fixture(scope="module")
def large_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    import netCDF4

    path = tmp_path_factory.mktemp("large") / "large.nc"
    with netCDF4.Dataset(path, "w") as dataset:
        for name, length, units in (("lat", 2500, "degrees_north"), ("lon", 8000, "degrees_east")):
            dataset.createDimension(name, length)
            axis = dataset.createVariable(name, "f8", (name,))
            axis.units = units
            axis[:] = np.linspace(0, 80, length)
        data = dataset.createVariable("data", "f4", ("lat", "lon"), chunksizes=(256, 256), fill_value=-9.0)
        data[:] = np.broadcast_to(np.arange(8000, dtype=np.float32) % 321 - 9, (2500, 8000))
    return path  # 80 MB


@pytest.mark.parametrize(
    "texts",
    [
        ("std(x) + max(x)", "median(x)", "std(x, 0)", "median(x, 1)"),
        ("x * 2 - x", "x > 200", "mask(x, x > 9)"),
        ("x * y + x",),
    ],
)
def test_memory_for_a_file_of_any_size_is_bounded(texts: tuple[str, ...], large_file: Path) -> None:
    command = [sys.executable, "-c", FOOTPRINT, str(large_file), *texts]
    done = subprocess.run(command, check=True, capture_output=True, timeout=120)
    assert int(done.stdout) < 64 * 2**20


def test_a_result_that_does_not_fit_is_refused_with_several_threads_too(many_threads: None) -> None:
    with pytest.raises(ExpressionFailed, match="too large"):
        Expression("x + y").evaluate({"x": np.zeros((2**15, 1)), "y": np.zeros((1, 2**15))})


def test_what_is_gathered_does_not_share_memory_with_what_was_given() -> None:
    array = np.zeros((4, 4))
    cells = gather(sources.Given(array))
    assert not np.shares_memory(cells.data, array)
