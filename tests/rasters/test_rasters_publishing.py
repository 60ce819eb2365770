"""Writing large rasters: the same numbers in every reader, whole or not at all, in bounded memory."""

import subprocess
import sys
from pathlib import Path

import h5py
import netCDF4
import numpy as np
import pytest
import rasterio
import rioxarray  # noqa: F401  # registers .rio
import xarray as xr
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from geojobs_lab.rasters import RasterFile, open_raster, write_raster
from geojobs_lab.rasters.pieces import pieces

pytestmark = pytest.mark.filterwarnings("ignore:Use `@` matmul:PendingDeprecationWarning")

# Run in a child process, which tells how much its memory has grown.
WRITING = """
import resource, sys
import numpy as np, xarray as xr
from xarray.backends import BackendArray
from xarray.core import indexing
from geojobs_lab.rasters import RasterFile, write_raster

class Made(BackendArray):
    shape, dtype = (4000, 16000), np.dtype("f4")
    def __getitem__(self, key):
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self.block)
    def block(self, key):
        rows, cols = (np.arange(n)[span] for n, span in zip(self.shape, key))
        return (rows[:, None] % 100 + cols % 77).astype("f4")

axes = {"lat": 60 - 0.001 * np.arange(4000), "lon": 0.001 * np.arange(16000)}
small = xr.DataArray(np.zeros((300, 300), "f4"), {"lat": axes["lat"][:300], "lon": axes["lon"][:300]}, ("lat", "lon"))
write_raster(sys.argv[1], {"data": small}, {})  # loads what is needed
peak = lambda: resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
before = peak()
made = xr.Variable(("lat", "lon"), indexing.LazilyIndexedArray(Made()))
write_raster(sys.argv[1], {"data": xr.DataArray(made, axes)}, {})
print((peak() - before) // 1_000_000)
with RasterFile(sys.argv[1]) as file:
    assert np.array_equal(file.read("data", {}, slice(3990, 4000)), Made().block((slice(3990, 4000), slice(None))))
"""


def raster(values: np.ndarray, dims: tuple[str, ...] = ("lat", "lon")) -> xr.DataArray:
    sizes = dict(zip(dims, values.shape, strict=True))
    axes = {"lat": 60 - 0.01 * np.arange(sizes["lat"]), "lon": 5 + 0.01 * np.arange(sizes["lon"])}
    if "time" in sizes:
        axes["time"] = np.datetime64("2001-01-01", "ns") + np.arange(sizes["time"]) * np.timedelta64(1, "D")
    return xr.DataArray(values, coords=axes, dims=dims)


def noise(shape: tuple[int, ...], dtype: str = "f4") -> np.ndarray:
    values = np.random.default_rng(1).normal(100, 30, shape).astype(dtype)
    if values.dtype.kind == "f":
        values[..., :40, :70] = np.nan
    return values


@pytest.mark.parametrize("dtype", ["f4", "f8", "i1", "u2", "i4", "i8"])
@pytest.mark.parametrize("shape", [(700, 513), (90, 1000), (256, 512)])
def test_every_reader_sees_the_same_numbers_and_only_the_raster(dtype: str, shape: tuple[int, int], tmp_path) -> None:
    values, path = noise(shape, dtype), tmp_path / "data.nc"
    write_raster(path, {"data": raster(values)}, {"title": "A raster"})
    chunks = tuple(min(256, size) for size in shape)

    assert np.array_equal(open_raster(path).values, values, equal_nan=dtype[0] == "f")
    with xr.open_dataset(path, decode_coords="all") as dataset:
        assert set(dataset.data_vars) == {"data"}
        assert np.array_equal(dataset["data"].values, values, equal_nan=dtype[0] == "f")
    with netCDF4.Dataset(path) as file:
        file.set_auto_maskandscale(False)
        assert np.array_equal(file["data"][:], values, equal_nan=dtype[0] == "f")
        assert file["data"].filters() | {"shuffle": True, "zlib": True, "complevel": 1} == file["data"].filters()
        assert tuple(file["data"].chunking()) == chunks
        assert set(file.variables) == {"latitude", "longitude", "spatial_ref", "data"}
        assert (file["overviews"].title, "fewer and larger cells" in file["overviews"].comment) == ("Overviews", True)
    with h5py.File(path) as file:
        assert np.array_equal(file["data"][:], values, equal_nan=dtype[0] == "f")
        assert (file["data"].compression, file["data"].shuffle, file["data"].chunks) == ("gzip", True, chunks)
        assert [file["data"].dims[axis].keys() for axis in (0, 1)] == [["latitude"], ["longitude"]]
        assert b"netcdf" in file.attrs["_NCProperties"]
    with rasterio.open(path) as source:  # of the file, not of a subdataset
        assert np.array_equal(source.read(1), values, equal_nan=dtype[0] == "f")
    with xr.open_datatree(path) as tree:
        assert {"/", "/overviews"} <= set(tree.groups)
    with RasterFile(path) as file:
        assert [variable["name"] for variable in file.describe()["variables"]] == ["data"]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=8, deadline=None)
@given(chunks=st.tuples(st.integers(1, 3), st.integers(30, 600), st.integers(30, 600)), turned=st.booleans())
def test_dask_chunks_of_any_size_come_out_in_their_places(chunks, turned: bool, tmp_path: Path) -> None:
    values = noise((3, 530, 600))
    data = raster(values, ("time", "lat", "lon")).chunk(dict(zip(("time", "lat", "lon"), chunks, strict=True)))
    write_raster(tmp_path / "dask.nc", {"data": data.transpose("lon", "time", "lat") if turned else data}, {})
    assert np.array_equal(open_raster(tmp_path / "dask.nc").values, values, equal_nan=True)
    with RasterFile(tmp_path / "dask.nc") as file:
        windows = np.pad(values[2], [(0, 2), (0, 0)], constant_values=np.nan).reshape(133, 4, 150, 4)
        with np.errstate(invalid="ignore"):
            means = np.nansum(windows, axis=(1, 3), dtype="f8") / np.isfinite(windows).sum(axis=(1, 3))
        np.testing.assert_allclose(file.read("data", {"time": 2}, factor=4), means, rtol=3e-7)


@pytest.mark.parametrize("chunks", [None, (1, 100, 330), (2, 400, 500), (4, 1, 500)])
def test_a_raster_that_is_read_from_a_file_is_read_by_its_chunks(chunks, tmp_path: Path) -> None:
    values = noise((4, 400, 500))
    with netCDF4.Dataset(tmp_path / "from.nc", "w") as file:
        for name, axis in (("time", np.arange(4)), ("lat", np.arange(400) / 10), ("lon", np.arange(500) / 10)):
            file.createDimension(name, axis.size)
            file.createVariable(name, "f8", (name,))[:] = axis
        file["time"].units = "days since 2001-01-01"
        file.createVariable("t", "f4", ("time", "lat", "lon"), chunksizes=chunks, zlib=bool(chunks))[:] = values
    data = open_raster(tmp_path / "from.nc")
    spans = [
        tuple(slice(at, at + size) for at, size in zip(position, piece.shape, strict=True))
        for position, piece in pieces(data, ("time", "lat", "lon"))
    ]
    seen = np.zeros(values.shape, int)
    for span in spans:
        seen[span] += 1
        if chunks is not None:
            assert all(part.start % size == 0 for part, size in zip(span, chunks, strict=True))
    assert (seen == 1).all()
    write_raster(tmp_path / "to.nc", {"data": data}, {})
    assert np.array_equal(open_raster(tmp_path / "to.nc").values, values, equal_nan=True)
    data.close()


def test_pieces_are_as_large_as_is_good_and_no_larger() -> None:
    tall = xr.DataArray(np.broadcast_to(np.float32(0), (3, 3000, 70_000)), dims=("time", "y", "x"))
    sizes = [piece.shape for _, piece in pieces(tall, tall.dims)]
    assert max(np.prod(size) for size in sizes) <= 8_000_000
    assert all(size[1] == 256 or size[1] == 3000 % 256 for size in sizes)
    tall.encoding["preferred_chunks"] = {"time": 3, "y": 3000, "x": 70_000}
    assert max(np.prod(piece.shape) for _, piece in pieces(tall, tall.dims)) <= 32_000_000


def test_memory_does_not_grow_with_the_raster(tmp_path: Path) -> None:
    command = [sys.executable, "-W", "ignore", "-c", WRITING, str(tmp_path / "large.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) < 150  # MB; the raster has 256


def test_an_error_on_the_way_is_told_as_it_is_and_leaves_nothing(tmp_path: Path) -> None:
    def broken(block: np.ndarray, block_info=None) -> np.ndarray:
        if block_info[0]["chunk-location"] == (2, 1):
            raise RuntimeError("the third row of blocks")
        return block

    data = raster(noise((1000, 600))).chunk({"lat": 300, "lon": 300})
    data = data.copy(data=data.data.map_blocks(broken, dtype="f4", meta=np.empty((0, 0), "f4")))
    with pytest.raises(RuntimeError, match=r"^the third row of blocks$"):
        write_raster(tmp_path / "out.nc", {"data": data}, {})
    assert list(tmp_path.iterdir()) == []


def test_a_full_disk_is_told_and_leaves_nothing(tmp_path: Path) -> None:
    code = """
import resource, signal, sys
from pathlib import Path
import numpy as np, xarray as xr
from geojobs_lab.errors import RasterError
from geojobs_lab.rasters import RasterFile, write_raster

values = np.random.default_rng(1).normal(size=(1000, 1000))
axes = {"lat": np.arange(1000) / 100, "lon": np.arange(1000) / 100}
data = xr.DataArray(values, axes, ("lat", "lon"))
signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
write_raster(sys.argv[1], {"data": data}, {"title": "before"})
size = Path(sys.argv[1]).stat().st_size
for limit in (3000, 20_000, 1_000_000, size - 1_000_000, size - 1000):
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, resource.RLIM_INFINITY))
    try:
        write_raster(sys.argv[1], {"data": data}, {})
    except RasterError as error:
        print(error)
    else:
        print("written", limit)
resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
with RasterFile(sys.argv[1]) as file:
    print(file.title, np.array_equal(file.read("data", {}), values))
write_raster(sys.argv[1], {"data": data}, {"title": "after"})
"""
    command = [sys.executable, "-W", "ignore", "-c", code, str(tmp_path / "data.nc")]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    *refusals, last = done.stdout.splitlines()
    assert len(refusals) == 5, refusals
    assert refusals[-1].endswith(": File too large")
    assert all(line.startswith("'data.nc' cannot be written: ") for line in refusals)
    assert str(tmp_path) not in done.stdout
    assert last == "before True"
    assert [path.name for path in tmp_path.iterdir()] == ["data.nc"]
    with RasterFile(tmp_path / "data.nc") as file:
        assert file.title == "after"
