"""JupyterLab and Notebook 7 on a server of their own, with the demo's data and job, and the jobs of `longtasks`."""

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import nbformat
import psutil

from geojobs_lab import Client
from geojobs_lab.cli.configuration import write_configuration

Kind = Literal["lab", "notebook"]

REPOSITORY = Path(__file__).parents[2]
BASE_URL = "/a%20b@c/"
TOKEN = "a-token-for-the-browser"
STARTING = 90  # seconds
STOPPING = 30
_WORKSPACES = itertools.count()
_MODULES = {"lab": "jupyterlab", "notebook": "notebook"}

_PRIVATE = """
import sys
from geojobs_lab.cli.server import end_with_parent

end_with_parent()
sys.path.insert(0, {folder!r})
for _name, _task in {{"count": "count", "fail": "fail", "describe": "Describe", "kinds": "kinds"}}.items():
    c.GeoJobsApp.registered_jobs[_name] = {{"type": "task", "task": f"longtasks.{{_task}}"}}
c.GeoJobsApp.data_dir = {data!r}
c.GeoJobsApp.max_workers = 3
c.ServerApp.ip = "127.0.0.1"
c.ServerApp.port = 0
c.ServerApp.base_url = {base_url!r}
c.ServerApp.open_browser = False
c.ServerApp.root_dir = {root!r}
c.IdentityProvider.token = {token!r}
c.LabApp.news_url = None
c.LabApp.check_for_updates_class = "jupyterlab.NeverCheckForUpdate"
c.LabApp.extension_manager = "readonly"
# no look whether it should be built anew, which takes seconds
c.ServerApp.tornado_settings = {{"page_config_data": {{"buildCheck": False, "buildAvailable": False}}}}
"""


@dataclass(frozen=True)
class RunningLab:
    """JupyterLab or Notebook 7.

    Attributes
    ----------
    kind : str
        ``lab`` or ``notebook``.
    url : str
        The base URL, with host and port.
    folder : Path
        What it shows is in ``root``; ``log.txt`` is beside.
    """

    kind: Kind
    url: str
    token: str
    folder: Path
    process: "subprocess.Popen[bytes]"

    @property
    def host(self) -> str:
        return urlsplit(self.url).netloc

    def client(self) -> Client:
        return Client(self.url, self.token)

    def copy(self, file: Path, name: str) -> str:
        """Put a file on the server and return its name."""
        (self.folder / "root" / name).write_bytes(file.read_bytes())
        return name

    def write(self, name: str, cells: Sequence[str]) -> str:
        """Put a notebook with these cells on the server and return its name."""
        notebook = nbformat.v4.new_notebook(
            cells=[nbformat.v4.new_code_cell(source) for source in cells],
            metadata={"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}},
        )
        nbformat.write(notebook, self.folder / "root" / name)
        return name

    def allow(self, gate: str, number: int) -> None:
        """Let the counting jobs of a gate go on to a number."""
        (self.folder / "gates" / gate).write_text(str(number))

    def kernels(self, name: str) -> dict[str, str]:
        """Return the kernels of a notebook and what they are doing."""
        headers = {"Authorization": f"token {self.token}"}
        sessions = httpx.get(f"{self.url}api/sessions", headers=headers, trust_env=False, timeout=30).json()
        kernels = [session["kernel"] for session in sessions if session["path"] == name]
        return {kernel["id"]: kernel["execution_state"] for kernel in kernels}

    def page_url(self, name: str) -> str:
        workspace = f"{Path(name).stem}-{next(_WORKSPACES)}"  # nothing is left open from before
        place = f"lab/workspaces/{workspace}/tree" if self.kind == "lab" else "notebooks"
        return f"{self.url}{place}/{name}?token={self.token}"

    def log(self) -> str:
        return (self.folder / "log.txt").read_text(errors="replace")


@contextmanager
def running_lab(kind: Kind, folder: Path, *, base_url: str = BASE_URL, dark: bool = False) -> Iterator[RunningLab]:
    """Run JupyterLab or Notebook 7 for a while, and see that it ends in order with all that it started."""
    root, config = folder / "root", folder / "config"
    for new in (root, config / "labconfig"):
        new.mkdir(parents=True)
    (folder / "gates").mkdir()
    shutil.copy(Path(__file__).with_name("longtasks.py"), folder)
    settings = {
        "@jupyterlab/apputils-extension:notification": {"fetchNews": "false", "checkForUpdates": False},
        "@jupyterlab/apputils-extension:themes": {"theme": "JupyterLab Dark" if dark else "JupyterLab Light"},
    }
    (config / "labconfig" / "default_setting_overrides.json").write_text(json.dumps(settings))
    private = _PRIVATE.format(
        folder=str(folder), data=str(folder / "geojobs"), base_url=base_url, root=str(root), token=TOKEN
    )
    write_configuration(config / "jupyter_server_config.py", private=private)
    with (folder / "log.txt").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", _MODULES[kind], f"--config={config / 'jupyter_server_config.py'}"],
            stdin=subprocess.PIPE,  # its end is the server's end
            stdout=log,
            stderr=subprocess.STDOUT,
            cwd=root,
            env=_environment(folder),
        )
    family: list[psutil.Process] = []
    try:
        lab = RunningLab(kind, _wait_until_up(process, folder), TOKEN, folder, process)
        yield lab
        family = psutil.Process(process.pid).children(recursive=True)
        process.send_signal(signal.SIGTERM)
        code = _end_of(process)
        assert code == 0, f"it ended with {code}:\n{lab.log()}"
        alive = psutil.wait_procs(family, timeout=10)[1]
        assert not alive, f"left behind: {alive}"
    finally:
        for left in [process, *family]:
            if left.poll() is None if left is process else left.is_running():
                left.kill()
        process.wait()
        assert process.stdin is not None
        process.stdin.close()


def _end_of(process: "subprocess.Popen[bytes]") -> int | None:
    try:
        return process.wait(STOPPING)
    except subprocess.TimeoutExpired:
        return None


def _environment(folder: Path) -> dict[str, str]:
    paths = [str(REPOSITORY), str(REPOSITORY / "jupyter_extension"), os.environ.get("PYTHONPATH", "")]
    foreign = ("JUPYTER", "JPY", "GEOJOBS")
    return {
        **{name: value for name, value in os.environ.items() if not name.startswith(foreign)},
        "PYTHONPATH": os.pathsep.join(filter(None, paths)),
        "JUPYTER_CONFIG_DIR": str(folder / "config"),
        "JUPYTER_DATA_DIR": str(folder / "share"),
        "JUPYTER_RUNTIME_DIR": str(folder / "runtime"),
        "JUPYTERLAB_SETTINGS_DIR": str(folder / "settings"),
        "JUPYTERLAB_WORKSPACES_DIR": str(folder / "workspaces"),
        "IPYTHONDIR": str(folder / "ipython"),
    }


def _wait_until_up(process: "subprocess.Popen[bytes]", folder: Path) -> str:
    """Return the base URL when the demo's services are ready."""
    end = time.monotonic() + STARTING
    while time.monotonic() < end and process.poll() is None:
        try:
            url = json.loads((folder / "runtime" / f"jpserver-{process.pid}.json").read_text())["url"]
            url = url.replace("localhost", "127.0.0.1")
            headers = {"Authorization": f"token {TOKEN}"}
            services = httpx.get(f"{url}geoprocessing/rest/services/", headers=headers, trust_env=False, timeout=10)
            if all(service["state"] == "ready" for service in services.raise_for_status().json()["results"]):
                return url
        except (FileNotFoundError, ValueError, httpx.HTTPError):
            pass
        time.sleep(0.1)
    raise AssertionError(f"it did not start:\n{(folder / 'log.txt').read_text()}")
