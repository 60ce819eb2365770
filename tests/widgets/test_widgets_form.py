import json
import os
import shutil
import subprocess
import threading
import time

import pytest
from ipywidgets import Widget

from geojobs_lab import Client
from geojobs_lab.errors import InvalidInput, RequestRefused
from geojobs_lab.parameters import ChoiceParameter, IntParameter, ListParameter, MultipleParameter, RasterParameter
from geojobs_lab.parameters.stored import _KINDS
from geojobs_lab.widgets.card import JobCard
from geojobs_lab.widgets.form import JobForm

CONFIG = """
import sys
sys.path.insert(0, {folder!r})
c.GeoJobsApp.registered_jobs = {{
    "every": {{"type": "task", "task": "formtasks.Every"}},
    "wrong": {{"type": "task", "task": "formtasks.nothing"}},
}}
c.GeoJobsApp.services = {{"a1b": {a1b!r}}}
"""
TASKS = """
from geojobs_lab.parameters import AnyParameter, FloatParameter, ListParameter, RasterParameter, StringParameter
from geojobs_lab.tasks import Task


class Every(Task):
    name = "every"
    title = "Of <every> kind"
    inputs = [
        FloatParameter("base", default=283.15, minimum=180, maximum=330, unit="K", description="<b>Base</b>"),
        StringParameter("method", choices=["mean", "median"]),
        ListParameter(FloatParameter(""), "levels", default=[1.0, 2.5]),
        RasterParameter("data", required=False),
    ]
    outputs = [AnyParameter("got")]

    def execute(self, **inputs):
        return inputs["base"]
"""
GOOD = {"method": "mean", "base": 300}


@pytest.fixture(scope="module")
def server(geojobs_server, tmp_path_factory):
    from geojobs_lab.cli.configuration import sample_file

    folder = tmp_path_factory.mktemp("tasks")
    (folder / "formtasks.py").write_text(TASKS)
    config = CONFIG.format(folder=str(folder), a1b=str(sample_file("A1B_north_america.nc")))
    with geojobs_server(config) as running:
        yield running


@pytest.fixture
def form(client):
    made = JobForm(client, "every")
    yield made
    made.close()


def say(form, **traits):
    """Do as the page does when it sets traits."""
    form._page.set_state(traits)


def ask(form, **content):
    """Ask as a page does that cannot reach the server, and return the kernel's answers."""
    answers = []
    form._page.send = lambda content, buffers=None: answers.append(content)
    form._page._handle_custom_msg({"id": "x", "send": None, **content}, [])
    return answers


def test_the_page_gets_the_jobs_document_and_the_way_to_the_server(form, server):
    state = form._page.get_state()
    assert state["rest"] == server.path
    assert [one["name"] for one in state["document"]["inputs"]] == ["base", "method", "levels", "data"]
    assert server.token not in json.dumps(state)


def test_a_form_begins_with_the_defaults(form):
    assert form.value == {"base": 283.15, "levels": [1.0, 2.5]}


def test_the_value_is_what_stands_in_the_page(form):
    say(form, values={"method": "median", "levels": [7]})
    assert form.value == {"method": "median", "levels": [7]}


def test_setting_the_value_fills_the_page(form, client):
    service = client.service("a1b")
    while service.state == "publishing":
        time.sleep(0.1)
        service = service.refresh()
    form.value = {"method": "mean", "levels": (3,), "data": service}
    assert form._page.get_state()["values"] == {
        "base": 283.15,
        "method": "mean",
        "levels": [3],
        "data": "service://a1b",
    }


def test_a_value_for_an_input_that_is_not_there_is_refused(form):
    with pytest.raises(InvalidInput, match="methods: 'every' has no such input"):
        form.value = {"methods": "mean"}
    assert form.value == {"base": 283.15, "levels": [1.0, 2.5]}


def test_a_submitted_job_gets_its_card_below(form, client):
    job = client.submit("every", GOOD)
    say(form, submitted=[job.uuid])
    assert [one.uuid for one in form.jobs] == [job.uuid]
    (card,) = form.children[1].children
    assert isinstance(card, JobCard)
    assert card.uuid == job.uuid
    assert form._page.carded == [job.uuid]
    assert form.jobs[0].wait(60).outputs == {"got": 300}


def test_a_second_page_of_the_same_form_takes_no_job_away(form, client):
    first, second = (client.submit("every", GOOD).uuid for _ in range(2))
    say(form, submitted=[first])
    say(form, submitted=[second])
    assert [job.uuid for job in form.jobs] == [first, second]
    assert form._page.submitted == [first, second]
    assert len(form.children[1].children) == 2


def test_a_job_that_is_removed_has_no_card_and_keeps_its_line(form, client):
    gone = client.submit("every", GOOD).wait(60)
    gone.delete()
    there = client.submit("every", GOOD)
    say(form, submitted=[gone.uuid, there.uuid])
    assert [job.uuid for job in form.jobs] == [there.uuid]
    assert form._page.carded == [there.uuid]
    assert form._page.submitted == [gone.uuid, there.uuid]


def test_a_job_that_is_not_registered_is_refused(client):
    with pytest.raises(RequestRefused, match="'nowhere'"):
        JobForm(client, "nowhere")


def test_a_job_that_is_not_available_says_why(client):
    form = JobForm(client, "wrong")
    assert form._page.document["available"] is False
    assert "has no &#x27;nothing&#x27;" in form._repr_mimebundle_()["text/html"]
    form.close()


def test_a_saved_notebook_reads_without_a_kernel(form):
    bundle = form._repr_mimebundle_()
    assert "application/vnd.jupyter.widget-view+json" in bundle
    assert "<b>Base" not in bundle["text/html"]
    assert "&lt;b&gt;Base" in bundle["text/html"]
    assert "Of &lt;every&gt; kind" in bundle["text/html"]
    assert bundle["text/plain"] == "<JobForm 'every': base=283.15, levels=[1.0, 2.5]; 0 jobs submitted>"


def test_the_kernel_asks_for_a_page_that_cannot_reach_the_server(form):
    (answer,) = ask(form, path="services/?limit=1000")
    assert (answer["id"], answer["status"]) == ("x", 200)
    assert [service["name"] for service in answer["document"]["results"]] == ["a1b"]


def test_the_kernel_submits_for_a_page_that_cannot_reach_the_server(form, client):
    (answer,) = ask(form, path="jobs/", send={"job": "every", "inputs": GOOD})
    assert client.job(answer["document"]["uuid"]).wait(60).outputs == {"got": 300}


def test_the_kernel_passes_on_a_refusal_as_the_server_said_it(form):
    (answer,) = ask(form, path="jobs/", send={"job": "every", "inputs": {"method": "mean", "base": 12}})
    assert answer["status"] == 400
    assert answer["document"]["message"] == "base: must be a number from 180 to 330 (K), not 12"
    assert list(answer["document"]["errors"]) == ["inputs"]


@pytest.mark.parametrize(
    "content",
    [
        {"path": "../../api/contents/"},
        {"path": "jobs/../../../api/contents/"},
        {"path": "jobs/%2e%2e/%2E./api/contents/"},
        {"path": "services/", "send": {"name": "x", "path": "/etc/passwd"}},
        {},
    ],
)
def test_the_kernel_asks_for_nothing_else(form, content):
    assert ask(form, **content) == []


def test_the_kernel_tells_the_page_that_nobody_answers(geojobs_server):
    with geojobs_server() as gone, Client(gone.url, gone.token) as client:
        form = JobForm(client, "raster:subtract")
        gone.stop()
        (answer,) = ask(form, path="services/")
        say(form, submitted=["3f0c7e2e-3a53-4f0c-a6a3-7d2b3c1c4a10"])
        assert form.jobs == ()
        form.close()
    assert answer["status"] == 503
    assert "no answer from" in answer["document"]["message"]


def test_a_closed_form_leaves_no_widget_and_no_thread(client):
    widgets, threads = set(_widgets()), set(threading.enumerate())
    form = JobForm(client, "every")
    say(form, submitted=[client.submit("every", GOOD).uuid])
    assert set(_widgets()) > widgets
    form.close()
    say(form, submitted=[client.submit("every", GOOD).uuid])
    assert set(_widgets()) == widgets
    assert set(threading.enumerate()) <= threads


def _widgets():
    from ipywidgets.widgets.widget import _instances

    return [key for key, widget in _instances.items() if isinstance(widget, Widget)]


SCRIPT = """
const EVERY = %s;
const names = ["a", "ab", "a b", "levels"];
const values = { a: "service://x/y:v@12", ab: ["service://z@3"], "a b": 1 };
console.log(JSON.stringify([
  blamed("a: must be a number, not 'x'", names),
  blamed("ab: is required and must be a text; a b: is required and must be one of 'a: 1; b'", names),
  blamed("levels[2]: must be a number, not 'a: 1'", names),
  blamed("levels[0][1]: must be; levels[3]: no", names),
  blamed("inputs: 'service://x' is not known; job a: x", names),
  citing("inputs: 'service://x/y:v@12.0': there is no service 'x/y'", values),
  citing("inputs: 'service://z@3': there is no service 'z'", values),
  citing("the queue is full", values),
  ["service://x/y:v@12", "service://x", "service://x:v", " service://x@2070-06-01T00:00:00Z ", "x", "service://"].map(readReference),
  [
    {}, { type: "integer" }, { type: ["number", "null"] }, { type: "string", pattern: "^service://" },
    { type: "string", enum: ["a"] }, { type: "array", items: { type: "number" } }, { type: "array", items: {} },
    { anyOf: [{ type: "array" }] }, { type: "string", format: "date" }, { type: "object" }, { type: "boolean" },
  ].map(kindOf),
  EVERY.map(kindOf),
  [[0, 1], [180, 330], [0, 1e6], [undefined, 5]].map(([minimum, maximum]) => stepOf({ minimum, maximum })),
]));
"""


OWN = {
    "multiple": MultipleParameter([IntParameter(""), RasterParameter("")], "x"),
    "list": ListParameter(IntParameter(""), "x"),
    "choice": ChoiceParameter("x", choices=["a", 1]),
}


@pytest.mark.skipif(
    shutil.which("node") is None and not os.environ.get("CI"),
    reason="there is no node on this machine: apt-get install nodejs",
)
def test_the_page_finds_the_field_that_a_refusal_means(tmp_path):
    from geojobs_lab.widgets.form import _Page

    file = tmp_path / "form.mjs"
    every = {id: (OWN.get(id) or kind("x")).json_schema() for id, kind in _KINDS.items()}
    file.write_text(f"{_Page._esm}\n{SCRIPT % json.dumps(list(every.values()))}")
    run = subprocess.run(["node", str(file)], capture_output=True, text=True, timeout=60, check=True)
    plain, missing, item, nested, other, cited, in_list, none, references, kinds, of_ids, steps = json.loads(run.stdout)
    assert plain == [["a", [], "must be a number, not 'x'"]]
    assert [name for name, _, _ in missing] == ["ab", "a b"]
    assert missing[1][2] == "is required and must be one of 'a: 1; b'"
    assert item == [["levels", [2], "must be a number, not 'a: 1'"]]
    assert [(name, path) for name, path, _ in nested] == [("levels", [0, 1]), ("levels", [3])]
    assert other == []
    assert (cited, in_list, none) == (["a"], ["ab"], [])
    assert references[0] == {"service": "x/y", "variable": "v", "time": "12"}
    assert references[3] == {"service": "x", "variable": "", "time": "2070-06-01T00:00:00Z"}
    assert references[4:] == [None, None]
    assert kinds == [
        *("any", "integer", "number", "raster", "choice", "list", "array", "alternatives", "date", "object", "boolean"),
    ]
    assert dict(zip(every, of_ids, strict=True)) == {
        **{"any": "any", "multiple": "alternatives", "list": "list", "string": "text", "number": "number"},
        **{"int": "integer", "float": "number", "bool": "boolean", "dict": "object", "array": "alternatives"},
        **{"raster": "raster", "raster_dataset": "dataset", "choice": "choice", "date": "date"},
        **{"feature": "geojson", "feature_collection": "geojson", "feature_dataset": "geojson"},
        **{"datetime": "datetime", "bbox": "bbox", "crs": "crs", "color": "color"},
    }
    assert steps == ["0.01", "1", "10000", "any"]
