"""Tables: a line for each cell that has a value, on every kind of grid."""

import csv
import io

import numpy as np
import pytest

from geojobs_lab.errors import TooLarge
from geojobs_lab.rasters import CurvilinearGrid, RasterFile, Table
from geojobs_lab.rasters import table as module

LAT, LON = [50.0, 51.0, 52.0], [200.0, 202.0, 204.0, 206.0]
VALUES = np.where(np.arange(12) == 6, np.nan, np.arange(12) + np.float32(0.3)).astype("f4").reshape(3, 4)
TIME = {"units": "days since 2070-01-01", "calendar": "360_day", "standard_name": "time"}


def rows(file: RasterFile, selection=None, *, whole: bool = True) -> list[list[str]]:
    text = b"".join(Table(file, "v", selection or {}, whole=whole).pieces()).decode()
    return list(csv.reader(io.StringIO(text)))


def test_cells_are_told_one_by_one_and_those_without_a_value_are_left_out(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        head, *lines = rows(file)
    assert head == ["lat", "lon", "v"]
    assert len(lines) == 11
    assert lines[0] == ["50.0", "-160.0", "0.3"]  # of float32, and no digit more
    assert lines[-1] == ["52.0", "-154.0", "11.3"]


def test_a_series_is_told_step_by_step_or_one_step(make_lonlat) -> None:
    values = np.arange(24, dtype="i1").reshape(2, 3, 4)
    more = {"time": (("time",), [29, 59], TIME)}
    path = make_lonlat(values, LAT, LON, dims=("time", "lat", "lon"), more=more)
    with RasterFile(path) as file:
        head, *lines = rows(file)
        one = rows(file, {"time": 1}, whole=False)
    assert head == ["time", "lat", "lon", "v"]
    assert [int(line[3]) for line in lines] == list(range(24))
    assert lines[0] == ["2070-01-30T00:00:00Z", "50.0", "-160.0", "0"]
    assert one[1:] == lines[12:]
    assert one[1][0] == "2070-02-30T00:00:00Z"  # a day of its own calendar


def test_pieces_of_any_size_are_the_same_table(make_lonlat, monkeypatch) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        whole = rows(file)
        for size in (1, 3, 5, 8):
            monkeypatch.setattr(module, "_PIECE", size)
            assert sorted(rows(file)) == sorted(whole)


def test_projected_and_curvilinear_cells_have_their_places(make_lonlat, samples) -> None:
    with RasterFile(samples / "toa_brightness_stereographic.nc") as file:
        name = next(iter(file.variables))
        grid = file.variable(name).grid
        text = b"".join(Table(file, name, {}, whole=True).pieces()).decode().splitlines()
    assert text[0] == f"time,y,x,{name}"  # a time of its own, that is no dimension
    y, x, _ = map(float, text[1].split(",")[1:])
    assert y in grid.ys
    assert x in grid.xs
    lat, lon = np.meshgrid([10.0, 12, 14], [100.0, 103, 106, 109], indexing="ij")
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        info = file.variable("v")
        object.__setattr__(info, "grid", CurvilinearGrid(info.grid.crs, lon, lat + lon / 100))
        head, *lines = rows(file)
    assert head == ["lat", "lon", "v"]
    assert [float(part) for part in lines[5]] == pytest.approx([13.03, 103, 5.3])


def test_too_many_cells_are_refused_with_a_hint(make_lonlat, monkeypatch) -> None:
    monkeypatch.setattr(module, "MOST_LINES", 20)
    more = {"time": (("time",), [0, 30], TIME)}
    path = make_lonlat(np.zeros((2, 3, 4)), LAT, LON, dims=("time", "lat", "lon"), more=more)
    with RasterFile(path) as file:
        assert len(rows(file, whole=False)) == 13
        with pytest.raises(TooLarge, match="csv takes 20 cells.*12 at each of 2 times: choose one time"):
            Table(file, "v", {}, whole=True)
        monkeypatch.setattr(module, "MOST_LINES", 11)
        with pytest.raises(TooLarge, match="12: take the format nc or tif"):
            Table(file, "v", {}, whole=False)


def test_names_with_commas_are_quoted(make_lonlat) -> None:
    with RasterFile(make_lonlat(VALUES, LAT, LON)) as file:
        info = file.variables.pop("v")
        object.__setattr__(info, "name", 'a,"b"')
        file.variables['a,"b"'] = info
        head = next(Table(file, 'a,"b"', {}, whole=True).pieces())
    assert head == b'lat,lon,"a,""b"""\n'
