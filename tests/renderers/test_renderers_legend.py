import io
import math
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from geojobs_lab.documents import dump_json
from geojobs_lab.renderers import Color, StretchedRenderer, legend_png, level_labels, round_levels


def test_the_legend_has_round_values_with_the_colors_that_the_map_gives_them():
    renderer = StretchedRenderer([(2.07, Color(255, 255, 255)), (9.8, Color(255, 0, 0))])
    legend = renderer.legend("K")
    assert (legend["type"], legend["unit"], legend["range"]) == ("stretched", "K", [2.07, 9.8])
    assert [entry["value"] for entry in legend["entries"]] == [3, 4, 5, 6, 7, 8, 9]
    assert [entry["label"] for entry in legend["entries"]] == list("3456789")
    middle = legend["entries"][3]
    assert Color.from_hex(middle["color"]) == Color(*renderer.palette()[renderer.indices(6.0)].tolist())
    assert (legend["colors"][0], legend["colors"][-1]) == ("#ffffff", "#ff0000")
    assert dump_json(legend)


@pytest.mark.parametrize(
    ("low", "high", "labels"),
    [
        (0, 1, ["0.0", "0.2", "0.4", "0.6", "0.8", "1.0"]),
        (-30, 31, ["−30", "−20", "−10", "0", "10", "20", "30"]),
        (287.712, 288.288, ["287.8", "287.9", "288.0", "288.1", "288.2"]),
        (0, 0.9, ["0.0", "0.2", "0.4", "0.6", "0.8"]),
        (0, 15, ["0.0", "2.5", "5.0", "7.5", "10.0", "12.5", "15.0"]),
        (-1250, 8800, ["0", "2000", "4000", "6000", "8000"]),
        (0, 4.1e-6, ["0", "1e−6", "2e−6", "3e−6", "4e−6"]),
        (0, 2e7, ["0", "5e6", "1.0e7", "1.5e7", "2.0e7"]),
        (1e9, 1e9 + 1, [f"1000000000.{digit}" for digit in (0, 2, 4, 6, 8)] + ["1000000001.0"]),
    ],
)
def test_levels_are_round_and_labelled_with_just_the_digits_they_need(low, high, labels):
    assert level_labels(round_levels(low, high, most=6)) == labels


def test_levels_around_a_range_enclose_it():
    assert round_levels(2.07, 9.8, around=True) == [2, 3, 4, 5, 6, 7, 8, 9, 10]
    assert round_levels(0.0, 0.3, around=True)[-1] == 0.3


@given(st.floats(-1e6, 1e6), st.floats(1e-2, 1e9), st.integers(3, 12), st.booleans())
def test_levels_are_few_even_and_within_or_around_the_range(low, width, most, around):
    high = low + width
    levels = round_levels(low, high, most=most, around=around)
    assert 2 <= len(levels) <= most + 1
    step = levels[1] - levels[0]
    assert np.allclose(np.diff(levels), step)
    slack = step * 1e-6
    if around:
        assert levels[0] <= low + slack
        assert levels[-1] >= high - slack
    else:
        assert low - slack <= levels[0]
        assert levels[-1] <= high + slack
    assert len(set(level_labels(levels))) == len(levels)


def picture(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB")).astype(int)


def test_the_legend_picture_is_a_png_with_the_ramp_from_left_to_right():
    renderer = StretchedRenderer([(0, Color(255, 0, 0)), (1, Color(0, 0, 255))])
    pixels = picture(legend_png(renderer, "Temperature", "K"))
    assert pixels.shape[1] == 640
    red, blue = (np.argwhere((pixels == color).all(axis=2)) for color in ([255, 0, 0], [0, 0, 255]))
    assert red[:, 1].mean() < 70
    assert blue[:, 1].mean() > 570
    assert len(red) > 20
    assert (pixels[0] == 255).all()


def test_titles_and_units_are_drawn_and_long_ones_make_the_picture_higher():
    renderer = StretchedRenderer.from_range(0, 1)
    bare, unit, titled = (picture(legend_png(renderer, *words)) for words in [(None, None), (None, "K"), ("T", "K")])
    assert bare.shape[0] < unit.shape[0] == titled.shape[0]
    assert (unit != titled).any()
    long = picture(legend_png(renderer, "an output with a very long name " * 9, "m $s^{-1"))
    assert titled.shape[0] < long.shape[0] < 300


def test_transparent_colors_are_drawn_over_a_chequered_ground():
    clear = StretchedRenderer([(0, Color(255, 0, 0, 0)), (1, Color(255, 0, 0, 0))])
    pixels = picture(legend_png(clear))
    assert ((pixels == 204).all(axis=2)).sum() > 1000
    assert not ((pixels[..., 0] == 255) & (pixels[..., 1] == 0)).any()


def test_a_legend_may_be_drawn_in_many_threads_at_once():
    renderer = StretchedRenderer.from_range(0, math.pi)
    with ThreadPoolExecutor(4) as pool:
        pictures = list(pool.map(lambda _: legend_png(renderer, "Temperature", "K"), range(8)))
    assert len(set(pictures)) == 1
