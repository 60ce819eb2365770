"""GeoTIFFs: every cell where it was, whichever way the file is stored; what they cannot hold is refused."""

import netCDF4
import numpy as np
import pytest
import rasterio
from pyproj import CRS

from geojobs_lab.errors import Conflict
from geojobs_lab.rasters import CurvilinearGrid, RasterFile, RectilinearGrid, value_at, walking, write_geotiff

LATS = np.array([20.0, 10, 0, -10])
LONS = {
    "-180..180": np.arange(-175.0, 180, 10),
    "0..360": np.arange(5.0, 360, 10),
    "0..350": np.arange(0.0, 360, 10),
    "20..380": np.arange(25.0, 380, 10),
    "a part of 0..360": np.arange(205.0, 250, 10),
    "across 180": np.arange(155.0, 230, 10),
    "falling": np.arange(175.0, -180, -10),
    "falling 0..360": np.arange(355.0, 0, -10),
}


@pytest.mark.parametrize("south_up", [False, True])
@pytest.mark.parametrize("lons", LONS.values(), ids=LONS.keys())
def test_every_cell_is_where_it_was(make_lonlat, tmp_path, monkeypatch, south_up, lons) -> None:
    lats = LATS[::-1] if south_up else LATS
    values = np.arange(lats.size * lons.size, dtype="f4").reshape(lats.size, lons.size)
    values[1, 2] = np.nan
    monkeypatch.setattr(walking, "MOST_CELLS", 7)  # pieces that are cut at the date line
    with RasterFile(make_lonlat(values, lats, lons, attributes={"units": "K", "long_name": "Heat"})) as file:
        write_geotiff(file, "v", {}, tmp_path / "made.tif")
        with rasterio.open(tmp_path / "made.tif") as made:
            pixels = made.read(1)
            assert made.transform.e < 0 < made.transform.a
            assert made.crs.to_epsg() == 4326
            assert np.isnan(made.nodata)
            assert (made.units, made.descriptions) == (("K",), ("Heat",))
            assert -185 <= made.bounds.left < 180
            assert sorted(pixels[np.isfinite(pixels)]) == sorted(values[np.isfinite(values)])
            for lat in lats:
                for lon in lons:
                    expected = value_at(file, "v", {}, lon, lat)["value"]
                    west = made.bounds.left + (lon - made.bounds.left) % 360
                    row, col = made.index(west, lat)
                    assert pixels[row, col] == expected or (np.isnan(pixels[row, col]) and expected is None)


@pytest.mark.parametrize("dtype", ["i1", "u1", "i2", "u2", "i4", "u4", "i8", "f4", "f8"])
def test_numbers_have_the_type_that_they_are_stored_in(make_lonlat, tmp_path, dtype) -> None:
    values = np.array([[0, 1, 2, 3]] * 4, dtype)
    with RasterFile(make_lonlat(values, LATS, np.arange(4.0))) as file:
        write_geotiff(file, "v", {}, tmp_path / "made.tif")
        # Of eight bytes: a GeoTIFF tells no missing number among them.
        wanted = np.dtype(dtype if dtype != "i8" else file.variable("v").dtype)
    with rasterio.open(tmp_path / "made.tif") as made:
        assert np.dtype(made.dtypes[0]) == wanted
        assert (made.read(1) == values).all()


PACKED = {
    "scale and offset": ("i2", {"scale_factor": 0.01, "add_offset": 250.0, "_FillValue": np.int16(-999)}),
    "of float32": ("i2", {"scale_factor": np.float32(0.01), "_FillValue": np.int16(-999)}),
    "no scale": ("i4", {"missing_value": np.int32(-999)}),
    "unsigned": ("i1", {"_Unsigned": "true", "scale_factor": 2.0, "_FillValue": np.int8(-1)}),
    "a valid range": ("i2", {"scale_factor": 0.5, "_FillValue": np.int16(-999), "valid_range": np.int16([-50, 100])}),
}


@pytest.mark.parametrize("south_up", [False, True])
@pytest.mark.parametrize(("dtype", "attributes"), PACKED.values(), ids=PACKED.keys())
def test_packed_numbers_stay_packed(make_lonlat, tmp_path, dtype, attributes, south_up) -> None:
    stored = np.array([[0, -1, 100, 101], [-100, 7, 8, -999 if dtype != "i1" else -1]], dtype)
    lats = [10.0, 20.0] if south_up else [20.0, 10.0]
    with RasterFile(make_lonlat(stored, lats, np.arange(4.0), attributes=attributes)) as file:
        write_geotiff(file, "v", {}, tmp_path / "made.tif")
        values = file.read("v", {})[:: -1 if south_up else 1]
    with rasterio.open(tmp_path / "made.tif") as made:
        assert np.dtype(made.dtypes[0]) == np.dtype("u1" if "_Unsigned" in attributes else dtype)
        pixels = made.read(1)
        unpacked = np.where(pixels == made.nodata, np.nan, pixels * made.scales[0] + made.offsets[0])
        np.testing.assert_allclose(unpacked, values, rtol=1e-6)
        assert np.isnan(unpacked).sum() >= 1


def test_what_no_single_number_tells_to_be_missing_is_written_unpacked(make_lonlat, tmp_path) -> None:
    stored, attributes = np.array([[0, -1, 2]] * 2, "i1"), {"scale_factor": 0.5, "valid_min": np.int8(0)}
    with RasterFile(make_lonlat(stored, [0.0, 1.0], np.arange(3.0), attributes=attributes)) as file:
        write_geotiff(file, "v", {}, tmp_path / "made.tif")
    with rasterio.open(tmp_path / "made.tif") as made:
        assert made.dtypes[0].startswith("float")
        np.testing.assert_array_equal(made.read(1)[0], [0, np.nan, 1])


@pytest.mark.parametrize("name", ["toa_brightness_stereographic.nc", "A1B_north_america.nc", "E1_north_america.nc"])
def test_real_files_are_placed_as_they_are(samples, tmp_path, name) -> None:
    from pyproj import Transformer

    with RasterFile(samples / name) as file:
        variable = next(iter(file.variables))
        info = file.variable(variable)
        write_geotiff(file, variable, info.select(), tmp_path / "made.tif")
        with rasterio.open(tmp_path / "made.tif") as made:
            pixels = made.read(1)
            to_map = Transformer.from_crs("EPSG:4326", made.crs, always_xy=True)
            seen = 0
            for row in range(0, info.grid.shape[0], 7):
                for col in range(0, info.grid.shape[1], 19):
                    lon, lat = (float(part) for part in info.grid.to_lonlat(*info.grid.centre(row, col)))
                    found = value_at(file, variable, info.select(), lon, lat)
                    if found["value"] is None:
                        continue
                    x, y = to_map.transform(found["lon"], found["lat"])
                    if made.crs.is_geographic:
                        x = made.bounds.left + (x - made.bounds.left) % 360
                    assert pixels[made.index(x, y)] == pytest.approx(found["value"], rel=1e-6)
                    seen += 1
            assert seen > 10


def test_a_projected_grid_keeps_its_crs(make_file, tmp_path) -> None:
    path = make_file(
        {
            "y": (("y",), [1e6, 1.1e6, 1.2e6], {"standard_name": "projection_y_coordinate", "units": "m"}),
            "x": (("x",), [0.0, 1e5], {"standard_name": "projection_x_coordinate", "units": "m"}),
            "crs": ((), np.int32(0), CRS.from_epsg(5070).to_cf()),
            "v": (("y", "x"), np.arange(6.0).reshape(3, 2), {"grid_mapping": "crs"}),
        }
    )
    with RasterFile(path) as file:
        write_geotiff(file, "v", {}, tmp_path / "made.tif")
    with rasterio.open(tmp_path / "made.tif") as made:
        assert made.crs.to_epsg() == 5070
        assert made.bounds == (-5e4, 9.5e5, 1.5e5, 1.25e6)
        assert made.read(1).tolist() == [[4, 5], [2, 3], [0, 1]]


def test_grids_that_are_not_regular_are_refused_saying_why(make_lonlat, tmp_path) -> None:
    wgs84, lons = CRS.from_epsg(4326), np.array([0.0, 1, 5])
    pairs = [np.column_stack([axis - half, axis + half]) for axis, half in ((lons, 0.5), (LATS[::-1], 5))]
    lon, lat = np.meshgrid(lons, LATS)
    for grid, why in (
        (RectilinearGrid(wgs84, lons, LATS[::-1], *pairs), "rows and columns of uneven width"),
        (CurvilinearGrid(wgs84, lon, lat + lon), "cells with places of their own"),
    ):
        with RasterFile(make_lonlat(np.zeros((4, 3)), LATS, [0.0, 1, 2])) as file:
            object.__setattr__(file.variable("v"), "grid", grid)
            with pytest.raises(Conflict, match=f"regular grids, and 'v' has {why}; nc and csv hold it"):
                write_geotiff(file, "v", {}, tmp_path / "made.tif")


@pytest.mark.parametrize("name", ["rotated_pole.nc", "space_weather.nc"])
def test_a_crs_that_a_geotiff_cannot_hold_is_refused(samples, tmp_path, name) -> None:
    with RasterFile(samples / name) as file:
        variable = next(iter(file.variables))
        with pytest.raises(Conflict, match="cannot hold the CRS"):
            write_geotiff(file, variable, {}, tmp_path / "made.tif")
    assert [path.name for path in tmp_path.glob("*.aux.xml")] == []


def test_the_layer_is_the_selected_one(tmp_path) -> None:
    with netCDF4.Dataset(tmp_path / "levels.nc", "w") as made:
        for name, size, units in (("level", 2, "hPa"), ("lat", 4, "degrees_north"), ("lon", 3, "degrees_east")):
            made.createDimension(name, size)
            made.createVariable(name, "f8", (name,))[:] = np.arange(size)
            made[name].units = units
        made.createVariable("v", "f4", ("level", "lat", "lon"))[:] = np.arange(24).reshape(2, 4, 3)
    with RasterFile(tmp_path / "levels.nc") as file:
        write_geotiff(file, "v", {"level": 1}, tmp_path / "made.tif")
    with rasterio.open(tmp_path / "made.tif") as made:
        assert made.read(1)[::-1].ravel().tolist() == list(range(12, 24))
