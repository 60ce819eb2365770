import logging
import math
import threading

import pytest

from geojobs_lab.tasks import RunContext, current_context, log, progress, track, use_context


class Recording(RunContext):
    def __init__(self):
        self.resolver = None
        self.reports = []
        self.lines = []

    def report(self, fraction, message):
        self.reports.append((fraction, message))

    def log(self, level, message):
        self.lines.append((level, message))


def test_progress_and_log_reach_the_context():
    with use_context(Recording()) as context:
        progress(0.25, "reading")
        progress(1)
        log("a line")
        log("careful", level="warning")
    assert context.reports == [(0.25, "reading"), (1.0, None)]
    assert context.lines == [("INFO", "a line"), ("WARNING", "careful")]


def test_progress_beyond_its_ends_is_the_end_and_nan_is_refused():
    with use_context(Recording()) as context:
        progress(1.01)
        progress(-1)
        with pytest.raises(ValueError, match="progress takes a fraction from 0 to 1, not NaN"):
            progress(math.nan)
    assert [fraction for fraction, _ in context.reports] == [1.0, 0.0]


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="level: must be one of DEBUG, INFO, WARNING, ERROR, CRITICAL, not 'loud'"):
        log("x", level="loud")


def test_track_reports_what_is_done():
    with use_context(Recording()) as context:
        assert list(track(["a", "b"], "reading")) == ["a", "b"]
        assert list(track(iter("abcd"), total=4)) == ["a", "b", "c", "d"]
    assert context.reports == [
        (0.0, "reading"), (0.5, "reading"), (1.0, "reading"),
        (0.0, None), (0.25, None), (0.5, None), (0.75, None), (1.0, None),
    ]  # fmt: skip


def test_track_reports_an_item_only_when_it_is_done():
    with use_context(Recording()) as context:
        items = track([1, 2])
        next(items)
        assert context.reports == [(0.0, None)]
        next(items)
        assert context.reports == [(0.0, None), (0.5, None)]


def test_track_without_a_length_reports_its_message_alone():
    with use_context(Recording()) as context:
        assert list(track(iter("ab"), "reading")) == ["a", "b"]
        assert list(track([])) == []
    assert context.reports == [(None, "reading")]


def test_track_of_a_long_list_reports_no_more_than_a_bar_shows():
    with use_context(Recording()) as context:
        assert sum(1 for _ in track(range(100_000))) == 100_000
    assert len(context.reports) == 201
    assert context.reports[-1] == (1.0, None)


def test_more_items_than_announced_stay_at_the_end():
    with use_context(Recording()) as context:
        assert len(list(track(iter("abc"), total=2))) == 3
    assert context.reports[-1] == (1.0, None)


def test_contexts_end_with_their_block_and_do_not_reach_other_threads():
    seen = []
    outside = current_context()
    with use_context(Recording()) as context:
        thread = threading.Thread(target=lambda: seen.append(current_context()))
        thread.start()
        thread.join()
        assert current_context() is context
    assert seen == [outside]
    assert current_context() is outside


def test_outside_of_a_run_progress_goes_nowhere_and_log_lines_to_logging(caplog):
    with caplog.at_level(logging.DEBUG):
        progress(0.5, "unseen")
        log("50 % seen", level="ERROR")
    assert [(record.levelname, record.getMessage()) for record in caplog.records] == [("ERROR", "50 % seen")]
