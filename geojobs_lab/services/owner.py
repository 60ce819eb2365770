"""Which server a job or an upload belongs to, and whether that server is still there.

Each server that uses a data folder holds a lock on a file of its own below `servers/`. The operating system lets go
of the lock when the process ends, however it ends, so on one machine a name whose lock can be taken is a server that
is gone, and one that is only suspended is not. Locks do not tell of servers on other machines; whether those live is
found out by their signs of life (`geojobs_lab.jobs.leases`).
"""

import contextlib
import fcntl
import json
import os
import platform
import shutil
import tempfile
from pathlib import Path
from typing import Literal
from uuid import uuid4

State = Literal["here", "gone", "elsewhere"]


class Owner:
    """The name and the lock of this server.

    Parameters
    ----------
    data_dir : Path
        The folder that the servers of a user share.
    """

    def __init__(self, data_dir: Path) -> None:
        self.name = str(uuid4())
        self._folder = data_dir / "servers"
        self._lock: int | None = None

    @property
    def temporary(self) -> Path:
        """Where this server and its workers put temporary files, below the system's folder for them."""
        return _temporary(self.name)

    def hold(self) -> None:
        """Take the lock; it is held until `release` or the end of the process. May be called twice."""
        if self._lock is not None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        path = self._path(self.name)
        while True:
            lock = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
            fcntl.flock(lock, fcntl.LOCK_EX)
            with contextlib.suppress(FileNotFoundError):
                if path.stat().st_ino == os.fstat(lock).st_ino:
                    break
            os.close(lock)  # another server found it between the two steps, and took it for one that is gone
        os.ftruncate(lock, 0)
        os.write(lock, json.dumps(_machine()).encode())
        self._lock = lock

    def release(self) -> None:
        """Let go of the lock. May be called twice."""
        if self._lock is not None:
            shutil.rmtree(self.temporary, ignore_errors=True)
            self._path(self.name).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def is_gone(self, name: str | None) -> bool:
        """Tell whether the server of that name is known to have ended."""
        return self.state(name) == "gone"

    def state(self, name: str | None) -> State:
        """Tell where the server of that name is; the lock file of one that is gone is removed.

        Returns
        -------
        str
            ``"here"``: alive on this machine; ``"gone"``; ``"elsewhere"``: on another machine, where it may be alive.
        """
        if name is None:
            return "gone"
        if name == self.name:
            return "here"
        try:
            lock = os.open(self._path(name), os.O_RDWR)
        except FileNotFoundError:
            return "gone"
        try:
            state = _state(lock)
            if state == "gone":
                self.forget(name)
            return state
        finally:
            os.close(lock)

    def forget(self, name: str) -> None:
        """Remove the lock file of a server that is gone, and its temporary files."""
        shutil.rmtree(_temporary(name), ignore_errors=True)
        with contextlib.suppress(FileNotFoundError):
            self._path(name).unlink()

    def sweep(self) -> None:
        """Remove the lock files of the servers that are gone."""
        for path in self._folder.glob("*.lock"):
            self.state(path.stem)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"


def _temporary(name: str) -> Path:
    return Path(tempfile.gettempdir()) / f"geojobs-{name}"


def _state(lock: int) -> State:
    ours = _machine()
    try:
        theirs = json.loads(os.pread(lock, 10_000, 0))
    except ValueError:
        theirs = ours  # not written yet, or by an earlier version: the lock tells
    if theirs["machine"] != ours["machine"]:
        return "elsewhere"
    if theirs["boot"] != ours["boot"]:
        return "gone"
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return "here"
    return "gone"


def _machine() -> dict[str, str]:
    """Say which machine this is, and since which start of it; `GEOJOBS_MACHINE` names it where it cannot be told."""
    named = os.environ.get("GEOJOBS_MACHINE")
    machine = named or f"{platform.node()} {_first_line('/etc/machine-id')}"
    return {"machine": machine, "boot": _first_line("/proc/sys/kernel/random/boot_id")}


def _first_line(path: str) -> str:
    try:
        return Path(path).read_text().strip()
    except OSError:
        return ""
