"""Jobs: their life, their store, the processes that run them, and the manager that holds it together.

Light to import: numpy and xarray are loaded by workers, and by the threads that look into files.
"""

from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.jobs.manager import JobManager
from geojobs_lab.jobs.registered import RegisteredJob, RegisteredJobs
from geojobs_lab.jobs.slots import SlotExecutor
from geojobs_lab.jobs.spec import Executor, JobSpec, Outcome, Watcher
from geojobs_lab.jobs.store import JobStore, SqliteJobStore

__all__ = [
    "Executor",
    "Job",
    "JobManager",
    "JobSpec",
    "JobStore",
    "Outcome",
    "RegisteredJob",
    "RegisteredJobs",
    "SlotExecutor",
    "SqliteJobStore",
    "Watcher",
]
