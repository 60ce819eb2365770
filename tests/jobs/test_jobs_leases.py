"""Servers on other machines are gone when they give no sign of life for the whole lease."""

import asyncio
import json
from pathlib import Path

import pytest

from geojobs_lab.database import Database
from geojobs_lab.jobs import leases as module
from geojobs_lab.jobs.leases import Leases
from geojobs_lab.jobs.store import SqliteJobStore
from geojobs_lab.services.owner import Owner


def test_a_server_elsewhere_is_gone_when_its_signs_stop_and_not_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = [1000.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: clock[0])

    async def scenario() -> None:
        database = Database(tmp_path / "jobs.db")
        store = SqliteJobStore(database)
        await database.start()
        here, there = Owner(tmp_path), Owner(tmp_path)
        here.hold()
        there.hold()
        lock = tmp_path / "servers" / f"{there.name}.lock"
        lock.write_text(json.dumps({"machine": "another", "boot": ""}))
        ours, theirs = Leases(here, store, 60), Leases(there, store, 60)

        async def look_after(seconds: float) -> set[str | None]:
            clock[0] += seconds
            return await ours.gone([there.name])

        assert await look_after(0) == set()
        assert await look_after(59) == set()
        await theirs.give_sign()
        assert await look_after(50) == set()  # it has moved
        assert await look_after(59) == set()
        assert await look_after(2) == {there.name}
        # One that had nothing to do for a while is watched from the beginning.
        assert await ours.gone([]) == set()
        assert await look_after(1000) == set()
        assert await look_after(61) == {there.name}
        await ours.forget(there.name)
        assert not lock.exists()
        assert await store.beats() == {}
        here.release()
        there.release()
        await database.stop()

    asyncio.run(scenario())
