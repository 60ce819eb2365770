"""Loading the large libraries, by one thread at a time.

A server loads them in threads, after it has started. Two threads that import the same packages at once can each meet
modules of the other's that are only half there (Python breaks the deadlock of circular imports in that way), so whoever
is about to need them comes here first.
"""

import importlib
import threading

_LIBRARIES = ("geojobs_lab.rasters", "geojobs_lab.renderers", "geojobs_lab.services.publishing")
_lock = threading.Lock()


def load_libraries() -> None:
    """Import numpy, xarray, netCDF4 and what of ours is built on them; at once when it has been done."""
    with _lock:
        for name in _LIBRARIES:
            importlib.import_module(name)
