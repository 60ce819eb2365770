"""Background geoprocessing for Jupyter: submit raster jobs, watch them, see the results on a map.

The public names are resolved on first use (PEP 562), so that ``import geojobs_lab`` costs next to nothing: a
server configuration, a worker and a notebook's first cell each load only what they touch.
"""

from typing import TYPE_CHECKING, Any

from geojobs_lab._version import __version__

if TYPE_CHECKING:
    from geojobs_lab.client import Client, Job
    from geojobs_lab.rasters import Raster
    from geojobs_lab.tasks import Field, Task, task
    from geojobs_lab.widgets import ResultMap
    from geojobs_lab.workflows import Workflow, WorkflowBuilder

__all__ = [
    "Client",
    "Field",
    "Job",
    "Raster",
    "ResultMap",
    "Task",
    "Workflow",
    "WorkflowBuilder",
    "__version__",
    "task",
]

_HOMES = {
    "Client": "geojobs_lab.client",
    "Field": "geojobs_lab.tasks",
    "Job": "geojobs_lab.client",
    "Raster": "geojobs_lab.rasters",
    "ResultMap": "geojobs_lab.widgets",
    "Task": "geojobs_lab.tasks",
    "Workflow": "geojobs_lab.workflows",
    "WorkflowBuilder": "geojobs_lab.workflows",
    "task": "geojobs_lab.tasks",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value  # the next look-up does not come here
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})
