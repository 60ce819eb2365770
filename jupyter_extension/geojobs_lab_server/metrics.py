"""``metrics/``: how the jobs and the server do, for Prometheus.

Owns a registry of its own: Jupyter's, at ``/metrics``, can be open to everybody.
"""

import asyncio
from collections.abc import Callable
from typing import TYPE_CHECKING

from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from geojobs_lab.documents import parse_time
from geojobs_lab_server.base import Handler, endpoint

if TYPE_CHECKING:
    from geojobs_lab.jobs import Job
    from geojobs_lab_server.app import GeoJobsApp

_PROBE = 0.25  # seconds between two looks at how late the event loop is
_LAGS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 10.0)  # seconds
_TIMES = (0.005, 0.025, 0.1, 0.5, 1.0, 5.0, 15.0, 60.0, 300.0, 900.0, 3600.0, 14400.0)  # seconds


class Metrics:
    """What is counted, from the start of the server on."""

    def __init__(self, app: "GeoJobsApp") -> None:
        self._registry = CollectorRegistry()
        self._gauge("geojobs_jobs_waiting", "Jobs that wait for their turn", lambda: app.manager.waiting)
        self._gauge("geojobs_jobs_running", "Jobs that run", lambda: app.manager.active)
        self._gauge("geojobs_workers", "Processes that jobs run in, idle ones too", lambda: app.manager.workers)
        self._gauge("geojobs_event_streams", "Clients that are told of events", lambda: len(app.streams))
        self._finished = Counter(
            "geojobs_jobs_finished", "Jobs that have ended", ["job", "status"], registry=self._registry
        )
        self._duration = Histogram(
            "geojobs_job_duration_seconds",
            "From the start of a job to its end",
            ["job"],
            buckets=_TIMES,
            registry=self._registry,
        )
        self._wait = Histogram(
            "geojobs_job_wait_seconds",
            "From the submission of a job to its start",
            buckets=_TIMES,
            registry=self._registry,
        )
        self._lag = Histogram(
            "geojobs_event_loop_lag_seconds",
            "How late the event loop comes to what is due",
            buckets=_LAGS,
            registry=self._registry,
        )
        self._probe: asyncio.TimerHandle | None = None

    def _gauge(self, name: str, text: str, value: Callable[[], float]) -> None:
        Gauge(name, text, registry=self._registry).set_function(value)

    def start(self) -> None:
        """Begin to look how late the event loop is."""
        loop = asyncio.get_running_loop()
        due = loop.time() + _PROBE

        def look() -> None:
            self._lag.observe(max(0.0, loop.time() - due))
            self.start()

        self._probe = loop.call_at(due, look)

    def stop(self) -> None:
        """Look no more. May be called twice."""
        if self._probe is not None:
            self._probe.cancel()

    def count(self, job: "Job") -> None:
        """Count a job that has ended."""
        self._finished.labels(job.job, job.status.value).inc()
        if job.started is not None:
            started = parse_time(job.started)
            self._wait.observe((started - parse_time(job.created)).total_seconds())
            if job.finished is not None:
                self._duration.labels(job.job).observe((parse_time(job.finished) - started).total_seconds())

    def text(self) -> bytes:
        """Return all of it as Prometheus reads it."""
        return generate_latest(self._registry)


class MetricsHandler(Handler):
    """``metrics/``."""

    polled = True

    @endpoint
    async def get(self) -> None:
        """Answer with the numbers of now."""
        self.set_header("Cache-Control", "no-cache")
        self.finish(self.geojobs.metrics.text(), set_content_type=CONTENT_TYPE_LATEST)
