"""How a registered job is run, as its registration says."""

import pytest

from geojobs_lab.errors import ConfigurationError
from geojobs_lab.jobs.rules import CRASHED, Rules, read_rules


def test_what_is_not_said_is_neither_tried_again_nor_limited() -> None:
    rules = read_rules("job", {"type": "task"})
    assert rules == Rules()
    assert rules.delay([CRASHED], 0) is None
    assert rules.time_limit(None, None) is None


def test_a_registration_is_read() -> None:
    entry = {
        "timeout": 90,
        "retries": 2,
        "retry_on": ["OSError"],
        "retry_delay": 0.5,
        "restartable": True,
        "max_running": 1,
    }
    assert read_rules("job", entry) == Rules(90, 2, ("OSError",), 0.5, True, 1)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("timeout", 0),
        ("timeout", "60"),
        ("timeout", True),
        ("timeout", float("nan")),
        ("timeout", float("inf")),
        ("retries", -1),
        ("retries", 1.5),
        ("retries", True),
        ("retry_on", "OSError"),
        ("retry_on", [OSError]),
        ("retry_delay", -1),
        ("retry_delay", None),
        ("restartable", 1),
        ("max_running", 0),
        ("max_running", "1"),
    ],
)
def test_what_cannot_be_meant_is_refused_with_key_and_value(key: str, value: object) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        read_rules("job", {key: value})
    assert repr(key) in str(refusal.value)
    assert repr(value) in str(refusal.value)
    assert refusal.value.entry == "job"


def test_the_pause_before_a_new_try_doubles_up_to_five_minutes() -> None:
    rules = Rules(retries=1000, retry_delay=2)
    assert [rules.delay([CRASHED], retried) for retried in (0, 1, 2, 7, 8, 999)] == [2, 4, 8, 256, 300, 300]
    assert rules.delay([CRASHED], 1000) is None


def test_crashes_and_named_errors_are_tried_again_and_no_others() -> None:
    rules = Rules(retries=1, retry_on=("OSError",), retry_delay=3)
    assert rules.delay(["FileNotFoundError", "OSError"], 0) == 3
    assert rules.delay([CRASHED], 0) == 3
    assert rules.delay(["ValueError"], 0) is None
    assert rules.delay([], 0) is None


def test_a_submission_can_only_ask_for_less_time_than_the_configuration_gives() -> None:
    assert Rules().time_limit(60, None) == 60
    assert Rules(timeout=600).time_limit(60, None) == 600
    assert Rules(timeout=600).time_limit(60, 30) == 30
    assert Rules(timeout=600).time_limit(60, 3600) == 600
    assert Rules().time_limit(None, 30) == 30
