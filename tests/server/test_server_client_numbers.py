"""The client's way to the numbers, pictures and downloads of a service."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import rasterio

from geojobs_lab import Client
from geojobs_lab.client.styles import renderer_json
from geojobs_lab.errors import RequestRefused
from geojobs_lab.renderers import StretchedRenderer, renderer_from_json


@pytest.fixture
def client(server: Any) -> Iterator[Client]:
    with Client(server.url, server.token) as made:
        yield made


def test_the_client_asks_for_numbers(client: Client) -> None:
    service = client.service("world")
    assert service.series(11, 45, "temperature")["values"] == [45, 145, 245]
    assert service.value(11, 45, "temperature", time="2000-02-16")["value"] == 145
    assert service.unique("wind", level=500)["values"] == [{"value": 1, "count": 16_200}]
    assert service.statistics("temperature")["max"] == 89
    classes = service.classify("temperature", method="equal", classes=2)
    assert classes["breaks"] == [15, 89]
    assert service.legend("temperature", renderer=classes["renderer"])["type"] == "classified"
    with pytest.raises(RequestRefused, match="method: .*'natural'"):
        service.classify("temperature", method="natural")  # type: ignore[arg-type]


def test_the_client_asks_for_pictures_and_files(client: Client, tmp_path: Path) -> None:
    service = client.service("world")
    picture = service.image((-20, 30, 40, 70), 60, 40, "temperature", renderer="magma", time="2000-02-16")
    assert picture.startswith(b"\x89PNG")
    assert int.from_bytes(picture[16:20]) == 60
    layer = service.download(tmp_path / "layer.tif", format="tif", variable="temperature", time="2000-02-16")
    with rasterio.open(layer) as made:
        assert made.read(1)[0, 0] == 189
    table = service.download(tmp_path / "table.csv", format="csv", variable="wind", time="2000-02-16", level=500)
    assert table.read_text().splitlines()[1] == "2000-02-16T00:00:00Z,-89.0,-179.0,11.0"
    assert service.download(tmp_path / "all.nc").read_bytes()[1:4] == b"HDF"


def test_colors_are_given_as_a_renderer_its_json_a_colormap_or_a_stretch() -> None:
    renderer = StretchedRenderer.from_colormap("magma", 0, 1)
    assert renderer_json(renderer) == renderer_json(renderer.to_json()) == renderer.to_json()
    assert renderer_json("magma") == {"type": "stretched", "options": {"colormap": "magma"}}
    assert renderer_json({"stretch": "log", "vmin": 1}) == {
        "type": "stretched",
        "options": {"colormap": "viridis", "stretch": "log", "vmin": 1},
    }
    assert renderer_json(None) is None


def test_a_service_keeps_the_limits_that_its_data_had(client: Client, api: httpx.Client, result: str) -> None:
    service = client.service(result).update(renderer={"colormap": "magma", "stretch": "sqrt"})
    (variable,) = service.document["variables"]
    stored = renderer_from_json(variable["renderer"])
    assert stored == StretchedRenderer.from_colormap("magma", -118, 578, stretch="sqrt")
    assert api.get(f"services/{result}/variables/data/legend.json").json()["range"] == [-118, 578]
    with pytest.raises(RequestRefused, match="verdigris"):
        service.update(renderer="verdigris")
