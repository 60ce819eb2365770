"""Pixels on each kind of grid, against pyproj for every one of them, a search of all cells, and GDAL's warp."""

import io
import math

import netCDF4
import numpy as np
import pytest
import rasterio
from affine import Affine
from iris_sample_data import path as SAMPLES
from PIL import Image
from pyproj import CRS, Transformer
from rasterio.warp import Resampling, reproject

from geojobs_lab.rasters import CurvilinearGrid, Grid, RasterFile, RectilinearGrid
from geojobs_lab.rasters.rectilinear import midpoint_bounds
from geojobs_lab.renderers import StretchedRenderer
from geojobs_lab.tiles import render_tile
from geojobs_lab.tiles.frames import Frame
from geojobs_lab.tiles.positions import Placement

EARTH = 2 * math.pi * 6378137.0  # metres round the equator of EPSG:3857
WGS84 = CRS.from_epsg(4326)
SLACK = 0.15  # pixels that interpolation may miss, and what rounding adds of a cell
ROUNDING = 0.01

SPHERE = {"earth_radius": 6371229.0}
MAPPINGS = {
    "rotated pole": {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 37.5,
        "grid_north_pole_longitude": 177.5,
        **SPHERE,
    },
    "north polar stereographic": {
        "grid_mapping_name": "polar_stereographic",
        "latitude_of_projection_origin": 90.0,
        "standard_parallel": 70.0,
        "straight_vertical_longitude_from_pole": -45.0,
    },
    "south polar stereographic": {
        "grid_mapping_name": "polar_stereographic",
        "latitude_of_projection_origin": -90.0,
        "standard_parallel": -71.0,
        "straight_vertical_longitude_from_pole": 0.0,
    },
    "geostationary": {
        "grid_mapping_name": "geostationary",
        "perspective_point_height": 35785831.0,
        "longitude_of_projection_origin": -75.0,
        "latitude_of_projection_origin": 0.0,
        "sweep_angle_axis": "x",
    },
    "geostationary at the date line": {
        "grid_mapping_name": "geostationary",
        "perspective_point_height": 35785831.0,
        "longitude_of_projection_origin": 140.7,
        "latitude_of_projection_origin": 0.0,
        "sweep_angle_axis": "y",
    },
    "Albers": {
        "grid_mapping_name": "albers_conical_equal_area",
        "standard_parallel": [29.5, 45.5],
        "longitude_of_central_meridian": -96.0,
        "latitude_of_projection_origin": 23.0,
    },
    "Lambert conformal": {
        "grid_mapping_name": "lambert_conformal_conic",
        "standard_parallel": [38.5, 38.5],
        "longitude_of_central_meridian": 262.5,
        "latitude_of_projection_origin": 38.5,
        **SPHERE,
    },
    "Lambert azimuthal": {
        "grid_mapping_name": "lambert_azimuthal_equal_area",
        "longitude_of_projection_origin": 10.0,
        "latitude_of_projection_origin": 52.0,
    },
    "UTM": {
        "grid_mapping_name": "transverse_mercator",
        "scale_factor_at_central_meridian": 0.9996,
        "longitude_of_central_meridian": 15.0,
        "latitude_of_projection_origin": 0.0,
        "false_easting": 500000.0,
    },
    "Mercator": {
        "grid_mapping_name": "mercator",
        "longitude_of_projection_origin": 10.0,
        "standard_parallel": 20.0,
        "false_easting": 0.0,
    },
}
# xmin, ymin, xmax, ymax in CRS units; what of it is off the Earth is no matter
BOXES = {
    "rotated pole": (-25.0, -24.0, 20.0, 22.0),
    "north polar stereographic": (-3_850_000.0, -5_350_000.0, 3_750_000.0, 5_850_000.0),
    "south polar stereographic": (-4_000_000.0, -4_000_000.0, 4_000_000.0, 4_000_000.0),
    "geostationary": (-5_434_000.0, -5_434_000.0, 5_434_000.0, 5_434_000.0),
    "geostationary at the date line": (-5_434_000.0, -5_434_000.0, 5_434_000.0, 5_434_000.0),
    "Albers": (-2_400_000.0, 270_000.0, 2_300_000.0, 3_200_000.0),
    "Lambert conformal": (-2_700_000.0, -1_600_000.0, 2_700_000.0, 1_590_000.0),
    "Lambert azimuthal": (-1_900_000.0, -2_100_000.0, 2_700_000.0, 2_300_000.0),
    "UTM": (200_000.0, 5_000_000.0, 800_000.0, 6_000_000.0),
    "Mercator": (-8_000_000.0, -5_000_000.0, 8_000_000.0, 7_000_000.0),
}
CRSS = {name: CRS.from_cf(mapping) for name, mapping in MAPPINGS.items()}


def regular(name, ny=300, nx=340, *, south_first=False):
    xmin, ymin, xmax, ymax = BOXES[name]
    dx, dy = (xmax - xmin) / nx, (ymax - ymin) / ny
    transform = Affine(dx, 0, xmin, 0, dy, ymin) if south_first else Affine(dx, 0, xmin, 0, -dy, ymax)
    return Grid(CRSS[name], transform, (ny, nx))


def pixel_places(crs, z, x, y, size=256):
    """Return x, y in a CRS of the centre of each pixel, (size, size), by pyproj alone."""
    pixel = EARTH / 2**z / size
    east = -EARTH / 2 + x * EARTH / 2**z + (np.arange(size) + 0.5) * pixel
    north = EARTH / 2 - y * EARTH / 2**z - (np.arange(size) + 0.5) * pixel
    return Transformer.from_crs(3857, crs, always_xy=True).transform(*np.meshgrid(east, north))


def tiles_round(grid, zooms):
    """Return the tiles that hold the middle and the corners of a grid, as far as there are such."""
    west, south, east, north = grid.lonlat_bounds
    found = set()
    for z in zooms:
        for along in (0.02, 0.5, 0.97):
            for up in (0.03, 0.5, 0.96):
                lon, lat = west + along * (east - west), south + up * (north - south)
                lat = min(max(lat, -84), 84)
                down = 0.5 - math.asinh(math.tan(math.radians(lat))) / (2 * math.pi)
                found.add((z, math.floor((lon + 180) % 360 / 360 * 2**z), math.floor(down * 2**z)))
    return sorted(found)


def assert_near(found, rows, cols, shape, where):
    """Compare positions with true ones, NaN outside; return how many pixels have a cell."""
    ny, nx = shape
    with np.errstate(invalid="ignore"):
        edge = np.minimum(np.minimum(rows, ny - rows), np.minimum(cols, nx - cols))  # negative outside
        down, across = np.gradient(rows), np.gradient(cols)
        pixel = np.sqrt(sum(part**2 for part in (*down, *across)))
    pixel = np.where(np.isfinite(pixel), pixel, 1e9)  # beside what is off the Earth a pixel has any size
    slack = SLACK * pixel + ROUNDING
    if found is None:
        assert not (edge > slack).any(), where
        return 0
    inside = np.ones(rows.shape, bool) if found.on_rows is None else found.on_rows
    if found.separable:
        lines, columns = (np.ones(256, bool) if on is None else on for on in (found.on_rows, found.on_cols))
        inside = np.outer(lines, columns)
    drawn_rows, drawn_cols = np.broadcast_arrays(
        *((found.rows[:, None], found.cols[None, :]) if found.separable else (found.rows, found.cols))
    )
    assert inside[edge > slack].all(), where
    assert not inside[~(edge > -slack)].any(), where
    here = inside & np.isfinite(rows)
    missed = np.hypot(drawn_rows[here] - rows[here], drawn_cols[here] - cols[here])
    assert (missed <= slack[here]).all(), (where, missed.max())
    return int(here.sum())


@pytest.mark.parametrize("name", MAPPINGS)
def test_pixels_lie_where_pyproj_says_on_grids_of_each_projection(name):
    grid = regular(name, south_first=name in ("Albers", "geostationary"))
    placement = Placement(grid)
    count = 0
    for tile in [(0, 0, 0), *tiles_round(grid, (2, 4, 6)), *tiles_round(grid, (9,))[:3]]:
        x, y = pixel_places(grid.crs, *tile)
        a, _, c, _, e, f = tuple(grid.transform)[:6]
        with np.errstate(invalid="ignore"):
            if name == "rotated pole":
                middle = c + a * grid.shape[1] / 2
                x = middle + (x - middle + 180) % 360 - 180
            rows, cols = (y - f) / e, (x - c) / a
        count += assert_near(placement.positions(Frame.of_tile(*tile)), rows, cols, grid.shape, (name, tile))
    assert count > 50_000


@pytest.mark.parametrize("name", ["Albers", "Lambert conformal", "north polar stereographic", "UTM", "Mercator"])
def test_most_pixels_of_a_projected_tile_are_interpolated(name, monkeypatch):
    grid = regular(name)
    placement = Placement(grid)
    asked = []
    exact = placement._exact
    monkeypatch.setattr(placement, "_exact", lambda *places: asked.append(places[1]) or exact(*places))
    tile = tiles_round(grid, (6,))[4]
    assert placement.positions(Frame.of_tile(*tile)) is not None
    assert len(asked) <= 2


IRREGULAR = {
    "Gaussian": (np.degrees(np.arcsin(np.polynomial.legendre.leggauss(64)[0])), np.arange(0, 360, 2.8125)),
    "Gaussian, north first": (
        np.degrees(np.arcsin(np.polynomial.legendre.leggauss(64)[0]))[::-1],
        np.arange(0, 360, 5.0),
    ),
    "finer in the middle": (np.sinh(np.linspace(-2, 2, 60)) * 15, 10 + np.sinh(np.linspace(-3, 3, 80)) * 4),
    "across the date line": (np.array([-40, -10, 0, 5, 7, 8.0]), np.array([150, 160, 175, 179, 181, 190, 215.0])),
}


@pytest.mark.parametrize(("ys", "xs"), IRREGULAR.values(), ids=IRREGULAR.keys())
def test_pixels_have_the_cell_between_whose_edges_they_are_on_irregular_axes(ys, xs):
    x_bounds, y_bounds = midpoint_bounds(xs), midpoint_bounds(ys)
    grid = RectilinearGrid(WGS84, xs, ys, x_bounds, y_bounds)
    placement = Placement(grid)
    seen = 0
    for tile in [(0, 0, 0), (1, 1, 0), (3, 7, 3), (3, 0, 4), (4, 8, 7), (6, 35, 31)]:
        lon, lat = pixel_places(WGS84, *tile)
        found = placement.positions(Frame.of_tile(*tile))
        rows = between_edges(lat[:, 0], y_bounds)
        west = min(x_bounds[0, 0], x_bounds[-1, 1])
        cols = between_edges(west + (lon[0] - west) % 360, x_bounds)
        if found is None:
            assert (rows < 0).all() or (cols < 0).all()
            continue
        for mine, on, true in ((found.rows, found.on_rows, rows), (found.cols, found.on_cols, cols)):
            cells = np.where(np.ones(256, bool) if on is None else on, np.floor(np.nan_to_num(mine, nan=-1)), -1)
            assert (cells == true).mean() > 0.98, tile  # on an edge rounding may decide either way
            assert (np.abs(cells - true)[(cells >= 0) & (true >= 0)] <= 1).all()
        seen += 1
    assert seen > 2


def test_the_cells_of_a_file_with_irregular_axes_are_drawn_where_they_lie(numbered):
    ys, xs = IRREGULAR["finer in the middle"]
    raster = numbered(ys, xs)
    for tile in [(0, 0, 0), (3, 4, 3), (5, 16, 15)]:
        lon, lat = pixel_places(WGS84, *tile)
        rows, cols = between_edges(lat[:, 0], midpoint_bounds(ys)), between_edges(lon[0], midpoint_bounds(xs))
        inside = np.outer(rows >= 0, cols >= 0)
        expected = np.where(inside, np.add.outer(rows * len(xs), cols), -1)
        assert (raster.tile(*tile) == expected).mean() > 0.98


def between_edges(places, bounds):
    low, high = np.sort(bounds, axis=1).T
    held = (places[:, None] >= low) & (places[:, None] < high)
    return np.where(held.any(axis=1), held.argmax(axis=1), -1)


@pytest.mark.parametrize("turn", [0, 360])
def test_a_curvilinear_grid_is_placed_as_the_rotated_one_that_it_was_made_of(turn):
    source = regular("rotated pole", 120, 130)
    lon, lat = source.to_lonlat(*np.meshgrid(source.xs, source.ys))
    grid = CurvilinearGrid(WGS84, lon % 360 if turn else lon, lat)
    placement = Placement(grid)
    count = 0
    for tile in [(0, 0, 0), (2, 1, 1), (3, 4, 2), (4, 8, 5), (6, 33, 21), (8, 134, 84)]:
        x, y = pixel_places(source.crs, *tile)
        a, _, c, _, e, f = tuple(source.transform)[:6]
        found = placement.positions(Frame.of_tile(*tile))
        # The sides of its cells are great circles and not lines of the rotated pole, and its edge has no cells beyond.
        rows, cols = (y - f) / e, (c + (x - c) % 360 - c) / a
        if found is None:
            assert not ((rows > 1) & (rows < 119) & (cols > 1) & (cols < 129)).any()
            continue
        inside = np.ones((256, 256), bool) if found.on_rows is None else found.on_rows
        within = (rows > 0.5) & (rows < 119.5) & (cols > 0.5) & (cols < 129.5)
        pixel = np.hypot(*np.gradient(rows)).max()
        assert inside[within].all()
        assert not inside[(rows < -pixel - 0.5) | (rows > 120.5 + pixel) | (cols < -pixel - 0.5)].any()
        missed = np.hypot(found.rows - rows, found.cols - cols)[inside & within]
        assert missed.size == 0 or missed.max() <= 0.2 + SLACK * pixel, tile
        count += int(inside.sum())
    assert count > 20_000


def test_an_ocean_with_three_poles_is_placed_as_a_search_of_all_its_cells_says():
    with netCDF4.Dataset(f"{SAMPLES}/orca2_votemper.nc") as file:
        lon, lat = (np.ma.filled(file[name][:].astype(float), np.nan) for name in ("nav_lon", "nav_lat"))
    grid = CurvilinearGrid(WGS84, lon, lat)
    placement = Placement(grid)
    centres = on_sphere(lon.ravel(), lat.ravel())
    rng = np.random.default_rng(5)
    count = 0
    for tile in [(0, 0, 0), (1, 0, 0), (1, 1, 1), (3, 3, 1), (3, 0, 3), (3, 7, 3), (5, 17, 9), (5, 24, 4)]:
        found = placement.positions(Frame.of_tile(*tile))
        if found is None:
            continue
        inside = np.ones((256, 256), bool) if found.on_rows is None else found.on_rows
        places = np.stack(pixel_places(WGS84, *tile), axis=-1)
        lines, columns = rng.integers(0, 256, (2, 600))
        here = inside[lines, columns]
        lines, columns = lines[here], columns[here]
        points = on_sphere(*places[lines, columns].T)
        drawn = (
            np.minimum(found.rows[lines, columns].astype(int), grid.shape[0] - 1),
            np.minimum(found.cols[lines, columns].astype(int), grid.shape[1] - 1),
        )
        mine = np.linalg.norm(points - centres.reshape(*lon.shape, 3)[drawn], axis=1)
        nearest = np.sqrt(np.maximum(2 - 2 * (points @ centres.T).max(axis=1), 0))
        pixel = 2 * math.pi / 2 ** tile[0] / 256
        cell = math.radians(2.0)  # of the grid, about
        assert (mine <= nearest + max(pixel, cell)).all(), (tile, (mine - nearest).max())
        count += lines.size
    assert count > 2000


def on_sphere(lon, lat):
    lon, lat = np.radians(lon), np.radians(lat)
    return np.stack([np.cos(lat) * np.cos(lon), np.cos(lat) * np.sin(lon), np.sin(lat)], axis=-1)


# -- GDAL


WARPED = {
    "Albers": (5, 7, 12),
    "Lambert azimuthal": (4, 8, 5),
    "north polar stereographic": (2, 1, 0),
    "UTM": (6, 34, 21),
    "Mercator": (3, 4, 3),
    "rotated pole": (4, 8, 4),
}


@pytest.mark.parametrize("name", WARPED)
def test_tiles_are_those_of_gdals_warp(tmp_path, name):
    grid = regular(name, 200, 220)
    rng = np.random.default_rng(1)
    values = rng.integers(1, 254, grid.shape).astype("f4")  # neighbours differ: a cell is known by its value
    path = tmp_path / "data.nc"
    rotated = name == "rotated pole"
    with netCDF4.Dataset(path, "w") as file:
        for axis, places in (("y", grid.ys), ("x", grid.xs)):
            file.createDimension(axis, len(places))
            variable = file.createVariable(axis, "f8", (axis,))
            variable[:] = places
            kind = {"y": "latitude", "x": "longitude"}[axis]
            variable.standard_name = f"grid_{kind}" if rotated else f"projection_{axis}_coordinate"
            variable.units = "degrees" if rotated else "m"
        file.createVariable("crs", "i4").setncatts(MAPPINGS[name])
        data = file.createVariable("data", "f4", ("y", "x"))
        data.grid_mapping = "crs"
        data[:] = values
    z, x, y = WARPED[name]
    with RasterFile(path) as file:
        tile = render_tile(file, "data", {}, StretchedRenderer.from_range(1, 255), z, x, y)
    drawn = np.asarray(Image.open(io.BytesIO(tile)))
    assert (drawn > 0).sum() > 10_000
    pixel = EARTH / 2**z / 256
    to = Affine(pixel, 0, -EARTH / 2 + x * EARTH / 2**z, 0, -pixel, EARTH / 2 - y * EARTH / 2**z)
    warped = np.zeros((256, 256), "f4")
    with rasterio.Env():
        reproject(
            values,
            warped,
            src_transform=grid.transform,
            src_crs=rasterio.crs.CRS.from_wkt(grid.crs.to_wkt()),
            dst_transform=to,
            dst_crs="EPSG:3857",
            resampling=Resampling.nearest,
            tolerance=0.0,
        )
    same = drawn == warped.astype(int)
    assert same.mean() > 0.93
    # The others are those of the pixel beside: of the cell beside, then.
    around = [np.roll(warped, shift, (0, 1)) for shift in ((0, 1), (1, 0), (0, -1), (-1, 0), (1, 1), (-1, -1), (1, -1))]
    around += [np.roll(warped, (-1, 1), (0, 1))]
    same[1:-1, 1:-1] |= np.any([drawn == near.astype(int) for near in around], axis=0)[1:-1, 1:-1]
    assert same[1:-1, 1:-1].mean() > 0.999


# -- files that people have


REAL = {
    "rotated_pole.nc": ("air_pressure_at_sea_level", [(3, 3, 2), (4, 7, 5), (5, 15, 10)]),
    "toa_brightness_stereographic.nc": ("data", [(2, 1, 1), (4, 8, 5), (5, 14, 9)]),
    "A1B_north_america.nc": ("air_temperature", [(0, 0, 0), (3, 1, 2), (5, 8, 11)]),
    "ostia_monthly.nc": ("surface_temperature", [(0, 0, 0), (3, 0, 3), (3, 7, 4), (5, 31, 15)]),
}


@pytest.mark.parametrize("name", REAL)
def test_tiles_of_real_files_have_the_value_of_the_cell_that_pyproj_leads_to(name):
    variable, tiles = REAL[name]
    with RasterFile(f"{SAMPLES}/{name}") as file:
        info = file.variable(variable)
        values = file.read(variable, {})
        renderer = StretchedRenderer.from_range(float(np.nanmin(values)), float(np.nanmax(values)))
        colors = renderer.indices(values)
        drawn = [np.asarray(Image.open(io.BytesIO(render_tile(file, variable, {}, renderer, *tile)))) for tile in tiles]
    grid = info.grid
    step_y, step_x = grid.ys[1] - grid.ys[0], grid.xs[1] - grid.xs[0]
    west = grid.xs.min() - abs(step_x) / 2
    filled = 0
    for tile, picture in zip(tiles, drawn, strict=True):
        x, y = pixel_places(grid.crs, *tile)
        if grid.crs.is_geographic:
            x = west + (x - west) % 360
        with np.errstate(invalid="ignore"):
            rows, cols = (y - grid.ys[0]) / step_y, (x - grid.xs[0]) / step_x
            inside = (np.abs(rows - (grid.shape[0] - 1) / 2) < grid.shape[0] / 2 - 0.3) & (
                np.abs(cols - (grid.shape[1] - 1) / 2) < grid.shape[1] / 2 - 0.3
            )
        at = [
            np.clip(np.rint(np.where(inside, places, 0)), 0, size - 1).astype(int)
            for places, size in zip((rows, cols), grid.shape, strict=True)
        ]
        pixel = np.nanmax(np.hypot(*np.gradient(np.where(inside, rows, np.nan))))
        near = max(np.abs(rows - np.rint(rows))[inside].max() if inside.any() else 0, 0)
        assert near <= 0.5
        clear = (
            inside
            & (np.abs(np.abs(rows - np.rint(rows)) - 0.5) > SLACK * pixel)
            & (np.abs(np.abs(cols - np.rint(cols)) - 0.5) > SLACK * pixel)
        )
        assert (picture == colors[at[0], at[1]])[clear].all(), tile
        filled += int(clear.sum())
    assert filled > 10_000
