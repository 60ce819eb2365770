"""Paths that users name, and the folders that files may be published from."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path

from geojobs_lab.errors import InvalidInput


def expand(text: str) -> Path:
    """Return a path; ``~`` is a home folder where there is such a user."""
    return Path(os.path.expanduser(text))  # noqa: PTH111  Path's own raises where there is no such user


def below(roots: Sequence[Path], text: str) -> Path:
    """Resolve a path, links included, and see that it is a file below one of the folders.

    Raises
    ------
    InvalidInput
        It is not. There is one answer for all cases: whether a file exists elsewhere is not told.
    """
    resolved = [root.resolve() for root in roots]
    given = expand(text)
    candidates = [given] if given.is_absolute() else [root / given for root in resolved]
    with contextlib.suppress(ValueError, OSError):  # no path at all: a NUL in it, too long, a loop of links
        for path in (candidate.resolve() for candidate in candidates):
            if any(path.is_relative_to(root) for root in resolved) and path.is_file():
                return path
    raise InvalidInput(
        f"path: {text!r} is not a file below the folders that may be published (service_roots)",
        field="path",
        value=text,
    )
