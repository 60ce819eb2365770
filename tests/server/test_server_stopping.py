"""The end of the server: in 5 seconds, whatever jobs, threads, clients and rooms do."""

import json
import signal
import socket
import sqlite3
import threading
import time
from collections.abc import Callable
from contextlib import closing
from typing import Any

import httpx
import psutil
import pytest

WITHIN = 5  # seconds, as the issue says
AGAIN = {"type": "task", "task": "labtasks.stubborn", "restartable": True}


def ends(server: Any) -> None:
    """See that a server to which the signal was sent ends in order and in time."""
    assert server.process.wait(WITHIN) == 0, server.log()


def follow(client: httpx.Client, url: str, lines: list[str], begun: threading.Event) -> None:
    with client.stream("GET", url) as stream:
        for line in stream.iter_lines():
            lines.append(line)
            begun.set()


def test_while_the_server_stops_jobs_are_refused_and_streams_end(geojobs_server: Any, lab_config: str) -> None:
    with geojobs_server(lab_config) as server, server.client() as client, server.client() as other:
        job = client.post("jobs/", json={"job": "stubborn"}).json()
        while job["progress"] is None:
            job = client.get(f"jobs/{job['uuid']}/", params={"wait": 5, "revision": job["revision"]}).json()
        (line,) = client.get(f"jobs/{job['uuid']}/log/").json()["lines"]
        worker = psutil.Process(int(line["message"].removeprefix("pid ")))
        told: dict[str, list[str]] = {"events/": [], f"jobs/{job['uuid']}/events/": []}
        listeners = []
        for url, lines in told.items():
            begun = threading.Event()
            listeners.append(threading.Thread(target=follow, args=(other, url, lines, begun)))
            listeners[-1].start()
            assert begun.wait(10)

        server.process.terminate()
        end = time.monotonic() + WITHIN
        while "stopping" not in server.log():
            assert time.monotonic() < end
            time.sleep(0.01)
        # Jupyter has closed its door by now; who is inside is still answered.
        while (answer := client.post("jobs/", json={"job": "slow"})).status_code == 201:
            assert time.monotonic() < end
        assert answer.status_code == 503
        assert "stopping" in answer.json()["message"]
        for listener in listeners:
            listener.join(WITHIN)  # without an error: the streams were brought to their ends
            assert not listener.is_alive()
        (*_, document) = [line for line in told[f"jobs/{job['uuid']}/events/"] if line.startswith('data: {"uuid')]
        assert '"status": "started"' in document  # the stream has not waited for the job's end
        assert server.process.poll() is None  # all that was while the job resisted
        ends(server)
        assert not worker.is_running()


ENDS: dict[str, Callable[[Any], None]] = {
    "SIGTERM, and again": lambda server: twice(server, signal.SIGTERM),
    "SIGINT without a terminal, and again": lambda server: twice(server, signal.SIGINT),
    "jupyter server stop": lambda server: httpx.post(  # what this command does first
        f"{server.url}api/shutdown", headers={"Authorization": f"token {server.token}"}, timeout=WITHIN
    ).raise_for_status(),
}


def twice(server: Any, number: signal.Signals) -> None:
    server.process.send_signal(number)
    time.sleep(0.2)
    server.process.send_signal(number)


@pytest.mark.parametrize("end", ENDS.values(), ids=ENDS.keys())
def test_however_the_server_is_stopped_jobs_are_put_back_or_fail(
    geojobs_server: Any, lab_config: str, end: Callable[[Any], None]
) -> None:
    config = f"{lab_config}\nc.GeoJobsApp.registered_jobs['again'] = {AGAIN!r}\n"
    with geojobs_server(config) as server, server.client() as client:
        uuids = {name: client.post("jobs/", json={"job": name}).json()["uuid"] for name in ("again", "stubborn")}
        for uuid in uuids.values():
            while client.get(f"jobs/{uuid}/").json()["progress"] is None:
                time.sleep(0.02)
        end(server)
        ends(server)
        with closing(sqlite3.connect(server.folder / "data" / "geojobs_lab" / "geojobs.sqlite")) as database:
            found = {row[0]: row[1:] for row in database.execute("SELECT job, status, owner, message, error FROM jobs")}
        assert found["again"] == ("pending", None, "put back: the server was stopped while it was running", None)
        status, _, _, error = found["stubborn"]
        assert (status, json.loads(error)["type"]) == ("failure", "ServerStopped")


def test_a_busy_thread_does_not_hold_up_the_end(geojobs_server: Any, lab_config: str) -> None:
    config = """
import time
from geojobs_lab_server.view import View
def wait(self, catalogue):
    print("a thread is at work", flush=True)
    time.sleep(30)
View.open = wait
"""
    with geojobs_server(lab_config + config) as server, server.client() as api:
        while api.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.02)
        url = httpx.URL(server.api)
        with socket.create_connection((url.host, url.port)) as client:
            path = f"{server.path}services/world/variables/temperature/statistics/?token={server.token}"
            client.sendall(f"GET {path} HTTP/1.1\r\nHost: {url.host}\r\n\r\n".encode())
            end = time.monotonic() + 20
            while "a thread is at work" not in server.log():
                assert time.monotonic() < end
                time.sleep(0.02)
            server.process.terminate()
            ends(server)


THROWS = """
async def stop(self):
    await real(self)
    raise {error}
"""
HANGS = """
async def stop(self):
    await real(self)
    while True:
        try:
            await asyncio.sleep(60)
        except asyncio.CancelledError:
            pass
"""
PATCH = """
import asyncio
def patch(kind):
    real = kind.stop
{stop}
    kind.stop = stop
import geojobs_lab.database, geojobs_lab.jobs, geojobs_lab.services
patch({kind})
"""


def patched(kind: str, stop: str) -> str:
    return PATCH.format(kind=kind, stop="\n".join(f"    {line}" for line in stop.splitlines()))


def test_rooms_that_throw_or_never_come_to_an_end_do_not_hold_up_the_end(geojobs_server: Any) -> None:
    config = "".join(
        [
            patched("geojobs_lab.jobs.JobManager", THROWS.format(error="RuntimeError('the manager is tired')")),
            patched("geojobs_lab.services.ServiceCatalogue", HANGS),
            patched("geojobs_lab.database.Database", THROWS.format(error="asyncio.CancelledError()")),
        ]
    )
    with geojobs_server(config, tracebacks=True) as server:
        server.process.terminate()
        ends(server)
        assert "geojobs could not stop in order: manager" in server.log()
        assert "the manager is tired" in server.log()
        assert "s: catalogue" in server.log()
        assert "could not stop in order: database" in server.log()


def test_the_import_of_a_task_does_not_hold_up_the_end(geojobs_server: Any, tmp_path: Any) -> None:
    (tmp_path / "long_import.py").write_text("import time\nprint('being imported', flush=True)\ntime.sleep(30)\n")
    config = f"""
import sys
sys.path.insert(0, {str(tmp_path)!r})
c.GeoJobsApp.registered_jobs = {{"long": {{"type": "task", "task": "long_import.Task"}}}}
"""
    with geojobs_server(config) as server:
        end = time.monotonic() + 20
        while "being imported" not in server.log():
            assert time.monotonic() < end
            time.sleep(0.02)
        server.process.terminate()
        ends(server)
