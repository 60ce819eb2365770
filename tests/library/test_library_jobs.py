"""Every task of the library runs as a job, on real climate model output and on a projected raster."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import iris_sample_data
import netCDF4
import numpy as np
import pytest
from pyproj import CRS

from geojobs_lab.library import TASKS

CLIMATE = Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"
STEPS = 3


class Lab:
    """A server with two services, ``climate`` and ``albers``, whose files are `paths`, and what its jobs publish."""

    def __init__(self, http: Any, paths: dict[str, Path]) -> None:
        self.http = http
        self.paths = paths

    def run(self, job: str, inputs: dict[str, Any]) -> dict[str, Any]:
        """Submit, wait, and return the outputs."""
        answer = self.http.post("jobs/", json={"job": job, "inputs": inputs})
        assert answer.status_code == 201, answer.text
        document = answer.json()
        while document["status"] in ("pending", "started"):
            query = {"wait": 20, "revision": document["revision"]}
            document = self.http.get(f"jobs/{document['uuid']}/", params=query).json()
        assert document["status"] == "success", document["error"]
        return json.loads(document["outputs"])

    def service(self, name: str) -> dict[str, Any]:
        answer = self.http.get(f"services/{name}/")
        assert answer.status_code == 200, answer.text
        return answer.json()

    def statistics(self, name: str, time: float | None = None, variable: str = "data") -> dict[str, Any]:
        query = {} if time is None else {"time": time}
        answer = self.http.get(f"services/{name}/variables/{variable}/statistics/", params=query)
        assert answer.status_code == 200, answer.text
        return answer.json()


@pytest.fixture(scope="module")
def albers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The path of three yearly steps on an Albers grid of 10 km cells: x in 1000 km plus the step, in kelvin."""
    path = tmp_path_factory.mktemp("albers") / "albers.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, size in (("time", STEPS), ("y", 40), ("x", 50)):
            file.createDimension(name, size)
        crs = file.createVariable("albers", "i4")
        crs.setncatts({key: value for key, value in CRS.from_epsg(5070).to_cf().items() if value is not None})
        axes = {
            "time": (np.arange(STEPS) * 360.0 + 180, {"units": "days since 2000-01-01", "calendar": "360_day"}),
            "y": (np.arange(40)[::-1] * 1e4 + 1e6, {"units": "m", "standard_name": "projection_y_coordinate"}),
            "x": (np.arange(50) * 1e4, {"units": "m", "standard_name": "projection_x_coordinate"}),
        }
        for name, (values, attributes) in axes.items():
            variable = file.createVariable(name, "f8", (name,))
            variable.setncatts(attributes)
            variable[:] = values
        data = file.createVariable("t", "f4", ("time", "y", "x"), fill_value=np.nan)
        data.setncatts({"units": "K", "long_name": "Made temperature", "grid_mapping": "albers"})
        data[:] = axes["x"][0][None, None, :] / 1e6 + np.arange(STEPS)[:, None, None] + np.zeros((STEPS, 40, 50))
    return path


@pytest.fixture(scope="module")
def lab(geojobs_server: Any, albers: Path) -> Iterator[Lab]:
    config = f"""
c.GeoJobsApp.services = {{"climate": {str(CLIMATE)!r}, "albers": {str(albers)!r}}}
c.GeoJobsApp.registered_jobs = {{
    "load": {{"type": "task", "task": "geojobs_lab.library.dataset.load_dataset", "publish_raster_results": True}},
}}
"""
    with geojobs_server(config) as server, server.client() as http:
        yield Lab(http, {"climate": CLIMATE, "albers": albers})


SERVICES = {
    "climate": ("service://climate:air_temperature", 49 * 37, "1950", "1970"),
    "albers": ("service://albers:t", 40 * 50, "2000", "2001"),
}
"""Service -> reference, cells, a period that it covers."""


def first(name: str, lab: Lab) -> str:
    """Return a reference to the first step of a service."""
    stops = lab.service(name)["variables"][0]["time"]["stops"]
    return f"{SERVICES[name][0]}@{stops[0]['timestamp']:.0f}"


def placed(name: str, published: str, lab: Lab, variable: str = "data") -> None:
    """See that a published result lies where its input does."""
    there, here = lab.service(name), lab.service(published)
    assert here["state"] == "ready"
    assert here["crs"] == there["crs"]
    np.testing.assert_allclose(here["extent"], there["extent"])
    (described,) = [one for one in here["variables"] if one["name"] == variable]
    assert described["shape"][-2:] == there["variables"][0]["shape"][-2:]


def period_mean(name: str, lab: Lab) -> None:
    reference, _, start, end = SERVICES[name]
    outputs = lab.run("climate:period_mean", {"data": reference, "start": start, "end": end})
    placed(name, outputs["mean"], lab)
    assert lab.service(outputs["mean"])["variables"][0]["units"] == "K"


def echo(name: str, lab: Lab) -> None:
    assert lab.run("debug:echo", {"value": name}) == {"value": name}


def subtract(name: str, lab: Lab) -> None:
    outputs = lab.run("raster:subtract", {"a": SERVICES[name][0], "b": first(name, lab)})
    placed(name, outputs["difference"], lab)
    assert lab.statistics(outputs["difference"])["max"] == 0  # the first step minus itself
    assert lab.service(outputs["difference"])["variables"][0]["time"]["calendar"] == "360_day"


def align(name: str, lab: Lab) -> None:
    other = {"climate": "albers", "albers": "climate"}[name]
    inputs = {"rasters": [first(name, lab), first(other, lab)], "method": "nearest"}
    (output,) = lab.run("raster:align", inputs).values()
    assert len(output) == 2
    for published in output:
        placed(name, published, lab)


def load_dataset(name: str, lab: Lab) -> None:
    outputs = lab.run("load", {"path": str(lab.paths[name])})
    variable = SERVICES[name][0].rpartition(":")[2]
    placed(name, outputs["dataset_out"], lab, variable)


def array_from_dataset(name: str, lab: Lab) -> None:
    dataset, _, variable = SERVICES[name][0].rpartition(":")
    outputs = lab.run("raster:array_from_dataset", {"dataset": dataset, "variable": variable})
    placed(name, outputs["array_out"], lab)
    assert len(lab.service(outputs["array_out"])["variables"][0]["time"]["stops"]) > 1


def mask_by_expression(name: str, lab: Lab) -> None:
    inputs = {"array_in": first(name, lab), "expression": "x > limit * mean(x)", "limit": 1}
    outputs = lab.run("raster:mask_by_expression", inputs)
    placed(name, outputs["array_out"], lab)
    found = lab.statistics(outputs["array_out"])
    assert 0 < found["missing"] < SERVICES[name][1]
    assert found["missing"] + found["count"] == SERVICES[name][1]


def apply_expression(name: str, lab: Lab) -> None:
    one = first(name, lab)
    outputs = lab.run("raster:apply_expression", {"array_in": one, "expression": "(x - other) / 2 + 1", "other": one})
    placed(name, outputs["array_out"], lab)
    found = lab.statistics(outputs["array_out"])
    assert (found["min"], found["max"], found["count"]) == (1, 1, SERVICES[name][1])


def map_by_expression(name: str, lab: Lab) -> None:
    inputs = {"arrays_in": [first(name, lab)] * 2, "expression": "x * 0 + i"}
    names = lab.run("raster:map_by_expression", inputs)["arrays_out"]
    for index, published in enumerate(names):
        assert published.endswith(f"/arrays_out/{index}")
        placed(name, published, lab)
        assert lab.service(published)["title"] == f"x * 0 + i [{index}]"  # one can be told from the other
        assert lab.statistics(published)["mean"] == index


def reduce_by_expression(name: str, lab: Lab) -> None:
    one = first(name, lab)
    inputs = {"arrays_in": [one, one], "expression": "x - y", "initial_array": one}
    outputs = lab.run("raster:reduce_by_expression", inputs)
    placed(name, outputs["array_out"], lab)
    alone = lab.run("raster:apply_expression", {"array_in": one, "expression": "x"})["array_out"]
    np.testing.assert_allclose(lab.statistics(outputs["array_out"])["mean"], -lab.statistics(alone)["mean"], rtol=1e-5)


CASES: dict[str, Callable[[str, Lab], None]] = {
    "climate:period_mean": period_mean,
    "debug:echo": echo,
    "raster:align": align,
    "raster:apply_expression": apply_expression,
    "raster:array_from_dataset": array_from_dataset,
    "raster:load_dataset": load_dataset,
    "raster:map_by_expression": map_by_expression,
    "raster:mask_by_expression": mask_by_expression,
    "raster:reduce_by_expression": reduce_by_expression,
    "raster:subtract": subtract,
}


@pytest.mark.parametrize("service", SERVICES)
@pytest.mark.parametrize("task", [task.name for task in TASKS])
def test_every_task_of_the_library_runs_as_a_job(task: str, service: str, lab: Lab) -> None:
    CASES[task](service, lab)


def test_a_task_that_takes_paths_of_the_server_is_not_offered_by_itself(lab: Lab) -> None:
    names = [one["name"] for one in lab.http.get("registered-jobs/", params={"limit": 100}).json()["results"]]
    assert "raster:apply_expression" in names
    assert "raster:load_dataset" not in names
    answer = lab.http.post("jobs/", json={"job": "raster:load_dataset", "inputs": {"path": "/etc/passwd"}})
    assert answer.status_code == 400
