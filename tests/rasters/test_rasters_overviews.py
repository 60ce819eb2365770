"""Overviews agree with a slow computation over all cells, and are where readers look for them."""

import warnings
from pathlib import Path

import netCDF4
import numpy as np
import pytest
import xarray as xr

from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, open_raster, write_raster
from geojobs_lab.rasters.reducing import modes, sums_of


def raster(values: np.ndarray, *, dims: tuple[str, ...] = (), attrs: dict | None = None) -> xr.DataArray:
    ny, nx = values.shape[-2:]
    axes = {"lat": 60 - 0.01 * np.arange(ny), "lon": 5 + 0.01 * np.arange(nx)}
    return xr.DataArray(values, coords=axes, dims=(*dims, "lat", "lon"), attrs=attrs or {})


def sample(count: int) -> list[int]:
    """Return the first, the last and some more of so many windows."""
    return np.unique(np.linspace(0, count - 1, 20).astype(int)).tolist()


def some(found: np.ndarray) -> np.ndarray:
    """Return the cells of an overview that the slow computations are made for."""
    return found[np.ix_(sample(found.shape[0]), sample(found.shape[1]))]


def windows(values: np.ndarray, factor: int) -> list[list[np.ndarray]]:
    rows, cols = (sample(-(-size // factor)) for size in values.shape)
    return [
        [values[row * factor : (row + 1) * factor, col * factor : (col + 1) * factor] for col in cols] for row in rows
    ]


def slow_means(values: np.ndarray, factor: int) -> np.ndarray:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # the mean of nothing
        return np.array([[np.nanmean(cells.astype("f8")) for cells in row] for row in windows(values, factor)])


def slow_mode(cells: np.ndarray, missing: float) -> float:
    known, counts = np.unique(cells[(cells != missing) & ~np.isnan(cells.astype("f8"))], return_counts=True)
    return known[counts.argmax()] if known.size else missing


def slow_modes(values: np.ndarray, factor: int, missing: float = np.nan) -> np.ndarray:
    return np.array([[slow_mode(cells, missing) for cells in row] for row in windows(values, factor)])


def smooth(ny: int, nx: int, dtype: str = "f4") -> np.ndarray:
    y, x = np.mgrid[:ny, :nx]
    values = 280 + 20 * np.sin(y / 50) * np.cos(x / 70) + np.random.default_rng(1).normal(0, 1, (ny, nx))
    return values.astype(dtype)


@pytest.mark.parametrize(("dtype", "exact"), [("f4", 2e-7), ("f8", 1e-15)])
@pytest.mark.parametrize("shape", [(513, 1000), (1031, 90), (257, 255), (512, 1024)])
def test_means_are_those_of_all_cells_with_data(dtype: str, exact: float, shape: tuple[int, int], tmp_path) -> None:
    values = smooth(*shape, dtype)
    values[:100, :70] = np.nan
    values[np.random.default_rng(2).random(shape) < 0.3] = np.nan
    write_raster(tmp_path / "m.nc", {"data": raster(values)}, {})
    with RasterFile(tmp_path / "m.nc") as file:
        levels = file.levels("data")
        assert levels == tuple(2**n for n in range(len(levels)))
        assert -(-max(shape) // levels[-1]) <= 256 < -(-max(shape) // levels[-2])
        assert file.levels("data", "mode") == (1,)
        for factor in levels[1:]:
            found = file.read("data", {}, factor=factor)
            assert found.dtype == dtype
            np.testing.assert_allclose(some(found), slow_means(values, factor), rtol=exact)
            window = file.read("data", {}, slice(3, 20), slice(5, 7), factor=factor)
            assert np.array_equal(window, found[3:20, 5:7], equal_nan=True)


@pytest.mark.parametrize("dtype", ["u1", "i2", "u4", "i8"])
@pytest.mark.parametrize("count", [3, 200])
def test_modes_are_the_most_frequent_values_of_all_cells_with_data(dtype: str, count: int, tmp_path: Path) -> None:
    values = np.random.default_rng(3).integers(1, count, (700, 515)).astype(dtype)
    values[:64, :64] = 99
    values[200:300, 200:300] = 0
    data = raster(values)
    data.encoding["_FillValue"] = 99
    write_raster(tmp_path / "c.nc", {"classes": data}, {})
    with RasterFile(tmp_path / "c.nc") as file:
        assert file.levels("classes", "mode") == file.levels("classes", "mean") == (1, 2, 4)
        stored = file.stored("classes", 2, "mode")
        assert (stored.path, stored.dataset) == (tmp_path / "c.nc", "/overviews/mode/2/classes")
        assert (stored.dims, stored.shape) == (("latitude", "longitude"), (350, 258))
        assert stored.attributes["_FillValue"] == 99
        with netCDF4.Dataset(tmp_path / "c.nc") as dataset:
            dataset.set_auto_maskandscale(False)
            for factor in (2, 4):
                found = dataset[f"overviews/mode/{factor}/classes"]
                assert found.dtype == dtype
                assert np.array_equal(some(found[:]), slow_modes(values, factor, 99))
        for factor in (2, 4):
            means = slow_means(np.where(values == 99, np.nan, values.astype("f8")), factor)
            np.testing.assert_allclose(some(file.read("classes", {}, factor=factor)), means, rtol=2e-7)


@pytest.mark.parametrize("count", [1, 2, 5, 3000])
def test_counting_agrees_with_the_slow_way(count: int) -> None:
    values = np.random.default_rng(4).integers(0, count, (61, 40)).astype("i4")
    missing = np.random.default_rng(5).random(values.shape) < 0.2
    missing[:16, :16] = True
    marked = np.where(missing, np.nan, values)
    for level, (winners, empty) in enumerate(modes(values, missing, 4), 1):
        expected = slow_modes(marked, 2**level)
        assert np.array_equal(some(np.where(empty, np.nan, winners)), expected, equal_nan=True)


def test_which_overviews_there_are_follows_from_what_the_numbers_mean(tmp_path: Path) -> None:
    flags = {"flag_values": np.array([0, 1], "i1"), "flag_meanings": "land sea"}
    ones = np.ones((300, 300))
    rasters = {
        "quantity": raster(ones),
        "drawn_as_classes": raster(ones),
        "flags": raster(ones.astype("i1"), attrs=flags),
        "decoded_flags": raster(ones, attrs=flags),
        "truth": raster(ones > 0),
        "number": raster(ones.astype("i4")),
    }
    write_raster(tmp_path / "w.nc", rasters, {}, classes=["drawn_as_classes"])
    write_raster(tmp_path / "without.nc", rasters, {}, overviews=False)
    with RasterFile(tmp_path / "w.nc") as file, RasterFile(tmp_path / "without.nc") as without:
        has = {name: [method for method in ("mean", "mode") if 2 in file.levels(name, method)] for name in rasters}
        assert without.levels("quantity") == without.levels("flags", "mode") == (1,)
        assert file.read("truth", {}, factor=2, method="mode").tolist() == np.ones((150, 150)).tolist()
        with pytest.raises(InvalidInput, match=r"no mean overview of 3, but \(1, 2\)"):
            file.read("quantity", {}, factor=3)
    assert has == {
        "quantity": ["mean"],
        "drawn_as_classes": ["mean", "mode"],
        "flags": ["mode"],
        "decoded_flags": ["mean", "mode"],
        "truth": ["mode"],
        "number": ["mean", "mode"],
    }


def test_each_step_and_level_has_its_own(tmp_path: Path) -> None:
    values = np.random.default_rng(6).normal(size=(3, 2, 300, 520)).astype("f4")
    data = raster(values, dims=("time", "level")).assign_coords(
        time=np.array(["2001-01-01", "2001-01-02", "2001-01-03"], "M8[ns]")
    )
    write_raster(tmp_path / "s.nc", {"data": data.transpose("lon", "level", "lat", "time")}, {})
    with RasterFile(tmp_path / "s.nc") as file:
        assert file.stored("data", 4).shape == (3, 2, 75, 130)
        for time, level in np.ndindex(3, 2):
            found = file.read("data", {"time": time, "level": level}, factor=4)
            np.testing.assert_allclose(some(found), slow_means(values[time, level], 4), rtol=1e-5, atol=1e-7)
    assert np.array_equal(open_raster(tmp_path / "s.nc").values, values)


def test_windows_larger_than_a_chunk_have_the_mean_of_all_cells(tmp_path: Path) -> None:
    values = np.random.default_rng(7).normal(5, 1, (3, 66_000)).astype("f4")
    values[:, 100:30_000] = np.nan
    write_raster(tmp_path / "wide.nc", {"data": raster(values)}, {}, classes=["data"])
    with RasterFile(tmp_path / "wide.nc") as file:
        assert file.levels("data")[-1] == 512
        np.testing.assert_allclose(some(file.read("data", {}, factor=512)), slow_means(values, 512), rtol=2e-7)


def test_sums_of_odd_blocks_count_what_there_is() -> None:
    values = np.arange(15.0).reshape(3, 5)
    values[0, 0] = np.nan
    found = sums_of(values)
    assert found.counts.tolist() == [[3, 4, 2], [2, 2, 1]]
    assert found.means().tolist() == [[4, 5, 6.5], [10.5, 12.5, 14]]
    assert sums_of(np.ones((3, 5))).counts.tolist() == [[4, 4, 2], [2, 2, 1]]


def test_the_limits_of_what_is_written_are_those_of_its_finite_values(tmp_path: Path) -> None:
    values = smooth(600, 600)
    values[:300, :300] = np.nan
    values[400, 3:5] = -np.inf, np.inf
    finite = values[np.isfinite(values)]
    counts = raster(np.full((300, 300), 7, "i2"))
    counts.encoding["_FillValue"] = 7
    rasters = {"t": raster(values), "none": counts, "truth": raster(np.eye(3) > 0)}
    limits = write_raster(tmp_path / "l.nc", rasters, {})
    assert limits == {"t": (finite.min(), finite.max()), "none": None, "truth": (0, 1)}
