"""``services/<name>/download/``: a service's file as it is, or one of its variables as a GeoTIFF or a table.

What is made for a download lies in a temporary file that has no name any more while it is sent.
"""

from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, BinaryIO

from geojobs_lab.errors import InvalidInput, Unavailable
from geojobs_lab.services.files import version_key
from geojobs_lab.threads import in_thread
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.sending import attach, send_file, send_open
from geojobs_lab_server.view import View

if TYPE_CHECKING:
    from geojobs_lab.rasters import Table
    from geojobs_lab.services import Service
    from geojobs_lab_server.computing import Check

_TYPES = {"nc": "application/netcdf", "tif": "image/tiff", "csv": "text/csv; charset=utf-8"}
_PARAMETERS = ("format", "variable")


class DownloadHandler(Handler):
    """``services/<name>/download/``."""

    @endpoint
    async def get(self, name: str) -> None:
        """Send the file."""
        service = await self.geojobs.catalogue.get(name)
        wanted = self.get_query_argument("format", "") or "nc"
        if wanted not in _TYPES:
            raise InvalidInput(
                f"format: {wanted!r} is not one of {', '.join(map(repr, _TYPES))}", field="format", value=wanted
            )
        if service.state != "ready":
            raise Unavailable(f"service {name!r} is {service.state}: {service.reason or 'try again later'}")
        if wanted == "nc":
            await send_file(self, service.path, f"{name}.nc", _TYPES[wanted])
        elif wanted == "tif":
            await self._send_geotiff(service)
        else:
            await self._send_table(service)

    def _view(self, service: "Service") -> View:
        """Return what the query wants; the only variable, where it names none."""
        names = service.variables
        name = self.get_query_argument("variable", "") or (names[0] if len(names) == 1 else "")
        if name not in names:
            choices = ", ".join(map(repr, names))
            what = f"{name!r} is not one of" if name else "name one of"
            raise InvalidInput(f"variable: {what} {choices}", field="variable", value=name)
        return View.of(self, service, name, best_fit=self.geojobs.best_fit_time, reserved=_PARAMETERS)

    async def _send_geotiff(self, service: "Service") -> None:
        view, catalogue = self._view(service), self.geojobs.catalogue
        self.set_header("Etag", view.etag("tif", await in_thread(version_key, service)))
        self.set_header("Cache-Control", "private, no-cache")
        if self.check_etag_header():
            self.set_status(304)
            self.finish(set_content_type=_TYPES["tif"])
            return

        def make(check: "Check") -> BinaryIO:
            from geojobs_lab.rasters import write_geotiff

            opened = view.open(catalogue)
            with TemporaryDirectory(prefix="geojobs-") as folder:
                path = Path(folder) / "layer.tif"
                write_geotiff(opened.file, view.variable, opened.selection, path, check=check)
                return path.open("rb")

        with await self.geojobs.computations.run(make, self) as file:
            await send_open(self, file, f"{service.name}_{view.variable}.tif", _TYPES["tif"])

    async def _send_table(self, service: "Service") -> None:
        view, catalogue = self._view(service), self.geojobs.catalogue

        def begin() -> "Table":
            from geojobs_lab.rasters import Table

            opened = view.open(catalogue)
            positions = {f"{opened.info.time.name}.index", "time.index"} if opened.info.time else set()
            whole = view.time is None and not positions & view.dimensions.keys()
            return Table(opened.file, view.variable, opened.selection, whole=whole)

        pieces = (await self.in_pool(begin)).pieces()
        attach(self, f"{service.name}_{view.variable}.csv", _TYPES["csv"])
        self.set_header("Cache-Control", "private, no-cache")
        while (piece := await self.in_pool(partial(next, pieces, None))) is not None:
            self.write(piece)
            await self.flush()  # returns when the client has room for more
        self.finish(set_content_type=_TYPES["csv"])
