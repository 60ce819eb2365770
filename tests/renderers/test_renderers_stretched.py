import math
import pickle
import subprocess
import sys

import numpy as np
import pytest
import xarray as xr
from hypothesis import given
from hypothesis import strategies as st

import geojobs_lab.renderers
from geojobs_lab.documents import dump_json, load_json
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import Color, StretchedRenderer, default_renderer, renderer_from_json

RED, GREEN, BLUE = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255)

channels = st.integers(0, 255)
colors = st.builds(Color, channels, channels, channels, channels)
values = st.floats(-1e300, 1e300)
stops = st.lists(st.tuples(values, colors), min_size=2, max_size=6)


def color_at(renderer, value):
    return Color(*renderer.palette()[renderer.indices(value)].tolist())


def test_the_public_names_are_sorted_and_there():
    names = geojobs_lab.renderers.__all__
    assert names == sorted(names)
    assert all(hasattr(geojobs_lab.renderers, name) for name in names)


def test_values_between_two_stops_take_the_color_between():
    renderer = StretchedRenderer([(0, RED), (10, BLUE)])
    assert color_at(renderer, 0.0) == RED
    assert color_at(renderer, 10.0) == BLUE
    assert color_at(renderer, 5.0) == Color(128, 0, 128)


def test_uneven_stops_keep_their_colors_at_their_values():
    renderer = StretchedRenderer([(0, RED), (254 / 4, GREEN), (254, BLUE)])
    assert color_at(renderer, 63.5) in {Color(0, 255, 0), Color(2, 253, 0), Color(0, 254, 1)}
    assert color_at(renderer, 64 + 95).blue == pytest.approx(255 * 95 / 190, abs=2)


def test_every_step_of_value_has_the_nearest_of_255_colors():
    renderer = StretchedRenderer.from_range(0, 254)
    assert renderer.indices(np.arange(0, 255)).tolist() == list(range(1, 256))
    assert renderer.indices(np.array([0.49, 0.51, 253.49, 253.51])).tolist() == [1, 2, 254, 255]
    gray = renderer.palette()[1:, 0]
    assert (np.diff(gray.astype(int)) >= 1).all()


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int16", "uint8", "int64"])
def test_values_outside_the_stretch_take_the_colors_of_its_ends_in_every_dtype(dtype):
    renderer = StretchedRenderer.from_range(50, 60)
    indices = renderer.indices(np.array([0, 49, 50, 60, 61, 120], dtype=dtype))
    assert indices.dtype == np.uint8
    assert indices.tolist() == [1, 1, 1, 255, 255, 255]


def test_missing_values_are_index_0_which_is_transparent():
    renderer = StretchedRenderer.from_range(0, 1)
    assert renderer.indices(np.array([[np.nan, 0.5]])).tolist() == [[0, 128]]
    assert renderer.indices(np.ma.masked_equal([7, 1], 7)).tolist() == [0, 255]
    assert renderer.palette()[0].tolist() == [0, 0, 0, 0]


def test_infinite_values_are_clamped_not_missing():
    assert StretchedRenderer.from_range(0, 1).indices(np.array([-np.inf, np.inf])).tolist() == [1, 255]


def test_large_32_bit_values_and_small_ranges_are_stretched_without_overflow():
    assert StretchedRenderer.from_range(0, 1).indices(np.float32([-3e38, 3e38])).tolist() == [1, 255]
    assert StretchedRenderer.from_range(1e-44, 3e-44).indices(np.array([0, 2e-44, 1])).tolist() == [1, 128, 255]
    assert StretchedRenderer.from_range(-1e300, 1e300).indices(np.array([-1e305, 0, 1e305])).tolist() == [1, 128, 255]


def test_arrays_of_xarray_are_taken_whole_and_as_values_of_stops():
    raster = xr.DataArray(np.array([[1.0, np.nan], [3.0, 5.0]], dtype=np.float32))
    renderer = StretchedRenderer([(raster.min(), RED), (raster.max(), BLUE)])
    assert renderer == StretchedRenderer([(1.0, RED), (5.0, BLUE)])
    assert renderer.indices(raster).tolist() == [[1, 0], [128, 255]]


def test_stops_may_come_in_falling_order():
    assert StretchedRenderer([(10, BLUE), (0, RED)]) == StretchedRenderer([(0, RED), (10, BLUE)])


def test_two_stops_at_one_value_make_a_sharp_step():
    renderer = StretchedRenderer([(0, RED), (1, RED), (1, BLUE), (2, BLUE)])
    assert color_at(renderer, 0.99) == RED
    assert color_at(renderer, 1.01) == BLUE


def test_a_constant_raster_has_a_stretch_with_its_value_in_the_middle():
    raster = np.full((2, 2), 288.0, dtype=np.float32)
    renderer = StretchedRenderer([(raster.min(), RED), (raster.max(), BLUE)])
    assert (renderer.indices(raster) == 128).all()
    assert renderer.vmin < 288 < renderer.vmax
    assert default_renderer(np.zeros(3)).indices(np.zeros(1)).tolist() == [128]


@pytest.mark.parametrize("value", [1e300, -1e300, 2.2e-308, -1e-298, 1e-290])
def test_constant_rasters_of_extreme_values_have_a_stretch_that_reads_back(value):
    renderer = StretchedRenderer([(value, RED), (value, BLUE)])
    assert renderer_from_json(renderer.to_json()) == renderer
    assert renderer.indices(np.array([value, np.nan]))[1] == 0


@pytest.mark.parametrize("nothing", [np.nan, None, np.ma.masked, np.array(np.nan), xr.DataArray(np.nan)])
def test_a_raster_without_data_is_stretched_from_0_to_1(nothing):
    renderer = StretchedRenderer([(nothing, RED), (nothing, GREEN), (nothing, BLUE)])
    assert renderer.colors == ((0.0, RED), (0.5, GREEN), (1.0, BLUE))


def test_the_default_is_black_to_white_over_the_finite_values():
    renderer = default_renderer(xr.DataArray([[np.nan, -2.0], [np.inf, 8.0]]))
    assert renderer == StretchedRenderer([(-2, Color(0, 0, 0)), (8, Color(255, 255, 255))])
    assert default_renderer(np.array([-100, 100], dtype=np.int8)).vmax == 100
    assert default_renderer(np.ma.masked_greater([1, 2, 99], 9)).vmax == 2


@pytest.mark.parametrize("raster", [np.full(3, np.nan), np.array([]), np.ma.masked_all(2), np.array([np.inf])])
def test_the_default_for_a_raster_without_data_is_0_to_1(raster):
    assert (default_renderer(raster).vmin, default_renderer(raster).vmax) == (0, 1)


def test_a_colormap_of_matplotlib_is_taken_by_name():
    from matplotlib import colormaps

    renderer = StretchedRenderer.from_colormap("viridis", -1, 1)
    assert (renderer.vmin, renderer.vmax) == (-1, 1)
    expected = colormaps["viridis"](np.linspace(0, 1, 255), bytes=True)
    assert np.abs(renderer.palette()[1:].astype(int) - expected).max() <= 5
    with pytest.raises(RendererNotValid, match="'verdigris'"):
        StretchedRenderer.from_colormap("verdigris", 0, 1)


@pytest.mark.parametrize(
    ("pairs", "part"),
    [
        ([], "two are the least"),
        ([(0, RED)], "two are the least"),
        ([(0, RED), (1, "#00f")], "'#00f' is not a Color"),
        ([(0, RED), ("1", BLUE)], "'1'"),
        ([(0, RED), (True, BLUE)], "True"),
        ([(0, RED), (math.inf, BLUE)], "inf"),
        ([(0, RED), (1e301, BLUE)], "1e\\+301"),
        ([(0, RED), (math.nan, BLUE)], "NaN or null"),
        ([(0, RED), (np.arange(2), BLUE)], "array"),
        ([(0, RED), (1j, BLUE)], "1j"),
        ([(0, RED), (1, BLUE, 2)], "pair"),
        ([(0, RED), 1], "pair"),
    ],
)
def test_stops_that_cannot_be_used_are_refused_naming_them(pairs, part):
    with pytest.raises(RendererNotValid, match=part):
        StretchedRenderer(pairs)


def test_a_renderer_is_immutable_equal_by_stops_and_survives_pickling():
    renderer = StretchedRenderer([(0, RED), (1, BLUE)])
    with pytest.raises(AttributeError):
        renderer.colors = ()
    with pytest.raises(ValueError, match="read-only"):
        renderer.palette()[1] = 0
    assert renderer != StretchedRenderer([(0, RED), (1, GREEN)])
    copy = pickle.loads(pickle.dumps(renderer))
    assert copy == renderer
    assert hash(copy) == hash(renderer)
    assert (copy.palette() == renderer.palette()).all()


@given(stops)
def test_the_json_form_reads_back_to_an_equal_renderer(pairs):
    renderer = StretchedRenderer(pairs)
    again = renderer_from_json(load_json(dump_json(renderer.to_json())))
    assert again == renderer
    assert (again.palette() == renderer.palette()).all()


@given(stops)
def test_every_renderer_has_a_legend_within_its_range(pairs):
    renderer = StretchedRenderer(pairs)
    legend = renderer.legend()
    assert dump_json(legend)
    slack = 1e-9 * (renderer.vmax - renderer.vmin) + 1e-12 * max(abs(renderer.vmin), abs(renderer.vmax))
    entries = [entry["value"] for entry in legend["entries"]]
    assert len(entries) >= 2
    assert all(renderer.vmin - slack <= value <= renderer.vmax + slack for value in entries)


@given(stops, st.lists(values, max_size=20))
def test_indices_rise_with_the_values_and_are_never_missing(pairs, numbers):
    indices = StretchedRenderer(pairs).indices(np.array(sorted(numbers), dtype=np.float64)).astype(int)
    assert (indices >= 1).all()
    assert (np.diff(indices) >= 0).all()


def test_configurations_import_renderers_without_matplotlib_and_xarray():
    code = (
        "import sys, numpy as np\n"
        "from geojobs_lab.renderers import Color, StretchedRenderer\n"
        "StretchedRenderer([(np.float32(0), Color(255, 0, 0)), (1, Color(0, 0, 255))]).legend('K')\n"
        "print(sorted({'matplotlib', 'xarray', 'rasterio', 'pyproj'} & set(sys.modules)))"
    )
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True).stdout == "[]\n"
