import io

import httpx
import numpy as np
import pytest
from ipyleaflet import GeoJSON, TileLayer, WidgetControl

from geojobs_lab import Client, ResultMap
from geojobs_lab.errors import InvalidInput
from geojobs_lab.widgets.coastlines import coastline_layer
from geojobs_lab.widgets.legend import legend_html
from geojobs_lab.widgets.map import _around, _view

CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.GeoJobsApp.registered_jobs = {{
    "twice": {{"type": "task", "task": "widgettasks.twice", "publish_raster_results": True}},
    "number": {{"type": "task", "task": "widgettasks.number"}},
}}
c.GeoJobsApp.services = {{"a1b": {a1b!r}}}
"""
TASKS = """
from geojobs_lab.rasters import Raster
from geojobs_lab.tasks import task

@task
def twice(data: Raster) -> Raster:
    return data * 2

@task
def number() -> int:
    return 1
"""


@pytest.fixture(scope="module")
def server(geojobs_server, tmp_path_factory):
    from geojobs_lab.cli.configuration import sample_file

    folder = tmp_path_factory.mktemp("tasks")
    (folder / "widgettasks.py").write_text(TASKS)
    config = CONFIG.format(folder=str(folder), a1b=str(sample_file("A1B_north_america.nc")))
    with geojobs_server(config) as running:
        yield running


@pytest.fixture
def client(server):
    with Client(server.url, server.token) as made:
        yield made


@pytest.fixture
def job(client):
    return client.submit("twice", data="service://a1b:air_temperature@2070-01")


def layers(shown, kind):
    return [layer for layer in shown.layers if isinstance(layer, kind)]


def test_a_jobs_result_is_on_the_map_with_tiles_coastlines_and_legend(job, server):
    shown = ResultMap(job)
    (tiles,) = layers(shown, TileLayer)
    assert tiles.url.startswith(f"{server.path}services/{job.uuid}/")
    assert "token" not in tiles.url
    (lines,) = layers(shown, GeoJSON)
    assert lines.data["features"][0]["geometry"]["coordinates"]
    (legend,) = [control.widget for control in shown.controls if isinstance(control, WidgetControl)]
    assert "(K)" in legend.value


def test_nothing_on_the_map_comes_from_elsewhere(job):
    shown = ResultMap(job)
    assert all(layer.url.startswith("/") for layer in layers(shown, TileLayer))
    assert len(shown.layers) == 2


def test_the_tiles_of_the_first_view_hold_the_data(job, server):
    shown = ResultMap(job)
    (tiles,) = layers(shown, TileLayer)
    zoom, (latitude, longitude) = int(shown.zoom), shown.center
    x = int((longitude + 180) / 360 * 2**zoom)
    y = int((1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom)
    headers = {"Authorization": f"token {server.token}"}
    answer = httpx.get(server.origin + tiles.url.format(z=zoom, x=x, y=y), headers=headers, trust_env=False)
    assert answer.status_code == 200
    from matplotlib.image import imread

    assert imread(io.BytesIO(answer.content)).reshape(256, 256, 4)[..., 3].mean() > 0.5


def test_several_results_lie_on_one_another(client, job):
    shown = ResultMap(client.service("a1b"), job)
    assert [job.uuid in layer.url for layer in layers(shown, TileLayer)] == [False, True]


def test_a_job_without_rasters_is_refused(client):
    with pytest.raises(InvalidInput, match="no raster outputs"):
        ResultMap(client.submit("number"))


def test_a_map_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="at least one"):
        ResultMap()


@pytest.mark.parametrize(
    ("bounds", "center", "zoom"),
    [
        ((-136, 14, -44, 61), (-90, 41.5), 3),
        ((-180, -90, 180, 90), (0, 0), 0),
        ((10, 50, 10.001, 50.001), (10.0005, 50.0005), 12),
    ],
)
def test_the_first_view_fits_the_data(bounds, center, zoom):
    (latitude, longitude), chosen = _view(bounds)
    assert (longitude, chosen) == (pytest.approx(center[0]), zoom)
    assert bounds[1] <= latitude <= bounds[3]


def test_longitudes_beyond_180_are_shown_on_the_first_world():
    assert _around([(224.0, 14.0, 316.0, 61.0)]) == (-136.0, 14.0, -44.0, 61.0)


def test_coastlines_are_those_near_the_data():
    def points(*bounds):
        features = coastline_layer(bounds).data["features"]
        return np.concatenate([np.array(line) for feature in features for line in feature["geometry"]["coordinates"]])

    britain = points(-8.0, 50.0, 2.0, 59.0)
    assert np.any((np.abs(britain[:, 0] + 5.7) < 0.3) & (np.abs(britain[:, 1] - 50.1) < 0.3))  # Land's End
    assert len(britain) < len(points(-180.0, -60.0, 180.0, 75.0)) / 2


def test_coastlines_go_on_across_the_date_line():
    features = coastline_layer((170.0, -50.0, 200.0, -10.0)).data["features"]
    xs = np.concatenate([np.array(line)[:, 0] for line in features[0]["geometry"]["coordinates"]])
    assert xs.max() > 180


def test_a_legend_is_escaped_and_has_the_highest_on_top():
    legend = {"unit": "<K>", "entries": [{"label": "2", "color": "#000000"}, {"label": "<10>", "color": "#ffffff"}]}
    html = legend_html(legend, "<title>")
    assert "<title>" not in html
    assert "&lt;K&gt;" in html
    assert html.index("&lt;10&gt;") < html.index(">2<")
