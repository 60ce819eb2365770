import subprocess
import sys

import pytest

import geojobs_lab
from geojobs_lab.cli import main


def test_the_version_is_the_packages(capsys):
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out.strip() == geojobs_lab.__version__


@pytest.mark.parametrize("arguments", [[], ["nothing"], ["demo", "--nothing"], ["demo", "more"]])
def test_wrong_arguments_are_refused_with_the_usage(arguments, capsys):
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2
    assert "usage: geojobs" in capsys.readouterr().err


def test_the_module_runs_as_the_command_does():
    done = subprocess.run([sys.executable, "-m", "geojobs_lab.cli", "--help"], capture_output=True, text=True)
    assert done.returncode == 0
    assert "demo" in done.stdout
    assert "lab" in done.stdout
