"""ncdjango 1.5 in an environment of its own: found, or made the first time; and child processes that run in it.

It pins what the rest of the benchmarks does not (Pillow below 11, one Python), so it never meets our packages: a child
module of `benchmarks` is run by its interpreter and answers one JSON document a line. Such a module calls `set_up`
before it imports anything of ncdjango, and ends with `answer`.
"""

import fcntl
import json
import os
import subprocess
import sys
import tempfile
import types
import venv
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

INTERPRETER = "GEOJOBS_NCDJANGO_PYTHON"
"""Environment variable with the Python of an environment that has ncdjango already."""
VERSION = "1.5.0"

Ask = Callable[[dict[str, Any]], dict[str, Any]]

_REPOSITORY = Path(__file__).parent.parent
_INSTALLING = 900.0  # seconds


class NotInstalled(RuntimeError):
    """ncdjango cannot be had here; the message is the reason."""


def interpreter() -> Path:
    """Return the Python that has ncdjango; the environment is made below the temporary folder when there is none.

    Raises
    ------
    NotInstalled
        The one that is named, or made, does not have it.
    """
    named = os.environ.get(INTERPRETER)
    if named:
        _check(Path(named), f"{INTERPRETER} names an interpreter that")
        return Path(named)
    folder = Path(tempfile.gettempdir()) / f"geojobs-ncdjango-{VERSION}"
    folder.mkdir(exist_ok=True)
    with (folder / "lock").open("w") as lock:  # two benchmarks at once make it once
        fcntl.flock(lock, fcntl.LOCK_EX)
        python = folder / "venv" / "bin" / "python"
        if not (folder / "made").exists():
            _make(folder / "venv", python)
            (folder / "made").touch()
    _check(python, "the environment that was made")
    return python


def _make(folder: Path, python: Path) -> None:
    venv.create(folder, clear=True, with_pip=True)
    _run([str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", f"ncdjango=={VERSION}"])


def _check(python: Path, what: str) -> None:
    try:
        _run([str(python), "-c", "import importlib.metadata; importlib.metadata.version('ncdjango')"])
    except NotInstalled as error:
        raise NotInstalled(f"{what} has no ncdjango: {error}") from error


def _run(command: list[str]) -> None:
    try:
        subprocess.run(command, check=True, capture_output=True, text=True, timeout=_INSTALLING)
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip() or "it failed").splitlines()[-1]
        raise NotInstalled(last) from error
    except (OSError, subprocess.TimeoutExpired) as error:
        raise NotInstalled(str(error)) from error


@contextmanager
def child(module: str, *arguments: str, python: Path | None = None) -> Iterator[Ask]:
    """Start ``python -m module`` and give a function that asks it: one document there, one back.

    Parameters
    ----------
    module : str
        Of `benchmarks`, run from the repository.
    arguments : str
        For its command line.
    python : Path, optional
        The interpreter; that of ncdjango when left out.

    Raises
    ------
    NotInstalled
        As `interpreter`.
    RuntimeError
        When asking: the child failed or has ended; its last words are the message.
    """
    command = [str(python or interpreter()), "-m", module, *arguments]
    environment = {**os.environ, "PYTHONPATH": str(_REPOSITORY)}
    with (
        tempfile.TemporaryFile("w+") as words,
        subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=words,
            text=True,
            cwd=_REPOSITORY,
            env=environment,
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


def set_up(folder: Path, **settings: Any) -> None:
    """Configure Django for ncdjango, in a child: database, data and temporary files lie in `folder`.

    It imports osgeo for two functions that nobody calls. An empty module stands in: GDAL's Python bindings have to be
    compiled against one version of GDAL.
    """
    sys.modules.setdefault("osgeo", types.ModuleType("osgeo"))
    import django
    from django.conf import settings as configured

    defaults = {
        "SECRET_KEY": "benchmark",
        "ALLOWED_HOSTS": ["*"],
        "USE_TZ": True,
        "INSTALLED_APPS": ["django.contrib.contenttypes", "django.contrib.auth", "tastypie", "ncdjango"],
        "DATABASES": {"default": {"ENGINE": "django.db.backends.sqlite3", "NAME": str(folder / "ncdjango.sqlite")}},
        "DEFAULT_AUTO_FIELD": "django.db.models.AutoField",
        "NC_SERVICE_DATA_ROOT": str(folder),
        "NC_TEMPORARY_FILE_LOCATION": str(folder),
        "ROOT_URLCONF": "ncdjango.urls",
    }
    configured.configure(**{**defaults, **settings})
    django.setup()
