"""Fixtures of the jobs tests."""

from jobs_bench import bench
from jobs_house import climate, open_house

__all__ = ["bench", "climate", "open_house"]
