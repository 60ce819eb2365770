"""``metrics/``: what Prometheus reads."""

import time
from collections import Counter
from collections.abc import Callable
from typing import Any

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families

Submit = Callable[..., dict[str, Any]]
Read = Callable[..., float]


@pytest.fixture
def metric(api: httpx.Client) -> Read:
    """Return a value of now, 0 for one that is not there yet."""

    def read(name: str, **labels: str) -> float:
        answer = api.get("metrics/")
        assert answer.status_code == 200
        samples = [sample for family in text_string_to_metric_families(answer.text) for sample in family.samples]
        return next((s.value for s in samples if (s.name, s.labels) == (name, labels)), 0.0)

    return read


def until(condition: Callable[[], bool]) -> None:
    end = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < end
        time.sleep(0.02)


def test_metrics_are_text_for_those_who_may_read(api: httpx.Client, server: Any) -> None:
    answer = api.get("metrics/")
    assert answer.headers["Content-Type"].startswith("text/plain; version=")
    assert answer.headers["Cache-Control"] == "no-cache"
    described = {family.name for family in text_string_to_metric_families(answer.text) if family.documentation}
    assert described >= {
        "geojobs_jobs_waiting",
        "geojobs_jobs_running",
        "geojobs_jobs_finished",
        "geojobs_job_duration_seconds",
        "geojobs_job_wait_seconds",
        "geojobs_workers",
        "geojobs_event_loop_lag_seconds",
        "geojobs_event_streams",
    }
    assert api.get("metrics", params={"token": server.token}).status_code == 200
    with server.client(token=False) as stranger:
        assert stranger.get("metrics/").status_code == 403


def test_jobs_that_have_ended_are_counted_with_their_times(run: Submit, metric: Read) -> None:
    def ended(status: str) -> float:
        return metric("geojobs_jobs_finished_total", job="numbers", status=status)

    success, failure = ended("success"), ended("failure")
    count = metric("geojobs_job_duration_seconds_count", job="numbers")
    waits = metric("geojobs_job_wait_seconds_count")
    spent = metric("geojobs_job_duration_seconds_sum", job="slow")
    run("slow", seconds=0.3)
    run("numbers", size=5)
    assert run("numbers", size=0)["status"] == "failure"  # it has no first element
    until(lambda: (ended("success"), ended("failure")) == (success + 1, failure + 1))
    assert metric("geojobs_job_duration_seconds_count", job="numbers") == count + 2
    assert metric("geojobs_job_wait_seconds_count") >= waits + 3
    assert 0.3 <= metric("geojobs_job_duration_seconds_sum", job="slow") - spent < 30


def test_jobs_that_run_and_wait_are_counted(api: httpx.Client, metric: Read) -> None:
    jobs = [api.post("jobs/", json={"job": "slow"}).json() for _ in range(3)]  # for two workers
    until(lambda: metric("geojobs_jobs_running") == 2 and metric("geojobs_workers") >= 2)
    assert metric("geojobs_jobs_waiting") == 1
    ended = metric("geojobs_jobs_finished_total", job="slow", status="revoked")
    waits = metric("geojobs_job_wait_seconds_count")
    for job in reversed(jobs):  # the one that waits first
        api.delete(f"jobs/{job['uuid']}/")
    until(lambda: metric("geojobs_jobs_running") == 0)
    assert metric("geojobs_jobs_waiting") == 0
    until(lambda: metric("geojobs_jobs_finished_total", job="slow", status="revoked") == ended + 3)
    assert metric("geojobs_job_wait_seconds_count") == waits + 2  # the third has never begun


def test_only_the_names_of_registered_jobs_become_labels(api: httpx.Client) -> None:
    api.post("jobs/", json={"job": "nobody-knows-me"})
    assert "nobody-knows-me" not in api.get("metrics/").text


def test_the_lag_of_the_event_loop_is_measured_again_and_again(metric: Read) -> None:
    before = metric("geojobs_event_loop_lag_seconds_count")
    until(lambda: metric("geojobs_event_loop_lag_seconds_count") >= before + 2)
    assert metric("geojobs_event_loop_lag_seconds_bucket", le="+Inf") >= before + 2


@pytest.mark.parametrize("level", ["INFO", "DEBUG"])
def test_jupyter_counts_each_request_and_tells_successes_to_who_debugs(geojobs_server: Any, level: str) -> None:
    with geojobs_server(f"c.ServerApp.log_level = {level!r}") as server, server.client() as client:
        before = counted(server, client)
        assert client.get("services/").status_code == 200
        assert client.get("services/nothing/").status_code == 404
        after = counted(server, client)
        assert (after["200"] - before["200"], after["404"] - before["404"]) == (1, 1)
        log = server.log()
        assert ("200 GET" in log and "rest/services/ (" in log) == (level == "DEBUG")
        assert "rest/services/nothing/ (" in log


def counted(server: Any, client: httpx.Client) -> Counter[str]:
    """Return how many requests for services Jupyter has counted, by their status."""
    families = text_string_to_metric_families(client.get(f"{server.url}metrics").text)
    return Counter(
        {
            sample.labels["status_code"]: int(sample.value)
            for family in families
            for sample in family.samples
            if sample.name == "http_request_duration_seconds_count" and "services.Service" in sample.labels["handler"]
        }
    )
