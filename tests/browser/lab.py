"""JupyterLab and Notebook 7 on a server of their own, and a person in front of them.

`running_lab` starts the real thing with the demo's data and job, and with the long jobs of `TASKS`; `Desk` is a browser
window that keeps what the page asks for; `Notebook` does what a person does: click, type, press keys, look.
"""

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Literal
from urllib.parse import urlsplit

import httpx
import nbformat
import psutil
from playwright.sync_api import Browser, BrowserContext, Locator, Page, Request, Response, WebSocket, expect

from geojobs_lab import Client
from geojobs_lab.cli.configuration import write_configuration

Kind = Literal["lab", "notebook"]

REPOSITORY = Path(__file__).parents[2]
BASE_URL = "/a%20b@c/"
TOKEN = "a-token-for-the-browser"
STARTING = 90  # seconds
STOPPING = 30
PATIENCE = 30_000  # ms that a page may take for anything
_WORKSPACES = itertools.count()
_MODULES = {"lab": "jupyterlab", "notebook": "notebook"}

TASKS = '''
"""Jobs that last, for tests of what people see meanwhile."""

import os
import time
from pathlib import Path

from datetime import date, datetime
from typing import TYPE_CHECKING, Annotated, Literal

from geojobs_lab.colors import Color
from geojobs_lab.parameters import AnyParameter, BooleanParameter, IntParameter, RasterParameter, StringParameter
from geojobs_lab.parameters import BBox
from geojobs_lab.tasks import Field, Task, log, progress, task

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from pyproj import CRS
    from shapely import Polygon


@task
def count(until: int = 10, gate: str = "") -> int:
    """Count as far as the number in a file says, and on when it says more; without a file for ever at 3."""
    log(f"process {os.getpid()}")
    file = Path(__file__).with_name("gates") / (gate or "none")
    for number in range(until):
        progress(number / until, f"{number} of {until}")
        while number >= (int(file.read_text() or 0) if file.exists() else 3):
            time.sleep(0.05)
    return until


@task
def fail(reason: str = "the sea is dry") -> int:
    """Fail on purpose."""
    progress(0.4, "looking at the sea")
    raise ValueError(reason)


class Describe(Task):
    """Say what was asked for; the result is a sentence."""

    name = "describe"
    title = "Describe a raster"
    inputs = (
        RasterParameter("data", title="Data", description="What to describe."),
        IntParameter("classes", default=5, minimum=2, maximum=9, title="Classes", description="How many."),
        StringParameter("method", default="equal", choices=["equal", "quantile"], title="Method"),
        BooleanParameter("land", default=False, title="Only land"),
        StringParameter("note", default="", title="Note"),
    )
    outputs = (AnyParameter("text"),)

    def execute(self, data, classes, method, land, note):
        return f"{data.name}: {classes} {method} classes, land {land}, {note}"


@task(title="One of every kind")
def kinds(
    size: Literal[1, 2, 3, 5, 8, "all"],
    day: Annotated[date, Field(minimum="2000-01-01", maximum="2099-12-31")],
    moment: datetime,
    area: BBox,
    color: Color = "#1f77b4",
    crs: "CRS" = "EPSG:3857",
    outline: "Polygon | None" = None,
    places: "gpd.GeoDataFrame | None" = None,
    data: "xr.Dataset | None" = None,
) -> str:
    """Say what came.

    Parameters
    ----------
    area : BBox
        Where.
    """
    return f"{size!r} {day!r} {moment!r} {area} {color.to_hex()} {crs.to_epsg()} {outline} {len(places)} {sorted(data)}"
'''

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
    (folder / "longtasks.py").write_text(TASKS)
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


# An end is a number after a star: numbers begin anew when the kernel does.
_WATCH = """(panel, index) => {
  panel.run?.observer.disconnect();
  const run = panel.run = {started: false, ended: false};
  run.observer = new MutationObserver(() => {  // the prompt's own element may be made anew
    const prompt = panel.querySelectorAll(".jp-CodeCell")[index]?.querySelector(".jp-InputPrompt");
    if (!prompt) return;
    if (prompt.textContent.includes("*")) run.started = true;
    else if (run.started) { run.ended = true; run.observer.disconnect(); }
  });
  run.observer.observe(panel, {childList: true, characterData: true, subtree: true});
}"""


class Desk:
    """A browser window of somebody who is logged in, and what its pages asked for.

    Attributes
    ----------
    responses : list of Response
        The answers so far.
    """

    def __init__(
        self, browser: Browser, lab: RunningLab, *, width: int = 1280, height: int = 1000, scale: float = 1
    ) -> None:
        view = {"width": width, "height": height}
        self._sit(browser.new_context(viewport=view, device_scale_factor=scale), lab)

    @classmethod
    def beside(cls, desk: "Desk") -> "Desk":
        """Open another tab, with the cookies of the first."""
        other = cls.__new__(cls)
        other._sit(desk.context, desk.lab)
        return other

    def _sit(self, context: BrowserContext, lab: RunningLab) -> None:
        self.lab, self.context = lab, context
        self.page = self.context.new_page()
        self.page.set_default_timeout(PATIENCE)
        self.requests: list[Request] = []
        self.responses: list[Response] = []
        self.complaints: list[str] = []
        self.sockets: list[str] = []
        self.heard: set[str] = set()  # the sockets that something came from
        self.context.on("request", lambda request: self.requests.append(request))
        self.context.on("response", lambda response: self.responses.append(response))
        self.page.on("websocket", self._keep)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))

    def open(self, name: str) -> "Notebook":
        """Open a notebook of the server."""
        self.page.goto(self.lab.page_url(name))
        return Notebook(self, name)

    def foreign(self) -> list[str]:
        """The URLs asked for that are not the server's."""
        asked = [request.url for request in self.requests] + self.sockets
        return [url for url in asked if urlsplit(url).scheme not in ("data", "blob") and not self._ours(url)]

    def asked(self, part: str, since: int = 0) -> list[str]:
        """The URLs with this part in them, of the requests after the first `since`."""
        return [request.url for request in self.requests[since:] if part in request.url]

    def answers(self, part: str) -> list[Response]:
        """The answers from URLs with this part in them."""
        return [response for response in self.responses if part in response.url]

    def close(self) -> None:
        self.context.close()

    def _keep(self, socket: WebSocket) -> None:
        self.sockets.append(socket.url)
        socket.on("framereceived", lambda _: self.heard.add(socket.url))

    def _ours(self, url: str) -> bool:
        return urlsplit(url).netloc == self.lab.host


class Notebook:
    """An open notebook, used by mouse and keyboard. Cells are counted from 0, code cells only."""

    def __init__(self, desk: Desk, name: str) -> None:
        self.desk, self.page, self.name = desk, desk.page, name
        self.panel = self.page.locator(".jp-NotebookPanel:visible").filter(has=self.page.locator(".jp-Cell")).first
        self.panel.locator(".jp-CodeCell").first.wait_for(timeout=2 * PATIENCE)
        self.wait_until_idle()

    @property
    def cells(self) -> Locator:
        return self.panel.locator(".jp-Notebook .jp-CodeCell")

    def cell(self, index: int) -> Locator:
        return self.cells.nth(index)

    def output(self, index: int) -> Locator:
        """The outputs of a cell."""
        return self.cell(index).locator(".jp-Cell-outputArea")

    def wait_until_idle(self) -> None:
        """Wait until the page talks with a kernel that has nothing to do."""
        until(self.page, self._is_connected, "the kernel is there")
        self.panel.locator('.jp-Notebook-ExecutionIndicator[data-status="idle"]').wait_for(timeout=2 * PATIENCE)

    def _is_connected(self) -> bool:
        kernels = self.desk.lab.kernels(self.name)
        idle = [kernel for kernel, state in kernels.items() if state == "idle"]
        return any(f"/kernels/{kernel}/channels" in socket for kernel in idle for socket in self.desk.heard)

    def select(self, index: int) -> None:
        """Click into a cell."""
        editor = self.cell(index).locator(".cm-content")
        editor.scroll_into_view_if_needed()
        editor.click()

    def write(self, index: int, source: str) -> None:
        """Replace the text of a cell, as pasting does."""
        self.select(index)
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(source)

    def add(self, source: str) -> int:
        """Put a cell at the end and return its number."""
        last = self.cells.count() - 1
        self.select(last)
        self.page.keyboard.press("Escape")
        self.page.keyboard.press("b")
        expect(self.cells).to_have_count(last + 2)
        self.write(last + 1, source)
        return last + 1

    def start(self, index: int) -> None:
        """Run a cell, and come back at once; what is pressed while the page is still settling is pressed again."""
        self.panel.evaluate(_WATCH, index)
        for _ in range(5):
            self.select(index)
            self.page.keyboard.press("Control+Enter")
            end = time.monotonic() + 2
            while time.monotonic() < end:
                if self.panel.evaluate("panel => panel.run.started"):
                    return
                self.page.wait_for_timeout(30)
        raise AssertionError(f"cell {index} does not start")

    def run(self, index: int, timeout: float = PATIENCE) -> Locator:
        """Run a cell to its end and return its outputs."""
        self.start(index)
        until(self.page, lambda: self.panel.evaluate("panel => panel.run.ended"), f"cell {index} ended", timeout)
        return self.output(index)

    def run_all(self, *indices: int, timeout: float = 2 * PATIENCE) -> None:
        for index in indices or range(self.cells.count()):
            self.run(index, timeout)

    def do(self, source: str) -> Locator:
        """Write a new cell, run it to its end, and return its outputs."""
        return self.run(self.add(source))

    def prompt(self, index: int) -> str:
        """What stands left of a cell: ``[ ]:``, ``[*]:`` while it runs, ``[3]:`` afterwards."""
        return self.cell(index).locator(".jp-InputPrompt").inner_text()

    def is_running(self, index: int) -> bool:
        return "*" in self.prompt(index)

    def text(self, index: int) -> str:
        return self.output(index).inner_text()

    def interrupt(self) -> None:
        """Press I twice."""
        self._command("i", "i")

    def restart(self) -> None:
        """Press 0 twice and agree."""
        self._command("0", "0")
        self.page.locator(".jp-Dialog button.jp-mod-accept").click()
        self.page.locator(".jp-Dialog").wait_for(state="detached")

    def delete(self, index: int) -> None:
        """Press D twice in a cell."""
        self.select(index)
        self._command("d", "d")

    def _command(self, *keys: str) -> None:
        if self.page.locator(".jp-Notebook.jp-mod-editMode:visible").count():
            self.page.keyboard.press("Escape")
        else:
            self.cells.last.locator(".jp-InputPrompt").click()
        for key in keys:
            self.page.keyboard.press(key)


def until(page: Page, holds: Callable[[], object], what: str, timeout: float = PATIENCE) -> None:
    """Look again and again, while the page lives on, until something holds."""
    end = time.monotonic() + timeout / 1000
    while not holds():
        assert time.monotonic() < end, f"it never came that {what}"
        page.wait_for_timeout(50)
