import enum
import subprocess
import sys
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Annotated, Any, Literal, NamedTuple, NotRequired, TypedDict

import geopandas as gpd
import numpy as np
import numpy.typing as npt
import pyproj
import pytest
import shapely
import xarray as xr
from shapely.geometry.base import BaseGeometry

from geojobs_lab.colors import Color
from geojobs_lab.errors import RunError
from geojobs_lab.parameters import (
    AnyParameter,
    BBox,
    BBoxParameter,
    BooleanParameter,
    ChoiceParameter,
    ColorParameter,
    CRSParameter,
    DateParameter,
    DateTimeParameter,
    DictParameter,
    FeatureCollectionParameter,
    FeatureDatasetParameter,
    FeatureParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    ParameterNotValidError,
    RasterDatasetParameter,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.tasks import Field, Task, task


class Method(enum.Enum):
    MEAN = "mean"
    MEDIAN = "median"


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
        (Mapping[str, int], DictParameter("x")),
        (list, ListParameter(AnyParameter(""), "x")),
        (list[int], ListParameter(IntParameter(""), "x")),
        (Sequence[list[float]], ListParameter(ListParameter(FloatParameter(""), ""), "x")),
        (list[xr.DataArray], ListParameter(RasterParameter(""), "x")),
        (np.ndarray, NdArrayParameter("x")),
        (npt.NDArray[np.float64], NdArrayParameter("x")),
        (xr.DataArray, RasterParameter("x")),
        ("Raster", RasterParameter("x")),
        ("list[Raster]", ListParameter(RasterParameter(""), "x")),
        (Literal["a", 2, True, 0.5], ChoiceParameter("x", choices=["a", 2, True, 0.5])),
        (Literal["a", None], ChoiceParameter("x", choices=["a"], default=None)),
        (date, DateParameter("x")),
        (datetime, DateTimeParameter("x")),
        (Color, ColorParameter("x")),
        (BBox, BBoxParameter("x")),
        (pyproj.CRS, CRSParameter("x")),
        (xr.Dataset, RasterDatasetParameter("x")),
        (gpd.GeoDataFrame, FeatureDatasetParameter("x")),
        (shapely.Polygon, FeatureParameter("x", geometry_types=["Polygon"])),
        (shapely.Geometry, FeatureParameter("x")),
        (BaseGeometry, FeatureParameter("x")),
        (shapely.Polygon | shapely.MultiPolygon, FeatureParameter("x", geometry_types=["Polygon", "MultiPolygon"])),
        (shapely.Point | None, FeatureParameter("x", geometry_types=["Point"], default=None)),
        (list[shapely.Point], FeatureCollectionParameter("x", geometry_types=["Point"])),
        (list[BaseGeometry], FeatureCollectionParameter("x")),
        (Method, ChoiceParameter("x", choices=["mean", "median"])),
        (list[Method], ListParameter(ChoiceParameter("", choices=["mean", "median"]), "x")),
        (Annotated[float, Field(minimum=0, unit="m")], FloatParameter("x", minimum=0, unit="m")),
        (Annotated[float | None, Field(maximum=1, title="T")], FloatParameter("x", maximum=1, title="T", default=None)),
        (Annotated[int, Field(minimum=0)] | None, IntParameter("x", minimum=0, default=None)),
        (Annotated[str, Field(min_length=1, pattern="a")], StringParameter("x", min_length=1, pattern="a")),
        (Annotated[list[Annotated[int, Field(minimum=0)]], Field(min_items=1)],
         ListParameter(IntParameter("", minimum=0), "x", min_items=1)),
        (Annotated[xr.DataArray, "somebody else's", Field(unit="K")], RasterParameter("x", unit="K")),
        (Annotated[date, Field(minimum="2000-01-01")], DateParameter("x", minimum="2000-01-01")),
        (Annotated[BBox, Field(crs=3857)], BBoxParameter("x", crs=3857)),
        (Annotated[int | float, Field(minimum=0)], NumberParameter("x", minimum=0)),
        (Annotated[list[float], Field(unit="m")], ListParameter(FloatParameter(""), "x", unit="m")),
        (Annotated[Literal[1, 2], Field(unit="m")], ChoiceParameter("x", choices=[1, 2], unit="m")),
        (int | None, IntParameter("x", default=None)),
        (int | float, NumberParameter("x")),
        (int | Literal["all"], MultipleParameter([IntParameter(""), ChoiceParameter("", choices=["all"])], "x")),
    ],
)  # fmt: skip
def test_each_hint_has_its_parameter(hint, parameter):
    def function(x):
        return x

    function.__annotations__ = {"x": hint, "return": hint}
    made = task(function)
    assert made.inputs == (parameter,)
    assert made.outputs == (parameter.renamed("result"),)


@pytest.mark.parametrize("hint", [time, tuple[int, int], Literal[b"a"], list[time], set])
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


def test_an_option_that_the_kind_does_not_know_is_refused_where_the_task_is_defined():
    def wrong(x: Annotated[str, Field(minimum=0)]):
        return x

    def nested(x: list[Annotated[bool, Field(minimum=0)]]):
        return x

    def several(x: Annotated[int | str, Field(minimum=0)]):
        return x

    known = "choices, min_length, max_length, pattern, title, description, unit"
    for function, message in (
        (wrong, f"task 'wrong': x is of the kind 'string', to which Field cannot give 'minimum', but {known}$"),
        (nested, "task 'nested': an item is of the kind 'bool', to which Field cannot give 'minimum'"),
        (several, "task 'several': x is of the kind 'multiple', to which Field cannot give 'minimum'"),
    ):
        with pytest.raises(TypeError, match=message):
            task(function)


def test_a_field_says_what_it_says_in_the_document_and_wins_over_the_docstring():
    @task
    def buffered(width: Annotated[float, Field(minimum=0, unit="m", title="Width", description="Of all.")] = 5) -> int:
        """Buffer.

        Parameters
        ----------
        width : float
            Not this.
        """
        return 1

    (document,) = buffered.describe()["inputs"]
    assert (document["title"], document["description"], document["unit"]) == ("Width", "Of all.", "m")
    assert document["schema"]["minimum"] == 0
    with pytest.raises(ParameterNotValidError, match=r"^width: must be a number not below 0 \(m\), not -1$"):
        buffered(width=-1)


def test_an_enum_comes_as_its_member():
    @task
    def which(one: Method = Method.MEDIAN, more: list[Method] | None = None, none: Method | None = None) -> Method:
        assert none is None
        assert all(isinstance(member, Method) for member in more or [])
        return one

    assert which.inputs[0] == ChoiceParameter("one", choices=["mean", "median"], default="median")
    assert which(one="mean", more=["mean"])["result"] == "mean"
    assert which()["result"] == "median"
    assert which(one=Method.MEAN)["result"] == "mean"


def test_a_tuple_of_outputs_is_named_by_the_docstring():
    @task
    def split(number: int) -> tuple[int, Annotated[float, Field(unit="1")]]:
        """Split a number.

        Returns
        -------
        whole : int
            The tens.
        rest : float
            What remains.
        """
        return number // 10, number % 10

    assert split.outputs == (
        IntParameter("whole", description="The tens."),
        FloatParameter("rest", description="What remains.", unit="1"),
    )
    assert dict(split(number=25)) == {"whole": 2, "rest": 5.0}


def test_a_tuple_of_outputs_without_names_is_refused():
    def nameless(x: int) -> tuple[int, int]:
        """Do.

        Returns
        -------
        first : int
        """
        return x, x

    message = "task 'nameless': it returns 2 values, so the Returns section of its docstring has to name 2, each as "
    with pytest.raises(TypeError, match=message):
        task(nameless)
    given = task(outputs=[IntParameter("a"), IntParameter("b")])(nameless)
    assert dict(given(x=1)) == {"a": 1, "b": 1}


class Ends(NamedTuple):
    """The ends.

    Parameters
    ----------
    low : float
        The lower.
    """

    low: float
    high: "Annotated[float, Field(unit='K')]"


class Found(TypedDict):
    raster: "Raster"  # noqa: F821
    note: NotRequired[str]


def test_a_named_tuple_and_a_typed_dict_name_the_outputs():
    @task
    def ends(values: list[float]) -> Ends:
        return Ends(high=max(values), low=min(values))

    @task
    def found(note: str | None = None) -> Found:
        """Find.

        Returns
        -------
        raster : Raster
            What was found.
        """
        raster = xr.DataArray([[1.0, 2.0]] * 2, coords={"latitude": [1.0, 0.0], "longitude": [0.0, 1.0]})
        return {"raster": raster} if note is None else {"raster": raster, "note": note}

    assert ends.outputs == (FloatParameter("low", description="The lower."), FloatParameter("high", unit="K"))
    assert dict(ends(values=[3, 1, 2])) == {"low": 1.0, "high": 3.0}
    assert found.outputs == (
        RasterParameter("raster", description="What was found."),
        StringParameter("note", required=False),
    )
    assert list(found()) == ["raster"]
    assert found(note="x")["note"] == "x"


def test_a_box_is_one_output():
    @task
    def around(x: float) -> BBox:
        return BBox(x - 1, 0, x + 1, 1)

    assert around(x=5)["result"] == BBox(4.0, 0.0, 6.0, 1.0)


def test_a_tuple_of_the_wrong_length_is_the_tasks_fault():
    @task(outputs=[IntParameter("a"), IntParameter("b")])
    def three(x: int):
        return x, x, x

    with pytest.raises(RunError, match="three returned 3 values for its 2 outputs 'a', 'b'"):
        three(x=1)


def test_a_task_may_be_kept_from_being_offered_by_its_name_alone():
    @task(exposed=False)
    def reading(x: int) -> int:
        return x

    assert (reading.exposed, scale.exposed, Task.exposed) == (False, True, True)


LAZY = """
from __future__ import annotations
import sys
from typing import TYPE_CHECKING
from geojobs_lab.tasks import task
if TYPE_CHECKING:
    import geopandas as gpd, numpy as np, pyproj, xarray as xr
    from geojobs_lab import Raster
    from shapely import Point, Polygon
    from xarray import Dataset

@task
def every(
    a: Raster, b: xr.Dataset, c: gpd.GeoDataFrame, d: Polygon | None, e: list[Point], f: pyproj.CRS, g: np.ndarray,
    h: list[xr.DataArray], i: Dataset,
) -> tuple[Raster, xr.DataArray]:
    '''Do.

    Returns
    -------
    x : Raster
    y : Raster
    '''

heavy = {"numpy", "xarray", "geopandas", "pandas", "shapely", "pyproj", "netCDF4"} & set(sys.modules)
print([p.id for p in every.inputs], [p.name for p in every.outputs], sorted(heavy))
"""


def test_names_that_only_type_checkers_import_are_understood_and_nothing_is_loaded(tmp_path):
    file = tmp_path / "lazy.py"
    file.write_text(LAZY)
    done = subprocess.run([sys.executable, str(file)], capture_output=True, text=True, check=True)
    kinds = ["raster", "raster_dataset", "feature_dataset", "feature", "feature_collection", "crs", "array", "list"]
    assert done.stdout == f"{[*kinds, 'raster_dataset']} ['x', 'y'] []\n"


def test_a_docstring_of_blanks_is_none():
    def blank(n: int) -> int:
        return n

    blank.__doc__ = "\n"
    assert task(blank).description is None
    assert task(blank)(n=1)["result"] == 1


def test_an_input_may_be_called_self():
    @task
    def keep(self: int, **others: Any) -> dict:
        return {"self": self, **others}

    assert keep(self="1", args=2)["result"] == {"self": 1, "args": 2}
