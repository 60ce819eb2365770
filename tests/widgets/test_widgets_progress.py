"""The bar of a task that is called directly, in a real kernel."""

import os
import re
import subprocess
import sys
from typing import Any

import nbformat
import pytest
from nbclient import NotebookClient

from geojobs_lab.tasks import task
from geojobs_lab.tasks.showing import _display_kind
from geojobs_lab.widgets import TaskProgress

TASKS = """\
import time, threading, asyncio
from geojobs_lab import Workflow, task
from geojobs_lab.tasks import Registry, progress, track

@task(title="Slow <work>")
def slow(n: int = 8, fail: bool = False) -> int:
    for _ in track(range(n), "step of <it>"):
        time.sleep(0.1)
    if fail:
        raise ValueError("no luck")
    return n

@task
def silent(seconds: float) -> float:
    time.sleep(seconds)
    return seconds

@task
def quick(n: int) -> int:
    progress(0.5, "half")
    return n

@task
def outer(n: int) -> int:
    return slow(n=n)["result"] + slow(n=n)["result"]

registry = Registry()
registry.register(slow)
node = {"id": "first", "task": "slow", "inputs": {"n": {"source": "literal", "input": 8}}}
flow = Workflow({"meta": {"name": "Flow"}, "inputs": [], "workflow": [node],
                 "outputs": [{"name": "out", "node": ["first", "result"]}]}, registry)
"""
BREAKING = """\
import sys
from IPython.core.displaypub import DisplayPublisher
publish = type(get_ipython().display_pub).publish
def broken(self, *args, **options):
    raise RuntimeError("nobody looks")
type(get_ipython().display_pub).publish = broken
got = slow()["result"]
type(get_ipython().display_pub).publish = publish
print(got)"""
THREAD = """\
threads = [threading.Thread(target=slow) for _ in range(2)]
[thread.start() for thread in threads]
[thread.join() for thread in threads]
async def inside():
    return slow()["result"]
print(await inside())"""
CELLS = {
    "tasks": TASKS,
    "imported": "import sys; print(sorted({'ipyleaflet', 'ipywidgets', 'anywidget', 'numpy'} & set(sys.modules)))",
    "slow": "slow()['result']",
    "quick": "quick(n=3)['result']",
    "silent": "silent(seconds=0.8)['result']",
    "outer": "outer(n=4)['result']",
    "flow": "flow()['out']",
    "failing": "try:\n    slow(fail=True)\nexcept ValueError as error:\n    print(error)",
    "refused": "try:\n    slow(n='x')\nexcept ValueError as error:\n    print(error)",
    "breaking": BREAKING,
    "thread": THREAD,
    "light": "print(sorted({'ipyleaflet', 'ipywidgets', 'anywidget', 'numpy'} & set(sys.modules)))",
}


@pytest.fixture(scope="module")
def cells(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the cells in a kernel, and return their outputs and what was sent in their course."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source) for source in CELLS.values()])
    said: dict[int, list[Any]] = {number: [] for number in range(len(CELLS))}

    class Watching(NotebookClient):
        def process_message(self, msg: Any, cell: Any, cell_index: int) -> Any:
            if msg["msg_type"] in ("display_data", "update_display_data"):
                said[cell_index].append((msg["msg_type"], msg["content"]["data"]))
            return super().process_message(msg, cell, cell_index)

    environment = {**os.environ, "IPYTHONDIR": str(tmp_path_factory.mktemp("ipython"))}
    Watching(notebook, timeout=120, kernel_name="python3").execute(env=environment)
    return {
        name: (cell.outputs, said[number])
        for number, (name, cell) in enumerate(zip(CELLS, notebook.cells, strict=True))
    }


def texts(said: list[Any]) -> list[str]:
    return [data["text/plain"] for _, data in said]


def test_a_bar_moves_and_ends_as_a_line(cells: dict[str, Any]) -> None:
    outputs, said = cells["slow"]
    assert [kind for kind, _ in said][:2] == ["display_data", "update_display_data"]
    assert re.fullmatch(r"Slow <work>  \d+%  step of <it>  \d s", texts(said)[0])
    first, *_, last = (data["text/html"] for _, data in said)
    assert "Slow &lt;work&gt;" in first
    assert "step of &lt;it&gt;" in first
    assert 'aria-valuenow="' in first
    assert re.fullmatch(r"✓ Slow <work>  done in \d\.\d s", texts(said)[-1])
    assert "progressbar" not in last
    # What the notebook keeps is the last picture, in the one output that the bar had.
    assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
    assert outputs[0].data["text/plain"] == texts(said)[-1]
    shares = [int(share) for text in texts(said) for share in re.findall(r"(\d+)%", text)]
    assert shares == sorted(shares)
    assert len(said) <= 10  # ten pictures a second, and the end


def test_a_short_call_shows_nothing(cells: dict[str, Any]) -> None:
    outputs, said = cells["quick"]
    assert said == []
    assert [output.output_type for output in outputs] == ["execute_result"]


def test_a_task_that_reports_nothing_is_seen_to_run(cells: dict[str, Any]) -> None:
    _, said = cells["silent"]
    assert re.fullmatch(r"silent  \d s", texts(said)[0])
    assert "aria-valuenow" not in said[0][1]["text/html"]


@pytest.mark.parametrize(("name", "title"), [("outer", "outer"), ("flow", "Flow")])
def test_only_the_outermost_call_has_a_bar(cells: dict[str, Any], name: str, title: str) -> None:
    outputs, said = cells[name]
    assert [output.output_type for output in outputs] == ["display_data", "execute_result"]
    assert all(title in text for text in texts(said))
    assert any("step of <it>" in text for text in texts(said))


def test_a_failure_is_shown_and_raised(cells: dict[str, Any]) -> None:
    outputs, said = cells["failing"]
    assert re.fullmatch(r"✗ Slow <work>  failed with ValueError after \d\.\d s", texts(said)[-1])
    assert [output.get("text") for output in outputs] == [None, "no luck\n"]


def test_a_refused_call_has_not_begun(cells: dict[str, Any]) -> None:
    outputs, said = cells["refused"]
    assert said == []
    assert outputs[0].text == "n: must be an integer, not 'x'\n"


def test_what_goes_wrong_with_the_display_does_not_harm_the_task(cells: dict[str, Any]) -> None:
    outputs, said = cells["breaking"]
    assert said == []
    assert [output.get("text") for output in outputs] == ["8\n"]


def test_calls_in_threads_and_in_the_event_loop_have_bars(cells: dict[str, Any]) -> None:
    outputs, _ = cells["thread"]
    kept = [output.data["text/plain"] for output in outputs if output.output_type == "display_data"]
    assert len(kept) == 3
    assert all("done in" in text for text in kept)
    assert outputs[-1].text == "8\n"


def test_the_bar_loads_no_widgets(cells: dict[str, Any]) -> None:
    assert cells["imported"][0][0].text == "[]\n"
    assert cells["light"][0][0].text == "[]\n"


def test_outside_of_a_kernel_nothing_is_shown_or_loaded() -> None:
    code = (
        "import sys, time\n"
        "from geojobs_lab.tasks import task, progress\n"
        "@task\n"
        "def work(n: int) -> int:\n"
        "    progress(0.5)\n"
        "    return n\n"
        "assert work(n=1)['result'] == 1\n"
        "print(sorted({'IPython', 'ipykernel', 'ipywidgets', 'geojobs_lab.widgets'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_entry_point_leads_to_the_bar() -> None:
    assert _display_kind() is TaskProgress


def test_an_interrupted_call_says_so_and_long_ones_are_told_in_minutes() -> None:
    from geojobs_lab.widgets.progress import _bar_text, _end_html, _end_text

    assert _end_text("Work", KeyboardInterrupt(), 3.21) == "■ Work  stopped after 3.2 s"
    assert _bar_text("Work", 0.1234, "a\nb", 3725) == "Work  12%  a b  62 min 05 s"
    assert "&lt;b&gt;" in _end_html("<b>", None, 1)


def test_a_display_that_cannot_be_made_is_done_without(monkeypatch: pytest.MonkeyPatch) -> None:
    from geojobs_lab.tasks import showing

    def broken(title: str) -> None:
        raise RuntimeError("no screen")

    class Half:
        def __init__(self, title: str) -> None:
            pass

        def report(self, fraction: float | None, message: str | None) -> None:
            raise RuntimeError("no screen")

        finish = report

    @task
    def work(n: int) -> int:
        from geojobs_lab.tasks import progress

        progress(0.5)
        return n

    monkeypatch.setattr(showing, "_is_in_kernel", lambda: True)
    for kind in (broken, Half, None):
        monkeypatch.setattr(showing, "_display_kind", lambda kind=kind: kind)
        assert work(n=3)["result"] == 3
