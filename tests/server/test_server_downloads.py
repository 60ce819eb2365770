"""Downloads: the file as it is, a layer as a GeoTIFF, a variable as a table; nothing is left behind."""

import csv
import io
import socket
import time
from pathlib import Path
from typing import Any

import httpx
import numpy as np
import pytest
import rasterio

DOWNLOAD = "services/world/download/"  # temperature: the latitude + 100 * step; nothing south of 60 S


def test_a_layer_comes_as_a_geotiff(api: httpx.Client, tmp_path: Path) -> None:
    answer = api.get(DOWNLOAD, params={"format": "tif", "variable": "temperature", "time": "2000-02-16"})
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/tiff"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="world_temperature.tif"'
    assert int(answer.headers["Content-Length"]) == len(answer.content)
    (tmp_path / "made.tif").write_bytes(answer.content)
    with rasterio.open(tmp_path / "made.tif") as made:
        assert made.bounds == (-180, -90, 180, 90)
        assert (made.crs.to_epsg(), made.units) == (4326, ("K",))
        pixels = made.read(1)
    assert pixels[:75, 3].tolist() == [189.0 - 2 * row for row in range(75)]  # north up
    assert np.isnan(pixels[75:]).all()
    first = api.get(DOWNLOAD, params={"format": "tif", "variable": "temperature"})
    assert first.headers["ETag"] != answer.headers["ETag"]
    again = api.get(
        DOWNLOAD, params={"format": "tif", "variable": "temperature"}, headers={"If-None-Match": first.headers["ETag"]}
    )
    assert (again.status_code, again.content) == (304, b"")


def test_a_variable_comes_as_a_table(api: httpx.Client) -> None:
    query = {"format": "csv", "variable": "wind", "level": "500"}
    answer = api.get(DOWNLOAD, params=query)
    assert answer.headers["Content-Type"] == "text/csv; charset=utf-8"
    assert answer.headers["Content-Disposition"] == 'attachment; filename="world_wind.csv"'
    head, *lines = csv.reader(io.StringIO(answer.text))
    assert head == ["time", "lat", "lon", "wind"]
    assert len(lines) == 3 * 90 * 180
    assert lines[0] == ["2000-01-16T00:00:00Z", "-89.0", "-179.0", "1.0"]
    assert lines[-1] == ["2000-03-16T00:00:00Z", "89.0", "179.0", "21.0"]
    for one in ({"time": "2000-03-16"}, {"time.index": "2"}):
        assert list(csv.reader(io.StringIO(api.get(DOWNLOAD, params={**query, **one}).text)))[1:] == lines[-90 * 180 :]
    temperature = api.get(DOWNLOAD, params={"format": "csv", "variable": "temperature", "time": "2000-01-16"}).text
    assert len(temperature.splitlines()) == 1 + 75 * 180  # those with a value


@pytest.mark.parametrize(
    ("query", "field"),
    [
        ({"format": "xlsx"}, "format"),
        ({"format": "tif"}, "variable"),
        ({"format": "csv", "variable": "rain"}, "variable"),
        ({"format": "tif", "variable": "temperature", "time": "noon"}, "time"),
        ({"format": "tif", "variable": "temperature", "level": "500"}, "level"),
        ({"format": "csv", "variable": "wind", "level": "high"}, "level"),
        ({"format": "csv", "variable": "wind", "colour": "red"}, "colour"),
    ],
)
def test_what_cannot_be_downloaded_is_refused_by_name(api: httpx.Client, query: dict[str, str], field: str) -> None:
    answer = api.get(DOWNLOAD, params=query)
    assert answer.status_code == 400, answer.text
    assert answer.json()["errors"] == {field: [answer.json()["message"]]}


def test_a_client_that_leaves_leaves_nothing_behind(geojobs_server: Any, lab_config: str, tmp_path: Path) -> None:
    with geojobs_server(lab_config, environment={"TMPDIR": str(tmp_path)}) as server, server.client() as api:
        while api.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.05)
        host, port = server.origin.removeprefix("http://").split(":")
        for wanted in ("tif", "csv"):
            with socket.create_connection((host, int(port))) as line:
                path = f"{server.path}{DOWNLOAD}?format={wanted}&variable=temperature&token={server.token}"
                line.sendall(f"GET {path} HTTP/1.1\r\nHost: {host}:{port}\r\n\r\n".encode())
                line.recv(100)
        assert api.get(DOWNLOAD, params={"format": "tif", "variable": "wind"}).status_code == 200
        end = time.monotonic() + 20
        while left := list(tmp_path.rglob("layer.*")):
            assert time.monotonic() < end, left
            time.sleep(0.05)


def test_a_file_that_is_too_large_for_a_table_is_refused(geojobs_server: Any, lab_config: str, world: Path) -> None:
    few = "import geojobs_lab.rasters.table\ngeojobs_lab.rasters.table.MOST_LINES = 20_000\n"
    with geojobs_server(lab_config + few) as server, server.client() as api:
        while api.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.05)
        query = {"format": "csv", "variable": "temperature"}
        refused = api.get(DOWNLOAD, params=query)
        assert refused.status_code == 413
        assert "choose one time" in refused.json()["message"]
        assert api.get(DOWNLOAD, params={**query, "time": "2000-02-16"}).status_code == 200
