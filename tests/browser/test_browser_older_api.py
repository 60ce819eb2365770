"""The older API's way of use: a web page with jQuery 2 that posts two form fields and polls."""

import importlib.util
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from playwright.sync_api import Page

FAULTY = Path(__file__).parent.parent / "jobs" / "faulty"
JOBS = f"""
import sys
sys.path.insert(0, {str(FAULTY)!r})
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": f"faulty_tasks.{{name}}"}} for name in ("double", "raises")
}}
"""
PAGE = """<!doctype html>
<title>The older API</title>
<script src="jquery.js"></script>
<script>
  function cookie(name) {
    var found = document.cookie.match("(?:^|; )" + name + "=([^;]*)");
    return found ? decodeURIComponent(found[1]) : "";
  }
  function run(root, headers, job, inputs) {
    $.ajaxSetup({headers: headers});
    function poll(data) {
      window.seen.push(data.status);
      if (data.status === "pending" || data.status === "started") {
        setTimeout(function () { $.get(root + "jobs/" + data.uuid + "/").done(poll).fail(fail); }, 50);
      } else {
        window.result = {status: data.status, outputs: JSON.parse(data.outputs), inputs: JSON.parse(data.inputs)};
      }
    }
    function fail(xhr) { window.result = {http: xhr.status, answer: xhr.responseJSON || null}; }
    window.seen = [];
    window.result = null;
    $.post(root + "jobs/", {job: job, inputs: JSON.stringify(inputs)}).done(poll).fail(fail);
  }
</script>
"""

pytestmark = pytest.mark.browser


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A folder with the page and with jQuery 2."""
    folder = tmp_path / "site"
    folder.mkdir()
    package = importlib.util.find_spec("jquery")
    assert package is not None
    assert package.origin is not None
    jquery = (Path(package.origin).parent / "static" / "js" / "jquery.js").read_text()
    assert "jQuery v2." in jquery[:200]
    (folder / "jquery.js").write_text(jquery)
    (folder / "page.html").write_text(PAGE)
    return folder


@contextmanager
def served(folder: Path) -> Iterator[str]:
    """Serve a folder from an origin of its own."""
    handler = partial(SimpleHTTPRequestHandler, directory=folder)
    handler.func.log_message = lambda *_: None  # type: ignore[attr-defined]
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}/"
    server.shutdown()
    thread.join()
    server.server_close()


def result(page: Page) -> dict:
    page.wait_for_function("window.result !== null", timeout=30_000)
    return page.evaluate("window.result")


def test_a_page_on_the_servers_origin_submits_and_polls_with_its_cookie(geojobs_server, page: Page, site: Path) -> None:
    config = f"{JOBS}\nc.ServerApp.extra_static_paths = [{str(site)!r}]"
    with geojobs_server(config) as server:
        page.goto(f"{server.url}login?token={server.token}")
        page.goto(f"{server.url}static/page.html")
        page.evaluate("root => run(root, {'X-CSRFToken': cookie('_xsrf')}, 'double', {value: 5})", server.path)
        assert result(page) == {"status": "success", "outputs": {"result": 10}, "inputs": {"value": 5}}
        assert page.evaluate("window.seen[0]") == "pending"

        page.evaluate("root => run(root, {'X-CSRFToken': cookie('_xsrf')}, 'raises', {})", server.path)
        assert result(page)["status"] == "failure"

        page.evaluate("root => run(root, {'X-CSRFToken': cookie('_xsrf')}, 'nothing', {})", server.path)
        refused = result(page)
        assert refused["http"] == 400
        assert "'nothing'" in refused["answer"]["message"]

        page.evaluate("root => run(root, {'X-CSRFToken': 'wrong'}, 'double', {value: 5})", server.path)
        assert result(page)["http"] == 403  # the XSRF token is asked for


def test_a_page_on_another_origin_uses_the_api_with_a_token(geojobs_server, page: Page, site: Path) -> None:
    with served(site) as origin, geojobs_server(f"{JOBS}\nc.ServerApp.allow_origin = {origin.rstrip('/')!r}") as server:
        page.goto(f"{origin}page.html")
        headers = {"Authorization": f"token {server.token}"}
        page.evaluate("([root, headers]) => run(root, headers, 'double', {value: 6})", [server.api, headers])
        assert result(page) == {"status": "success", "outputs": {"result": 12}, "inputs": {"value": 6}}


def test_a_page_on_another_origin_gets_nothing_without_leave(geojobs_server, page: Page, site: Path) -> None:
    with served(site) as origin, geojobs_server(JOBS) as server:
        page.goto(f"{origin}page.html")
        headers = {"Authorization": f"token {server.token}"}
        page.evaluate("([root, headers]) => run(root, headers, 'double', {value: 6})", [server.api, headers])
        assert result(page) == {"http": 0, "answer": None}
        with server.client() as client:
            assert client.get("jobs/").json()["count"] == 0
