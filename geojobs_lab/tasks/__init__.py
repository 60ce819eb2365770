"""Tasks, the run context that they speak to, and the registry that finds them.

Owns the way of a call from inputs to outputs. Where a run takes place (here, a worker) and who listens is left
to the `RunContext`; nothing here imports numpy or xarray before a raster is at hand.
"""

from geojobs_lab.tasks.base import Task
from geojobs_lab.tasks.context import RunContext, current_context, log, progress, track, use_context
from geojobs_lab.tasks.fields import Field
from geojobs_lab.tasks.function import FunctionTask, task
from geojobs_lab.tasks.registry import Registry, default_registry

__all__ = [
    "Field",
    "FunctionTask",
    "Registry",
    "RunContext",
    "Task",
    "current_context",
    "default_registry",
    "log",
    "progress",
    "task",
    "track",
    "use_context",
]
