"""Five hundred jobs of every sort, while workers are killed at random and the server twice."""

import io
import json
import os
import random
import signal
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any
from uuid import uuid4

import httpx
import numpy as np
import psutil
import pytest

TASKS = Path(__file__).parent
CONFIG = f"""
import sys
sys.path.insert(0, {str(TASKS)!r})
def entry(name, **more):
    return {{"type": "task", "task": f"survival_tasks.{{name}}", **more}}
c.GeoJobsApp.registered_jobs = {{
    "quick": entry("quick", restartable=True, retries=20, retry_delay=0.05),
    "slow": entry("slow", restartable=True, retries=20, retry_delay=0.05, max_running=3),
    "once": entry("slow"),
    "failing": entry("failing", retries=20, retry_delay=0.05, restartable=True),
    "crashing": entry("crashing", retries=20, retry_delay=0.05, restartable=True),
    "paints": entry("Paints", publish_raster_results=True, restartable=True, retries=20, retry_delay=0.05),
    "counts": entry("Counts", restartable=True, retries=20, retry_delay=0.05),
    "doomed": entry("slow"),
}}
c.GeoJobsApp.max_workers = 4
"""
JOBS = 500
KILL_EVERY = 8  # jobs
STANDSTILL = 240  # seconds
KINDS = ("quick", "slow", "once", "failing", "crashing", "paints", "counts", "doomed", "quick", "paints")
#: what each kind may come to, with the errors that are right for it
RIGHT = {
    "quick": {"success"},
    "slow": {"success"},
    "once": {"success", "ServerStopped", "WorkerCrashed"},
    "failing": {"ValueError"},
    "crashing": {"success"},
    "paints": {"success"},
    "counts": {"success"},
    "doomed": {"success", "revoked", "ServerStopped", "WorkerCrashed"},
}


class Crowd:
    """Clients that go on whatever happens to the server, and somebody who kills its workers."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.server: Any = None
        self.wanted: dict[str, tuple[str, int]] = {}  # uuid -> kind, value
        self.over = threading.Event()
        self.killed = 0
        self.trouble: list[BaseException] = []
        self.chance = random.Random(2026)

    def ask(self, method: str, path: str, **more: Any) -> httpx.Response:
        """Ask again and again until the server answers."""
        while True:
            try:
                with self.server.client() as client:
                    answer = client.request(method, path, **more)
            except httpx.TransportError:
                time.sleep(0.05)
                continue
            if answer.status_code != 503:
                return answer
            time.sleep(0.05)

    def submit(self, values: list[int]) -> None:
        try:
            for value in values:
                self.submit_one(value)
        except BaseException as error:
            self.trouble.append(error)

    def submit_one(self, value: int) -> None:
        kind = KINDS[value % len(KINDS)]
        inputs: dict[str, Any] = {"value": value}
        if kind == "crashing":
            inputs["folder"] = str(self.folder)
        document = {"job": kind, "inputs": json.dumps(inputs), "priority": value % 3}
        answer = self.ask("POST", "jobs/", json=document, headers={"Idempotency-Key": str(uuid4())})
        assert answer.status_code in (200, 201), answer.text
        self.wanted[answer.json()["uuid"]] = (kind, value)
        if kind == "doomed":
            self.ask("DELETE", f"jobs/{answer.json()['uuid']}/", params={"active": "true"})

    def kill_workers(self) -> None:
        """Kill one whenever so many more jobs have ended; by the clock, all would be killed before they are ready."""
        ended = 0
        while not self.over.wait(0.3):
            if (now := self.ended()) < ended + KILL_EVERY:
                continue
            ended = now
            try:
                family = psutil.Process(self.server.process.pid).children()
                workers = [one for one in family if "geojobs_lab.jobs.worker" in one.cmdline()]
                if workers:
                    self.chance.choice(workers).kill()
                    self.killed += 1
            except psutil.Error:
                continue

    def wait_for(self, condition: Callable[[], bool]) -> None:
        """Wait as long as jobs are taken or come to their ends, however slowly."""
        moved, before = time.monotonic(), (-1, -1)
        while not condition():
            assert not self.trouble, self.trouble
            now = (len(self.wanted), self.ended())
            if now != before:
                moved, before = time.monotonic(), now
            assert time.monotonic() < moved + STANDSTILL, (now, self.server.log()[-500:])
            time.sleep(0.1)

    def ended(self) -> int:
        return self.count("success") + self.count("failure") + self.count("revoked")

    def unfinished(self) -> int:
        return self.count("pending") + self.count("started")

    def count(self, status: str) -> int:
        return self.ask("GET", "jobs/", params={"status": status, "limit": 1}).json()["count"]


@pytest.mark.timeout(900)  # on a very busy machine
def test_500_jobs_of_every_sort_end_rightly_whatever_is_killed(geojobs_server: Any, tmp_path: Path) -> None:
    crowd = Crowd(tmp_path)
    (tmp_path / "temporary").mkdir()
    there = {"TMPDIR": str(tmp_path / "temporary")}
    values = list(range(JOBS))
    parts = [values[number::4] for number in range(4)]
    with geojobs_server(CONFIG, environment=there, folder=tmp_path, exit_code=-signal.SIGKILL) as server:
        crowd.server = server
        clients = [threading.Thread(target=crowd.submit, args=(part,), daemon=True) for part in parts]
        killer = threading.Thread(target=crowd.kill_workers, daemon=True)
        for thread in (*clients, killer):
            thread.start()
        crowd.wait_for(lambda: len(crowd.wanted) >= JOBS // 3)
        left = family(server)
        server.process.kill()
        server.process.wait()
    with geojobs_server(CONFIG, environment=there, folder=tmp_path, exit_code=-signal.SIGKILL) as server:
        crowd.server = server
        crowd.wait_for(lambda: len(crowd.wanted) == JOBS)
        left += family(server)
        server.process.kill()
        server.process.wait()
    with geojobs_server(CONFIG, environment=there, folder=tmp_path) as server, server.client() as client:
        crowd.server = server
        for thread in clients:
            thread.join()
        crowd.wait_for(lambda: not crowd.unfinished())
        crowd.over.set()
        killer.join()
        documents = every_job(client)
        assert set(documents) == set(crowd.wanted)  # none lost, none twice
        ends = Counter()
        for uuid, (kind, value) in crowd.wanted.items():
            ends[kind, ending(documents[uuid])] += 1
            assert ending(documents[uuid]) in RIGHT[kind], documents[uuid]
            if documents[uuid]["status"] == "success":
                has_its_result(client, documents[uuid], kind, value)
        assert crowd.killed > 20
        assert {kind for kind, end in ends if end == "success"} >= set(KINDS) - {"failing", "doomed"}
        assert nothing_else_is_left(tmp_path, documents)
    psutil.wait_procs(left, timeout=10)
    assert not list((tmp_path / "temporary").iterdir())
    assert not [one for one in left if one.is_running() and one.status() != psutil.STATUS_ZOMBIE]


def ending(document: dict[str, Any]) -> str:
    return document["error"]["type"] if document["status"] == "failure" else document["status"]


def every_job(client: httpx.Client) -> dict[str, dict[str, Any]]:
    documents: dict[str, dict[str, Any]] = {}
    for offset in range(0, JOBS + 100, 100):
        page = client.get("jobs/", params={"limit": 100, "offset": offset}).json()["results"]
        documents |= {document["uuid"]: document for document in page}
    return documents


def has_its_result(client: httpx.Client, document: dict[str, Any], kind: str, value: int) -> None:
    outputs = json.loads(document["outputs"])
    if kind == "paints":
        name = outputs["painted"]
        shown = client.get(f"services/{name}/variables/data/value/", params={"lon": 3, "lat": 3})
        assert shown.json()["value"] == value, shown.text
    elif kind == "counts":
        file = client.get(f"jobs/{document['uuid']}/outputs/counted.npy")
        assert np.array_equal(np.load(io.BytesIO(file.content)), np.full(20_000, value))
    else:
        assert outputs == {"result": 2 * value}


def nothing_else_is_left(folder: Path, documents: dict[str, dict[str, Any]]) -> bool:
    data = folder / "data" / "geojobs_lab"
    wanted = set()
    for uuid, document in documents.items():
        for name in json.loads(document["outputs"]):
            if name in ("painted", "counted"):
                wanted.add(f"{uuid}/{name}.{'nc' if name == 'painted' else 'npy'}")
    found = {str(path.relative_to(data / "results")) for path in (data / "results").rglob("*") if path.is_file()}
    assert found == wanted
    assert {path.name for path in (data / "results").iterdir()} == {name.split("/")[0] for name in wanted}
    assert len(list((data / "servers").iterdir())) == 1
    return True


def family(server: Any) -> list[psutil.Process]:
    """Everything that the server has started, its workers' guards included, which are nobody's children."""
    children = psutil.Process(server.process.pid).children(recursive=True)
    groups = {child.pid for child in children}
    found = {child.pid: child for child in children}
    for one in psutil.process_iter():
        try:
            if os.getpgid(one.pid) in groups:
                found[one.pid] = one
        except ProcessLookupError:
            continue
    return list(found.values())
