"""The files of jobs while others work in the same data folder, and in folders that an earlier version has left."""

import asyncio
import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from types import TracebackType
from typing import Any

import pytest
from jobs_bench import eventually, pids_in

from geojobs_lab.documents import Status
from geojobs_lab.jobs.results import Results
from geojobs_lab.jobs.store import SCHEMA as JOBS
from geojobs_lab.services.rows import SCHEMA as SERVICES

UUID = "aa346c90-68e5-4d19-a7f3-a54f6b87ec34"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "data" / "results" / UUID
    folder.mkdir(parents=True)
    for name in ("kept.nc", "other.nc"):
        (folder / name).touch()
    return folder


def test_a_kept_file_stays_however_the_path_of_its_folder_is_written(tmp_path: Path, folder: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path / "data")
    asyncio.run(Results(tmp_path / "link").remove_except(UUID, [folder / "kept.nc"]))
    assert [path.name for path in folder.iterdir()] == ["kept.nc"]


def test_a_job_can_be_removed_whose_kept_file_somebody_has_removed(tmp_path: Path, folder: Path) -> None:
    shutil.rmtree(folder)
    asyncio.run(Results(tmp_path / "data").remove_except(UUID, [folder / "kept.nc"]))


class Listing(list[Any]):
    """What `os.scandir` gives, when it has been read."""

    def __init__(self, path: Any) -> None:
        with _scandir(path) as entries:
            super().__init__(entries)
        self._rest = iter(self[:])

    def __next__(self) -> Any:
        return next(self._rest)

    def __iter__(self) -> Iterator[Any]:
        return self._rest

    def __enter__(self) -> "Listing":
        return self

    def __exit__(self, kind: type | None, error: BaseException | None, trace: TracebackType | None) -> None: ...


_scandir = os.scandir


def test_jobs_of_other_servers_may_come_and_go_while_the_files_are_listed(
    tmp_path: Path, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = folder.parent
    (root / "going").mkdir()
    looks = []

    def scandir(path: Any = ".") -> Any:
        found = Listing(path)
        if str(path) == str(root):
            looks.append(path)
            (root / f"coming{len(looks)}").mkdir()
            (root / f"coming{len(looks)}" / "out.nc").touch()
            if len(looks) > 1:
                shutil.rmtree(root / "going")
        return found

    monkeypatch.setattr(os, "scandir", scandir)
    found = Results(tmp_path / "data").by_job()
    assert len(looks) == 2
    assert {path.name for path in found[UUID]} == {"kept.nc", "other.nc"}
    assert [path.name for path in found["coming1"]] == ["out.nc"]


def test_a_job_that_waited_in_the_previous_version_holds_its_services(
    open_house: Any, climate: Path, tmp_path: Path
) -> None:
    result = tmp_path / "data" / "results" / UUID / "out.nc"
    result.parent.mkdir(parents=True)
    shutil.copy(climate, result)
    mark = tmp_path / "mark"
    old = "2020-01-01T00:00:00.000000Z"
    info = '{"variables": [{"name": "t", "time": null}]}'
    inputs = f'{{"data": "service://{UUID}/out", "mark": "{mark}"}}'
    with closing(sqlite3.connect(tmp_path / "data" / "geojobs.sqlite")) as connection, connection:
        connection.executescript(
            f"{JOBS[0]};{SERVICES[0]};CREATE TABLE schemas (room TEXT PRIMARY KEY, version INTEGER)"
        )
        connection.execute("INSERT INTO schemas VALUES ('jobs', 1), ('services', 1)")
        connection.execute(
            "INSERT INTO services VALUES (?, ?, '', '', 1, ?, ?, 1, '{}', ?, 1)",
            (f"{UUID}/out", str(result), old, UUID, info),
        )
        row = "INSERT INTO jobs (uuid, job, created, status, inputs, outputs, revision) VALUES (?, ?, ?, ?, ?, ?, 1)"
        connection.execute(row, (UUID, "Warms", old, "success", "{}", "{}"))
        connection.execute(row, ("waits", "HalfWritten", old, "pending", inputs, "{}"))

    async def scenario() -> None:
        async with open_house(max_age=0) as house:
            await eventually(lambda: pids_in(mark))
            assert await house.catalogue.remove_expired() == []
            assert result.exists()
            assert (await house.manager.cancel("waits")).status is Status.REVOKED
            assert await house.catalogue.remove_expired() == [f"{UUID}/out"]

    asyncio.run(scenario())
