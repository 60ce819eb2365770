"""A folder for the temporary files of one worker, so that nothing of them stays behind a job, however it ends.

The server makes it and removes it when the process has ended, the worker clears it behind each job. It lies in a folder
of the server's own, `Owner.temporary`, which goes with the server.
"""

import contextlib
import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path

_VARIABLES = ("TMPDIR", "TEMP", "TMP")  # where Python, GDAL, and most programs look


def make_scratch(parent: Path) -> Path:
    """Make a folder in another, which is made too if need be.

    Raises
    ------
    OSError
        There is no room, or no right to.
    """
    parent.mkdir(mode=0o700, exist_ok=True)
    return Path(tempfile.mkdtemp(dir=parent))


def with_scratch(environment: Mapping[str, str], folder: Path) -> dict[str, str]:
    """Return an environment in which temporary files are made in the folder."""
    return {**environment, **dict.fromkeys(_VARIABLES, str(folder))}


def clear_scratch(folder: Path) -> None:
    """Remove what is in the folder."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            if entry.is_dir(follow_symlinks=False):
                shutil.rmtree(entry.path, ignore_errors=True)
            else:
                Path(entry.path).unlink(missing_ok=True)


def remove_scratch(folder: Path) -> None:
    """Remove the folder with all that is in it, if it is there."""
    shutil.rmtree(folder, ignore_errors=True)
