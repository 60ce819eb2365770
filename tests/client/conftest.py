"""A scripted server for forced faults: it answers what a test says, and keeps what it was asked."""

import json
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread
from types import SimpleNamespace
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from geojobs_lab.client import Client, transport
from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import Address

ROOT = {"name": "geojobs_lab", "version": "0", "links": {}}


class _Quiet(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:
        pass  # clients that leave are part of the tests


class ScriptedServer:
    """Answers by (method, path below the API); a list is worked off, its last answer stays."""

    def __init__(self, base: str = "/", token: str = "secret") -> None:
        self.base, self.token = base, token
        self.answers: dict[tuple[str, str], Any] = {("GET", ""): ROOT}
        self.asked: list[SimpleNamespace] = []
        outer = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *args: Any) -> None:
                pass

            def handle_one(self) -> None:
                body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
                url = urlsplit(self.path)
                prefix = f"{outer.base}geoprocessing/rest/"
                request = SimpleNamespace(
                    method=self.command,
                    path=url.path.removeprefix(prefix),
                    query=dict(parse_qsl(url.query)),
                    headers=dict(self.headers),
                    body=body,
                )
                outer.asked.append(request)
                if not url.path.startswith(prefix):
                    status, content = 404, "<html>no such page</html>"
                elif outer.token and self.headers.get("Authorization") != f"token {outer.token}":
                    status, content = 403, {"message": "Forbidden", "reason": None, "errors": {}}
                else:
                    status, content = outer.next_answer(request)
                self.reply(status, content)

            do_GET = do_POST = do_DELETE = do_PATCH = handle_one

            def reply(self, status: int, content: Any) -> None:
                if status == 0:  # hang up
                    self.close_connection = True
                    return
                kind, data = "application/json", content
                if isinstance(content, str):
                    kind, data = "text/html", content.encode()
                elif not isinstance(content, bytes):
                    data = json.dumps(content).encode()
                self.send_response(status)
                if status == 302:
                    self.send_header("Location", "/login")
                if status == 204:
                    self.end_headers()
                    return
                self.send_header("Content-Type", kind)
                self.send_header("Content-Length", str(len(data)))
                self.end_headers()
                self.wfile.write(data)

        self.http = _Quiet(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}{base}"
        self.thread = Thread(target=self.http.serve_forever, kwargs={"poll_interval": 0.02})
        self.thread.start()

    def answer(self, method: str, path: str, *answers: Any) -> None:
        """Set answers: a document, ``(status, content)``, or a function of the request that returns either."""
        self.answers[method, path] = list(answers)

    def next_answer(self, request: SimpleNamespace) -> tuple[int, Any]:
        script = self.answers.get((request.method, request.path))
        if script is None:
            return 404, {"message": f"there is no {request.path!r}", "reason": None, "errors": {}}
        answer = (script.pop(0) if len(script) > 1 else script[0]) if isinstance(script, list) else script
        if callable(answer):
            answer = answer(request)
        return answer if isinstance(answer, tuple) else (200, answer)

    def close(self) -> None:
        self.http.shutdown()
        self.thread.join()
        self.http.server_close()


@pytest.fixture
def scripted() -> Iterator[ScriptedServer]:
    server = ScriptedServer()
    yield server
    server.close()


@pytest.fixture
def line(scripted: ScriptedServer) -> Iterator[Transport]:
    """A transport to the scripted server."""
    made = Transport(Address(scripted.url, "secret", "the test"))
    yield made
    made.close()


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """Wait for nobody longer than a blink."""
    from geojobs_lab.client import waiting

    monkeypatch.setattr(transport, "_ANSWER", 0.3)
    monkeypatch.setattr(transport, "_LOOK", 0.3)
    monkeypatch.setattr(waiting, "_PATIENCE", 0.2)
    monkeypatch.setattr(waiting, "_TICK", 0.05)


@pytest.fixture
def nowhere() -> str:
    """The URL of a port that nobody listens on."""
    server = ScriptedServer()
    server.close()
    return server.url


TASKS = '''
import time
import numpy as np
from geojobs_lab.parameters import AnyParameter, IntParameter
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import Task, log, progress, task


class AddOne(Task):
    """Adds one."""

    name = "add_one"
    inputs = [IntParameter("in", description="A number <b>to add to</b>")]
    outputs = [IntParameter("out")]

    def execute(self, **inputs):
        return inputs["in"] + 1


class Echo(Task):
    name = "echo"
    inputs = [AnyParameter("value")]
    outputs = [AnyParameter("value")]

    def execute(self, value):
        return value


@task
def slow(seconds: float = 60.0, data: Raster | None = None) -> str:
    log("it begins")
    progress(0.25, "a quarter")
    time.sleep(seconds)
    return "done"


@task
def broken() -> int:
    log("about to fail", "WARNING")
    raise ValueError("the value is wrong")


@task
def numbers(size: int) -> np.ndarray:
    return np.arange(size, dtype=float)


@task
def doubled(data: Raster) -> Raster:
    """Double a raster."""
    return data * 2
'''

CONFIG = """
import sys
sys.path.insert(0, {tasks!r})
from geojobs_lab.renderers import Color, StretchedRenderer
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": f"clienttasks.{{task}}", "publish_raster_results": True}}
    for name, task in {{"add_one": "AddOne", "echo": "Echo", "slow": "slow", "broken": "broken",
                       "numbers": "numbers", "doubled": "doubled", "misspelt": "NoSuchTask"}}.items()
}}
c.GeoJobsApp.expose_library = False
c.GeoJobsApp.services = {{"climate/a1b": {a1b!r}}}
c.GeoJobsApp.service_roots = [{published!r}]
c.GeoJobsApp.max_workers = 2
"""


@pytest.fixture(scope="session")
def a1b() -> Path:
    """A real climate run over North America."""
    import iris_sample_data

    return Path(iris_sample_data.__path__[0]) / "sample_data" / "A1B_north_america.nc"


@pytest.fixture(scope="session")
def published_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("published")


@pytest.fixture(scope="session")
def lab_server(geojobs_server: Any, tmp_path_factory: pytest.TempPathFactory, a1b: Path, published_dir: Path) -> Any:
    """A real Jupyter server with jobs and data."""
    folder = tmp_path_factory.mktemp("tasks")
    (folder / "clienttasks.py").write_text(TASKS)
    config = CONFIG.format(tasks=str(folder), a1b=str(a1b), published=str(published_dir))
    with geojobs_server(config) as running:
        yield running


@pytest.fixture
def client(lab_server: Any) -> Iterator[Client]:
    with Client(lab_server.url, lab_server.token) as made:
        yield made
