"""The demo as people run it, in a process of its own."""

import os
import pty
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
import xarray as xr

from geojobs_lab.cli import configuration, main

COMMAND = [sys.executable, "-m", "geojobs_lab.cli", "demo"]


@pytest.fixture
def temporary(tmp_path, monkeypatch):
    """The folder for temporary files: what is left there was left behind."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    return folder


def test_the_demo_writes_a_map_and_a_file_and_leaves_nothing(tmp_path, temporary):
    with subprocess.Popen(COMMAND, cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        seen = set()
        while process.poll() is None:
            seen |= set(psutil.Process(process.pid).children(recursive=True))
            time.sleep(0.05)
        told, shown = process.stdout.read(), process.stderr.read()
    assert process.returncode == 0, shown
    assert [line.split()[0] for line in told.splitlines()] == "server services job done result wrote server".split()
    assert "2.1 to 9.8 K" in told
    assert "100%" in shown
    assert (tmp_path / "demo" / "warming.png").read_bytes().startswith(b"\x89PNG")
    with xr.open_dataset(tmp_path / "demo" / "warming.nc") as dataset:
        warming = dataset["data"]
        assert warming.attrs["units"] == "K"
        assert 2 < float(warming.min()) < float(warming.max()) < 10
        assert float(warming[-8:].mean()) > float(warming[:8].mean()) + 2  # strongest in the north
        assert dataset.attrs["geojobs_job"] == "warming"
    assert seen
    assert not psutil.wait_procs(seen, timeout=10)[1]
    assert not list(temporary.iterdir())


def test_a_terminal_sees_a_bar(tmp_path, temporary):
    ours, theirs = pty.openpty()
    with subprocess.Popen([*COMMAND, "--output", str(tmp_path / "out")], stdout=theirs, stderr=theirs) as process:
        os.close(theirs)
        said = b""
        try:
            while piece := os.read(ours, 4096):
                said += piece
        except OSError:  # how a terminal ends on Linux
            pass
    os.close(ours)
    assert process.returncode == 0
    assert re.search(r"\rwarming  [█░#.]{30}", said.decode())
    assert (tmp_path / "out" / "warming.nc").is_file()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_an_interrupted_demo_takes_its_server_along(number, temporary):
    with subprocess.Popen(
        COMMAND,
        cwd=temporary.parent,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        # Shells switch Ctrl-C off for what they start with "&", and their children inherit it.
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL),
    ) as process:
        family = []
        while not family:
            assert process.poll() is None
            family = psutil.Process(process.pid).children(recursive=True)
            time.sleep(0.05)
        process.send_signal(number)
        assert process.wait(40) == 128 + number
    assert not psutil.wait_procs(family, timeout=10)[1]
    assert not list(temporary.iterdir())


def test_a_failing_demo_says_why_with_the_servers_log(tmp_path, temporary, monkeypatch, capsys):
    broken = tmp_path / "broken.nc"
    broken.write_text("no NetCDF")
    monkeypatch.setattr(configuration, "sample_file", lambda name: broken)
    before = set(psutil.Process().children())
    assert main(["demo", "--output", str(tmp_path / "out")]) == 1
    said = capsys.readouterr().err
    assert said.startswith("geojobs demo failed: service 'a1b' is unavailable")
    assert "the end of the server's log:" in said
    assert set(psutil.Process().children()) <= before


def test_an_output_folder_that_cannot_be_made_is_told(tmp_path, capsys):
    (tmp_path / "file").touch()
    assert main(["demo", "--output", str(tmp_path / "file")]) == 1
    assert "geojobs demo failed" in capsys.readouterr().err


def test_the_workflow_file_goes_with_the_package():
    assert Path(configuration.__file__).with_name("warming.json").is_file()
