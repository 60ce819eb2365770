"""Legends and tiles of every kind of renderer, over HTTP and through the client."""

import io
import json
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import xarray as xr
from PIL import Image

from geojobs_lab import Client
from geojobs_lab.client.pictures import draw
from geojobs_lab.errors import InvalidInput, RequestRefused
from geojobs_lab.renderers import ClassifiedRenderer, Color, legend_svg, renderer_from_json

WORLD = "services/world/variables/temperature"  # the latitude in the first step, whole odd numbers
SVG = "{http://www.w3.org/2000/svg}"
CLASSIFIED = {
    "type": "classified",
    "colors": [[-1, "#00f"], [1, "#0f0"], [None, "#f00"]],
    "options": {"labels": ["south", "equator", "north"], "missing": "#888"},
}
UNIQUE = {"type": "unique", "colors": [[1, "#0f0"], [-1, "#00f"]], "options": {"background": "#ff000080"}}
STRETCHED = {"type": "stretched", "options": {"colormap": "viridis", "vmin": -90, "vmax": 90}}


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    with Client(server.url, server.token) as made:
        yield made


def query(renderer: object) -> dict[str, str]:
    return {"renderer": json.dumps(renderer)}


def pixels(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)).convert("RGBA"))


def test_tiles_are_drawn_by_every_kind(api: httpx.Client) -> None:
    equator = slice(127, 129)
    tiles = {
        document["type"]: pixels(api.get(f"{WORLD}/tiles/0/0/0.png", params=query(document)).content)
        for document in (CLASSIFIED, UNIQUE, STRETCHED)
    }
    classified, unique = tiles["classified"], tiles["unique"]
    assert classified[equator, 9].tolist() == [[0, 255, 0, 255], [0, 0, 255, 255]]
    assert classified[100, 9].tolist() == [255, 0, 0, 255]
    assert classified[230, 9].tolist() == [136, 136, 136, 255]  # missing south of 60 S
    assert unique[100, 9].tolist() == [255, 0, 0, 128]
    assert unique[equator, 9].tolist() == classified[equator, 9].tolist()
    assert unique[230, 9, 3] == 0
    viridis = renderer_from_json(STRETCHED)
    assert tiles["stretched"][127, 9].tolist() == viridis.palette()[viridis.indices(np.float32(1))].tolist()


def test_missing_cells_are_drawn_only_where_the_grid_is(api: httpx.Client) -> None:
    deep = "services/climate/deep/variables/temperature"  # the northern hemisphere alone
    tile = pixels(api.get(f"{deep}/tiles/0/0/0.png", params=query(CLASSIFIED)).content)
    assert (tile[:127, :, 3] == 255).all()
    assert (tile[130:, :, 3] == 0).all()


@pytest.mark.parametrize("document", [CLASSIFIED, UNIQUE, STRETCHED], ids=["classified", "unique", "stretched"])
def test_legends_are_those_of_the_renderer(api: httpx.Client, document: dict[str, Any]) -> None:
    renderer = renderer_from_json(document)
    legend = api.get(f"{WORLD}/legend.json", params=query(document)).json()
    assert legend == {"title": "Air temperature", **renderer.legend("K")}
    svg = api.get(f"{WORLD}/legend.svg", params=query(document))
    assert svg.headers["Content-Type"] == "image/svg+xml"
    assert svg.text == legend_svg(renderer, "Air temperature", "K")
    png = api.get(f"{WORLD}/legend.png", params=query(document))
    assert png.headers["Content-Type"] == "image/png"
    root = ET.fromstring(svg.content)
    assert pixels(png.content).shape == (2 * int(root.get("height", 0)), 640, 4)


def test_a_result_without_a_long_name_is_called_as_its_output(client: Client, tmp_path: Path) -> None:
    raster = xr.DataArray(
        np.eye(3),
        {
            "lat": ("lat", [2.0, 1, 0], {"units": "degrees_north"}),
            "lon": ("lon", [0.0, 1, 2], {"units": "degrees_east"}),
        },
        name="data",
    )
    raster.to_dataset().assign_attrs(title="total").to_netcdf(tmp_path / "unnamed.nc")
    service = client.publish(tmp_path / "unnamed.nc", upload=True)
    try:
        assert service.legend()["title"] == "total"
    finally:
        service.delete()


def test_a_result_is_called_as_its_service_in_legend_and_tiles(api: httpx.Client, result: str) -> None:
    assert api.patch(f"services/{result}/", json={"title": "Zones of 2050"}).status_code == 200
    below = f"services/{result}/variables/data"
    assert api.get(f"{below}/legend.json").json()["title"] == "Zones of 2050"
    assert api.get(f"{below}/tilejson.json").json()["name"] == "Zones of 2050"
    assert "Zones of 2050" in api.get(f"{below}/legend.svg").text


def test_a_legend_is_not_sent_again_to_who_has_it(api: httpx.Client) -> None:
    tags = set()
    for form, kind in (("png", "image/png"), ("svg", "image/svg+xml")):
        url = f"{WORLD}/legend.{form}"
        answer = api.get(url, params=query(UNIQUE))
        tags.add(answer.headers["ETag"])
        again = api.get(url, params=query(UNIQUE), headers={"If-None-Match": answer.headers["ETag"]})
        assert (again.status_code, again.content) == (304, b"")
        assert kind in answer.headers["Content-Type"]
        other = api.get(url, params=query(CLASSIFIED), headers={"If-None-Match": answer.headers["ETag"]})
        assert other.status_code == 200
    assert len(tags) == 2


def test_the_service_tells_where_its_legends_are(api: httpx.Client, server: Any) -> None:
    (urls, _) = (variable["urls"] for variable in api.get("services/world/").json()["variables"])
    for name, end in (("legend", "json"), ("legend_png", "png"), ("legend_svg", "svg")):
        assert urls[name] == f"{server.path}{WORLD}/legend.{end}"
        assert api.get(f"{server.origin}{urls[name]}").status_code == 200


@pytest.mark.parametrize("what", ["legend.json", "legend.png", "legend.svg", "tiles/0/0/0.png"])
@pytest.mark.parametrize(
    ("document", "part"),
    [
        ('{"type": "classified"}', "colors is None"),
        ('{"type": "classified", "colors": [[1, "#f00"], [1, "#0f0"]]}', "the break 1 is there twice"),
        ('{"type": "unique", "colors": [["a", "#f00"]]}', "'a'"),
        ('{"type": "unique", "colors": [[1, "#f00"]], "options": {"labels": []}}', "0 labels for 1 colors"),
        ('{"type": "stretched", "options": {"colormap": "verdigris", "vmin": 0, "vmax": 1}}', "'verdigris'"),
        ('{"type": "unique", "colors": [[1, "#f00"]], "options": {"colour": 1}}', "'colour'"),
    ],
)
def test_a_renderer_that_cannot_be_used_is_refused_naming_it(
    api: httpx.Client, what: str, document: str, part: str
) -> None:
    answer = api.get(f"{WORLD}/{what}", params={"renderer": document})
    assert answer.status_code == 400
    assert answer.json()["errors"].keys() == {"renderer"}
    assert part in answer.json()["message"]


def test_a_service_can_be_given_every_kind(api: httpx.Client, result: str) -> None:
    for document in (CLASSIFIED, UNIQUE, STRETCHED):
        changed = api.patch(f"services/{result}/", json={"renderer": document}).json()
        stored = changed["variables"][0]["renderer"]
        assert stored == renderer_from_json(document).to_json()
        legend = api.get(f"services/{result}/variables/data/legend.json").json()
        assert legend["type"] == document["type"]


def test_the_client_has_legends_as_documents_and_pictures(client: Client) -> None:
    service = client.service("world")
    renderer = ClassifiedRenderer([(0, Color(255, 0, 0)), (None, Color(0, 0, 255))], labels=["south", "north"])
    for given in (renderer, renderer.to_json()):
        legend = service.legend("temperature", renderer=given)
        assert [entry["label"] for entry in legend["entries"]] == ["south", "north"]
        svg = service.legend_picture("temperature", renderer=given).decode()
        assert svg == legend_svg(renderer, "Air temperature", "K")
        assert json.dumps("south")[1:-1] in service.tile_url("temperature", renderer=given)
    assert service.legend_picture("temperature", form="png").startswith(b"\x89PNG")
    assert service.legend("temperature")["type"] == "stretched"
    with pytest.raises(InvalidInput, match="form: 'gif'"):
        service.legend_picture("temperature", form="gif")  # type: ignore[arg-type]
    with pytest.raises(RequestRefused, match="legend of 'world', 'temperature'.*'magic'"):
        service.legend_picture("temperature", renderer={"type": "magic"})


def test_a_plot_has_the_services_classes_or_values(api: httpx.Client, client: Client, result: str) -> None:
    for document, labels in ((CLASSIFIED, ["south", "equator", "north", "no data"]), (UNIQUE, ["−1", "1", "other"])):
        api.patch(f"services/{result}/", json={"renderer": document})
        figure = draw(client.service(result), None, None, {})
        (legend,) = (axes.get_legend() for axes in figure.axes if axes.get_legend())
        assert [text.get_text() for text in legend.get_texts()] == labels
        assert all(
            axes.get_legend() is None for axes in draw(client.service(result), None, None, {"cmap": "viridis"}).axes
        )


def test_black_and_white_values_are_no_plain_stretch(api: httpx.Client, client: Client, result: str) -> None:
    document = {"type": "unique", "colors": [[1, "#000000"], [2, "#ffffff"]]}
    api.patch(f"services/{result}/", json={"renderer": document})
    figure = draw(client.service(result), None, None, {})
    assert any(axes.get_legend() for axes in figure.axes)
