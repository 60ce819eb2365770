"""The files of services, downloaded, and the rasters in them, read."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import service_path
from geojobs_lab.client.values import VARIABLE

if TYPE_CHECKING:
    import xarray as xr


def read_raster(transport: Transport, name: str, variable: str, time: float | str | None = None) -> "xr.DataArray":
    """Return a variable of a service, at one time or whole, in memory, with coordinates and CRS."""
    from tempfile import TemporaryDirectory

    import rioxarray  # noqa: F401  # whoever gets the raster can ask its .rio

    from geojobs_lab.rasters import open_raster

    with TemporaryDirectory(prefix="geojobs-") as folder:
        file = Path(folder) / "result.nc"
        download(transport, name, file)
        with open_raster(file, variable, time) as raster:
            loaded: xr.DataArray = raster.load()
            return loaded


def read_result(transport: Transport, service: str, name: str) -> "xr.DataArray | xr.Dataset":
    """Return what a raster output's service holds, in memory: a raster by the output's name, or a data set."""
    from tempfile import TemporaryDirectory

    import rioxarray  # noqa: F401  # as above

    from geojobs_lab.rasters import open_raster_dataset

    with TemporaryDirectory(prefix="geojobs-") as folder:
        file = Path(folder) / "result.nc"
        download(transport, service, file)
        with open_raster_dataset(file) as dataset:
            loaded: xr.Dataset = dataset.load()
            return loaded[VARIABLE].rename(name) if list(loaded) == [VARIABLE] else loaded


def download(transport: Transport, name: str, target: Path, query: Mapping[str, str | float] | None = None) -> None:
    """Write the NetCDF file of a service, or what else a query asks for, to `target`."""
    path = f"{service_path(name)}download/?{urlencode(query or {'format': 'nc'})}"
    transport.download(path, target, doing=f"downloading the service {name!r}")
