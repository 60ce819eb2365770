"""``services/``: publishing rasters, telling of them, changing and removing them."""

import reprlib
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import load_json
from geojobs_lab.errors import InvalidInput
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.query import Page
from geojobs_lab_server.service_documents import listed_document, service_document

if TYPE_CHECKING:
    from geojobs_lab.services import Service

_CHANGES = ("title", "temporary", "renderer", "variable")


class _ServiceHandler(Handler):
    def describe(self, service: "Service") -> dict[str, Any]:
        return service_document(service, self.geojobs.catalogue, self.links)

    def text(self, name: str, *, required: bool = False) -> str | None:
        value = self.sent(name)
        if value is None and not required:
            return None
        if not isinstance(value, str) or not value or "\0" in value:
            raise InvalidInput(f"{name}: expected a text, got {reprlib.repr(value)}", field=name, value=value)
        return value

    def renderer(self) -> Mapping[str, Any] | None:
        value = self.sent("renderer")
        if isinstance(value, str):
            try:
                value = load_json(value)
            except ValueError as error:
                raise InvalidInput(f"renderer: not JSON: {error}", field="renderer", value=value) from error
        if not isinstance(value, Mapping | None):
            raise InvalidInput(
                f"renderer: expected a JSON object, got {reprlib.repr(value)}", field="renderer", value=value
            )
        return value


class ServicesHandler(_ServiceHandler):
    """``services/``."""

    polled = True

    def uploads_dir(self) -> Path:
        """Return where an uploaded file is written."""
        return self.geojobs.catalogue.uploads_dir

    @endpoint
    async def get(self) -> None:
        """Answer with a page of the services."""
        page = Page(self)
        catalogue = self.geojobs.catalogue
        count, services = await catalogue.list(page.limit, page.offset)
        documents = [listed_document(service, catalogue, self.links) for service in services]
        self.reply(page.document(self.links.services(), count, documents))

    @endpoint
    async def post(self) -> None:
        """Publish an uploaded file, or one that the server can read."""
        name = self.text("name", required=True) or ""
        title, renderer = self.text("title"), self.renderer()
        if self.upload is not None:
            service = await self.geojobs.catalogue.publish_upload(name, self.upload, title=title, renderer=renderer)
        else:
            service = await self.geojobs.catalogue.publish_path(name, self._path(), title=title, renderer=renderer)
        self.set_header("Location", self.links.service(service.name))
        self.reply(self.describe(service), 201)

    def _path(self) -> str:
        if "path" not in self.fields:
            raise InvalidInput(
                "path: expected the path of a NetCDF file, or one uploaded in the field 'file'", field="path"
            )
        return self.text("path", required=True) or ""


class ServiceHandler(_ServiceHandler):
    """``services/<name>/``."""

    polled = True

    @endpoint
    async def get(self, name: str) -> None:
        """Answer with the document."""
        self.reply(self.describe(await self.geojobs.catalogue.get(name)))

    @endpoint
    async def patch(self, name: str) -> None:
        """Keep it, rename its title or set a renderer."""
        await self.geojobs.catalogue.get(name)
        unknown = [field for field in self.fields if field not in _CHANGES]
        if unknown:
            wanted = ", ".join(_CHANGES)
            raise InvalidInput(f"{unknown[0]}: cannot be changed; only {wanted} can", field=unknown[0])
        temporary = self.fields.get("temporary")
        if not isinstance(temporary, bool | None):
            raise InvalidInput(
                f"temporary: expected true or false, got {reprlib.repr(temporary)}", field="temporary", value=temporary
            )
        service = await self.geojobs.catalogue.update(
            name,
            title=self.text("title"),
            temporary=temporary,
            renderer=self.renderer(),
            variable=self.text("variable"),
        )
        self.reply(self.describe(service))

    @endpoint
    async def delete(self, name: str) -> None:
        """Remove it; its file only where the server wrote it."""
        await self.geojobs.manager.remove_service(name)
        self.set_status(204)
