"""The extension as an application: its configuration, its start and its end."""

import json
import os
import signal
import sqlite3
import subprocess
import sys
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import psutil
from geojobs_lab_server.app import GeoJobsApp

from geojobs_lab._version import __version__

REPOSITORY = Path(__file__).parents[2]
PATHS = os.pathsep.join([str(REPOSITORY), str(REPOSITORY / "jupyter_extension")])


def test_the_root_tells_what_this_is(api: httpx.Client, server: Any) -> None:
    document = {
        "name": "geojobs_lab",
        "version": __version__,
        "links": {
            "jobs": f"{server.path}jobs/",
            "registered_jobs": f"{server.path}registered-jobs/",
            "services": f"{server.path}services/",
        },
    }
    assert api.get("").json() == document
    assert api.get(server.api.removesuffix("/")).json() == document


def test_everything_that_can_be_configured_is_explained() -> None:
    names = (
        "registered_jobs expose_library services service_roots data_dir max_workers max_queued job_timeout "
        "temporary_service_max_age cleanup_interval best_fit_time lease max_image_side max_image_pixels "
        "block_cache_bytes"
    ).split()
    traits = GeoJobsApp.class_own_traits(config=True)
    assert traits.keys() == set(names)
    for name in names:
        assert traits[name].help


def test_the_extension_is_light_to_import() -> None:
    code = (
        "import sys, tornado.web, jupyter_server.extension.application, jupyter_server.serverapp, time\n"
        "start = time.perf_counter()\n"
        "import geojobs_lab_server.app\n"
        "print(time.perf_counter() - start)\n"
        "heavy = {'numpy', 'xarray', 'matplotlib', 'netCDF4', 'pyproj', 'cloudpickle'} & sys.modules.keys()\n"
        "sys.exit(str(heavy) if heavy else 0)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONPATH": PATHS},
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.returncode == 0, run.stderr


def test_a_server_without_configuration_starts_with_the_library(geojobs_server: Any) -> None:
    with geojobs_server() as server, server.client() as client:
        names = {job["name"] for job in client.get("registered-jobs/").json()["results"]}
        assert "climate:period_mean" in names
        folder = server.folder / "data" / "geojobs_lab"
        assert folder.stat().st_mode & 0o777 == 0o700
        assert list(folder.glob("*.sqlite"))
        for file in folder.glob("*.sqlite*"):
            assert file.stat().st_mode & 0o077 == 0


def test_the_library_can_be_hidden_and_the_data_kept_elsewhere(geojobs_server: Any, tmp_path: Path) -> None:
    config = f"c.GeoJobsApp.expose_library = False\nc.GeoJobsApp.data_dir = {str(tmp_path / 'else' / 'where')!r}\n"
    with geojobs_server(config) as server, server.client() as client:
        assert client.get("registered-jobs/").json()["results"] == []
        assert list((tmp_path / "else" / "where").glob("*.sqlite"))
        assert not (server.folder / "data" / "geojobs_lab").exists()


def test_files_of_the_folder_that_jupyter_shows_can_be_published(geojobs_server: Any, world: Path) -> None:
    with geojobs_server() as server, server.client() as client:
        (server.folder / "root" / "data").mkdir()
        (server.folder / "root" / "data" / "world.nc").write_bytes(world.read_bytes())
        assert client.post("services/", json={"name": "w", "path": "data/world.nc"}).status_code == 201
        assert client.post("services/", json={"name": "v", "path": str(world)}).status_code == 400


def test_no_path_can_be_published_when_there_are_no_roots(geojobs_server: Any, world: Path) -> None:
    with geojobs_server("c.GeoJobsApp.service_roots = []") as server, server.client() as client:
        (server.folder / "root" / "world.nc").write_bytes(world.read_bytes())
        assert client.post("services/", json={"name": "w", "path": "world.nc"}).status_code == 400


def test_wrong_entries_never_stop_the_server(geojobs_server: Any) -> None:
    config = """
import sys
c.GeoJobsApp.registered_jobs = {
    "a": None, "b": {"type": "magic"}, "c": {"type": "task", "task": "no.such.Module"}, "d": {"type": []},
    "e": {"type": "task", "task": 5}, "f": {"type": "task", "task": "os.path"},
    "g": {"type": "task", "task": "stops.X"}, "k": {"type": "task", "task": "opens.X"},
    "h": {"type": "task", "task": "geojobs_lab.library.debug.Echo", "title": 5},
    "i": {"type": "task", "task": "geojobs_lab.library.debug.Echo", "description": object()},
    "j": {"type": "workflow", "path": "~no-such-user/x.json"},
}
c.GeoJobsApp.services = {"../x": "/x.nc", "number": 5, "lost": "~no-such-user/x.nc"}
import tempfile
sys.path.insert(0, tempfile.mkdtemp())
open(sys.path[0] + "/stops.py", "w").write("raise KeyboardInterrupt")
open(sys.path[0] + "/opens.py", "w").write("open('/no/such/folder/file')")
"""
    with geojobs_server(config) as server, server.client() as client:
        jobs = {job["name"]: job for job in client.get("registered-jobs/").json()["results"]}
        assert [jobs[name]["available"] for name in "abcdefghijk"] == [False] * 11
        assert "No such file or directory: 'file'" in jobs["k"]["reason"]
        for name, says in {
            "d": "'type'",
            "e": "not 5",
            "f": "a module",
            "h": "'title'",
            "i": "'desc",
            "j": "file",
        }.items():
            assert says in jobs[name]["reason"]
        end = time.monotonic() + 30
        states = {"publishing"}
        while "publishing" in states and time.monotonic() < end:
            states = {service["state"] for service in client.get("services/").json()["results"]}
        assert states == {"unavailable"}


def test_a_wrong_option_does_not_take_the_others_with_it(geojobs_server: Any, world: Path) -> None:
    config = f"""
c.GeoJobsApp.max_workers = "two"
c.GeoJobsApp.job_timeout = "long"
c.GeoJobsApp.registered_jobs = ["a"]
c.GeoJobsApp.block_cache_bytes = -1
c.GeoJobsApp.max_image_side = 30
c.GeoJobsApp.max_image_pixels = 500
c.GeoJobsApp.services = {{"world": {str(world)!r}}}
"""
    with geojobs_server(config, tracebacks=True) as server, server.client() as client:
        assert [service["name"] for service in client.get("services/").json()["results"]] == ["world"]
        assert client.post("jobs/", json={"job": "debug:echo", "inputs": {"value": 1}}).status_code == 201
        for name in ("max_workers", "job_timeout", "registered_jobs"):
            assert f"c.GeoJobsApp.{name} is ignored, the default is used: The '{name}' trait" in server.log()
        assert "c.GeoJobsApp.block_cache_bytes is ignored, the default is used: " in server.log()
        assert "Traceback" not in server.log()
        while client.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.05)
        for width, height, says in ((30, 16, None), (31, 1, "31 is not a number of pixels, 1..30"), (30, 17, "500")):
            query = {"bbox": "-10,-10,10,10", "width": width, "height": height}
            answer = client.get("services/world/variables/temperature/image.png", params=query)
            assert (answer.status_code == 200) if says is None else (says in answer.json()["message"]), answer.text


def test_jobs_and_services_survive_a_restart(geojobs_server: Any, lab_config: str, tmp_path: Path) -> None:
    with geojobs_server(lab_config, folder=tmp_path) as server, server.client() as client:
        job = client.post("jobs/", json={"job": "doubled", "inputs": {"data": "service://world:temperature"}}).json()
        while job["status"] in ("pending", "started"):
            job = client.get(f"jobs/{job['uuid']}/", params={"wait": 20, "revision": job["revision"]}).json()
    with geojobs_server(lab_config, folder=tmp_path) as server, server.client() as client:
        assert client.get(f"jobs/{job['uuid']}/").json() == job
        tile = client.get(f"services/{job['uuid']}/result/variables/data/tiles/0/0/0.png")
        assert tile.headers["Content-Type"] == "image/png"


def test_a_server_that_stops_leaves_no_worker_and_does_not_wait_for_jobs(geojobs_server: Any, lab_config: str) -> None:
    with geojobs_server(lab_config) as server, server.client() as client:
        for _ in range(4):
            job = client.post("jobs/", json={"job": "slow"}).json()
        client.get(f"jobs/{job['uuid']}/", params={"wait": 1, "revision": 1})
        start = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - start < 10


def test_a_room_that_cannot_start_is_told_in_the_log_and_to_clients(geojobs_server: Any) -> None:
    config = """
import geojobs_lab.database
async def fail(self):
    raise OSError("the disk of /secret is full")
geojobs_lab.database.Database.start = fail
"""
    with geojobs_server(config, tracebacks=True, up=503) as server, server.client() as client:
        answer = client.get("jobs/")
        assert answer.status_code == 503
        assert "secret" not in answer.text
        assert "the disk of /secret is full" in server.log()


def test_a_data_folder_that_cannot_be_is_told_to_clients(geojobs_server: Any) -> None:
    config = "c.GeoJobsApp.data_dir = '/proc/no/such/folder'"
    with geojobs_server(config, tracebacks=True, up=503) as server, server.client() as client:
        for answer in (client.get("jobs/"), client.post("jobs/", json={"job": "debug:echo"}), client.get("")):
            assert answer.status_code == 503
            assert answer.json()["message"].startswith("geojobs cannot start yet: the job database")
        assert "/proc/no" in server.log()


def test_a_database_of_a_newer_version_is_refused_and_told_once(geojobs_server: Any, tmp_path: Any) -> None:
    with geojobs_server(folder=tmp_path):
        pass
    path = tmp_path / "data" / "geojobs_lab" / "geojobs.sqlite"
    with closing(sqlite3.connect(path)) as database, database:
        database.execute("UPDATE schemas SET version = 99 WHERE room = 'jobs'")
    with geojobs_server(folder=tmp_path, up=503) as server, server.client() as client:
        answer = client.get("jobs/")
        assert (answer.status_code, "written by a newer version" in answer.json()["message"]) == (503, True)
        time.sleep(2.5)  # it is tried again every 2 s
        assert server.log().count("GeoJobsApp] geojobs cannot start yet") == 1
        with closing(sqlite3.connect(path)) as database, database:
            database.execute("UPDATE schemas SET version = 4 WHERE room = 'jobs'")
        while client.get("jobs/").status_code == 503:
            time.sleep(0.1)
        assert client.post("jobs/", json={"job": "debug:echo", "inputs": {"value": 1}}).status_code == 201


def test_kernels_hear_where_the_server_is(geojobs_server: Any) -> None:
    with geojobs_server("") as server:
        headers = {"Authorization": f"token {server.token}"}
        answer = httpx.post(f"{server.url}api/kernels", headers=headers, json={}, timeout=120, trust_env=False)
        assert answer.status_code == 201
        children = psutil.Process(server.process.pid).children(recursive=True)
        (kernel,) = [child for child in children if any("ipykernel" in word for word in child.cmdline())]
        environment = kernel.environ()
        kernel.kill()  # one that is interrupted while it starts writes into the server's log
    assert environment["GEOJOBS_SERVER_URL"].replace("localhost", "127.0.0.1") == server.url
    assert int(environment["GEOJOBS_SERVER_PID"]) == server.process.pid


def test_the_application_starts_by_its_own_name(tmp_path: Path) -> None:
    environment = {
        **{key: value for key, value in os.environ.items() if not key.startswith(("JUPYTER", "JPY", "GEOJOBS"))},
        "PYTHONPATH": PATHS,
        "HOME": str(tmp_path),
        "JUPYTER_CONFIG_DIR": str(tmp_path / "config"),
        "JUPYTER_DATA_DIR": str(tmp_path / "data"),
        "JUPYTER_RUNTIME_DIR": str(tmp_path / "runtime"),
    }
    code = "from geojobs_lab_server.app import main; main()"
    arguments = ["--allow-root", "--IdentityProvider.token=t", "--GeoJobsApp.max_workers=1", "--ServerApp.port=18700"]
    with (tmp_path / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-c", code, *arguments], env=environment, cwd=tmp_path, stdout=log, stderr=log
        )
    try:
        end = time.monotonic() + 60
        file = tmp_path / "runtime" / f"jpserver-{process.pid}.json"
        while not file.exists() and time.monotonic() < end and process.poll() is None:
            time.sleep(0.1)
        assert file.exists(), (tmp_path / "log.txt").read_text()
        url = f"http://127.0.0.1:{json.loads(file.read_text())['port']}/geoprocessing/rest/"
        while time.monotonic() < end:
            try:
                answer = httpx.get(url, params={"token": "t"}, trust_env=False)
                break
            except httpx.TransportError:
                time.sleep(0.1)
        assert answer.json()["name"] == "geojobs_lab"
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
