"""Maps in classes and in single values: their tiles, the legends of their panels and of their still pictures."""

import io
import re
from base64 import b64decode

import httpx
import netCDF4
import numpy as np
import pytest
from ipyleaflet import TileLayer, WidgetControl
from ipywidgets.widgets.widget import _instances
from PIL import Image

from geojobs_lab.renderers import ClassifiedRenderer, Color, StretchedRenderer, UniqueRenderer, legend_png
from geojobs_lab.widgets import ResultMap

RED, GREEN, BLUE, GREY = Color(255, 0, 0), Color(0, 255, 0), Color(0, 0, 255), Color(128, 128, 128)
# Of longitudes, which are what the cells hold.
CLASSIFIED = ClassifiedRenderer([(85, RED), (185, GREEN), (None, BLUE)], labels=["east", "far east", "west"])
UNIQUE = UniqueRenderer([(5, RED), (355, BLUE)], background=GREY)


@pytest.fixture(scope="module")
def server(geojobs_server, tmp_path_factory):
    path = tmp_path_factory.mktemp("legends") / "world.nc"
    with netCDF4.Dataset(path, "w") as file:
        for name, values, units in (
            ("lat", np.arange(-85, 90, 10.0), "degrees_north"),
            ("lon", np.arange(5, 360, 10.0), "degrees_east"),
        ):
            file.createDimension(name, len(values))
            variable = file.createVariable(name, "f8", (name,))
            variable[:] = values
            variable.units = units
        variable = file.createVariable("place", "i2", ("lat", "lon"))
        variable[:] = np.broadcast_to(np.arange(5, 360, 10), (18, 36))
        variable.long_name = "Place"
    with geojobs_server(f"c.GeoJobsApp.services = {{'world': {str(path)!r}}}") as running:
        yield running


@pytest.fixture(autouse=True)
def closed():
    """Close what a test leaves open; what other modules have left is not its own."""
    before = set(_instances)
    yield
    for key in _instances.keys() - before:
        if key in _instances:  # not closed with another
            _instances[key].close()


def panel(shown):
    (found,) = [control.widget for control in shown.controls if isinstance(control, WidgetControl)]
    return found


def tile(server, shown):
    (layer,) = [layer for layer in shown.layers if isinstance(layer, TileLayer)]
    headers = {"Authorization": f"token {server.token}"}
    answer = httpx.get(server.origin + layer.url.format(z=0, x=0, y=0), headers=headers, trust_env=False)
    assert answer.status_code == 200
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


@pytest.mark.parametrize("renderer", [CLASSIFIED, UNIQUE], ids=lambda renderer: renderer.type)
@pytest.mark.parametrize("form", [lambda renderer: renderer, lambda renderer: renderer.to_json()])
def test_a_map_has_the_colors_and_the_legend_of_its_renderer(client, server, renderer, form):
    shown = ResultMap(client.service("world"), renderer=form(renderer))
    (layer,) = panel(shown).layers
    assert layer["legend"] == {"title": "Place", **renderer.legend(None)}
    drawn = tile(server, shown)
    for longitude in (5, 85, 95, 185, 195, 355):
        column = int((longitude + 180) % 360 / 360 * 256)
        wanted = renderer.palette()[renderer.indices(np.int16(longitude))]
        assert drawn[128, column].tolist() == wanted.tolist()


def test_long_labels_are_not_in_the_urls_of_tiles(client, server):
    # 8 kB is what proxies take, such as nginx before a hub.
    labels = [f"Land cover class number {number}: a name that is rather long" for number in range(200)]
    renderer = UniqueRenderer([(number, GREEN) for number in range(200)], labels=labels)
    shown = ResultMap(client.service("world"), renderer=renderer)
    (layer,) = [layer for layer in shown.layers if isinstance(layer, TileLayer)]
    assert len(layer.url) < 8000
    assert tile(server, shown)[128, 131].tolist() == [0, 255, 0, 255]
    (legend,) = panel(shown).layers
    assert [entry["label"] for entry in legend["legend"]["entries"]] == labels


def test_a_still_picture_has_the_legend_too(client):
    shown = ResultMap(client.service("world"), renderer=CLASSIFIED)
    html = shown._repr_mimebundle_()["text/html"]
    pictures = [b64decode(data) for data in re.findall(r"base64,([^\"]+)", html)]
    assert legend_png(CLASSIFIED, "Place", None) in pictures


def test_each_layer_has_its_own_legend(client):
    shown = ResultMap(client.service("world"), renderer=StretchedRenderer.from_range(0, 360, missing=GREY))
    shown.add_result("world", renderer=UNIQUE)
    ramp, values = (layer["legend"] for layer in panel(shown).layers)
    assert len(ramp["colors"]) == 255
    assert ramp["others"] == [{"label": "no data", "color": "#808080"}]
    assert [entry["label"] for entry in values["entries"]] == ["5", "355"]
    assert values["others"] == [{"label": "other", "color": "#808080"}]
