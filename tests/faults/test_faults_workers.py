"""A real server whose workers, and which itself, are killed."""

import json
import os
import random
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

FAULTY = Path(__file__).parent.parent / "jobs" / "faulty"
NAMES = ("double", "sleeps", "ignores_sigterm", "holds_the_interpreter", "starts_a_child", "HalfWritten")
CONFIG = f"""
import sys
sys.path.insert(0, {str(FAULTY)!r})
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": f"faulty_tasks.{{name}}"}} for name in {NAMES!r}
}}
c.GeoJobsApp.max_workers = 4
"""
KILL_EVERY = 20  # jobs


def within(seconds: float, condition: Callable[[], Any]) -> Any:
    end = time.monotonic() + seconds
    while not (value := condition()):
        assert time.monotonic() < end, f"it did not come true within {seconds} s"
        time.sleep(0.05)
    return value


def submit(client: httpx.Client, job: str, **inputs: Any) -> str:
    answer = client.post("jobs/", json={"job": job, "inputs": inputs})
    assert answer.status_code == 201, answer.text
    return answer.json()["uuid"]


def count(client: httpx.Client, status: str) -> int:
    return client.get("jobs/", params={"status": status, "limit": 1}).json()["count"]


def workers(server: Any) -> list[psutil.Process]:
    found = []
    for child in psutil.Process(server.process.pid).children():
        try:
            if child.status() != psutil.STATUS_ZOMBIE and "geojobs_lab.jobs.worker" in child.cmdline():
                found.append(child)
        except psutil.NoSuchProcess:
            continue
    return found


def living(processes: list[psutil.Process]) -> list[psutil.Process]:
    return [one for one in processes if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


@contextmanager
def killing_workers(server: Any) -> Iterator[list[int]]:
    """Kill a random worker whenever so many more jobs have ended, and tell which.

    By the clock, a busy machine would have all of them killed before they are ready.
    """
    chance = random.Random(42)
    killed: list[int] = []
    enough = threading.Event()

    def kill() -> None:
        ended = 0
        while not enough.wait(0.3):
            with server.client() as client:
                now = count(client, "success") + count(client, "failure")
            there = workers(server)
            if there and now >= ended + KILL_EVERY:
                ended = now
                victim = chance.choice(there)
                victim.kill()
                killed.append(victim.pid)

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield killed
    finally:
        enough.set()
        thread.join()


@pytest.mark.timeout(900)  # on a very busy machine
def test_800_jobs_end_rightly_while_workers_are_killed_at_random(geojobs_server) -> None:
    with geojobs_server(CONFIG) as server, server.client() as client, killing_workers(server) as killed:
        values: dict[str, int | None] = {}
        for value in range(800):
            if value % 3:
                values[submit(client, "double", value=value)] = value
            else:
                values[submit(client, "sleeps", seconds=0.1)] = None
        within(400, lambda: not any(count(client, status) for status in ("pending", "started")))
        documents = []
        for offset in range(0, 800, 100):
            documents += client.get("jobs/", params={"limit": 100, "offset": offset}).json()["results"]
        assert {document["uuid"] for document in documents} == set(values)
        failed = [document for document in documents if document["status"] == "failure"]
        for document in documents:
            value = values[document["uuid"]]
            if document["status"] == "failure":
                assert document["error"]["type"] == "WorkerCrashed"
                assert "SIGKILL" in document["error"]["message"]
                assert document["outputs"] == "{}"
            else:
                assert document["status"] == "success"
                assert value is None or json.loads(document["outputs"]) == {"result": 2 * value}
        assert len(killed) > 10
        assert len(failed) <= len(killed)  # a killed worker costs the job that it ran, and no other
        # The pool lives.
        last = submit(client, "double", value=21)
        done = within(60, lambda: (d := client.get(f"jobs/{last}/").json())["status"] == "success" and d)
        assert json.loads(done["outputs"]) == {"result": 42}


@pytest.mark.parametrize("name", ["sleeps", "ignores_sigterm", "holds_the_interpreter", "starts_a_child"])
def test_ten_seconds_after_the_server_is_killed_no_process_of_it_is_left(
    geojobs_server, tmp_path: Path, name: str
) -> None:
    mark = tmp_path / "mark"
    with geojobs_server(CONFIG, exit_code=-9) as server, server.client() as client:
        job = submit(client, name, mark=str(mark))
        pids = within(60, lambda: mark.exists() and [int(word) for word in mark.read_text().split()])
        family = psutil.Process(server.process.pid).children(recursive=True)
        # The guards are nobody's children: they are found by the groups of the workers.
        groups = {worker.pid for worker in workers(server)}
        family += [one for one in psutil.process_iter() if _group(one.pid) in groups]
        family += [psutil.Process(pid) for pid in pids]
        server.process.kill()
        within(10, lambda: not living(family))
        server.process.wait()
    # The next server on the same folder tells what happened to the job.
    with geojobs_server(CONFIG, folder=server.folder) as again, again.client() as client:
        document = client.get(f"jobs/{job}/").json()
        assert (document["status"], document["error"]["type"]) == ("failure", "ServerStopped")


def _group(pid: int) -> int | None:
    try:
        return os.getpgid(pid)
    except ProcessLookupError:
        return None


def test_a_server_ends_in_order_and_in_time_while_a_stubborn_job_runs(geojobs_server, tmp_path: Path) -> None:
    mark = tmp_path / "mark"
    with geojobs_server(CONFIG) as server, server.client() as client:
        submit(client, "ignores_sigterm", mark=str(mark))
        within(60, mark.exists)
        began = time.monotonic()
        assert server.stop() == 0
        assert time.monotonic() - began < 8
