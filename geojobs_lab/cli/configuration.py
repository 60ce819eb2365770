"""The demo's set-up as a ``jupyter_server_config.py``: two climate runs and one job.

The file is written as a person would write one; it is an example too.
"""

import importlib
from pathlib import Path

from geojobs_lab.errors import ConfigurationError

_FILES = {"a1b": "A1B_north_america.nc", "e1": "E1_north_america.nc"}

_TEXT = """\
# Written by geojobs.
from geojobs_lab.renderers import Color, StretchedRenderer

c = get_config()

c.ServerApp.jpserver_extensions = {{"geojobs_lab_server": True}}
c.ServerApp.allow_root = True

# Data that jobs can use as service://a1b:air_temperature
c.GeoJobsApp.services = {services}

# Jobs that can be submitted
c.GeoJobsApp.registered_jobs = {{
    "warming": {{
        "type": "workflow",
        "path": {workflow!r},
        "publish_raster_results": True,
        "results_renderer": StretchedRenderer(
            [
                (2, Color.from_hex("#ffffcc")),  # K
                (4, Color.from_hex("#fed976")),
                (6, Color.from_hex("#fd8d3c")),
                (8, Color.from_hex("#e31a1c")),
                (10, Color.from_hex("#800026")),
            ]
        ),
    }},
}}
"""


def write_configuration(path: Path, *, private: str = "") -> None:
    """Write the configuration file.

    Parameters
    ----------
    path : Path
        The file; only its owner can read it.
    private : str
        More lines of Python.

    Raises
    ------
    ConfigurationError
        The sample data is not installed.
    """
    services = {name: str(sample_file(file)) for name, file in _FILES.items()}
    text = _TEXT.format(services=services, workflow=str(Path(__file__).with_name("warming.json")))
    path.touch(mode=0o600)
    path.write_text(text + private, encoding="utf-8")


def sample_file(name: str) -> Path:
    """Return the path of a file of iris-sample-data.

    Raises
    ------
    ConfigurationError
        It is not there.
    """
    try:
        package = importlib.import_module("iris_sample_data")
    except ImportError as error:
        raise ConfigurationError(
            "the sample data is not installed: python -m pip install 'geojobs_lab[demo]'", entry="services"
        ) from error
    path = Path(package.__path__[0]) / "sample_data" / name
    if not path.is_file():
        raise ConfigurationError(f"iris-sample-data has no file {name!r} in this version", entry="services")
    return path
