"""What the Jupyter servers of this user tell of themselves, and the processes between them and us.

A running server keeps ``jpserver-<pid>.json`` (mode 0600) with its URL and token in Jupyter's runtime folder. The
file is read as it is: importing jupyter_server takes long, and a kernel's environment may not have it.
"""

import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from geojobs_lab.client.urls import on_loopback, spellings
from geojobs_lab.documents import load_json

_FARTHEST = 8  # processes up from a kernel to its server; wrappers and shells lie between


@dataclass(frozen=True, slots=True)
class RunningServer:
    """One runtime file: process id, base URL and token (None where the server has a password instead)."""

    pid: int
    url: str
    token: str | None = field(repr=False)

    @property
    def urls(self) -> tuple[str, ...]:
        """The URLs to try: the announced host may be a name that only others can resolve."""
        return tuple(dict.fromkeys([*spellings(self.url), *spellings(on_loopback(self.url))]))


def read_server(runtime_dir: Path, pid: int) -> RunningServer | None:
    """Read the runtime file of one server; None where there is none that can be used."""
    try:
        document = load_json((runtime_dir / f"jpserver-{pid}.json").read_bytes())
        url, token = document["url"], document.get("token")
    except (OSError, ValueError, KeyError, TypeError):
        return None
    if not isinstance(url, str) or not url.startswith(("http://", "https://")):  # a Unix socket has no URL
        return None
    return RunningServer(pid, url, token or None)


def running_servers(runtime_dir: Path) -> list[RunningServer]:
    """Read the runtime files of all servers whose process is alive, in the order of their process ids."""
    names = (file.stem.removeprefix("jpserver-") for file in runtime_dir.glob("jpserver-*.json"))
    pids = sorted(int(name) for name in names if name.isdigit())
    servers = (read_server(runtime_dir, pid) for pid in pids if _is_alive(pid))
    return [server for server in servers if server is not None]


def ancestors(pid: int) -> Iterator[int]:
    """Yield a process id and those of its parents, the nearest first."""
    for _ in range(_FARTHEST):
        if pid <= 1:
            return
        yield pid
        pid = _parent(pid)


def kernel_id() -> str | None:
    """Return the id of the Jupyter kernel that this process is; None outside a kernel."""
    module = sys.modules.get("ipykernel")
    if module is None:
        return None
    try:
        file: str = module.get_connection_file()
    except RuntimeError:  # imported, and yet no kernel
        return None
    return Path(file).stem.removeprefix("kernel-")


def _is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except PermissionError:
        return True
    except OSError:
        return False
    return True


def _parent(pid: int) -> int:
    try:
        # "pid (command) state parent ...": the command may hold anything, brackets too
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return _parent_by_psutil(pid)


def _parent_by_psutil(pid: int) -> int:
    try:
        import psutil  # type: ignore[import-untyped]  # comes with ipykernel; for where there is no /proc
    except ImportError:
        return 0
    try:
        return int(psutil.Process(pid).ppid())
    except psutil.Error:
        return 0
