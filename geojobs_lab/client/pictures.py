"""A service's raster as a picture for print, in the colours of its map tiles."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from geojobs_lab.client.services import Service

if TYPE_CHECKING:
    from matplotlib.figure import Figure

_PLAIN = ["#000000", "#ffffff"]  # the stretch that results are drawn in when nobody has chosen colours
_COLOURS = {"cmap", "vmin", "vmax", "renderer"}


def draw(service: Service, variable: str | None, time: float | str | None, options: Mapping[str, Any]) -> "Figure":
    """Return the map of a service's variable, the first step of a series when no time is given."""
    from geojobs_lab.plots import map_figure
    from geojobs_lab.renderers import renderer_from_json

    raster = service.read(variable, time=time)
    for dimension in raster.dims[:-2]:
        raster = raster.isel({dimension: 0})
    styles = [one.get("renderer") for one in service.document["variables"] if variable in (None, one["name"])]
    style = styles[0]
    options = dict(options)
    if style is not None and not _COLOURS & options.keys() and not _is_plain(style):
        options["renderer"] = renderer_from_json(style)
    return map_figure(raster, **options)


def _is_plain(style: Mapping[str, Any]) -> bool:
    return style["type"] == "stretched" and [color for _, color in style["colors"]] == _PLAIN
