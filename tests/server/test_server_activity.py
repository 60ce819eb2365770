"""When the server counts as idle: while no job runs or waits, whoever polls or listens."""

import re
import threading
import time
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any

import httpx

Submit = Callable[..., dict[str, Any]]

# Jupyter looks once a minute whether it is idle, and notes of running jobs are as rare.
QUICK = """
import geojobs_lab_server.app
from jupyter_server.serverapp import ServerApp
from tornado.ioloop import PeriodicCallback
geojobs_lab_server.app._ACTIVITY = 100
def look_often(self):
    def look():
        if "geojobs_last_activity" in self.web_app.settings:  # starting may take longer than it may be idle
            self.shutdown_no_activity()
    self.looking = PeriodicCallback(look, 100)
    self.looking.start()
ServerApp.init_shutdown_no_activity = look_often
c.ServerApp.shutdown_no_activity_timeout = 1
"""


def last_activity(server: Any) -> datetime:
    """Return what JupyterHub's idle culler goes by."""
    headers = {"Authorization": f"token {server.token}"}
    status = httpx.get(f"{server.url}api/status", headers=headers, trust_env=False).json()
    return datetime.fromisoformat(status["last_activity"])


def test_a_server_stays_while_a_job_runs_and_ends_after_it_whoever_watches(
    geojobs_server: Any, lab_config: str
) -> None:
    with geojobs_server(lab_config + QUICK) as server, server.client() as client:
        job = client.post("jobs/", json={"job": "slow", "inputs": {"seconds": 2}}).json()
        begin = last_activity(server)
        time.sleep(1.5)  # longer than it may be idle
        assert client.get(f"jobs/{job['uuid']}/").json()["status"] == "started"
        assert last_activity(server) > begin + timedelta(seconds=1)

        watcher = threading.Thread(target=watch, args=(server, job["uuid"]))
        watcher.start()
        assert server.process.wait(20) == 0
        watcher.join(10)
        ended = re.search(r"(\d\d:\d\d:\d\d\.\d+) [^\n]*is success", server.log())
        stopped = re.search(r"(\d\d:\d\d:\d\d\.\d+) [^\n]*shutting down", server.log())
        assert ended
        assert stopped
        first, last = (datetime.strptime(found[1], "%H:%M:%S.%f") for found in (ended, stopped))
        assert (last - first) % timedelta(days=1) >= timedelta(seconds=0.9)  # the end of the job was activity


def watch(server: Any, uuid: str) -> None:
    """Listen, and poll all that is polled, until the server has gone."""
    with server.client() as client, client.stream("GET", "events/") as stream:
        lines = stream.iter_lines()
        next(lines)
        try:
            while True:
                for url in ("jobs/", f"jobs/{uuid}/", f"jobs/{uuid}/log/", f"jobs/{uuid}/events/", "metrics/"):
                    client.get(url)
                    client.head(url)
                time.sleep(0.05)
        except httpx.TransportError:
            return


def test_watching_is_no_activity_of_the_user(run: Submit, api: httpx.Client, server: Any) -> None:
    job = run("some_job", **{"in": 1})
    before = last_activity(server)
    urls = [f"jobs/{job['uuid']}/", "jobs/", "registered-jobs/", "services/", "services/world/", "", "metrics/"]
    for url in (*urls, f"jobs/{job['uuid']}/log/", f"jobs/{job['uuid']}/events/"):
        assert api.get(url).status_code == 200
        assert api.head(url).status_code == 200
        assert api.get(url, headers={"If-None-Match": "*"}).status_code in (200, 304)
    with api.stream("GET", "events/") as stream:
        next(stream.iter_lines())
    assert last_activity(server) == before
    api.post("jobs/", json={"job": "no-such-job"})
    assert last_activity(server) > before


def test_the_end_of_a_job_is_activity(run: Submit, server: Any) -> None:
    job = run("slow", seconds=0.3)
    finished = datetime.fromisoformat(job["finished"])
    end = time.monotonic() + 10
    while last_activity(server) < finished:
        assert time.monotonic() < end
        time.sleep(0.02)
