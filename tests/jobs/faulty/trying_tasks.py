"""Tasks that end differently when they are tried again, and that tell when they ran."""

import os
import signal
import time
from pathlib import Path

from geojobs_lab.tasks import task


@task
def at_the_third_try(journal: str, how: str = "raise") -> int:
    """Fail twice, then return the number of the try."""
    with Path(journal).open("a") as file:
        file.write("x")
    number = Path(journal).stat().st_size
    if number < 3:
        if how == "crash":
            os.kill(os.getpid(), signal.SIGKILL)
        raise FileNotFoundError("the tape is not in the drive")
    return number


@task
def notes(journal: str, name: str, seconds: float = 0.0) -> str:
    """Write down when it begins and ends."""
    _write(journal, f"begin {name}")
    time.sleep(seconds)
    _write(journal, f"end {name}")
    return name


def _write(journal: str, line: str) -> None:
    descriptor = os.open(journal, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.write(descriptor, f"{line}\n".encode())
    os.close(descriptor)
