import subprocess
import sys
import time

import psutil
import pytest

from geojobs_lab.cli import configuration, server
from geojobs_lab.cli.server import running_server
from geojobs_lab.errors import ConfigurationError, ServerNotFound

HOLD = """
import sys, time
from pathlib import Path
from geojobs_lab.cli.server import running_server
with running_server(Path(sys.argv[1])) as running:
    print(running.client.url, flush=True)
    time.sleep(600)
"""


@pytest.fixture
def family():
    """Return the children of this process that were not there before the test."""
    others = set(psutil.Process().children())
    return lambda: set(psutil.Process().children()) - others


def with_children(running) -> list[psutil.Process]:
    process = psutil.Process(running._process.pid)
    return [process, *process.children(recursive=True)]


def test_a_server_runs_for_a_while_and_leaves_nothing(tmp_path):
    with running_server(tmp_path) as running:
        running.wait_until_ready(("a1b", "e1"), "warming")
        assert [service.name for service in running.client.services()] == ["a1b", "e1"]
        started = with_children(running)
        assert len(started) > 1  # workers too
    assert not psutil.wait_procs(started, timeout=10)[1]
    with pytest.raises(ServerNotFound):
        running.client.services()


def test_a_server_knows_nothing_of_the_one_around_it(tmp_path, monkeypatch):
    monkeypatch.setenv("JUPYTER_TOKEN", "foreign")
    monkeypatch.setenv("JUPYTERHUB_SERVICE_PREFIX", "/user/me/")
    monkeypatch.setenv("GEOJOBS_URL", "http://nowhere/")
    with running_server(tmp_path) as running:
        assert running.client.transport.address.token != "foreign"
        process = psutil.Process(running._process.pid)
        names = {name for name in process.environ() if name.startswith(("JUPYTER", "GEOJOBS"))}
    assert names <= {
        "JUPYTER_CONFIG_DIR",
        "JUPYTER_DATA_DIR",
        "JUPYTER_RUNTIME_DIR",
        "GEOJOBS_SERVER_URL",
        "GEOJOBS_SERVER_PID",
    }


def test_a_server_that_does_not_start_shows_its_log(tmp_path, monkeypatch, family):
    monkeypatch.setattr(configuration, "_TEXT", "import os\nprint('it breaks', flush=True)\nos._exit(3)\n")
    with pytest.raises(ServerNotFound, match="ended at once, with code 3") as caught, running_server(tmp_path):
        pass
    assert "it breaks" in caught.value.__notes__[0]
    assert not family()


def test_a_server_that_is_late_is_stopped(tmp_path, monkeypatch, family):
    monkeypatch.setattr(server, "_START", 0.2)
    with pytest.raises(ServerNotFound, match="was not ready after 0 s"), running_server(tmp_path):
        pass
    assert not family()


def test_an_error_on_the_way_stops_the_server_too(tmp_path, family):
    with pytest.raises(ZeroDivisionError) as caught, running_server(tmp_path):
        _ = 1 / 0
    assert "the end of the server's log" in caught.value.__notes__[0]
    assert not family()


def test_data_that_cannot_be_served_is_told_with_its_reason(tmp_path, monkeypatch):
    broken = tmp_path / "broken.nc"
    broken.write_text("no NetCDF")
    monkeypatch.setattr(configuration, "sample_file", lambda name: broken)
    folder = tmp_path / "server"
    folder.mkdir()
    with pytest.raises(ConfigurationError, match="service 'a1b' is unavailable"), running_server(folder) as running:
        running.wait_until_ready(("a1b",), "warming")


def test_a_server_ends_when_its_owner_is_killed(tmp_path):
    with subprocess.Popen([sys.executable, "-c", HOLD, str(tmp_path)], stdout=subprocess.PIPE, text=True) as owner:
        assert owner.stdout.readline().startswith("http://127.0.0.1:")
        started = psutil.Process(owner.pid).children(recursive=True)
        assert started
        owner.kill()
        assert not psutil.wait_procs(started, timeout=20)[1]


def test_a_server_that_does_not_stop_is_killed(tmp_path, monkeypatch):
    monkeypatch.setattr(server, "_STOP", 0.5)
    start = time.monotonic()
    with running_server(tmp_path) as running:
        process = psutil.Process(running._process.pid)
        process.suspend()
    assert not process.is_running()
    assert time.monotonic() - start < 60
    assert running._process.returncode == -9
