"""The services of the server's configuration: kept in memory, looked into after the start, changed by nobody."""

import logging
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from geojobs_lab.documents import check_service_name, utc_now
from geojobs_lab.errors import Conflict
from geojobs_lab.services.files import look_into
from geojobs_lab.services.roots import expand
from geojobs_lab.services.service import Service
from geojobs_lab.threads import in_thread

_log = logging.getLogger(__name__)


class ConfiguredServices(Mapping[str, Service]):
    """Name -> service.

    Parameters
    ----------
    paths : Mapping of str to str
        Name -> path of a NetCDF file, anywhere.
    """

    def __init__(self, paths: Mapping[str, str]) -> None:
        self._services = {
            name: Service(
                name=name, path=expand(path), title=name, created=utc_now(), state="publishing", configured=True
            )
            for name, path in paths.items()
        }

    def __getitem__(self, name: str) -> Service:
        return self._services[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._services)

    def __len__(self) -> int:
        return len(self._services)

    def refuse(self, name: str) -> None:
        """Raise Conflict if a service that shall change is one of these."""
        if name in self:
            raise Conflict(f"service {name!r} belongs to the server's configuration and is changed there")

    async def look(self, found: Callable[[Service], None]) -> None:
        """Look into the files one by one, and tell of each that can be published."""
        for name, service in self._services.items():
            try:
                check_service_name(name)
                info = await in_thread(look_into, service.path)
                title = info.get("title") or name
                self._services[name] = replace(service, state="ready", info=info, title=title, revision=2)
                found(self._services[name])
            except Exception as error:  # noqa: BLE001  one wrong file must not hide the others
                reason = str(error).removeprefix("path: ")
                _log.error("Service %r of the configuration cannot be published: %s", name, reason)
                self._services[name] = replace(service, state="unavailable", reason=reason, revision=2)
