import numpy as np
import pytest
import shapely

from geojobs_lab.plots import borders, coastlines
from geojobs_lab.plots.coastlines import _FILE


def test_all_lines_are_longitudes_and_latitudes_without_leaps():
    for lines in (coastlines(), borders()):
        assert len(lines) > 300
        for line in lines:
            assert line.ndim == 2
            assert len(line) >= 2
            assert np.abs(line).max(axis=0)[0] <= 180.001
            assert line[:, 1].min() > -86
            assert line[:, 1].max() < 84
            assert np.abs(np.diff(line, axis=0)).max() < 60


def test_the_cuts_of_the_map_are_not_drawn():
    for line in coastlines():
        ends = np.abs(line[:, 0]) > 179.99
        assert not (ends[1:] & ends[:-1] & (np.abs(np.diff(line[:, 1])) > 0.5)).any()


@pytest.mark.parametrize(
    ("lines", "place", "within"),
    [
        (coastlines, (18.47, -34.36), 0.05),  # the Cape of Good Hope
        (coastlines, (20.0, -34.83), 0.05),  # Cape Agulhas
        (coastlines, (-169.65, 66.08), 0.1),  # Cape Dezhnev, west of the antimeridian's leap
        (borders, (-115.0, 49.0), 0.02),  # the 49th parallel
        (borders, (-141.0, 65.0), 0.02),  # Alaska and the Yukon
    ],
)
def test_known_places_lie_on_their_lines(lines, place, within):
    assert shapely.MultiLineString(list(lines())).distance(shapely.Point(place)) < within


def test_borders_are_not_coastlines():
    coast = shapely.MultiLineString(list(coastlines()))
    assert coast.distance(shapely.Point(-105.0, 49.0)) > 3


def test_the_lines_are_read_once_cannot_be_changed_and_take_little_room():
    assert coastlines() is coastlines()
    with pytest.raises(ValueError, match="read-only"):
        coastlines()[0][0] = 0
    assert _FILE.stat().st_size < 500_000
