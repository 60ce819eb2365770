"""Real Jupyter servers as child processes, with the extension and without, far from the user's own."""

import os
import secrets
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.lag import probe
from benchmarks.old_jobs import fill

API = "geoprocessing/rest/"
STATUS = "api/status"  # what Jupyter answers by itself, to who is logged in

_STARTING = 60.0  # seconds
_STOPPING = 20.0
_FOREIGN = ("JUPYTER", "JPY_", "GEOJOBS_")  # what tells a process of another server

_CONFIG = """
c = get_config()
c.ServerApp.jpserver_extensions = {{"geojobs_lab_server": {extension}}}
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = {port}
c.ServerApp.port_retries = 0
c.ServerApp.open_browser = False
c.ServerApp.allow_root = True
c.ServerApp.root_dir = {root!r}
c.IdentityProvider.token = {token!r}
c.GeoJobsApp.update({settings!r})
"""


@dataclass(frozen=True, slots=True)
class Server:
    """A server that listens.

    Attributes
    ----------
    url : str
        Its base URL, with the slash at the end.
    born : float
        When its process was started, as `time.perf_counter` counts.
    lags : Path
        Where it writes how late its event loop is, if it was asked to.
    """

    url: str
    token: str
    pid: int
    born: float
    lags: Path


@contextmanager
def jupyter_server(
    *, extension: bool = True, old_jobs: int = 0, settings: Mapping[str, Any] | None = None, lags: bool = False
) -> Iterator[Server]:
    """Run a server while the context lasts; it listens when this returns, and may not answer yet.

    Parameters
    ----------
    old_jobs : int
        How many jobs that have ended are in its store.
    settings : Mapping, optional
        Of the extension's configuration.
    lags : bool
        Whether it watches its event loop.
    """
    with tempfile.TemporaryDirectory(prefix="geojobs-bench-") as name:
        folder = Path(name)
        port, token = free_port(), secrets.token_hex(16)
        (folder / "root").mkdir()
        config = folder / "jupyter_server_config.py"
        own = dict(settings or {})
        text = _CONFIG.format(extension=extension, port=port, root=str(folder / "root"), token=token, settings=own)
        late = folder / "lags.txt"
        config.write_text(text + (probe(late) if lags else ""), encoding="utf-8")
        if old_jobs:
            fill(folder / "data" / "geojobs_lab", old_jobs)
        born = time.perf_counter()
        process = _launch(folder, config)
        try:
            _wait_until_it_listens(process, port, folder / "log.txt")
            yield Server(f"http://127.0.0.1:{port}/", token, process.pid, born, late)
        finally:
            process.terminate()
            try:
                process.wait(_STOPPING)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _launch(folder: Path, config: Path) -> "subprocess.Popen[bytes]":
    environment = {name: value for name, value in os.environ.items() if not name.startswith(_FOREIGN)}
    environment |= {f"JUPYTER_{kind}_DIR": str(folder / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    with (folder / "log.txt").open("wb") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "jupyter_server", f"--config={config}"],
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=folder,
            env=environment,
        )


def _wait_until_it_listens(process: "subprocess.Popen[bytes]", port: int, log: Path) -> None:
    end = time.perf_counter() + _STARTING
    while time.perf_counter() < end and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            time.sleep(0.005)
    raise RuntimeError(f"the server did not start:\n{log.read_text(errors='replace')}")


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return int(listener.getsockname()[1])
