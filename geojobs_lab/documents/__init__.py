"""The documents that server and client exchange, in the standard library alone.

Owns the JSON of a job, the text of a service reference, the form of times, and strict JSON. What the
documents lead to (stores, files, HTTP) is other rooms' work.
"""

from geojobs_lab.documents.job import ErrorDocument, JobDocument, LogLine, Status
from geojobs_lab.documents.reference import ServiceReference, check_service_name
from geojobs_lab.documents.strict import dump_json, load_json
from geojobs_lab.documents.times import format_time, is_iso_time, parse_time, utc_now

__all__ = [
    "ErrorDocument",
    "JobDocument",
    "LogLine",
    "ServiceReference",
    "Status",
    "check_service_name",
    "dump_json",
    "format_time",
    "is_iso_time",
    "load_json",
    "parse_time",
    "utc_now",
]
