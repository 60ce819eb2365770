"""Which URL is which handler's.

Service names hold slashes, so what stands below a service comes before the service itself, and patterns are matched
against the path as it was sent: a slash that is part of something else may be written ``%2F``.
"""

from geojobs_lab_server.base import Handler
from geojobs_lab_server.downloads import DownloadHandler
from geojobs_lab_server.events import EventsHandler, JobEventsHandler
from geojobs_lab_server.jobs import JobHandler, JobLogHandler, JobOutputHandler, JobRetryHandler, JobsHandler
from geojobs_lab_server.links import PREFIX
from geojobs_lab_server.metrics import MetricsHandler
from geojobs_lab_server.numbers import (
    ClassifyHandler,
    SeriesHandler,
    StatisticsHandler,
    UniqueHandler,
    ValueHandler,
)
from geojobs_lab_server.pictures import ImageHandler, TileHandler
from geojobs_lab_server.registered import RegisteredJobHandler, RegisteredJobsHandler
from geojobs_lab_server.root import RootHandler, UnknownHandler
from geojobs_lab_server.services import ServiceHandler, ServicesHandler
from geojobs_lab_server.variables import (
    LegendHandler,
    LegendPictureHandler,
    TileJSONHandler,
)

_JOB = r"jobs/(?P<uuid>[^/]+)"
_SERVICE = r"services/(?P<name>.+)"
_VARIABLE = rf"{_SERVICE}/variables/(?P<variable>[^/]+)"
_TILE = r"tiles/(?P<z>-?\d{1,9})/(?P<x>-?\d{1,9})/(?P<y>-?\d{1,9})(?P<double>@2x|%402x)?\.png"

_ROUTES: list[tuple[str, type[Handler]]] = [
    (r"jobs", JobsHandler),
    (rf"{_JOB}/log", JobLogHandler),
    (rf"{_JOB}/events", JobEventsHandler),
    (rf"{_JOB}/retry", JobRetryHandler),
    (rf"{_JOB}/outputs/(?P<name>[^/]+)\.npy", JobOutputHandler),
    (_JOB, JobHandler),
    (r"events", EventsHandler),
    (r"metrics", MetricsHandler),
    (r"registered-jobs", RegisteredJobsHandler),
    (r"registered-jobs/(?P<name>[^/]+)", RegisteredJobHandler),
    (r"services", ServicesHandler),
    (rf"{_VARIABLE}/tilejson\.json", TileJSONHandler),
    (rf"{_VARIABLE}/{_TILE}", TileHandler),
    (rf"{_VARIABLE}/image\.png", ImageHandler),
    (rf"{_VARIABLE}/legend\.json", LegendHandler),
    (rf"{_VARIABLE}/legend\.(?P<form>png|svg)", LegendPictureHandler),
    (rf"{_VARIABLE}/value", ValueHandler),
    (rf"{_VARIABLE}/series", SeriesHandler),
    (rf"{_VARIABLE}/statistics", StatisticsHandler),
    (rf"{_VARIABLE}/classify", ClassifyHandler),
    (rf"{_VARIABLE}/unique", UniqueHandler),
    (rf"{_SERVICE}/download", DownloadHandler),
    (r"services/(?P<name>.+?)", ServiceHandler),
]


def routes() -> list[tuple[str, type[Handler]]]:
    """Return pairs of pattern, below the base URL, and handler, in the order in which they are tried."""
    prefix = f"/{PREFIX}"
    return [
        (prefix + "?", RootHandler),
        *((f"{prefix}{pattern}/?", handler) for pattern, handler in _ROUTES),
        (rf"{prefix}(?P<path>.*)", UnknownHandler),
    ]
