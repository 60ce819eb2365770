"""After a crash at any point and the next start, no service is without its file and no file without its service."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

CRASHES = Path(__file__).parent / "crashes.py"
FAULTY = Path(__file__).parent.parent / "jobs" / "faulty"


def lives(scenario: str, folder: Path) -> list[dict[str, Any]]:
    """Return what was found after a kill at each step of a scenario; the last one was not killed."""
    done = subprocess.run(
        [sys.executable, str(CRASHES), scenario, str(folder)],
        capture_output=True,
        text=True,
        timeout=250,
        env={**os.environ, "PYTHONWARNINGS": "default"},
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


@pytest.mark.parametrize(
    ("scenario", "least"),
    [
        ("publish", 10),
        ("arrays", 6),
        ("upload", 5),
        ("delete_job", 3),
        ("remove_service", 4),
        ("clean_up", 3),
        ("remove_upload", 2),
    ],
)
def test_killed_at_each_step_files_and_services_agree_after_the_next_start(
    tmp_path: Path, scenario: str, least: int
) -> None:
    found = lives(scenario, tmp_path)
    assert len(found) > least
    assert [life["code"] for life in found] == [-signal.SIGKILL] * (len(found) - 1) + [0]
    for number, life in enumerate(found):
        after = life["after"]
        assert life["again"] == 0
        hrefs = {f"results/{href.split('/')[2]}/{href.rpartition('/')[2]}" for href in after["hrefs"]}
        assert sorted({*after["services"].values(), *hrefs}) == after["files"], (number, life)
        assert after["holds"] == []
        assert set(after["jobs"].values()) <= {"success", "failure"}
    # the scenario shows what it is about: some kill had left something to be put in order
    assert any(life["before"] and life["before"]["files"] != life["after"]["files"] for life in found)


CONFIG = f"""
import os, signal, sys
from pathlib import Path
sys.path.insert(0, {str(FAULTY)!r})
c.GeoJobsApp.registered_jobs = {{
    "Several": {{"type": "task", "task": "result_tasks.Several", "publish_raster_results": True}}
}}
c.GeoJobsApp.max_workers = 1

if os.environ.get("DIES_AT"):
    # the server kills itself, not its workers, where the variable says
    module, name = os.environ["DIES_AT"].rsplit(".", 1)
    import importlib
    place = importlib.import_module(module)
    whole = getattr(place, name)
    def dies(*args, **keywords):
        if os.environ["DIES"] == "after":
            whole(*args, **keywords)
        os.kill(os.getpid(), signal.SIGKILL)
    setattr(place, name, dies)
"""


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def submit_and_wait(client: Any, job: str, **inputs: Any) -> dict[str, Any]:
    answer = client.post("jobs/", json={"job": job, "inputs": json.dumps(inputs)})
    assert answer.status_code == 201, answer.text
    document = answer.json()
    while document["status"] in ("pending", "started"):
        query = {"wait": 20, "revision": document["revision"]}
        document = client.get(f"jobs/{document['uuid']}/", params=query).json()
    return document


def dying_at(function: str, when: str) -> dict[str, str]:
    return {"DIES_AT": f"geojobs_lab.services.{function}", "DIES": when}


def services_with_files(client: httpx.Client) -> list[str]:
    names = [service["name"] for service in client.get("services/").json()["results"]]
    for name in names:
        assert client.get(f"services/{name}/").json()["state"] == "ready"
        assert client.get(f"services/{name}/download/").status_code == 200
    return sorted(names)


def test_a_real_server_that_is_killed_puts_its_folder_in_order_when_it_starts_again(
    geojobs_server: Any, tmp_path: Path
) -> None:
    results = tmp_path / "data" / "geojobs_lab" / "results"
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        uuid = submit_and_wait(client, "Several", count=2)["uuid"]
    both = {f"{uuid}/cells~{number}.nc" for number in range(2)}
    assert files_below(results) == both

    dying = {"folder": tmp_path, "exit_code": -signal.SIGKILL}
    # The worker has written its rasters, and the server dies before their rows are on the disk.
    with geojobs_server(CONFIG, environment=dying_at("rows.insert", "after"), **dying) as server:
        with server.client() as client, pytest.raises(httpx.TransportError):
            submit_and_wait(client, "Several", count=3)
        assert server.process.wait(20) == -signal.SIGKILL
    assert len(files_below(results)) == 5

    # The row of a service is gone, and the server dies before its file is.
    with geojobs_server(CONFIG, environment=dying_at("catalogue.remove_files", "before"), **dying) as server:
        with server.client() as client:
            assert services_with_files(client) == [f"{uuid}/cells/{number}" for number in range(2)]
            assert files_below(results) == both
            assert {job["status"] for job in client.get("jobs/").json()["results"]} == {"success", "failure"}
            with pytest.raises(httpx.TransportError):
                client.delete(f"services/{uuid}/cells/0/")
        assert server.process.wait(20) == -signal.SIGKILL
    assert files_below(results) == both

    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        assert services_with_files(client) == [f"{uuid}/cells/1"]
    assert files_below(results) == {f"{uuid}/cells~1.nc"}


def test_files_of_jobs_that_run_in_another_server_are_left_alone(geojobs_server: Any, tmp_path: Path) -> None:
    config = CONFIG + f"c.GeoJobsApp.data_dir = {str(tmp_path / 'shared')!r}\n"
    config += 'c.GeoJobsApp.registered_jobs["holds"] = {"type": "task", "task": "faulty_tasks.HalfWritten"}\n'
    with geojobs_server(config) as one, one.client() as client:
        cells = json.loads(submit_and_wait(client, "Several", count=1)["outputs"])["cells"]
        mark = tmp_path / "mark"
        inputs = {"data": f"service://{cells[0]}", "mark": str(mark)}
        running = client.post("jobs/", json={"job": "holds", "inputs": inputs}).json()["uuid"]
        while not mark.exists():
            time.sleep(0.05)
        half = tmp_path / "shared" / "results" / running / ".out.nc.part"
        half.parent.mkdir()
        half.write_text("half of a raster")
        (uploading,) = (tmp_path / "shared" / "servers").iterdir()
        upload = tmp_path / "shared" / "uploads" / uploading.stem / ".an-upload.part"
        upload.parent.mkdir(parents=True)
        upload.write_text("half of an upload")
        with geojobs_server(config) as other, other.client() as second:
            assert second.get(f"services/{cells[0]}/").json()["state"] == "ready"
            assert second.delete(f"services/{cells[0]}/").status_code == 409
        assert half.exists()
        assert upload.exists()
        assert client.get(f"jobs/{running}/").json()["status"] == "started"
        assert client.delete(f"jobs/{running}/").status_code == 200
        assert psutil.pid_exists(one.process.pid)
    with geojobs_server(config):
        assert not half.exists()
        assert not upload.exists()
