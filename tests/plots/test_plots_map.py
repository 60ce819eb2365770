import io
import itertools

import numpy as np
import pytest
import rioxarray  # noqa: F401  # for .rio
import xarray as xr
from matplotlib.collections import LineCollection
from PIL import Image

import geojobs_lab.plots
from geojobs_lab.errors import InvalidInput, RasterError
from geojobs_lab.plots import map_figure
from geojobs_lab.plots.scale import class_scale
from geojobs_lab.renderers import ClassifiedRenderer, Color, StretchedRenderer, UniqueRenderer


def raster(values, latitudes, longitudes, **attributes):
    return xr.DataArray(
        np.asarray(values, dtype="f4"),
        dims=("latitude", "longitude"),
        coords={
            "latitude": ("latitude", latitudes, {"standard_name": "latitude", "units": "degrees_north"}),
            "longitude": ("longitude", longitudes, {"standard_name": "longitude", "units": "degrees_east"}),
        },
        name="air",
        attrs=attributes,
    )


@pytest.fixture
def warming():
    """From 2 K in the south to 9 K in the north, with one missing cell in the north-west."""
    values = np.repeat(np.linspace(2, 9, 10)[:, None], 20, axis=1)
    values[-1, 0] = np.nan
    return raster(values, np.arange(15, 60, 4.5), np.arange(225, 315, 4.5), units="K", long_name="Warming")


def drawn(figure):
    picture = io.BytesIO()
    figure.savefig(picture, format="png")
    return np.asarray(Image.open(picture).convert("RGB"))


def texts(figure):
    axes_texts = [[*axes.get_xticklabels(), *axes.get_yticklabels(), axes.xaxis.label] for axes in figure.axes]
    return [text.get_text() for text in itertools.chain(figure.texts, *axes_texts)]


def at(figure, pixels, lon, lat):
    """Return the colour in the picture at a place of the map."""
    x, y = figure.axes[0].transData.transform((lon, lat))
    return pixels[pixels.shape[0] - 1 - int(y), int(x)].tolist()


def test_the_public_names_are_sorted_and_there():
    names = geojobs_lab.plots.__all__
    assert names == sorted(names)
    assert all(hasattr(geojobs_lab.plots, name) for name in names)


def test_a_map_has_title_unit_labels_and_round_levels(warming):
    figure = map_figure(warming, subtitle="A1B")
    words = texts(figure)
    assert {"Warming", "A1B", "K", "100°W", "40°N"} <= set(words)
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == list("23456789")


def test_given_texts_replace_those_of_the_raster(warming):
    words = texts(map_figure(warming, title="T", label="Change (K)"))
    assert {"T", "Change (K)"} <= set(words)
    assert {"Warming", "K"}.isdisjoint(words)


def test_the_standard_name_or_the_name_stands_in_for_the_long_name(warming):
    del warming.attrs["long_name"]
    assert "Air" in texts(map_figure(warming))
    warming.attrs["standard_name"] = "air_temperature"
    assert "Air temperature" in texts(map_figure(warming))


@pytest.mark.parametrize("turned", [False, True])
def test_the_north_is_up_the_east_right_and_missing_cells_are_grey(warming, turned):
    warming[0, -1] = 9
    figure = map_figure(warming[::-1, ::-1] if turned else warming, cmap="Greys")
    pixels = drawn(figure)
    darkest = at(figure, pixels, 269.5, 55.0)
    lightest = at(figure, pixels, 303.0, 15.9)
    assert np.mean(darkest) < 40
    assert np.mean(lightest) > 220
    assert at(figure, pixels, 310.5, 14.0) == darkest
    assert at(figure, pixels, 223.5, 56.5) == [220, 220, 220]


@pytest.mark.parametrize("west", [-135, 225, 585])
def test_coastlines_lie_on_the_land_at_any_longitudes(warming, west):
    values = warming.assign_coords(longitude=warming.longitude.copy(data=np.arange(west, west + 90, 4.5)))
    figure = map_figure(values)
    coast = figure.axes[0].collections[-1]
    assert isinstance(coast, LineCollection)
    points = np.concatenate(coast.get_segments())
    florida = np.array([west + 135 - 80.03, 26.8])
    assert np.hypot(*(points - florida).T).min() < 0.1


@pytest.mark.parametrize("shade", [0, 128, 255])
def test_coastlines_can_be_seen_on_any_color(warming, shade):
    figure = map_figure(warming, renderer=ClassifiedRenderer([(None, Color(shade, shade, shade))]))
    x, y = figure.axes[0].transData.transform((277.0, 29.1))  # the coast of Florida
    pixels = drawn(figure)
    around = pixels[pixels.shape[0] - int(y) - 12 : pixels.shape[0] - int(y) + 12, int(x) - 12 : int(x) + 12]
    assert np.ptp(around) > 90


def test_the_proportions_are_those_of_the_middle_latitude(warming):
    figure = map_figure(warming)
    box = figure.axes[0].get_window_extent()
    middle = np.cos(np.radians((15 + 55.5) / 2))
    assert box.width / box.height == pytest.approx(90 * middle / 45, rel=0.01)
    width, height = figure.get_size_inches()
    assert width <= 9.001
    assert height <= 6.001


def test_a_renderer_gives_its_own_colors(warming):
    renderer = StretchedRenderer([(2, Color(255, 0, 0)), (9, Color(0, 0, 255))])
    figure = map_figure(warming, renderer=renderer)
    pixels = drawn(figure)
    assert at(figure, pixels, 303.0, 15.9) == [255, 0, 0]
    assert at(figure, pixels, 269.5, 55.0) == [0, 0, 255]


def test_a_projected_raster_is_drawn_in_its_projection_with_degrees_at_its_edges():
    x = np.arange(-3_950_000, 4_000_000, 100_000.0)
    data = xr.DataArray(
        np.hypot(x, x[:, None]) / 1000, dims=("y", "x"), coords={"y": x[::-1], "x": x}, name="distance"
    ).rio.write_crs(3413)
    figure = map_figure(data, figsize=(5, 5))
    box = figure.axes[0].get_window_extent()
    assert box.width == pytest.approx(box.height)
    assert any("°" in text.get_text() for text in figure.axes[0].get_xticklabels())
    coast = np.concatenate(figure.axes[0].collections[2].get_segments())
    assert np.hypot(*coast.T).min() > 600_000
    assert drawn(figure).std() > 10


@pytest.mark.parametrize("values", [np.full((3, 4), np.nan), np.full((3, 4), 288.0), np.zeros((3, 4))])
def test_rasters_without_data_or_without_differences_are_drawn(values):
    assert drawn(map_figure(raster(values, [10, 20, 30], [0, 10, 20, 30]))).size > 0


def test_long_titles_are_made_smaller_rather_than_cut(warming):
    figure = map_figure(warming, title="A long title of many words " * 6, subtitle="and a subtitle as long " * 8)
    pixels = drawn(figure)
    assert (pixels[:40, -4:] == 255).all()


def test_narrow_and_flat_rasters_have_room_for_their_scale():
    tall = map_figure(raster(np.arange(100.0).reshape(50, 2), np.arange(-50.0, 50, 2), [0, 2]))
    flat = map_figure(raster(np.arange(100.0).reshape(2, 50), [0, 2], np.arange(-50.0, 50, 2)))
    for figure in (tall, flat):
        width, height = figure.get_size_inches()
        assert 4 < width <= 9.001
        assert 1 < height <= 6.001
        assert figure.axes[1].get_window_extent().width / figure.dpi >= 3.99


def test_more_than_two_dimensions_and_no_place_are_refused(warming):
    with pytest.raises(RasterError, match="'time': 3"):
        map_figure(warming.expand_dims(time=3))
    with pytest.raises(RasterError):
        map_figure(xr.DataArray(np.zeros((3, 4)), dims=("a", "b")))


def test_classes_have_round_limits_around_the_values():
    scale = class_scale(np.array([2.07, 9.8, np.nan]))
    assert scale.ticks == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert scale.extend == "neither"
    assert scale.cmap.N == 8


def test_values_on_both_sides_of_zero_get_red_and_blue_about_it():
    scale = class_scale(np.array([-1.0, 3.7]))
    assert scale.ticks == [-4, -3, -2, -1, 0, 1, 2, 3, 4]
    blue, red = scale.cmap(scale.norm(-3.5)), scale.cmap(scale.norm(3.5))
    assert blue[2] > blue[0]
    assert red[0] > red[2]


def test_values_beyond_a_given_range_are_marked_and_keep_their_own_color():
    scale = class_scale(np.array([0.0, 5, 20]), "viridis", 4, 10)
    assert (scale.ticks[0], scale.ticks[-1], scale.extend) == (4, 10, "both")
    colors = {tuple(scale.cmap(scale.norm(value))) for value in (0, 4.1, 9.9, 20)}
    assert len(colors) == 4


@pytest.mark.parametrize(("arguments", "field"), [({"cmap": "verdigris"}, "cmap"), ({"vmin": 3, "vmax": 3}, "vmin")])
def test_scales_that_cannot_be_made_are_refused(arguments, field):
    with pytest.raises(InvalidInput) as caught:
        class_scale(np.arange(4.0), **arguments)
    assert caught.value.field == field


CLASSES = ClassifiedRenderer(
    [(4, Color(255, 0, 0)), (7, Color(0, 255, 0))], background=Color(0, 0, 255), missing=Color(1, 2, 3)
)


def legend_texts(figure):
    return [
        text.get_text()
        for axes in figure.axes
        for legend in [axes.get_legend()]
        if legend is not None
        for text in (legend.get_title(), *legend.get_texts())
    ]


def test_classes_are_drawn_in_their_colors_with_swatches_instead_of_a_bar(warming):
    figure = map_figure(warming, renderer=CLASSES)
    pixels = drawn(figure)
    assert at(figure, pixels, 303.0, 15.9) == [255, 0, 0]
    assert at(figure, pixels, 303.0, 40.0) == [0, 255, 0]
    assert at(figure, pixels, 269.5, 55.0) == [0, 0, 255]
    assert at(figure, pixels, 223.5, 56.5) == [1, 2, 3]
    assert legend_texts(figure) == ["K", "≤ 4", "4 – 7", "other", "no data"]
    assert len(figure.axes) == 2
    assert not figure.axes[1].axison
    below = pixels[-int(figure.axes[0].get_window_extent().y0) :]
    for color in ([255, 0, 0], [0, 255, 0], [0, 0, 255], [1, 2, 3]):
        assert (below == color).all(axis=2).sum() > 50


@pytest.mark.parametrize("dtype", ["float32", "int8"])
def test_classes_and_values_are_compared_in_the_rasters_own_type(dtype):
    values = np.repeat([[1], [2], [5]], 4, axis=1).astype(dtype) / ((dtype == "float32" and np.float32(10)) or 1)
    data = raster(np.zeros((3, 4)), [10, 20, 30], [0, 10, 20, 30]).copy(data=values.astype(dtype))
    one, two = (0.1, 0.2) if dtype == "float32" else (1, 2)
    red, blue = Color(255, 0, 0), Color(0, 0, 255)
    for renderer in (ClassifiedRenderer([(one, red), (two, blue)]), UniqueRenderer([(one, red), (two, blue)])):
        figure = map_figure(data, renderer=renderer)
        pixels = drawn(figure)
        colors = [at(figure, pixels, 7.0, lat) for lat in (8.0, 18.0, 28.0)]
        assert colors == [[255, 0, 0], [0, 0, 255], [220, 220, 220]]


def test_a_ramp_with_colors_for_no_value_has_these_below_its_bar(warming):
    ends = [(3, Color(255, 0, 0)), (8, Color(0, 0, 255))]
    figure = map_figure(warming, renderer=StretchedRenderer(ends, background=Color(0, 255, 0)))
    assert [text.get_text() for text in figure.axes[1].get_xticklabels()] == list("345678")
    assert legend_texts(figure) == ["", "out of range"]
    assert at(figure, drawn(figure), 303.0, 15.9) == [0, 255, 0]


def test_long_lists_of_labels_have_room_below_the_map(warming):
    labels = ["a label of some length and $ signs_"] * 40
    renderer = ClassifiedRenderer.from_breaks([value / 5 for value in range(40)], "turbo", labels=labels)
    figure = map_figure(warming, renderer=renderer)
    pixels = drawn(figure)
    assert len(legend_texts(figure)) == 41
    (legend,) = (axes.get_legend() for axes in figure.axes if axes.get_legend())
    box = legend.get_window_extent()
    assert box.y0 >= 0
    assert box.x0 >= 0
    assert box.x1 <= pixels.shape[1]
    map_box = figure.axes[0].get_window_extent()
    assert box.y1 < map_box.y0 - 20
    assert map_box.height > 300
