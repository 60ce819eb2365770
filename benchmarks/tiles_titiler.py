"""rio-tiler behind its own server: titiler's endpoints of GeoTIFFs and uvicorn, in an environment of their own.

Run with a port it is that server: one process with a pool of threads, as uvicorn starts it.
"""

import sys
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import children
from benchmarks.tiles_data import COLORMAP, RANGE, Files

NAME = "titiler.core"
REQUIREMENTS = ["titiler.core==2.4.0", "uvicorn==0.54.0"]


def interpreter() -> Path:
    """Return the Python that has titiler; see `children.interpreter`."""
    return children.interpreter(NAME, REQUIREMENTS)


def path(files: Files) -> str:
    """Return the path of a tile, with places for z, x and y."""
    query = {
        "url": str(files.cog),
        "tilesize": 256,
        "rescale": ",".join(map(str, RANGE)),
        "colormap_name": COLORMAP,
    }
    return f"cog/tiles/WebMercatorQuad/{{}}/{{}}/{{}}.png?{urlencode(query)}"


def _serve(port: int) -> None:
    import uvicorn
    from fastapi import FastAPI
    from titiler.core.factory import TilerFactory

    app = FastAPI()
    app.include_router(TilerFactory(router_prefix="/cog").router, prefix="/cog")
    uvicorn.run(app, host="127.0.0.1", port=port, log_level="error")


if __name__ == "__main__":
    _serve(int(sys.argv[1]))
