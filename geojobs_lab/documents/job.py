"""The document of a job, as the REST contract has it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Self, TypedDict


class Status(StrEnum):
    """Where a job is; never backwards, except ``started`` -> ``pending`` when a server stop puts it back."""

    PENDING = "pending"
    STARTED = "started"
    SUCCESS = "success"
    FAILURE = "failure"
    REVOKED = "revoked"

    @property
    def is_final(self) -> bool:
        """Tell whether nothing can follow."""
        return self in (Status.SUCCESS, Status.FAILURE, Status.REVOKED)


class ErrorDocument(TypedDict):
    """Why a job failed."""

    type: str
    message: str
    where: str


class LogLine(TypedDict):
    """One line of a job's log; `time` is ISO 8601 UTC, `level` a logging level's name, or STDOUT, STDERR."""

    time: str
    level: str
    message: str


@dataclass(frozen=True, slots=True)
class JobDocument:
    """What the server tells of a job.

    `inputs` and `outputs` are texts that hold JSON objects; times are ISO 8601 UTC; `progress` is 0..1.
    """

    uuid: str
    job: str
    created: str
    status: Status
    inputs: str
    outputs: str
    started: str | None
    finished: str | None
    progress: float | None
    message: str | None
    error: ErrorDocument | None
    revision: int

    @classmethod
    def from_json(cls, document: Mapping[str, Any]) -> Self:
        """Read a job document; fields that this version does not know are passed over."""
        known = {name: document.get(name) for name in cls.__slots__}
        known["status"] = Status(document["status"])
        return cls(**known)  # type: ignore[arg-type]  # the contract says which is what

    def to_json(self) -> dict[str, Any]:
        """Return the document as the contract orders its fields."""
        return {name: getattr(self, name) for name in self.__slots__}
