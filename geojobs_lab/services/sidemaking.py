"""The child process that makes one side file, at lowest priority.

``python -m geojobs_lab.services.sidemaking FILE TARGET LIFELINE CLASSES``. One works at a time among all servers of a
data folder, which a lock in the folder sees to. When the lifeline, an inherited descriptor, ends, the server has gone
and so does this process; what it has begun is removed by the next one.
"""

import fcntl
import os
import sys
import threading
from contextlib import suppress
from pathlib import Path

from geojobs_lab.services.sidefolder import LOCK, part_of, remove_parts, remove_side_files

_LOWEST = 19  # of nice


def main() -> int:
    """Make a side file, and return the exit code: 0, or 1 with one line on stderr."""
    file, target, lifeline, classes = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3]), sys.argv[4].split()
    os.nice(_LOWEST)
    os.umask(0o077)  # it is for the user alone
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()
    with (target.parent / LOCK).open("a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # waits for the makers of other servers
        remove_parts(target.parent)
        return _make(file, target, classes)


def _end_with(lifeline: int) -> None:
    with suppress(OSError):
        os.read(lifeline, 1)
    os._exit(1)


def _make(file: Path, target: Path, classes: list[str]) -> int:
    from geojobs_lab.errors import RasterError
    from geojobs_lab.rasters.sidefiles import drawn_by_class, lacking, write_overviews
    from geojobs_lab.services.traces import to_disk

    part = part_of(target)
    try:
        if target.exists():
            if not lacking(target, classes):
                return 0
            classes = [*{*classes, *drawn_by_class(target)}]
        write_overviews(file, part, classes)
        to_disk(part)
        remove_side_files(target.parent, file)  # of the file as it was before
        part.replace(target)
    except (RasterError, OSError) as error:
        print((error.strerror if isinstance(error, OSError) else None) or str(error), file=sys.stderr)  # noqa: T201
        return 1
    finally:
        part.unlink(missing_ok=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
