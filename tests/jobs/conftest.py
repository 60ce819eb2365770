"""Fixtures of the jobs tests."""

from jobs_bench import bench

__all__ = ["bench"]
