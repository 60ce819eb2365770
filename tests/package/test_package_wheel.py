"""What a user gets: the wheel, installed into a fresh environment, without anything being switched on by hand."""

import os
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).parent.parent.parent


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    subprocess.run(command, check=True, capture_output=True)
    (path,) = folder.glob("*.whl")
    return path


def test_the_wheel_holds_our_two_packages_the_switch_and_nothing_generic(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        top = {name.split("/")[0] for name in names}
        meta = {name for name in top if name.endswith((".dist-info", ".data"))}
        assert top - meta == {"geojobs_lab", "geojobs_lab_server"}
        switch = "data/etc/jupyter/jupyter_server_config.d/geojobs_lab_server.json"
        assert [name for name in names if ".data/" in name and name.endswith(switch)]
        for needed in ("geojobs_lab/cli/warming.json", "geojobs_lab/plots/coastlines.npz"):
            assert needed in names


@pytest.mark.timeout(600)
def test_installing_the_wheel_enables_the_extension(wheel: Path, tmp_path: Path) -> None:
    home = tmp_path / "environment"
    venv.create(home, with_pip=True)
    python = home / "bin" / "python"

    def run(*command: str | Path) -> str:
        environment = {"PATH": f"{home / 'bin'}:/usr/bin:/bin", "HOME": str(tmp_path), "JUPYTER_PLATFORM_DIRS": "1"}
        done = subprocess.run(
            [str(part) for part in command],
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env={**_pip_settings(), **environment},
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout + done.stderr

    run(python, "-m", "pip", "install", "--quiet", "--no-compile", wheel)
    listing = run(home / "bin" / "jupyter", "server", "extension", "list")
    lines = [line for line in listing.splitlines() if "geojobs_lab_server" in line]
    assert any("enabled" in line for line in lines), listing
    assert any("OK" in line for line in lines), listing
    assert "GeoJobsApp.registered_jobs" in run(home / "bin" / "jupyter", "geojobs", "--help-all")
    said = run(
        python,
        "-W",
        "error",
        "-c",
        "import sys, geojobs_lab, geojobs_lab.client; from geojobs_lab import Client; "
        "heavy = {'numpy', 'xarray', 'netCDF4', 'ipywidgets', 'matplotlib'} & set(sys.modules); "
        "print(geojobs_lab.__version__, sorted(heavy), geojobs_lab.__file__)",
    )
    assert said.startswith("0.1.0 [] ")
    assert str(home) in said
    tasks = run(python, "-c", "from geojobs_lab.tasks import default_registry; print(default_registry().names())")
    assert "climate:period_mean" in tasks


def _pip_settings() -> dict[str, str]:
    return {name: value for name, value in os.environ.items() if name.startswith(("PIP_", "SSL_", "REQUESTS_"))}
