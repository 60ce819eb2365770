"""What README.md shows works as it stands there."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import iris_sample_data
import numpy as np
import pytest
import rioxarray  # noqa: F401  # the accessor
import xarray as xr

from geojobs_lab import Client
from geojobs_lab.rasters import open_raster
from geojobs_lab.renderers import renderer_from_json
from geojobs_lab.workflows import Workflow

REPOSITORY = Path(__file__).parent.parent.parent
README = (REPOSITORY / "README.md").read_text()
CLIMATE = Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"
WARMING = REPOSITORY / "geojobs_lab" / "cli" / "warming.json"


def block(language: str, containing: str) -> str:
    """Return the code block of README.md that holds a text."""
    blocks = re.findall(rf"```{language}\n(.*?)```", README, re.DOTALL)
    (found,) = [text for text in blocks if containing in text]
    return found


@pytest.fixture(scope="module")
def server(geojobs_server: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Any]:
    """A server whose configuration is the README's, with its two paths in the place of /data."""
    folder = tmp_path_factory.mktemp("app")
    (folder / "myapp").mkdir()
    (folder / "myapp" / "__init__.py").touch()
    (folder / "myapp" / "tasks.py").write_text(block("python", "def degree_days"))
    config = block("python", "c.GeoJobsApp.registered_jobs")
    config = config.replace("/data/A1B_north_america.nc", str(CLIMATE))
    config = config.replace("/data/suitability.json", str(WARMING)).replace('"suitability"', '"warming"')
    config = config.replace('"type": "workflow",', '"type": "workflow", "publish_raster_results": True,')
    with geojobs_server(f"import sys\nsys.path.insert(0, {str(folder)!r})\n{config}") as server:
        yield server


def test_the_configuration_table_is_complete_and_true() -> None:
    from geojobs_lab_server.app import GeoJobsApp

    section = README.partition("## Configuration")[2]
    table = dict(re.findall(r"^\| `(\w+)` \| (.*?) \|", section, re.MULTILINE))
    traits = {
        name: trait
        for name, trait in GeoJobsApp.class_own_traits(config=True).items()
        if name in vars(GeoJobsApp) and trait.help
    }
    assert set(table) == set(traits)
    for name, shown in table.items():
        if shown.startswith("`") and name != "data_dir":
            assert shown.strip("`") == str(traits[name].default()), name


def test_the_task_and_the_configuration_make_a_job(server: Any) -> None:
    with server.client() as client:
        document = client.get("registered-jobs/degree_days/").json()
        assert document["available"] is True
        assert document["description"].startswith("Sum the excess over a base temperature")
        assert [one["name"] for one in document["inputs"]] == ["temperature", "base"]
        answer = client.post("jobs/", data={"job": "degree_days", "inputs": '{"temperature": "service://a1b"}'})
        job = answer.json()
        while job["status"] in ("pending", "started"):
            job = client.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": job["revision"]}).json()
        assert job["status"] == "success", job["error"]
        service = client.get(f"services/{job['uuid']}/total/").json()
        assert service["variables"][0]["units"] == "K d"
        assert json.loads(job["outputs"])["largest"] > 0


def test_the_workflow_is_the_one_that_the_demo_runs() -> None:
    names: dict[str, Any] = {}
    exec(block("python", "WorkflowBuilder"), names)
    with open_raster(CLIMATE) as data:
        built = names["workflow"](data=data)["warming"]
        stored = Workflow.from_file(WARMING)(data=data)["warming"]
    np.testing.assert_array_equal(built.values, stored.values)


def test_the_renderers_are_renderers() -> None:
    lines = block("python", "ClassifiedRenderer.from_breaks")
    names: dict[str, Any] = {}
    exec(lines, names)
    unique = eval(lines[lines.index("UniqueRenderer(\n") :], names)
    assert [entry["label"] for entry in unique.legend()["entries"]] == ["forest", "water"]
    above = eval(re.search(r"^(ClassifiedRenderer\.\S.*?\))  #", lines, re.MULTILINE)[1], names)
    assert [entry["label"] for entry in above.legend()["entries"]] == ["≤ 0", "0 – 10", "10 – 20", "> 20"]
    shown = re.search(r'`(\{"type": "classified".*?\})`', README)[1]
    assert renderer_from_json(shown).to_json()["type"] == "classified"


def test_the_index_of_two_bands_is_computed(server: Any, tmp_path: Path) -> None:
    with Client(server.url, server.token) as client:
        bands = xr.Dataset(
            {name: (("y", "x"), np.full((4, 5), value, "f4")) for name, value in (("nir", 0.6), ("red", 0.2))},
            {"y": np.arange(4) * -30.0, "x": np.arange(5) * 30.0},
        ).rio.write_crs(32633)
        for band in bands.data_vars.values():
            band.encoding["grid_mapping"] = "spatial_ref"
        bands.to_netcdf(tmp_path / "scene.nc")
        client.publish(tmp_path / "scene.nc", upload=True)
        names: dict[str, Any] = {"client": client}
        exec(block("python", "ndvi = "), names)
        np.testing.assert_allclose(names["ndvi"].result().values, 0.5, rtol=1e-6)


def test_the_client_in_five_lines(server: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOJOBS_URL", server.url)
    monkeypatch.setenv("GEOJOBS_TOKEN", server.token)
    names: dict[str, Any] = {}
    exec(block("python", "client = Client()"), names)
    result = names["job"].result()
    assert result.attrs["units"] == "K"
    assert result.rio.crs is not None


def test_the_curl_lines_are_answered(server: Any, tmp_path: Path) -> None:
    assert shutil.which("curl"), "curl is needed to try the README's lines"
    said = (block("bash", "API=") + block("bash", "LAYER=")).splitlines()
    lines = [line for line in said if line.startswith("curl")]
    layer = next(line for line in said if line.startswith("LAYER="))
    with server.client() as client:
        answer = client.post("jobs/", json={"job": "warming", "inputs": {"data": "service://a1b:air_temperature"}})
        job = answer.json()
        while job["status"] in ("pending", "started"):
            job = client.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": job["revision"]}).json()
        assert job["status"] == "success", job["error"]
        uuid = job["uuid"]
    environment = {
        "PATH": "/usr/bin:/bin",
        "API": server.api.rstrip("/"),
        "AUTH": f"Authorization: token {server.token}",
        "UUID": uuid,
    }
    # The job is removed last.
    for line in sorted(lines, key=lambda line: "DELETE" in line):
        line = line.replace("curl ", "curl --silent --show-error --fail ", 1)
        done = subprocess.run(
            ["bash", "-c", f"{layer}\n{line}"], env=environment, cwd=tmp_path, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{line}\n{done.stderr}"
    for name in ("tile.png", "legend.png", "magma.png", "box.png", "albers.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
    assert (tmp_path / "warming.nc").read_bytes()[1:4] == b"HDF"
    assert (tmp_path / "warming.tif").read_bytes().startswith(b"II*")
    assert (tmp_path / "warming.csv").read_text().startswith("lat,lon,data\n")
