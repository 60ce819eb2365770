"""Peers in environments of their own: found, or made the first time, and asked from here.

What pins other versions than ours, or is not to meet our packages, is installed below the temporary folder. A child is
a module of `benchmarks` that is run by such an interpreter, and answers one JSON document a line. It calls
`answer` last.
"""

import fcntl
import json
import os
import re
import subprocess
import sys
import tempfile
import venv
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

Ask = Callable[[dict[str, Any]], dict[str, Any]]

_REPOSITORY = Path(__file__).parent.parent
_INSTALLING = 900.0  # seconds


class NotInstalled(RuntimeError):
    """A peer cannot be had here; the message is the reason."""


def interpreter(name: str, requirements: Sequence[str]) -> Path:
    """Return the Python of an environment that has what is required; it is made when there is none.

    Parameters
    ----------
    name : str
        Of the peer and its distribution; ``GEOJOBS_<NAME>_PYTHON`` names the Python of an environment that has it.
    requirements : sequence of str
        For pip, with versions; the first is the peer's own.

    Raises
    ------
    NotInstalled
        The one that is named, or made, does not have it.
    """
    variable = "GEOJOBS_" + re.sub(r"\W", "_", name).upper() + "_PYTHON"
    named = os.environ.get(variable)
    if named:
        _check(Path(named), name, f"{variable} names an interpreter that")
        return Path(named)
    folder = Path(tempfile.gettempdir()) / f"geojobs-{requirements[0].replace('==', '-')}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:  # two benchmarks at once make it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "venv" / "bin" / "python"
        if not (folder / "made").exists():
            venv.create(folder / "venv", clear=True, with_pip=True)
            _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", *requirements])
            (folder / "made").touch()
    _check(python, name, "the environment that was made")
    return python


def _check(python: Path, name: str, what: str) -> None:
    try:
        _run([str(python), "-c", f"import importlib.metadata; importlib.metadata.version({name!r})"])
    except NotInstalled as error:
        raise NotInstalled(f"{what} has no {name}: {error}") from error


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALLING)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or "it failed").splitlines()[-1]
        raise NotInstalled(last) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error


@contextmanager
def child(python: Path, module: str, *arguments: str) -> Iterator[Ask]:
    """Start ``python -m module`` and give a function that asks it: one document there, one back.

    Parameters
    ----------
    python : Path
        The interpreter.
    module : str
        Of `benchmarks`, run from the repository.
    arguments : str
        For its command line.

    Raises
    ------
    RuntimeError
        When asking: the child failed or has ended; its last words are the message.
    """
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(
            [str(python), "-m", module, *arguments],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            cwd=_REPOSITORY,
            env={**os.environ, "PYTHONPATH": str(_REPOSITORY)},
        ) as process,
    ):
        assert process.stdin is not None
        assert process.stdout is not None
        questions, answers = process.stdin, process.stdout

        def ask(question: dict[str, Any]) -> dict[str, Any]:
            print(json.dumps(question), file=questions, flush=True)
            line = answers.readline()
            if not line:
                words.seek(0)
                raise RuntimeError(f"{module} has ended: {words.read()[-2000:]}")
            answer: dict[str, Any] = json.loads(line)
            return answer

        try:
            yield ask
        finally:
            process.kill()


def answer(reply: Callable[[dict[str, Any]], dict[str, Any]]) -> None:
    """Answer questions, one document a line, until there are no more: the main part of a child module."""
    answers = _own_output()
    for line in sys.stdin:
        print(json.dumps(reply(json.loads(line))), file=answers, flush=True)


def _own_output() -> TextIO:
    """Return the standard output; what libraries print goes to the standard error from now on."""
    own = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)
    return own
