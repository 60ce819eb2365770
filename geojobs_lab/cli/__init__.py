"""The command line: ``geojobs demo`` and ``geojobs lab``.

Starts Jupyter servers of its own, set up with real climate data, and uses them through the client. The one room
that prints.
"""

from geojobs_lab.cli.main import main

__all__ = ["main"]
