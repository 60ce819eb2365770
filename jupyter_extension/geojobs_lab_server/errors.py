"""Which error is which HTTP status, and the document that tells it.

The one table from exception classes to codes, and the one place that writes ``{"message", "reason", "errors"}``.
What an error may say is decided where it is raised: the messages of `geojobs_lab.errors` are for users. Of any other
exception nothing is told.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from http.client import responses
from typing import Any

from tornado import web

from geojobs_lab.errors import (
    Conflict,
    GeoJobsError,
    InvalidInput,
    NotFound,
    QueueFull,
    RasterError,
    StoreError,
    TooLarge,
    Unavailable,
)

# The first class that fits counts; what is not here is a fault of ours: 500.
_STATUS: Mapping[type[GeoJobsError], int] = {
    InvalidInput: 400,
    NotFound: 404,
    Conflict: 409,
    TooLarge: 413,
    QueueFull: 429,
    Unavailable: 503,
    RasterError: 503,  # a published file that was good and cannot be read now
    StoreError: 503,
}
_UNEXPECTED = "Something went wrong in the server; its log tells more"


class Refusal(web.HTTPError):
    """An answer other than success, ready to be sent.

    Parameters
    ----------
    status_code : int
        The HTTP status.
    message : str
        For the user.
    errors : Mapping of str to sequence of str
        What is wrong with which field.
    headers : Mapping of str to str
        To be sent along.
    """

    def __init__(
        self,
        status_code: int,
        message: str,
        *,
        errors: Mapping[str, Sequence[str]] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(status_code, message)
        self.message = message
        self.errors = dict(errors or {})
        self.headers = dict(headers or {})


def refusal(error: GeoJobsError) -> Refusal:
    """Translate an error of the core."""
    status = next((code for kind, code in _STATUS.items() if isinstance(error, kind)), 500)
    message = str(error) if status != 500 else _UNEXPECTED
    errors = {error.field: [message]} if isinstance(error, InvalidInput) else {}
    headers = {"Retry-After": str(error.retry_after)} if isinstance(error, QueueFull) else {}
    return Refusal(status, message, errors=errors, headers=headers)


@contextmanager
def refusing() -> Iterator[None]:
    """Turn the core's errors that the table knows into refusals; others pass, and are logged as faults."""
    try:
        yield
    except GeoJobsError as error:
        if isinstance(error, tuple(_STATUS)):
            raise refusal(error) from error
        raise


def error_document(status: int, error: BaseException | None) -> dict[str, Any]:
    """Return the body of an error answer."""
    if isinstance(error, Refusal):
        return {"message": error.message, "reason": None, "errors": error.errors}
    message = responses.get(status, "Unknown error")
    reason = None
    if isinstance(error, web.HTTPError):
        # tornado doubles the % of messages without arguments, so the formatting is always due.
        message = error.log_message % error.args if error.log_message else message
        reason = error.reason
    elif status >= 500:
        message = _UNEXPECTED
    return {"message": message, "reason": reason, "errors": {}}
