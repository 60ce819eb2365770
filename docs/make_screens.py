"""Take the pictures of ``docs/screens``: ``python docs/make_screens.py``, light and dark, in a real JupyterLab.

What is done is what the browser tests do; their driver is used.
"""

import io
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory

from PIL import Image
from playwright.sync_api import Browser, Locator, expect, sync_playwright

REPOSITORY = Path(__file__).parent.parent
SCREENS = REPOSITORY / "docs" / "screens"
sys.path.insert(0, str(REPOSITORY / "tests" / "browser"))

from desk import Desk, Notebook, until  # noqa: E402
from lab import RunningLab, running_lab  # noqa: E402

CELLS = [
    "from geojobs_lab import Client\nfrom geojobs_lab.widgets import ResultMap, SwipeMap\n\nclient = Client()",
    'job = client.submit("count", gate="screens")\njob',
    'client.submit("fail", reason="the sea is dry")',
    'client.form("describe")',
    'warming = client.submit("warming", data="service://a1b:air_temperature")\nwarming.map()',
    'ResultMap("a1b")',
    'milder = client.submit("warming", data="service://e1:air_temperature")\nSwipeMap(warming, milder)',
    "client.jobs()",
    "client.services()",
]
FIRST = [
    "from geojobs_lab import Client\n\nclient = Client()\n"
    'job = client.submit("warming", data="service://a1b:air_temperature")\njob',
    "job.map()",
]
_LOADED = """map => {
  const tiles = [...map.querySelectorAll("img.leaflet-tile")];
  return tiles.length > 0 && tiles.every(tile => tile.matches(".leaflet-tile-loaded"));
}"""


def take(browser: Browser, lab: RunningLab, theme: str) -> None:
    """Take all pictures of one theme."""
    desk = Desk(browser, lab, width=1000, height=1400, scale=1.5)
    lab.allow("screens", 7)
    notebook = desk.open(lab.write("screens.ipynb", CELLS))
    desk.page.keyboard.press("Control+B")  # the side bar goes
    notebook.run_all()
    card, failed, form, result, series, swipe, jobs, services = (notebook.output(number) for number in range(1, 9))
    expect(failed.locator('.geojobs-card[data-status="failure"]')).to_be_visible()
    keep(card.locator(".geojobs-card"), f"card-{theme}")
    keep(failed.locator(".geojobs-card"), f"card-failure-{theme}")
    refuse(form)
    keep(form.locator(".geojobs-form"), f"form-{theme}")
    click_in(notebook, result)
    keep(result.locator(".leaflet-container"), f"map-{theme}")
    series.locator('.geojobs-time input[type="range"]').focus()
    desk.page.keyboard.press("End")
    click_in(notebook, series)
    keep(series.locator(".leaflet-container"), f"map-time-{theme}")
    click_in(notebook, swipe)
    keep(swipe.locator(".leaflet-container"), f"map-swipe-{theme}")
    keep(jobs.locator(".geojobs-jobs"), f"tables-jobs-{theme}")
    keep(services.locator(".geojobs-services"), f"tables-services-{theme}")
    desk.close()


def refuse(output: Locator) -> None:
    """Fill in the form with a wrong value and submit it."""
    form = output.locator(".geojobs-form")
    service = form.locator('[data-input="data"] select').first
    expect(service.locator('option[value="a1b"]')).to_be_attached()
    service.select_option("a1b")
    form.locator('[data-input="classes"] input').fill("99")
    form.locator("button.gj-submit").click()
    expect(form.locator('[data-input="classes"] .gj-error')).to_be_visible()


def click_in(notebook: Notebook, output: Locator) -> None:
    """Wait for a map and read a value left of its middle."""
    found = output.locator(".leaflet-container")
    found.scroll_into_view_if_needed()
    until(notebook.page, lambda: found.evaluate(_LOADED), "the tiles are painted")
    box = found.bounding_box() or {}
    found.click(position={"x": box["width"] * 0.42, "y": box["height"] * 0.4})
    expect(found.locator(".geojobs-value .gj-number").first).to_be_visible()
    notebook.page.wait_for_timeout(500)


def quickstart(browser: Browser, lab: RunningLab, theme: str) -> None:
    """Run the quick-start and take the window as it is at its map."""
    desk = Desk(browser, lab, width=1280, height=900, scale=1.5)
    notebook = desk.open(lab.copy(REPOSITORY / "notebooks" / "quickstart.ipynb", "quickstart.ipynb"))
    desk.page.keyboard.press("Control+B")
    for index in range(notebook.cells.count()):
        source = notebook.cell(index).locator(".cm-content").text_content() or ""
        notebook.run(index, timeout=60_000)
        if "job.map()" in source:
            break
    click_in(notebook, notebook.output(index))
    keep_image(desk.page.screenshot(), f"quickstart-{theme}")
    desk.close()


def first(browser: Browser, lab: RunningLab, theme: str) -> None:
    """Take what stands at the top of the README: a cell, its card, its map."""
    desk = Desk(browser, lab, width=1280, height=900, scale=1.5)
    notebook = desk.open(lab.write("first-light.ipynb", FIRST))
    desk.page.keyboard.press("Control+B")
    notebook.run_all()
    expect(notebook.output(0).locator('.geojobs-card[data-status="success"]')).to_be_visible()
    click_in(notebook, notebook.output(1))
    notebook.cell(0).scroll_into_view_if_needed()
    desk.page.mouse.move(0, 0)
    desk.page.wait_for_timeout(500)
    keep_image(desk.page.screenshot(), f"first-light-{theme}")
    desk.close()


def keep(shown: Locator, name: str) -> None:
    """Keep the picture of an element."""
    shown.scroll_into_view_if_needed()
    shown.page.mouse.move(0, 0)
    shown.page.wait_for_timeout(400)
    keep_image(shown.screenshot(), name)


def keep_image(png: bytes, name: str) -> None:
    """Keep a picture, small."""
    Image.open(io.BytesIO(png)).convert("RGB").save(SCREENS / f"{name}.png", optimize=True)
    sys.stdout.write(f"{name}.png\n")


def main() -> None:
    """Take them all."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        for theme in ("light", "dark"):
            with (
                TemporaryDirectory(prefix="geojobs-screens-") as folder,
                running_lab("lab", Path(folder), dark=theme == "dark") as lab,
            ):
                take(browser, lab, theme)
                quickstart(browser, lab, theme)
                first(browser, lab, theme)
        browser.close()


if __name__ == "__main__":
    main()
