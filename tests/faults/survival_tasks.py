"""Tasks of jobs that are to survive: quick, slow, with results of every sort, failing, crashing."""

import os
import signal
import time
from pathlib import Path

import numpy as np
import xarray as xr

from geojobs_lab.parameters import IntParameter, NdArrayParameter, RasterParameter
from geojobs_lab.tasks import Task, task


@task
def quick(value: int) -> int:
    """Double a number at once."""
    return 2 * value


@task
def slow(value: int, seconds: float = 0.1) -> int:
    """Double a number after a while."""
    time.sleep(seconds)
    return 2 * value


@task
def failing(value: int) -> int:
    """Fail."""
    raise ValueError(f"{value} is not to be had")


@task
def crashing(value: int, folder: str) -> int:
    """End the process at the first two tries."""
    mark = Path(folder) / f"crash-{value}"
    with mark.open("a") as file:
        file.write("x")
    if mark.stat().st_size < 3:
        os.kill(os.getpid(), signal.SIGKILL)
    return 2 * value


@task
def journals(journal: str, name: str, seconds: float = 0.3) -> str:
    """Write down each beginning and each end."""
    _write(journal, f"begin {name} {os.getpid()}")
    for _ in range(round(seconds / 0.05)):  # a suspended process sleeps on where it was
        time.sleep(0.05)
    _write(journal, f"end {name} {os.getpid()}")
    return name


def _write(journal: str, line: str) -> None:
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)


class Paints(Task):
    """Return a raster that is the number everywhere."""

    name = "survival:paints"
    inputs = (IntParameter("value"),)
    outputs = (RasterParameter("painted"),)

    def execute(self, value: int) -> xr.DataArray:
        return xr.DataArray(
            np.full((6, 8), value, "float32"),
            dims=("lat", "lon"),
            coords={
                "lat": ("lat", np.arange(6.0), {"units": "degrees_north"}),
                "lon": ("lon", np.arange(8.0), {"units": "degrees_east"}),
            },
        )


class Counts(Task):
    """Return an array that is too large for the document."""

    name = "survival:counts"
    inputs = (IntParameter("value"),)
    outputs = (NdArrayParameter("counted"),)

    def execute(self, value: int) -> np.ndarray:
        return np.full(20_000, value)
