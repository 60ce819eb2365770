import numpy as np
import pytest
from affine import Affine
from pyproj import CRS, Transformer

from geojobs_lab.plots.geography import crossings, graticule, map_lines
from geojobs_lab.rasters import Grid


def geographic(west, south, east, north):
    return Grid(CRS.from_epsg(4326), Affine((east - west) / 10, 0, west, 0, (north - south) / 10, south), (10, 10))


POLAR = Grid(CRS.from_epsg(3413), Affine(100_000, 0, -4e6, 0, -100_000, 4e6), (80, 80))
LINE = np.array([[-100.0, 40.0], [-90.0, 45.0]])


def test_lines_are_turned_to_the_longitudes_of_the_map():
    assert map_lines([LINE], geographic(-120, 30, -80, 50))[0][0].tolist() == [-100, 40]
    assert map_lines([LINE], geographic(240, 30, 280, 50))[0][0].tolist() == [260, 40]
    assert map_lines([LINE], geographic(600, 30, 640, 50))[0][0].tolist() == [620, 40]


def test_lines_that_do_not_meet_the_map_are_left_out():
    assert map_lines([LINE], geographic(0, 30, 40, 50)) == []
    assert map_lines([LINE], geographic(-120, -50, -80, -30)) == []
    assert map_lines([LINE - [0, 50]], POLAR) == []


def test_a_line_that_falls_on_a_map_twice_is_drawn_twice():
    west_of_greenwich = np.array([[-1.0, 50.0], [-1.0, 60.0]])
    placed = map_lines([west_of_greenwich], geographic(-10, 40, 370, 70))
    assert sorted(line[0, 0] for line in placed) == [-1, 359]


def test_lines_on_a_projected_map_bend_with_the_projection():
    (line,) = map_lines([np.array([[-60.0, 70.0], [0.0, 70.0]])], POLAR)
    radii = np.hypot(*line.T)
    assert len(line) > 100
    assert radii == pytest.approx(np.full(len(line), radii[0]))
    expected = Transformer.from_crs(4326, 3413, always_xy=True).transform(-60, 70)
    assert line[0] == pytest.approx(np.array(expected))


def test_points_without_a_place_in_the_projection_end_a_line():
    full_disk = CRS.from_proj4("+proj=geos +h=35785831 +lon_0=0 +sweep=y")
    grid = Grid(full_disk, Affine(110_000, 0, -5.5e6, 0, -110_000, 5.5e6), (100, 100))
    lines = map_lines([np.array([[-170.0, 10.0], [170.0, 10.0]])], grid)
    assert lines
    assert all(np.isfinite(line).all() for line in lines)


ROTATED = CRS.from_cf(
    {
        "grid_mapping_name": "rotated_latitude_longitude",
        "grid_north_pole_latitude": 37.5,
        "grid_north_pole_longitude": 177.5,
    }
)


def test_lines_are_turned_to_the_longitudes_of_a_rotated_pole():
    grid = Grid(ROTATED, Affine(2.2, 0, 312, 0, 2.2, -24), (22, 36))
    (line,) = map_lines([np.array([[-10.0, 50.0], [10.0, 50.0]])], grid)
    assert ((line[:, 0] > 350) & (line[:, 0] < 370)).all()


def test_a_line_across_the_back_of_a_rotated_pole_does_not_cross_the_map():
    grid = Grid(ROTATED, Affine(10, 0, -180, 0, 10, -90), (18, 36))
    parts = map_lines([np.array([[160.0, -10.0], [179.9, -10.0]])], grid)
    assert len(parts) >= 2
    assert max(np.abs(np.diff(part, axis=0)).max() for part in parts) < 2


def test_a_graticule_has_round_angles_with_their_letters():
    meridians, parallels = graticule(geographic(225, 15, 315, 60))
    assert [line.label for line in meridians] == ["120°W", "100°W", "80°W", "60°W"]
    assert [line.label for line in parallels] == ["20°N", "30°N", "40°N", "50°N", "60°N"]


def test_angles_without_a_side_have_no_letter():
    meridians, parallels = graticule(geographic(0, -90, 360, 90), about=(4, 4))
    assert [line.label for line in meridians] == ["0°", "90°E", "180°", "90°W", "0°"]
    assert [line.label for line in parallels] == ["90°S", "45°S", "0°", "45°N", "90°N"]


def test_small_maps_have_fractions_of_a_degree():
    meridians, _ = graticule(geographic(10, 50, 10.5, 50.5))
    assert [line.label for line in meridians] == ["10°E", "10.1°E", "10.2°E", "10.3°E", "10.4°E", "10.5°E"]


def test_meridians_cross_the_lower_edge_where_their_labels_belong():
    meridians, parallels = graticule(geographic(225, 15, 315, 60))
    assert crossings(meridians[0], 1, 15.0).tolist() == [240]
    assert crossings(parallels[0], 0, 225.0).tolist() == [20]


def test_crossings_on_a_projected_map_are_those_of_the_projection():
    meridians, _ = graticule(POLAR)
    back = Transformer.from_crs(3413, 4326, always_xy=True)
    found = {line.label: back.transform(x, -4e6)[0] for line in meridians for x in crossings(line, 1, -4e6)}
    assert found
    for label, longitude in found.items():
        size = float(label.split("°")[0])
        assert abs(longitude) == pytest.approx(size, abs=0.05)
