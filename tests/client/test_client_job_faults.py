"""A job's handle against a scripted server: what a real one does not do on demand."""

import asyncio
import io
import json
import sys
import time

import pytest

from geojobs_lab.client import Job
from geojobs_lab.client.values import to_json
from geojobs_lab.documents import Status
from geojobs_lab.errors import (
    Conflict,
    InvalidInput,
    JobFailed,
    JobRevoked,
    RequestRefused,
    ServerNotFound,
    WaitTimeout,
)

LOG = {"lines": [{"time": "2016", "level": "INFO", "message": f"line {n}"} for n in range(12)], "next_offset": 99}


def document(status: str = "started", **more: object) -> dict[str, object]:
    return {
        "uuid": "u-1",
        "job": "warming",
        "created": "2016-09-02T23:36:10.768937Z",
        "status": status,
        "inputs": '{"a": 1}',
        "outputs": "{}",
        "started": None,
        "finished": None,
        "progress": None,
        "message": None,
        "error": None,
        "revision": 1,
        **more,
    }


def slowly(seconds, answer):
    def wait(_):
        time.sleep(seconds)
        return answer

    return wait


@pytest.fixture
def job(line):
    return Job(document(), line)


@pytest.fixture
def fresh(monkeypatch):
    """Take what was heard just now for old."""
    monkeypatch.setattr("geojobs_lab.client.job._FRESH", -1.0)


def test_a_wait_hands_on_the_revision_and_ends_with_success(scripted, job):
    scripted.answer("GET", "jobs/u-1/", document(revision=5), document("success", revision=6))
    assert job.wait() is job
    assert job.status is Status.SUCCESS
    assert [asked.query["revision"] for asked in scripted.asked] == ["1", "5"]
    assert float(scripted.asked[0].query["wait"]) == 20


def test_an_ended_job_is_not_asked_for_again(scripted, line):
    job = Job(document("success"), line)
    job.wait()
    assert (job.status, job.outputs) == (Status.SUCCESS, {})
    assert scripted.asked == []


def test_a_failure_tells_where_and_the_end_of_the_log(scripted, job):
    error = {"type": "ValueError", "message": "no data", "where": "node 'mean'"}
    scripted.answer("GET", "jobs/u-1/", document("failure", error=error))
    scripted.answer("GET", "jobs/u-1/log/", LOG, {"lines": [], "next_offset": 99})
    with pytest.raises(JobFailed) as caught:
        job.wait()
    lines = str(caught.value).splitlines()
    assert lines[0] == "job 'warming' (u-1) failed in node 'mean': ValueError: no data"
    assert lines[1:] == [f"  INFO line {n}" for n in range(2, 12)]
    assert (caught.value.job_id, caught.value.error) == ("u-1", error)


def test_a_failure_is_told_without_its_log_too(scripted, job):
    error = {"type": "ValueError", "message": "no data", "where": ""}
    scripted.answer("GET", "jobs/u-1/", document("failure", error=error))
    with pytest.raises(JobFailed, match="failed: ValueError: no data$"):
        job.wait()


def test_a_cancelled_job_is_an_error_of_its_own(scripted, job):
    scripted.answer("GET", "jobs/u-1/", document("revoked", message="by a user"))
    with pytest.raises(JobRevoked, match="cancelled: by a user"):
        job.wait()


def test_a_wait_ends_in_time_and_the_job_goes_on(scripted, job):
    scripted.answer("GET", "jobs/u-1/", slowly(0.05, document()))
    start = time.monotonic()
    with pytest.raises(WaitTimeout, match=r"is started after 0\.3 s and goes on"):
        job.wait(timeout=0.3)
    assert time.monotonic() - start < 2
    assert all(float(asked.query["wait"]) <= 0.3 for asked in scripted.asked)


def test_a_wait_without_time_asks_once(scripted, job):
    scripted.answer("GET", "jobs/u-1/", document("success"))
    assert job.wait(timeout=0).status is Status.SUCCESS


def test_a_server_that_starts_anew_does_not_end_a_wait(scripted, job, impatient):
    scripted.answer("GET", "jobs/u-1/", (0, None), (503, {"message": "stopping"}), document("success"))
    assert job.wait().status is Status.SUCCESS


def test_a_server_that_is_gone_ends_a_wait(scripted, job, impatient):
    scripted.answer("GET", "jobs/u-1/", (0, None))
    with pytest.raises(ServerNotFound, match=r"waiting for the job u-1: no answer"):
        job.wait()


def test_a_job_that_was_removed_ends_a_wait_at_once(scripted, job):
    with pytest.raises(RequestRefused) as caught:
        job.wait()
    assert caught.value.status == 404


def test_awaiting_leaves_the_event_loop_free(scripted, job):
    scripted.answer("GET", "jobs/u-1/", slowly(0.3, document(revision=2)), document("success", revision=3))
    ticks = []

    async def tick():
        while True:
            ticks.append(1)
            await asyncio.sleep(0.02)

    async def both():
        ticking = asyncio.create_task(tick())
        done = await job
        ticking.cancel()
        return done

    assert asyncio.run(both()) is job
    assert len(ticks) > 8


def test_awaiting_raises_as_waiting_does(scripted, job):
    error = {"type": "ValueError", "message": "no data", "where": "x"}
    scripted.answer("GET", "jobs/u-1/", document("failure", error=error))
    with pytest.raises(JobFailed, match="no data"):
        asyncio.run(job.wait_async())


def test_awaiting_has_a_timeout(scripted, job):
    scripted.answer("GET", "jobs/u-1/", slowly(0.05, document()))
    with pytest.raises(WaitTimeout):
        asyncio.run(job.wait_async(timeout=0.2))


def test_an_awaited_job_can_be_given_up(scripted, job):
    scripted.answer("GET", "jobs/u-1/", slowly(1.0, document()))

    async def give_up():
        await asyncio.wait_for(job.wait_async(), 0.2)

    with pytest.raises(TimeoutError):
        asyncio.run(give_up())


def test_progress_is_shown_on_standard_error_when_asked_for(scripted, job, capsys):
    scripted.answer("GET", "jobs/u-1/", document(progress=0.5, message="mean"), document("success", revision=2))
    job.wait(progress=True)
    shown = capsys.readouterr()
    assert "50%" in shown.err
    assert "mean" in shown.err
    assert shown.out == ""


def test_progress_is_not_shown_outside_a_terminal_by_itself(scripted, job, capsys):
    scripted.answer("GET", "jobs/u-1/", document(progress=0.5), document("success", revision=2))
    job.wait()
    assert capsys.readouterr() == ("", "")


def test_a_terminal_gets_progress_by_itself_in_short_polls(scripted, job, monkeypatch):
    class Terminal(io.StringIO):
        def isatty(self):
            return True

    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    scripted.answer("GET", "jobs/u-1/", document(progress=0.5), document("success", revision=2))
    job.wait()
    assert terminal.getvalue().endswith("\n")
    assert "50%" in terminal.getvalue()
    assert float(scripted.asked[0].query["wait"]) <= 1


def test_what_is_asked_of_a_job_that_goes_on_is_the_present(scripted, job, fresh):
    scripted.answer("GET", "jobs/u-1/", document(progress=0.25), document(progress=0.5))
    assert (job.progress, job.progress) == (0.25, 0.5)


def test_a_job_is_not_asked_for_more_often_than_anyone_reads(scripted, job):
    for _ in range(20):
        assert job.progress is None
    assert scripted.asked == []


def test_the_repr_of_a_job_asks_nobody(scripted, job, fresh):
    assert repr(job) == "<Job 'warming' u-1, started>"
    assert scripted.asked == []


def test_the_html_of_a_job_is_escaped_and_survives_a_lost_server(scripted, line, fresh):
    job = Job(document(message="<script>"), line)
    scripted.answer("GET", "jobs/u-1/", (0, None))
    html = job._repr_html_()
    assert "&lt;script&gt;" in html
    assert "<script>" not in html


def test_the_log_is_read_to_its_end(scripted, job):
    more = {"lines": [{"time": "2017", "level": "ERROR", "message": "last"}], "next_offset": 120}
    scripted.answer("GET", "jobs/u-1/log/", LOG, more, {"lines": [], "next_offset": 120})
    log = job.log()
    assert (len(log), log[-1]["message"]) == (13, "last")
    assert [asked.query["offset"] for asked in scripted.asked] == ["0", "99", "120"]
    assert "line 3" in repr(log)


def test_cancelling_an_ended_job_removes_nothing_and_tells_how_it_ended(scripted, job):
    scripted.answer("DELETE", "jobs/u-1/", (409, {"message": "job u-1 has ended", "reason": None, "errors": {}}))
    scripted.answer("GET", "jobs/u-1/", document("success"))
    assert job.cancel().status is Status.SUCCESS
    assert [(asked.method, asked.query) for asked in scripted.asked] == [("DELETE", {"active": "true"}), ("GET", {})]


def test_a_job_that_goes_on_is_not_deleted(scripted, job):
    scripted.answer("GET", "jobs/u-1/", document())
    with pytest.raises(Conflict, match="cancel it before deleting"):
        job.delete()
    assert [asked.method for asked in scripted.asked] == ["GET"]


def test_fields_that_a_newer_server_sends_are_passed_over(line):
    assert Job(document(owner="somebody"), line).inputs == {"a": 1}


def finished(line, outputs):
    return Job(document("success", outputs=json.dumps(outputs)), line)


def test_a_job_with_one_raster_is_an_input_of_the_next_job(line):
    job = finished(line, {"total": "u-1/total", "largest": 3.5})
    assert to_json(job, "data") == "service://u-1/total"
    assert to_json([job], "rasters") == ["service://u-1/total"]
    assert str(job.reference("total", time="2050-02-30")) == "service://u-1/total@2050-02-30"
    several = finished(line, {"cells": ["u-1/cells/0", "u-1/cells/1"]})
    assert str(several.reference("cells/1")) == "service://u-1/cells/1"
    with pytest.raises(InvalidInput, match="is several rasters: name one of cells/0, cells/1"):
        to_json(several, "data")


def test_of_several_outputs_one_is_to_be_named(line):
    with pytest.raises(InvalidInput, match=r"^name: name one of the outputs of job u-1 \(total, largest\)$"):
        finished(line, {"total": "u-1/total", "largest": 3.5}).result()
