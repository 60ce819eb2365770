"""Coastlines and borders as a map layer that needs no server: only those near the data, for the notebook's size."""

from typing import Any

import numpy as np
import shapely
from ipyleaflet import GeoJSON

from geojobs_lab.plots import borders, coastlines
from geojobs_lab.widgets.view import Bounds

_BESIDE, _ABOVE = 1.0, 0.5  # of the data's width and height, drawn round it: maps are wide
_DECIMALS = 2  # of a degree: about a kilometre, which the lines are simplified to anyway
_FINENESS = 2500  # points that a line across the data needs at most: it is some screens wide

CLASS = "geojobs-coast"
"""Of the lines, and with their kind behind it: the style sheet gives them the colours of the theme."""


def coastline_layer(bounds: Bounds) -> GeoJSON:
    """Return the lines about an area."""
    return GeoJSON(
        data=coastline_data(bounds), style={"weight": 1, "fill": False, "interactive": False}, name="coastlines"
    )


def coastline_data(bounds: Bounds) -> dict[str, Any]:
    """Return the lines about an area as GeoJSON."""
    return {
        "type": "FeatureCollection",
        "features": [
            {
                "type": "Feature",
                "properties": {"kind": kind, "style": {"className": f"{CLASS} {CLASS}-{kind}"}},
                "geometry": {"type": "MultiLineString", "coordinates": _lines(lines, bounds)},
            }
            for kind, lines in (("coastlines", coastlines()), ("borders", borders()))
        ],
    }


def _lines(lines: tuple[Any, ...], bounds: Bounds) -> list[list[list[float]]]:
    west, south, east, north = bounds
    whole = east - west >= 360
    wide, high = 0.0 if whole else (east - west) * _BESIDE, (north - south) * _ABOVE
    box = (west - wide, south - high, east + wide, north + high)
    tolerance = (east - west) / _FINENESS
    shown = []
    for line in lines:
        for turn in (0.0,) if whole else (-360.0, 0.0, 360.0):
            xs, ys = line[:, 0] + turn, line[:, 1]
            if xs.min() < box[2] and xs.max() > box[0] and ys.min() < box[3] and ys.max() > box[1]:
                simple = shapely.simplify(shapely.linestrings(xs, ys), tolerance)
                for part in shapely.get_parts(shapely.clip_by_rect(simple, *box)):
                    shown.append(np.round(shapely.get_coordinates(part), _DECIMALS).tolist())
    return shown
