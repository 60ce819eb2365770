"""What a notebook shows: results on an interactive map.

The one room that knows ipywidgets and ipyleaflet. Data comes from the server, asked by the browser itself; what is
drawn without a server (the coastlines) goes along with the widget.
"""

from geojobs_lab.widgets.map import ResultMap

__all__ = ["ResultMap"]
