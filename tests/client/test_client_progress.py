import io
import os

from geojobs_lab.client.progress import ProgressLine
from geojobs_lab.documents import JobDocument, Status


class Terminal(io.TextIOWrapper):
    def __init__(self, encoding: str = "utf-8") -> None:
        super().__init__(io.BytesIO(), encoding)

    def isatty(self) -> bool:
        return True

    @property
    def text(self) -> str:
        self.flush()
        return self.buffer.getvalue().decode(self.encoding)


def document(progress: float | None, message: str | None = None, status: Status = Status.STARTED) -> JobDocument:
    return JobDocument("u", "warming", "2016", status, "{}", "{}", None, None, progress, message, None, 1)


def test_a_terminal_gets_one_line_that_is_written_over():
    terminal = Terminal()
    line = ProgressLine(terminal)
    line.show(document(0.25, "mean"))
    line.show(document(0.5, "difference"))
    line.close()
    assert terminal.text.count("\n") == 1
    last = terminal.text.rsplit("\r", 1)[1]
    assert "█" * 15 + "░" * 15 in last
    assert " 50%" in last
    assert "difference" in last


def test_a_line_never_wraps(monkeypatch):
    monkeypatch.setattr("shutil.get_terminal_size", lambda _: os.terminal_size((40, 24)))
    terminal = Terminal()
    ProgressLine(terminal).show(document(0.5, "m" * 200))
    assert len(terminal.text.lstrip("\r")) == 39


def test_a_terminal_without_unicode_gets_plain_signs():
    terminal = Terminal("ascii")
    ProgressLine(terminal).show(document(1.0))
    assert "#" * 30 in terminal.text


def test_a_message_cannot_steer_the_terminal():
    terminal = Terminal()
    ProgressLine(terminal).show(document(0.5, "a\x1b[2J\nb"))
    assert "\x1b" not in terminal.text
    assert "\n" not in terminal.text


def test_elsewhere_a_line_comes_for_each_change_that_matters():
    stream = io.StringIO()
    line = ProgressLine(stream)
    for progress in (0.0, 0.01, 0.02, 0.31, 0.32):
        line.show(document(progress, "mean"))
    line.show(document(0.32, "difference"))
    line.show(document(None, None, Status.SUCCESS))
    line.close()
    lines = stream.getvalue().splitlines()
    assert len(lines) == 4
    assert "100%" in lines[-1]
    assert "success" in lines[-1]


def test_a_job_that_tells_nothing_yet_shows_no_number():
    stream = io.StringIO()
    ProgressLine(stream).show(document(None, None, Status.PENDING))
    assert "…" in stream.getvalue()
    assert "%" not in stream.getvalue()
