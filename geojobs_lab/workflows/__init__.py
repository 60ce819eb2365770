"""Workflows: graphs of tasks, their stored form, their run, their picture.

Owns reading, building, checking, running and drawing what `workflows.md` describes. What a single task does is its own
business; where a run takes place is that of the run context.
"""

from geojobs_lab.workflows.builder import WorkflowBuilder
from geojobs_lab.workflows.workflow import Workflow

__all__ = ["Workflow", "WorkflowBuilder"]
