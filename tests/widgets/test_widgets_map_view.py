import numpy as np
import pytest

from geojobs_lab.widgets.coastlines import coastline_layer
from geojobs_lab.widgets.view import around, first_view, latitude, mercator

HEIGHT = 480


@pytest.mark.parametrize(
    ("bounds", "center", "zoom"),
    [
        ((-136, 14, -44, 61), (-90, 41.5), 3),
        ((-180, -90, 180, 90), (0, 0), 1),
        ((10, 50, 10.001, 50.001), (10.0005, 50.0005), 12),
    ],
)
def test_the_first_view_fits_the_data(bounds, center, zoom):
    (north, east), chosen = first_view(bounds, HEIGHT)
    assert (east, chosen) == (pytest.approx(center[0]), zoom)
    assert bounds[1] <= north <= bounds[3]


@pytest.mark.parametrize(
    ("boxes", "whole"),
    [
        ([(224.0, 14.0, 316.0, 61.0)], (-136.0, 14.0, -44.0, 61.0)),
        ([(-10.0, 0.0, 10.0, 5.0), (20.0, -5.0, 30.0, 2.0)], (-10.0, -5.0, 30.0, 5.0)),
        ([(-180.0, 0.0, -170.0, 5.0), (150.0, 0.0, 170.0, 5.0)], (150.0, 0.0, 190.0, 5.0)),
        ([(150.0, 0.0, 230.0, 5.0), (-160.0, 0.0, -120.0, 5.0)], (-210.0, 0.0, -120.0, 5.0)),
        ([(-180.0, -90.0, 180.0, 90.0), (150.0, 0.0, 230.0, 5.0)], (-180.0, -90.0, 180.0, 90.0)),
        ([], (-180.0, -60.0, 180.0, 75.0)),
    ],
)
def test_the_box_round_several_is_the_narrowest(boxes, whole):
    assert around(boxes) == whole
    assert around(boxes[::-1]) == whole


def test_a_latitude_is_found_again_from_its_height():
    assert [latitude(mercator(degrees)) for degrees in (-80.0, 0.0, 33.0)] == pytest.approx([-80.0, 0.0, 33.0])


def points(*bounds):
    features = coastline_layer(bounds).data["features"]
    return np.concatenate([np.array(line) for feature in features for line in feature["geometry"]["coordinates"]])


def test_coastlines_are_fine_near_the_data_and_coarse_elsewhere():
    britain = points(-8.0, 50.0, 2.0, 59.0)
    assert np.any((np.abs(britain[:, 0] + 5.7) < 0.3) & (np.abs(britain[:, 1] - 50.1) < 0.3))  # Land's End
    assert np.any((np.abs(britain[:, 0] - 18.4) < 1.0) & (np.abs(britain[:, 1] + 34.2) < 1.0))  # the Cape, far away
    assert -273.01 < britain[:, 0].min() < britain[:, 0].max() < 267.01
    elsewhere = points(-100.0, -10.0, -90.0, 0.0)

    def here(lines):
        return np.count_nonzero((np.abs(lines[:, 0] + 3) < 5) & (np.abs(lines[:, 1] - 54.5) < 4.5))

    assert here(britain) > 5 * here(elsewhere) > 0
    assert len(elsewhere) < len(points(-180.0, -60.0, 180.0, 75.0)) / 2


def test_coastlines_go_on_across_the_date_line():
    assert points(170.0, -50.0, 200.0, -10.0)[:, 0].max() > 180


def test_coastlines_of_the_whole_earth_are_drawn_once():
    everywhere = points(-180.0, -90.0, 180.0, 90.0)
    assert (everywhere[:, 0].min(), everywhere[:, 0].max()) == pytest.approx((-180, 180), abs=0.5)
    assert len(everywhere) < 25_000
