"""The card's Python side against a real server; what the page does is tried in tests/browser."""

import threading
import time

import pytest

from geojobs_lab import Client
from geojobs_lab.errors import GeoJobsError
from geojobs_lab.widgets import card as card_module
from geojobs_lab.widgets.card import JobCard
from geojobs_lab.widgets.polling import Poller

CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": f"cardtasks.{{name}}", "publish_raster_results": True}}
    for name in ("twice", "waits", "broken", "talks")
}}
c.GeoJobsApp.services = {{"a1b": {a1b!r}}}
"""
TASKS = """
import time
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import log, progress, task

@task
def twice(data: Raster) -> Raster:
    return data * 2

@task
def waits(seconds: float = 60.0) -> str:
    progress(0.25, "a quarter")
    time.sleep(seconds)
    return "done"

@task
def broken(text: str = "<b>wrong</b>") -> int:
    raise ValueError(text)

@task
def talks(lines: int) -> int:
    for number in range(lines):
        log(f"line {number}")
    return lines
"""


@pytest.fixture(scope="module")
def server(geojobs_server, tmp_path_factory):
    from geojobs_lab.cli.configuration import sample_file

    folder = tmp_path_factory.mktemp("tasks")
    (folder / "cardtasks.py").write_text(TASKS)
    config = CONFIG.format(folder=str(folder), a1b=str(sample_file("A1B_north_america.nc")))
    with geojobs_server(config) as running:
        yield running


@pytest.fixture
def shown(monkeypatch):
    """Return a function that makes cards, which look often; they are closed in the end."""
    monkeypatch.setattr(card_module, "_PAUSE", 0.05)
    cards = []

    def show(job):
        cards.append(JobCard(job))
        return cards[-1]

    yield show
    for card in cards:
        card.close()
    assert threads() == []


def threads():
    return [thread for thread in threading.enumerate() if thread.name == "geojobs-widget"]


def until(holds, what):
    end = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < end, f"it never came that {what}"
        time.sleep(0.02)


def page_says(card, content):
    """Let the card hear what its page sends, and return what it answers."""
    answers = []
    card.send = lambda content, buffers=None: answers.append(content)
    card._handle_custom_msg(content, [])
    return answers


def test_a_card_knows_the_api_of_its_server(client, server, shown):
    card = shown(client.submit("talks", lines=1))
    assert card.rest == server.path
    assert not card.rest.endswith("//")


def test_a_card_follows_its_job_without_being_asked(client, shown):
    card = shown(client.submit("waits", seconds=0.5))
    until(lambda: card.document["progress"] == 0.25, "the progress is seen")
    until(lambda: card.document["status"] == "success", "the success is seen")
    assert card.job.outputs == {"result": "done"}


def test_the_thread_ends_with_the_job(client, shown):
    shown(client.submit("talks", lines=1).wait())
    until(lambda: not threads(), "no thread is left")


def test_closing_a_card_ends_its_thread_at_once_while_the_job_goes_on(client, shown):
    job = client.submit("waits")
    card = shown(job)
    until(threads, "the thread runs")
    start = time.monotonic()
    card.close()
    assert time.monotonic() - start < 2
    assert threads() == []
    assert card.comm is None
    assert not job.status.is_final
    job.cancel()


def test_a_closed_card_can_be_closed_again(client, shown):
    card = shown(client.submit("talks", lines=1).wait())
    card.close()
    card.close()


def test_the_end_of_a_long_log_is_kept(client, shown):
    card = shown(client.submit("talks", lines=1500).wait())
    until(lambda: card.log and card.log[-1]["message"] == "line 1499", "the last line is there")
    assert len(card.log) == 50
    assert card.log[0]["message"] == "line 1450"


def test_the_log_of_a_failure_holds_the_traceback(client, shown):
    job = client.submit("broken")
    card = shown(job)
    until(lambda: card.document["status"] == "failure" and card.log, "the failure is seen")
    assert card.document["error"]["type"] == "ValueError"
    until(lambda: "Traceback" in card.log[-1]["message"], "the traceback is there")


def test_a_card_follows_the_job_that_the_page_submits_anew(client, shown):
    first = client.submit("broken", text="once")
    card = shown(first)
    until(lambda: card.document["status"] == "failure", "the first is over")
    second = client.submit("waits", seconds=0.3)
    # what Retry sends, in one message
    card.set_state({"document": second._document.to_json(), "log": [], "uuid": second.uuid})
    until(lambda: card.document["uuid"] == second.uuid and card.document["status"] == "success", "the second ends")
    assert card.job.uuid == second.uuid
    assert card.job.result() == "done"
    assert first.uuid != card.uuid


def test_an_older_document_does_not_replace_a_newer_one(client, shown):
    job = client.submit("talks", lines=1).wait()
    newer = {**job.document.to_json(), "revision": 99, "message": "from the page"}
    card = shown(job)
    card.document = newer
    until(lambda: not threads(), "the thread has looked")
    assert card.document["message"] == "from the page"


def test_a_card_of_a_removed_job_keeps_what_it_knew(client, shown):
    job = client.submit("talks", lines=1).wait()
    job.delete()
    card = shown(job)
    until(lambda: not threads(), "no thread is left")
    assert card.document["status"] == "success"


def test_a_page_without_the_server_cancels_through_the_kernel(client, shown):
    job = client.submit("waits")
    card = shown(job)
    assert page_says(card, {"wish": "cancel"}) == [{"answer": "cancel", "trouble": None}]
    assert card.document["status"] == "revoked"
    assert client.job(job.uuid).status == "revoked"


def test_cancelling_a_job_that_has_just_ended_does_not_remove_it(client, shown):
    job = client.submit("talks", lines=1)
    card = shown(job)
    client.job(job.uuid).wait()
    page_says(card, {"wish": "cancel"})
    assert client.job(job.uuid).status == "success"


def test_the_map_button_shows_a_map_below_the_card(client, shown):
    card = shown(client.submit("twice", data="service://a1b:air_temperature@2070-01").wait())
    assert page_says(card, {"wish": "map"}) == [{"answer": "map", "trouble": None}]
    assert card.get_state("shown") == {"shown": f"IPY_MODEL_{card.shown.model_id}"}
    first = card.shown
    page_says(card, {"wish": "map"})
    assert card.shown is not first
    assert first.comm is None


def test_the_map_goes_with_its_job_when_the_page_submits_it_anew(client, shown):
    first = client.submit("twice", data="service://a1b:air_temperature@2070-01").wait()
    card = shown(first)
    card.show_map()
    below = card.shown
    second = client.submit("talks", lines=1)
    card.set_state({"document": second._document.to_json(), "log": [], "shown": None, "uuid": second.uuid})
    assert card.shown is None
    assert below.comm is None


def test_closing_a_card_closes_its_map(client, shown):
    card = shown(client.submit("twice", data="service://a1b:air_temperature@2070-01").wait())
    card.show_map()
    below = card.shown
    card.close()
    assert below.comm is None


def test_a_job_without_rasters_says_why_there_is_no_map(client, shown):
    card = shown(client.submit("talks", lines=1).wait())
    answer = page_says(card, {"wish": "map"})[0]
    assert "no raster" in answer["trouble"]
    assert card.shown is None
    with pytest.raises(GeoJobsError, match="no raster"):
        card.show_map()


@pytest.mark.parametrize("content", [{}, {"wish": "delete"}, {"wish": ["map"]}, {"other": 1}])
def test_other_messages_do_nothing(client, shown, content):
    card = shown(client.submit("talks", lines=1).wait())
    assert page_says(card, content) == []


def test_a_saved_notebook_shows_the_job_as_text_and_as_html(client, shown):
    job = client.submit("broken", text="<script>alert(1)</script>")
    card = shown(job)
    until(lambda: card.document["status"] == "failure", "the failure is seen")
    data, _ = card._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert data["text/plain"].startswith("<Job 'broken'")
    html = data["text/html"]
    assert "<script" not in html
    assert "&lt;script&gt;alert(1)&lt;/script&gt;" in html
    assert "✗ failure" in html
    assert "ValueError" in html
    assert job.uuid in html


def test_a_saved_notebook_names_the_outputs_and_the_unfinished(client, shown):
    raster = shown(client.submit("twice", data="service://a1b:air_temperature@2070-01").wait())
    assert f"raster, published as {raster.uuid}/result" in raster._saved_html()
    waiting = shown(client.submit("waits"))
    assert f"client.job('{waiting.uuid}')".replace("'", "&#x27;") in waiting._saved_html().replace("'", "&#x27;")
    waiting.job.cancel()


def test_a_card_is_made_of_what_was_heard_where_the_server_is_gone(geojobs_server, shown):
    with geojobs_server() as server:
        client = Client(server.url, server.token)
        job = client.submit("debug:echo", value=1, delay=60)
    card = shown(job)
    assert card.document["status"] == "pending"
    assert "client.job(" in card._saved_html()
    client.close()


def test_a_poller_goes_on_after_an_error_of_the_client():
    from geojobs_lab.errors import ServerNotFound

    looks = []

    def look(over):
        looks.append(over)
        if len(looks) < 3:
            raise ServerNotFound("not now")
        return False

    poller = Poller(look, pause=0.01)
    until(lambda: not poller.is_alive, "it ends")
    assert len(looks) == 3
    poller.stop()


def test_stopping_a_poller_tells_the_step_that_nobody_waits_for_it():
    entered = threading.Event()

    def look(over):
        entered.set()
        over.wait(30)
        return True

    poller = Poller(look, pause=60)
    entered.wait(10)
    poller.stop()
    assert not poller.is_alive
