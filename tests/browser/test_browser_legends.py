"""The legends of a map's panel, in a page of their own: what they show, in the colours of the tiles."""

import io
import json
from typing import Any

import pytest
from PIL import Image
from playwright.sync_api import Locator, Page, expect

from geojobs_lab.renderers import ClassifiedRenderer, Color, Renderer, StretchedRenderer, UniqueRenderer
from geojobs_lab.widgets import page as assets

pytestmark = pytest.mark.browser

RED, BLUE, GREY = Color(255, 0, 0), Color(0, 0, 255), Color(128, 128, 128)
MODEL = """{
  state: { visible: true, opacity: 1 },
  get(name) { return this.state[name]; },
  set() {}, on() {}, off() {}, save_changes() {},
}"""


def shown(page: Page, renderer: Renderer, unit: str = "K") -> Locator:
    """Show the legend of a renderer."""
    layer = {"title": "Temperature", "unit": unit, "source": "", "legend": renderer.legend(unit)}
    script = assets.script("map_place.js", "map_legend.js")
    page.set_content(f"<style>{assets.style('map.css')}</style><div class='geojobs-map' style='height: 600px'></div>")
    page.add_script_tag(
        type="module",
        content=f"""{script}
const layer = {{ ...{json.dumps(layer)}, model: {MODEL} }};
const panel = legendPanel([layer], "Layers", [layer.title], new AbortController().signal);
document.querySelector(".geojobs-map").append(make("div", {{ class: "geojobs geojobs-over" }}, panel));""",
    )
    found = page.locator(".geojobs-legend")
    expect(found).to_be_visible()
    return found


def picture(found: Locator) -> Any:
    return Image.open(io.BytesIO(found.screenshot())).convert("RGB")


def rgb(color: str) -> tuple[int, ...]:
    return tuple(bytes.fromhex(color[1:7]))


def test_the_ramp_has_every_color_of_the_tiles(page: Page) -> None:
    renderer = StretchedRenderer([(0, RED), (1, RED), (1, BLUE), (3, GREY)], color_space="hsv")
    found = shown(page, renderer)
    read = """canvas => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, 1).data]"""
    data = found.locator("canvas").evaluate(read)
    columns = [tuple(data[at : at + 3]) for at in range(0, len(data), 4)]
    colors = [rgb(color) for color in renderer.legend()["colors"]]
    assert columns == [color for color in colors for _ in range(2)][1:-1]
    assert [text for text in found.locator(".gj-tick").all_inner_texts() if text] == [
        "0.0", "0.5", "1.0", "1.5", "2.0", "2.5", "3.0",
    ]  # fmt: skip
    strip = picture(found.locator("canvas"))
    assert strip.getpixel((int(strip.width * 0.32), strip.height // 2)) == (255, 0, 0)
    assert strip.getpixel((int(strip.width * 0.345), strip.height // 2))[2] > 240


def test_classes_are_told_one_by_one_with_what_stands_for_no_value(page: Page) -> None:
    renderer = ClassifiedRenderer([(0, RED), (None, BLUE)], labels=["<b>cold</b>", "warm"], missing=GREY)
    found = shown(page, renderer)
    rows = found.get_by_role("listitem")
    assert rows.all_inner_texts() == ["<b>cold</b>", "warm", "no data"]
    for row, color in zip(rows.all(), [(255, 0, 0), (0, 0, 255), (128, 128, 128)], strict=True):
        swatch = picture(row.locator(".gj-swatch"))
        assert swatch.getpixel((swatch.width // 2, swatch.height // 2)) == color
    expect(found.locator("canvas")).to_have_count(0)
    assert found.locator(".gj-swatches").get_attribute("tabindex") is None


def test_a_ramp_tells_what_stands_for_no_value_below_it(page: Page) -> None:
    found = shown(page, StretchedRenderer([(0, RED), (1, BLUE)], background=GREY, missing=RED))
    expect(found.locator("canvas")).to_be_visible()
    assert found.get_by_role("listitem").all_inner_texts() == ["out of range", "no data"]


def test_a_long_list_scrolls_and_can_be_reached_with_the_keyboard(page: Page) -> None:
    found = shown(page, UniqueRenderer([(value, RED) for value in range(40)]))
    listed = found.locator(".gj-swatches")
    height, whole = listed.evaluate("list => [list.clientHeight, list.scrollHeight]")
    assert height < 300 < whole
    listed.focus()
    expect(listed).to_be_focused()
    page.keyboard.press("End")
    expect(found.get_by_text("39", exact=True)).to_be_in_viewport()


@pytest.mark.parametrize("light", ["true", "false"])
def test_coastlines_can_be_seen_on_dark_and_light_tiles(page: Page, light: str) -> None:
    line = "<path class='geojobs-coast' d='M0 20h40' fill='none'/>"
    tiles = "".join(
        f"<svg width=40 height=40 style='background: {color}; display: block'>{line}</svg>"
        for color in ("#000", "#fff")
    )
    page.set_content(
        f"<style>{assets.style('map.css')}</style><body data-jp-theme-light='{light}'><div class='geojobs-map'>{tiles}"
    )
    for number in range(2):
        darkest, lightest = picture(page.locator("svg").nth(number)).crop((10, 10, 30, 30)).convert("L").getextrema()
        assert lightest - darkest > 60
