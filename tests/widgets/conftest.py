"""What the tests of all widgets share."""

from collections.abc import Iterator
from typing import Any

import pytest

from geojobs_lab import Client


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    """A client of the module's `server`."""
    with Client(server.url, server.token) as made:
        yield made
