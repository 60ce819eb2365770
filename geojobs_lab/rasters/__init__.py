"""Rasters: arrays that know where on the Earth they lie.

A raster is an `xarray.DataArray` with CF coordinates and a CRS; `Raster` is the annotation for it. Owns the
grid, the time axis in every calendar, and the reading and writing of CF NetCDF. What is published and how it is
drawn are other rooms' work.
"""

from typing import TypeAlias

import xarray as xr

from geojobs_lab.rasters.aligning import align, same_grid
from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.attaching import as_raster
from geojobs_lab.rasters.curvilinear import CurvilinearGrid
from geojobs_lab.rasters.geotiff import write_geotiff
from geojobs_lab.rasters.grid import Grid
from geojobs_lab.rasters.locks import HDF5_LOCK
from geojobs_lab.rasters.opening import open_raster, open_raster_dataset
from geojobs_lab.rasters.overviews import StoredLayer
from geojobs_lab.rasters.points import series_at, value_at
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.rectilinear import RectilinearGrid
from geojobs_lab.rasters.statistics import statistics
from geojobs_lab.rasters.summary import Summary, summarise
from geojobs_lab.rasters.table import Table
from geojobs_lab.rasters.timeaxis import TimeAxis
from geojobs_lab.rasters.unique import unique_values
from geojobs_lab.rasters.variables import VariableInfo
from geojobs_lab.rasters.writing import write_raster

Raster: TypeAlias = xr.DataArray

__all__ = [
    "HDF5_LOCK",
    "AnyGrid",
    "CurvilinearGrid",
    "Grid",
    "Raster",
    "RasterFile",
    "RectilinearGrid",
    "StoredLayer",
    "Summary",
    "Table",
    "TimeAxis",
    "VariableInfo",
    "align",
    "as_raster",
    "open_raster",
    "open_raster_dataset",
    "same_grid",
    "series_at",
    "statistics",
    "summarise",
    "unique_values",
    "value_at",
    "write_geotiff",
    "write_raster",
]
