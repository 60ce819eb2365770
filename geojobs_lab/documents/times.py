"""Times as the documents write them: ISO 8601, UTC, ``Z``, microseconds."""

import re
from datetime import UTC, datetime

# A calendar's own date, astronomical years allowed: -0001-02-30, 2070-01, 2070-01-01T12:00:00.5Z
_ISO = re.compile(r"[+-]?\d{4,}(-(0[1-9]|1[0-2])(-(0[1-9]|[12]\d|3[01])([T ]\d{2}(:\d{2}(:\d{2}(\.\d+)?)?)?Z?)?)?)?")


def utc_now() -> datetime:
    """Return the present time, aware, in UTC."""
    return datetime.now(UTC)


def format_time(time: datetime) -> str:
    """Write an aware time as ``2016-09-02T23:36:10.768937Z``."""
    return time.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def parse_time(text: str) -> datetime:
    """Read what `format_time` writes (and any other ISO 8601 text with an offset)."""
    return datetime.fromisoformat(text)


def is_iso_time(text: str) -> bool:
    """Tell whether a text has the form of an ISO date or time, in whatever calendar."""
    return _ISO.fullmatch(text) is not None
