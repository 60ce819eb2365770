"""Removing the temporary services that are too old from outside a server: from Python and from the command line.

Works on the database, which servers and others share safely: what is old and in use is decided in the very transaction
that removes it, so a job of a server that runs meanwhile keeps what it needs.
"""

import asyncio
import math
import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from geojobs_lab.database import Database
from geojobs_lab.errors import InvalidInput
from geojobs_lab.services.catalogue import ServiceCatalogue

MAX_AGE = 43_200.0  # seconds that a temporary service is kept where nobody says otherwise


def cleanup_temporary_services(
    data_dir: str | os.PathLike[str] | None = None, max_age: float | None = None, *, dry_run: bool = False
) -> list[str]:
    """Remove the temporary services that are too old, with their files.

    One that a waiting or running job of any server uses stays, and so does one that was kept (``temporary`` false).

    Parameters
    ----------
    data_dir : path, optional
        The servers' ``data_dir``; ``geojobs_lab`` in Jupyter's data folder when left out.
    max_age : float, optional
        Seconds; 12 hours when left out.
    dry_run : bool
        Remove nothing.

    Returns
    -------
    list of str
        The names of those that were removed; with `dry_run`, of those that would be.

    Raises
    ------
    InvalidInput
        The age is negative or not a number.
    StoreError
        The database cannot be used.
    """
    age = MAX_AGE if max_age is None else float(max_age)
    if math.isnan(age) or age < 0:
        raise InvalidInput(f"max_age: {max_age!r} is not a number of seconds from 0 on", field="max_age", value=max_age)
    folder = default_data_dir() if data_dir is None else Path(os.path.expanduser(data_dir)).absolute()  # noqa: PTH111
    if not (folder / "geojobs.sqlite").is_file():
        return []
    with ThreadPoolExecutor(1) as pool:  # a notebook has an event loop of its own in this thread
        return pool.submit(asyncio.run, _clean_up(folder, age, dry_run=dry_run)).result()


def default_data_dir() -> Path:
    """Return where servers keep their data when nothing else is configured."""
    from jupyter_core.paths import jupyter_data_dir

    return Path(jupyter_data_dir()) / "geojobs_lab"


async def _clean_up(folder: Path, max_age: float, *, dry_run: bool) -> list[str]:
    database = Database(folder / "geojobs.sqlite", set_aside=False)
    catalogue = ServiceCatalogue(database, configured={}, data_dir=folder, max_age=max_age)
    await database.start()
    try:
        return list(await catalogue.remove_expired(dry_run=dry_run))
    finally:
        await database.stop()
