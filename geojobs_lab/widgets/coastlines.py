"""Coastlines and borders as a map layer that needs no server: fine near the data, coarse elsewhere, for the size."""

from typing import Any

import numpy as np
import shapely
from ipyleaflet import GeoJSON

from geojobs_lab.plots import borders, coastlines
from geojobs_lab.widgets.view import Bounds

_BESIDE, _ABOVE = 1.0, 0.5  # of the data's width and height, drawn round it: maps are wide
_DECIMALS = 2  # of a degree: about a kilometre, which the lines are simplified to anyway
_FINENESS = 2500  # points that a line across the data needs at most: it is some screens wide
_FAR = 270.0  # degrees east and west of the data's middle that are drawn: nobody looks further
_COARSE = 0.5  # degrees that a line far from the data may be off by, and islands there may be large and left out

CLASS = "geojobs-coast"
"""Of the lines, and with their kind behind it: the style sheet gives them the colours of the theme."""


def coastline_layer(bounds: Bounds) -> GeoJSON:
    """Return the lines of the Earth, fine about an area."""
    return GeoJSON(
        data=coastline_data(bounds), style={"weight": 1, "fill": False, "interactive": False}, name="coastlines"
    )


def coastline_data(bounds: Bounds) -> dict[str, Any]:
    """Return the lines of the Earth, fine about an area, as GeoJSON."""
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
    near = (west - wide, south - high, east + wide, north + high)
    middle = (west + east) / 2
    fine = (east - west) / _FINENESS
    shown = []
    for turn in (0.0,) if whole else (-360.0, 0.0, 360.0):
        turned = [shapely.linestrings(line[:, 0] + turn, line[:, 1]) for line in lines]
        parts = [shapely.clip_by_rect(shapely.simplify(turned, fine), *near)]
        if not whole:
            large = [line for line in turned if shapely.length(line) > 4 * _COARSE]
            coarse = shapely.clip_by_rect(shapely.simplify(large, _COARSE), middle - _FAR, -90, middle + _FAR, 90)
            parts.append(shapely.difference(coarse, shapely.box(*near)))
        for part in shapely.get_parts(np.concatenate(parts)):
            if shapely.length(part) > 0:
                shown.append(np.round(shapely.get_coordinates(part), _DECIMALS).tolist())
    return shown
