"""The one error tree of the project.

::

    GeoJobsError
    ├── InvalidInput (ValueError)        what somebody sent is wrong; .field, .value
    │   ├── ParameterNotValidError       .parameter, .value
    │   ├── ExpressionNotValid           .position
    │   ├── InvalidReference             a service:// text that cannot be meant
    │   ├── UnknownJob                   a submission for a job that is not registered
    │   ├── RendererNotValid             a renderer's JSON that cannot be read; .option
    │   └── WorkflowNotValid             a stored workflow that cannot be run
    ├── NotFound (LookupError)           .subject, .name
    ├── Conflict                         the thing is in the wrong state
    │   └── IllegalTransition            .job_id
    ├── TooLarge
    ├── QueueFull                        .retry_after seconds
    ├── Unavailable                      it exists, and cannot serve now; the message says why
    │   └── ServerStopping
    ├── ConfigurationError               .entry
    ├── RasterError                      a file or an array that cannot be read or placed on the Earth
    │   └── NothingPlaced                .variables
    ├── RunError                         a task could not do its work
    │   ├── ExpressionFailed             .expression
    │   └── NodeFailed                   .node, and the task's own error as __cause__
    ├── StoreError                       the database refused
    └── ClientError                      what a client meets
        ├── ServerNotFound
        ├── NotAuthenticated
        ├── RequestRefused               .status, .document
        ├── JobFailed                    .job_id, .error
        ├── JobRevoked                   .job_id
        └── WaitTimeout                  .job_id

HTTP statuses are not known here: the server package maps these classes to codes in one table.
"""

from collections.abc import Iterable, Mapping
from typing import Any


class GeoJobsError(Exception):
    """Everything that geojobs_lab raises on purpose."""


class InvalidInput(GeoJobsError, ValueError):
    """What somebody sent is wrong.

    Parameters
    ----------
    message : str
        Names the field and the value, and says what was wanted.
    field : str
        The top-level field of the request that is to blame, such as ``"inputs"``.
    value : object
        The offending value.
    """

    def __init__(self, message: str, *, field: str = "inputs", value: object = None) -> None:
        super().__init__(message)
        self.field = field
        self.value = value


class ParameterNotValidError(InvalidInput):
    """A value that its parameter does not accept."""

    def __init__(self, message: str, *, parameter: str = "", value: object = None) -> None:
        super().__init__(message, field="inputs", value=value)
        self.parameter = parameter


class ExpressionNotValid(InvalidInput):
    """A text that is no expression of the language, or exceeds its limits; `position` counts characters from 0."""

    def __init__(self, message: str, *, value: object = None, position: int = 0) -> None:
        super().__init__(message, field="inputs", value=value)
        self.position = position


class InvalidReference(InvalidInput):
    """A ``service://`` text that cannot be meant."""


class UnknownJob(InvalidInput):
    """A submission for a job that is not registered, or whose registration is wrong."""

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message, field="job", value=value)


class RendererNotValid(InvalidInput):
    """A renderer, or its JSON form, that cannot be used; `option` is that which is to blame, where it is one."""

    def __init__(self, message: str, *, value: object = None, option: str = "") -> None:
        super().__init__(message, field="renderer", value=value)
        self.option = option


class WorkflowNotValid(InvalidInput):
    """A workflow that cannot be run; the message names the node."""

    def __init__(self, message: str, *, value: object = None) -> None:
        super().__init__(message, field="workflow", value=value)


class NotFound(GeoJobsError, LookupError):
    """There is no such thing.

    Parameters
    ----------
    subject : str
        The kind of thing: ``"job"``, ``"service"``, ``"variable"``, ``"task"``.
    name : str
        What it was called.
    """

    def __init__(self, subject: str, name: str, message: str | None = None) -> None:
        super().__init__(message or f"there is no {subject} {name!r}")
        self.subject = subject
        self.name = name


class Conflict(GeoJobsError):
    """The thing is in the wrong state for what was asked."""


class IllegalTransition(Conflict):
    """A job's life-cycle does not allow this step."""

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class TooLarge(GeoJobsError):
    """More was sent or asked for than is allowed."""


class QueueFull(GeoJobsError):
    """No more jobs are taken for now; try again after `retry_after` seconds."""

    def __init__(self, message: str, *, retry_after: int) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Unavailable(GeoJobsError):
    """It exists, and cannot serve now."""


class ServerStopping(Unavailable):
    """The server is going down and takes no new work."""


class ConfigurationError(GeoJobsError):
    """An entry of the configuration that cannot be used."""

    def __init__(self, message: str, *, entry: str = "") -> None:
        super().__init__(message)
        self.entry = entry


class RasterError(GeoJobsError):
    """A file or an array that cannot be read, or not be placed on the Earth."""


class NothingPlaced(RasterError):
    """A file that can be read, and none of whose variables can be placed on the Earth; `variables` are their names."""

    def __init__(self, message: str, *, variables: Iterable[str] = ()) -> None:
        super().__init__(message)
        self.variables = tuple(variables)


class RunError(GeoJobsError):
    """A task could not do its work."""


class ExpressionFailed(RunError):
    """An expression has no value for the values given; a reason from elsewhere is the ``__cause__``."""

    def __init__(self, message: str, *, expression: str = "") -> None:
        super().__init__(message)
        self.expression = expression


class NodeFailed(RunError):
    """A node of a workflow failed; the task's own error is the ``__cause__``."""

    def __init__(self, node: str, error: BaseException) -> None:
        super().__init__(f"node {node!r}: {error}")
        self.node = node


class StoreError(GeoJobsError):
    """The database refused."""


class ClientError(GeoJobsError):
    """What a client of the server meets."""


class ServerNotFound(ClientError):
    """No server with the extension could be found; the message lists what was tried."""


class NotAuthenticated(ClientError):
    """The server is there and does not take the token."""


class RequestRefused(ClientError):
    """The server answered with an error.

    Parameters
    ----------
    message : str
        The server's own message.
    status : int
        The HTTP status.
    document : Mapping
        The server's error document: ``message``, ``reason``, ``errors``.
    """

    def __init__(self, message: str, *, status: int, document: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.status = status
        self.document = document


class JobFailed(ClientError):
    """The job that was waited for failed; `error` is ``{"type", "message", "where"}``."""

    def __init__(self, message: str, *, job_id: str, error: Mapping[str, Any]) -> None:
        super().__init__(message)
        self.job_id = job_id
        self.error = error


class JobRevoked(ClientError):
    """The job that was waited for was cancelled."""

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id


class WaitTimeout(ClientError, TimeoutError):
    """The job did not finish in the time given; it goes on."""

    def __init__(self, message: str, *, job_id: str) -> None:
        super().__init__(message)
        self.job_id = job_id
