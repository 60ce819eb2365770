"""The tables' Python side against a real server; what the page does is tried in tests/browser."""

import pytest

from geojobs_lab.errors import RequestRefused
from geojobs_lab.widgets.tables import JobTable, ServiceTable

CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.GeoJobsApp.registered_jobs = {{
    name: {{"type": "task", "task": f"tabletasks.{{name}}", "publish_raster_results": True}}
    for name in ("twice", "waits", "broken")
}}
c.GeoJobsApp.services = {{"a1b": {a1b!r}}}
"""
TASKS = """
import time
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import task

@task
def twice(data: Raster) -> Raster:
    return data * 2

@task
def waits(seconds: float = 60.0) -> str:
    time.sleep(seconds)
    return "done"

@task
def broken(text: str = "wrong") -> int:
    raise ValueError(text)
"""


@pytest.fixture
def server(geojobs_server, tmp_path):
    from geojobs_lab.cli.configuration import sample_file

    (tmp_path / "tabletasks.py").write_text(TASKS)
    with geojobs_server(CONFIG.format(folder=str(tmp_path), a1b=str(sample_file("A1B_north_america.nc")))) as running:
        yield running


def page_says(table, content):
    """Let the table hear what its page sends, and return what it answers."""
    answers = []
    table.send = lambda content, buffers=None: answers.append(content)
    table._handle_custom_msg(content, [])
    return answers


def broken(client, text="wrong"):
    job = client.submit("broken", text=text)
    with pytest.raises(Exception, match="failed"):
        job.wait()
    return job


def uuids(table):
    return [document["uuid"] for document in table.listed["results"]]


def test_a_job_table_lists_filters_and_turns_pages(client, server):
    failed = [broken(client) for _ in range(3)]
    echo = client.submit("debug:echo", value=1, delay=0).wait()
    table = JobTable(client, limit=2)
    assert table.rest == server.path
    assert table.listed["count"] == 4
    assert uuids(table) == [echo.uuid, failed[2].uuid]
    table.offset = 2
    table.refresh()
    assert uuids(table) == [failed[1].uuid, failed[0].uuid]
    assert uuids(JobTable(client, status="success")) == [echo.uuid]
    assert uuids(JobTable(client, job="debug:echo")) == [echo.uuid]
    assert uuids(JobTable(client, status="success", job="broken")) == []
    with pytest.raises(RequestRefused, match="dead"):
        JobTable(client, status="dead")


def test_a_page_without_the_server_cancels_and_deletes_through_the_kernel(client):
    job = client.submit("waits")
    table = JobTable(client)
    assert page_says(table, {"wish": "delete", "key": job.uuid})[0]["trouble"].count("cancel it before") == 1
    assert page_says(table, {"wish": "cancel", "key": job.uuid}) == [
        {"answer": "cancel", "key": job.uuid, "trouble": None}
    ]
    assert table.listed["results"][0]["status"] == "revoked"
    page_says(table, {"wish": "cancel", "key": job.uuid})
    assert uuids(table) == [job.uuid], "a job that has ended is not removed by Cancel"
    page_says(table, {"wish": "delete", "key": job.uuid})
    assert uuids(table) == []
    answer = page_says(table, {"wish": "delete", "key": job.uuid})[0]
    assert "404" in answer["trouble"]


def test_a_page_without_the_server_lists_through_the_kernel(client):
    table = JobTable(client)
    job = client.submit("debug:echo", value=1, delay=0).wait()
    assert uuids(table) == []
    assert page_says(table, {"wish": "list"}) == [{"answer": "list", "key": "", "trouble": None}]
    assert uuids(table) == [job.uuid]
    assert page_says(table, {"wish": "shutdown", "key": "x"}) == []
    table.status = "dead"
    assert "dead" in page_says(table, {"wish": "list"})[0]["trouble"]


def test_services_are_listed_kept_and_deleted(client):
    jobs = [client.submit("twice", data="service://a1b:air_temperature@2070-01").wait() for _ in range(2)]
    kept, gone = (f"{job.uuid}/result" for job in jobs)
    table = ServiceTable(client)
    assert {document["name"] for document in table.listed["results"]} == {"a1b", kept, gone}
    assert page_says(table, {"wish": "keep", "key": kept})[0]["trouble"] is None
    assert client.service(kept).document["temporary"] is False
    assert client.service(kept).document["expires"] is None
    assert page_says(table, {"wish": "delete", "key": gone})[0]["trouble"] is None
    assert {document["name"] for document in table.listed["results"]} == {"a1b", kept}
    assert "configur" in page_says(table, {"wish": "delete", "key": "a1b"})[0]["trouble"]


def test_saved_notebooks_show_tables_as_text_and_as_html(client):
    job = broken(client, "<b>bold</b>")
    data, _ = JobTable(client)._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in data
    assert job.uuid in data["text/plain"]
    assert "&lt;b&gt;bold" in data["text/html"]
    assert "<b>" not in data["text/html"]
    services, _ = ServiceTable(client)._repr_mimebundle_()
    assert "a1b" in services["text/plain"]
    assert "a1b" in services["text/html"]


def test_a_table_leaves_nothing_behind_when_it_is_closed(client):
    import threading

    before = threading.active_count()
    table = JobTable(client)
    assert threading.active_count() == before
    table.close()
    assert table.comm is None
