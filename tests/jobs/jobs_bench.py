"""Real workers, and tasks that misbehave in them."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import psutil
import pytest

from geojobs_lab.documents import LogLine
from geojobs_lab.jobs import Executor, JobSpec, SlotExecutor

FAULTY = Path(__file__).parent / "faulty"

#: every executor there is; each keeps the same contract
EXECUTORS: dict[str, Callable[..., Executor]] = {"slots": SlotExecutor}


class Heard:
    """A watcher that remembers."""

    def __init__(self) -> None:
        self.reports: list[tuple[float | None, str | None]] = []
        self.lines: list[LogLine] = []

    def progress(self, fraction: float | None, message: str | None) -> None:
        self.reports.append((fraction, message))

    def log(self, line: LogLine) -> None:
        self.lines.append(line)

    @property
    def text(self) -> str:
        return "\n".join(f"{line['level']} {line['message']}" for line in self.lines)


class Bench:
    """An executor at work, with short ways to give it jobs."""

    def __init__(self, executor: Executor, folder: Path) -> None:
        self.executor = executor
        self.folder = folder

    def spec(self, name: str, *, timeout: float | None = None, **inputs: Any) -> JobSpec:
        uuid = str(uuid4())
        return JobSpec(
            uuid=uuid,
            job=name,
            created="2026-11-23T00:00:00.000000Z",
            definition={"type": "task", "task": f"faulty_tasks.{name}"},
            inputs=inputs,
            results_dir=str(self.folder / uuid),
            href=f"/rest/jobs/{uuid}/outputs",
            timeout=timeout,
        )

    async def run(self, name: str, *, timeout: float | None = None, **inputs: Any) -> tuple[Any, Heard]:
        heard = Heard()
        return await self.executor.run(self.spec(name, timeout=timeout, **inputs), heard), heard


@pytest.fixture(params=EXECUTORS.values(), ids=EXECUTORS.keys())
def bench(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Any]:
    """An async context manager of a `Bench`; it sees that no process is left at the end."""
    monkeypatch.syspath_prepend(str(FAULTY))

    @asynccontextmanager
    async def open_bench(capacity: int = 1) -> AsyncIterator[Bench]:
        executor = request.param(capacity, temporary=tmp_path)
        await executor.start()
        try:
            yield Bench(executor, tmp_path / "results")
        finally:
            await executor.stop()
            assert not living_children()

    return open_bench


def living_children() -> list[psutil.Process]:
    """The workers of this process; a server that other tests have started has workers of its own."""
    return [
        child
        for child in psutil.Process().children()
        if child.status() != psutil.STATUS_ZOMBIE and "geojobs_lab.jobs.worker" in " ".join(child.cmdline())
    ]


def is_gone(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


async def eventually(condition: Callable[[], Any], *, within: float = 15.0) -> Any:
    """Wait until a condition holds, and return its value; the test fails when it does not."""
    end = time.monotonic() + within
    while not (value := condition()):
        assert time.monotonic() < end, f"{condition} did not come true within {within} s"
        await asyncio.sleep(0.02)
    return value


def pids_in(path: Path) -> list[int]:
    return [int(word) for word in path.read_text().split()] if path.exists() else []
