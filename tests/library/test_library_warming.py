"""The demo's workflow on the real climate run, and the library as a whole."""

import json
import subprocess
import sys
import time
from importlib.resources import files
from pathlib import Path

import iris_sample_data
import netCDF4
import numpy as np
import pytest

from geojobs_lab.documents import ServiceReference
from geojobs_lab.library import TASKS
from geojobs_lab.library.debug import Echo
from geojobs_lab.parameters import ParameterNotValidError
from geojobs_lab.rasters import Grid, open_raster
from geojobs_lab.tasks import Registry, RunContext, use_context
from geojobs_lab.workflows import Workflow

A1B = Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"


class Published(RunContext):
    """A context in which every service is the A1B run."""

    def __init__(self):
        self.resolver = self
        self.reports = []

    def raster(self, reference):
        assert reference == ServiceReference("a1b", "air_temperature")
        return open_raster(A1B, reference.variable)

    def report(self, fraction, message):
        self.reports.append((fraction, message))

    def log(self, level, message):
        """Nobody looks."""


@pytest.fixture
def registry():
    registry = Registry()
    for task in TASKS:
        registry.register(task)
    return registry


def load_warming(registry):
    return Workflow.from_json(files("geojobs_lab.cli").joinpath("warming.json").read_text(encoding="utf-8"), registry)


def test_the_library_has_its_tasks_and_each_describes_all_it_takes(registry):
    assert registry.names() == (
        "climate:period_mean",
        "debug:echo",
        "raster:align",
        "raster:apply_expression",
        "raster:array_from_dataset",
        "raster:load_dataset",
        "raster:map_by_expression",
        "raster:mask_by_expression",
        "raster:reduce_by_expression",
        "raster:subtract",
    )
    for name in registry.names():
        document = registry.get(name).describe()
        assert document["title"]
        assert document["description"]
        assert all(parameter["description"] for parameter in (*document["inputs"], *document["outputs"]))
        json.dumps(document, allow_nan=False)


def test_the_warming_workflow_computes_the_warming_of_north_america(registry):
    workflow = load_warming(registry)
    with use_context(Published()) as context:
        warming = workflow(data="service://a1b:air_temperature")["warming"]

    with netCDF4.Dataset(A1B) as file:  # the same sum, straight from the file
        numbers, units, calendar = file["time"][:], file["time"].units, file["time"].calendar
        years = np.array([date.year for date in netCDF4.num2date(numbers, units, calendar)])
        values = file["air_temperature"][:].astype("float64")
    expected = values[(years >= 2070) & (years <= 2099)].mean(0) - values[(years >= 1961) & (years <= 1990)].mean(0)

    assert warming.shape == (37, 49)
    np.testing.assert_allclose(warming.values, expected, atol=5e-5)
    assert 2 < float(warming.min()) < float(warming.max()) < 10.5
    assert float(warming.sel(latitude=slice(50, 60)).mean()) > float(warming.sel(latitude=slice(15, 25)).mean())
    assert warming.attrs["units"] == "K"
    assert warming.attrs["long_name"] == "Warming, 2070–2099 against 1961–1990"
    with open_raster(A1B) as data:
        assert Grid.from_array(warming).same_as(Grid.from_array(data))
    fractions = [fraction for fraction, _ in context.reports]
    assert fractions == sorted(fractions)
    assert {message.split(":")[0] for _, message in context.reports} == {"future", "past", "difference"}


def test_the_warming_workflow_is_written_back_as_it_was_read(registry):
    text = files("geojobs_lab.cli").joinpath("warming.json").read_text(encoding="utf-8")
    assert load_warming(registry).to_json() == json.loads(text)


def test_echo_gives_back_what_it_got_after_the_delay():
    start = time.monotonic()
    with use_context(Published()) as context:
        assert Echo()(value={"value": [1, None]}, delay="0.25")["value"] == {"value": [1, None]}
    assert 0.25 <= time.monotonic() - start < 5
    assert context.reports[0][1] == "0.0 of 0.25 s"
    assert len(context.reports) >= 2
    assert all(0 <= fraction < 1 for fraction, _ in context.reports)


def test_echo_without_a_delay_takes_any_value_null_included():
    assert Echo()(value=None)["value"] is None
    assert Echo()(value="service://not/read")["value"] == "service://not/read"
    with pytest.raises(ParameterNotValidError, match=r"delay: must be a number not below 0 \(s\), not -1"):
        Echo()(value=1, delay=-1)


def test_describing_the_library_loads_no_heavy_library():
    code = (
        "import sys; from geojobs_lab.library import TASKS;"
        "[task.describe() for task in TASKS];"
        "print(sorted({'numpy', 'xarray', 'netCDF4', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
