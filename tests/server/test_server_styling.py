"""Colours that a request asks for: a colormap with limits, stretches, percentiles; what is wrong with them."""

import io
from typing import Any

import httpx
import numpy as np
import pytest
from PIL import Image

from geojobs_lab.renderers import StretchedRenderer

WORLD = "services/world/variables/temperature"  # the latitude + 100 * step, -59 to 89 in the first; whole odd numbers
WIND = "services/world/variables/wind"
VALUES = np.concatenate([np.repeat(np.arange(-59, 91, 2.0) + 100 * step, 180) for step in range(3)])
MEAN, STD = VALUES.mean(), VALUES.std()


def legend(api: httpx.Client, what: str = WORLD, **query: Any) -> dict[str, Any]:
    answer = api.get(f"{what}/legend.json", params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_a_colormap_is_taken_by_name_over_the_range_of_the_data(api: httpx.Client) -> None:
    found = legend(api, colormap="magma")
    assert found == {"title": "Air temperature", **StretchedRenderer.from_colormap("magma", -59, 289).legend("K")}
    assert legend(api, colormap="magma", vmin="0")["range"] == [0, 289]
    assert legend(api, colormap="magma_r", vmin="-1e1", vmax="10")["range"] == [-10, 10]
    assert legend(api, vmax="7")["range"] == [-59, 7]


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"stretch": "log"}, ("log", 1, 289)),
        ({"stretch": "log", "vmin": 5, "vmax": 50}, ("log", 5, 50)),
        ({"stretch": "sqrt"}, ("sqrt", -59, 289)),
        ({"stretch": "percentile"}, ("linear", *np.percentile(VALUES, [2, 98]))),
        ({"stretch": "percentile", "pmin": 10, "pmax": 50}, ("linear", *np.percentile(VALUES, [10, 50]))),
        ({"pmin": 25, "vmax": 100}, ("linear", np.percentile(VALUES, 25), 100)),
        ({"stretch": "standard-deviation", "deviations": 1}, ("linear", MEAN - STD, MEAN + STD)),
    ],
)
def test_limits_and_stretches_are_taken_together(api: httpx.Client, query: dict[str, Any], expected: Any) -> None:
    found = legend(api, **query)
    assert (found["stretch"], *found["range"]) == (expected[0], *map(pytest.approx, expected[1:]))


@pytest.mark.parametrize(
    "query",
    [
        {"colormap": "viridis", "stretch": "log", "vmin": "3", "vmax": "89"},
        {"colormap": "plasma", "stretch": "sqrt"},
        {"stretch": "percentile", "pmin": "20"},
        {"stretch": "standard-deviation"},
        {"colormap": "tab10"},
    ],
)
def test_tiles_have_the_colors_of_their_legend(api: httpx.Client, query: dict[str, str]) -> None:
    answer = api.get(f"{WORLD}/tiles/0/0/0.png", params=query)
    tile = np.asarray(Image.open(io.BytesIO(answer.content)).convert("RGB"))
    found = legend(api, **query)
    low, high = found["range"]
    shares = {
        "linear": lambda value: (value - low) / (high - low),
        "log": lambda value: np.log(value / low) / np.log(high / low),
        "sqrt": lambda value: ((value - low) / (high - low)) ** 0.5,
    }
    for line, latitude in ((100, 37), (60, 69), (80, 55)):  # in the middle of cells of 2 degrees
        share = min(1, max(0, shares[found["stretch"]](latitude)))
        near = {found["colors"][int(254 * share + 0.5 + off)] for off in (-0.01, 0.01)}
        assert f"#{bytes(tile[line, 9]).hex()}" in near


def test_the_tag_of_a_picture_is_that_of_its_colors(api: httpx.Client) -> None:
    url = f"{WORLD}/tiles/1/0/0.png"
    magma = {"colormap": "magma"}
    queries: list[dict[str, str]] = [{}, magma, {**magma, "vmin": "0"}, {**magma, "stretch": "sqrt"}]
    tags = [api.get(url, params=query).headers["ETag"] for query in queries]
    assert len(set(tags)) == len(tags)
    again = api.get(url, params={"colormap": "magma"}, headers={"If-None-Match": tags[1]})
    assert again.status_code == 304


@pytest.mark.parametrize("what", ["tiles/0/0/0.png", "legend.json", "legend.png", "legend.svg"])
@pytest.mark.parametrize(
    ("query", "field", "part"),
    [
        ({"colormap": "verdigris"}, "colormap", "'verdigris'"),
        ({"colormap": "Ünïcode 🎨"}, "colormap", "Ünïcode"),
        ({"vmin": "low"}, "vmin", "'low'"),
        ({"vmax": "nan"}, "vmax", "'nan'"),
        ({"vmin": "inf"}, "vmin", "'inf'"),
        ({"vmin": "1e305"}, "vmin", "too large"),
        ({"stretch": "cube"}, "stretch", "'cube'"),
        ({"stretch": "log", "vmin": "0"}, "vmin", "above 0"),
        ({"stretch": "log", "vmin": "-5", "vmax": "1"}, "vmin", "-5.0"),
        ({"pmin": "101"}, "pmin", "101"),
        ({"pmax": "-1"}, "pmax", "-1"),
        ({"pmin": "2", "vmin": "3"}, "vmin", "pmin"),
        ({"deviations": "0"}, "deviations", "0.0"),
        ({"stretch": "percentile", "deviations": "2"}, "deviations", "percentile"),
        ({"renderer": '{"type": "unique", "colors": [[1, "#fff"]]}', "vmin": "3"}, "vmin", "renderer"),
    ],
)
def test_what_is_wrong_with_the_colors_is_named(
    api: httpx.Client, what: str, query: dict[str, str], field: str, part: str
) -> None:
    answer = api.get(f"{WORLD}/{what}", params=query)
    assert answer.status_code == 400, answer.text
    document = answer.json()
    assert document["errors"] == {field: [document["message"]]}
    assert document["message"].startswith(f"{field}: ")
    assert part in document["message"]


def test_a_renderer_in_json_may_leave_its_limits_to_the_data(api: httpx.Client) -> None:
    document = '{"type": "stretched", "options": {"colormap": "magma", "stretch": "percentile"}}'
    assert legend(api, renderer=document)["range"] == pytest.approx(np.percentile(VALUES, [2, 98]).tolist())
    refused = api.get(f"{WORLD}/legend.json", params={"renderer": document.replace("magma", "lava")}).json()
    assert refused["errors"].keys() == {"renderer"}


def test_limits_of_other_dimensions_are_those_of_all_their_ends(api: httpx.Client) -> None:
    assert legend(api, WIND, colormap="magma", level="500")["range"] == [0, 21]
