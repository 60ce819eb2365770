"""The order in which jobs have their turn."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.jobs.queue import JobQueue, Order
from geojobs_lab.jobs.registered import RegisteredJob
from geojobs_lab.jobs.rules import Rules


def order(uuid: str, name: str = "any", priority: int = 0, most: int | None = None) -> Order:
    job = Job(uuid=uuid, job=name, created="t", inputs="{}", priority=priority)
    return Order(job, RegisteredJob(name, {}, rules=Rules(max_running=most)), {}, {})


def always(registered: RegisteredJob) -> bool:
    return True


@given(st.lists(st.tuples(st.sampled_from("abc"), st.integers(-2, 2))), st.data())
def test_higher_priority_first_then_first_come_first_served(jobs, data) -> None:
    queue = JobQueue()
    for number, (name, priority) in enumerate(jobs):
        queue.add(order(str(number), name, priority))
    gone = data.draw(st.sets(st.integers(0, max(0, len(jobs) - 1)))) if jobs else set()
    for number in gone:
        assert queue.remove(str(number)) is not None
        assert queue.remove(str(number)) is None
    left = [number for number in range(len(jobs)) if number not in gone]
    wanted = sorted(left, key=lambda number: (-jobs[number][1], number))
    assert len(queue) == len(left)
    taken = []
    while (one := queue.take(always)) is not None:
        taken.append(int(one.job.uuid))
    assert taken == wanted
    assert len(queue) == 0


def test_a_job_whose_limit_is_reached_holds_up_no_other() -> None:
    queue = JobQueue()
    for number in range(3):
        queue.add(order(f"heavy {number}", "heavy", priority=5, most=1))
    queue.add(order("light", "light"))
    running: Counter[str] = Counter()

    def may_run(registered: RegisteredJob) -> bool:
        most = registered.rules.max_running
        return most is None or running[registered.name] < most

    def take() -> str | None:
        one = queue.take(may_run)
        if one is None:
            return None
        running[one.job.job] += 1
        return one.job.uuid

    assert [take(), take(), take()] == ["heavy 0", "light", None]
    running["heavy"] -= 1
    assert [take(), take()] == ["heavy 1", None]


def test_a_job_that_comes_again_is_taken_once_as_it_came_last() -> None:
    queue = JobQueue()
    first, second = order("x"), order("x", priority=1)
    queue.add(first)
    queue.remove("x")
    queue.add(second)
    assert queue.get("x") is second
    assert queue.take(always) is second
    assert queue.take(always) is None
