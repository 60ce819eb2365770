"""The job card in JupyterLab: it lives while the kernel is busy, and after the kernel."""

import json

import psutil
import pytest
from desk import Desk, until
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

CLIENT = "from geojobs_lab import Client\n\nclient = Client()"
BUSY = "while True:\n    pass"


def submit(gate: str = "") -> str:
    return f'job = client.submit("count", gate="{gate}")\njob'


def card_in(output: Locator, status: str | None = None) -> Locator:
    return output.locator(f'.geojobs-card[data-status="{status}"]' if status else ".geojobs-card")


def progress(card: Locator) -> int:
    return int(card.get_by_role("progressbar").get_attribute("aria-valuenow") or 0)


def process_of(desk: Desk, card: Locator) -> psutil.Process:
    """The process that the job of a card runs in, which its log tells."""
    with desk.lab.client() as client:
        log = client.job(card.get_attribute("data-uuid") or "").log()
        said = next(line["message"] for line in log if line["message"].startswith("process "))
    return psutil.Process(int(said.split()[1]))


def status_of(desk: Desk, card: Locator) -> str:
    with desk.lab.client() as client:
        return client.job(card.get_attribute("data-uuid") or "").status.value


def test_a_card_reaches_success_and_cancel_ends_a_process_while_the_kernel_is_busy(desk: Desk) -> None:
    desk.lab.allow("busy", 1)
    name = desk.lab.write("busy.ipynb", [CLIENT, submit("busy"), submit(), BUSY])
    notebook = desk.open(name)
    notebook.run_all(0, 1, 2)
    quick, long = (card_in(notebook.output(index)) for index in (1, 2))
    expect(card_in(notebook.output(2), "started")).to_be_visible()
    notebook.start(3)
    for number in (3, 6, 10):
        desk.lab.allow("busy", number)
        until(desk.page, lambda number=number: progress(quick) == 10 * number, f"the card showed {number}")
    expect(card_in(notebook.output(1), "success")).to_be_visible()
    expect(quick).to_contain_text("success")
    assert notebook.is_running(3)

    process = process_of(desk, long)
    assert process.is_running()
    long.locator("button.gj-cancel").click()
    expect(card_in(notebook.output(2), "revoked")).to_be_visible()
    assert not process.is_running()
    assert status_of(desk, long) == "revoked"
    assert notebook.is_running(3)
    expect(long.locator("button.gj-cancel")).to_be_hidden()

    notebook.interrupt()
    until(desk.page, lambda: not notebook.is_running(3), "the loop was interrupted")
    assert "revoked" in notebook.do("print(job.status.value)").inner_text()


def test_a_card_goes_on_after_the_kernel_is_restarted(desk: Desk) -> None:
    desk.lab.allow("restart", 2)
    name = desk.lab.write("restart.ipynb", [CLIENT, submit("restart"), submit()])
    notebook = desk.open(name)
    notebook.run_all()
    card, long = (card_in(notebook.output(index)) for index in (1, 2))
    expect(card_in(notebook.output(1), "started")).to_be_visible()
    notebook.restart()
    notebook.wait_until_idle()
    assert "not defined" in notebook.do("job").inner_text()  # it is another kernel
    for number in (6, 10):
        desk.lab.allow("restart", number)
        until(desk.page, lambda number=number: progress(card) == 10 * number, f"the card showed {number}")
    expect(card_in(notebook.output(1), "success")).to_be_visible()

    process = process_of(desk, long)
    long.locator("button.gj-cancel").click()
    expect(card_in(notebook.output(2), "revoked")).to_be_visible()
    assert not process.is_running()


def test_a_failed_job_shows_its_error_and_can_be_retried_by_keyboard(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("fail.ipynb", [CLIENT, 'client.submit("fail", reason="<b>dry</b>")']))
    notebook.run_all()
    failed = card_in(notebook.output(1), "failure")
    expect(failed).to_contain_text("ValueError")
    expect(failed).to_contain_text("<b>dry</b>")  # as text
    traceback = failed.locator("details.gj-traceback")
    expect(traceback.locator("pre")).to_be_hidden()
    traceback.locator("summary").focus()
    desk.page.keyboard.press("Enter")
    expect(traceback.locator("pre")).to_contain_text("longtasks.py")
    first = failed.get_attribute("data-uuid")
    failed.locator("button.gj-retry").focus()
    desk.page.keyboard.press("Enter")
    until(desk.page, lambda: card_in(notebook.output(1)).get_attribute("data-uuid") != first, "there is a new job")
    expect(card_in(notebook.output(1), "failure")).to_be_visible()
    with desk.lab.client() as client:
        second = client.job(card_in(notebook.output(1)).get_attribute("data-uuid") or "")
        assert second.inputs == {"reason": "<b>dry</b>"}


WIDGETS = """\
import json, threading
from geojobs_lab.widgets import JobCard, JobForm, JobTable, ResultMap, ServiceTable

def threads():  # ZeroMQ keeps one for what it sends
    return {thread for thread in threading.enumerate() if not type(thread).__module__.startswith("zmq")}

before = threads()
job = client.submit("count")
widgets = [JobCard(job), JobTable(client), ServiceTable(client), JobForm(client, "describe"), ResultMap("a1b")]
display(*widgets)"""
CLOSE = """\
import time
for widget in widgets:
    widget.close()
time.sleep(1)
print(json.dumps([thread.name for thread in threads() - before]))
print(job.cancel().status.value)"""


def rest_of(desk: Desk) -> int:
    return len(desk.asked("/geoprocessing/rest/"))


def test_closed_widgets_and_deleted_cells_ask_for_nothing_more_and_leave_no_thread(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("closed.ipynb", [CLIENT, WIDGETS, CLOSE, submit()]))
    notebook.run_all(0, 3, 1)
    card = card_in(notebook.output(3), "started")
    expect(card).to_be_visible()
    uuid = card.get_attribute("data-uuid") or ""
    asked = len(desk.asked(uuid))
    until(desk.page, lambda: len(desk.asked(uuid)) > asked, "the card asks")
    notebook.delete(3)
    expect(card).to_have_count(0)
    deleted = len(desk.asked(uuid))

    for selector in (".geojobs-card", ".geojobs-jobs", ".geojobs-services", ".geojobs-form", "img.leaflet-tile-loaded"):
        expect(notebook.output(1).locator(selector).first).to_be_attached()
    asked = rest_of(desk)
    desk.page.wait_for_timeout(2500)
    assert rest_of(desk) > asked + 2  # they do ask while they are open
    assert len(desk.asked(uuid)) == deleted  # but not the card whose cell is gone
    left, status = notebook.run(2).inner_text().strip().split("\n")
    assert json.loads(left) == []
    assert status == "revoked"
    with desk.lab.client() as client:
        client.job(uuid).cancel()
    asked = rest_of(desk)
    desk.page.wait_for_timeout(6000)  # longer than the slowest of them waits
    assert desk.asked("/geoprocessing/rest/")[asked:] == []


def test_two_tabs_show_one_job_and_either_cancels_it(desk: Desk) -> None:
    name = desk.lab.write("tabs.ipynb", [CLIENT, submit()])
    notebook = desk.open(name)
    notebook.run_all()
    card = card_in(notebook.output(1), "started")
    expect(card).to_be_visible()
    other = Desk.beside(desk)
    beside = other.open(desk.lab.write("tabs-2.ipynb", [CLIENT, f'client.job("{card.get_attribute("data-uuid")}")']))
    beside.run_all()
    card_in(beside.output(1), "started").locator("button.gj-cancel").click()
    expect(card_in(beside.output(1), "revoked")).to_be_visible()
    expect(card_in(notebook.output(1), "revoked")).to_be_visible()
