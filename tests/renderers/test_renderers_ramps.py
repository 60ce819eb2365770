"""Stretched renderers: colour spaces, colormaps, percentiles, and what their options do."""

import colorsys
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st
from matplotlib import colormaps

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import Color, StretchedRenderer, default_renderer

RED, GREEN, BLUE = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255)
BLACK, WHITE, GREY = Color(0, 0, 0), Color(255, 255, 255), Color(128, 128, 128)
channels = st.integers(0, 255)
colors = st.builds(Color, channels, channels, channels, channels)


def color_at(renderer, value):
    return Color(*renderer.palette()[renderer.indices(value)].tolist())


# -- colour spaces


def test_in_hsv_the_hue_goes_straight_through_those_between():
    renderer = StretchedRenderer([(0, RED), (254, BLUE)], color_space="hsv")
    assert (color_at(renderer, 0), color_at(renderer, 254)) == (RED, BLUE)
    assert color_at(renderer, 127) == GREEN
    assert color_at(renderer, 63.5).blue == 0
    rgb = StretchedRenderer([(0, RED), (254, BLUE)])
    assert color_at(rgb, 127) == Color(128, 0, 128)
    assert rgb != renderer


def test_in_hsv_every_step_is_that_of_colorsys():
    one, other = Color(200, 40, 90, 0), Color(20, 90, 160, 255)
    renderer = StretchedRenderer([(0, one), (254, other)], color_space="hsv")
    ends = [
        np.array(colorsys.rgb_to_hsv(*(channel / 255 for channel in (color.red, color.green, color.blue))))
        for color in (one, other)
    ]
    for step in range(255):
        expected = colorsys.hsv_to_rgb(*(ends[0] + (ends[1] - ends[0]) * step / 254))
        assert renderer.palette()[1 + step, :3] == pytest.approx(np.array(expected) * 255, abs=0.51)
        assert renderer.palette()[1 + step, 3] == pytest.approx(255 * step / 254, abs=0.51)


def test_in_hsv_a_grey_takes_the_hue_of_its_neighbour():
    renderer = StretchedRenderer([(0, BLUE), (127, WHITE), (254, GREEN)], color_space="hsv")
    palette = renderer.palette()[1:].astype(int)
    assert (palette[:127, 2] == 255).all()  # blue fades: neither green nor red come in
    assert (palette[:127, 0] == palette[:127, 1]).all()
    assert (palette[128:, 1] == 255).all()
    assert (palette[128:, 0] == palette[128:, 2]).all()
    greys = StretchedRenderer([(0, BLACK), (254, WHITE)], color_space="hsv").palette()[1:, :3]
    assert (greys == greys[:, :1]).all()
    assert greys[:, 0] == pytest.approx(np.linspace(0, 255, 255), abs=0.51)


@given(colors, colors)
def test_both_color_spaces_begin_and_end_with_the_colors_themselves(first, last):
    for space in ("rgb", "hsv"):
        renderer = StretchedRenderer([(0, first), (1, last)], color_space=space)
        assert (color_at(renderer, 0.0), color_at(renderer, 1.0)) == (first, last)


@pytest.mark.parametrize("space", ["HSV", "lab", None, 3, ["rgb"]])
def test_other_color_spaces_are_refused(space):
    with pytest.raises(RendererNotValid, match="color_space is .* 'rgb' or 'hsv'"):
        StretchedRenderer([(0, RED), (1, BLUE)], color_space=space)


# -- missing, background, fill value


def test_missing_values_have_their_color_where_one_is_given():
    renderer = StretchedRenderer([(0, RED), (1, BLUE)], missing=GREY)
    assert renderer.palette()[0].tolist() == [128, 128, 128, 255]
    assert renderer.indices(np.ma.masked_equal([7, 1], 7)).tolist() == [0, 255]
    assert color_at(renderer, np.nan) == GREY
    assert renderer.legend()["others"] == [{"label": "no data", "color": "#808080"}]


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint8", "int64"])
def test_a_background_is_for_values_below_and_above_the_stretch(dtype):
    renderer = StretchedRenderer([(50, RED), (60, BLUE)], background=GREEN)
    values = np.array([0, 49, 50, 60, 61, 120], dtype=dtype)
    assert renderer.palette()[renderer.indices(values)][:, :3].tolist() == [
        [0, 255, 0], [0, 255, 0], [255, 0, 0], [0, 0, 255], [0, 255, 0], [0, 255, 0],
    ]  # fmt: skip
    assert renderer.legend()["others"] == [{"label": "out of range", "color": "#00ff00"}]


def test_the_limits_of_a_stretch_with_a_background_are_within_it_as_float32_too():
    renderer = StretchedRenderer([(0.1, RED), (0.3, BLUE)], background=GREEN)
    inside = np.array([0.1, 0.3], np.float32)
    outside = np.nextafter(inside, np.array([-1, 1], np.float32))
    assert renderer.indices(inside).tolist() == [1, 254]
    assert renderer.indices(outside).tolist() == [255, 255]
    assert renderer.indices(np.array([np.nan, np.inf, -np.inf])).tolist() == [0, 255, 255]
    huge = StretchedRenderer([(-1e300, RED), (1e300, BLUE)], background=GREEN)
    assert huge.indices(np.float32([-3e38, 3e38])).tolist() == [127, 127]


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int64"])
def test_the_fill_value_is_missing(dtype):
    renderer = StretchedRenderer([(0, RED), (10, BLUE)], fill_value=-999)
    assert renderer.indices(np.array([-999, 0, -998], dtype)).tolist() == [0, 1, 1]
    assert StretchedRenderer(renderer.colors, fill_value=np.float32(1e20)).indices(np.float32([1e20])) == [0]
    assert StretchedRenderer(renderer.colors, fill_value=1e20).indices(np.float32([1e20])) == [0]
    assert StretchedRenderer(renderer.colors, fill_value=-999).indices(np.uint8([1])) > 0
    assert StretchedRenderer(renderer.colors, fill_value=1e300).indices(np.float32([1])) > 0


def test_whole_numbers_keep_their_mask():
    masked = np.ma.masked_array(np.array([2**62, 5, 2**62]), mask=[False, True, False])
    assert StretchedRenderer.from_range(0, 2**62).indices(masked).tolist() == [255, 0, 255]


# -- colormaps


@pytest.mark.parametrize("name", ["viridis", "RdBu_r", "jet", "gist_ncar", "nipy_spectral", "hsv", "flag", "prism"])
def test_any_ramp_of_matplotlib_looks_like_it(name):
    renderer = StretchedRenderer.from_colormap(name, -1, 1)
    wanted = colormaps[name](np.linspace(0, 1, 255), bytes=True).astype(int)
    assert np.abs(renderer.palette()[1:] - wanted).max() <= 8


def test_a_smooth_colormap_needs_few_stops():
    assert len(StretchedRenderer.from_colormap("viridis", 0, 1).colors) == 17


@pytest.mark.parametrize("name", ["tab10", "Set1", "Pastel2"])
def test_a_colormap_of_a_few_colors_becomes_even_steps(name):
    count = colormaps[name].N
    renderer = StretchedRenderer.from_colormap(name, 0, count)
    shown = renderer.palette()[renderer.indices(np.arange(count) + 0.5)]
    assert shown.tolist() == colormaps[name](np.arange(count), bytes=True).tolist()


def test_a_colormap_may_go_the_other_way_and_over_nothing():
    up, down = (StretchedRenderer.from_colormap("tab10", *limits) for limits in [(0, 10), (10, 0)])
    assert color_at(down, 0.5) == color_at(up, 9.5)
    assert color_at(down, 9.5) == color_at(up, 0.5)
    constant = StretchedRenderer.from_colormap("tab10", 288, 288)
    assert constant.vmin < 288 < constant.vmax
    assert len({color for _, color in constant.colors}) == 10
    nothing = StretchedRenderer.from_colormap("viridis", np.nan, None)
    assert (nothing.vmin, nothing.vmax) == (0, 1)


def test_colormaps_and_ranges_pass_the_options_on():
    options = {"missing": GREY, "background": GREEN, "fill_value": -1}
    for renderer in (
        StretchedRenderer.from_colormap("viridis", 0, 1, **options),
        StretchedRenderer.from_range(0, 1, **options),
        StretchedRenderer.from_percentiles(np.arange(5), **options),
    ):
        assert (renderer.missing, renderer.background, renderer.fill_value) == (GREY, GREEN, -1)


# -- percentiles


def test_percentiles_are_those_of_the_finite_values():
    values = np.arange(101.0)
    raster = xr.DataArray(np.concatenate([values, [np.nan, np.inf, -np.inf]]).reshape(8, 13))
    renderer = StretchedRenderer.from_percentiles(raster)
    assert (renderer.vmin, renderer.vmax) == pytest.approx((2, 98))
    assert renderer.colors[0][1].to_hex() == "#440154"
    other = StretchedRenderer.from_percentiles(raster, 10, 50, "magma")
    assert (other.vmin, other.vmax) == pytest.approx((10, 50))
    assert other.colors[-1][1].to_hex() == "#fbfcbf"
    masked = np.ma.masked_greater(np.append(values, 1e6), 200)
    assert StretchedRenderer.from_percentiles(masked, 0, 100).vmax == 100
    filled = StretchedRenderer.from_percentiles(np.append(values, -999), 0, 100, fill_value=-999)
    assert filled.vmin == 0
    assert StretchedRenderer.from_percentiles(np.arange(101, dtype=np.int8)).vmax == pytest.approx(98)


@pytest.mark.parametrize("raster", [np.full(3, np.nan), np.array([]), np.ma.masked_all(2), np.zeros((2, 2))])
def test_percentiles_of_nothing_or_of_one_value_are_defined(raster):
    renderer = StretchedRenderer.from_percentiles(raster)
    assert renderer.vmin < renderer.vmax


@pytest.mark.parametrize("limits", [(98, 2), (5, 5), (-1, 50), (2, 101), (np.nan, 5), ("2", 98)])
def test_percentiles_that_cannot_be_are_refused(limits):
    with pytest.raises(RendererNotValid):
        StretchedRenderer.from_percentiles(np.arange(5.0), *limits)


def test_the_legend_has_every_color_of_the_ramp():
    for background in (None, GREY):
        renderer = StretchedRenderer([(-3.3, RED), (1, WHITE), (7.7, BLUE)], background=background)
        legend = renderer.legend()
        values = np.linspace(-3.3, 7.7, 1001)
        nearest = np.floor((values + 3.3) / 11 * (len(legend["colors"]) - 1) + 0.5).astype(int)
        shown = [Color.from_hex(legend["colors"][place]) for place in nearest]
        wanted = [Color(*row) for row in renderer.palette()[renderer.indices(values)].tolist()]
        assert sum(one != other for one, other in zip(shown, wanted, strict=True)) <= 2  # on the edge of two steps


def test_results_are_black_to_white_as_ever():
    renderer = default_renderer(xr.DataArray(np.array([1, 2], np.int8), attrs={"flag_values": np.int8([1, 2])}))
    assert [color for _, color in renderer.colors] == [BLACK, WHITE]


def test_all_kinds_are_made_without_matplotlib_and_xarray():
    code = (
        "import sys, numpy as np\n"
        "from geojobs_lab.renderers import *\n"
        "red = Color(255, 0, 0)\n"
        "for kind in (ClassifiedRenderer, UniqueRenderer, StretchedRenderer):\n"
        "    renderer = renderer_from_json(kind([(1, red), (2, red)], missing=red).to_json())\n"
        "    renderer.indices(np.arange(3)), legend_svg(renderer, 'a', 'b')\n"
        "print(sorted({'matplotlib', 'xarray', 'rasterio', 'pyproj'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
