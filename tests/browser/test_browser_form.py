"""The form in JupyterLab: filled in by hand, refused beside the field, followed below."""

import pytest
from desk import Desk
from playwright.sync_api import Locator, expect

pytestmark = pytest.mark.browser

FORM = """\
from geojobs_lab import Client

client = Client()
client.form("describe")"""


def field(form: Locator, name: str) -> Locator:
    return form.locator(f'[data-input="{name}"]')


def submitted(desk: Desk) -> int:
    with desk.lab.client() as client:
        return client.jobs(job="describe").total


def test_a_form_is_filled_refused_beside_the_field_corrected_and_followed_to_its_end(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("form.ipynb", [FORM]))
    form = notebook.run(0).locator('.geojobs-form[data-job="describe"]')
    expect(form).to_be_visible()
    service = field(form, "data").locator("select").first
    expect(service.locator('option[value="a1b"]')).to_be_attached()
    service.select_option("a1b")
    field(form, "classes").locator("input").fill("99")  # 9 is the most
    field(form, "method").get_by_label("quantile").check()
    field(form, "land").get_by_role("checkbox").check()
    field(form, "note").get_by_role("textbox").fill('a "quoted" <b>note</b>')
    before = submitted(desk)
    form.locator("button.gj-submit").click()
    error = field(form, "classes").locator(".gj-error")
    expect(error).to_be_visible()
    expect(error).to_contain_text("9")
    for other in ("data", "method", "land", "note"):
        expect(field(form, other).locator(".gj-error")).to_be_hidden()
    assert submitted(desk) == before
    assert field(form, "classes").locator("input").evaluate("input => input === document.activeElement")

    field(form, "classes").locator("input").fill("7")
    expect(error).to_be_hidden()
    desk.page.keyboard.press("Enter")
    card = notebook.output(0).locator('.geojobs-card[data-status="success"]')
    expect(card).to_be_visible()
    with desk.lab.client() as client:
        job = client.job(card.get_attribute("data-uuid") or "")
        assert job.inputs == {
            "data": "service://a1b:air_temperature",
            "classes": 7,
            "method": "quantile",
            "land": True,
            "note": 'a "quoted" <b>note</b>',
        }
        assert job.result() == 'air_temperature: 7 quantile classes, land True, a "quoted" <b>note</b>'
    assert submitted(desk) == before + 1


POLYGON = '{"type": "Polygon", "coordinates": [[[7, 50], [8, 50], [8, 51], [7, 50]]]}'
FEATURE = f'{{"type": "Feature", "properties": {{"name": "a"}}, "geometry": {POLYGON}}}'


def test_a_form_has_a_control_for_every_kind_and_what_it_sends_is_accepted(desk: Desk) -> None:
    notebook = desk.open(desk.lab.write("form-kinds.ipynb", [FORM.replace("describe", "kinds")]))
    form = notebook.run(0).locator('.geojobs-form[data-job="kinds"]')
    expect(form).to_be_visible()
    field(form, "size").locator("select").select_option(label="3")
    field(form, "day").locator("input[type=date]").fill("2070-01-31")
    field(form, "moment").locator("input[type=datetime-local]").fill("2070-01-31T12:30")
    for side, number in zip(("xmin", "ymin", "xmax"), (5, 45, 15), strict=True):
        field(form, "area").locator(f".gj-{side}").fill(str(number))
    field(form, "color").locator("input[type=color]").fill("#ff7f0e")
    expect(field(form, "color").locator("input[type=text]")).to_have_value("#ff7f0e")
    field(form, "crs").locator("input").fill("EPSG:4326")
    field(form, "outline").locator("textarea").fill(POLYGON)
    field(form, "places").locator("textarea").fill(f'{{"type": "FeatureCollection", "features": [{FEATURE}]}}')
    service = field(form, "data").locator("select").first
    expect(service.locator('option[value="a1b"]')).to_be_attached()
    service.select_option("a1b")
    form.locator("button.gj-submit").click()
    expect(field(form, "area").locator(".gj-error")).to_contain_text("All four numbers are needed")
    field(form, "area").locator(".gj-ymax").fill("55.5")
    form.locator("button.gj-submit").click()
    card = notebook.output(0).locator('.geojobs-card[data-status="success"]')
    expect(card).to_be_visible()
    with desk.lab.client() as client:
        job = client.job(card.get_attribute("data-uuid") or "")
    assert job.inputs["size"] == 3
    assert job.inputs["area"] == [5, 45, 15, 55.5]
    assert job.inputs["data"] == "service://a1b"
    assert job.result() == (
        "3 datetime.date(2070, 1, 31) datetime.datetime(2070, 1, 31, 12, 30) BBox(xmin=5.0, ymin=45.0, xmax=15.0, "
        "ymax=55.5) #ff7f0e 4326 POLYGON ((7 50, 8 50, 8 51, 7 50)) 1 ['air_temperature']"
    )


def test_a_form_submits_while_the_kernel_is_busy(desk: Desk) -> None:
    notebook = desk.open(
        desk.lab.write("form-busy.ipynb", [FORM.replace("describe", "warming"), "while True:\n    pass"])
    )
    form = notebook.run(0).locator(".geojobs-form")
    service = field(form, "data").locator("select").first
    expect(service.locator('option[value="e1"]')).to_be_attached()
    notebook.start(1)
    service.select_option("e1")
    form.locator("button.gj-submit").click()
    expect(form).to_contain_text("success")
    assert notebook.is_running(1)
    notebook.interrupt()
    expect(notebook.output(0).locator('.geojobs-card[data-status="success"]')).to_be_visible()
