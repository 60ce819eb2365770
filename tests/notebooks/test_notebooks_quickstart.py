"""The quick-start runs in a kernel against a real server, and what is saved of it reads well without either."""

import importlib.util
import json
import re
import tempfile
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from geojobs_lab.cli.configuration import write_configuration

REPOSITORY = Path(__file__).parents[2]
QUICKSTART = REPOSITORY / "notebooks" / "quickstart.ipynb"
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def saved() -> nbformat.NotebookNode:
    return nbformat.read(QUICKSTART, as_version=4)


@pytest.fixture(scope="module")
def executed(geojobs_server, tmp_path_factory) -> nbformat.NotebookNode:
    making = load(REPOSITORY / "docs" / "make_notebooks.py")
    demo = tmp_path_factory.mktemp("demo") / "demo.py"
    write_configuration(demo)
    with geojobs_server(demo.read_text()) as server:
        return making.execute(QUICKSTART, making.surroundings(server.url, server.token))


def kinds(notebook: nbformat.NotebookNode) -> list[list[tuple[str, list[str]]]]:
    """What each cell's outputs are: their type, and their MIME types."""
    return [
        [(output.output_type, sorted(output.get("data", {}))) for output in cell.outputs]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def sources(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def shown(notebook: nbformat.NotebookNode, source: str) -> dict[str, str]:
    """The output of the cell with this in its source."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    return cell.outputs[-1].data


def test_the_quick_start_runs_against_a_real_server(executed) -> None:
    outputs = [output for cell in executed.cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data"}  # no error, no stderr
    assert "warming" in shown(executed, "job.outputs")["text/plain"]


def test_the_saved_quick_start_shows_what_a_run_shows(executed, saved) -> None:
    assert sources(saved) == sources(executed)
    assert kinds(saved) == kinds(executed)


def test_every_widget_of_the_saved_quick_start_has_its_state_and_something_to_read_without_it(saved) -> None:
    state = saved.metadata.widgets[STATE].state
    views = [output.data for cell in saved.cells for output in cell.get("outputs", ()) if VIEW in output.data]
    assert len(views) >= 7  # form, card, two maps, the tables
    for view in views:
        assert view[VIEW].model_id in state
        assert len(view["text/plain"].strip()) > 10
        assert len(re.sub("<[^>]+>|\\s", "", view["text/html"])) > 10


def test_the_saved_card_tables_and_maps_read_well_without_a_kernel(saved) -> None:
    assert "success" in shown(saved, "client.jobs()")["text/html"]
    assert "air_temperature" in shown(saved, "client.services()")["text/html"]
    assert "A raster of temperature" in shown(saved, "client.form(")["text/html"]
    assert "success" in shown(saved, "job.wait()")["text/html"]
    assert "<img" in shown(saved, "job.map()")["text/html"]
    assert "image/png" in shown(saved, "job.plot()")


def test_the_saved_quick_start_tells_nothing_of_the_machine_that_made_it(saved) -> None:
    text = json.dumps(saved)
    here = (str(Path.home()), str(REPOSITORY), tempfile.gettempdir())
    for machine in ("127.0.0.1", "localhost", "token=", *here):
        assert machine not in text
    assert not re.search(r"https?://[\w.]+:\d+", text)
    assert '"rest": "/geoprocessing/rest/"' in text


def test_the_saved_quick_start_is_small_enough_to_be_kept() -> None:
    assert QUICKSTART.stat().st_size < 2_000_000
