"""How values become colours: renderers, their JSON form, and their legends.

Owns the mapping from values to a palette of 256 colours. Reading values is the work of `rasters`, encoding
pictures that of `tiles` and `plots`. Nothing here imports matplotlib before a legend is drawn or a colormap
asked for by name, because server configurations import this package.
"""

from geojobs_lab.colors import Color
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.breaks import class_breaks
from geojobs_lab.renderers.classified import ClassifiedRenderer
from geojobs_lab.renderers.distribution import Distribution
from geojobs_lab.renderers.document import renderer_from_json
from geojobs_lab.renderers.legend import legend_png
from geojobs_lab.renderers.levels import level_labels, round_levels
from geojobs_lab.renderers.stretched import StretchedRenderer, default_renderer
from geojobs_lab.renderers.svg import legend_svg
from geojobs_lab.renderers.unique import UniqueRenderer, UniqueValuesRenderer

__all__ = [
    "ClassifiedRenderer",
    "Color",
    "Distribution",
    "Renderer",
    "StretchedRenderer",
    "UniqueRenderer",
    "UniqueValuesRenderer",
    "class_breaks",
    "default_renderer",
    "legend_png",
    "legend_svg",
    "level_labels",
    "renderer_from_json",
    "round_levels",
]
