"""The quick-start, as somebody runs it who has just typed ``make lab``."""

import json
import re

import pytest
from desk import Desk, Notebook, until
from lab import REPOSITORY
from playwright.sync_api import Locator, expect

QUICKSTART = REPOSITORY / "notebooks" / "quickstart.ipynb"

pytestmark = pytest.mark.browser

PAINTED = """map => {
  const tiles = [...map.querySelectorAll("img.leaflet-tile")];
  return tiles.length > 3 && tiles.every(tile => tile.matches(".leaflet-tile-loaded") && tile.naturalWidth > 0);
}"""


TEXTS = "cells => cells.map(cell => cell.querySelector('.cm-content')?.textContent ?? '')"


def cell(notebook: Notebook, source: str) -> int:
    """The number of the cell with this in its source, when the page has it."""

    def found() -> list[int]:
        return [index for index, text in enumerate(notebook.cells.evaluate_all(TEXTS)) if source in text]

    until(notebook.page, found, f"a cell has {source}")
    return found()[0]


def ends_well(output: Locator) -> None:
    expect(output.locator('.geojobs-card[data-status="success"]')).to_be_visible()


def is_painted(notebook: Notebook, output: Locator) -> None:
    found = output.locator(".leaflet-container")
    found.scroll_into_view_if_needed()
    until(notebook.page, lambda: found.evaluate(PAINTED), "the tiles are painted")
    expect(found.locator(".geojobs-legend").first).to_be_visible()


def submit_by_form(output: Locator) -> None:
    form = output.locator(".geojobs-form")
    service = form.locator('[data-input="data"] select').first
    expect(service.locator('option[value="a1b"]')).to_be_attached()
    service.select_option("a1b")
    form.locator("button.gj-submit").click()
    ends_well(output)


def answers_well(desk: Desk) -> None:
    assert {answer.status for answer in desk.answers("/geoprocessing/rest/")} <= {200, 201, 204, 304}
    assert {answer.status for answer in desk.answers("/tiles/")} == {200}


def test_the_saved_quick_start_reads_well_before_anything_is_run(desk: Desk) -> None:
    notebook = desk.open(desk.lab.copy(QUICKSTART, "saved.ipynb"))
    expect(notebook.output(cell(notebook, "job.wait()"))).to_contain_text("success")
    expect(notebook.output(cell(notebook, "client.jobs()"))).to_contain_text("success")
    for source in ("job.map()", "SwipeMap(job", "job.plot()"):
        picture = notebook.output(cell(notebook, source)).locator("img").first
        picture.scroll_into_view_if_needed()
        assert picture.evaluate("image => image.naturalWidth") > 200


def test_the_quick_start_runs_in_jupyterlab(desk: Desk) -> None:
    notebook = desk.open(desk.lab.copy(QUICKSTART, "quickstart.ipynb"))
    count = sum(cell["cell_type"] == "code" for cell in json.loads(QUICKSTART.read_text())["cells"])
    expect(notebook.cells).to_have_count(count)
    for index in range(count):
        output = notebook.run(index, timeout=60_000)
        assert output.locator('[data-mime-type="application/vnd.jupyter.error"]').count() == 0, output.inner_text()
    # the last cell, while it is in view: JupyterLab takes cells out of the page that are far from it
    services = notebook.output(count - 1)
    result = services.locator(".geojobs-services [data-service]").filter(has_text=re.compile("/warming"))
    expect(result.first.locator("button.gj-keep")).to_be_visible()
    expect(notebook.output(cell(notebook, "registered_jobs()"))).to_contain_text("Warming until the end of the century")
    submit_by_form(notebook.output(cell(notebook, "client.form(")))
    ends_well(notebook.output(cell(notebook, 'client.submit("warming", data="service://a1b')))
    ends_well(notebook.output(cell(notebook, "job.wait()")))
    expect(notebook.output(cell(notebook, "job.outputs"))).to_contain_text("/warming")
    expect(notebook.output(cell(notebook, "job.result()"))).to_contain_text("latitude: 37")
    plot = notebook.output(cell(notebook, "job.plot()")).locator("img")
    assert plot.evaluate("image => image.naturalWidth") > 600
    for source in ("job.map()", "SwipeMap(job"):
        is_painted(notebook, notebook.output(cell(notebook, source)))
    jobs = notebook.output(cell(notebook, "client.jobs()")).locator(".geojobs-jobs")
    expect(jobs.locator("[data-uuid]").first).to_contain_text("success")
    answers_well(desk)


def test_the_main_path_of_the_quick_start_runs_in_notebook_7(classic_desk: Desk) -> None:
    notebook = classic_desk.open(classic_desk.lab.copy(QUICKSTART, "quickstart.ipynb"))
    for source in ("client = Client()", "client.form(", "service://a1b", "job.wait()", "job.map()"):
        notebook.run(cell(notebook, source), timeout=60_000)
    submit_by_form(notebook.output(cell(notebook, "client.form(")))
    ends_well(notebook.output(cell(notebook, "job.wait()")))
    is_painted(notebook, notebook.output(cell(notebook, "job.map()")))
    answers_well(classic_desk)
