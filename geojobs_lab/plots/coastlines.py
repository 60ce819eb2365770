"""Coastlines and country borders of the whole Earth, from Natural Earth 1:50 million (public domain).

The data file is made by `.ci/make_coastlines.py`; it holds points as differences in units of 0.002 degrees.
"""

from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

_FILE = Path(__file__).with_name("coastlines.npz")

Line = NDArray[np.float64]
"""Points joined by straight lines, (n, 2): longitude and latitude, or x and y of a map."""


@cache
def coastlines() -> tuple[Line, ...]:
    """Return the coastlines, (n, 2) each: longitude -180..180 and latitude in degrees; read-only."""
    return _lines("coastlines")


@cache
def borders() -> tuple[Line, ...]:
    """Return the borders between countries on land, in the form of `coastlines`."""
    return _lines("borders")


def _lines(kind: str) -> tuple[Line, ...]:
    with np.load(_FILE) as file:
        points = np.cumsum(file[f"{kind}_points"], axis=0) * file["unit"]
        stops = np.cumsum(file[f"{kind}_lengths"])
    points.flags.writeable = False
    return tuple(np.split(points, stops[:-1]))
