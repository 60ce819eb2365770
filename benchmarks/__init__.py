"""Measurements of geojobs_lab side by side with peers: ``python -m benchmarks``, or ``make bench``.

Each module measures one thing and returns tables. Times are not pass or fail: a machine moves by a third from one run
to the next, so compare what stands in one run.
"""
