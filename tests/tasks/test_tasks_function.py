from collections.abc import Sequence
from datetime import datetime
from typing import Any, Literal

import numpy as np
import numpy.typing as npt
import pytest
import xarray as xr

from geojobs_lab.parameters import (
    AnyParameter,
    BooleanParameter,
    DictParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    ParameterNotValidError,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.tasks import Task, task


@task(name="demo:scale", title="Scale")
def scale(data: xr.DataArray, factor: float = 2.0, note: str | None = None, **more: int) -> xr.DataArray:
    """Multiply a raster
    by a number.

    Details that are not in the description.

    Parameters
    ----------
    data : Raster
        What is multiplied,
        cell by cell.
    factor, note : float
        For both.

    Returns
    -------
    scaled : Raster
        The product.

    Notes
    -----
    None.
    """
    return data * factor


def test_signature_hints_and_docstring_make_a_task():
    assert isinstance(scale, Task)
    assert (scale.name, scale.title, scale.description) == ("demo:scale", "Scale", "Multiply a raster by a number.")
    assert list(scale.inputs) == [
        RasterParameter("data", description="What is multiplied, cell by cell."),
        FloatParameter("factor", default=2.0, description="For both."),
        StringParameter("note", default=None, description="For both."),
    ]
    assert list(scale.outputs) == [RasterParameter("scaled", description="The product.")]
    assert scale.allow_extra_args
    assert (scale.__name__, scale.__module__) == ("scale", __name__)


def test_a_function_task_is_called_with_keywords_and_returns_outputs():
    raster = xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})
    assert float(scale(data=raster, factor="3")["scaled"].max()) == 6.0
    assert scale.function(raster, 2).shape == (2, 2)


def test_a_function_without_options_is_a_task_under_its_own_name():
    @task
    def add(a: int, b: int = 1) -> int:
        return a + b

    assert (add.name, add.description, add.allow_extra_args) == ("add", None, False)
    assert dict(add(a="2")) == {"result": 3}
    with pytest.raises(ParameterNotValidError, match="a: is required and must be an integer"):
        add()


@pytest.mark.parametrize(
    ("hint", "parameter"),
    [
        (int, IntParameter("x")),
        (float, FloatParameter("x")),
        (bool, BooleanParameter("x")),
        (str, StringParameter("x")),
        (Any, AnyParameter("x")),
        (object, AnyParameter("x")),
        (dict, DictParameter("x")),
        (dict[str, int], DictParameter("x")),
        (list, ListParameter(AnyParameter(""), "x")),
        (list[int], ListParameter(IntParameter(""), "x")),
        (Sequence[list[float]], ListParameter(ListParameter(FloatParameter(""), ""), "x")),
        (list[xr.DataArray], ListParameter(RasterParameter(""), "x")),
        (np.ndarray, NdArrayParameter("x")),
        (npt.NDArray[np.float64], NdArrayParameter("x")),
        (xr.DataArray, RasterParameter("x")),
        ("Raster", RasterParameter("x")),
        ("list[Raster]", ListParameter(RasterParameter(""), "x")),
        (Literal["a", "b"], StringParameter("x", choices=["a", "b"])),
        (int | None, IntParameter("x", default=None)),
        (int | float, NumberParameter("x")),
        (int | Literal["all"], MultipleParameter([IntParameter(""), StringParameter("", choices=["all"])], "x")),
    ],
)
def test_each_hint_has_its_parameter(hint, parameter):
    def function(x):
        return x

    function.__annotations__ = {"x": hint, "return": hint}
    made = task(function)
    assert made.inputs == (parameter,)
    assert made.outputs == (parameter.renamed("result"),)


@pytest.mark.parametrize("hint", [datetime, tuple[int, int], Literal[1, 2], list[datetime], set])
def test_a_hint_that_is_not_understood_is_refused_where_the_task_is_defined(hint):
    def function(x):
        return x

    function.__annotations__ = {"x": hint}
    with pytest.raises(
        TypeError, match=r"task 'function': (x|an item) has the type hint .*; understood are int, float"
    ):
        task(function)


def test_other_definitions_that_cannot_work_are_refused():
    def positional(x, /):
        return x

    def unknown(x: "Missing"):  # noqa: F821
        return x

    def nullable(x: int | None = 5):
        return x

    async def later(x):
        return x

    with pytest.raises(TypeError, match="task 'positional': inputs come as keywords, which x cannot take"):
        task(positional)
    with pytest.raises(TypeError, match="task 'unknown': a type hint cannot be read: name 'Missing' is not defined"):
        task(unknown)
    with pytest.raises(TypeError, match="task 'nullable': x may be None, so its default has to be None"):
        task(nullable)
    for wrong in (later, print, Task):
        with pytest.raises(TypeError, match="@task goes on a plain function, not on"):
            task(wrong)


def test_declared_outputs_stand_for_several_values():
    @task(outputs=[FloatParameter("low"), FloatParameter("high")])
    def ends(values: list[float]):
        return {"low": min(values), "high": max(values)}

    assert dict(ends(values=[3, 1, 2])) == {"low": 1.0, "high": 3.0}


def test_a_function_that_returns_nothing_has_no_outputs():
    @task
    def quiet(x: int) -> None:
        """Google style, without sections.

        Args:
            x: a number
        """

    assert quiet.outputs == ()
    assert quiet.description == "Google style, without sections."
    assert dict(quiet(x=1)) == {}


def test_what_is_hinted_as_ndarray_comes_as_one_and_still_lends_its_grid():
    seen = []

    @task
    def double(a: np.ndarray, more: list[np.ndarray], b: np.ndarray | None = None) -> "Raster":  # noqa: F821
        seen.extend([type(a), *map(type, more), type(b)])
        return a * 2

    raster = xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})
    result = double(a=raster, more=[[1, 2]])["result"]
    assert seen == [np.ndarray, np.ndarray, type(None)]
    assert list(result["latitude"].values) == [1.0, 0.0]
