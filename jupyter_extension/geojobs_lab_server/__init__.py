"""The Jupyter server extension: it lends the rooms of geojobs_lab to HTTP, and owns nothing but that.

Loaded at every start of a server, so it imports nothing here; `app` comes when Jupyter asks for it.
"""

from typing import Any

__all__: list[str] = []


def _jupyter_server_extension_points() -> list[dict[str, Any]]:
    from geojobs_lab_server.app import GeoJobsApp

    return [{"module": "geojobs_lab_server", "app": GeoJobsApp}]
