"""Results of many kinds through a real server: as services, over REST and in Python, and their going."""

import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import httpx
import numpy as np
import pytest

TASKS = Path(__file__).parent.parent / "jobs" / "faulty"
CONFIG = f"""
import sys
sys.path.insert(0, {str(TASKS)!r})
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": path, "publish_raster_results": True}}
    for name, path in {{
        "several": "result_tasks.Several",
        "together": "result_tasks.Together",
        "series": "result_tasks.Series",
        "sums": "result_tasks.Sums",
        "holds": "faulty_tasks.HalfWritten",
    }}.items()
}}
c.GeoJobsApp.max_workers = 2
c.GeoJobsApp.temporary_service_max_age = 3600
"""
SCRIPT = "import sys; from geojobs_lab_server.app import main; sys.argv[0] = 'jupyter-geojobs'; main()"


@pytest.fixture(scope="module")
def server(geojobs_server: Any) -> Iterator[Any]:
    with geojobs_server(CONFIG) as running:
        yield running


@pytest.fixture
def rest(server: Any) -> Iterator[httpx.Client]:
    with server.client() as client:
        yield client


def submit(rest: httpx.Client, job: str, **inputs: Any) -> str:
    answer = rest.post("jobs/", json={"job": job, "inputs": json.dumps(inputs)})
    assert answer.status_code == 201, answer.text
    return answer.json()["uuid"]


def finished(rest: httpx.Client, uuid: str) -> dict[str, Any]:
    document = rest.get(f"jobs/{uuid}/").json()
    while document["status"] in ("pending", "started"):
        document = rest.get(f"jobs/{uuid}/", params={"wait": 20, "revision": document["revision"]}).json()
    assert document["status"] == "success", document
    return json.loads(document["outputs"])


def test_a_list_of_rasters_is_services_of_the_jobs_own_url(rest: httpx.Client) -> None:
    uuid = submit(rest, "several", count=2)
    cells = finished(rest, uuid)["cells"]
    assert cells == [f"{uuid}/cells/0", f"{uuid}/cells/1"]
    for name in cells:
        service = rest.get(f"services/{name}/").json()
        assert (service["state"], service["temporary"], service["job"]) == ("ready", True, uuid)
        tile = service["variables"][0]["urls"]["tiles"].format(z=3, x=4, y=2)
        assert rest.get(str(rest.base_url.copy_with(raw_path=tile.encode()))).status_code == 200
        value = rest.get(f"services/{name}/variables/data/value/", params={"lon": 11, "lat": 40}).json()
        assert (value["value"], value["unit"]) == (float(name[-1]), "m")
    assert rest.delete(f"jobs/{uuid}/").status_code == 204
    assert [rest.get(f"services/{name}/").status_code for name in cells] == [404, 404]


def test_the_document_of_a_series_has_its_calendar_and_stops(rest: httpx.Client) -> None:
    name = finished(rest, submit(rest, "series"))["series"]
    time_axis = rest.get(f"services/{name}/").json()["variables"][0]["time"]
    assert time_axis["calendar"] == "360_day"
    assert [stop["iso"][:10] for stop in time_axis["stops"]] == ["2000-02-28", "2000-02-29", "2000-02-30"]
    value = rest.get(f"services/{name}/variables/data/value/", params={"lon": 10, "lat": 40, "time": "2000-02-30"})
    assert value.json()["time"].startswith("2000-02-30")


def test_the_client_gives_lists_and_data_sets_back_and_takes_them_as_inputs(server: Any) -> None:
    from geojobs_lab.client import Client

    with Client(server.url, token=server.token) as client:
        several = client.submit("several", count=3)
        rasters = several.result("cells")
        assert [float(raster.mean()) for raster in rasters] == [0, 1, 2]
        assert rasters[1].attrs["units"] == "m"
        assert rasters[1].rio.crs.to_epsg() == 4326
        assert float(several.result("cells/2").mean()) == 2
        assert several.service("cells/1").name == f"{several.uuid}/cells/1"
        assert f"{several.uuid}/cells/1/" in several.tile_url("cells/1")
        with pytest.raises(ValueError, match=r"several rasters: name one of cells/0, cells/1, cells/2"):
            several.service("cells")
        together = client.submit("together")
        both = together.result()
        assert list(both) == ["warm", "wet"]
        np.testing.assert_array_equal(both.wet, np.full((2, 2), 2.0))
        assert "/variables/wet/" in together.tile_url(variable="wet")
        sums = client.submit(
            "sums",
            rasters=several.outputs["cells"],
            dataset=together.outputs["both"],
            raster=several.outputs["cells"][1],
        ).result()
        assert sums["rasters"] == [0, 6, 12]
        assert sums["dataset"] == {"warm": 6, "wet": 8}
        assert sums["raster"] == 6
        assert client.submit("sums", dataset=together.service()).result()["dataset"] == sums["dataset"]


def test_maps_show_every_raster_of_lists_and_data_sets(server: Any) -> None:
    from geojobs_lab.client import Client
    from geojobs_lab.widgets.layers import result_layers

    with Client(server.url, token=server.token) as client:
        several, together = client.submit("several", count=2), client.submit("together")

        def shown(job: Any, name: str | None = None) -> list[str]:
            layers = result_layers(job, name, None, client.service)
            return [f"{layer.service.name.partition('/')[2]}:{layer.variable['name']}" for layer in layers]

        assert shown(several) == shown(several, "cells") == ["cells/0:data", "cells/1:data"]
        assert shown(several, "cells/1") == ["cells/1:data"]
        assert shown(together) == ["both:warm", "both:wet"]


def cleanup(server: Any, *arguments: str) -> "subprocess.CompletedProcess[str]":
    environment = {
        "PATH": "/usr/bin:/bin",
        "HOME": str(server.folder),
        "JUPYTER_CONFIG_DIR": str(server.folder / "config"),
        "JUPYTER_DATA_DIR": str(server.folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(server.folder / "runtime"),
    }
    command = [sys.executable, "-c", SCRIPT, "cleanup", *arguments]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=60, check=False)


def test_the_command_removes_what_is_old_and_leaves_what_is_used_or_kept(server: Any, rest: httpx.Client) -> None:
    files = server.folder / "data" / "geojobs_lab" / "results"
    cells = finished(rest, submit(rest, "several", count=3))["cells"]
    gone, used, kept = cells
    assert rest.patch(f"services/{kept}/", json={"temporary": False}).status_code == 200
    mark = server.folder / "mark"
    holding = submit(rest, "holds", data=f"service://{used}", mark=str(mark))
    while not mark.exists():
        time.sleep(0.05)

    said = cleanup(server)
    nothing = f"0 services removed in {files.parent}\n"  # an hour is configured
    assert (said.returncode, said.stdout) == (0, nothing), said.stderr
    said = cleanup(server, "--max-age=0", "--dry-run")
    assert gone in said.stdout
    assert "to be removed" in said.stdout
    assert rest.get(f"services/{gone}/").status_code == 200
    said = cleanup(server, "--max-age=0")
    assert gone in said.stdout.splitlines(), said.stderr
    assert used not in said.stdout
    assert kept not in said.stdout
    assert [rest.get(f"services/{name}/").status_code for name in cells] == [404, 200, 200]
    assert sorted(path.name for path in (files / gone.partition("/")[0]).iterdir()) == ["cells~1.nc", "cells~2.nc"]
    assert rest.delete(f"services/{used}/").status_code == 409

    assert rest.delete(f"jobs/{holding}/").status_code == 200
    assert used in cleanup(server, "--max-age=0", f"--data-dir={files.parent}").stdout.splitlines()
    assert rest.get(f"services/{kept}/").status_code == 200


@pytest.mark.parametrize(
    ("argument", "why"),
    [
        ("--max-age=-5", "max_age"),
        ("--max_age=1e9", "--max_age"),
        ("--dry_run=True", "--dry_run"),
        ("everything", "everything"),
    ],
)
def test_the_command_refuses_what_it_cannot_understand_and_removes_nothing(
    server: Any, rest: httpx.Client, argument: str, why: str
) -> None:
    (name,) = finished(rest, submit(rest, "several", count=1))["cells"]
    said = cleanup(server, "--max-age=0", argument)
    assert (said.returncode, said.stdout) == (1, "")
    assert why in said.stderr
    assert rest.get(f"services/{name}/").status_code == 200


def test_the_command_goes_by_no_configuration_that_it_cannot_read(tmp_path: Path) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "jupyter_server_config.py").write_text("c.GeoJobsApp.data_dir = 'here'\nraise OSError('no')")
    said = cleanup(SimpleNamespace(folder=tmp_path))
    assert (said.returncode, said.stdout) == (1, "")
    assert "jupyter_server_config cannot be read: no" in said.stderr
