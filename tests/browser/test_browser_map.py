"""The map in JupyterLab: what is painted and where, its time slider, its values. Pixels are looked at."""

import io
import math
import re
from typing import Any

import pytest
from desk import Desk, Notebook, until
from PIL import Image
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

CLIENT = "from geojobs_lab import Client\nfrom geojobs_lab.widgets import ResultMap\n\nclient = Client()"
WARMING = 'job = client.submit("warming", data="service://a1b:air_temperature")\njob.map()'
INLAND = [(-112.5, 55.0), (-105.0, 42.5), (-97.5, 40.0), (-101.25, 53.75)]  # centres of cells, far from lines
TILE = re.compile(r"/tiles/(\d+)/(-?\d+)/(-?\d+)(@2x)?\.png")
TILES = """map => [...map.querySelectorAll("img.leaflet-tile")].map(tile => {
  const {x, y, width} = tile.getBoundingClientRect();
  return [tile.src, x, y, width];
})"""
PAINTED = """map => {
  const tiles = [...map.querySelectorAll("img.leaflet-tile")];
  const done = tile => tile.matches(".leaflet-tile-loaded") && getComputedStyle(tile).opacity === "1";
  return tiles.length > 0 && tiles.every(done) && !map.matches(".leaflet-zoom-anim");
}"""


class Picture:
    """A map as it looks now: colours at places."""

    def __init__(self, desk: Desk, found: Locator) -> None:
        found.scroll_into_view_if_needed()
        until(desk.page, lambda: found.evaluate(PAINTED), "all tiles are painted")
        desk.page.wait_for_timeout(300)
        self.tiles: list[list[Any]] = found.evaluate(TILES)
        self.box = found.bounding_box() or {}
        self.image = Image.open(io.BytesIO(desk.page.screenshot())).convert("RGB")

    def pixel(self, lon: float, lat: float) -> tuple[float, float]:
        """Return where a place is on the page, going by the tile that it is on."""
        for source, left, top, size in self.tiles:
            match = TILE.search(source)
            assert match is not None, source
            z, x, y = (int(text) for text in match.groups()[:3])
            east = (lon + 180) / 360 * 2**z - x
            south = (1 - math.asinh(math.tan(math.radians(lat))) / math.pi) / 2 * 2**z - y
            if 0 <= east < 1 and 0 <= south < 1:
                return left + east * size, top + south * size
        raise AssertionError(f"no tile is at {lon}, {lat}")

    def color(self, lon: float, lat: float) -> tuple[int, ...]:
        x, y = self.pixel(lon, lat)
        return self.image.getpixel((round(x), round(y)))

    def at_edge(self) -> tuple[int, ...]:
        """The colour at the map's left edge, half-way down: the Pacific, where there is no data."""
        return self.image.getpixel((round(self.box["x"]) + 6, round(self.box["y"] + self.box["height"] / 2)))


def near(one: tuple[int, ...], other: tuple[int, ...], most: int = 6) -> bool:
    return max(abs(a - b) for a, b in zip(one, other, strict=True)) <= most


def expected(legend: dict[str, Any], value: float) -> tuple[int, ...]:
    """The colour of a value by a legend: straight lines between the colours of its ramp."""
    low, high = legend["range"]
    stops = [tuple(int(color[i : i + 2], 16) for i in (1, 3, 5)) for color in legend["colors"]]
    place = min(max((value - low) / (high - low), 0), 1) * (len(stops) - 1)
    number = min(int(place), len(stops) - 2)
    pairs = zip(stops[number], stops[number + 1], strict=True)
    return tuple(round(one + (place - number) * (other - one)) for one, other in pairs)


def service_of(desk: Desk, name: str) -> tuple[str, dict[str, Any]]:
    """The path of a service's only variable, and its legend."""
    with desk.lab.client() as client:
        service = client.service(name)
        return f"services/{name}/variables/{service.variables[0]}/", service.legend()


def value(desk: Desk, path: str, lon: float, lat: float, **query: str) -> float:
    with desk.lab.client() as client:
        return client.transport.request(
            "GET", f"{path}value/", doing="asking for a value", params={"lon": lon, "lat": lat, **query}
        )["value"]


def on_map(notebook: Notebook, index: int) -> Locator:
    found = notebook.output(index).locator(".leaflet-container")
    expect(found).to_be_visible()
    return found


def reading(found: Locator) -> float:
    """The number of the read-out as it is shown."""
    text = found.locator(".geojobs-value .gj-number").first.inner_text()
    return float(text.replace("−", "-").split()[0])


def test_a_result_is_painted_where_north_america_is_and_a_click_reads_its_value(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("map.ipynb", [CLIENT, WARMING]))
    notebook.run_all()
    found = on_map(notebook, 1)
    picture = Picture(desk, found)
    answers = desk.answers("/tiles/")
    assert answers
    assert {(answer.status, answer.headers["content-type"]) for answer in answers} == {(200, "image/png")}
    with desk.lab.client() as client:
        name = client.jobs(job="warming", status="success")[0].outputs["warming"]
    path, legend = service_of(desk, name)
    for lon, lat in INLAND:
        wanted = expected(legend, value(desk, path, lon, lat))
        assert near(picture.color(lon, lat), wanted), (lon, lat, picture.color(lon, lat), wanted)
    assert len({picture.color(lon, lat) for lon, lat in INLAND}) > 1
    sea = picture.at_edge()
    assert max(sea) - min(sea) < 20  # none of the renderer's colours, all of which are warm
    expect(found.locator(".geojobs-legend")).to_contain_text("K")
    expect(found.locator(".geojobs-trouble")).to_be_hidden()

    for lon, lat in INLAND[:2]:
        desk.page.mouse.click(*picture.pixel(lon, lat))
        read = value(desk, path, lon, lat)
        until(desk.page, lambda read=read: abs(reading(found) - read) < 1e-4, f"the read-out showed {read}")
    expect(found.locator(".geojobs-value")).to_contain_text("K")


def test_the_time_slider_changes_the_picture_and_the_value(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("time.ipynb", [CLIENT, 'ResultMap("a1b")']))
    notebook.run_all()
    found = on_map(notebook, 1)
    path, legend = service_of(desk, "a1b")
    first = Picture(desk, found)
    slider = found.locator('.geojobs-time input[type="range"]')
    asked = len(desk.asked("/tiles/"))
    slider.focus()
    desk.page.keyboard.press("End")
    expect(found.locator(".geojobs-time")).to_contain_text("2099")
    until(desk.page, lambda: desk.asked("/tiles/")[asked:], "other tiles are asked for")
    desk.page.wait_for_timeout(300)
    last = Picture(desk, found)
    with desk.lab.client() as client:
        stops = client.service("a1b").document["variables"][0]["time"]["stops"]
    changed = 0
    for lon, lat in INLAND:
        for picture, stop in ((first, stops[0]), (last, stops[-1])):
            wanted = expected(legend, value(desk, path, lon, lat, time=str(stop["timestamp"])))
            assert near(picture.color(lon, lat), wanted), (stop, lon, lat, picture.color(lon, lat), wanted)
        changed += not near(first.color(lon, lat), last.color(lon, lat), 2)
    assert changed >= 2

    lon, lat = INLAND[0]
    desk.page.mouse.click(*last.pixel(lon, lat))
    read = value(desk, path, lon, lat, time=str(stops[-1]["timestamp"]))
    until(desk.page, lambda: abs(reading(found) - read) < 1e-2, f"the read-out showed {read}")
    slider.focus()
    desk.page.keyboard.press("Home")
    read = value(desk, path, lon, lat, time=str(stops[0]["timestamp"]))
    until(desk.page, lambda: abs(reading(found) - read) < 1e-2, f"the read-out showed {read}")


def test_a_result_that_is_gone_is_said_in_plain_words(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("gone.ipynb", [CLIENT, WARMING, "job.delete()"]))
    notebook.run_all(0, 1)
    found = on_map(notebook, 1)
    Picture(desk, found)
    notebook.run(2)
    trouble = found.locator(".geojobs-trouble")
    found.locator(".leaflet-control-zoom-in").click()
    expect(trouble).to_be_visible()
    expect(trouble).to_contain_text("no longer on the server")
