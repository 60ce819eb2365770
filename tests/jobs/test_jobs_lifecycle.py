"""The life of a job: what may follow what."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.documents import Status
from geojobs_lab.errors import IllegalTransition
from geojobs_lab.jobs.lifecycle import Adopt, Fail, Job, Report, Revoke, Start, Succeed, advance

WAITING = Job(uuid="u1", job="warming", created="2026-01-01T00:00:00.000000Z", inputs="{}", owner="one")
ERROR = {"type": "ValueError", "message": "no", "where": "warming"}
EVENTS = [
    Adopt("two"),
    Start("2026-01-01T00:00:01.000000Z"),
    Report(0.5, "half"),
    Succeed("2026-01-01T00:00:02.000000Z", '{"out": 1}'),
    Fail("2026-01-01T00:00:02.000000Z", ERROR),
    Revoke("2026-01-01T00:00:02.000000Z"),
]
ALLOWED = {
    Status.PENDING: {Adopt, Start, Fail, Revoke},
    Status.STARTED: {Report, Succeed, Fail, Revoke},
    Status.SUCCESS: set(),
    Status.FAILURE: set(),
    Status.REVOKED: set(),
}


@given(st.lists(st.sampled_from(EVENTS), max_size=12))
def test_every_history_keeps_the_contract(events) -> None:
    job = WAITING
    for event in events:
        if type(event) not in ALLOWED[job.status]:
            with pytest.raises(IllegalTransition) as refusal:
                advance(job, event)
            assert refusal.value.job_id == "u1"
            assert f"created {job.created}" in str(refusal.value)
            continue
        after = advance(job, event)
        assert after.revision == job.revision + 1
        assert (after.uuid, after.job, after.created, after.inputs) == (job.uuid, job.job, job.created, job.inputs)
        assert (after.finished is not None) == after.status.is_final
        assert (after.outputs != "{}") == (after.status is Status.SUCCESS)
        assert (after.error is not None) == (after.status is Status.FAILURE)
        job = after


def test_a_report_without_a_message_keeps_the_last_one() -> None:
    job = advance(advance(WAITING, Start("t")), Report(0.2, "reading"))
    assert advance(job, Report(0.4, None)).message == "reading"


def test_success_is_whole() -> None:
    job = advance(advance(WAITING, Start("t1")), Succeed("t2", '{"out": 1}'))
    document = job.document()
    assert document["status"] == "success"
    assert document["progress"] == 1.0
    assert document["outputs"] == '{"out": 1}'
    assert "owner" not in document
