"""``geojobs lab`` with a stand-in for JupyterLab that tells how it was started."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from geojobs_lab.cli import main

STAND_IN = """
import json, os, sys, time
from pathlib import Path
config = next(a.partition("=")[2] for a in sys.argv if a.startswith("--config="))
said = {"argv": sys.argv[1:], "config": Path(config).read_text(), "where": config}
Path(os.environ["SAID"]).write_text(json.dumps(said))
time.sleep(float(os.environ.get("LASTS", "0")))
sys.exit(7)
"""


@pytest.fixture
def stand_in(tmp_path, monkeypatch):
    package = tmp_path / "packages" / "jupyterlab"
    package.mkdir(parents=True)
    (package / "__init__.py").touch()
    (package / "__main__.py").write_text(STAND_IN)
    monkeypatch.setenv("PYTHONPATH", f"{package.parent}{os.pathsep}{os.environ.get('PYTHONPATH', '')}")
    monkeypatch.setenv("SAID", str(tmp_path / "said.json"))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "said.json"


def start(*arguments):
    return subprocess.Popen([sys.executable, "-m", "geojobs_lab.cli", "lab", *arguments])


def test_jupyterlab_opens_the_notebooks_with_the_demos_set_up(stand_in, tmp_path):
    (tmp_path / "notebooks").mkdir()
    assert start("--no-browser", "--port=9").wait(60) == 7
    said = json.loads(stand_in.read_text())
    assert f"--ServerApp.root_dir={tmp_path / 'notebooks'}" in said["argv"]
    assert {"--no-browser", "--port=9"} <= set(said["argv"])
    assert "warming" in said["config"]
    assert "a1b" in said["config"]
    assert not Path(said["where"]).exists()
    assert not [argument for argument in said["argv"] if "default_url" in argument]
    (tmp_path / "notebooks" / "quickstart.ipynb").touch()
    start().wait(60)
    assert "--LabApp.default_url=/lab/tree/quickstart.ipynb" in json.loads(stand_in.read_text())["argv"]


def test_without_a_notebooks_folder_the_present_one_is_opened(stand_in, tmp_path):
    start().wait(60)
    assert f"--ServerApp.root_dir={tmp_path}" in json.loads(stand_in.read_text())["argv"]


def test_ending_the_command_ends_jupyterlab(stand_in, monkeypatch):
    monkeypatch.setenv("LASTS", "600")
    with start() as process:
        deadline = time.monotonic() + 30
        while not stand_in.exists() or not stand_in.read_text():
            assert time.monotonic() < deadline
            time.sleep(0.05)
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 128 + signal.SIGTERM
    assert not Path(json.loads(stand_in.read_text())["where"]).exists()


def test_without_jupyterlab_the_command_says_how_to_get_it(monkeypatch, capsys):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    assert main(["lab"]) == 1
    assert "pip install 'geojobs_lab[lab]'" in capsys.readouterr().err
