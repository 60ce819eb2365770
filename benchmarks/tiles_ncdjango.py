"""Tiles of ncdjango, in an environment of its own: its ArcGIS export of the file that we publish, asked by URL.

A request goes through Django's test client: URL, view, model rows from SQLite, file, warp and PNG as in a server,
without the socket. It keeps nothing from one request to the next but its database connection, so its cold is its warm.
Run with a port and files it is a server.
"""

import json
import sys
import tempfile
from pathlib import Path
from socketserver import ForkingMixIn
from urllib.parse import urlencode

from benchmarks.ncdjango_peer import set_up
from benchmarks.tiles_data import RANGE, Files, Tile, mercator_bounds
from benchmarks.tiles_peer import serve

_SERVICE = "raster"
_COLORS = (  # viridis
    "#440154", "#481a6c", "#472f7d", "#414487", "#39568c", "#31688e", "#2a788e", "#23888e",
    "#1f988b", "#22a884", "#35b779", "#54c568", "#7ad151", "#a5db36", "#d2e21b", "#fde725",
)  # fmt: skip


class Export:
    """``MapServer/export`` of one service."""

    def __init__(self, files: Files) -> None:
        from django.test import Client

        _publish(files)
        self._client = Client()

    def draw(self, tile: Tile) -> bytes:
        answer = self._client.get("/" + path().format(*mercator_bounds(tile)), HTTP_ACCEPT="image/png")
        if answer.status_code != 200:
            raise RuntimeError(f"tile {tile}: {answer.status_code}")
        return bytes(answer.content)

    def forget(self) -> None:
        pass  # it opens the file in each request and closes it


def path() -> str:
    """Return the path of an export, with places for west, south, east and north."""
    query = {
        "bboxSR": 102100,
        "imageSR": 102100,
        "size": "256,256",
        "format": "png32",
        "transparent": "true",
        "f": "image",
    }
    return f"arcgis/rest/services/{_SERVICE}/MapServer/export?{urlencode(query)}&bbox={{!r}},{{!r}},{{!r}},{{!r}}"


def _publish(files: Files) -> None:
    """Make the rows of the service and its variable, as its own publishing does."""
    import netCDF4
    import numpy as np
    from ncdjango.models import Service, Variable
    from pyproj import CRS, Proj
    from trefoil.geometry.bbox import BBox
    from trefoil.render.renderers.stretched import StretchedRenderer
    from trefoil.utilities.color import Color

    raster = files.raster
    projection = CRS(raster.crs).to_proj4()  # an EPSG code would have latitude first
    extent = BBox(raster.bounds, projection=Proj(projection))
    breaks = np.linspace(*RANGE, len(_COLORS)).tolist()
    colors = [Color.from_hex(color) for color in _COLORS]
    Service.objects.all().delete()
    service = Service.objects.create(
        name=_SERVICE,
        data_path=str(files.netcdf),
        projection=projection,
        full_extent=extent,
        initial_extent=extent,
    )
    with netCDF4.Dataset(files.netcdf) as file:
        y, x = file["data"].dimensions[-2:]
    Variable.objects.create(
        service=service,
        index=0,
        variable="data",
        projection=projection,
        x_dimension=x,
        y_dimension=y,
        name="data",
        renderer=StretchedRenderer(list(zip(breaks, colors, strict=True)), colorspace="rgb"),
        full_extent=extent,
    )


def _run(port: int) -> None:
    """Serve, a process for each connection: libhdf5 is not to be used by two threads."""
    from django.core.servers.basehttp import ThreadedWSGIServer, WSGIRequestHandler
    from django.core.wsgi import get_wsgi_application
    from django.db import connection

    class Server(ForkingMixIn, ThreadedWSGIServer):  # Django keeps connections of those with threads alone
        max_children = 64

    connection.close()
    server = Server(("127.0.0.1", port), WSGIRequestHandler)
    server.set_app(get_wsgi_application())
    server.serve_forever()


def _main() -> None:
    with tempfile.TemporaryDirectory(prefix="geojobs-bench-") as name:
        set_up(Path(name), MIDDLEWARE=["django.middleware.common.CommonMiddleware"])  # answers have a length
        from django.core.management import call_command

        call_command("migrate", verbosity=0)
        if sys.argv[1:]:
            _publish(Files.from_json(json.loads(sys.argv[2])))
            _run(int(sys.argv[1]))
        else:
            serve(Export)


if __name__ == "__main__":
    _main()
