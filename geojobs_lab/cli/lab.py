"""``geojobs lab``: JupyterLab with the demo's data and job, for people who want to see it."""

import importlib.util
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from geojobs_lab.cli.configuration import write_configuration
from geojobs_lab.errors import ConfigurationError

_FIRST = "quickstart.ipynb"  # the notebook that is opened


def lab(notebooks: Path, arguments: Sequence[str]) -> int:
    """Run JupyterLab until it is stopped, and return its exit code.

    Parameters
    ----------
    notebooks : Path
        The folder that it opens; the present one where there is none.
    arguments : sequence of str
        More arguments for JupyterLab.

    Raises
    ------
    ConfigurationError
        JupyterLab or the sample data is not installed.
    """
    if importlib.util.find_spec("jupyterlab") is None:
        raise ConfigurationError("JupyterLab is not installed: python -m pip install 'geojobs_lab[lab]'")
    root = notebooks if notebooks.is_dir() else Path.cwd()
    with TemporaryDirectory(prefix="geojobs-lab-") as folder:
        config = Path(folder) / "jupyter_server_config.py"
        write_configuration(config)
        command = [sys.executable, "-m", "jupyterlab", f"--config={config}", f"--ServerApp.root_dir={root.resolve()}"]
        if (root / _FIRST).is_file():
            command.append(f"--LabApp.default_url=/lab/tree/{_FIRST}")
        process = subprocess.Popen([*command, *arguments], env=os.environ)  # noqa: S603  # our own interpreter
        signal.signal(signal.SIGINT, signal.SIG_IGN)  # JupyterLab asks whether it is meant
        try:
            return process.wait()
        finally:
            process.terminate()
            process.wait()
