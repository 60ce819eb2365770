"""The notebooks run in a kernel against a real server, and what is saved of them reads well without either."""

import importlib.util
import json
import re
import tempfile
from pathlib import Path
from types import ModuleType

import nbformat
import pytest

from geojobs_lab.cli.configuration import write_configuration
from geojobs_lab.workflows import Workflow

REPOSITORY = Path(__file__).parents[2]
NOTEBOOKS = {name: REPOSITORY / "notebooks" / f"{name}.ipynb" for name in ("quickstart", "tasks_and_workflows")}
VIEW = "application/vnd.jupyter.widget-view+json"
STATE = "application/vnd.jupyter.widget-state+json"


def load(file: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(file.stem, file)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


Notebooks = dict[str, nbformat.NotebookNode]
every_notebook = pytest.mark.parametrize("name", NOTEBOOKS)


@pytest.fixture(scope="module")
def saved() -> Notebooks:
    return {name: nbformat.read(file, as_version=4) for name, file in NOTEBOOKS.items()}


@pytest.fixture(scope="module")
def executed(geojobs_server, tmp_path_factory) -> Notebooks:
    making = load(REPOSITORY / "docs" / "make_notebooks.py")
    demo = tmp_path_factory.mktemp("demo") / "demo.py"
    write_configuration(demo)
    with geojobs_server(demo.read_text()) as server:
        surroundings = making.surroundings(server.url, server.token)
        return {name: making.execute(file, surroundings) for name, file in NOTEBOOKS.items()}


def kinds(notebook: nbformat.NotebookNode) -> list[list[tuple[str, list[str]]]]:
    """What each cell's outputs are: their type, and their MIME types.

    Nothing is displayed but the progress of what takes more than half a second, which is up to the machine.
    """
    return [
        [
            (output.output_type, sorted(output.get("data", {})))
            for output in cell.outputs
            if output.output_type != "display_data"
        ]
        for cell in notebook.cells
        if cell.cell_type == "code"
    ]


def sources(notebook: nbformat.NotebookNode) -> list[str]:
    return [cell.source for cell in notebook.cells]


def shown(notebook: nbformat.NotebookNode, source: str) -> dict[str, str]:
    """The output of the cell with this in its source."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    return cell.outputs[-1].data


def printed(notebook: nbformat.NotebookNode, source: str) -> str:
    """What the cell with this in its source has printed."""
    cell = next(cell for cell in notebook.cells if cell.cell_type == "code" and source in cell.source)
    return "".join(output.text for output in cell.outputs if output.output_type == "stream")


def stored(notebook: nbformat.NotebookNode) -> str:
    """The workflow file that is printed at the end."""
    return printed(notebook, "to_json()")


@every_notebook
def test_a_notebook_runs_against_a_real_server(executed, name) -> None:
    outputs = [output for cell in executed[name].cells if cell.cell_type == "code" for output in cell.outputs]
    assert {output.output_type for output in outputs} <= {"execute_result", "display_data", "stream"}
    assert {output.name for output in outputs if output.output_type == "stream"} <= {"stdout"}


def test_what_the_notebooks_compute_is_right(executed) -> None:
    assert "warming" in shown(executed["quickstart"], "job.outputs")["text/plain"]
    tasks = executed["tasks_and_workflows"]
    assert 0.3 < float(shown(tasks, 'outputs["largest"]')["text/plain"]) < 0.6  # K in ten years
    assert "per: must be an integer from 1 to 100 (a), not 1000" in printed(tasks, "per=1000")
    assert shown(tasks, "difference.outputs")["text/plain"].count("arrays_out/") == 3
    assert Workflow.from_json(stored(tasks)).name == "trend_change"


@every_notebook
def test_a_saved_notebook_shows_what_a_run_shows(executed, saved, name) -> None:
    assert sources(saved[name]) == sources(executed[name])
    assert kinds(saved[name]) == kinds(executed[name])


@pytest.mark.parametrize(("name", "least"), [("quickstart", 7), ("tasks_and_workflows", 2)])
def test_every_widget_of_a_saved_notebook_has_its_state_and_something_to_read_without_it(saved, name, least) -> None:
    state = saved[name].metadata.widgets[STATE].state
    outputs = [output for cell in saved[name].cells for output in cell.get("outputs", ())]
    views = [output.data for output in outputs if VIEW in output.get("data", {})]
    assert len(views) >= least
    for view in views:
        assert view[VIEW].model_id in state
        assert len(view["text/plain"].strip()) > 10
        assert len(re.sub("<[^>]+>|\\s", "", view["text/html"])) > 10


def test_the_saved_card_tables_and_maps_read_well_without_a_kernel(saved) -> None:
    quickstart = saved["quickstart"]
    assert "success" in shown(quickstart, "client.jobs()")["text/html"]
    assert "air_temperature" in shown(quickstart, "client.services()")["text/html"]
    assert "A raster of temperature" in shown(quickstart, "client.form(")["text/html"]
    assert "success" in shown(quickstart, "job.wait()")["text/html"]
    assert "<img" in shown(quickstart, "job.map()")["text/html"]
    assert "image/png" in shown(quickstart, "job.plot()")


def test_the_saved_pictures_of_tasks_and_workflows_read_well_without_a_kernel(saved) -> None:
    tasks = saved["tasks_and_workflows"]
    for source in ("renderer=classes", "from_percentiles", "workflow(data=a1b)", "service.plot("):
        assert "image/png" in shown(tasks, source)
    assert "<svg" in shown(tasks, "build.build()")["text/html"]
    still = shown(tasks, "zones.map()")["text/html"]
    assert "<img" in still
    assert "Zones of 2050" in still


@every_notebook
def test_a_saved_notebook_tells_nothing_of_the_machine_that_made_it(saved, name) -> None:
    text = json.dumps(saved[name])
    here = (str(Path.home()), str(REPOSITORY), tempfile.gettempdir())
    for machine in ("127.0.0.1", "localhost", "token=", *here):
        assert machine not in text
    assert not re.search(r"https?://[\w.]+:\d+", text)
    assert '"rest": "/geoprocessing/rest/"' in text


@every_notebook
def test_a_saved_notebook_is_small_enough_to_be_kept(name) -> None:
    assert NOTEBOOKS[name].stat().st_size < 2_000_000
