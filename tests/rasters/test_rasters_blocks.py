"""Blocks hold what `RasterFile.read` reads, whichever way the file stores it, and no more is kept than is allowed."""

import runpy
import sys
import threading
from itertools import product

import h5py
import netCDF4
import numpy as np
import pytest

from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.rasters import RasterFile, rawchunks
from geojobs_lab.rasters.blocks import BLOCK_CACHE, Blocks
from geojobs_lab.rasters.cache import ArrayCache
from geojobs_lab.rasters.rawchunks import RawChunks

NY, NX, STEPS = 300, 530, 5


@pytest.fixture(autouse=True)
def _empty_cache():
    BLOCK_CACHE.clear()


def write(path, *, dims=("time", "lat", "lon"), dtype="f4", form="NETCDF4", attributes=None, fill=None, **layout):
    sizes = {"time": STEPS, "level": 2, "lat": NY, "lon": NX}
    rng = np.random.default_rng(7)
    with netCDF4.Dataset(path, "w", format=form) as file:
        for name, places, units in (
            ("lat", np.linspace(-70, 70, NY), "degrees_north"),
            ("lon", np.linspace(-170, 170, NX), "degrees_east"),
            ("time", np.arange(STEPS), "days since 2000-01-01"),
            ("level", np.arange(2), "1"),
        ):
            file.createDimension(name, len(places))
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = places
            variable.units = units
        data = file.createVariable("data", dtype, dims, fill_value=fill, **layout)
        data.setncatts(attributes or {})
        data.set_auto_maskandscale(False)
        shape = [sizes[dim] for dim in dims]
        data[:] = rng.integers(-50, 50, shape) if np.dtype(dtype).kind != "u" else rng.integers(0, 100, shape)
    return path


LAYOUTS = {
    "contiguous": {},
    "chunks of one step": {"zlib": True, "chunksizes": (1, 256, 256)},
    "chunks of all steps": {"zlib": True, "shuffle": False, "chunksizes": (STEPS, 100, 90)},
    "chunks of some steps": {"zlib": True, "chunksizes": (2, 64, 128)},
    "no filter": {"chunksizes": (1, 77, 530)},
    "whole layers": {"zlib": True, "chunksizes": (1, NY, NX)},
    "tiny chunks": {"zlib": True, "chunksizes": (1, 8, 8)},
    "a checksum": {"zlib": True, "fletcher32": True, "chunksizes": (1, 128, 128)},
    "a filter of its own": {"compression": "zstd", "chunksizes": (1, 128, 128)},
    "NetCDF-3": {"form": "NETCDF3_CLASSIC"},
    "columns first": {"dims": ("lon", "lat", "time"), "zlib": True, "chunksizes": (130, 100, 2)},
    "columns first, contiguous": {"dims": ("lon", "time", "lat")},
    "two dimensions more": {
        "dims": ("level", "time", "lat", "lon"),
        "zlib": True,
        "chunksizes": (2, 2, 64, 64),
    },
    "packed": {
        "dtype": "i2",
        "zlib": True,
        "chunksizes": (1, 200, 200),
        "fill": -3,
        "attributes": {"scale_factor": np.float32(0.5), "add_offset": np.float32(9), "missing_value": np.int16(7)},
    },
    "a valid range": {
        "dtype": "i2",
        "zlib": True,
        "chunksizes": (1, 200, 200),
        "attributes": {"valid_range": np.array([-20, 30], "i2")},
    },
    "the other byte order": {"dtype": ">f8", "endian": "big", "zlib": True, "chunksizes": (1, 200, 200)},
    "bytes": {"dtype": "u1", "zlib": True, "chunksizes": (1, 256, 256), "fill": 9},
    "a layer in two dimensions": {"dims": ("lat", "lon"), "zlib": True, "chunksizes": (256, 256)},
}


def assembled(blocks):
    high, wide = blocks.size
    places = list(product(range(-(-blocks.shape[0] // high)), range(-(-blocks.shape[1] // wide))))
    found = blocks.get(places)
    values = np.zeros(blocks.shape, found[0, 0].dtype)
    for (row, col), block in found.items():
        values[row * high : (row + 1) * high, col * wide : (col + 1) * wide] = block
    return values


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_blocks_hold_what_the_file_reads(tmp_path, layout):
    if layout.get("compression") == "zstd" and not netCDF4.__has_zstandard_support__:
        layout = {**layout, "compression": "zlib", "fletcher32": True}
    with RasterFile(write(tmp_path / "data.nc", **layout)) as file:
        selections = [{}] if layout.get("dims") == ("lat", "lon") else [{"time": 3}, {"time": 0}, {"time": 4}]
        if "level" in layout.get("dims", ()):
            selections = [{**found, "level": 1} for found in selections]
        for selection in selections:
            expected = file.read("data", selection)
            blocks = Blocks(file, "data", selection)
            assert blocks.shape == (NY, NX)
            values = assembled(blocks)
            assert values.dtype == expected.dtype
            assert np.array_equal(values, expected, equal_nan=values.dtype.kind == "f")


@pytest.mark.parametrize("layout", LAYOUTS.values(), ids=LAYOUTS.keys())
def test_a_thinned_layer_has_the_cell_in_the_middle_of_each_square(tmp_path, layout):
    if layout.get("compression") == "zstd" and not netCDF4.__has_zstandard_support__:
        layout = {**layout, "compression": "zlib", "fletcher32": True}
    selection = {} if layout.get("dims") == ("lat", "lon") else {"time": 1}
    with RasterFile(write(tmp_path / "data.nc", **layout)) as file:
        whole = file.read("data", selection)
        blocks = Blocks(file, "data", selection, step=8)
        rows, cols = (np.minimum(np.arange(0, size, 8) + 4, size - 1) for size in (NY, NX))
        assert np.array_equal(assembled(blocks), whole[np.ix_(rows, cols)], equal_nan=whole.dtype.kind == "f")
        assert BLOCK_CACHE.size <= blocks.shape[0] * blocks.shape[1] * 8  # nothing of the rest is kept


def test_small_chunks_make_one_block_and_the_steps_of_one_chunk_are_kept_together(tmp_path):
    with RasterFile(write(tmp_path / "data.nc", **LAYOUTS["chunks of some steps"])) as file:
        blocks = Blocks(file, "data", {"time": 2})
        assert blocks.size == (256, 256)
        blocks.get([(0, 0)])
        size = BLOCK_CACHE.size
        other = Blocks(file, "data", {"time": 3}).get([(0, 0)])[0, 0]  # in the same chunks
        assert BLOCK_CACHE.size == size
        assert np.array_equal(other, file.read("data", {"time": 3}, slice(0, 256), slice(0, 256)))


def test_chunks_that_were_never_written_are_missing(tmp_path):
    path = write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"], fill=-99.0)
    with h5py.File(path, "a") as file:
        attributes = dict(file["data"].attrs)
        scales = [file["data"].dims[axis][0].name for axis in range(3)]
        del file["data"]
        data = file.create_dataset("data", (STEPS, NY, NX), "f4", chunks=(1, 256, 256), fillvalue=-99.0)
        for axis, name in enumerate(scales):
            data.dims[axis].attach_scale(file[name])
        data.attrs["_FillValue"] = attributes["_FillValue"]
        data[0, :256, :256] = 5
    with RasterFile(path) as file:
        values = assembled(Blocks(file, "data", {}))
    assert (values[:256, :256] == 5).all()
    assert np.isnan(values[256:]).all()
    assert np.isnan(values[:, 256:]).all()


def test_zlib_stands_in_where_libdeflate_is_not_to_be_had(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "deflate", None)
    instead = runpy.run_path(rawchunks.__file__)["zlib_decompress"]
    assert instead is not rawchunks.zlib_decompress
    monkeypatch.setattr(rawchunks, "zlib_decompress", instead)
    with RasterFile(write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"])) as file:
        assert np.array_equal(assembled(Blocks(file, "data", {})), file.read("data", {}))


def test_a_position_outside_a_dimension_is_refused_by_name(tmp_path):
    with RasterFile(write(tmp_path / "data.nc")) as file:
        for wrong in (STEPS, -1):
            with pytest.raises(InvalidInput, match=f"time: {wrong}") as caught:
                Blocks(file, "data", {"time": wrong})
            assert caught.value.field == "time"


def test_a_damaged_chunk_is_an_error_that_names_the_variable_and_no_folder(tmp_path):
    path = write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"])
    with h5py.File(path, "a") as file:
        file["data"].id.write_direct_chunk((0, 0, 0), b"no zlib at all")
    with RasterFile(path) as file, pytest.raises(RasterError, match="'data'") as caught:
        Blocks(file, "data", {}).get([(0, 0)])
    assert str(tmp_path) not in str(caught.value)


def test_a_file_that_takes_the_place_of_another_has_blocks_of_its_own(tmp_path):
    path = write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"])
    with RasterFile(path) as file:
        first = Blocks(file, "data", {}).get([(0, 0)])[0, 0]
        write(tmp_path / "other.nc", **{**LAYOUTS["chunks of one step"], "dtype": "f8"}).replace(path)
        assert Blocks(file, "data", {}).get([(0, 0)])[0, 0] is first
    with RasterFile(path) as file:
        assert Blocks(file, "data", {}).get([(0, 0)])[0, 0].dtype == np.float64


def test_blocks_of_several_variables_and_levels_do_not_mix(tmp_path):
    path = write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"])
    with netCDF4.Dataset(path, "a") as file:
        other = file.createVariable("other", "f4", ("time", "lat", "lon"), zlib=True, chunksizes=(1, 256, 256))
        other[:] = 1
    with RasterFile(path) as file:
        assert (Blocks(file, "other", {}).get([(0, 0)])[0, 0] == 1).all()
        assert not (Blocks(file, "data", {}).get([(0, 0)])[0, 0] == 1).all()


def test_the_chunks_are_read_by_many_threads_at_once(tmp_path):
    path = write(tmp_path / "data.nc", **LAYOUTS["chunks of some steps"])
    with RasterFile(path) as file:
        expected = [file.read("data", {"time": step}) for step in range(STEPS)]
        wrong = []

        def look(seed):
            for step in np.random.default_rng(seed).integers(0, STEPS, 20):
                if not np.array_equal(assembled(Blocks(file, "data", {"time": int(step)})), expected[step]):
                    wrong.append(step)
                BLOCK_CACHE.clear()

        threads = [threading.Thread(target=look, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong


def test_libhdf5_is_not_asked_to_inflate(tmp_path, monkeypatch):
    """What a block costs under the lock is the reading of its bytes."""
    read = []
    with RasterFile(write(tmp_path / "data.nc", **LAYOUTS["chunks of one step"])) as file:
        monkeypatch.setattr(file, "read", lambda *window, **options: read.append(window))
        monkeypatch.setattr(RawChunks, "_fill", lambda self, start: read.append(start))
        assembled(Blocks(file, "data", {}))
    assert not read


# -- the cache


def test_the_cache_keeps_no_more_than_its_limit_and_what_was_used_last():
    cache = ArrayCache(10_000)
    for key in range(20):
        cache.fetch(key, lambda: np.zeros(1000, np.uint8))
        assert cache.get(0) is not None  # it is used all the time
    assert cache.size == 10_000
    assert cache.get(1) is None
    assert cache.get(19) is not None
    cache.limit = 2500
    assert cache.size == 2000
    assert cache.fetch("huge", lambda: np.zeros(5000, np.uint8)).size == 5000
    assert cache.size <= 2500


def test_what_several_threads_miss_is_made_once_and_read_only():
    cache = ArrayCache(10_000)
    made, found, started = [], [], threading.Barrier(8)

    def make():
        made.append(1)
        threading.Event().wait(0.1)
        return np.arange(5)

    def look():
        started.wait()
        found.append(cache.fetch("key", make))

    threads = [threading.Thread(target=look) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(made) == 1
    assert all(array is found[0] for array in found)
    with pytest.raises(ValueError, match="read-only"):
        found[0][0] = 1


def test_what_could_not_be_made_is_tried_again():
    cache = ArrayCache(10_000)

    def fail():
        raise RasterError("no")

    with pytest.raises(RasterError):
        cache.fetch("key", fail)
    assert cache.fetch("key", lambda: np.arange(3)).tolist() == [0, 1, 2]
