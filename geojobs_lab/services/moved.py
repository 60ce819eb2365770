"""Where the files of services are after a start: a data folder may have been moved or copied while no server ran."""

import sqlite3
from pathlib import Path

from geojobs_lab.services import rows


def find_files(connection: sqlite3.Connection, data_dir: Path) -> list[str]:
    """Find the files that servers have written, forget the services whose file is gone, and return their names.

    Where the whole data folder has been moved or copied, the file in it counts, and not the one that it was copied
    from, which belongs to other servers.
    """
    lost = []
    for name, path in rows.owned_paths(connection).items():
        here = _in_data_dir(data_dir, path)
        if here is None and not path.is_file():
            lost.append(name)
        elif here is not None and here != path:
            rows.move(connection, name, here)
    rows.forget(connection, lost)
    return lost


def _in_data_dir(data_dir: Path, path: Path) -> Path | None:
    """Return the file in the data folder that has the place of `path` in its own, None where there is none."""
    # results/<uuid>/<file>, uploads/<server>/<file>, and uploads/<file> as it once was
    candidates = (data_dir.joinpath(*path.parts[-count:]) for count in (3, 2))
    return next((here for here in candidates if here.is_file()), None)
