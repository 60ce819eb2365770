"""Tasks that return every kind of result, and that take every kind of reference."""

import os
from pathlib import Path

import numpy as np
import xarray as xr

from geojobs_lab.parameters import (
    AnyParameter,
    IntParameter,
    ListParameter,
    NdArrayParameter,
    RasterDatasetParameter,
    RasterParameter,
)
from geojobs_lab.renderers import Color, StretchedRenderer
from geojobs_lab.tasks import Task, task


def small(value: float = 0.0, **attributes: object) -> xr.DataArray:
    coords = {
        "lat": ("lat", [40.0, 41.0], {"units": "degrees_north"}),
        "lon": ("lon", [10.0, 11.0, 12.0], {"units": "degrees_east"}),
    }
    return xr.DataArray(np.full((2, 3), value), coords, ("lat", "lon"), attrs=attributes)


class Several(Task):
    """Gives a list of rasters, the last of which may be none."""

    name = "several"
    inputs = [IntParameter("count"), IntParameter("wrong", default=-1)]
    outputs = [ListParameter(RasterParameter(""), "cells"), IntParameter("count")]

    def execute(self, count, wrong):
        rasters = [small(number, units="m", long_name=f"Height {number}") for number in range(count)]
        if wrong >= 0:
            rasters[wrong] = rasters[wrong].astype(complex)
        return {"cells": rasters, "count": count}


class Words(Task):
    """Gives a raster of texts."""

    name = "words"
    outputs = [AnyParameter("words")]

    def execute(self):
        return small(1.5).astype(str)


class Together(Task):
    """Gives a data set of two rasters and of something that is none."""

    name = "together"
    outputs = [RasterDatasetParameter("both")]

    def execute(self):
        warm = small(1, units="K", long_name="Warmth")
        wet = small(2, units="mm").isel(lon=slice(0, 2)).rename(lon="x2").assign_coords(x2=[10.0, 10.5])
        wet.x2.attrs["units"] = "degrees_east"
        attributes = {"title": "Both", "institution": "House", "history": "a long one"}
        return xr.Dataset({"warm": warm, "wet": wet, "names": ("n", [1, 2])}, attrs=attributes)


class Series(Task):
    """Gives a series in a calendar of its own."""

    name = "series"
    outputs = [RasterParameter("series")]

    def execute(self):
        times = xr.date_range("2000-02-28", periods=3, freq="D", calendar="360_day", use_cftime=True)
        series = small(1, units="K", long_name="Warmth", cell_methods="time: mean").expand_dims(time=times)
        return series.rename("tas")


class Odd(Task):
    """Gives a raster whose attributes NetCDF cannot hold."""

    name = "odd"
    outputs = [RasterParameter("out")]

    def execute(self):
        name = os.fsdecode(b"caf\xe9.nc")
        odd = {"source": name, "long_name": f"from {name}", name: "x", " blank": "x", "CLASS": "x", "a/b": "x"}
        more = {"none": None, "object": object(), "huge": 2**70, "nul": "a\0b", "kept": "yes", "number": 3}
        return small(1, **odd, **more).assign_coords(height=((), 2.0, {"source": name}))


class Sums(Task):
    """Takes rasters in every way."""

    name = "sums"
    inputs = [
        RasterParameter("raster", required=False),
        NdArrayParameter("array", required=False),
        ListParameter(RasterParameter(""), "rasters", required=False),
        RasterDatasetParameter("dataset", required=False),
        ListParameter(RasterDatasetParameter(""), "datasets", required=False),
    ]
    outputs = [AnyParameter("sums")]

    def execute(self, raster=None, array=None, rasters=(), dataset=None, datasets=()):
        return {
            "raster": None if raster is None else float(raster.sum()),
            "array": None if array is None else float(array.sum()),
            "rasters": [float(one.sum()) for one in rasters],
            "dataset": None if dataset is None else {str(name): float(one.sum()) for name, one in dataset.items()},
            "datasets": [len(one) for one in datasets],
        }


@task
def writes(path: str) -> None:
    """Write a file of its own."""
    Path(path).write_text("mine")


@task
def bytes_read(data: xr.DataArray, step: int | None = None) -> dict:
    """Use the values, or those of one step, and tell how many bytes this process has read so far."""
    total = float((data if step is None else data.isel(time=step)).sum())
    lines = dict(line.split(": ") for line in Path("/proc/self/io").read_text().splitlines())
    return {"pid": os.getpid(), "sum": total, "read": int(lines["rchar"])}


class AddsOne(Task):
    """A task that nodes of workflows name."""

    name = "house:adds_one"
    inputs = [IntParameter("value")]
    outputs = [IntParameter("result")]

    def execute(self, value):
        return value + 1


class AddsTwo(AddsOne):
    """Another task of the same name."""

    def execute(self, value):
        return value + 2


def by_units(raster: xr.DataArray) -> StretchedRenderer:
    """Colours that tell the raster that they were made for."""
    top = {"K": 100, "mm": 200}.get(raster.attrs.get("units"), 300 + float(raster.max()))
    return StretchedRenderer([(0, Color(0, 0, 0)), (top, Color(255, 0, 0))])
