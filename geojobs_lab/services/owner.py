"""Which server a job or an upload belongs to, and whether that server is still there.

Each server that uses a data folder holds a lock on a file of its own below `servers/`. The operating system lets go
of the lock when the process ends, however it ends, so a name whose lock can be taken is a server that is gone.
"""

import contextlib
import fcntl
import os
from pathlib import Path
from uuid import uuid4


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

    def hold(self) -> None:
        """Take the lock; it is held until `release` or the end of the process. May be called twice."""
        if self._lock is not None:
            return
        self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = os.open(self._path(self.name), os.O_RDWR | os.O_CREAT, 0o600)
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def release(self) -> None:
        """Let go of the lock. May be called twice."""
        if self._lock is not None:
            self._path(self.name).unlink(missing_ok=True)
            os.close(self._lock)
            self._lock = None

    def is_gone(self, name: str | None) -> bool:
        """Tell whether the server of that name has ended; its lock file is removed when it has."""
        if name is None:
            return True
        if name == self.name:
            return False
        try:
            lock = os.open(self._path(name), os.O_RDWR)
        except FileNotFoundError:
            return True
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return False
        else:
            with contextlib.suppress(FileNotFoundError):
                self._path(name).unlink()
            return True
        finally:
            os.close(lock)

    def _path(self, name: str) -> Path:
        return self._folder / f"{name}.lock"
