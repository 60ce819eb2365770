"""Jobs that last, for tests of what people see meanwhile."""

import os
import time
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from geojobs_lab.colors import Color
from geojobs_lab.parameters import AnyParameter, BBox, BooleanParameter, IntParameter, RasterParameter, StringParameter
from geojobs_lab.tasks import Field, Task, log, progress, task

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr
    from pyproj import CRS
    from shapely import Polygon


@task
def count(until: int = 10, gate: str = "") -> int:
    """Count as far as the number in a file says, and on when it says more; without a file for ever at 3."""
    log(f"process {os.getpid()}")
    file = Path(__file__).with_name("gates") / (gate or "none")
    for number in range(until):
        progress(number / until, f"{number} of {until}")
        while number >= (int(file.read_text() or 0) if file.exists() else 3):
            time.sleep(0.05)
    return until


@task
def fail(reason: str = "the sea is dry") -> int:
    """Fail on purpose."""
    progress(0.4, "looking at the sea")
    raise ValueError(reason)


class Describe(Task):
    """Say what was asked for; the result is a sentence."""

    name = "describe"
    title = "Describe a raster"
    inputs = (
        RasterParameter("data", title="Data", description="What to describe."),
        IntParameter("classes", default=5, minimum=2, maximum=9, title="Classes", description="How many."),
        StringParameter("method", default="equal", choices=["equal", "quantile"], title="Method"),
        BooleanParameter("land", default=False, title="Only land"),
        StringParameter("note", default="", title="Note"),
    )
    outputs = (AnyParameter("text"),)

    def execute(self, data, classes, method, land, note):
        return f"{data.name}: {classes} {method} classes, land {land}, {note}"


@task(title="One of every kind")
def kinds(
    size: Literal[1, 2, 3, 5, 8, "all"],
    day: Annotated[date, Field(minimum="2000-01-01", maximum="2099-12-31")],
    moment: datetime,
    area: BBox,
    color: Color = "#1f77b4",
    crs: "CRS" = "EPSG:3857",
    outline: "Polygon | None" = None,
    places: "gpd.GeoDataFrame | None" = None,
    data: "xr.Dataset | None" = None,
) -> str:
    """Say what came.

    Parameters
    ----------
    area : BBox
        Where.
    """
    return f"{size!r} {day!r} {moment!r} {area} {color.to_hex()} {crs.to_epsg()} {outline} {len(places)} {sorted(data)}"
