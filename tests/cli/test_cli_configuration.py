import json
import sys
from pathlib import Path

import pytest
from traitlets.config import PyFileConfigLoader

from geojobs_lab.cli import configuration
from geojobs_lab.cli.configuration import sample_file, write_configuration
from geojobs_lab.errors import ConfigurationError
from geojobs_lab.renderers import StretchedRenderer


@pytest.fixture
def written(tmp_path):
    path = tmp_path / "jupyter_server_config.py"
    write_configuration(path, private="c.ServerApp.port = 1234\n")
    return path


def test_the_file_is_a_configuration_of_jupyter(written):
    config = PyFileConfigLoader(written.name, str(written.parent)).load_config()
    assert config.ServerApp.jpserver_extensions == {"geojobs_lab_server": True}
    assert config.ServerApp.port == 1234
    assert config.GeoJobsApp.services.keys() == {"a1b", "e1"}
    assert all(Path(path).is_file() for path in config.GeoJobsApp.services.values())
    warming = config.GeoJobsApp.registered_jobs["warming"]
    assert (warming["type"], warming["publish_raster_results"]) == ("workflow", True)
    assert isinstance(warming["results_renderer"], StretchedRenderer)
    assert json.loads(Path(warming["path"]).read_text())["outputs"][0]["name"] == "warming"


def test_only_its_owner_reads_the_file(written):
    assert written.stat().st_mode & 0o077 == 0


def test_missing_sample_data_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "iris_sample_data", None)
    with pytest.raises(ConfigurationError, match=r"pip install 'geojobs_lab\[demo\]'"):
        sample_file("A1B_north_america.nc")


def test_a_sample_file_that_is_not_there_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr(configuration, "_FILES", {"x": "no_such.nc"})
    with pytest.raises(ConfigurationError, match="no_such.nc"):
        write_configuration(tmp_path / "config.py")
