import io
import threading

import httpx
import netCDF4
import numpy as np
import pytest
from ipyleaflet import GeoJSON, SplitMapControl, TileLayer, WidgetControl, basemaps
from ipywidgets.widgets.widget import _instances
from matplotlib.image import imread

from geojobs_lab import Client
from geojobs_lab.errors import ClientError, Conflict, InvalidInput
from geojobs_lab.renderers import StretchedRenderer
from geojobs_lab.widgets.map import ResultMap
from geojobs_lab.widgets.panel import MapPanel
from geojobs_lab.widgets.swipe import SwipeMap

CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.GeoJobsApp.registered_jobs = {{
    "twice": {{"type": "task", "task": "widgettasks.twice", "publish_raster_results": True}},
    "number": {{"type": "task", "task": "widgettasks.number"}},
}}
c.GeoJobsApp.services = {{
    "a1b": {a1b!r},
    "world": "{folder}/world.nc",
    "pacific": "{folder}/pacific.nc",
    "broken": "{folder}/broken.nc",
}}
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
WHITE_TO_RED = {"type": "stretched", "colors": [[0, "#ffffff"], [9, "#ff0000"]]}


def write(path, lons, lats, names, times=()):
    """Write a file whose values are the longitudes as stored, plus 1000 for each step in time."""
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (("lat", lats, "degrees_north"), ("lon", lons, "degrees_east")):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.units = units
        if times:
            file.createDimension("time", len(times))
            variable = file.createVariable("time", "f8", ("time",))
            variable[:] = times
            variable.setncatts({"units": "days since 2000-01-01", "calendar": "360_day", "standard_name": "time"})
        for name in names:
            variable = file.createVariable(name, "f4", ("time", "lat", "lon") if times else ("lat", "lon"))
            variable.setncatts({"units": "K", "long_name": f"the {name}"})
            layer = np.broadcast_to(lons, (len(lats), len(lons)))
            variable[:] = np.stack([layer + 1000 * step for step in range(len(times))]) if times else layer


@pytest.fixture(scope="module")
def server(geojobs_server, tmp_path_factory):
    from geojobs_lab.cli.configuration import sample_file

    folder = tmp_path_factory.mktemp("tasks")
    (folder / "widgettasks.py").write_text(TASKS)
    (folder / "broken.nc").write_text("no raster")
    # 29 and 30 February of a calendar of 360 days: one and the same second of the Gregorian 2001.
    write(folder / "world.nc", np.arange(5, 360, 10.0), np.arange(-85, 90, 10.0), ["one", "two"], [418.0, 419.0, 500.0])
    write(folder / "pacific.nc", np.arange(165, 210, 10.0), np.arange(-35, 10, 10.0), ["level"])
    config = CONFIG.format(folder=str(folder), a1b=str(sample_file("A1B_north_america.nc")))
    with geojobs_server(config) as running:
        yield running


@pytest.fixture
def job(client):
    return client.submit("twice", data="service://a1b:air_temperature@2070-01")


@pytest.fixture(autouse=True)
def closed():
    """Close what a test leaves open."""
    yield
    for widget in list(_instances.values()):
        widget.close()


def layers(shown, kind=TileLayer):
    return [layer for layer in shown.layers if isinstance(layer, kind)]


def panel(shown):
    (found,) = [control.widget for control in shown.controls if isinstance(control, WidgetControl)]
    assert isinstance(found, MapPanel)
    return found


def world(client, renderer=None):
    return ResultMap(client.service("world"), variable="one", renderer=renderer)


def tile(server, url, zoom, x, y):
    headers = {"Authorization": f"token {server.token}"}
    answer = httpx.get(server.origin + url.format(z=zoom, x=x, y=y), headers=headers, trust_env=False)
    assert answer.status_code == 200
    return imread(io.BytesIO(answer.content))


def place(longitude, latitude, zoom):
    x = int((longitude + 180) / 360 * 2**zoom)
    y = int((1 - np.arcsinh(np.tan(np.radians(latitude))) / np.pi) / 2 * 2**zoom)
    return zoom, x % 2**zoom, y


def test_a_jobs_result_is_on_the_map_with_tiles_coastlines_and_legend(job, server):
    shown = ResultMap(job)
    (tiles,) = layers(shown)
    assert tiles.url.startswith(f"{server.path}services/{job.uuid}/")
    assert "?v=" in tiles.url
    assert "token" not in tiles.url
    (lines,) = layers(shown, GeoJSON)
    assert lines.data["features"][0]["geometry"]["coordinates"]
    (layer,) = panel(shown).layers
    assert layer["unit"] == "K"
    assert layer["legend"] == dict(job.service().legend())
    assert layer["tiles"] == tiles.model_id


def test_the_panel_asks_for_values_where_the_server_has_them(client):
    (layer,) = panel(ResultMap(client.service("a1b"))).layers
    found = client.transport.request("GET", f"{layer['path']}value/", doing="testing", params={"lon": -100, "lat": 50})
    assert found["unit"] == "K"
    assert found["value"] > 200


def test_nothing_on_the_map_comes_from_elsewhere(job):
    shown = ResultMap(job)
    assert all(layer.url.startswith("/") for layer in layers(shown))
    assert len(layers(shown)) == 1
    assert "http" not in panel(shown)._css
    assert {part for part in panel(shown)._esm.split('"') if "://" in part} == {"http://www.w3.org/2000/svg"}


def test_a_basemap_lies_below_the_results(client):
    shown = ResultMap(client.service("a1b"), basemap=basemaps.OpenStreetMap.Mapnik)
    below, above = layers(shown)
    assert below.base
    assert "openstreetmap" in below.url
    assert above.url.startswith("/")
    own = TileLayer(url="https://tiles.example/{z}/{x}/{y}.png")
    shown = ResultMap(client.service("a1b"), basemap=own)
    shown.close()
    assert own.comm is not None


def test_a_basemap_that_is_none_is_refused(client):
    with pytest.raises(InvalidInput, match="basemap: 'OpenStreetMap'"):
        ResultMap(client.service("a1b"), basemap="OpenStreetMap")


def test_the_tiles_of_the_first_view_hold_the_data(job, server):
    shown = ResultMap(job)
    (tiles,) = layers(shown)
    latitude, longitude = shown.center
    assert tile(server, tiles.url, *place(longitude, latitude, int(shown.zoom)))[..., 3].mean() > 0.5


def test_several_results_lie_on_one_another(client, job):
    shown = ResultMap(client.service("a1b"), job)
    assert [job.uuid in layer.url for layer in layers(shown)] == [False, True]
    assert [job.uuid in layer["path"] for layer in panel(shown).layers] == [False, True]


def test_a_result_is_added_with_its_own_opacity_colours_and_visibility(client):
    shown = ResultMap(client.service("a1b"))
    assert shown.add_result("world", "two", WHITE_TO_RED, opacity=0.5, visible=False) is shown
    _, added = layers(shown)
    assert (added.opacity, added.visible) == (0.5, False)
    assert "renderer=" in added.url
    assert panel(shown).layers[1]["legend"]["range"] == [0, 9]
    assert panel(shown).bounds[:3:2] == [-180, 180]


def test_a_renderer_object_gives_the_colours_of_tiles_and_legend(client, server):
    renderer = StretchedRenderer.from_colormap("Reds", 0, 1)
    shown = ResultMap(client.service("world"), variable="one", renderer=renderer)
    (tiles,) = layers(shown)
    assert panel(shown).layers[0]["legend"] == {"title": "the one", **renderer.legend("K")}
    pixel = tile(server, tiles.url, 0, 0, 0)[128, 200]
    np.testing.assert_allclose(pixel * 255, renderer.palette()[-1], atol=1)


def test_a_layer_that_is_taken_off_the_map_leaves_its_legend_too(client):
    shown = ResultMap(client.service("a1b"), client.service("pacific"))
    shown.remove(layers(shown)[0])
    assert [layer["title"] for layer in panel(shown).layers] == ["The level"]


def test_services_of_a_listing_have_their_dates(client):
    (listed,) = [service for service in client.services() if service.name == "a1b"]
    assert panel(ResultMap(listed)).layers[0]["dates"][0] == "1860-06-01T00:00:00Z"


def test_a_job_without_rasters_is_refused(client):
    with pytest.raises(InvalidInput, match="no raster outputs"):
        ResultMap(client.submit("number"))


def test_an_output_that_a_job_does_not_have_is_refused(job):
    with pytest.raises(InvalidInput, match=r"'thrice' is not a raster output .*\(result\)"):
        ResultMap(job, variable="thrice")


def test_a_map_of_nothing_is_refused():
    with pytest.raises(InvalidInput, match="at least one"):
        ResultMap()


def test_what_is_no_result_is_refused():
    with pytest.raises(InvalidInput, match="neither a job nor a service"):
        ResultMap(5)


def test_of_several_variables_one_has_to_be_named(client):
    with pytest.raises(InvalidInput, match=r"several variables: name one of them \(one, two\)"):
        ResultMap(client.service("world"))
    with pytest.raises(InvalidInput, match=r"no variable 'three': it has \(one, two\)"):
        ResultMap(client.service("world"), variable="three")


def test_a_service_that_cannot_be_shown_is_refused_with_the_servers_reason(client):
    service = client.service("broken")
    with pytest.raises(InvalidInput, match="'broken' is unavailable: .") as refused:
        ResultMap(service)
    assert service.refresh().document["reason"] in str(refused.value)


def test_a_refused_result_leaves_no_widget_behind(client):
    before = set(_instances)
    with pytest.raises(InvalidInput):
        ResultMap(client.service("a1b"), client.service("world"))
    assert set(_instances) == before


def test_data_in_0_to_360_are_where_they_belong(client, server):
    red = {"type": "stretched", "colors": [[264, "#ffffff"], [266, "#ff0000"]]}
    (tiles,) = layers(world(client, red))
    row = tile(server, tiles.url, 0, 0, 0)[128] * 255
    west = int(256 * (-95 + 180) / 360)  # stored as 265
    assert row[west - 8].tolist() == [255, 255, 255, 255]
    assert row[west + 8].tolist() == [255, 0, 0, 255]
    assert row[200].tolist() == [255, 255, 255, 255]


def test_a_map_of_the_whole_earth_is_drawn_once(client):
    shown = world(client).add_result(client.service("pacific"))
    assert [tiles.no_wrap for tiles in layers(shown)] == [True, True]
    assert layers(shown)[1].bounds == [[-40, -180], [10, 180]]
    assert shown.zoom == 1


def test_data_across_the_date_line_are_shown_in_one_piece(client, server):
    shown = ResultMap(client.service("pacific"))
    (tiles,) = layers(shown)
    west, _, east, _ = panel(shown).bounds
    assert (west, east) == (-200, -150)
    assert shown.center[1] == -175
    assert tiles.bounds is None
    assert not tiles.no_wrap
    for longitude in (-195, -155):
        picture = tile(server, tiles.url, *place(longitude, -20, 3))
        assert picture[..., 3].any()


def test_no_tile_is_asked_for_where_there_is_nothing(client):
    (tiles,) = layers(ResultMap(client.service("a1b")))
    assert tiles.bounds == [pytest.approx([14.375, -135.9375]), pytest.approx([60.625, -44.0625])]


def test_the_first_date_is_shown_and_another_one_swaps_the_tiles(client, server):
    shown = ResultMap(client.service("a1b"))
    (tiles,) = layers(shown)
    assert shown.time == panel(shown).time == "1860-06-01T00:00:00Z"
    assert tiles.url.endswith("&time=1860-06-01T00%3A00%3A00Z")
    before = tile(server, tiles.url, *place(-100, 45, 3))
    shown.time = "2070"
    assert shown.time == "2070-06-01T00:00:00Z"
    assert tiles.url.endswith("&time=2070-06-01T00%3A00%3A00Z")
    assert not np.array_equal(before, tile(server, tiles.url, *place(-100, 45, 3)))


def test_a_date_can_be_named_in_unix_seconds(client):
    shown = ResultMap(client.service("a1b"))
    shown.time = 3e6
    assert shown.time == "1970-06-01T00:00:00Z"


def test_a_date_that_no_layer_has_is_refused(client):
    shown = ResultMap(client.service("a1b"))
    with pytest.raises(InvalidInput, match="no layer has a step at '1492'"):
        shown.time = "1492"


def test_two_dates_of_the_same_second_can_both_be_shown(client, server):
    shown = world(client, {"type": "stretched", "colors": [[0, "#000000"], [3000, "#ffffff"]]})
    (layer,) = panel(shown).layers
    assert layer["timestamps"][0] == layer["timestamps"][1]
    (tiles,) = layers(shown)
    pictures = []
    for date in layer["dates"]:
        shown.time = date
        pictures.append(tile(server, tiles.url, 0, 0, 0)[128, 128, 0])
    assert pictures == sorted(set(pictures))


def test_a_layer_without_a_date_of_its_own_shows_its_nearest(client):
    shown = ResultMap(client.service("a1b")).add_result("world", "one")
    shown.time = "2070"
    yearly, other = layers(shown)
    assert "time=2070-06-01" in yearly.url
    assert other.url.endswith(panel(shown).layers[1]["dates"][-1].replace(":", "%3A"))


def test_the_dates_of_a_result_that_is_added_follow_the_one_shown(client):
    shown = ResultMap(client.service("a1b"))
    shown.time = "2070"
    shown.add_result("a1b")
    assert "time=2070-06-01" in layers(shown)[1].url


def test_a_swipe_has_a_result_on_each_side(client, job):
    shown = SwipeMap(client.service("a1b"), job, renderer=WHITE_TO_RED)
    (control,) = [control for control in shown.controls if isinstance(control, SplitMapControl)]
    assert [job.uuid in side[0].url for side in (control.left_layer, control.right_layer)] == [False, True]
    assert [layer["side"] for layer in panel(shown).layers] == ["left", "right"]
    assert layers(shown) == []  # the control puts them on the map: there they would be drawn twice
    with pytest.raises(Conflict):
        shown.add_result(job)


@pytest.mark.parametrize("kind", [ResultMap, SwipeMap])
def test_a_closed_map_leaves_no_widget_behind(client, kind):
    before, threads = set(_instances), threading.active_count()
    shown = kind(client.service("a1b"), client.service("pacific"))
    shown.time = "2070"
    assert len(_instances) > len(before) + 5
    shown.close()
    assert set(_instances) == before
    assert threading.active_count() == threads
    shown.close()


def test_layers_that_somebody_added_outlive_the_map(client):
    own = TileLayer(url="/own/{z}/{x}/{y}.png")
    shown = ResultMap(client.service("a1b"))
    shown.add(own)
    shown.close()
    assert own.comm is not None


def test_a_saved_notebook_has_a_picture_of_the_map(job):
    bundle = ResultMap(job)._repr_mimebundle_()
    assert bundle["application/vnd.jupyter.widget-view+json"]
    assert bundle["text/plain"].startswith("<ResultMap of ")
    assert bundle["text/html"].count("data:image/png;base64,") == 2
    assert "<script" not in bundle["text/html"]


def test_a_map_without_its_server_is_shown_in_words(geojobs_server):
    from geojobs_lab.cli.configuration import sample_file

    config = f"c.GeoJobsApp.services = {{'a1b': {str(sample_file('A1B_north_america.nc'))!r}}}"
    with geojobs_server(config) as running, Client(running.url, running.token) as client:
        shown = ResultMap(client.service("a1b"))
        running.stop()
        with pytest.raises(ClientError):
            client.services()
        assert "Air temperature" in shown._repr_mimebundle_()["text/html"]
