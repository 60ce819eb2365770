"""``service://<service name>:<variable>@<timestamp>``: how a job's input points at published data."""

import math
import re
from dataclasses import dataclass
from typing import Self

from geojobs_lab.documents.times import is_iso_time
from geojobs_lab.errors import InvalidInput, InvalidReference

_SCHEME = "service://"
_SEGMENT = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.\-]*")
_LONGEST_NAME = 200  # characters; names become paths of URLs and files
_LONGEST = 1000  # characters of a whole reference, which messages repeat


def check_service_name(name: str, *, field: str = "name") -> str:
    """Return `name` when a service may be called so.

    A name is one or more segments of letters, digits, ``_``, ``-`` and ``.`` joined by ``/``; a segment does
    not begin with a dot or a dash.

    Raises
    ------
    InvalidInput
        With the `field` of the request that held the name.
    """
    if len(name) <= _LONGEST_NAME and all(_SEGMENT.fullmatch(part) for part in name.split("/")):
        return name
    raise InvalidInput(
        f"{field}: {name[:_LONGEST_NAME]!r} is not a service name: segments of letters, digits, '_', '-' and '.' "
        f"(not first) joined by '/', {_LONGEST_NAME} characters at most",
        field=field,
        value=name,
    )


@dataclass(frozen=True, slots=True)
class ServiceReference:
    """A pointer to a published variable, perhaps at one time.

    Attributes
    ----------
    service : str
        The service's name; may hold ``/``.
    variable : str or None
        None means the only variable of the service.
    time : float, str or None
        Unix seconds, an ISO text in the file's own calendar, or None for the whole time axis.
    """

    service: str
    variable: str | None = None
    time: float | str | None = None

    @staticmethod
    def is_reference(value: object) -> bool:
        """Tell whether a value is a text that begins with ``service://``."""
        return isinstance(value, str) and value.startswith(_SCHEME)

    @classmethod
    def parse(cls, text: str) -> Self:
        """Read ``service://name[:variable][@time]``.

        Raises
        ------
        InvalidReference
            The message says which part is wrong.
        """
        if not text.startswith(_SCHEME):
            raise InvalidReference(f"{text!r} does not begin with {_SCHEME!r}", value=text)
        if len(text) > _LONGEST:
            raise InvalidReference(
                f"{text[:_LONGEST_NAME]!r}… has {len(text)} characters; a reference has at most {_LONGEST}", value=text
            )
        place, at, moment = text.removeprefix(_SCHEME).partition("@")
        service, colon, variable = place.partition(":")
        try:
            check_service_name(service, field="service")
        except InvalidInput as error:
            raise InvalidReference(f"{text!r}: {error}", value=text) from None
        if colon and not variable:
            raise InvalidReference(f"{text!r}: the variable after ':' is empty", value=text)
        return cls(service, variable or None, _parse_moment(moment, text) if at else None)

    def __str__(self) -> str:
        variable = f":{self.variable}" if self.variable is not None else ""
        moment = f"@{self.time:.17g}" if isinstance(self.time, float) else f"@{self.time}" if self.time else ""
        return f"{_SCHEME}{self.service}{variable}{moment}"


def _parse_moment(moment: str, text: str) -> float | str:
    try:
        seconds = float(moment)
    except ValueError:
        if is_iso_time(moment):
            return moment
        seconds = math.nan
    # A bare year is four digits and reads as a number too: seconds win, as the contract says.
    if not math.isfinite(seconds):
        raise InvalidReference(
            f"{text!r}: the time {moment!r} is neither a number of Unix seconds nor an ISO date", value=text
        )
    return seconds
