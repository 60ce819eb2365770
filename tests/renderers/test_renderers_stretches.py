"""The stretches: logarithm, square root, percentiles, standard deviations; their limits, ticks and JSON."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers import Color, Distribution, StretchedRenderer, renderer_from_json
from geojobs_lab.renderers.levels import log_levels, spaced

RED, BLUE = Color(255, 0, 0), Color(0, 0, 255)
LOG = StretchedRenderer([(1, RED), (1000, BLUE)], stretch="log")
SQRT = StretchedRenderer([(0, RED), (100, BLUE)], stretch="sqrt")


@pytest.mark.parametrize("dtype", ["float32", "float64", "int16", "int64"])
def test_a_logarithm_gives_every_power_of_ten_as_many_colors(dtype):
    # 254 steps for three powers: 1 + 254 / 3 = 85.67, and so on
    values = np.array([1, 10, 100, 1000, 0, -5, 5000], dtype=dtype)
    assert LOG.indices(values).tolist() == [1, 86, 170, 255, 1, 1, 255]


@pytest.mark.parametrize("dtype", ["float32", "float64", "uint8", "int32"])
def test_a_square_root_gives_low_values_more_colors(dtype):
    # 1 + 254 * sqrt(v / 100), rounded
    assert SQRT.indices(np.array([0, 1, 4, 25, 49, 100, 120], dtype=dtype)).tolist() == [1, 26, 52, 128, 179, 255, 255]


def test_a_square_root_begins_at_the_first_stop_wherever_that_is():
    renderer = StretchedRenderer([(-50, RED), (50, BLUE)], stretch="sqrt")
    assert renderer.indices(np.array([-60.0, -50, -25, 50])).tolist() == [1, 1, 128, 255]


@pytest.mark.parametrize("renderer", [LOG, SQRT], ids=["log", "sqrt"])
def test_what_is_missing_stays_missing_and_infinity_is_clamped(renderer):
    values = np.array([np.nan, np.inf, -np.inf], dtype=np.float32)
    assert renderer.indices(values).tolist() == [0, 255, 1]
    masked = np.ma.masked_less([-1.0, 10.0], 0)
    assert renderer.indices(masked)[0] == 0
    assert np.shape(renderer.indices(5.0)) == ()


def test_values_beyond_the_range_have_the_background():
    renderer = StretchedRenderer([(1, RED), (10, BLUE)], stretch="log", background=BLUE)
    assert renderer.indices(np.array([0.0, -1, 1, 10, 11])).tolist() == [255, 255, 1, 254, 255]


def test_stops_within_keep_their_colors_at_their_values():
    green = Color(0, 255, 0)
    renderer = StretchedRenderer([(1, RED), (10, green), (100, BLUE)], stretch="log")
    assert renderer.palette()[renderer.indices(10.0)].tolist() == [0, 255, 0, 255]


@pytest.mark.parametrize("low", [0, -1, -1e-300])
def test_a_logarithm_of_what_is_not_above_0_is_refused_naming_the_value(low):
    with pytest.raises(RendererNotValid, match=rf"'log' takes values above 0 only.*{float(low)!r}"):
        StretchedRenderer([(low, RED), (1, BLUE)], stretch="log")


def test_other_stretches_are_refused():
    for wrong in ("LOG", "", None, 3, ["log"], "percentile"):
        with pytest.raises(RendererNotValid, match="stretch is "):
            StretchedRenderer([(1, RED), (2, BLUE)], stretch=wrong)


def test_a_constant_and_an_empty_raster_have_a_logarithm():
    constant = StretchedRenderer.from_range(5, 5, stretch="log")
    assert constant.indices(np.float32([5])).tolist() == [128]
    empty = StretchedRenderer.from_colormap("viridis", None, None, stretch="log")
    assert (empty.vmin, empty.vmax) == (1, 10)


def test_a_range_too_narrow_for_float32_is_stretched_all_the_same():
    renderer = StretchedRenderer([(1000, RED), (1000.01, BLUE)], stretch="log")
    assert renderer.indices(np.array([1000, 1000.005, 1000.01])).tolist() == [1, 128, 255]
    tiny = StretchedRenderer([(1e-200, RED), (1e200, BLUE)], stretch="log")
    assert tiny.indices(np.array([1e-200, 1, 1e200])).tolist() == [1, 128, 255]
    assert tiny.indices(np.float32([1])).tolist() == [128]


# -- limits from the data

TEN = np.array([0, 10, 20, 30, 40, 50, 60, 70, 80, 90, 100], dtype=float)


def test_percentiles_are_those_between_the_sorted_values():
    renderer = StretchedRenderer.from_percentiles(TEN, 5, 80)
    assert (renderer.vmin, renderer.vmax) == (5, 80)
    assert StretchedRenderer.from_percentiles(TEN).vmin == pytest.approx(2)
    with_gaps = np.array([[np.nan, np.inf], [0, 10]])
    assert StretchedRenderer.from_percentiles(with_gaps, 50, 100).vmin == 5


def test_standard_deviations_lie_about_the_mean_but_within_the_values():
    values = np.array([2.0, 4, 4, 4, 5, 5, 7, 9])  # mean 5, deviation 2
    assert [StretchedRenderer.from_standard_deviations(values, n).vmin for n in (0.5, 1, 2)] == [4, 3, 2]
    assert [StretchedRenderer.from_standard_deviations(values, n).vmax for n in (0.5, 1, 2, 3)] == [6, 7, 9, 9]


def test_a_logarithm_looks_at_values_above_0_only():
    values = np.array([-5, 0, 1, 2, 4, 8, np.nan])
    assert StretchedRenderer.from_percentiles(values, 0, 100, stretch="log").vmin == 1
    assert StretchedRenderer.from_standard_deviations(values, 9, stretch="log").vmin == 1
    nothing = StretchedRenderer.from_percentiles(-values, 0, 100, stretch="log", fill_value=5)
    assert (nothing.vmin, nothing.vmax) == (1, 10)


@pytest.mark.parametrize("deviations", [0, -1, np.nan, "two", None])
def test_a_wrong_number_of_deviations_is_refused(deviations):
    with pytest.raises(RendererNotValid, match="deviations"):
        StretchedRenderer.from_standard_deviations(TEN, deviations)


# -- JSON


def limits(**options):
    found = renderer_from_json(
        {"type": "stretched", "options": {"colormap": "viridis", **options}},
        lambda fill: Distribution.of(TEN, fill),
    )
    return found.stretch, found.vmin, found.vmax


def test_json_takes_from_the_data_what_it_does_not_say():
    assert limits() == ("linear", 0, 100)
    assert limits(vmin=-5) == ("linear", -5, 100)
    assert limits(vmin=500) == ("linear", 499.5, 500.5)  # not turned about
    assert limits(stretch="percentile") == ("linear", pytest.approx(2), pytest.approx(98))
    assert limits(stretch="percentile", pmin=10) == ("linear", 10, pytest.approx(98))
    assert limits(pmax=50) == ("linear", 0, 50)
    assert limits(stretch="log") == ("log", 10, 100)
    assert limits(stretch="log", pmin=50) == ("log", 55, 100)
    assert limits(stretch="sqrt", fill_value=100) == ("sqrt", 0, 90)
    assert limits(stretch="standard-deviation", deviations=1) == ("linear", *(50 + np.array([-1, 1]) * TEN.std()))
    assert limits(stretch="standard-deviation", vmax=60) == ("linear", 0, 60)


@pytest.mark.parametrize(
    ("options", "part"),
    [
        ({"stretch": "cubic"}, "stretch is 'cubic'"),
        ({"stretch": 7}, "stretch is 7"),
        ({"stretch": "log", "vmin": 0, "vmax": 5}, "above 0 only"),
        ({"vmin": 0, "pmin": 2}, "vmin and pmin"),
        ({"deviations": 1, "pmax": 2}, "deviations and pmax"),
        ({"stretch": "percentile", "deviations": 1}, "deviations does not go with the stretch 'percentile'"),
        ({"stretch": "standard-deviation", "pmin": 1}, "pmin does not go"),
        ({"pmin": 50, "pmax": 50}, "percentiles 50 and 50"),
        ({"pmin": 99, "stretch": "percentile"}, "percentiles 99.0 and 98.0"),
        ({"pmax": 101}, "101"),
        ({"pmin": "low"}, "'low' in pmin"),
        ({"vmax": [1]}, "[1] in vmax"),
        ({"vmin": True, "vmax": 2}, "True"),
        ({"deviations": 0}, "0 deviations"),
    ],
)
def test_json_with_wrong_limits_is_refused_naming_them(options, part):
    with pytest.raises(RendererNotValid) as caught:
        limits(**options)
    assert part in str(caught.value)


def test_json_without_data_needs_limits():
    with pytest.raises(RendererNotValid, match="without data to look at.*vmin"):
        renderer_from_json({"type": "stretched", "options": {"colormap": "viridis", "stretch": "percentile"}})


stretched = st.builds(
    lambda low, width, stretch: StretchedRenderer.from_range(low, low + width, stretch=stretch),
    st.floats(1e-6, 1e6),
    st.floats(1e-6, 1e6),
    st.sampled_from(["linear", "log", "sqrt"]),
)


@given(stretched)
def test_the_json_form_reads_back_to_an_equal_renderer(renderer):
    again = renderer_from_json(renderer.to_json())
    assert again == renderer
    assert (again.palette() == renderer.palette()).all()


@given(stretched, st.lists(st.floats(allow_nan=False, width=32), min_size=2), st.sampled_from(["f4", "f8"]))
def test_greater_values_never_have_a_lower_color(renderer, values, dtype):
    rows = renderer.indices(np.sort(np.array(values, dtype)))
    assert (np.diff(rows.astype(int)) >= 0).all()
    assert rows.min() >= 1


# -- legends


def test_a_legend_has_its_ticks_where_the_colors_of_their_values_are():
    legend = LOG.legend("m")
    assert (legend["stretch"], legend["range"]) == ("log", [1, 1000])
    assert [entry["label"] for entry in legend["entries"]] == ["1", "3", "10", "30", "100", "300", "1000"]
    places = [entry["position"] for entry in legend["entries"]]
    assert places == pytest.approx([math.log10(value) / 3 for value in (1, 3, 10, 30, 100, 300, 1000)])
    entries = SQRT.legend()["entries"]
    assert [entry["label"] for entry in entries] == ["0", "10", "20", "50", "75", "100"]
    assert [entry["position"] for entry in entries] == pytest.approx([0, 0.1**0.5, 0.2**0.5, 0.5**0.5, 0.75**0.5, 1])
    for renderer in (LOG, SQRT):
        colors = renderer.legend()["colors"]
        for entry in renderer.legend()["entries"]:
            assert entry["color"] == colors[math.floor(254 * entry["position"] + 0.5)]


@pytest.mark.parametrize(
    ("low", "high", "expected"),
    [
        (1, 100, [1, 2, 5, 10, 20, 50, 100]),
        (0.004, 0.2, [0.005, 0.01, 0.02, 0.05, 0.1, 0.2]),
        (1, 1e4, [1, 10, 100, 1000, 10000]),
        (1, 1e12, [1, 100, 1e4, 1e6, 1e8, 1e10, 1e12]),
        (1e-9, 1e9, [1e-9, 1e-6, 1e-3, 1, 1e3, 1e6, 1e9]),
        (990, 1020, []),
        (3, 8, []),
    ],
)
def test_a_logarithm_has_round_levels(low, high, expected):
    assert log_levels(low, high, most=6) == expected


def test_a_narrow_logarithm_has_even_levels_at_uneven_places():
    entries = StretchedRenderer.from_range(990, 1020, stretch="log").legend()["entries"]
    assert [entry["value"] for entry in entries] == [990, 995, 1000, 1005, 1010, 1015, 1020]
    assert entries[2]["position"] == pytest.approx(math.log(1000 / 990) / math.log(1020 / 990))


@given(st.floats(-1e9, 1e9), st.floats(1e-6, 1e9))
def test_levels_of_a_square_root_rise_within_the_range(low, width):
    renderer = StretchedRenderer.from_range(low, low + width, stretch="sqrt")
    entries = renderer.legend()["entries"]
    assert 1 <= len(entries) <= 8
    places = [entry["position"] for entry in entries]
    assert places == sorted(set(places))
    assert 0 <= places[0] <= places[-1] <= 1
    assert len({entry["label"] for entry in entries}) == len(entries)


@given(st.floats(1e-300, 1e290), st.floats(1.001, 1e10), st.integers(2, 9))
def test_levels_of_a_logarithm_are_few_and_within(low, factor, most):
    levels = log_levels(low, low * factor, most=most)
    assert len(levels) <= most + 1
    assert all(low <= level <= low * factor for level in levels)
    assert levels == sorted(set(levels))


def test_labels_that_have_no_room_are_left_out():
    assert spaced([0, 10, 20, 30], 10) == [0, 1, 2, 3]
    assert spaced([0, 10, 20, 30, 40], 15) == [0, 2, 4]
    assert spaced([0, 50, 80, 95, 100], 20) == [0, 1, 2, 4]
    assert spaced([], 20) == []
