import subprocess
import sys

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.documents import ServiceReference
from geojobs_lab.parameters import (
    IntParameter,
    ListParameter,
    MultiParameter,
    MultipleParameter,
    NdArrayParameter,
    ParameterNotValidError,
    RasterParameter,
    StringParameter,
)

REFERENCE = ServiceReference("climate/a1b", "air_temperature", 86400.0)


class OneRaster:
    """A resolver that has the same raster for every reference, and remembers what was asked."""

    def __init__(self):
        self.asked = []

    def raster(self, reference):
        self.asked.append(reference)
        return xr.DataArray([[1.0]], name=reference.service)


@pytest.mark.parametrize("kind", [RasterParameter, NdArrayParameter])
def test_a_reference_text_becomes_a_reference_and_opens_nothing(kind):
    parameter = kind("data")
    assert parameter.clean("service://climate/a1b:air_temperature@86400") == REFERENCE
    assert parameter.clean(REFERENCE) is REFERENCE
    assert list(parameter.references(REFERENCE)) == [REFERENCE]


def test_a_raster_is_taken_as_it_is():
    raster = xr.DataArray(np.ones((2, 2)))
    assert RasterParameter("data").clean(raster) is raster
    assert NdArrayParameter("data").clean(raster) is raster
    assert RasterParameter("data").resolve(raster, OneRaster()) is raster


def test_references_are_resolved_wherever_they_stand():
    resolver = OneRaster()
    parameter = ListParameter(ListParameter(RasterParameter(""), ""), "layers")
    cleaned = parameter.clean([["service://a", "service://b"], ["service://c"]])
    assert [reference.service for reference in parameter.references(cleaned)] == ["a", "b", "c"]
    resolved = parameter.resolve(cleaned, resolver)
    assert [[item.name for item in row] for row in resolved] == [["a", "b"], ["c"]]
    assert [reference.service for reference in resolver.asked] == ["a", "b", "c"]


@pytest.mark.parametrize(
    ("value", "message"),
    [
        ("data.nc", "data: must be a raster: a reference like 'service://name:variable@time' or an "
                    "xarray.DataArray with coordinates, not 'data.nc'"),
        ("service://a:", "data: 'service://a:': the variable after ':' is empty"),
        (np.ones((2, 3)), "data: must be a raster: a reference like 'service://name:variable@time' or an "
                          "xarray.DataArray with coordinates, not ndarray of shape (2, 3)"),
    ],
)  # fmt: skip
def test_what_is_no_raster_is_refused(value, message):
    with pytest.raises(ParameterNotValidError) as caught:
        RasterParameter("data").clean(value)
    assert str(caught.value) == message
    assert caught.value.parameter == "data"


def test_nested_lists_become_an_array_and_null_a_missing_number():
    np.testing.assert_array_equal(NdArrayParameter("a").clean([[1, 2], [3, 4]]), np.array([[1, 2], [3, 4]]))
    np.testing.assert_array_equal(NdArrayParameter("a").clean([1, None]), np.array([1.0, np.nan]))
    masked = np.ma.masked_equal([1, 2], 2)
    assert NdArrayParameter("a").clean(masked) is masked


@pytest.mark.parametrize("value", [[[1, 2], [3]], ["1", "2"], [{}], 5, "1,2", None, np.array(["a"]), [[None, "a"]],
                                   xr.DataArray(np.array(["2000-01-01"], "datetime64[ns]"))])  # fmt: skip
def test_what_is_no_array_of_numbers_is_refused(value):
    with pytest.raises(ParameterNotValidError, match=r"^a: must be an array of numbers: nested lists of equal"):
        NdArrayParameter("a").clean(value)


def test_a_list_cleans_each_item_and_a_single_item_is_a_list_of_one():
    parameter = ListParameter(IntParameter("", minimum=0), "counts")
    assert parameter.clean(["1", 2.0]) == [1, 2]
    assert parameter.clean((1, 2)) == [1, 2]
    assert parameter.clean(n for n in (1, 2)) == [1, 2]
    assert parameter.clean(np.array([1, 2])) == [1, 2]
    assert parameter.clean("5") == [5]
    assert parameter.clean([]) == []
    assert ListParameter(StringParameter(""), "names").clean("abc") == ["abc"]


@pytest.mark.parametrize(
    ("parameter", "value", "message"),
    [
        (ListParameter(IntParameter("", minimum=0), "counts"), [1, -2],
         "counts[1]: must be an integer not below 0, not -2"),
        (ListParameter(ListParameter(IntParameter(""), ""), "rows"), [[1], [2, "x"]],
         "rows[1][1]: must be an integer, not 'x'"),
        (ListParameter(IntParameter(""), "counts"), "1,2", "counts: must be a list, each item an integer, not '1,2'"),
        (ListParameter(IntParameter(""), "counts"), None, "counts: must be a list, each item an integer, not null"),
        (MultipleParameter([IntParameter(""), StringParameter("", choices=["all"])], "which"), "some",
         "which: must be an integer, or one of 'all', not 'some'"),
    ],
)  # fmt: skip
def test_a_refusal_says_which_item_is_wrong(parameter, value, message):
    with pytest.raises(ParameterNotValidError) as caught:
        parameter.clean(value)
    assert str(caught.value) == message


def test_the_first_of_several_kinds_that_accepts_converts():
    assert MultipleParameter([IntParameter(""), StringParameter("")], "which").clean("3") == 3
    assert MultipleParameter([StringParameter(""), IntParameter("")], "which").clean("3") == "3"
    assert MultiParameter is MultipleParameter


def test_wrongly_ordered_arguments_are_refused():
    with pytest.raises(TypeError, match="counts: ListParameter takes the parameter of its items first, not 'x'"):
        ListParameter("x", "counts")
    with pytest.raises(TypeError, match=r"which: MultipleParameter takes a list of parameters first, not \[\]"):
        MultipleParameter([], "which")


def test_schemas_of_nested_kinds_nest():
    reference = {"type": "string", "pattern": "^service://"}
    assert RasterParameter("r").json_schema() == reference
    assert ListParameter(RasterParameter(""), "l").json_schema() == {"type": "array", "items": reference}
    assert MultipleParameter([NdArrayParameter(""), IntParameter("")], "m").json_schema() == {
        "anyOf": [{"anyOf": [{"type": "array"}, reference]}, {"type": "integer"}]
    }
    assert RasterParameter("r", default="service://a").describe()["default"] == "service://a"


def test_importing_and_cleaning_references_loads_no_heavy_library():
    code = (
        "import sys, geojobs_lab.parameters as p;"
        "p.ListParameter(p.RasterParameter(''), 'x').clean(['service://a']);"
        "p.DateParameter('d', default='2070-01-01'), p.ChoiceParameter('c', choices=[1]);"
        "p.ColorParameter('k').clean('#fff');"
        "p.BBoxParameter('b', default=[1, 2, 3, 4]), p.CRSParameter('c'), p.FeatureParameter('f').json_schema();"
        "heavy = {'numpy', 'xarray', 'netCDF4', 'pandas', 'shapely', 'pyproj', 'geopandas', 'matplotlib'};"
        "print(sorted(heavy & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
