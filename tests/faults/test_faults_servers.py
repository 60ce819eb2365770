"""Two servers on one data folder: each shows and ends the jobs of both, one takes over when the other is gone."""

import random
import signal
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import psutil
import pytest

TASKS = Path(__file__).parent
ROUNDS = 3


def config(data_dir: Path, **more: Any) -> str:
    return f"""
import sys
sys.path.insert(0, {str(TASKS)!r})
c.GeoJobsApp.data_dir = {str(data_dir)!r}
c.GeoJobsApp.max_workers = 2
c.GeoJobsApp.registered_jobs = {{
    "again": {{"type": "task", "task": "survival_tasks.journals", "restartable": True}},
    "once": {{"type": "task", "task": "survival_tasks.journals"}},
    "slow": {{"type": "task", "task": "survival_tasks.slow"}},
}}
""" + "\n".join(f"c.GeoJobsApp.{name} = {value!r}" for name, value in more.items())


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


def document(client: httpx.Client, uuid: str) -> dict[str, Any]:
    return client.get(f"jobs/{uuid}/").json()


def lines(journal: Path) -> list[list[str]]:
    return [line.split() for line in journal.read_text().splitlines()] if journal.exists() else []


def workers(server: Any) -> list[psutil.Process]:
    return [
        child
        for child in psutil.Process(server.process.pid).children()
        if child.status() != psutil.STATUS_ZOMBIE and "geojobs_lab.jobs.worker" in child.cmdline()
    ]


def test_each_shows_and_ends_the_jobs_of_both(geojobs_server: Any, tmp_path: Path) -> None:
    settings = config(tmp_path / "shared")
    with geojobs_server(settings) as one, geojobs_server(settings) as two, one.client() as ours, two.client() as theirs:
        journal = tmp_path / "journal"
        running = submit(ours, "once", journal=str(journal), name="running", seconds=60)
        within(60, lambda: lines(journal))
        short = submit(ours, "slow", value=4, seconds=1)
        assert {job["uuid"] for job in theirs.get("jobs/").json()["results"]} == {running, short}
        pid = int(lines(journal)[0][2])

        began = document(theirs, short)["revision"]
        done = theirs.get(f"jobs/{short}/", params={"wait": 20, "revision": began + 1}).json()
        assert done["status"] in ("started", "success")
        within(60, lambda: document(theirs, short)["status"] == "success")

        answer = theirs.delete(f"jobs/{running}/")
        assert (answer.status_code, answer.json()["status"]) == (200, "revoked")
        within(5, lambda: not psutil.pid_exists(pid))
        assert document(ours, running)["status"] == "revoked"
        assert theirs.delete(f"jobs/{short}/").status_code == 204
        assert ours.get("jobs/", params={"status": "success"}).json()["count"] == 0


def test_one_that_stops_in_order_leaves_its_jobs_to_the_other_at_once(geojobs_server: Any, tmp_path: Path) -> None:
    settings = config(tmp_path / "shared")
    journal = tmp_path / "journal"
    with geojobs_server(settings) as two, two.client() as theirs:
        with geojobs_server(settings) as one, one.client() as ours:
            jobs = [submit(ours, "again", journal=str(journal), name=str(number), seconds=0.5) for number in range(6)]
            within(60, lambda: len(lines(journal)) >= 2)
        for uuid in jobs:
            within(60, lambda uuid=uuid: document(theirs, uuid)["status"] == "success")
        ends = Counter(name for what, name, _ in lines(journal) if what == "end")
        assert ends == Counter(map(str, range(6)))


@pytest.mark.timeout(900)  # on a very busy machine
def test_no_job_is_lost_or_run_twice_to_its_end_when_one_of_two_servers_is_killed(
    geojobs_server: Any, tmp_path: Path
) -> None:
    settings = config(tmp_path / "shared")
    chance = random.Random(7)
    journal = tmp_path / "journal"
    jobs: dict[str, tuple[str, str]] = {}  # uuid -> registered job, name in the journal
    with geojobs_server(settings) as survivor, survivor.client() as theirs:
        for number in range(ROUNDS):
            with geojobs_server(settings, exit_code=-signal.SIGKILL) as victim, victim.client() as ours:
                for count in range(12):
                    client, kind = (ours, theirs)[count % 3 == 0], ("again", "once")[count % 4 == 0]
                    name = f"{number}-{count}"
                    jobs[submit(client, kind, journal=str(journal), name=name, seconds=0.3)] = (kind, name)
                time.sleep(chance.uniform(0, 1.2))
                victim.process.kill()
                victim.process.wait()
            within(
                60,
                lambda: (
                    not any(
                        theirs.get("jobs/", params={"status": status, "limit": 1}).json()["count"]
                        for status in ("pending", "started")
                    )
                ),
            )
        ends = Counter(name for what, name, _ in lines(journal) if what == "end")
        statuses = Counter()
        for uuid, (kind, name) in jobs.items():
            found = document(theirs, uuid)
            statuses[kind, found["status"]] += 1
            if kind == "again":
                assert found["status"] == "success", found
            if found["status"] == "success":
                assert ends[name] >= 1
            else:
                assert found["error"]["type"] == "ServerStopped", found
        # Killed between the end of the task and its row on the disk, a job that may begin anew has ended twice; no
        # other has, and none at all while its server lived.
        assert all(count == 1 for name, count in ends.items() if _kind(jobs, name) == "once")
        twice = [name for name, count in ends.items() if count > 1]
        assert len(twice) <= 2 * ROUNDS  # as many as ran in the instant of a kill
        assert statuses["again", "success"] == sum(kind == "again" for kind, _ in jobs.values())


def _kind(jobs: dict[str, tuple[str, str]], name: str) -> str:
    return next(kind for kind, known in jobs.values() if known == name)


def test_a_suspended_server_is_not_gone_on_its_machine(geojobs_server: Any, tmp_path: Path) -> None:
    settings = config(tmp_path / "shared", lease=2)
    journal = tmp_path / "journal"
    with geojobs_server(settings) as one, geojobs_server(settings) as two, one.client() as ours, two.client() as theirs:
        uuid = submit(ours, "again", journal=str(journal), name="it", seconds=1)
        within(60, lambda: lines(journal))
        one.process.send_signal(signal.SIGSTOP)
        time.sleep(5)  # more than the lease, and than two looks of the other server
        assert document(theirs, uuid)["status"] == "started"
        one.process.send_signal(signal.SIGCONT)
        within(60, lambda: document(theirs, uuid)["status"] == "success")
        assert [what for what, _, _ in lines(journal)] == ["begin", "end"]


def test_a_server_on_another_machine_loses_its_jobs_with_its_lease_and_writes_nothing_when_it_wakes(
    geojobs_server: Any, tmp_path: Path
) -> None:
    settings = config(tmp_path / "shared", lease=2)
    journal = tmp_path / "journal"
    elsewhere = {"GEOJOBS_MACHINE": "another machine"}
    with (
        geojobs_server(settings, environment=elsewhere) as one,
        geojobs_server(settings) as two,
        one.client() as ours,
        two.client() as theirs,
    ):
        uuid = submit(ours, "again", journal=str(journal), name="it", seconds=5)
        within(60, lambda: lines(journal))
        time.sleep(3)  # it gives signs of life, so it keeps its job for longer than the lease
        assert document(theirs, uuid)["status"] == "started"
        family = [one.process, *workers(one)]
        for process in family:
            process.send_signal(signal.SIGSTOP)
        within(60, lambda: document(theirs, uuid)["status"] == "started" and len(lines(journal)) == 2)
        for process in family:
            process.send_signal(signal.SIGCONT)
        done = within(60, lambda: (now := document(theirs, uuid))["status"] == "success" and now)
        assert document(ours, uuid) == done
        first, second = (int(pid) for what, _, pid in lines(journal) if what == "begin")
        assert first != second
        assert [int(pid) for what, _, pid in lines(journal) if what == "end"] == [second]
        within(5, lambda: not psutil.pid_exists(first))
