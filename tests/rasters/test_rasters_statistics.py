"""Statistics of layers, in pieces and whole; the windows that layers are read in; unique values."""

import sys

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp
from pyproj import CRS, Geod

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import InvalidInput
from geojobs_lab.rasters import RasterFile, statistics, summarise, unique_values, walking
from geojobs_lab.rasters import summary as summary_module
from geojobs_lab.rasters import unique as unique_module
from geojobs_lab.rasters.areas import cell_areas

LAT, LON = [50.0, 51.0, 52.0], [200.0, 202.0, 204.0, 206.0]
VALUES = np.where(np.arange(12) == 6, np.nan, np.arange(12) + np.float32(0.3)).astype("f4").reshape(3, 4)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], max_examples=60)
@given(
    values=hnp.arrays(
        np.float32,
        (3, 4),
        elements=st.one_of(st.just(np.nan), st.just(np.float32(np.inf)), st.floats(-(2.0**90), 2.0**90, width=32)),
    )
)
def test_statistics_are_those_of_numpy(make_lonlat, values) -> None:
    with RasterFile(make_lonlat(values, LAT, LON)) as file:
        found = statistics(file, "v", {}, weights="area")
    assert dump_json(found)
    seen = values[np.isfinite(values)].astype("f8")
    assert (found["count"], found["missing"]) == (seen.size, 12 - seen.size)
    assert sum(found["histogram"]["counts"]) == seen.size
    if seen.size:
        assert (found["min"], found["max"]) == pytest.approx((seen.min(), seen.max()), rel=1e-6)
        assert found["mean"] == pytest.approx(seen.mean(), rel=1e-9, abs=1e-9 * np.abs(seen).max())
        assert found["std"] == pytest.approx(seen.std(), rel=1e-9, abs=1e-9 * np.abs(seen).max())
        edges = found["histogram"]["edges"]
        assert edges[0] <= seen.min() <= seen.max() <= edges[-1]
        assert len(edges) == len(found["histogram"]["counts"]) + 1


def test_statistics_of_nothing_and_of_a_constant_are_defined(make_lonlat) -> None:
    with RasterFile(make_lonlat(np.full((3, 4), np.nan), LAT, LON, attributes={"units": "K"})) as file:
        assert statistics(file, "v", {}, weights="area") == {
            "min": None,
            "max": None,
            "mean": None,
            "std": None,
            "count": 0,
            "missing": 12,
            "unit": "K",
            "histogram": {"edges": [], "counts": []},
            "area_weighted_mean": None,
        }
    for constant in (0.0, 7.0, 1e20, -3e-9):
        with RasterFile(make_lonlat(np.full((3, 4), constant), LAT, LON)) as file:
            found = statistics(file, "v", {}, bins=4)
        assert (found["min"], found["max"], found["mean"], found["std"]) == (constant, constant, constant, 0)
        assert sum(found["histogram"]["counts"]) == 12
    with RasterFile(make_lonlat(np.array([[0, 1, 2, 3]] * 3, "i1"), LAT, LON)) as file:
        found = statistics(file, "v", {}, bins=3)
    assert (found["min"], found["max"]) == (0, 3)
    assert isinstance(found["max"], int)
    assert found["histogram"] == {"edges": [0, 1, 2, 3], "counts": [3, 3, 6]}


def test_statistics_by_blocks_are_the_same(make_lonlat, monkeypatch) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        whole = statistics(file, "v", {}, weights="area")
        monkeypatch.setattr(walking, "MOST_CELLS", 5)
        monkeypatch.setattr(summary_module, "_PIECE", 3)
        parts = statistics(file, "v", {}, weights="area")
    assert parts.pop("std") == pytest.approx(whole.pop("std"))
    assert parts.pop("mean") == pytest.approx(whole.pop("mean"))
    assert parts.pop("area_weighted_mean") == pytest.approx(whole.pop("area_weighted_mean"))
    assert parts == whole


@pytest.mark.parametrize(("kept", "reads"), [(2**20, 3), (2 * 16, 4), (0, 6)])
def test_statistics_read_again_only_what_is_too_much_to_be_kept(make_lonlat, monkeypatch, kept, reads) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        whole = statistics(file, "v", {}, weights="area")
        monkeypatch.setattr(walking, "MOST_CELLS", 5)  # three pieces, a row of 16 bytes each
        monkeypatch.setattr(sys.modules[statistics.__module__], "_KEPT", kept)
        read, asked = file.read, []
        monkeypatch.setattr(file, "read", lambda *what, **more: asked.append(what) or read(*what, **more))
        found = statistics(file, "v", {}, weights="area")
    assert len(asked) == reads
    assert found["histogram"] == whole["histogram"]
    assert found["area_weighted_mean"] == pytest.approx(whole["area_weighted_mean"])


def test_weights_are_areas_on_the_ellipsoid(make_lonlat) -> None:
    lat = np.arange(-87.5, 90, 5.0)
    values = np.repeat(lat[:, None] ** 2, 4, axis=1)
    with RasterFile(make_lonlat(values, lat, LON)) as file:
        found = statistics(file, "v", {}, weights="area")
    geod = Geod(ellps="WGS84")
    step = np.linspace(0, 2, 400)  # parallels are no geodesics: many short ones
    areas = [
        abs(geod.polygon_area_perimeter([*step, *step[::-1]], [*([y - 2.5] * 400), *([y + 2.5] * 400)])[0]) for y in lat
    ]
    assert found["area_weighted_mean"] == pytest.approx(np.average(lat**2, weights=areas), rel=1e-5)
    assert found["mean"] == pytest.approx((lat**2).mean())


def test_weights_of_a_projected_grid_undo_its_scale(make_file) -> None:
    y = np.linspace(0, 1.2e7, 25)
    mapping = CRS.from_epsg(3857).to_cf()
    path = make_file(
        {
            "y": (("y",), y, {"standard_name": "projection_y_coordinate", "units": "m"}),
            "x": (("x",), [0.0, 5e5], {"standard_name": "projection_x_coordinate", "units": "m"}),
            "crs": ((), np.int32(0), mapping),
            "v": (("y", "x"), np.repeat(y[:, None], 2, axis=1), {"grid_mapping": "crs"}),
        }
    )
    with RasterFile(path) as file:
        found = statistics(file, "v", {}, weights="area")
    radius = 6378137.0
    assert found["area_weighted_mean"] == pytest.approx(np.average(y, weights=1 / np.cosh(y / radius) ** 2), rel=1e-2)


def test_other_weights_are_refused(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file, pytest.raises(InvalidInput, match="weights: 'size'"):
        statistics(file, "v", {}, weights="size")


# -- how a layer is read


@pytest.mark.parametrize(
    ("chunks", "most"),
    [
        (None, 1000),
        ((16, 16), 1000),
        ((7, 50), 300),
        ((60, 50), 10),
        ((1, 1), 7),
    ],
)
def test_windows_cover_a_layer_once_and_cut_no_chunk(tmp_path, monkeypatch, chunks, most) -> None:
    import netCDF4

    monkeypatch.setattr(walking, "MOST_CELLS", most)
    with netCDF4.Dataset(tmp_path / "chunks.nc", "w") as made:
        for name, size, units in (("lat", 60, "degrees_north"), ("lon", 50, "degrees_east")):
            made.createDimension(name, size)
            made.createVariable(name, "f8", (name,))[:] = np.arange(size) / 2
            made[name].units = units
        made.createVariable("v", "f4", ("lat", "lon"), chunksizes=chunks, contiguous=chunks is None)[:] = 1
    seen = np.zeros((60, 50), int)
    with RasterFile(tmp_path / "chunks.nc") as file:
        assert file.chunks("v") == chunks
        windows = walking.windows(file, "v")
    high, wide = chunks or (1, 50)
    for rows, cols in windows:
        seen[rows, cols] += 1
        assert rows.start % high == cols.start % wide == 0
        assert rows.stop % high == 0 or rows.stop == 60
        assert cols.stop % wide == 0 or cols.stop == 50
        cells = (rows.stop - rows.start) * (cols.stop - cols.start)
        assert cells <= max(most, high * wide, 50 if chunks is None else 0)
    assert (seen == 1).all()


def test_a_layer_stored_x_first_is_read_along_its_lines(make_lonlat, monkeypatch) -> None:
    monkeypatch.setattr(walking, "MOST_CELLS", 4)
    with RasterFile(make_lonlat(VALUES.T, LAT, LON, dims=("lon", "lat"))) as file:
        found = statistics(file, "v", {})
    assert (found["min"], found["max"], found["count"]) == (0.3, 11.3, 11)


def test_a_sample_is_spread_over_the_layer_and_small_layers_are_taken_whole(make_lonlat, monkeypatch) -> None:
    lat, lon = np.arange(50) / 2, np.arange(80) / 2
    values = np.arange(4000.0).reshape(50, 80)
    values[0, 0] = np.nan
    with RasterFile(make_lonlat(values, lat, lon)) as file:
        whole = summarise(file, "v", [{}])
        monkeypatch.setattr(summary_module, "SAMPLE", 100)
        part = summarise(file, "v", [{}])
        monkeypatch.setattr(walking, "MOST_CELLS", 333)
        pieces = summarise(file, "v", [{}])
        twice = summarise(file, "v", [{}, {}])
    assert sorted(whole.sample) == list(range(1, 4000))
    assert 80 <= part.sample.size <= 110
    assert part.sample.mean() == pytest.approx(values[1:].mean(), rel=0.1)
    assert len(set(np.round(part.sample) % 80)) > 8  # not one column alone
    assert sorted(pieces.sample) == sorted(part.sample)
    assert (part.count, part.low, part.high) == (3999, 1, 3999)
    assert (twice.count, twice.mean) == (2 * 3999, pytest.approx(part.mean))
    assert twice.sample.size <= 120


def test_a_fill_value_and_what_is_not_above_0_are_told_apart(make_lonlat) -> None:
    values = np.array([[-9, -1, 0, 4], [2, 7, -9, np.inf], [np.nan, 3, 1, 0.5]])
    with RasterFile(make_lonlat(values, LAT, LON)) as file:
        found = summarise(file, "v", [{}], fill_value=-9)
        assert (found.count, found.low, found.high, found.least_positive) == (8, -1, 7, 0.5)
        assert summarise(file, "v", [{}]).low == -9
        assert found.cells == 12


def test_work_ends_between_two_reads_when_it_is_not_wanted(make_lonlat, monkeypatch) -> None:
    monkeypatch.setattr(walking, "MOST_CELLS", 4)
    calls = []

    def check() -> None:
        calls.append(None)
        if len(calls) == 2:
            raise InterruptedError

    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        for function in (statistics, unique_values):
            with pytest.raises(InterruptedError):
                function(file, "v", {}, check=check)
            assert len(calls) == 2
            calls.clear()


def test_areas_of_uneven_and_of_curvilinear_cells(make_file) -> None:
    from geojobs_lab.rasters import CurvilinearGrid, RectilinearGrid

    lat_edges, lon_edges = np.array([10.0, 11, 13, 20]), np.array([0.0, 1, 4, 5, 7])
    pairs = [np.column_stack([edges[:-1], edges[1:]]) for edges in (lat_edges, lon_edges)]
    lat, lon = (pair.mean(axis=1) for pair in pairs)
    uneven = RectilinearGrid(CRS.from_epsg(4326), lon, lat, pairs[1], pairs[0])
    found = cell_areas(uneven, slice(0, 3), slice(1, 4))
    sines = np.diff(np.sin(np.radians(lat_edges)))
    assert found / found[0, 0] == pytest.approx(np.outer(sines / sines[0], np.array([3, 1, 2]) / 3), rel=1e-3)
    lat_corners = np.array([[[pairs[0][r, i] for i in (0, 0, 1, 1)] for _ in lon] for r in range(3)])
    lon_corners = np.array([[[pairs[1][c, i] for i in (0, 1, 1, 0)] for c in range(4)] for _ in lat])
    mesh = CurvilinearGrid(CRS.from_epsg(4326), *np.meshgrid(lon, lat), corners=(lon_corners, lat_corners))
    bent = cell_areas(mesh, slice(0, 3), slice(1, 4))
    assert bent / bent[0, 0] == pytest.approx(found / found[0, 0], rel=0.01)
    assert cell_areas(mesh, slice(1, 2), slice(0, 4)) == pytest.approx(cell_areas(mesh, slice(0, 3), slice(0, 4))[1:2])


# -- unique values


@pytest.mark.parametrize("dtype", ["f4", "f8", "i2", "i4", "u1", "i8"])
def test_unique_values_are_counted_whatever_their_type(make_lonlat, monkeypatch, dtype) -> None:
    values = np.array([[5, 2, 2, 100], [5, 5, 0, 2], [100, 2, 7, 7]], dtype)
    with RasterFile(make_lonlat(values, LAT, LON, attributes={"units": "1"})) as file:
        whole = unique_values(file, "v", {})
        monkeypatch.setattr(walking, "MOST_CELLS", 4)
        assert unique_values(file, "v", {}) == whole
        assert unique_values(file, "v", {}, most=2)["values"] == whole["values"][:2]
    assert [(row["value"], row["count"]) for row in whole["values"]] == [(0, 1), (2, 4), (5, 3), (7, 2), (100, 2)]
    assert (whole["count"], whole["complete"], whole["unit"]) == (5, True, "1")
    assert dump_json(whole)


def test_unique_values_of_the_ends_of_a_type_and_of_fractions(make_lonlat) -> None:
    for values in (
        np.array([[-128, 127, 0, 127]] * 3, "i1"),
        np.array([[-(2**63), 2**63 - 1, 0, 1]] * 3, "i8"),
        np.array([[0.1, -0.5, 1e30, 0.1]] * 3, "f4"),
    ):
        with RasterFile(make_lonlat(values, LAT, LON)) as file:
            found = unique_values(file, "v", {})
        expected, counts = np.unique(values, return_counts=True)
        assert [row["value"] for row in found["values"]] == [
            float(str(v)) if v.dtype.kind == "f" else v for v in expected
        ]
        assert [row["count"] for row in found["values"]] == counts.tolist()


def test_unique_values_of_nothing_are_none(make_lonlat) -> None:
    with RasterFile(make_lonlat(np.full((3, 4), np.nan), LAT, LON)) as file:
        assert unique_values(file, "v", {}) == {"values": [], "count": 0, "complete": True, "unit": None}


def test_counting_ends_where_there_are_too_many(make_lonlat, monkeypatch) -> None:
    monkeypatch.setattr(unique_module, "_MOST_KEPT", 3)
    monkeypatch.setattr(walking, "MOST_CELLS", 4)
    with RasterFile(make_lonlat(np.arange(12.0).reshape(3, 4), LAT, LON)) as file:
        found = unique_values(file, "v", {}, most=3)
    assert (found["count"], found["complete"], len(found["values"])) == (4, False, 3)


def test_values_that_the_evenly_spaced_cells_miss_are_in_the_sample_all_the_same(make_lonlat, monkeypatch) -> None:
    monkeypatch.setattr("geojobs_lab.rasters.summary.SAMPLE", 100)
    values = np.full((50, 80), np.nan)
    values[3, 7], values[40, 11] = 5.0, 6.0  # two pixels of a track
    with RasterFile(make_lonlat(values, np.arange(50.0), np.arange(80.0))) as file:
        assert summarise(file, "v", [{}]).sample.tolist() == [5, 6]
    values[::8] = np.where(np.arange(80) % 8, 1.0, 2.0)  # more than the sample takes, none where it looks
    values[4::8] = values[:, 4::8] = np.nan
    with RasterFile(make_lonlat(values, np.arange(50.0), np.arange(80.0))) as file:
        found = summarise(file, "v", [{}])
    assert found.count > 100
    assert 0 < found.sample.size <= 120
