"""The tasks that take expressions, called directly on arrays and rasters."""

import subprocess
import sys
from pathlib import Path
from typing import Any

import iris_sample_data
import numpy as np
import pytest
import rioxarray  # noqa: F401  # gives rasters their .rio
import xarray as xr
from numpy.ma import masked_array

from geojobs_lab.errors import (
    ExpressionFailed,
    NodeFailed,
    ParameterNotValidError,
    RasterError,
    RunError,
    WorkflowNotValid,
)
from geojobs_lab.library.expressions import (
    ApplyExpression,
    ExpressionTask,
    MapByExpression,
    MaskByExpression,
    ReduceByExpression,
)
from geojobs_lab.rasters import Grid, open_raster
from geojobs_lab.workflows import Workflow, WorkflowBuilder

CLIMATE = Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"
X = np.arange(100.0).reshape(10, 10)


@pytest.fixture(scope="module")
def climate() -> xr.DataArray:
    return open_raster(CLIMATE)


@pytest.fixture
def projected(tmp_path: Path) -> xr.DataArray:
    """A raster of 10 x 10 cells on an Albers grid, read from a file of the test."""
    coords = {"y": 1e6 - 1e4 * np.arange(10), "x": 1e4 * np.arange(10)}
    data = xr.DataArray(X, coords, ("y", "x"), name="t", attrs={"units": "K"}).rio.write_crs("EPSG:5070")
    data.to_netcdf(tmp_path / "albers.nc")
    return open_raster(tmp_path / "albers.nc", "t")


def out(task: ExpressionTask, **inputs: Any) -> Any:
    (value,) = task(**inputs).values()
    return value


# what the older tasks did


def test_a_mask_is_where_the_expression_is_true() -> None:
    result = out(MaskByExpression(), array_in=X, expression="abs(mean(x) - x) > std(x)")
    assert isinstance(result, masked_array)
    expected = np.abs(X.mean() - X) > X.std()
    np.testing.assert_array_equal(result.mask, expected)
    np.testing.assert_array_equal(result.compressed(), X[~expected])


def test_an_expression_is_applied() -> None:
    result = out(ApplyExpression(), array_in=X, expression="(x - min(x)) / (max(x) - min(x))")
    np.testing.assert_array_equal(result, X / 99)


def test_an_expression_is_mapped_with_the_index() -> None:
    results = out(MapByExpression(), arrays_in=[X, X, X], expression="x + i")
    assert isinstance(results, list)
    for i, result in enumerate(results):
        np.testing.assert_array_equal(result, X + i)
    np.testing.assert_array_equal(
        out(MapByExpression(), arrays_in=[X], expression="i * 0 + x / max(x)", generator=True)[0], X / 99
    )


def test_arrays_are_reduced() -> None:
    np.testing.assert_array_equal(out(ReduceByExpression(), arrays_in=[X] * 4, expression="x + y"), X * 4)
    result = out(ReduceByExpression(), arrays_in=[X, X], expression="x + (y-z)", z=2)
    np.testing.assert_array_equal(result, X + (X - 2))
    result = out(ReduceByExpression(), arrays_in=[X, X], expression="x + y", initial_array=X * 0 + 1)
    np.testing.assert_array_equal(result, X * 2 + 1)


def test_the_first_variable_of_a_reduction_is_the_result_so_far() -> None:
    for first, second in (("a", "b"), ("b", "a"), ("y", "x"), ("result", "next")):
        result = out(ReduceByExpression(), arrays_in=[X, X * 2, X * 3], expression=f"{first} - {second}")
        np.testing.assert_array_equal(result, X - X * 2 - X * 3)
    result = out(ReduceByExpression(), arrays_in=[X], expression="x - y", initial_array=X * 5)
    np.testing.assert_array_equal(result, X * 4)
    np.testing.assert_array_equal(out(ReduceByExpression(), arrays_in=[X], expression="x - y"), X)
    np.testing.assert_array_equal(out(ReduceByExpression(), arrays_in=[], expression="x - y", initial_array=X), X)
    with pytest.raises(RunError, match="arrays_in: there is nothing to reduce"):
        out(ReduceByExpression(), arrays_in=[], expression="x - y")


ONE = [MaskByExpression(), ApplyExpression(), MapByExpression()]


def arrays(task: ExpressionTask) -> dict[str, Any]:
    return {"array_in": X} if task.inputs[0].name == "array_in" else {"arrays_in": [X, X]}


@pytest.mark.parametrize("task", ONE, ids=lambda task: task.name)
@pytest.mark.parametrize(
    ("text", "extras", "found"),
    [
        ("x + y", {}, "x, y"),
        ("1", {}, "none"),
        ("i", {}, "none"),
        ("z", {"z": 1}, "none"),
        ("min + max(max)", {}, "min, max"),
    ],
)
def test_an_expression_of_one_array_has_one_variable(task: ExpressionTask, text: str, extras: Any, found: str) -> None:
    with pytest.raises(ParameterNotValidError, match="exactly one variable besides .*i; found: " + found) as caught:
        task.clean({**arrays(task), "expression": text, **extras})
    assert caught.value.parameter == "expression"
    assert caught.value.value == text
    with pytest.raises(ValueError, match="exactly one variable"):  # as the older tasks raised
        task(**arrays(task), expression=text, **extras)


def test_the_index_cannot_be_given() -> None:
    with pytest.raises(ParameterNotValidError, match="^i: is the place in the list here, and cannot be given"):
        MapByExpression().clean({"arrays_in": [X], "expression": "x * i", "i": 5})
    assert out(ApplyExpression(), array_in=[1, 2], expression="x * i", i=5).tolist() == [5, 10]


@pytest.mark.parametrize("text", ["x", "x + y + z", "1"])
def test_an_expression_that_reduces_has_two_variables(text: str) -> None:
    with pytest.raises(ParameterNotValidError, match="exactly two variables; found: "):
        ReduceByExpression().clean({"arrays_in": [X], "expression": text})
    with pytest.raises(ParameterNotValidError, match="exactly two variables besides z; found: x"):
        ReduceByExpression().clean({"arrays_in": [X], "expression": "x + z", "z": 1})


@pytest.mark.parametrize("task", [*ONE, ReduceByExpression()], ids=lambda task: task.name)
@pytest.mark.parametrize("text", ["x ; 2", "x <> 2", "", "x.__class__", "(" * 300])
def test_what_is_no_expression_is_refused_with_the_inputs(task: ExpressionTask, text: str) -> None:
    with pytest.raises(ParameterNotValidError, match="^expression: the expression is invalid at position") as caught:
        task.clean({**arrays(task), "expression": text})
    assert caught.value.parameter == "expression"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("x * (", "node 'scaled', input expression: the expression is invalid at position 5"),
        ("x * factor", "exactly one variable besides limit, i; found: x, factor"),
    ],
)
def test_a_workflow_with_a_wrong_expression_is_refused_when_it_is_loaded(text: str, message: str) -> None:
    build = WorkflowBuilder()
    x, limit = build.input("x", np.ndarray), build.input("limit", float)
    build.output(
        "y", build.add("raster:apply_expression", id="scaled", array_in=x, limit=limit, expression="x * limit")
    )
    assert build.build()(x=[1, 2], limit=3)["y"].tolist() == [3, 6]
    document = build.build().to_json()
    document["workflow"][0]["inputs"]["expression"]["input"] = text
    with pytest.raises(WorkflowNotValid, match="^node 'scaled', input expression: ") as caught:
        Workflow.from_json(document)
    assert message in str(caught.value)


def test_an_expression_that_a_workflow_gets_when_it_runs_is_checked_then() -> None:
    build = WorkflowBuilder()
    text = build.input("text", str)
    build.output("y", build.add("raster:apply_expression", id="any", array_in=[1, 2], expression=text))
    assert build.build()(text="x + 1")["y"].tolist() == [2, 3]
    with pytest.raises(NodeFailed, match="any.*exactly one variable"):
        build.build()(text="x + y")


def test_inputs_are_checked_without_numpy() -> None:
    code = """
import sys
from geojobs_lab.library import TASKS
from geojobs_lab.errors import ParameterNotValidError
task = next(task for task in TASKS if task.name == "raster:apply_expression")
task.clean({"array_in": "service://a:b", "expression": "x + 1"})
try:
    task.clean({"array_in": "service://a:b", "expression": "x +"})
except ParameterNotValidError:
    pass
heavy = {"numpy", "xarray", "netCDF4", "pandas", "shapely", "pyproj"} & set(sys.modules)
assert not heavy, heavy
"""
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_extra_inputs_are_variables(projected: xr.DataArray) -> None:
    extras = {"k": 2, "items": [1, 2], "d": {"one": 1}, "other": X, "raster": projected}
    text = "x * k + items[1] + d['one'] + other + raster"
    np.testing.assert_array_equal(out(ApplyExpression(), array_in=X, expression=text, **extras), X * 4 + 3)
    result = out(ApplyExpression(), array_in=projected, expression=text, **extras)
    np.testing.assert_array_equal(result.values, X * 4 + 3)
    result = out(MaskByExpression(), array_in=X, expression="x > limit and other < 90", limit=50, other=X)
    np.testing.assert_array_equal(result.mask, (X > 50) & (X < 90))
    with pytest.raises(ExpressionFailed, match=r"an index 2 lies outside of 2"):
        out(ApplyExpression(), array_in=X, expression="x + items[2]", items=[1, 2])


def test_masked_arrays_and_lists_are_arrays_too() -> None:
    masked = masked_array(X, X < 10)
    result = out(ApplyExpression(), array_in=masked, expression="x - min(x)")
    assert isinstance(result, masked_array)
    np.testing.assert_array_equal(result.mask, masked.mask)
    np.testing.assert_array_equal(result.compressed(), X[X >= 10] - 10)
    again = out(MaskByExpression(), array_in=masked, expression="x > 20")
    np.testing.assert_array_equal(again.mask, (X < 10) | (X > 20))
    np.testing.assert_array_equal(out(ApplyExpression(), array_in=[1, None, 3], expression="x * 2"), [2, np.nan, 6])
    assert out(ApplyExpression(), array_in=masked, expression="count(x)") == 90
    counts = out(MapByExpression(), arrays_in=[X, masked], expression="count(x) + i")
    assert [count.item() for count in counts] == [100, 91]


# rasters stay rasters


def test_a_masked_raster_keeps_its_place_and_what_it_is(climate: xr.DataArray, projected: xr.DataArray) -> None:
    for data in (climate[0], projected):
        result = out(MaskByExpression(), array_in=data, expression="x > mean(x)")
        np.testing.assert_array_equal(result.values, np.where(data > data.mean(dtype=float), np.nan, data.values))
        assert Grid.from_array(result).same_as(Grid.from_array(data))
        assert (result.name, result.attrs) == (data.name, data.attrs)


def test_rasters_stay_rasters_through_every_task(climate: xr.DataArray, projected: xr.DataArray) -> None:
    for data in (climate[:3], projected):
        applied = out(ApplyExpression(), array_in=data, expression="x - mean(x)")
        mapped = out(MapByExpression(), arrays_in=[data, data], expression="x * (i + 1)")
        reduced = out(ReduceByExpression(), arrays_in=mapped, expression="b - a")
        for result, expected in (
            (applied, data.values - data.values.mean(dtype=float)),
            (mapped[1], data.values * 2),
            (reduced, data.values * -1),
        ):
            assert isinstance(result, xr.DataArray)
            assert result.dims == data.dims
            assert Grid.from_array(result).same_as(Grid.from_array(data))
            np.testing.assert_allclose(result.values, expected, rtol=1e-5, atol=1e-4)
    assert applied.attrs == {"long_name": "x - mean(x)", "units": "K"}


def test_the_place_of_a_series_step_is_kept(climate: xr.DataArray) -> None:
    result = out(ApplyExpression(), array_in=climate, expression="x[n] - x[0]", n=-1)
    np.testing.assert_array_equal(result.values, climate[-1].values - climate[0].values)
    assert Grid.from_array(result).same_as(Grid.from_array(climate))


def test_other_grids_are_refused_or_aligned(climate: xr.DataArray) -> None:
    here, there = climate[0], climate[0].isel(latitude=slice(2, None))
    for task, inputs in (
        (MaskByExpression(), {"array_in": here, "expression": "x > other", "other": there}),
        (ApplyExpression(), {"array_in": here, "expression": "other - x", "other": there}),
        (MapByExpression(), {"arrays_in": [here], "expression": "other - x", "other": there}),
        (ReduceByExpression(), {"arrays_in": [here, there], "expression": "y - x"}),
    ):
        with pytest.raises(RasterError, match="different grids") as caught:
            task(**inputs)
        for grid in (Grid.from_array(here), Grid.from_array(there)):
            assert str(grid) in str(caught.value)
        result = out(task, **inputs, align="nearest")
        result = result[0] if isinstance(result, list) else result
        assert Grid.from_array(result).same_as(Grid.from_array(here))
        assert np.isnan(result.values[:2]).all()
        assert np.isfinite(result.values[2:]).all()
    with pytest.raises(ParameterNotValidError, match="align: must be one of 'nearest'"):
        ApplyExpression().clean({"array_in": X, "expression": "x", "align": "cubic"})


def test_a_variable_may_be_called_self() -> None:
    assert out(ApplyExpression(), array_in=[1, 2], expression="x + self", self=2).tolist() == [3, 4]
    assert out(MaskByExpression(), array_in=[1, 2], expression="x > self", self=1).tolist() == [1, None]
    assert out(MapByExpression(), arrays_in=[[1]], expression="x + self", self=2)[0].tolist() == [3]
    assert out(ReduceByExpression(), arrays_in=[[1], [2]], expression="x + y + self", self=3).tolist() == [6]
