"""Writing a raster as NetCDF: this project, with overviews and without, beside netCDF4 as others use it.

Each write is made by a child process of its own (``python -m benchmarks.publish CASE SIZE FOLDER``), so that the most
memory that it had is that of the one write.
"""

import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import psutil
import xarray as xr
from numpy.typing import NDArray
from xarray.backends import BackendArray
from xarray.core import indexing

from benchmarks.measure import Table, bounded
from geojobs_lab.rasters import write_raster

_SIZES = {"8000 x 8000": (8000, 8000), "21600 x 43200": (21_600, 43_200)}  # the second is larger than most memories
_IN_MEMORY = 100_000_000  # cells, up to which the raster is in memory when it is written
_ROWS = 256  # that netCDF4 writes at a time of what is not
_MB = 1_000_000
_BASIS = "netCDF4, zlib 1, shuffle"


def measure(*, large: bool) -> list[Table]:
    """Return a table for each size."""
    return [_table(size, rounds=1 if cells > _IN_MEMORY else 5) for size, cells in _cells(large).items()]


def _cells(large: bool) -> dict[str, int]:
    return {name: ny * nx for name, (ny, nx) in _SIZES.items() if large or ny * nx <= _IN_MEMORY}


@dataclass(frozen=True, slots=True)
class _Write:
    """What one write took."""

    seconds: float
    cpu: float  # seconds of processors
    peak: float  # bytes of the whole process
    more: float  # bytes of it beyond what it had before it wrote
    size: float  # bytes of the file


def _table(size: str, *, rounds: int) -> Table:
    table = Table(
        title=f"Publishing {size} float32 ({np.prod(_SIZES[size]) * 4 / _MB:.0f} MB)",
        note="s: medians of writes in turns, each in a process of its own; peak MB: the most memory of that process, "
        "and what of it is beyond the raster and the libraries; the larger raster is made while it is written",
        columns=("", "s", f"of {_BASIS}", "CPU s", "MB of the file", "peak MB", "beyond"),
    )
    found: dict[str, list[_Write]] = {name: [] for name in _CASES}
    with tempfile.TemporaryDirectory(prefix="geojobs-publish-") as folder:
        for _ in bounded(rounds, least=1, seconds=180):
            for name in _CASES:
                found[name].append(_write_in_child(name, size, Path(folder)))
    basis = statistics.median(write.seconds for write in found[_BASIS])
    for name, writes in found.items():
        seconds = statistics.median(write.seconds for write in writes)
        cpu = statistics.median(write.cpu for write in writes)
        peak, more = max(write.peak for write in writes) / _MB, max(write.more for write in writes) / _MB
        table.add(name, seconds, f"{seconds / basis:.2f} x", cpu, writes[0].size / _MB, peak, more)
    return table


def _write_in_child(name: str, size: str, folder: Path) -> _Write:
    command = [sys.executable, "-W", "ignore", "-m", "benchmarks.publish", name, size, str(folder)]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return _Write(**json.loads(done.stdout))


def _raster(shape: tuple[int, int]) -> xr.DataArray:
    """Return temperatures in hundredths over a land of 70 % with a coast, like those that people have."""
    ny, nx = shape
    axes = {"lat": 89.9 - np.arange(ny) * (179 / ny), "lon": -180 + np.arange(nx) * (360 / nx)}
    field = _Field(shape)
    data: Any = indexing.LazilyIndexedArray(field)
    if ny * nx <= _IN_MEMORY:
        data = np.empty(shape, np.float32)
        for top in range(0, ny, _ROWS):
            data[top : top + _ROWS] = field.block(slice(top, top + _ROWS), slice(0, nx))
    return xr.DataArray(xr.Variable(("lat", "lon"), data, {"units": "K"}), coords=axes)


class _Field(BackendArray):  # type: ignore[misc]  # xarray's class is not annotated
    """The numbers, made where they are asked for."""

    def __init__(self, shape: tuple[int, int]) -> None:
        self.shape = shape
        self.dtype = np.dtype(np.float32)
        self._noise = np.random.default_rng(0).normal(0, 0.05, (512, 1024)).astype(np.float32)

    def __getitem__(self, key: Any) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._of_key)

    def _of_key(self, key: tuple[slice, slice]) -> NDArray[np.float32]:
        return self.block(*key)

    def block(self, rows: slice, cols: slice) -> NDArray[np.float32]:
        y, x = (np.arange(count)[span] for count, span in zip(self.shape, (rows, cols), strict=True))
        lat, lon = np.cos(y / self.shape[0] * 40)[:, None], np.sin(x / self.shape[1] * 60)[None]
        values = (285 + 12 * lat + 0 * lon).astype(np.float32)
        values += (9 * lon + 0 * lat[:1]).astype(np.float32)
        for top in range(0, y.size, 512):
            for left in range(0, x.size, 1024):
                part = values[top : top + 512, left : left + 1024]
                part += self._noise[: part.shape[0], : part.shape[1]]
        np.multiply(values, 100, out=values)
        np.rint(values, out=values)
        np.divide(values, 100, out=values)
        values[(lat.astype(np.float32) * lon.astype(np.float32)) > np.float32(0.35)] = np.nan
        return values


def _with_netcdf4(path: Path, data: xr.DataArray, **options: Any) -> None:
    with netCDF4.Dataset(path, "w") as file:
        for dim in data.dims:
            file.createDimension(dim, data.sizes[dim])
            file.createVariable(dim, "f8", (dim,))[:] = data[dim].values
        made = file.createVariable(
            "data", "f4", data.dims, zlib=True, shuffle=True, fill_value=np.float32(np.nan), **options
        )
        step = len(data) if data.size <= _IN_MEMORY else _ROWS
        for start in range(0, len(data), step):
            made[start : start + step] = data[start : start + step].values


def _ours(path: Path, data: xr.DataArray, **options: Any) -> None:
    write_raster(path, {"data": data}, {}, **options)


_CASES: Mapping[str, Callable[[Path, xr.DataArray], None]] = {
    "netCDF4, zlib 4, shuffle (as ncdjango)": lambda path, data: _with_netcdf4(path, data, complevel=4),
    _BASIS: lambda path, data: _with_netcdf4(path, data, complevel=1),
    "the same, chunks of 256 x 256": lambda path, data: _with_netcdf4(path, data, complevel=1, chunksizes=(256, 256)),
    "geojobs_lab without overviews": lambda path, data: _ours(path, data, overviews=False),
    "geojobs_lab with overviews": _ours,
}


def _child(name: str, size: str, folder: str) -> None:
    path = Path(folder) / "written.nc"
    data = _raster(_SIZES[size])
    before = psutil.Process().memory_info().rss
    start, cpu = time.perf_counter(), time.process_time()
    _CASES[name](path, data)
    seconds, cpu = time.perf_counter() - start, time.process_time() - cpu
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)
    found = _Write(seconds, cpu, peak, max(0, peak - before), path.stat().st_size)
    path.unlink()
    print(json.dumps({key: getattr(found, key) for key in _Write.__slots__}))


if __name__ == "__main__":
    _child(*sys.argv[1:])
