"""A catalogue at work on a database of its own, for the tests of this room."""

from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from geojobs_lab.database import Database
from geojobs_lab.services import ServiceCatalogue


@asynccontextmanager
async def catalogue_in(folder: Path, configured: Mapping[str, str], **options: Any) -> AsyncIterator[ServiceCatalogue]:
    """Open the catalogue of a data folder; options as for `ServiceCatalogue`."""
    database = Database(folder / "geojobs.sqlite")
    catalogue = ServiceCatalogue(database, configured=configured, data_dir=folder, **options)
    await database.start()
    await catalogue.start()
    try:
        yield catalogue
    finally:
        await catalogue.stop()
        await database.stop()
