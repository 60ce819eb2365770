"""What the tests of several rooms share: real Jupyter servers with the extension.

`geojobs_server` starts a Jupyter server in a folder of its own, far from the user's configuration.
"""

import json
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import hypothesis
import psutil
import pytest

# A slow machine is no fault of what is tested.
hypothesis.settings.register_profile("geojobs", deadline=None)
hypothesis.settings.load_profile("geojobs")

REPOSITORY = Path(__file__).parent.parent
BASE_URL = "/a%20b@c/"
TOKEN = "a-token-for-tests"
STARTING = 240  # seconds, on a machine that is very busy
STOPPING = 60
#: Jupyter's own extensions, which no test of ours needs here: those with a browser have a real JupyterLab
OTHERS = ("jupyter_lsp", "jupyter_server_terminals", "jupyterlab", "notebook", "notebook_shim")
#: ``python -m jupyter_server`` without the grammar of IRIs that jsonschema would build at each start, for a second
START = """
import runpy, sys
sys.modules["rfc3987_syntax"] = None
runpy.run_module("jupyter_server", run_name="__main__", alter_sys=True)
"""
#: certificates are of no use without TLS, and each client reads all of them; nor is a proxy
PLAIN: dict[str, bool] = {"verify": False, "trust_env": False}


@dataclass(frozen=True)
class RunningServer:
    """A Jupyter server with the extension.

    Attributes
    ----------
    url : str
        The base URL, with host and port.
    folder : Path
        ``root`` (what Jupyter shows), ``data``, ``log.txt`` are below it.
    """

    url: str
    token: str
    folder: Path
    process: subprocess.Popen[bytes]

    @property
    def api(self) -> str:
        return f"{self.url}geoprocessing/rest/"

    @property
    def path(self) -> str:
        """The API's URL without scheme and host: what root-relative URLs begin with."""
        return httpx.URL(self.api).raw_path.decode()

    @property
    def origin(self) -> str:
        url = httpx.URL(self.url)
        return f"{url.scheme}://{url.host}:{url.port}"

    def client(self, *, token: bool = True, **options: object) -> httpx.Client:
        """Return an HTTP client whose URLs are relative to the API, with or without the token."""
        headers = {"Authorization": f"token {self.token}"} if token and self.token else {}
        return httpx.Client(base_url=self.api, headers=headers, timeout=60, **PLAIN, **options)

    def log(self) -> str:
        return (self.folder / "log.txt").read_text()

    def stop(self) -> int:
        """End the server as a system does, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        return self.process.wait(STOPPING)


ServerFactory = Callable[..., AbstractContextManager[RunningServer]]


@pytest.fixture(scope="session")
def geojobs_server(tmp_path_factory: pytest.TempPathFactory) -> ServerFactory:
    """Return a context manager: ``with geojobs_server(config) as server``.

    The server ends with the context, and has to do so in order: `exit_code`, no process left, no traceback in the log
    (unless ``tracebacks=True``). It counts as started when the API answers its root with the status `up`.
    """

    @contextmanager
    def start(
        config: str = "",
        *,
        base_url: str = BASE_URL,
        token: str = TOKEN,
        tracebacks: bool = False,
        up: int = 200,
        environment: Mapping[str, str] | None = None,
        folder: Path | None = None,
        exit_code: int = 0,
    ) -> Iterator[RunningServer]:
        folder = folder or tmp_path_factory.mktemp("server")
        process = _launch(folder, config, base_url, token, environment or {})
        try:
            server = RunningServer(_wait_until_up(process, folder, token, up), token, folder, process)
            yield server
            family = psutil.Process(process.pid).children(recursive=True) if process.poll() is None else []
            code = server.stop()
            _, alive = psutil.wait_procs(family, timeout=10)
            assert code == exit_code, server.log()
            assert not alive, f"left behind: {alive}"
            assert tracebacks or "Traceback" not in server.log(), server.log()
        finally:
            if process.poll() is None:
                process.kill()
                process.wait()

    return start


def _launch(
    folder: Path, config: str, base_url: str, token: str, environment: Mapping[str, str]
) -> "subprocess.Popen[bytes]":
    for name in ("root", "config", "data", "runtime"):
        (folder / name).mkdir(exist_ok=True)
    file = folder / "config" / "jupyter_server_config.py"
    file.write_text(
        "\n".join(
            [
                "c = get_config()",
                f"c.ServerApp.jpserver_extensions = { {'geojobs_lab_server': True, **dict.fromkeys(OTHERS, False)} }",
                "c.ServerApp.ip = '127.0.0.1'",
                f"c.ServerApp.port = {random.randint(20_000, 50_000)}",
                f"c.ServerApp.base_url = {base_url!r}",
                f"c.ServerApp.root_dir = {str(folder / 'root')!r}",
                f"c.IdentityProvider.token = {token!r}",
                config,
            ]
        )
    )
    paths = [str(REPOSITORY), str(REPOSITORY / "jupyter_extension"), os.environ.get("PYTHONPATH", "")]
    env = {
        **{name: value for name, value in os.environ.items() if not name.startswith(("JUPYTER", "JPY", "GEOJOBS"))},
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "HOME": str(folder),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "data"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        **environment,
    }
    with (folder / "log.txt").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-c", START, "--no-browser", "--allow-root"],
            stdout=log,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
            cwd=folder / "root",
            env=env,
        )


def _wait_until_up(process: "subprocess.Popen[bytes]", folder: Path, token: str, up: int) -> str:
    """Return the server's base URL when the extension answers."""
    end = time.monotonic() + STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            # Jupyter tries other ports when one is taken: only its own note tells which it got.
            url = json.loads((folder / "runtime" / f"jpserver-{process.pid}.json").read_text())["url"]
            url = url.replace("localhost", "127.0.0.1")
            headers = {"Authorization": f"token {token}"} if token else {}
            answer = httpx.get(f"{url}geoprocessing/rest/", headers=headers, timeout=10, **PLAIN)
            if answer.status_code == up:
                return url
        except (FileNotFoundError, ValueError, httpx.TransportError):
            pass
        time.sleep(0.05)
    raise AssertionError(f"the server did not start:\n{(folder / 'log.txt').read_text()}")
