"""What is computed, and how peers do it: nothing here but numpy is imported before a peer's turn comes.

Each way takes the arrays by name and returns the result. Ways called "given" write into an array that was made, and its
memory touched, before.
"""

import os
import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Way = Callable[[Mapping[str, Any]], Any]

THREADS = min(os.cpu_count() or 1, 2)
_ROWS = 16  # of a block


@dataclass(frozen=True)
class Case:
    """An expression, the arrays that it takes, and the peers' ways; ours, and ncdjango's, is its text."""

    title: str
    text: str
    arrays: Callable[[int], dict[str, Any]]
    peers: Mapping[str, Way]
    in_ncdjango: bool = True


def bands(side: int) -> dict[str, Any]:
    """Return two bands of side x side float32, 0..1."""
    random = np.random.default_rng(0)
    return {name: random.random((side, side), np.float32) for name in ("nir", "red")}


def bands_with_gaps(side: int) -> dict[str, Any]:
    """Return bands of which a third is missing: NaN, in runs as clouds are."""
    values = bands(side)
    rows, cols = np.ogrid[:side, :side]
    gaps = np.sin(rows / 60) + np.cos(cols / 75) > 0.6
    for band in values.values():
        band[gaps] = np.nan
    return values


def series(side: int) -> dict[str, Any]:
    """Return twelve steps of a quarter of the side, and one layer."""
    random = np.random.default_rng(0)
    steps = random.random((12, side // 4, side // 4), np.float32)
    return {"series": steps, "layer": steps.mean(axis=0)}


@cache
def given(shape: tuple[int, ...], dtype: str) -> Array:
    """Return an array to write to, whose memory has been touched."""
    return np.zeros(shape, dtype) + np.ones((), dtype)


def add_given(values: Mapping[str, Any]) -> Array:
    """Return the sum of two arrays: what it costs to bring them through memory once."""
    nir, red = values["nir"], values["red"]
    return np.add(nir, red, out=given(nir.shape, "float32"))


def add_fresh(values: Mapping[str, Any]) -> Array:
    """Return the same in new memory, which the system has to make first."""
    return np.asarray(np.add(values["nir"], values["red"]))


def in_rows(count: int, block: Callable[[slice], None]) -> None:
    """Call a function with blocks of rows in two threads."""
    starts = iter(range(0, count, _ROWS))

    def work() -> None:
        with np.errstate(all="ignore"):
            for start in starts:
                block(slice(start, start + _ROWS))

    threads = [threading.Thread(target=work) for _ in range(THREADS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


def _index_blocks(values: Mapping[str, Any]) -> Array:
    nir, red = values["nir"], values["red"]
    out = given(nir.shape, "float32")

    def block(rows: slice) -> None:
        difference = nir[rows] - red[rows]
        total = nir[rows] + red[rows]
        np.divide(difference, total, out=out[rows])

    in_rows(len(nir), block)
    return out


def _anomaly_blocks(values: Mapping[str, Any]) -> Array:
    nir = values["nir"]
    mean, std, out = nir.mean(dtype=np.float64), nir.std(), given(nir.shape, "bool")

    def block(rows: slice) -> None:
        distance = nir[rows] - np.float32(mean)
        np.greater(np.abs(distance, out=distance), std, out=out[rows])

    in_rows(len(nir), block)
    return out


def _numexpr(text: str) -> Way:
    def way(values: Mapping[str, Any]) -> Any:
        import numexpr

        numexpr.set_num_threads(THREADS)
        moments = {}
        if "mean" in text:
            moments = {"mean": values["nir"].mean(), "std": values["nir"].std()}
        return numexpr.evaluate(text, local_dict={**values, **moments}, global_dict={})

    return way


@cache
def _numba(name: str) -> Callable[..., Any]:
    import numba

    def index(nir: Array, red: Array) -> Array:
        out = np.empty_like(nir)
        for row in numba.prange(nir.shape[0]):
            for col in range(nir.shape[1]):
                out[row, col] = (nir[row, col] - red[row, col]) / (nir[row, col] + red[row, col])
        return out

    def anomaly(nir: Array) -> Array:
        total, squares = 0.0, 0.0
        for row in numba.prange(nir.shape[0]):
            for value in nir[row]:
                total += value
                squares += value * value
        mean = total / nir.size
        std = np.sqrt(squares / nir.size - mean * mean)
        out = np.empty(nir.shape, np.bool_)
        for row in numba.prange(nir.shape[0]):
            for col in range(nir.shape[1]):
                out[row, col] = abs(nir[row, col] - mean) > std
        return out

    numba.set_num_threads(THREADS)
    compiled: Callable[..., Any] = numba.njit(parallel=True, fastmath=True)({"index": index, "anomaly": anomaly}[name])
    return compiled


def _dask(compute: Callable[..., Any]) -> Way:
    def way(values: Mapping[str, Any]) -> Any:
        import dask
        import dask.array

        lazy = {name: dask.array.from_array(array, chunks="32MiB") for name, array in values.items()}
        with dask.config.set(scheduler="threads", num_workers=THREADS):
            return compute(dask.array, **lazy).compute()

    return way


def _masked(compute: Callable[..., Any]) -> Way:
    def way(values: Mapping[str, Any]) -> Any:
        return compute(np.ma, **{name: np.ma.masked_invalid(array, copy=False) for name, array in values.items()})

    return way


def _plain(compute: Callable[..., Any]) -> Way:
    return lambda values: compute(np, **values)


def _index(np: Any, nir: Any, red: Any) -> Any:
    return (nir - red) / (nir + red)


def _anomaly(np: Any, nir: Any, red: Any) -> Any:
    return abs(nir - nir.mean()) > nir.std()


def _anomaly_nan(values: Mapping[str, Any]) -> Any:
    nir = values["nir"]
    return abs(nir - np.nanmean(nir)) > np.nanstd(nir)


def _mask(values: Mapping[str, Any]) -> Any:
    nir = values["nir"]
    return np.where(nir > 0.9, np.float32(np.nan), nir)


FLOOR: dict[str, Way] = {"np.add, output given": add_given, "np.add": add_fresh}

CASES: dict[str, Case] = {
    "index": Case(
        "index of two bands",
        "(nir - red) / (nir + red)",
        bands,
        {
            **FLOOR,
            "numpy, rows, 2 threads, given": _index_blocks,
            "numpy": _plain(_index),
            "numexpr": _numexpr("(nir - red) / (nir + red)"),
            "numba": lambda values: _numba("index")(values["nir"], values["red"]),
            "dask.array": _dask(_index),
            "numpy.ma": _masked(_index),
        },
    ),
    "anomaly": Case(
        "cells far from the mean",
        "abs(nir - mean(nir)) > std(nir)",
        bands,
        {
            **FLOOR,
            "numpy, rows, 2 threads, given": _anomaly_blocks,
            "numpy": _plain(_anomaly),
            "numexpr": _numexpr("abs(nir - mean) > std"),
            "numba": lambda values: _numba("anomaly")(values["nir"]),
            "dask.array": _dask(_anomaly),
            "numpy.ma": _masked(_anomaly),
        },
    ),
    "gaps": Case(
        "the same, a third missing",
        "abs(nir - mean(nir)) > std(nir)",
        bands_with_gaps,
        {**FLOOR, "numpy, nanmean, nanstd": _anomaly_nan, "numpy.ma": _masked(_anomaly)},
    ),
    "mask": Case(
        "masked by a condition",
        "mask(nir, nir > 0.9)",
        bands,
        {
            **FLOOR,
            "numpy, NaN": _mask,
            "dask.array": _dask(lambda da, nir, red: da.where(nir > 0.9, np.float32(np.nan), nir)),
            "numpy.ma": lambda values: np.ma.masked_where(values["nir"] > 0.9, values["nir"]),
        },
    ),
    "where": Case(
        "the larger of two bands",
        "where(nir > red, nir, red)",
        bands,
        {
            **FLOOR,
            "numpy": lambda values: np.where(values["nir"] > values["red"], values["nir"], values["red"]),
            "numexpr": _numexpr("where(nir > red, nir, red)"),
            "dask.array": _dask(lambda da, nir, red: da.where(nir > red, nir, red)),
            "numpy.ma": _masked(lambda ma, nir, red: ma.where(nir > red, nir, red)),
        },
        in_ncdjango=False,
    ),
    "axis": Case(
        "deviation of each step, 12 x n/4 x n/4",
        "abs(series - layer) > std(series, 0)",
        series,
        {
            "numpy": lambda values: abs(values["series"] - values["layer"]) > values["series"].std(axis=0),
            "dask.array": _dask(lambda da, series, layer: abs(series - layer) > series.std(axis=0)),
            "numpy.ma": _masked(lambda ma, series, layer: abs(series - layer) > series.std(axis=0)),
        },
    ),
}


def ours(case: Case) -> Way:
    """Return the way of geojobs_lab."""
    from geojobs_lab.expressions import Expression

    return Expression(case.text).evaluate


def write_file(path: Path, side: int) -> None:
    """Write the bands as jobs publish rasters, deflated; their values are rounded as measurements are."""
    import xarray as xr

    from geojobs_lab.rasters import write_raster

    coordinates = {
        "lat": ("lat", np.linspace(60, 20, side), {"units": "degrees_north", "standard_name": "latitude"}),
        "lon": ("lon", np.linspace(-20, 20, side), {"units": "degrees_east", "standard_name": "longitude"}),
    }
    arrays = {
        name: xr.DataArray(np.round(band * 500) / np.float32(500), coordinates, ("lat", "lon"))
        for name, band in bands(side).items()
    }
    write_raster(path, arrays, {})


def our_file(values: Mapping[str, Any]) -> Any:
    """Compute the index of the bands of a file block by block."""
    from geojobs_lab.rasters import open_raster
    from geojobs_lab.rasters.calculating import calculate

    with open_raster(values["path"], "nir") as nir, open_raster(values["path"], "red") as red:
        return calculate("(nir - red) / (nir + red)", {"nir": nir, "red": red}).values


@contextmanager
def _opened(values: Mapping[str, Any]) -> Iterator[Any]:
    import netCDF4

    with netCDF4.Dataset(values["path"]) as dataset:
        yield dataset


def _read(values: Mapping[str, Any]) -> Any:
    with _opened(values) as dataset:
        return [np.asarray(dataset[name][:].data).shape for name in ("nir", "red")]


def _read_and_compute(values: Mapping[str, Any]) -> Any:
    with _opened(values) as dataset:
        nir, red = dataset["nir"][:], dataset["red"][:]
    return (nir - red) / (nir + red)


def _xarray_dask(values: Mapping[str, Any]) -> Any:
    import dask
    import xarray as xr

    with (
        dask.config.set(scheduler="threads", num_workers=THREADS),
        xr.open_dataset(values["path"], chunks="auto") as data,
    ):
        return ((data.nir - data.red) / (data.nir + data.red)).values


FILE_PEERS: dict[str, Way] = {
    "netCDF4, reading alone": _read,
    "netCDF4 + numpy.ma": _read_and_compute,
    "xarray + dask": _xarray_dask,
}
