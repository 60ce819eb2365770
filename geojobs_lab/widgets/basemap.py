"""Basemaps from the internet, for those who want one; without, a map has coastlines and asks nobody."""

from collections.abc import Mapping
from typing import Any

from ipyleaflet import TileLayer, basemap_to_tiles

from geojobs_lab.errors import InvalidInput


def online_basemap(basemap: TileLayer | Mapping[str, Any]) -> TileLayer:
    """Return the tile layer of a basemap.

    Parameters
    ----------
    basemap : TileLayer or Mapping
        A layer, or one of ``ipyleaflet.basemaps``.

    Raises
    ------
    InvalidInput
        It is neither.
    """
    if not isinstance(basemap, TileLayer) and not (isinstance(basemap, Mapping) and "url" in basemap):
        raise InvalidInput(
            f"basemap: {basemap!r:.80} is neither a TileLayer nor one of ipyleaflet.basemaps",
            field="basemap",
            value=basemap,
        )
    layer = basemap if isinstance(basemap, TileLayer) else basemap_to_tiles(basemap)
    layer.base = True
    return layer
