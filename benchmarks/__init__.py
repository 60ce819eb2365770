"""Measurements of geojobs_lab side by side with peers: ``python -m benchmarks``, or ``make bench``.

``python -m benchmarks tiles`` measures one of them, and ``--large`` adds what takes long: the tiles of a raster of
21600 x 43200. The rasters are made below the temporary folder, or in the one that ``--data`` names, and kept for the
next run. Peers that do not live with our packages are installed by pip into environments of their own, once.

Each module measures one thing and returns tables. Times are not pass or fail: a machine moves by a third from one run
to the next, so compare what stands in one run.
"""
