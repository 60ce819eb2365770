"""What a notebook shows: a job's card, a registered job's form, live tables, results on a map, a task's progress.

The one room that knows ipywidgets, anywidget and ipyleaflet. Data comes from the server, asked by the browser itself;
the client and the tasks reach these classes by the entry points of the group ``geojobs_lab.displays``. They are loaded
on first use: the bar of a task that is called directly must not wait for the map's libraries.
"""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from geojobs_lab.widgets.card import JobCard
    from geojobs_lab.widgets.form import JobForm
    from geojobs_lab.widgets.map import ResultMap
    from geojobs_lab.widgets.progress import TaskProgress
    from geojobs_lab.widgets.swipe import SwipeMap
    from geojobs_lab.widgets.tables import JobTable, ServiceTable

__all__ = ["JobCard", "JobForm", "JobTable", "ResultMap", "ServiceTable", "SwipeMap", "TaskProgress"]

_HOMES = {
    "JobCard": "card",
    "JobForm": "form",
    "JobTable": "tables",
    "ResultMap": "map",
    "ServiceTable": "tables",
    "SwipeMap": "swipe",
    "TaskProgress": "progress",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
