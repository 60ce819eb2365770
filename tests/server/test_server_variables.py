"""Below a variable: tiles, their legend, values and statistics, as rest.md has them."""

import io
import json
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

TEMPERATURE = "services/world/variables/temperature"
WIND = "services/world/variables/wind"
RENDERER = {"type": "stretched", "colors": [[-100, "#000000"], [100, "#ff0000"]]}
STEPS = [947_980_800, 950_659_200, 953_164_800]  # 16 January, February and March 2000, Unix seconds
PNG = b"\x89PNG\r\n\x1a\n"


def picture(answer: httpx.Response) -> np.ndarray:
    """Return the pixels, (ny, nx, 4)."""
    assert answer.status_code == 200, answer.text
    assert answer.headers["Content-Type"] == "image/png"
    assert answer.content.startswith(PNG)
    return np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGBA"))


def tile(api: httpx.Client, variable: str = TEMPERATURE, place: str = "0/0/0", **query: Any) -> np.ndarray:
    query.setdefault("renderer", json.dumps(RENDERER))
    return picture(api.get(f"{variable}/tiles/{place}.png", params=query))


# -- tiles


def test_a_tile_is_drawn_where_there_is_data(api: httpx.Client) -> None:
    pixels = tile(api)
    assert pixels.shape == (256, 256, 4)
    assert (pixels[:180, :, 3] == 255).all()
    assert (pixels[-64:, :, 3] == 0).all()  # south of 60 S
    middle = int(pixels[128, 128, 0])  # the equator: half way from black to red
    assert 120 <= middle <= 135
    assert pixels[5, 128, 0] > middle > pixels[180, 128, 0]


def test_a_tile_for_dense_screens_is_twice_as_wide(api: httpx.Client) -> None:
    assert tile(api, place="1/0/0@2x").shape == tile(api, place="1/0/0%402x").shape == (512, 512, 4)


def test_a_tile_has_the_variables_own_renderer_unless_another_is_given(api: httpx.Client) -> None:
    own = picture(api.get(f"{TEMPERATURE}/tiles/1/0/0.png"))
    given = tile(api, place="1/0/0")
    assert (given[..., 1:3] == 0).all()  # black to red
    assert own[..., 1].any()
    assert own[..., 3].all()


@pytest.mark.parametrize("query", [STEPS[1], f"{STEPS[1]}.0", STEPS[1] + 1000.5, "2000-02-16", "2000-02-20T06:00:00Z"])
def test_a_tile_shows_the_step_nearest_to_the_time(api: httpx.Client, query: object) -> None:
    second = {"type": "stretched", "colors": [[0, "#000000"], [200, "#ff0000"]]}
    pixels = tile(api, time=query, renderer=json.dumps(second))
    assert 120 <= pixels[128, 128, 0] <= 135  # 100 at the equator


def test_a_tile_shows_the_first_step_when_none_is_named(api: httpx.Client) -> None:
    assert (tile(api) == tile(api, time=STEPS[0])).all()
    assert (tile(api) != tile(api, time=STEPS[2])).any()


def test_a_tile_shows_the_position_in_other_dimensions(api: httpx.Client) -> None:
    renderer = json.dumps({"type": "stretched", "colors": [[0, "#000000"], [1, "#ff0000"]]})
    queries = [("level", 1000), ("level", 700), ("level", 500), ("level", -5), ("level.index", 0), ("level.index", 1)]
    red = [int(tile(api, WIND, renderer=renderer, **{name: value})[128, 128, 0]) for name, value in queries]
    assert [value > 200 for value in red] == [False, True, True, True, False, True]
    assert tile(api, WIND, renderer=renderer)[128, 128, 0] < 50  # left out: the first


@pytest.mark.parametrize(
    ("url", "field"),
    [
        (f"{TEMPERATURE}/tiles/0/1/0.png", "tile"),
        (f"{TEMPERATURE}/tiles/3/8/0.png", "tile"),
        (f"{TEMPERATURE}/tiles/3/0/8.png", "tile"),
        (f"{TEMPERATURE}/tiles/3/-1/0.png", "tile"),
        (f"{TEMPERATURE}/tiles/-1/0/0.png", "tile"),
        (f"{TEMPERATURE}/tiles/31/0/0.png", "tile"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?time=noon", "time"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?time=nan", "time"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?renderer=red", "renderer"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?renderer=%7B%22type%22:%22magic%22%7D", "renderer"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?level=500", "level"),
        (f"{TEMPERATURE}/tiles/0/0/0.png?best_fit=0", "best_fit"),
        (f"{WIND}/tiles/0/0/0.png?level=high", "level"),
        (f"{WIND}/tiles/0/0/0.png?level.index=2", "level.index"),
        (f"{WIND}/tiles/0/0/0.png?level.index=-1", "level.index"),
        (f"{WIND}/tiles/0/0/0.png?level.index=x", "level.index"),
        (f"{WIND}/legend.json?level=high", "level"),
        (f"{TEMPERATURE}/legend.png?renderer=%7B", "renderer"),
        (f"{TEMPERATURE}/value/", "lon"),
        (f"{TEMPERATURE}/value/?lon=1", "lat"),
        (f"{TEMPERATURE}/value/?lon=east&lat=1", "lon"),
        (f"{TEMPERATURE}/value/?lon=1&lat=inf", "lat"),
        (f"{TEMPERATURE}/value/?lon=1&lat=95", "lat"),
        (f"{TEMPERATURE}/value/?lon=1&lat=1&time=noon", "time"),
        (f"{TEMPERATURE}/statistics/?weights=mass", "weights"),
        (f"{TEMPERATURE}/statistics/?time=noon", "time"),
    ],
)
def test_what_cannot_be_shown_is_refused_by_name(api: httpx.Client, url: str, field: str) -> None:
    answer = api.get(url)
    document = answer.json()
    assert answer.status_code == 400, document
    assert document["errors"] == {field: [document["message"]]}


@pytest.mark.parametrize(
    "place", ["0/0/0.jpg", "0/0/0@3x.png", "0/0/x.png", "0/0.png", "1.5/0/0.png", f"{'9' * 30}/0/0.png"]
)
def test_what_is_no_tile_is_not_there(api: httpx.Client, place: str) -> None:
    assert api.get(f"{TEMPERATURE}/tiles/{place}").status_code == 404


def test_only_an_exact_time_is_taken_when_best_fit_is_off(geojobs_server: Any, lab_config: str) -> None:
    with geojobs_server(lab_config + "\nc.GeoJobsApp.best_fit_time = False\n") as server, server.client() as api:
        end = time.monotonic() + 30
        while api.get(f"{TEMPERATURE}/value/?lon=1&lat=1").status_code == 503 and time.monotonic() < end:
            time.sleep(0.05)
        assert api.get(f"{TEMPERATURE}/value/?lon=1&lat=1&time={STEPS[1]}").json()["value"] == 101
        refused = api.get(f"{TEMPERATURE}/value/?lon=1&lat=1&time={STEPS[1] + 1}")
        assert refused.json()["errors"].keys() == {"time"}
        inputs = {"data": f"service://world:temperature@{STEPS[1] + 1}"}
        assert api.post("jobs/", json={"job": "doubled", "inputs": inputs}).status_code == 400


# -- what browsers remember


def test_a_tile_is_not_drawn_again_for_who_has_it(api: httpx.Client) -> None:
    first = api.get(f"{TEMPERATURE}/tiles/1/0/0.png")
    tag = {"If-None-Match": first.headers["ETag"]}
    again = api.get(f"{TEMPERATURE}/tiles/1/0/0.png", headers=tag)
    assert (again.status_code, again.content) == (304, b"")
    for other in ("1/1/0.png", "1/0/0@2x.png", f"1/0/0.png?time={STEPS[1]}", "1/0/0.png?renderer=%7B"):
        assert api.get(f"{TEMPERATURE}/tiles/{other}", headers=tag).status_code != 304
    assert api.get(f"{WIND}/tiles/1/0/0.png", headers=tag).status_code == 200


def test_a_tile_at_a_url_with_the_version_may_be_kept(api: httpx.Client) -> None:
    url = api.get(f"{TEMPERATURE}/tilejson.json").json()["tiles"][0]
    version = httpx.URL(url).params["v"]
    kept = api.get(f"{TEMPERATURE}/tiles/1/0/0.png", params={"v": version})
    assert kept.headers["Cache-Control"] == "private, max-age=31536000, immutable"
    for query in ({}, {"v": "other"}):
        asked = api.get(f"{TEMPERATURE}/tiles/1/0/0.png", params=query)
        assert asked.headers["Cache-Control"] == "private, no-cache"
    refused = api.get(f"{TEMPERATURE}/tiles/0/7/0.png", params={"v": version})
    assert refused.status_code == 400
    assert refused.headers["Cache-Control"] == "no-cache"


def test_a_service_that_changes_has_other_tiles(api: httpx.Client, result: str) -> None:
    url = f"services/{result}/variables/data/tiles/1/0/0.png"
    first = api.get(url)
    assert (picture(first)[..., 1] == 0).all()
    api.patch(f"services/{result}/", json={"renderer": {"type": "stretched", "colors": [[0, "#0f0"], [1, "#0f0"]]}})
    again = api.get(url, headers={"If-None-Match": first.headers["ETag"]})
    assert (picture(again)[:100, :, 1] == 255).all()


# -- documents


def test_the_tilejson_leads_to_the_tiles(api: httpx.Client, server: Any) -> None:
    document = api.get(f"{TEMPERATURE}/tilejson.json").json()
    assert document["tilejson"] == "3.0.0"
    assert document["name"] == "Air temperature"
    assert document["bounds"][0] == -180
    assert document["bounds"][2] == 180
    (template,) = document["tiles"]
    assert template.startswith(f"{server.path}services/world/variables/temperature/tiles/{{z}}/{{x}}/{{y}}.png?v=")
    url = template.replace("{z}", "1").replace("{x}", "1").replace("{y}", "0")
    picture(api.get(f"{server.origin}{url}"))


def test_the_legend_is_that_of_the_renderer(api: httpx.Client) -> None:
    legend = api.get(f"{TEMPERATURE}/legend.json", params={"renderer": json.dumps(RENDERER)}).json()
    assert (legend["title"], legend["unit"], legend["type"]) == ("Air temperature", "K", "stretched")
    values = [entry["value"] for entry in legend["entries"]]
    assert values == sorted(values)
    assert -100 <= values[0] < values[-1] <= 100
    assert legend["entries"][0].keys() == {"value", "label", "position", "color"}
    own = api.get(f"{TEMPERATURE}/legend.json").json()
    assert own["entries"] != legend["entries"]


def test_the_legend_is_a_picture_too(api: httpx.Client) -> None:
    answer = api.get(f"{TEMPERATURE}/legend.png", params={"renderer": json.dumps(RENDERER)})
    assert picture(answer).shape[1] > 200
    again = api.get(
        f"{TEMPERATURE}/legend.png",
        params={"renderer": json.dumps(RENDERER)},
        headers={"If-None-Match": answer.headers["ETag"]},
    )
    assert again.status_code == 304


def test_a_value_is_that_of_the_cell(api: httpx.Client) -> None:
    value = api.get(f"{TEMPERATURE}/value/", params={"lon": 12.3, "lat": 46.9, "time": STEPS[1]}).json()
    assert value["value"] == 147
    assert (value["unit"], value["lon"], value["lat"]) == ("K", 13, 47)
    assert value.keys() == {"value", "unit", "lon", "lat", "time"}
    assert api.get(f"{WIND}/value?lon=12&lat=46&level=500&time={STEPS[2]}").json()["value"] == 21


@pytest.mark.parametrize(("service", "lat"), [("world", -75), ("climate/deep", -10)], ids=["missing", "outside"])
def test_there_is_no_value_where_there_is_no_data(api: httpx.Client, service: str, lat: float) -> None:
    answer = api.get(f"services/{service}/variables/temperature/value/", params={"lon": 0, "lat": lat})
    assert answer.status_code == 200
    assert answer.json()["value"] is None


def test_statistics_are_those_of_the_cells(api: httpx.Client) -> None:
    statistics = api.get(f"{TEMPERATURE}/statistics/", params={"time": STEPS[1]}).json()
    values = np.arange(-59, 91, 2) + 100.0
    assert (statistics["min"], statistics["max"]) == (41, 189)
    assert statistics["mean"] == pytest.approx(values.mean())
    assert statistics["std"] == pytest.approx(values.std())
    assert (statistics["count"], statistics["missing"]) == (75 * 180, 15 * 180)
    assert statistics["unit"] == "K"
    assert sum(statistics["histogram"]["counts"]) == statistics["count"]
    assert len(statistics["histogram"]["edges"]) == len(statistics["histogram"]["counts"]) + 1
    assert "area_weighted_mean" not in statistics
    weighted = api.get(f"{TEMPERATURE}/statistics", params={"time": STEPS[1], "weights": "area"}).json()
    weights = np.cos(np.radians(values - 100))
    assert weighted["area_weighted_mean"] == pytest.approx((values * weights).sum() / weights.sum(), rel=1e-3)
    assert weighted["mean"] == statistics["mean"]


# -- off the event loop


@pytest.fixture(scope="module")
def slow_server(geojobs_server: Any, lab_config: str) -> Iterator[Any]:
    """A server whose every look into a file takes half a second."""
    config = """
import time
import geojobs_lab.services
opened = geojobs_lab.services.ServiceCatalogue.open
def slowly(self, service):
    time.sleep(0.5)
    return opened(self, service)
geojobs_lab.services.ServiceCatalogue.open = slowly
"""
    with geojobs_server(lab_config + config) as server:
        yield server


def test_the_server_answers_while_tiles_are_drawn(slow_server: Any) -> None:
    with slow_server.client() as api, ThreadPoolExecutor(12) as threads:
        while api.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.05)
        drawing = [threads.submit(api.get, f"{TEMPERATURE}/tiles/4/{x}/3.png") for x in range(8)]
        time.sleep(0.1)
        lags = []
        while not all(answer.done() for answer in drawing):
            start = time.monotonic()
            assert api.get("").status_code == 200
            lags.append(time.monotonic() - start)
            time.sleep(0.02)
        assert len(lags) > 5
        assert max(lags) < 0.4
        assert {answer.result().status_code for answer in drawing} == {200}


def test_tiles_that_nobody_waits_for_are_not_drawn(slow_server: Any) -> None:
    def give_up(x: int) -> None:
        with slow_server.client() as impatient, pytest.raises(httpx.ReadTimeout):
            impatient.get(f"{TEMPERATURE}/tiles/5/{x}/3.png", timeout=0.2)

    with slow_server.client() as api, ThreadPoolExecutor(24) as threads:
        while api.get("services/world/").json()["state"] == "publishing":
            time.sleep(0.05)
        list(threads.map(give_up, range(24)))
        start = time.monotonic()
        picture(api.get(f"{TEMPERATURE}/tiles/5/31/3.png"))
        assert time.monotonic() - start < 2  # 24 tiles by 4 threads would have been 3 s
