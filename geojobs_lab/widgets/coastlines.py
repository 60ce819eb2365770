"""Coastlines and borders as a map layer that needs no server: only those near the data, for the notebook's size."""

from typing import Any

import numpy as np
from ipyleaflet import GeoJSON

from geojobs_lab.plots import borders, coastlines

_MARGIN = 0.5  # of the data's width and height, drawn round it
_DECIMALS = 2  # of a degree: about a kilometre, which the lines are simplified to anyway
_STYLE = {"color": "#333", "weight": 1, "opacity": 0.8, "fill": False, "interactive": False}


def coastline_layer(bounds: tuple[float, float, float, float]) -> GeoJSON:
    """Return the lines about an area.

    Parameters
    ----------
    bounds : tuple of float
        West, south, east, north in degrees; the west may lie below -180 and the east beyond 180.
    """
    features = [
        {"type": "Feature", "properties": {"kind": kind}, "geometry": _lines(lines, bounds)}
        for kind, lines in (("coastlines", coastlines()), ("borders", borders()))
    ]
    return GeoJSON(data={"type": "FeatureCollection", "features": features}, style=_STYLE, name="coastlines")


def _lines(lines: tuple[Any, ...], bounds: tuple[float, float, float, float]) -> dict[str, Any]:
    west, south, east, north = bounds
    wide, high = (east - west) * _MARGIN, (north - south) * _MARGIN
    shown = []
    for line in lines:
        for turn in (-360.0, 0.0, 360.0):
            xs, ys = line[:, 0] + turn, line[:, 1]
            inside = (xs > west - wide) & (xs < east + wide) & (ys > south - high) & (ys < north + high)
            if inside.any():
                shown.append(np.round(np.column_stack([xs, ys]), _DECIMALS).tolist())
    return {"type": "MultiLineString", "coordinates": shown}
