"""Servers' rooms in a process that kills itself at every step that leaves a trace, one step later each time.

A step is whatever changes a file, a folder or the database. ``python crashes.py SCENARIO FOLDER`` prints a line of JSON
for each step: what stood in catalogue and folder before the kill, and after the next start. It has one thread when it
forks, and each life is a fork, so that nothing is loaded twice.
"""

import asyncio
import json
import os
import shutil
import signal
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parent.parent / "jobs" / "faulty"))

import numpy as np  # loaded before the forks, like the next two
import rioxarray  # noqa: F401
from result_tasks import Several

from geojobs_lab.database import Database
from geojobs_lab.database import thread as databases
from geojobs_lab.documents import LogLine, Status
from geojobs_lab.jobs import JobManager, JobSpec, Outcome, RegisteredJobs, Watcher
from geojobs_lab.jobs.run import run_to_document
from geojobs_lab.jobs.store import SqliteJobStore
from geojobs_lab.services import ServiceCatalogue
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.services.references import FileResolver
from geojobs_lab.tasks import RunContext, task

MOST = 100  # steps of a scenario; there are a dozen or two


@task
def arrays(size: int) -> dict:
    """Return large arrays, which become files."""
    return {"first": np.zeros(size), "second": [np.ones(size)]}


class _Context(RunContext):
    def __init__(self, spec: JobSpec) -> None:
        self.resolver = FileResolver(spec.services)

    def report(self, fraction: float | None, message: str | None) -> None:
        """Nobody looks."""

    def log(self, level: str, message: str) -> None:
        if level == "ERROR":
            sys.stderr.write(message)


class Here:
    """An executor that works in this very process, so that the worker's steps are among those that are counted."""

    capacity = 1

    async def start(self) -> None: ...

    async def run(self, spec: JobSpec, watcher: Watcher) -> Outcome:
        answer = await asyncio.to_thread(run_to_document, spec.to_message(), _Context(spec))
        watcher.log(LogLine(time="2026", level="INFO", message="done"))
        if answer["type"] == "failure":
            return Outcome("failure", error=answer["error"])
        return Outcome("success", outputs=answer["outputs"], services=answer["services"])

    def cancel(self, uuid: str) -> None: ...

    async def stop(self) -> None: ...


class House:
    """A server's rooms."""

    def __init__(self, folder: Path, max_age: float = 3600) -> None:
        self.database = Database(folder / "geojobs.sqlite")
        self.catalogue = ServiceCatalogue(self.database, configured={}, data_dir=folder, max_age=max_age)
        entries = {
            "several": {"type": "task", "task": "result_tasks.Several", "publish_raster_results": True},
            "arrays": {"type": "task", "task": f"{__name__}.arrays"},
        }
        self.manager = JobManager(
            data_dir=folder,
            database=self.database,
            catalogue=self.catalogue,
            registered=RegisteredJobs(entries),
            url_prefix="/",
            max_workers=1,
            executor=Here(),
        )

    async def __aenter__(self) -> "House":
        await self.database.start()
        await self.catalogue.start()
        await self.manager.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.manager.stop()
        await self.catalogue.stop()
        await self.database.stop()

    async def run(self, job: str, **inputs: Any) -> str:
        row, _ = await self.manager.submit(job, inputs)
        while not row.status.is_final:
            row = await self.manager.wait(row.uuid, revision=row.revision, timeout=20)
        assert row.status == "success", row.error
        return row.uuid


async def _publish(folder: Path) -> None:
    async with House(folder) as house:
        await house.run("several", count=2)


async def _arrays(folder: Path) -> None:
    async with House(folder) as house:
        await house.run("arrays", size=20_000)


async def _upload(folder: Path) -> None:
    async with House(folder) as house:
        uploads = house.catalogue.uploads_dir
        uploads.mkdir(parents=True)
        part = uploads / ".an-upload.part"
        Several().execute(1, -1)["cells"][0].to_netcdf(part)
        await house.catalogue.publish_upload("mine", part)


async def _with_results(folder: Path, house: House) -> str:
    uuid = await house.run("several", count=2)
    await house.run("arrays", size=20_000)
    return uuid


async def _delete_job(folder: Path) -> None:
    async with House(folder) as house:
        uuid = await _with_results(folder, house)
        await house.catalogue.update(f"{uuid}/cells/1", temporary=False)
        STEPS.begin()
        await house.manager.delete(uuid)


async def _remove_service(folder: Path) -> None:
    async with House(folder) as house:
        uuid = await _with_results(folder, house)
        STEPS.begin()
        await house.manager.remove_service(f"{uuid}/cells/0")
        await house.manager.remove_service(f"{uuid}/cells/1")


async def _clean_up(folder: Path) -> None:
    async with House(folder, max_age=0) as house:
        house.manager._cleanup_interval = 1e6
        await _with_results(folder, house)
        STEPS.begin()
        await house.catalogue.remove_expired()


async def _remove_upload(folder: Path) -> None:
    await _upload(folder)
    async with House(folder) as house:
        STEPS.begin()
        await house.manager.remove_service("mine")


SCENARIOS = {
    "publish": (_publish, 0),
    "arrays": (_arrays, 0),
    "upload": (_upload, 0),
    "delete_job": (_delete_job, None),
    "remove_service": (_remove_service, None),
    "clean_up": (_clean_up, None),
    "remove_upload": (_remove_upload, None),
}


class Steps:
    """Counts the steps and kills the process before the one that is its last."""

    def __init__(self) -> None:
        self.left: int | None = None
        self.last = 0

    def begin(self) -> None:
        """Count from here on."""
        self.left = self.last

    def take(self) -> None:
        if self.left is not None:
            if self.left == 0:
                os.kill(os.getpid(), signal.SIGKILL)
            self.left -= 1

    def watch(self) -> None:
        for owner, name in (
            (Path, "unlink"),
            (Path, "replace"),
            (Path, "rmdir"),
            (Path, "mkdir"),
            (shutil, "rmtree"),
            (shutil, "move"),
            (os, "fsync"),
        ):
            setattr(owner, name, self._counted(getattr(owner, name)))
        databases._transact = self._counted(databases._transact, after=True, only=_writes)

    def _counted(
        self, function: Callable[..., Any], *, after: bool = False, only: Callable[..., bool] = lambda *_: True
    ) -> Callable[..., Any]:
        def counted(*args: Any, **keywords: Any) -> Any:
            if only(*args):
                self.take()
            found = function(*args, **keywords)
            if after and only(*args):
                self.take()
            return found

        return counted


def _writes(_: sqlite3.Connection, units: Any) -> bool:
    return any(unit.writes for unit in units)


STEPS = Steps()


def life(work: Callable[[], Any]) -> int:
    """Run `work` in a fork and return how it ended, negative for a signal."""
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stderr.flush()
            os._exit(code)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def state(folder: Path) -> dict[str, Any]:
    """Return the services with their files, the jobs, and the files, as they are on the disk."""
    with closing(sqlite3.connect(folder / "geojobs.sqlite")) as connection:
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_master")}
        services = dict(connection.execute("SELECT name, path FROM services")) if "services" in tables else {}
        jobs = dict(connection.execute("SELECT uuid, status FROM jobs")) if "jobs" in tables else {}
        holds = list(connection.execute("SELECT * FROM service_holds")) if "service_holds" in tables else []
        outputs = list(connection.execute("SELECT outputs FROM jobs")) if "jobs" in tables else []
    files = [path for room in ("results", "uploads") for path in (folder / room).rglob("*") if path.is_file()]
    return {
        "services": {name: str(Path(path).relative_to(folder)) for name, path in services.items()},
        "jobs": jobs,
        "holds": holds,
        "hrefs": [part for text in outputs for part in text[0].split('"') if part.endswith(".npy")],
        "files": sorted(str(path.relative_to(folder)) for path in files),
    }


def main() -> None:
    scenario, first = SCENARIOS[sys.argv[1]]
    load_libraries()
    assert SqliteJobStore  # loaded like the rest
    STEPS.watch()
    for last in range(MOST):
        folder = Path(sys.argv[2]) / str(last)
        folder.mkdir(parents=True)

        def live(last: int = last, folder: Path = folder) -> None:
            STEPS.last = last
            if first is not None:
                STEPS.begin()
            asyncio.run(scenario(folder))

        code = life(live)
        before = state(folder) if (folder / "geojobs.sqlite").exists() else None

        def restart(folder: Path = folder) -> None:
            async def start() -> None:
                async with House(folder) as house:
                    while (await house.manager.list(limit=1, status=Status.PENDING))[0]:
                        await asyncio.sleep(0.01)  # what waited is run

            asyncio.run(start())

        again = life(restart)
        print(json.dumps({"code": code, "again": again, "before": before, "after": state(folder)}), flush=True)
        if code == 0:
            return


if __name__ == "__main__":
    sys.modules["crashes"] = sys.modules["__main__"]
    __name__ = "crashes"  # what its tasks are called by
    main()
