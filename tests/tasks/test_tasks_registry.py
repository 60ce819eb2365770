import logging
import subprocess
import sys

import pytest

from geojobs_lab.errors import ConfigurationError, NotFound
from geojobs_lab.parameters import IntParameter
from geojobs_lab.tasks import Registry, Task, default_registry, task
from geojobs_lab.tasks.loading import load_task


class Counting(Task):
    name = "demo:count"
    inputs = (IntParameter("n"),)

    def execute(self, n):
        return n


@task(name="demo:add")
def add(a: int, b: int) -> int:
    return a + b


def test_tasks_are_found_by_name():
    registry = Registry()
    assert registry.register(add) is add
    registry.register(Counting)
    assert registry.names() == ("demo:add", "demo:count")
    assert registry.get("demo:add") is add
    assert isinstance(registry.get("demo:count"), Counting)


def test_an_unknown_name_is_refused_with_those_that_are_known():
    registry = Registry()
    registry.register(add)
    with pytest.raises(NotFound) as caught:
        registry.get("demo:ad")
    assert str(caught.value) == "there is no task 'demo:ad'; did you mean 'demo:add'? known are: 'demo:add'"
    assert (caught.value.subject, caught.value.name) == ("task", "demo:ad")


def test_a_registered_task_is_found_by_its_name_alone():
    name = default_registry().names()[0]
    assert Task.by_name(name) is default_registry().get(name)
    with pytest.raises(NotFound, match="there is no task 'nowhere'; .*known are: "):
        Task.by_name("nowhere")


def test_a_name_means_one_task_and_a_redefinition_replaces():
    registry = Registry()
    registry.register(Counting)
    again = registry.register(Counting)
    assert registry.get("demo:count") is again

    class Other(Counting):
        pass

    with pytest.raises(ConfigurationError, match=r"the name 'demo:count' of '.*Other' is taken by '.*Counting'"):
        registry.register(Other)


def test_a_task_without_a_name_is_not_registered():
    class Nameless(Counting):
        name = ""

    with pytest.raises(ConfigurationError, match=r"Nameless' has no name to be registered under"):
        Registry().register(Nameless)


@pytest.fixture
def package(tmp_path, monkeypatch):
    """Return a function that writes modules of a package `geotest_app`, importable for this test alone."""
    monkeypatch.syspath_prepend(str(tmp_path))
    folder = tmp_path / "geotest_app"
    folder.mkdir()
    (folder / "__init__.py").write_text("")

    def write(name, text):
        head = "from geojobs_lab.parameters import IntParameter\nfrom geojobs_lab.tasks import Task, task\n"
        (folder / f"{name}.py").write_text(head + text)

    yield write
    for name in [name for name in sys.modules if name.split(".")[0] == "geotest_app"]:
        del sys.modules[name]


SOME_TASK = """
import sys

class SomeTask(Task):
    name = "some"
    inputs = [IntParameter("in", required=True)]
    outputs = [IntParameter("out")]

    def execute(self, **kwargs):
        return kwargs["in"] + 1

some = SomeTask()

@task
def plus(a: int) -> int:
    return a + 1

def undecorated(a):
    return a

class NotATask:
    pass

class NoExecute(Task):
    pass

class Wanting(SomeTask):
    def __init__(self, what):
        self.what = what

class Class(SomeTask):
    inputs = [IntParameter]

class Twice(SomeTask):
    inputs = [IntParameter("a"), IntParameter("a")]

class Unnamed(SomeTask):
    outputs = [IntParameter("")]

class Single(SomeTask):
    inputs = IntParameter("a")
"""


def test_a_dotted_path_leads_to_a_class_an_object_or_a_function(package):
    package("tasks", SOME_TASK)
    assert load_task("geotest_app.tasks.SomeTask")(**{"in": 5})["out"] == 6
    assert load_task("geotest_app.tasks.some")(**{"in": 5})["out"] == 6
    assert load_task("geotest_app.tasks.plus")(a=5)["result"] == 6


@pytest.mark.parametrize(
    ("path", "message"),
    [
        ("SomeTask", "'SomeTask' is not a dotted path like 'package.module.SomeTask'"),
        (".tasks.SomeTask", "'.tasks.SomeTask' is not a dotted path like 'package.module.SomeTask'"),
        ("geotest_app.tasks:SomeTask", "'geotest_app.tasks:SomeTask' is not a dotted path like"),
        ("geotest_ap.tasks.SomeTask", "'geotest_ap.tasks.SomeTask': there is no module 'geotest_ap'"),
        ("geotest_app.task.SomeTask", "'geotest_app.task.SomeTask': there is no module 'geotest_app.task'"),
        ("geotest_app.tasks.OtherTask", "'geotest_app.tasks.OtherTask': the module 'geotest_app.tasks' has no "
                                        "'OtherTask'"),
        ("geotest_app.tasks.NotATask", "'geotest_app.tasks.NotATask' is not a task: it must be a Task class, a Task "
                                       "object or a function with @task, not <class 'geotest_app.tasks.NotATask'>"),
        ("geotest_app.tasks.sys", "'geotest_app.tasks.sys' is not a task: it must be a Task class, a Task "
                                     "object or a function with @task, not a module"),
        ("geotest_app.tasks.undecorated", "'geotest_app.tasks.undecorated' is a function, not a task: put @task"),
        ("geotest_app.tasks.NoExecute", "'geotest_app.tasks.NoExecute': the task has no execute method"),
        ("geotest_app.tasks.Wanting", "'geotest_app.tasks.Wanting': the task cannot be made without arguments: Type"),
        ("geotest_app.tasks.Class", "'geotest_app.tasks.Class': inputs must hold parameters, not <class 'geojobs_lab"),
        ("geotest_app.tasks.Twice", "'geotest_app.tasks.Twice': among the inputs there is two of the name 'a'"),
        ("geotest_app.tasks.Unnamed", "'geotest_app.tasks.Unnamed': among the outputs there is one without a name"),
        ("geotest_app.tasks.Single", "'geotest_app.tasks.Single': inputs must be a list of parameters, not IntParam"),
        ("geotest_app.lacking.X", "'geotest_app.lacking.X': importing 'geotest_app.lacking' failed: "
                                  "ModuleNotFoundError: No module named 'geotest_missing'"),
        ("geotest_app.broken.X", "'geotest_app.broken.X': importing 'geotest_app.broken' failed: SyntaxError: "),
        ("geotest_app.leaving.X", "'geotest_app.leaving.X': importing 'geotest_app.leaving' failed: SystemExit: 3"),
        ("geotest_app.hinted.X", "'geotest_app.hinted.X': importing 'geotest_app.hinted' failed: TypeError: task 'f': "
                                 "x has the type hint set; understood are"),
    ],
)  # fmt: skip
def test_each_mistake_behind_a_path_is_named_in_one_line(package, path, message):
    package("tasks", SOME_TASK)
    package("lacking", "import geotest_missing")
    package("broken", "def (:")
    package("leaving", "raise SystemExit(3)")
    package("hinted", "@task\ndef f(x: set) -> int:\n    return 1\n")
    with pytest.raises(ConfigurationError) as caught:
        load_task(path)
    assert str(caught.value).startswith(message)
    assert "\n" not in str(caught.value)
    assert caught.value.entry == path


@pytest.fixture
def entry_points(tmp_path, package):
    """Return a function that declares entry points of an installed distribution."""

    def declare(*lines):
        info = tmp_path / "geotest_app-1.dist-info"
        info.mkdir()
        (info / "METADATA").write_text("Metadata-Version: 2.1\nName: geotest-app\nVersion: 1\n")
        (info / "entry_points.txt").write_text("\n".join(["[geotest.tasks]", *lines]) + "\n")

    return declare


def test_entry_points_lead_to_tasks_and_broken_ones_are_logged_and_left_out(package, entry_points, caplog):
    package("tasks", SOME_TASK + "\nTASKS = (plus, Twice)\n")
    package("broken", "raise RuntimeError('no\\nluck')")
    entry_points(
        "one = geotest_app.tasks:SomeTask",
        "many = geotest_app.tasks:TASKS",
        "broken = geotest_app.broken:TASKS",
        "gone = geotest_app.tasks:GONE",
        "wrong = geotest_app.tasks:NotATask",
    )
    registry = Registry()
    with caplog.at_level(logging.ERROR):
        registry.load_entry_points("geotest.tasks")
    assert registry.names() == ("plus", "some")
    messages = [record.getMessage() for record in caplog.records]
    for message, name, end in zip(
        messages,
        ("broken", "gone", "many", "wrong"),
        ("RuntimeError: no luck", "has no attribute 'GONE'", "there is two of the name 'a'", "is not a task: "),
        strict=True,
    ):
        assert f"Entry point {name!r} of geotest.tasks: a task is left out: " in message
        assert end in message


def test_the_default_registry_of_a_process_is_made_once_and_loads_no_heavy_library_by_itself():
    code = (
        "import sys; from geojobs_lab.tasks import default_registry;"
        "import geojobs_lab.workflows;"
        "assert default_registry() is default_registry();"
        "print(sorted({'numpy', 'xarray', 'netCDF4', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
