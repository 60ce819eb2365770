"""Nodes side by side: threads, their end, failures, interrupts, progress."""

import itertools
import signal
import threading
import time
from collections import Counter
from contextvars import ContextVar

import pytest
from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.errors import NodeFailed
from geojobs_lab.parameters import AnyParameter, IntParameter, ListParameter
from geojobs_lab.tasks import Registry, RunContext, Task, current_context, log, progress, use_context
from geojobs_lab.workflows import Workflow, running

LONGEST = 20  # seconds that a thread of these tests waits for another: only when it fails
WHERE = ContextVar("where", default="nowhere")


class Do(Task):
    """Call what the test has put under the name; `after` only makes it wait for other nodes."""

    name = "test:do"
    inputs = (AnyParameter("what"), *(AnyParameter(f"after{n}", required=False) for n in range(12)))
    outputs = (AnyParameter("out"),)

    def __init__(self, actions):
        self.actions = actions

    def execute(self, what, **after):
        return {"out": self.actions[what](*after.values())}


class Recording(RunContext):
    def __init__(self):
        self.resolver = None
        self.reports = []
        self.lines = []

    def report(self, fraction, message):
        before = len(self.reports)
        self.reports.append((fraction, message))
        time.sleep(0)
        assert len(self.reports) == before + 1, "two threads report at the same time"

    def log(self, level, message):
        self.lines.append((level, message))


def workflow_of(edges, actions):
    """Return a workflow of nodes (id -> ids that it waits for), each doing what `actions` has under its id."""
    registry = Registry()
    registry.register(Do(actions))
    needed = set(itertools.chain(*edges.values()))
    nodes = [
        {
            "id": node,
            "task": "test:do",
            "inputs": {
                "what": {"source": "literal", "input": node},
                **{f"after{n}": {"source": "dependency", "node": [other, "out"]} for n, other in enumerate(others)},
            },
        }
        for node, others in edges.items()
    ]
    ends = [{"name": node, "node": [node, "out"]} for node in edges if node not in needed]
    return Workflow.from_json({"workflow": nodes, "outputs": ends}, registry)


def test_two_nodes_that_each_wait_for_the_other_to_have_started_both_end():
    started = {"a": threading.Event(), "b": threading.Event()}

    def meet(me, other):
        started[me].set()
        return started[other].wait(LONGEST)

    edges = {"first": [], "a": ["first"], "b": ["first"], "last": ["a", "b"]}
    actions = {
        "first": lambda: 1,
        "a": lambda _: meet("a", "b"),
        "b": lambda _: meet("b", "a"),
        "last": lambda *both: all(both),
    }
    assert workflow_of(edges, actions)()["last"] is True


def test_no_fewer_nodes_than_four_may_run_at_once_on_any_machine():
    assert running._AT_ONCE >= 4


@pytest.mark.parametrize("cores", [4, 9])
def test_as_many_nodes_run_at_once_as_are_allowed_and_no_more(monkeypatch, cores):
    monkeypatch.setattr(running, "_AT_ONCE", cores)
    together, busy, most = threading.Barrier(cores, timeout=LONGEST), Counter(), []

    def work():
        busy["now"] += 1
        most.append(busy["now"])
        if len(most) <= cores:
            together.wait()
        time.sleep(0.01)
        busy["now"] -= 1

    edges = {f"n{number}": [] for number in range(12)}
    workflow_of(edges, dict.fromkeys(edges, work))()
    assert max(most) <= cores
    assert len(most) == 12


def test_a_chain_needs_no_thread_and_the_threads_of_others_are_gone_when_the_run_is_over():
    def here(*_):
        return threading.current_thread().name

    before = set(threading.enumerate())
    chain = workflow_of({"a": [], "b": ["a"], "c": ["b"]}, dict.fromkeys("abc", here))
    assert chain()["c"] == threading.current_thread().name
    both = threading.Barrier(2, timeout=LONGEST)

    def there():
        both.wait()
        return here()

    names = set(workflow_of({"a": [], "b": []}, dict.fromkeys("ab", there))().values())
    assert names == {threading.current_thread().name, "geojobs-workflow"}
    assert set(threading.enumerate()) == before


def test_context_variables_go_into_the_threads_and_a_node_does_not_change_those_of_others():
    both = threading.Barrier(2, timeout=LONGEST)

    def act(*_):
        seen = WHERE.get()
        WHERE.set("in a node")
        return seen

    def meet():
        both.wait()
        return act()

    token = WHERE.set("here")
    try:
        result = workflow_of({"a": [], "b": [], "c": ["a"]}, {"a": meet, "b": meet, "c": act})()
        assert (result["b"], result["c"], WHERE.get()) == ("here", "here", "here")
    finally:
        WHERE.reset(token)


def test_after_a_failure_nothing_more_is_started_what_runs_is_waited_for_and_the_first_failure_is_raised():
    failed, order = threading.Event(), []

    def fail():
        order.append("fail")
        try:
            raise ValueError("the first")
        finally:
            failed.set()

    def slow():
        failed.wait(LONGEST)
        time.sleep(0.05)
        order.append("slow")
        raise ValueError("the second")

    edges = {"slow": [], "fails": [], "behind": ["slow"]}
    actions = {"slow": slow, "fails": fail, "behind": lambda _: order.append("behind")}
    for nodes in (edges, dict(reversed(edges.items()))):  # in the caller's thread, and in another
        failed.clear()
        order.clear()
        with use_context(Recording()) as context, pytest.raises(NodeFailed) as caught:
            workflow_of(nodes, actions)()
        assert order == ["fail", "slow"]
        assert caught.value.node == "fails"
        assert str(caught.value.__cause__) == "the first"
        assert context.lines == [("ERROR", "after another node had failed: node 'slow': the second")]
        assert not any(thread.name == "geojobs-workflow" for thread in threading.enumerate())


def test_a_node_that_asks_to_exit_ends_the_run_whatever_thread_it_is_in():
    both = threading.Barrier(2, timeout=LONGEST)

    def leave():
        both.wait()
        raise SystemExit(3)

    def stay():
        both.wait()

    for actions in ({"a": leave, "b": stay}, {"a": stay, "b": leave}):
        with pytest.raises(SystemExit) as caught:
            workflow_of({"a": [], "b": [], "c": ["a", "b"]}, {**actions, "c": pytest.fail})()
        assert caught.value.code == 3
    for thread in threading.enumerate():
        if thread.name == "geojobs-workflow":
            thread.join(LONGEST)


def test_one_object_that_runs_several_times_at_once_gives_the_same_each_time():
    together = threading.Barrier(4, timeout=LONGEST)

    def work(*before):
        if not before:
            together.wait()  # the two nodes of two runs
        return [*before]

    workflow = workflow_of({"a": [], "b": [], "c": ["a", "b"]}, dict.fromkeys("abc", work))
    results = []
    runs = [threading.Thread(target=lambda: results.append(dict(workflow()))) for _ in range(2)]
    for thread in runs:
        thread.start()
    for thread in runs:
        thread.join()
    assert results == [{"c": [[], []]}] * 2


@pytest.mark.parametrize("where", ["waits", "works"])
def test_an_interrupt_of_the_caller_is_raised_at_once_and_nothing_more_is_started(where):
    release, started, too_late = threading.Event(), [], []
    helped = threading.Event()  # by one thread, and no more of them: a second interrupt would end the tests
    main = threading.get_ident()
    handler = signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell ignores it in the background

    def act(*_):
        started.append(threading.current_thread().name)
        if threading.get_ident() == main:
            helped.wait(LONGEST)
        else:
            helped.set()
            time.sleep(0.05)  # the caller is waiting, or in its own node
            signal.pthread_kill(main, signal.SIGINT)
            if not release.wait(LONGEST):
                too_late.append("the caller has waited")
            return
        while where == "works" and not release.is_set():
            time.sleep(0.01)

    try:
        with pytest.raises(KeyboardInterrupt):
            workflow_of({"a": [], "b": [], "c": ["b"], "d": ["a"], "e": ["a", "b"]}, dict.fromkeys("abcde", act))()
        assert not release.is_set()
        before = len(started)
    finally:
        release.set()
        signal.signal(signal.SIGINT, handler)
    for thread in threading.enumerate():
        if thread.name == "geojobs-workflow":
            thread.join(LONGEST)
    assert len(started) == before
    assert not too_late


def test_the_progress_of_nodes_side_by_side_is_one_that_only_grows():
    both = threading.Barrier(2, timeout=LONGEST)

    def work(steps):
        def act():
            for step in range(steps + 1):
                both.wait()
                progress(step / steps, "at work")
            progress(0.2)
            log("nearly")

        return act

    with use_context(Recording()) as context:
        workflow_of({"a": [], "b": []}, {"a": work(20), "b": work(20)})()
    fractions = [fraction for fraction, _ in context.reports]
    assert fractions == sorted(fractions)
    assert (fractions[0], fractions[-1]) == (0.0, 1.0)
    assert {message for _, message in context.reports} == {"a", "b", "a: at work", "b: at work"}
    assert sorted(context.lines) == [("INFO", "a: nearly"), ("INFO", "b: nearly")]


def test_a_message_without_a_fraction_leaves_the_progress_alone():
    def act():
        progress(0.5)
        current_context().report(None, "thinking")
        current_context().report(0.6, None)

    with use_context(Recording()) as context:
        workflow_of({"a": []}, {"a": act})()
    assert context.reports == [(0.0, "a"), (0.5, "a"), (None, "a: thinking"), (0.6, "a: thinking"), (1.0, "a")]


def test_a_workflow_within_a_workflow_shares_its_node_s_part_of_the_whole():
    class Pair(Task):
        name = "test:pair"
        inputs = (IntParameter("n"),)
        outputs = (IntParameter("n"),)

        def execute(self, n):
            both.wait()
            progress(0.5, "half")
            return n + 1

    both = threading.Barrier(2, timeout=LONGEST)
    registry = Registry()
    registry.register(Pair)
    n = {"n": {"source": "input", "input": "n"}}
    side_by_side = {
        "inputs": [{"name": "n", "type": "int"}],
        "workflow": [{"id": node, "task": "test:pair", "inputs": n} for node in ("a", "b")],
        "outputs": [{"name": node, "node": [node, "n"]} for node in ("a", "b")],
    }
    registry.register(Workflow.from_json({**side_by_side, "meta": {"name": "test:inner"}}, registry))
    outer = Workflow.from_json(
        {
            **side_by_side,
            "workflow": [
                {"id": "in", "task": "test:inner", "inputs": n},
                {"id": "out", "task": "test:inner", "inputs": {"n": {"source": "dependency", "node": ["in", "a"]}}},
            ],
            "outputs": [{"name": "b", "node": ["out", "b"]}],
        },
        registry,
    )
    with use_context(Recording()) as context:
        assert outer(n=1)["b"] == 3
    fractions = [fraction for fraction, _ in context.reports]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1.0
    assert {"in: a: half", "in: b: half", "out: a: half", "out: b: half", "in", "out"} <= {
        m for _, m in context.reports
    }


class Total(Task):
    name = "test:total"
    inputs = (IntParameter("own"), *(IntParameter(f"n{n}", required=False) for n in range(8)))
    outputs = (IntParameter("sum"), ListParameter(IntParameter(""), "all"))

    def execute(self, own, **others):
        return {"sum": own + sum(others.values()), "all": [own, *others.values()]}


@st.composite
def graphs(draw):
    """Draw, for each node, the earlier nodes that it needs."""
    count = draw(st.integers(1, 8))
    return [draw(st.sets(st.integers(0, max(node - 1, 0)), max_size=min(node, 8))) for node in range(count)]


@given(graphs())
def test_any_graph_gives_what_its_nodes_give_one_after_another(graph):
    registry = Registry()
    registry.register(Total)
    graph = [needed if node else set() for node, needed in enumerate(graph)]
    expected = []
    for node, needed in enumerate(graph):
        expected.append(node + sum(expected[other] for other in needed))
    document = {
        "workflow": [
            {
                "id": str(node),
                "task": "test:total",
                "inputs": {
                    "own": {"source": "literal", "input": node},
                    **{f"n{n}": {"source": "dependency", "node": [str(o), "sum"]} for n, o in enumerate(needed)},
                },
            }
            for node, needed in enumerate(graph)
        ],
        "outputs": [{"name": f"out{node}", "node": [str(node), "sum"]} for node in range(len(graph))],
    }
    workflow = Workflow.from_json(document, registry)
    assert list(workflow().values()) == expected
    assert list(workflow().values()) == expected
