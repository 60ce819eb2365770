"""Tasks as classes: the way of a call."""

import threading

import numpy as np
import pytest
import xarray as xr

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import InvalidReference, RasterError, RunError
from geojobs_lab.parameters import (
    AnyParameter,
    BooleanParameter,
    DictParameter,
    IntParameter,
    ListParameter,
    NdArrayParameter,
    ParameterCollection,
    ParameterNotValidError,
    RasterDatasetParameter,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.tasks import RunContext, Task, use_context


class SomeTask(Task):
    name = "some"
    inputs = [IntParameter("in", required=True)]
    outputs = [IntParameter("out")]

    def execute(self, **kwargs):
        return kwargs["in"] + 1


class Several(Task):
    """Split a number.

    More about it.
    """

    inputs = (IntParameter("n"), IntParameter("by", default=10), StringParameter("note", required=False))
    outputs = (IntParameter("whole"), IntParameter("rest"), StringParameter("note", required=False))

    def execute(self, n, by, note=None):
        return {"whole": n // by, "rest": n % by, "note": note}


class Returning(Task):
    """A task that returns what it is made with."""

    name = "returning"
    inputs = (RasterParameter("a", required=False), ListParameter(RasterParameter(""), "more", required=False))

    def __init__(self, outputs, value):
        self.outputs = outputs
        self.value = value

    def execute(self, **inputs):
        return self.value


class Published(RunContext):
    """A context whose services all hold the same raster."""

    def __init__(self, raster):
        self.resolver = self
        self._raster = raster

    def raster(self, reference):
        return self._raster.rename(reference.service)

    def dataset(self, reference):
        return xr.Dataset({reference.service: self._raster})

    def report(self, fraction, message):
        """Nobody looks."""

    def log(self, level, message):
        """Nobody looks."""


def grid(values=((1.0, 2.0), (3.0, 4.0))):
    return xr.DataArray(
        np.array(values),
        dims=("latitude", "longitude"),
        coords={"latitude": [50.0, 49.0], "longitude": [7.0, 8.0]},
    )


def test_an_older_task_runs_as_it_was_written():
    result = SomeTask()(**{"in": "5"})
    assert isinstance(result, ParameterCollection)
    assert result["out"] == 6
    assert dict(result) == {"out": 6}


def test_several_outputs_come_by_name_and_defaults_are_filled_in():
    assert dict(Several()(n=25)) == {"whole": 2, "rest": 5}
    assert dict(Several()(n=25, by="7", note="x")) == {"whole": 3, "rest": 4, "note": "x"}


def test_null_for_what_is_not_required_counts_as_not_given():
    assert Several().clean({"n": 1, "by": None, "note": None}) == {"n": 1, "by": 10}


def test_null_is_a_value_where_anything_is():
    class Anything(Task):
        inputs = (AnyParameter("value"),)
        outputs = (AnyParameter("value"),)

        def execute(self, value):
            return {"value": value}

    assert dict(Anything()(value=None)) == {"value": None}


@pytest.mark.parametrize(
    ("inputs", "message", "parameter"),
    [
        ({}, "n: is required and must be an integer", "n"),
        ({"n": None}, "n: must be an integer, not null", "n"),
        ({"n": "x"}, "n: must be an integer, not 'x'", "n"),
        ({"n": 1, "notes": "x"},
         "notes: there is no such input; did you mean 'note'? Several takes 'n', 'by', 'note'", "notes"),
        ([1], "inputs: must be an object by input names, not [1]", ""),
    ],
)  # fmt: skip
def test_wrong_inputs_are_refused_before_anything_runs(inputs, message, parameter):
    with pytest.raises(ParameterNotValidError) as caught:
        Several().clean(inputs)
    assert str(caught.value) == message
    assert caught.value.parameter == parameter


def test_positional_arguments_are_refused_with_the_keywords():
    with pytest.raises(TypeError, match=r"Several takes its inputs as keywords only: Several\(n=…, by=…, note=…\)"):
        Several()(25)


def test_a_mutable_default_is_not_shared_between_runs():
    class Collecting(Task):
        inputs = (ListParameter(AnyParameter(""), "seen", default=[]),)
        outputs = (ListParameter(AnyParameter(""), "seen"),)

        def execute(self, seen):
            seen.append(1)
            return seen

    task = Collecting()
    assert [task()["seen"], task()["seen"]] == [[1], [1]]


def test_extra_inputs_go_through_where_the_task_allows_them():
    class Extra(Task):
        inputs = (IntParameter("n"),)
        outputs = (DictParameter("all"),)
        allow_extra_args = True

        def execute(self, **inputs):
            return {"all": inputs}

    assert Extra()(n="1", other="2")["all"] == {"n": 1, "other": "2"}


def test_an_extra_input_of_the_name_that_execute_has_for_the_task_is_refused():
    class Slashed(Task):
        outputs = (DictParameter("all"),)
        allow_extra_args = True

        def execute(self, /, **inputs):
            return {"all": inputs}

    with pytest.raises(ParameterNotValidError, match=r"^self: no input of Extra can have this name") as refusal:
        Extra().clean({"self": 1})
    assert (refusal.value.parameter, refusal.value.value) == ("self", 1)
    with pytest.raises(ParameterNotValidError, match="^self: "):
        Extra()(**{"self": 1})
    assert Slashed()(**{"self": 1})["all"] == {"self": 1}


class Extra(Task):
    inputs = (IntParameter("n", default=1),)
    outputs = (DictParameter("all"),)
    allow_extra_args = True

    def execute(self, **inputs):
        return {"all": inputs}


def test_references_among_extra_inputs_become_rasters():
    given = {"a": "service://one:v", "more": ["service://two", "service://three@5"], "mixed": ["service://four", 5]}
    cleaned = Extra().clean(given)
    assert cleaned["a"] == ServiceReference("one", "v")
    assert [str(reference) for reference in Extra().references(cleaned)] == [given["a"], *given["more"]]
    with use_context(Published(grid())):
        got = Extra()(**given)["all"]
    assert got["a"].name == "one"
    assert [raster.name for raster in got["more"]] == ["two", "three"]
    assert got["mixed"] == given["mixed"]


def test_a_broken_reference_among_extra_inputs_is_refused_by_its_name():
    with pytest.raises(ParameterNotValidError, match=r"^more\[1\]: 'service://b:': the variable after ':' is empty$"):
        Extra().clean({"more": ["service://a", "service://b:"]})


def test_a_raster_dataset_is_resolved_by_the_context_of_the_run():
    class Names(Task):
        inputs = (RasterDatasetParameter("a"),)
        outputs = (ListParameter(StringParameter(""), "names"),)

        def execute(self, a):
            return list(a.data_vars)

    with use_context(Published(grid())):
        assert Names()(a="service://one")["names"] == ["one"]
        assert list(Returning([RasterDatasetParameter("d")], xr.Dataset({"v": grid()}))()["d"].data_vars) == ["v"]
    with pytest.raises(InvalidReference, match="knows no services; .* give it the xarray.Dataset itself"):
        Names()(a="service://one")


def test_a_tuple_is_as_many_outputs_as_it_has_values():
    both = [IntParameter("a"), IntParameter("b", required=False)]
    assert dict(Returning(both, (1, 2))()) == {"a": 1, "b": 2}
    assert dict(Returning([ListParameter(IntParameter(""), "a"), both[1]], (1, 2, 3))()) == {"a": [1, 2, 3]}
    assert dict(Returning([ListParameter(IntParameter(""), "a")], (1, 2))()) == {"a": [1, 2]}


def test_what_is_returned_works_as_a_dictionary():
    result = Several()(n=25)
    assert {**result} == {"whole": 2, "rest": 5}
    assert (len(result), list(result), "rest" in result, result.get("note", "none")) == (
        2,
        ["whole", "rest"],
        True,
        "none",
    )
    assert dict(result.items()) == dict(zip(result.keys(), result.values(), strict=True))
    assert result == {"rest": 5, "whole": 2}
    with pytest.raises(KeyError):
        result["note"]


def test_the_document_describes_inputs_and_outputs():
    document = Several().describe()
    assert (document["name"], document["title"], document["description"]) == ("", None, "Split a number.")
    assert [parameter["name"] for parameter in document["inputs"]] == ["n", "by", "note"]
    assert document["inputs"][1] == IntParameter("by", default=10).describe()
    assert [parameter["name"] for parameter in document["outputs"]] == ["whole", "rest", "note"]
    assert repr(SomeTask()) == "<SomeTask 'some': (in) -> (out)>"


def test_a_description_that_is_given_wins_over_the_docstring():
    class Described(Several):
        """Not this."""

        description = "This."

    assert Described().describe()["description"] == "This."


@pytest.mark.parametrize(
    ("outputs", "value", "message"),
    [
        ([IntParameter("a")], "x", "returning returned a wrong output: a: must be an integer, not 'x'"),
        ([IntParameter("a")], None, "returning returned a wrong output: a: must be an integer, not null"),
        ([IntParameter("a"), IntParameter("b")], 1, "returning returned no 'b'; it returned 'a'"),
        ([IntParameter("a"), IntParameter("b")], {"a": 1}, "returning returned no 'b'; it returned 'a'"),
        ([IntParameter("a")], {"aa": 1}, "returning returned 'aa'; its outputs are 'a'"),
        ([IntParameter("a")], {}, "returning returned nothing; its outputs are 'a'"),
    ],
)
def test_wrong_outputs_are_the_tasks_fault_and_say_so(outputs, value, message):
    with pytest.raises(RunError) as caught:
        Returning(outputs, value)()
    assert str(caught.value) == message


def test_a_dictionary_is_the_value_of_an_output_that_takes_dictionaries():
    assert dict(Returning([DictParameter("found")], {"x": 1})()) == {"found": {"x": 1}}
    assert dict(Returning([DictParameter("found")], {"found": {"x": 1}})()) == {"found": {"x": 1}}
    assert dict(Returning([], 5)()) == {}


def test_outputs_are_converted_like_inputs():
    assert type(Returning([IntParameter("n")], np.int64(3))()["n"]) is int
    assert Returning([BooleanParameter("b")], np.bool_(True))()["b"] is True
    np.testing.assert_array_equal(Returning([NdArrayParameter("a")], [[1, 2]])()["a"], np.array([[1, 2]]))


def test_references_are_resolved_by_the_context_of_the_run():
    class Names(Task):
        inputs = (RasterParameter("a"), ListParameter(RasterParameter(""), "more"))
        outputs = (ListParameter(StringParameter(""), "names"),)

        def execute(self, a, more):
            return [a.name, *(raster.name for raster in more)]

    task = Names()
    inputs = {"a": "service://one", "more": ["service://two:v", "service://three@5"]}
    with use_context(Published(grid())):
        assert task(**inputs)["names"] == ["one", "two", "three"]
    assert [str(reference) for reference in task.references(task.clean(inputs))] == [
        "service://one",
        "service://two:v",
        "service://three@5",
    ]


def test_a_task_called_directly_refuses_references_and_says_what_to_do():
    with pytest.raises(InvalidReference, match="'service://one': a task that is called directly knows no services"):
        Returning([], None)(a="service://one")
    assert Returning([], None).clean({"a": "service://one"}) == {"a": ServiceReference("one")}


def test_a_bare_array_takes_the_grid_of_the_only_raster_input():
    raster = grid()
    result = Returning([RasterParameter("out")], raster.values + 1)(a=raster)["out"]
    assert list(result["latitude"].values) == [50.0, 49.0]
    assert float(result.sel(latitude=49, longitude=8)) == 5.0
    layers = Returning([ListParameter(RasterParameter(""), "out")], [raster.values, raster])(a=raster)["out"]
    assert [list(layer["longitude"].values) for layer in layers] == [[7.0, 8.0], [7.0, 8.0]]


@pytest.mark.parametrize(
    ("inputs", "shape", "number"),
    [({}, (2, 2), 0), ({"a": grid(), "more": [grid()]}, (2, 2), 2), ({"a": grid()}, (2, 3), 1)],
)
def test_a_bare_array_without_one_raster_to_fit_is_refused(inputs, shape, number):
    task = Returning([RasterParameter("out")], np.ones(shape))
    with pytest.raises(RasterError) as caught:
        task(**inputs)
    message = f"returning returned ndarray of shape {shape} for the output 'out', a raster, and had {number} raster in"
    assert str(caught.value).startswith(message)
    assert str(shape) in str(caught.value).removeprefix(message)


def test_a_task_without_execute_says_so():
    with pytest.raises(NotImplementedError, match=r"Task has no execute\(self, \.\.\.\)"):
        Task()()


def test_one_task_runs_in_two_threads_at_once():
    meeting = threading.Barrier(2, timeout=20)

    class Meeting(Task):
        inputs = (IntParameter("n"),)
        outputs = (IntParameter("n"),)

        def execute(self, n):
            meeting.wait()
            return n

    task, results = Meeting(), {}
    threads = [threading.Thread(target=lambda n=n: results.update({n: task(n=n)["n"]})) for n in (1, 2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert results == {1: 1, 2: 2}


def test_a_task_need_not_give_any_of_its_optional_outputs():
    assert dict(Returning([IntParameter("n", required=False)], {})()) == {}
