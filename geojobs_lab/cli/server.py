"""A Jupyter server of our own as a child process: started below a folder, and never left behind.

It holds nothing but what is below that folder, ends when it is told to, and ends by itself when this process does:
its standard input is a pipe of ours, and its configuration calls `end_with_parent`.
"""

import os
import secrets
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from geojobs_lab.cli.configuration import write_configuration
from geojobs_lab.client import Client
from geojobs_lab.client.runtime import read_server
from geojobs_lab.errors import ConfigurationError, ServerNotFound

_START = 90.0  # seconds that a start may take; a first import on a slow disk is slow
_STOP = 20.0  # seconds until a server that is told to stop is killed
_LOOK = 0.1  # seconds between two looks
_TAIL = 30  # lines of the log that an error shows

# What tells a Jupyter process of another server: ours knows none.
_FOREIGN = ("GEOJOBS_", "JUPYTERHUB_", "JPY_", "JUPYTER_TOKEN", "JUPYTER_SERVER_", "JUPYTER_PORT")

_PRIVATE = """
from geojobs_lab.cli.server import end_with_parent

end_with_parent()
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = 0
c.ServerApp.open_browser = False
c.ServerApp.root_dir = {root!r}
c.IdentityProvider.token = {token!r}
c.GeoJobsApp.data_dir = {data!r}
"""


class JupyterServer:
    """A running child.

    Attributes
    ----------
    client : Client
        Connected to it.
    """

    def __init__(self, folder: Path) -> None:
        root, config, runtime_dir = folder / "root", folder / "jupyter_server_config.py", folder / "runtime"
        root.mkdir()
        token = secrets.token_urlsafe(24)
        private = _PRIVATE.format(root=str(root), token=token, data=str(folder / "data"))
        write_configuration(config, private=private)
        environment = {key: value for key, value in os.environ.items() if not key.startswith(_FOREIGN)}
        environment |= {
            "JUPYTER_CONFIG_DIR": str(folder / "config"),
            "JUPYTER_DATA_DIR": str(folder / "share"),
            "JUPYTER_RUNTIME_DIR": str(runtime_dir),
        }
        with (folder / "server.log").open("wb") as log:
            self._process = subprocess.Popen(  # noqa: S603  # our own interpreter
                # `jupyter server` would run the first jupyter-server on the PATH, perhaps another environment's
                [sys.executable, "-m", "jupyter_server", f"--config={config}"],
                stdin=subprocess.PIPE,
                stdout=log,
                stderr=subprocess.STDOUT,
                cwd=folder,
                env=environment,
                start_new_session=True,  # Ctrl-C is for us
            )
        try:
            self.client = self._connect(runtime_dir)
        except BaseException:
            self.stop()
            raise

    def _connect(self, runtime_dir: Path) -> Client:
        deadline = time.monotonic() + _START
        reason = "it did not announce itself"
        while time.monotonic() < deadline:
            if self._process.poll() is not None:
                raise ServerNotFound(f"the Jupyter server ended at once, with code {self._process.returncode}")
            announced = read_server(runtime_dir, self._process.pid)
            if announced is not None:
                try:
                    return Client(announced.url, announced.token)
                except ServerNotFound as error:
                    reason = str(error)
            time.sleep(_LOOK)
        raise ServerNotFound(f"the Jupyter server was not ready after {_START:.0f} s: {reason}")

    def wait_until_ready(self, services: tuple[str, ...], job: str) -> None:
        """Wait until services and a job can be used.

        Raises
        ------
        ConfigurationError
            One of them will never be, or is not in time.
        """
        registered = self.client.registered_job(job)
        if not registered.available:
            raise ConfigurationError(f"job {job!r} is not available: {registered.reason}", entry=job)
        deadline = time.monotonic() + _START
        for name in services:
            service = self.client.service(name)
            while service.state == "publishing" and time.monotonic() < deadline:
                time.sleep(_LOOK)
                service = service.refresh()
            if service.state != "ready":
                reason = service.document.get("reason") or "the reason is in its log"
                raise ConfigurationError(f"service {name!r} is {service.state}: {reason}", entry=name)

    def stop(self) -> None:
        """Stop it and wait for its end; a second call does nothing."""
        if hasattr(self, "client"):
            self.client.close()
        self._process.terminate()
        try:
            self._process.wait(_STOP)
        except subprocess.TimeoutExpired:
            os.killpg(self._process.pid, signal.SIGKILL)
            self._process.wait()
        if self._process.stdin is not None:
            self._process.stdin.close()


@contextmanager
def running_server(folder: Path) -> Iterator[JupyterServer]:
    """Run a server for a while; an error on the way gets the end of the server's log as a note."""
    try:
        server = JupyterServer(folder)
        try:
            yield server
        finally:
            server.stop()
    except Exception as error:
        log = folder / "server.log"
        if log.exists():
            lines = log.read_text(errors="replace").splitlines()[-_TAIL:]
            error.add_note("\n".join(["the end of the server's log:", *(f"  {line}" for line in lines)]))
        raise


def end_with_parent() -> None:
    """Stop this process, a Jupyter server, when the one that holds the other end of its standard input is gone."""

    def watch() -> None:
        while os.read(0, 1024):
            pass
        os.kill(os.getpid(), signal.SIGTERM)

    threading.Thread(target=watch, name="geojobs-parent", daemon=True).start()
