"""Legends as JSON, PNG and SVG have the colours of the tile, pixel by pixel; opaque missing cells end with the grid."""

import io
import itertools
import math
import xml.etree.ElementTree as ET

import netCDF4
import numpy as np
import pytest
from PIL import Image

from geojobs_lab.rasters import RasterFile
from geojobs_lab.renderers import ClassifiedRenderer, Color, StretchedRenderer, UniqueRenderer, legend_png, legend_svg
from geojobs_lab.tiles import encode_png, render_tile

RED, YELLOW, BLUE, GREY = Color(255, 0, 0), Color(255, 255, 0), Color(0, 0, 255), Color(128, 128, 128)
PINK = Color(255, 0, 255)
SVG = "{http://www.w3.org/2000/svg}"


def write(path, values, dtype="f4", north=40.0, west=-40.0):
    """Write cells of 10 degrees, two rows at least; NaN is missing."""
    values = np.atleast_2d(values)
    values = np.repeat(values, 2, axis=0) if len(values) == 1 else values
    with netCDF4.Dataset(path, "w") as file:
        for name, places, units in (
            ("lat", north - 5 - 10.0 * np.arange(len(values)), "degrees_north"),
            ("lon", west + 5 + 10.0 * np.arange(values.shape[1]), "degrees_east"),
        ):
            file.createDimension(name, len(places))
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = places
            variable.units = units
        fill = {"fill_value": -9999.0} if dtype[0] == "f" else {}
        file.createVariable("data", dtype, ("lat", "lon"), **fill)[:] = np.where(np.isnan(values), -9999.0, values)
    return path


def rgba(png):
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))


def tile_colors(path, renderer, count):
    """Return the colours of the first cells of the upper row, as the tile of the whole Earth has them."""
    with RasterFile(path) as file:
        tile = rgba(render_tile(file, "data", {}, renderer, 0, 0, 0))
    line = int((0.5 - math.asinh(math.tan(math.radians(35))) / (2 * math.pi)) * 256)
    return [tile[line, int((lon + 180) / 360 * 256)].tolist() for lon in -35 + 10.0 * np.arange(count)]


def svg_parts(text):
    """Return the coloured rectangles of each ramp or swatch: left, width, colour."""
    return [
        [
            (float(rect.get("x")), float(rect.get("width")), [*bytes.fromhex(rect.get("fill")[1:]), 255])
            for rect in group
        ]
        for group in ET.fromstring(text).iter(f"{SVG}g")
    ]


RAMPS = {
    "two colours": StretchedRenderer([(-3, RED), (12, BLUE)]),
    "a sharp step": StretchedRenderer([(-3, RED), (2.2, RED), (2.2, BLUE), (12, YELLOW)]),
    "hsv": StretchedRenderer([(-3, RED), (12, BLUE)], color_space="hsv"),
    "a colormap": StretchedRenderer.from_colormap("viridis", -3, 12),
    "many colours": StretchedRenderer.from_colormap("prism", -3, 12),
    "background": StretchedRenderer([(-3, RED), (12, BLUE)], background=PINK, missing=GREY),
    "log": StretchedRenderer([(0.02, RED), (3, YELLOW), (700, BLUE)], stretch="log"),
    "log of little": StretchedRenderer.from_colormap("viridis", 990, 1020, stretch="log"),
    "log and background": StretchedRenderer([(0.1, RED), (12, BLUE)], stretch="log", background=PINK),
    "square root": StretchedRenderer([(-3, RED), (0, YELLOW), (12, BLUE)], stretch="sqrt"),
    "square root of a colormap": StretchedRenderer.from_colormap("magma", 0, 1e-4, stretch="sqrt"),
    "percentiles": StretchedRenderer.from_percentiles(np.arange(101.0), 10, 90),
    "deviations": StretchedRenderer.from_standard_deviations(np.arange(101.0), 1),
}


def value_at(renderer, share):
    """Return the value at a place of the ramp, 0..1."""
    low, high = renderer.vmin, renderer.vmax
    if renderer.stretch == "log":
        return low * (high / low) ** share
    return low + (high - low) * (share**2 if renderer.stretch == "sqrt" else share)


@pytest.mark.parametrize("renderer", RAMPS.values(), ids=RAMPS.keys())
def test_a_ramp_has_the_tiles_color_at_each_values_place(tmp_path, renderer):
    # Values in the middles of steps: on an edge between two the type of the data decides.
    count = 253 if renderer.background else 254
    steps = np.array([0.1, 1, 7.3, 60, 85.2, 87.9, 88.1, 100.3, 127, 200, count - 1, count - 0.1])
    values = value_at(renderer, steps / count)
    drawn = tile_colors(write(tmp_path / "ramp.nc", values), renderer, len(values))

    colors = renderer.legend()["colors"]
    assert [[*bytes.fromhex(colors[math.floor(step + 0.5)][1:]), 255] for step in steps] == drawn

    ramp = svg_parts(legend_svg(renderer, "Title", "K"))[0]
    left, right = ramp[0][0], ramp[-1][0] + ramp[-1][1]
    assert right - left == count  # as wide as its steps, so that none is cut
    found = [next(color for x, width, color in ramp if x <= left + step < x + width or step == count) for step in steps]
    assert found == drawn

    picture = rgba(legend_png(renderer, "Title", "K"))
    row = int(np.flatnonzero((picture[:, round(2 * left)] == drawn[0]).all(axis=1))[0])
    assert [picture[row, math.floor(2 * (left + step))].tolist() for step in steps] == drawn


LISTS = {
    "classes": ClassifiedRenderer([(1, RED), (5.5, YELLOW), (None, BLUE)]),
    "classes and background": ClassifiedRenderer([(1, RED), (5.5, YELLOW)], background=PINK, missing=GREY),
    "values": UniqueRenderer([(1, RED), (5.5, YELLOW), (7, BLUE)], background=PINK, missing=GREY),
}


@pytest.mark.parametrize("renderer", LISTS.values(), ids=LISTS.keys())
@pytest.mark.parametrize("dtype", ["f4", "f8"])
def test_the_colors_of_a_list_are_those_of_the_tile(tmp_path, renderer, dtype):
    values = [1, 5.5, 7, 9, np.nan]
    drawn = tile_colors(write(tmp_path / "list.nc", values, dtype), renderer, len(values))
    legend = renderer.legend()
    entries = [[*bytes.fromhex(entry["color"][1:]), 255] for entry in [*legend["entries"], *legend["others"]]]
    assert entries == [color for color, _ in itertools.groupby(drawn) if color[3]]
    assert [color for ((_, _, color),) in svg_parts(legend_svg(renderer))] == entries
    picture = rgba(legend_png(renderer))
    column = picture[:, 2 * 16 + 20]  # within the swatches
    runs = [column[at].tolist() for at in np.flatnonzero((np.diff(column.astype(int), axis=0) != 0).any(axis=1)) + 1]
    assert [color for color in runs if color in entries] == entries


# -- missing cells that can be seen


MISSING = [
    StretchedRenderer([(1, RED), (10, BLUE)], missing=GREY),
    ClassifiedRenderer([(5, RED), (10, BLUE)], missing=GREY),
    UniqueRenderer([(1, RED)], missing=GREY, background=PINK),
]


@pytest.mark.parametrize("renderer", MISSING, ids=lambda renderer: renderer.type)
def test_missing_cells_have_their_color_and_outside_the_grid_there_is_none(tmp_path, renderer):
    path = write(tmp_path / "hole.nc", [[1, np.nan, 7], [np.nan, np.nan, np.nan]])
    first, hole, other, outside = tile_colors(path, renderer, 4)
    assert first == [255, 0, 0, 255]
    assert hole == [128, 128, 128, 255]
    assert other[3] == 255
    assert outside == [0, 0, 0, 0]
    with RasterFile(path) as file:
        tile = rgba(render_tile(file, "data", {}, renderer, 0, 0, 0))
        assert (tile[..., 3] > 0).sum() == pytest.approx(256 * 30 / 360 * (tile[:, 105, 3] > 0).sum(), abs=30)
        within = rgba(render_tile(file, "data", {}, renderer, 6, 28, 27))
        assert (within == [128, 128, 128, 255]).all()
        nowhere = rgba(render_tile(file, "data", {}, renderer, 3, 0, 0))
        assert (nowhere[..., 3] == 0).all()


def test_a_rotated_grid_with_visible_missing_cells_ends_where_it_ends(tmp_path):
    path = tmp_path / "polar.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name in ("y", "x"):
            file.createDimension(name, 20)
            variable = file.createVariable(name, "f8", (name,))
            variable.setncatts({"units": "m", "standard_name": f"projection_{name}_coordinate"})
            variable[:] = (np.arange(20) - 9.5) * 100_000 * (-1 if name == "y" else 1)
        file.createVariable("crs", "i4").setncatts(
            {
                "grid_mapping_name": "polar_stereographic",
                "latitude_of_projection_origin": 90.0,
                "standard_parallel": 70.0,
                "straight_vertical_longitude_from_pole": 0.0,
                "false_easting": 0.0,
                "false_northing": 0.0,
            }
        )
        data = file.createVariable("data", "f4", ("y", "x"), fill_value=-9999.0)
        data.grid_mapping = "crs"
        data[:] = -9999.0
    with RasterFile(path) as file:
        tile = rgba(render_tile(file, "data", {}, MISSING[0], 0, 0, 0))
    assert (tile[1] == [128, 128, 128, 255]).all()  # 85 degrees north
    assert (tile[60:] == 0).all()


def test_pixels_that_are_not_inside_are_transparent_whatever_the_palette():
    indices = np.arange(256, dtype=np.uint8).reshape(16, 16)
    palette = np.random.default_rng(3).integers(0, 256, (256, 4), dtype=np.uint8)
    inside = np.random.default_rng(4).random((16, 16)) < 0.5
    image = Image.open(io.BytesIO(encode_png(indices, palette, inside)))
    assert image.mode == "RGBA"
    assert (np.asarray(image) == np.where(inside[..., None], palette[indices], 0)).all()
