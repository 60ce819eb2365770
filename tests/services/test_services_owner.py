"""Which servers are still there."""

import fcntl
import json
import os
from pathlib import Path

import pytest

from geojobs_lab.services.owner import Owner


@pytest.fixture
def two(tmp_path: Path):
    first, second = Owner(tmp_path), Owner(tmp_path)
    first.hold()
    second.hold()
    yield first, second
    first.release()
    second.release()


def lock_file(tmp_path: Path, owner: Owner) -> Path:
    return tmp_path / "servers" / f"{owner.name}.lock"


def test_a_server_is_here_until_it_lets_go(two) -> None:
    one, other = two
    assert (one.state(one.name), one.state(other.name)) == ("here", "here")
    other.release()
    assert one.state(other.name) == "gone"
    assert one.state("never heard of") == "gone"
    assert one.is_gone(None)


def leave(tmp_path: Path, owner: Owner) -> Path:
    """End as a process does that is killed: the lock goes, the file stays."""
    os.close(owner._lock)
    owner._lock = None
    return lock_file(tmp_path, owner)


def test_the_lock_file_of_a_killed_server_goes_with_a_sweep(two, tmp_path: Path) -> None:
    one, other = two
    left = leave(tmp_path, other)
    assert left.exists()
    one.sweep()
    assert not left.exists()
    assert lock_file(tmp_path, one).exists()


def test_a_lock_of_another_machine_tells_nothing(two, tmp_path: Path) -> None:
    one, other = two
    left = leave(tmp_path, other)
    machine = json.loads(left.read_text())
    left.write_text(json.dumps({**machine, "machine": "another"}))
    assert one.state(other.name) == "elsewhere"
    assert not one.is_gone(other.name)
    assert left.exists()


def test_a_machine_that_was_started_again_has_none_of_its_servers_any_more(two, tmp_path: Path) -> None:
    one, other = two
    left = leave(tmp_path, other)
    left.write_text(json.dumps({**json.loads(left.read_text()), "boot": "an earlier one"}))
    assert one.state(other.name) == "gone"


def test_a_machine_can_be_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("GEOJOBS_MACHINE", "node 7")
    owner = Owner(tmp_path)
    owner.hold()
    assert json.loads(lock_file(tmp_path, owner).read_text())["machine"] == "node 7"
    owner.release()


def test_a_lock_whose_file_was_swept_before_it_was_held_is_made_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    owner, other = Owner(tmp_path), Owner(tmp_path)
    flock, swept = fcntl.flock, []

    def between(descriptor: int, operation: int) -> None:
        if operation == fcntl.LOCK_EX and not swept:
            swept.append(True)
            lock_file(tmp_path, owner).unlink()
        flock(descriptor, operation)

    monkeypatch.setattr(fcntl, "flock", between)
    owner.hold()
    assert swept
    assert other.state(owner.name) == "here"
    owner.release()
