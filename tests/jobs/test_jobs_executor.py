"""The contract of an executor, for every executor there is, with real processes and tasks that misbehave."""

import asyncio
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from jobs_bench import Heard, eventually, is_gone, pids_in


def test_a_job_runs_in_another_process_and_gives_its_outputs(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, _ = await b.run("double", value=21)
            assert (outcome.kind, outcome.outputs) == ("success", {"result": 42})
            outcome, _ = await b.run("looks_round")
            assert outcome.outputs["result"]["pid"] != os.getpid()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("name", "kind", "says"),
    [
        ("raises", "ValueError", "the lake is dry"),
        ("raises_without_words", "Speechless", "Speechless"),
        ("exits", "SystemExit", "exit with 3"),
        ("interrupts", "KeyboardInterrupt", "KeyboardInterrupt"),
        ("exits_at_once", "WorkerCrashed", "exit code 7"),
        ("segfaults", "WorkerCrashed", "SIGSEGV"),
        ("kills_itself", "WorkerCrashed", "SIGKILL"),
        ("returns_what_has_no_json", "RunError", "no JSON form"),
        ("says_too_much", "RunError", "too large"),
        ("no_such_task", "ConfigurationError", "no_such_task"),
        ("closes_every_descriptor", "WorkerCrashed", "the worker process"),
        ("writes_into_every_descriptor", "WorkerCrashed", "the worker process"),
    ],
)
def test_a_task_that_fails_its_process_fails_its_job_and_no_other(bench, name: str, kind: str, says: str) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, heard = await b.run(name)
            assert outcome.kind == "failure"
            assert outcome.error["type"] == kind
            assert says in outcome.error["message"]
            assert outcome.error["where"] == name
            if kind == "ValueError":
                assert "Traceback" in heard.text
            if name == "segfaults":
                assert "Segmentation fault" in heard.text
            assert (await b.run("double", value=1))[0].outputs == {"result": 2}

    asyncio.run(scenario())


def test_what_a_task_returns_becomes_json_or_a_file(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, _ = await b.run("ManyOutputs")
            assert outcome.kind == "success", outcome.error
            large = outcome.outputs["large"]
            assert dict(outcome.outputs) == {
                "number": 3,
                "nan": None,
                "small": [[1.0, None], [3.0, None]],
                "masked": [1, 2, None],
                "large": {"href": large["href"], "shape": [100, 200], "dtype": "float32"},
                "time": "2026-11-23T12:00:00",
                "nested": {"a": [0.5, None]},
            }
            uuid = large["href"].split("/")[3]
            assert large["href"] == f"/rest/jobs/{uuid}/outputs/large.npy"
            array = np.load(b.folder / uuid / "large.npy")
            assert np.isnan(array[0, 0])
            assert array[0, 1] == 1.0
            assert [path.name for path in (b.folder / uuid).iterdir()] == ["large.npy"]

    asyncio.run(scenario())


def test_progress_arrives_while_the_job_runs_and_the_last_word_counts(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, heard = await b.run("reports")
            assert outcome.kind == "success"
            assert heard.reports[0] == (0.25, "a quarter")
            assert heard.reports[-1] == (0.9, "the last word")
            assert len(heard.reports) < 50  # a loop of 5000 steps is not 5000 messages

    asyncio.run(scenario())


def test_what_is_no_utf8_neither_hangs_nor_hides_a_job(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, heard = await b.run("names_a_file_that_is_no_utf8")
            assert (outcome.kind, outcome.outputs) == ("success", {"result": "caf?.nc"})
            assert "caf?.nc" in heard.text
            outcome, heard = await b.run("names_a_file_that_is_no_utf8", how="raise")
            assert outcome.error["message"] == "caf?.nc"
            heard.text.encode()

    asyncio.run(scenario())


def test_a_very_long_word_on_the_progress_is_cut(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, heard = await b.run("says_very_much")
            assert outcome.kind == "success"
            assert heard.reports[-1] == (0.5, "x" * 1000)

    asyncio.run(scenario())


def test_whatever_a_task_says_is_in_the_log(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, heard = await b.run("speaks")
            for line in (
                "INFO from the task",
                "WARNING from logging",
                "STDOUT from print",
                "STDERR from print to stderr",
                "STDOUT from the descriptor, no end of line",
                "from C",
            ):
                assert line in heard.text
            assert "from a warning" in heard.text
            _, heard = await b.run("double", value=1)
            assert heard.text == ""  # and not in the log of the next job

    asyncio.run(scenario())


@pytest.mark.parametrize(("how", "line"), [("print", "STDOUT a line of Python"), ("C", "STDOUT a line of C")])
def test_what_is_printed_is_heard_while_the_job_runs(bench, how: str, line: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench() as b:
            heard = Heard()
            spec = b.spec("prints_and_waits", gate=str(tmp_path / "gate"), how=how)
            running = asyncio.create_task(b.executor.run(spec, heard))
            await eventually(lambda: heard.text == line)
            (tmp_path / "gate").touch()
            assert (await running).kind == "success"

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["exit", "kill", "return"])
def test_the_last_words_of_a_process_are_kept(bench, how: str) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, heard = await b.run("speaks_last", how=how)
            assert heard.text == "STDOUT the last words" + (" and those of C" if how == "return" else "")
            if how == "kill":
                assert outcome.error["message"].endswith("SIGKILL (signal 9), as the system does when memory runs out")

    asyncio.run(scenario())


def test_lines_are_kept_as_a_terminal_would_show_them(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            _, heard = await b.run("speaks_oddly")
            lines = sorted(heard.text.splitlines())
            assert lines == [f"STDERR 100%|{'#' * 100}", "STDOUT caf\N{REPLACEMENT CHARACTER}  red\ttab"]

    asyncio.run(scenario())


@pytest.mark.parametrize("depth", [600, 5000])
def test_what_is_nested_too_deeply_is_refused_and_the_worker_goes_on(bench, depth: int) -> None:
    async def scenario() -> None:
        async with bench() as b:
            pid = (await b.run("looks_round"))[0].outputs["result"]["pid"]
            outcome, _ = await b.run("nested", depth=depth)
            assert outcome.error["type"] == "RunError"
            assert "nested too deeply" in outcome.error["message"]
            assert (await b.run("nested", depth=50))[0].kind == "success"
            assert (await b.run("looks_round"))[0].outputs["result"]["pid"] == pid

    asyncio.run(scenario())


@pytest.mark.parametrize("end", ["return", "raise", "fork"])
def test_temporary_files_go_with_their_job(bench, end: str, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, _ = await b.run("makes_temporary_files", mark=str(tmp_path / "mark"), end=end)
            folder, file = map(Path, (tmp_path / "mark").read_text().split())
            assert folder.parent == file.parent
            assert folder.parent.parent == b.folder.parent
            assert not folder.exists()
            assert not file.exists()
            if end == "fork":
                assert outcome.outputs == {"result": "True"}  # the child has not taken them along

    asyncio.run(scenario())


def test_a_flood_of_output_neither_stops_the_job_nor_the_event_loop(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            running = asyncio.create_task(b.run("floods"))
            gaps, last = [], time.perf_counter()
            while not running.done():
                await asyncio.sleep(0.01)
                now = time.perf_counter()
                gaps.append(now - last)
                last = now
            outcome, heard = await running
            assert outcome.outputs == {"result": 200_000}
            assert f"line 199999 {'x' * 50}" in heard.lines[-1]["message"]
            assert sorted(gaps)[int(len(gaps) * 0.9)] < 0.5

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["sleeps", "ignores_sigterm", "holds_the_interpreter", "starts_a_child"])
def test_a_cancelled_job_is_ended_with_its_children_within_four_seconds(bench, name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        async with bench() as b:
            spec = b.spec(name, mark=str(mark))
            running = asyncio.create_task(b.executor.run(spec, _Deaf()))
            pids = await eventually(lambda: pids_in(mark))
            began = time.monotonic()
            b.executor.cancel(spec.uuid)
            outcome = await running
            assert outcome.kind == "revoked"
            assert time.monotonic() - began < 4
            await eventually(lambda: all(map(is_gone, pids)), within=1)
            assert (await b.run("double", value=2))[0].outputs == {"result": 4}

    asyncio.run(scenario())


def test_a_job_is_cancelled_before_it_has_a_worker(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            spec = b.spec("sleeps")
            running = asyncio.create_task(b.executor.run(spec, _Deaf()))
            await asyncio.sleep(0)
            b.executor.cancel(spec.uuid)
            assert (await asyncio.wait_for(running, 4)).kind == "revoked"

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["sleeps", "ignores_sigterm"])
def test_a_job_that_runs_too_long_fails_and_is_ended(bench, name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        async with bench() as b:
            await b.run("double", value=1)
            outcome, _ = await b.run(name, timeout=1.0, mark=str(mark))
            assert outcome.error == {"type": "JobTimeout", "message": "it ran longer than 1 s", "where": name}
            assert all(map(is_gone, pids_in(mark)))

    asyncio.run(scenario())


@pytest.mark.parametrize("pause", [0, 0.002, 0.005, 0.01, 0.02])
def test_a_job_that_is_cancelled_as_it_begins_or_ends_frees_its_place(bench, pause: float) -> None:
    async def scenario() -> None:
        async with bench() as b:
            await b.run("double", value=1)
            for _ in range(8):
                spec = b.spec("sleeps", seconds=0.01)
                running = asyncio.create_task(b.executor.run(spec, Heard()))
                await asyncio.sleep(pause)
                b.executor.cancel(spec.uuid)
                b.executor.cancel(spec.uuid)
                assert (await asyncio.wait_for(running, 4)).kind in ("revoked", "success")
                assert (await asyncio.wait_for(b.run("double", value=1), 10))[0].outputs == {"result": 2}

    asyncio.run(scenario())


def test_a_job_that_is_cancelled_while_it_is_ended_for_its_time_is_revoked(bench, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        async with bench() as b:
            await b.run("double", value=1)
            spec = b.spec("ignores_sigterm", timeout=1.0, mark=str(mark))
            running = asyncio.create_task(b.executor.run(spec, Heard()))
            pids = await eventually(lambda: pids_in(mark))
            await asyncio.sleep(1.2)
            assert not running.done()
            b.executor.cancel(spec.uuid)
            assert (await asyncio.wait_for(running, 4)).kind == "revoked"
            assert all(map(is_gone, pids))
            assert (await b.run("double", value=1))[0].outputs == {"result": 2}

    asyncio.run(scenario())


@pytest.mark.parametrize("seconds", [0.01, 0.02, 0.03])
def test_a_time_that_is_over_as_the_job_ends_is_one_or_the_other(bench, seconds: float) -> None:
    async def scenario() -> None:
        async with bench() as b:
            await b.run("double", value=1)
            for _ in range(8):
                outcome, _ = await b.run("sleeps", seconds=seconds, timeout=seconds + 0.002)
                assert outcome.kind == "success" or outcome.error["type"] == "JobTimeout"
                assert (await b.run("double", value=1))[0].outputs == {"result": 2}

    asyncio.run(scenario())


def test_the_next_job_finds_a_clean_process(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            before, _ = await b.run("looks_round")
            spoilt = (await b.run("spoils_its_process"))[0].outputs["result"]
            await asyncio.sleep(1.2)  # an alarm would have rung
            found, heard = await b.run("looks_round")
            assert dict(found.outputs["result"]) == {**before.outputs["result"], "pid": spoilt}
            assert found.outputs["result"]["spoilt"] is None
            assert found.outputs["result"]["folder"] == str(Path.cwd())
            assert {"INFO is heard", "STDOUT and this"} < set(heard.text.splitlines())
            assert "is heard too" in heard.text

    asyncio.run(scenario())


@pytest.mark.parametrize("how", ["nice", "limit", "memory"])
def test_a_process_that_cannot_be_as_before_is_not_used_again(bench, how: str) -> None:
    async def scenario() -> None:
        async with bench() as b:
            outcome, _ = await b.run("spoils_for_good", how=how)
            assert outcome.kind == "success"
            await eventually(lambda: is_gone(outcome.outputs["result"]))
            outcome, _ = await b.run("spoils_for_good", how="not")
            again, _ = await b.run("looks_round")
            assert again.outputs["result"]["pid"] == outcome.outputs["result"]

    asyncio.run(scenario())


@pytest.mark.parametrize("name", ["starts_a_child", "leaves_a_thread"])
def test_what_a_finished_task_left_running_is_ended(bench, name: str, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        async with bench() as b:
            inputs = {"mark": str(mark), "wait": False} if name == "starts_a_child" else {}
            outcome, _ = await b.run(name, **inputs)
            assert outcome.kind == "success"
            await eventually(lambda: is_gone(outcome.outputs["result"]))

    asyncio.run(scenario())


def test_a_fork_that_comes_back_does_not_answer_twice(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            assert (await b.run("forks_and_both_return"))[0].kind == "success"
            for value in range(5):
                assert (await b.run("double", value=value))[0].outputs == {"result": 2 * value}

    asyncio.run(scenario())


def test_jobs_run_side_by_side_up_to_the_capacity(bench, tmp_path: Path) -> None:
    async def scenario() -> None:
        async with bench(capacity=2) as b:
            marks = [tmp_path / "one", tmp_path / "two"]
            specs = [b.spec("sleeps", mark=str(mark)) for mark in marks]
            running = [asyncio.create_task(b.executor.run(spec, _Deaf())) for spec in specs]
            await eventually(lambda: all(map(pids_in, marks)))
            for spec in specs:
                b.executor.cancel(spec.uuid)
            assert [outcome.kind for outcome in await asyncio.gather(*running)] == ["revoked", "revoked"]

    asyncio.run(scenario())


def test_stopping_ends_everything_at_once(bench, tmp_path: Path) -> None:
    mark = tmp_path / "mark"

    async def scenario() -> None:
        async with bench() as b:
            running = asyncio.create_task(b.run("ignores_sigterm", mark=str(mark)))
            pids = await eventually(lambda: pids_in(mark))
            began = time.monotonic()
            await b.executor.stop()
            await b.executor.stop()
            assert (await running)[0].kind == "stopped"
            assert time.monotonic() - began < 4
            assert all(map(is_gone, pids))
            assert (await b.run("double", value=1))[0].kind == "stopped"

    asyncio.run(scenario())


def test_stopping_while_workers_start_leaves_none(bench) -> None:
    async def scenario() -> None:
        async with bench(capacity=2):
            await asyncio.sleep(0.05)

    asyncio.run(scenario())


class _Deaf:
    def progress(self, fraction: float | None, message: str | None) -> None: ...

    def log(self, line: object) -> None: ...


def test_an_idle_worker_that_is_killed_is_replaced_and_no_job_notices(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            for _ in range(3):
                outcome, _ = await b.run("looks_round")
                os.kill(outcome.outputs["result"]["pid"], signal.SIGKILL)
                assert (await b.run("double", value=3))[0].outputs == {"result": 6}

    asyncio.run(scenario())


def test_a_job_that_cannot_be_sent_costs_its_worker_and_no_other_job(bench) -> None:
    async def scenario() -> None:
        async with bench() as b:
            with pytest.raises(TypeError):
                await b.run("double", value=object())
            assert (await b.run("double", value=3))[0].outputs == {"result": 6}

    asyncio.run(scenario())
