import subprocess
import sys

import pytest

import geojobs_lab
import geojobs_lab.client

HEAVY = {
    "numpy",
    "xarray",
    "netCDF4",
    "pandas",
    "ipywidgets",
    "ipyleaflet",
    "matplotlib",
    "httpx",
    "asyncio",
    "jupyter_core",
}


def loaded_by(code: str) -> set[str]:
    script = f"{code}\nimport sys\nprint(' '.join(name for name in sys.modules if '.' not in name))"
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


@pytest.mark.parametrize(
    "code",
    [
        "import geojobs_lab",
        "import geojobs_lab.client",
        "from geojobs_lab import Client, Job",
        "from geojobs_lab import Field, Task, Workflow, WorkflowBuilder, task",
        "import geojobs_lab.widgets",
    ],
)
def test_importing_the_client_loads_nothing_heavy(code):
    assert loaded_by(code) & HEAVY == set()


LOOK = """
from geojobs_lab import Client
try:
    Client("http://127.0.0.1:9/")
except Exception as error:
    assert "no answer" in str(error)
"""


def test_looking_for_a_server_needs_no_arrays():
    assert loaded_by(LOOK) & {"numpy", "xarray", "netCDF4", "ipywidgets"} == set()


def test_public_names_are_what_they_say():
    from geojobs_lab.client import Client, Job
    from geojobs_lab.rasters import Raster
    from geojobs_lab.widgets import ResultMap

    assert geojobs_lab.Client is Client
    assert geojobs_lab.Job is Job
    assert geojobs_lab.Raster is Raster
    assert geojobs_lab.ResultMap is ResultMap


def test_all_is_sorted_listed_and_there():
    assert geojobs_lab.__all__ == sorted(geojobs_lab.__all__)
    assert set(geojobs_lab.__all__) <= set(dir(geojobs_lab))
    for name in (*geojobs_lab.__all__, "__version__"):
        assert getattr(geojobs_lab, name)
    assert geojobs_lab.client.__all__ == sorted(geojobs_lab.client.__all__)
    for name in geojobs_lab.client.__all__:
        assert getattr(geojobs_lab.client, name)


def test_a_name_that_is_not_there_is_an_attribute_error():
    with pytest.raises(AttributeError, match="'Nothing'"):
        geojobs_lab.Nothing  # noqa: B018
