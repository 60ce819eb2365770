"""Pictures of rasters for people: maps with coastlines, a graticule and a scale.

Owns the layout of a map, the choice of its colour scale, and the coastlines. Web map tiles are the room `tiles`.
"""

from geojobs_lab.plots.coastlines import borders, coastlines
from geojobs_lab.plots.map import map_figure

__all__ = ["borders", "coastlines", "map_figure"]
