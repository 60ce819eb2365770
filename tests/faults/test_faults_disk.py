"""A real server whose database or disk fails: who asks hears why, and the server goes on."""

import json
import sqlite3
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

TASKS = Path(__file__).parent
CONFIG = f"""
import sys
sys.path.insert(0, {str(TASKS)!r})
c.GeoJobsApp.registered_jobs = {{
    "quick": {{"type": "task", "task": "survival_tasks.quick"}},
    "paints": {{"type": "task", "task": "survival_tasks.Paints", "publish_raster_results": True}},
    "slow": {{"type": "task", "task": "survival_tasks.slow"}},
}}
c.GeoJobsApp.max_workers = 1
"""
# A disk is full while there is a certain file: for SQLite by its limit of pages, for workers by their limit of bytes.
FULL = """
from pathlib import Path
import geojobs_lab.database.thread as database
full, whole = Path({mark!r}), database._transact
def transact(connection, units):
    pages = connection.execute("PRAGMA page_count").fetchone()[0] if full.exists() else 2**30
    connection.execute(f"PRAGMA max_page_count = {{pages}}").fetchone()
    whole(connection, units)
database._transact = transact
"""
BIG = "x" * 200_000


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"it did not come true within {seconds} s"
        time.sleep(0.05)
    return value


def post(client: httpx.Client, job: str, **inputs: Any) -> httpx.Response:
    return client.post("jobs/", json={"job": job, "inputs": inputs})


def finish(client: httpx.Client, answer: httpx.Response) -> dict[str, Any]:
    assert answer.status_code == 201, answer.text
    uuid = answer.json()["uuid"]
    return within(60, lambda: (job := client.get(f"jobs/{uuid}/").json())["finished"] and job)


def database_of(folder: Path) -> Path:
    return folder / "data" / "geojobs_lab" / "geojobs.sqlite"


def test_a_damaged_database_is_set_aside_and_the_server_works(geojobs_server: Any, tmp_path: Path) -> None:
    path = database_of(tmp_path)
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        uuid = finish(client, post(client, "paints", value=2))["uuid"]
        result = client.get(f"services/{uuid}/painted/download/").content
        assert client.post("services/", data={"name": "mine"}, files={"file": ("mine.nc", result)}).status_code == 201
    path.write_bytes(b"no database at all" * 500)
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        assert finish(client, post(client, "quick", value=2))["outputs"] == '{"result": 4}'
        (aside,) = path.parent.glob("geojobs.sqlite.corrupt-*")
        assert aside.read_bytes() == b"no database at all" * 500
        assert str(aside) in server.log()
        # What only the lost rows explained is kept beside it.
        moment = aside.name.removeprefix("geojobs.sqlite")
        assert (path.parent / f"results{moment}" / uuid / "painted.nc").read_bytes() == result
        (upload,) = (path.parent / f"uploads{moment}").rglob("*.nc")
        assert upload.read_bytes() == result
        assert client.get("services/").json()["count"] == 0


def test_a_database_that_is_locked_at_the_start_is_waited_for(geojobs_server: Any, tmp_path: Path) -> None:
    with geojobs_server(CONFIG, folder=tmp_path):
        pass
    with closing(sqlite3.connect(database_of(tmp_path), isolation_level=None)) as other:
        other.execute("BEGIN EXCLUSIVE")
        with geojobs_server(CONFIG, folder=tmp_path, up=503, tracebacks=True) as server, server.client() as client:
            refused = client.get("jobs/")
            assert refused.status_code == 503
            assert "locked by another program" in refused.json()["message"]
            assert str(tmp_path) not in refused.text
            other.execute("ROLLBACK")
            within(60, lambda: client.get("jobs/").status_code == 200)
            assert finish(client, post(client, "quick", value=2))["status"] == "success"


def test_a_full_disk_refuses_jobs_loses_none_and_is_over_when_it_is_over(geojobs_server: Any, tmp_path: Path) -> None:
    mark = tmp_path / "full"
    config = CONFIG + FULL.format(mark=str(mark))
    with geojobs_server(config, folder=tmp_path) as server, server.client() as client:
        before = finish(client, post(client, "quick", value=2))
        running = post(client, "slow", value=4, seconds=1)
        within(60, lambda: client.get("jobs/", params={"status": "started"}).json()["count"] == 1)
        mark.touch()
        refused = client.post("jobs/", json={"job": "debug:echo", "inputs": json.dumps({"value": BIG})})
        assert refused.status_code == 503
        assert "the disk is full" in refused.json()["message"]
        assert client.get(f"jobs/{before['uuid']}/").json() == before
        time.sleep(1.5)  # the job has ended meanwhile, whether or not there was room for saying so
        mark.unlink()
        assert finish(client, running)["outputs"] == '{"result": 8}'
        assert finish(client, post(client, "debug:echo", value=BIG))["status"] == "success"
        assert "the disk is full" in server.log()


def test_a_result_that_cannot_be_written_fails_its_job_and_leaves_nothing(geojobs_server: Any, tmp_path: Path) -> None:
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        finish(client, post(client, "quick", value=2))
        results = tmp_path / "data" / "geojobs_lab" / "results"
        if results.exists():
            results.rmdir()
        results.write_text("a file where the folder should be")
        failed = finish(client, post(client, "paints", value=2))
        assert failed["status"] == "failure"
        assert failed["error"]["type"] in ("NotADirectoryError", "FileExistsError")
        assert str(tmp_path) not in failed["error"]["message"]
        results.unlink()
        assert finish(client, post(client, "paints", value=2))["status"] == "success"


def test_a_result_whose_file_was_removed_is_unavailable_and_nothing_else(geojobs_server: Any, tmp_path: Path) -> None:
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        jobs = [finish(client, post(client, "paints", value=value)) for value in (1, 2)]
        names = [json.loads(job["outputs"])["painted"] for job in jobs]
        (tmp_path / "data" / "geojobs_lab" / "results" / jobs[0]["uuid"] / "painted.nc").unlink()
        gone = client.get(f"services/{names[0]}/").json()
        assert (gone["state"], gone["reason"]) == ("unavailable", "its file is gone")
        asked = client.get(f"services/{names[0]}/variables/data/value/", params={"lon": 3, "lat": 3})
        assert (asked.status_code, "gone" in asked.json()["message"]) == (503, True)
        assert client.get(f"services/{names[1]}/variables/data/value/?lon=3&lat=3").json()["value"] == 2
        assert client.get(f"jobs/{jobs[0]['uuid']}/").json() == jobs[0]
        refused = post(client, "raster:subtract", a=f"service://{names[0]}", b=f"service://{names[1]}")
        assert refused.status_code == 400
        assert client.delete(f"jobs/{jobs[0]['uuid']}/").status_code == 204


def test_a_database_that_is_removed_at_work_is_begun_anew(geojobs_server: Any, tmp_path: Path) -> None:
    with geojobs_server(CONFIG, folder=tmp_path) as server, server.client() as client:
        finish(client, post(client, "quick", value=2))
        for path in database_of(tmp_path).parent.glob("geojobs.sqlite*"):
            path.unlink()
        assert finish(client, post(client, "quick", value=3))["status"] == "success"
        assert client.get("jobs/").json()["count"] == 1
        assert "removed or replaced" in server.log()
