"""Jobs and services as lists that read well."""

from collections.abc import Callable
from typing import Any

from geojobs_lab.client.job import Job
from geojobs_lab.client.services import Service
from geojobs_lab.client.tables import Columns, Listing
from geojobs_lab.client.transport import Transport


def list_jobs(
    documents: list[dict[str, Any]], transport: Transport, total: int, live: Callable[[], Any]
) -> Listing[Job]:
    """Return jobs as a readable list of what was heard just now."""
    columns: Columns[Job] = {
        "uuid": lambda job: job.uuid,
        "job": lambda job: job.job,
        "status": lambda job: job.heard.status.value,
        "progress": lambda job: "" if job.heard.progress is None else f"{job.heard.progress:.0%}",
        "message": lambda job: job.heard.error["message"] if job.heard.error else job.heard.message,
        "created": lambda job: job.created,
    }
    return Listing([Job(d, transport) for d in documents], columns, title="jobs", total=total, live=live)


def list_services(
    documents: list[dict[str, Any]], transport: Transport, total: int, live: Callable[[], Any]
) -> Listing[Service]:
    """Return services as a readable list."""
    columns: Columns[Service] = {
        "name": lambda service: service.name,
        "title": lambda service: service.document.get("title"),
        "state": lambda service: service.state,
        "variables": lambda service: ", ".join(service.variables),
        "expires": lambda service: service.document.get("expires"),
    }
    return Listing([Service(d, transport) for d in documents], columns, title="services", total=total, live=live)
