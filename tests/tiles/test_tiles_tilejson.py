import pytest
from affine import Affine
from pyproj import CRS

from geojobs_lab.documents import dump_json
from geojobs_lab.rasters import Grid
from geojobs_lab.tiles import max_zoom, tilejson

URL = "/geoprocessing/rest/services/a1b/variables/air/tiles/{z}/{x}/{y}.png"


def grid(west, south, cell, nx, ny, crs=4326):
    return Grid(CRS.from_epsg(crs), Affine(cell, 0, west, 0, cell, south), (ny, nx))


def test_the_document_has_what_tilejson_3_asks_for():
    document = tilejson("Air", grid(225, 15, 1.25, 72, 36), [URL], description="of 2 m", attribution="UKMO")
    assert document == {
        "tilejson": "3.0.0",
        "name": "Air",
        "description": "of 2 m",
        "attribution": "UKMO",
        "scheme": "xyz",
        "tiles": [URL],
        "minzoom": 0,
        "maxzoom": 5,
        "bounds": [-135, 15, -45, 60],
        "center": [-90, 37.5, 4],
    }
    assert dump_json(document)


def test_what_is_not_given_is_left_out():
    assert {"description", "attribution"}.isdisjoint(tilejson("Air", grid(0, 0, 1, 9, 9), [URL]))


def test_bounds_stay_in_the_square_of_web_mercator():
    document = tilejson("Earth", grid(0, -90, 1, 360, 180), [URL])
    assert document["bounds"] == pytest.approx([-180, -85.051129, 180, 85.051129])
    assert document["center"] == [0, 0, 2]


def test_bounds_do_not_pass_the_date_line_and_the_centre_stays_where_it_is():
    document = tilejson("Pacific", grid(170, -10, 1, 40, 20), [URL])
    assert document["bounds"] == [-180, -10, 180, 10]
    assert document["center"][:2] == [-170, 0]


def test_a_projected_grid_has_bounds_in_degrees():
    document = tilejson("Alps", grid(4_000_000, 2_500_000, 1000, 500, 300, crs=3035), [URL])
    west, south, east, north = document["bounds"]
    assert (west, south, east, north) == pytest.approx((5.4, 45.4, 12.7, 48.4), abs=0.5)
    assert document["maxzoom"] == pytest.approx(11, abs=1)


@pytest.mark.parametrize(("cell", "zoom"), [(10, 2), (1.40625, 4), (1.4, 5), (0.01, 12), (1e-6, 22)])
def test_the_largest_zoom_is_where_a_cell_covers_16_pixels(cell, zoom):
    assert max_zoom(grid(0, 0, cell, 9, 9)) == zoom
