"""The tasks that come with the package, registered through the same entry point as anyone's.

Owns what they compute. Nothing heavy is imported before one of them runs, so that a server can describe them.
"""

from geojobs_lab.library.climate import period_mean
from geojobs_lab.library.dataset import array_from_dataset, load_dataset
from geojobs_lab.library.debug import Echo
from geojobs_lab.library.expressions import ApplyExpression, MapByExpression, MaskByExpression, ReduceByExpression
from geojobs_lab.library.raster import align, subtract
from geojobs_lab.tasks import Task

TASKS: tuple[Task, ...] = (
    period_mean,
    Echo(),
    align,
    ApplyExpression(),
    array_from_dataset,
    load_dataset,
    MapByExpression(),
    MaskByExpression(),
    ReduceByExpression(),
    subtract,
)

__all__ = ["TASKS"]
