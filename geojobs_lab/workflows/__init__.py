"""Workflows: graphs of tasks, their stored form, their run.

Owns reading, checking and running what `workflows.md` describes. What a single task does is its own business; where a
run takes place is that of the run context.
"""

from geojobs_lab.workflows.workflow import Workflow

__all__ = ["Workflow"]
