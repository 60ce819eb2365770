"""What lies over a map: legends with switches, the time bar, the read-out, and why there is nothing to see.

One widget a map, whose script (``static/map*.js``) works on the models in the page: opacity, visibility, time and
values need no kernel, so that they work while it is busy and after it has gone.
"""

import traitlets

from geojobs_lab.widgets import page

_SCRIPTS = (
    "map_place.js",
    "map_legend.js",
    "map_tiles.js",
    "map_time.js",
    "map_value.js",
    "map_trouble.js",
    "map.js",
)


class MapPanel(page.ServerWidget):
    """The panel of one map.

    Attributes
    ----------
    map, mark : str
        The ids of the models of the map, and of the ring where the value was read.
    layers : list of dict
        See `ResultLayer.page`; the last one lies on top.
    time : str
        The date that is shown; empty where no layer has dates.
    bounds : list of float
        Where the data lie: west, south, east, north in degrees.
    fitted : bool
        Whether a page has fitted the view to the data, with the size that the map really has.
    reading : dict
        What was read last, as the page shows it: ``lon``, ``lat``, ``rows``; empty before the first click.
    """

    _esm = page.script(*_SCRIPTS)
    _css = page.style("map.css")

    map = traitlets.Unicode().tag(sync=True)
    mark = traitlets.Unicode().tag(sync=True)
    layers = traitlets.List(traitlets.Dict()).tag(sync=True)
    time = traitlets.Unicode().tag(sync=True)
    bounds = traitlets.List(traitlets.Float()).tag(sync=True)
    fitted = traitlets.Bool(False).tag(sync=True)
    reading = traitlets.Dict().tag(sync=True)
