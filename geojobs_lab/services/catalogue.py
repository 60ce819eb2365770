"""The catalogue: which rasters are published, under which names, for how long.

Owns the names. Those of the configuration are `configured`'s; all others are rows. What is in the files is `files`' and
`rasters`' matter.
"""

import asyncio
import logging
import shutil
import sqlite3
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any
from uuid import uuid4

from geojobs_lab.database import Database
from geojobs_lab.documents import check_service_name, format_time, utc_now
from geojobs_lab.errors import Conflict, InvalidInput
from geojobs_lab.services import rows
from geojobs_lab.services.configured import ConfiguredServices
from geojobs_lab.services.files import OpenFiles, look_into
from geojobs_lab.services.moved import find_files
from geojobs_lab.services.owner import Owner
from geojobs_lab.services.recent import Recent
from geojobs_lab.services.roots import below, expand
from geojobs_lab.services.service import Service
from geojobs_lab.services.sidefiles import SideFiles
from geojobs_lab.services.styles import Styles
from geojobs_lab.services.traces import make_private, real, remove_files, sweep_uploads, to_disk
from geojobs_lab.threads import in_thread

if TYPE_CHECKING:
    from geojobs_lab.rasters import RasterFile
    from geojobs_lab.renderers import Renderer

_log = logging.getLogger(__name__)

_RECENT = 1.0  # seconds that what other servers, or other programs, change may go unseen by pictures
_LONGEST_AGE = 100 * 365.25 * 86_400  # seconds: a century, which dates can be moved by


class ServiceCatalogue:
    """All published rasters of a server.

    Parameters
    ----------
    database : Database
        Not started yet.
    configured : Mapping of str to str
        Name -> path of a NetCDF file, anywhere.
    data_dir : Path
        Uploads are kept below it.
    roots : sequence of str
        Folders that `publish_path` may publish from.
    max_age : float
        Seconds that a temporary service is kept.
    block_cache : int, optional
        Bytes of decoded blocks that this process keeps, of all files; as `rasters` has it when left out.
    """

    def __init__(
        self,
        database: Database,
        *,
        configured: Mapping[str, str],
        data_dir: Path,
        roots: Sequence[str] = (),
        max_age: float = 43200,
        block_cache: int | None = None,
    ) -> None:
        self._database = database
        database.add_schema("services", rows.SCHEMA)
        self._roots = [expand(root) for root in roots]
        self._max_age = timedelta(seconds=min(_LONGEST_AGE, max_age))
        self._sides = SideFiles(data_dir)
        self._files = OpenFiles(self._sides, block_cache)
        self._services: Recent[Service] = Recent(_RECENT)
        self._file_versions: Recent[object] = Recent(_RECENT)
        self._styles = Styles(self._files.open)
        self._looking: asyncio.Task[None] | None = None
        self.owner = Owner(data_dir)
        # A folder of this server's own: what lies in those of servers that are gone is whole or waste.
        self._data_dir = data_dir
        self._uploads = data_dir / "uploads"
        database.add_folder(self._uploads)
        self.uploads_dir = self._uploads / self.owner.name
        self._configured = ConfiguredServices(configured)

    async def start(self) -> None:
        """Put in order what a crash may have left, and begin to look into the configured files."""
        await in_thread(self.owner.hold)
        for name in await self._database.write(lambda c: find_files(c, self._data_dir)):
            _log.warning("Service %r is removed: its file is gone", name)
        await in_thread(sweep_uploads, self._uploads, self.owner, await self.owned_paths())
        self._sides.start()
        for service in await self._database.read(rows.from_elsewhere):
            self._sides.want(service)
        self._looking = asyncio.create_task(self._configured.look(self._sides.want))

    async def stop(self) -> None:
        """Stop looking and close the files. May be called twice."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)
        await self._sides.stop()
        self._files.close()
        self._styles.clear()
        self.owner.release()

    async def get(self, name: str) -> Service:
        """Return a service.

        Raises
        ------
        NotFound
            There is none of that name.
        """
        if name in self._configured:
            return self._configured[name]
        return await self._database.read(lambda c: rows.find(c, name))

    async def recent(self, name: str) -> Service:
        """Return a service as it was a second ago at most, or as this server has changed it since; else as `get`.

        For what is asked for many times a second: it does not wait behind what is written to the database.
        """
        return await self._services.get(name, lambda: self.get(name))

    async def file_version(self, service: Service) -> object:
        """Return what changes when other numbers are in a service's file or overviews, a second later at most."""
        return await self._file_versions.get(service.path, lambda: in_thread(self._files.version, service))

    async def list(self, limit: int, offset: int) -> tuple[int, Sequence[Service]]:
        """Return how many services there are, and a page: the configured ones first, then the newest."""
        configured = list(self._configured.values())
        first = configured[offset : offset + limit]
        rest = max(0, offset - len(configured))
        count, others = await self._database.read(lambda c: rows.newest_first(c, limit - len(first), rest))
        return len(configured) + count, [*first, *others]

    def expires(self, service: Service) -> datetime | None:
        """Tell when a service goes, None for never."""
        return service.created + self._max_age if service.temporary else None

    async def publish_path(
        self, name: str, path: str, *, title: str | None = None, renderer: Mapping[str, Any] | None = None
    ) -> Service:
        """Publish a file below the configured roots, where it is.

        Raises
        ------
        InvalidInput
            The name, the path or the renderer is wrong.
        Conflict
            The name is taken.
        """
        resolved = await in_thread(below, self._roots, path)
        return await self._publish(name, resolved, title, renderer, owned=False)

    async def publish_upload(
        self, name: str, file: Path, *, title: str | None = None, renderer: Mapping[str, Any] | None = None
    ) -> Service:
        """Publish an uploaded file, which is moved to where the server keeps such files; see `publish_path`."""
        await in_thread(make_private, self.uploads_dir)
        path = self.uploads_dir / f"{uuid4()}.nc"
        await in_thread(shutil.move, file, path)
        await in_thread(to_disk, path)
        try:
            return await self._publish(name, path, title, renderer, owned=True)
        except Exception as error:  # when this is cancelled instead, nobody knows whether the row was written
            path.unlink(missing_ok=True)
            if isinstance(error, InvalidInput) and error.field == "path":  # its sender knows neither path nor name
                message = str(error).replace("path: ", "file: ", 1).replace(repr(path.name), "the uploaded file")
                raise InvalidInput(message, field="file") from error
            raise

    async def _publish(
        self, name: str, path: Path, title: str | None, renderer: Mapping[str, Any] | None, *, owned: bool
    ) -> Service:
        check_service_name(name)
        if name in self._configured:
            raise Conflict(f"name: there is a service {name!r} already")
        info = await in_thread(look_into, path)
        service = Service(
            name=name,
            path=path,
            title=title or info.get("title") or name,
            created=utc_now(),
            owned=owned,
            info=info,
        )
        if renderer is not None:
            service = replace(service, renderers=await in_thread(self._styles.to_store, service, renderer, None))
        await self._database.write(lambda c: rows.insert(c, service))
        self._sides.want(service)
        _log.info("Service %r is published", name)
        return service

    async def update(
        self,
        name: str,
        *,
        title: str | None = None,
        temporary: bool | None = None,
        renderer: Mapping[str, Any] | None = None,
        variable: str | None = None,
    ) -> Service:
        """Rename the title of a service, keep it, or set the renderer of a variable (of all, when none is named).

        Raises
        ------
        Conflict
            The service belongs to the configuration.
        """
        self._configured.refuse(name)
        styles: Mapping[str, Mapping[str, Any]] = {}
        if renderer is not None:
            styles = await in_thread(self._styles.to_store, await self.get(name), renderer, variable)

        def work(connection: sqlite3.Connection) -> Service:
            changes: dict[str, Any] = {}
            if title is not None:
                changes["title"] = title
            if temporary is not None:
                changes["temporary"] = temporary
            if styles:
                changes["renderers"] = {**rows.find(connection, name).renderers, **styles}
            return rows.update(connection, name, **changes)

        changed = await self._database.write(work)
        self._services.forget()
        if styles:
            self._sides.want(changed)  # those of classes have other overviews
        return changed

    async def remove(self, name: str) -> None:
        """Remove a service, and its file where the server wrote it.

        Raises
        ------
        Conflict
            The service belongs to the configuration, or an unfinished job uses it.
        """
        self._configured.refuse(name)
        service = await self._database.write(lambda c: rows.delete(c, name))
        self._services.forget()
        # The row first: a file that nobody names any more is found at the next start.
        await in_thread(remove_files, [service])
        if service.job is None and service.path not in await self._paths_from_elsewhere():
            await self._sides.forget(service.path)
        _log.info("Service %r is removed", name)

    async def _paths_from_elsewhere(self) -> Collection[Path]:
        published = await self._database.read(rows.from_elsewhere)
        return {service.path for service in (*published, *self._configured.values())}

    async def remove_expired(self, *, dry_run: bool = False) -> Sequence[str]:
        """Remove the temporary services that are too old and that no unfinished job uses.

        Returns
        -------
        sequence of str
            Their names; with `dry_run`, of those that would go.
        """
        before = format_time(utc_now() - self._max_age)

        def work(connection: sqlite3.Connection) -> list[Service]:
            return [rows.delete(connection, service.name) for service in rows.expired(connection, before)]

        old = await self._database.read(lambda c: rows.expired(c, before))
        if old and not dry_run:
            old = await self._database.write(work)  # what has come into use meanwhile stays
            await in_thread(remove_files, old)
            for service in old:
                _log.info("Service %r is removed: it is too old", service.name)
        return [service.name for service in old]

    async def owned_paths(self) -> Collection[Path]:
        """Return the `real` paths of the files that servers have written and that services are made of."""
        return set(map(real, (await self._database.read(rows.owned_paths)).values()))

    async def of_job(self, job: str) -> Sequence[Service]:
        """Return the services that hold the results of a job."""
        return await self._database.read(lambda c: rows.of_job(c, job))

    def results(self, job: str, written: Sequence[Mapping[str, Any]]) -> Sequence[Service]:
        """Return the temporary services for the rasters that a job's worker has written."""
        return [
            Service(
                name=result["name"],
                path=Path(result["path"]),
                title=result["title"],
                created=utc_now(),
                temporary=True,
                job=job,
                owned=True,
                renderers=result["renderers"],
                info=result["info"],
            )
            for result in written
        ]

    def insertion(self, services: Sequence[Service]) -> Callable[[sqlite3.Connection], None]:
        """Return the work that records services, to be done in one transaction with the end of their job."""

        def work(connection: sqlite3.Connection) -> None:
            for service in services:
                rows.insert(connection, service)

        return work

    def holding(self, job: str, services: Iterable[Service]) -> Callable[[sqlite3.Connection], None]:
        """Return the work that keeps services as long as a job needs them, to be done with the job's own row."""
        names = [service.name for service in services if not service.configured]
        return lambda connection: rows.hold(connection, job, names)

    def release(self, connection: sqlite3.Connection, job: str) -> None:
        """Let go of what a job has held; the work of the transaction that ends it."""
        rows.release(connection, job)

    def forget_results(self, connection: sqlite3.Connection, job: str) -> Sequence[Path]:
        """Forget the temporary results of a job, and return the files of those that were kept.

        The work of the transaction that removes the job; Conflict when an unfinished job uses one of them.
        """
        services = rows.of_job(connection, job)
        for service in services:
            if service.temporary:
                rows.delete(connection, service.name)
        return [service.path for service in services if not service.temporary]

    def open(self, service: Service) -> "RasterFile":
        """Return the service's open file (for threads); Unavailable when it cannot serve."""
        return self._files.open(service)

    def renderer(self, service: Service, variable: str, asked: str | None = None) -> "Renderer":
        """Return the renderer of a variable, or the one `asked` for (for threads: it may have to look at the data)."""
        return self._styles.renderer(service, variable, asked)
