"""Below ``services/<name>/variables/<variable>/``: the pictures of a layer, as map tiles and as one image.

A picture is known by its entity tag: who has it is told so at once, what was drawn a moment ago is sent again, and
everything else is drawn in the threads of `drawing`.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING

from geojobs_lab.errors import InvalidInput
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.query import numbers, whole_number
from geojobs_lab_server.service_documents import version_of
from geojobs_lab_server.view import View

if TYPE_CHECKING:
    from geojobs_lab.renderers import Renderer
    from geojobs_lab_server.view import Opened

PNG = "image/png"
_YEAR = 31_536_000  # seconds
_PLACE = ("bbox", "crs", "width", "height")


class PictureHandler(Handler):
    """A handler that answers with pictures, which clients and caches keep."""

    def is_known(self, view: View, tag: str, content_type: str = PNG) -> bool:
        """Set the headers for caches; tell whether the client has the very picture already (304 is answered then)."""
        # With the version in the URL the picture at this URL will never be another one.
        fresh = self.get_query_argument("v", "") == version_of(view.service)
        self.set_header("Cache-Control", f"private, max-age={_YEAR}, immutable" if fresh else "private, no-cache")
        self.set_header("Etag", tag)
        if self.check_etag_header():
            self.set_status(304)
            self.finish(set_content_type=content_type)
            return True
        return False


class _LayerHandler(PictureHandler):
    async def draw(
        self,
        name: str,
        variable: str,
        render: "Callable[[Opened, Renderer, str], bytes]",
        *what: object,
        reserved: tuple[str, ...] = (),
    ) -> None:
        """Answer with a picture of what the query wants seen; `what` tells it from others of the same view."""
        catalogue = self.geojobs.catalogue
        service = await catalogue.recent(name)
        view = View.of(self, service, variable, best_fit=self.geojobs.best_fit_time, reserved=("resampling", *reserved))
        resampling = self.get_query_argument("resampling", "") or "nearest"
        tag = view.etag(*what, resampling, await catalogue.file_version(service))
        if self.is_known(view, tag):
            return

        def draw() -> bytes:
            return render(view.open(catalogue), view.colours(catalogue), resampling)

        self.finish(await self.geojobs.pictures.get(tag, draw, self), set_content_type=PNG)


class TileHandler(_LayerHandler):
    """``tiles/{z}/{x}/{y}.png``, ``tiles/{z}/{x}/{y}@2x.png``."""

    @endpoint
    async def get(self, name: str, variable: str, z: str, x: str, y: str, double: str | None = None) -> None:
        """Answer with the tile."""
        place, scale = (int(z), int(x), int(y)), 2 if double else 1

        def render(opened: "Opened", renderer: "Renderer", resampling: str) -> bytes:
            from geojobs_lab.tiles import render_tile

            return render_tile(
                opened.file, variable, opened.selection, renderer, *place, scale=scale, resampling=resampling
            )

        await self.draw(name, variable, render, "tile", place, scale)


class ImageHandler(_LayerHandler):
    """``image.png``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the picture of a box."""
        box = self._box()
        width, height = whole_number(self, "width", 0), whole_number(self, "height", 0)
        for field, value in (("width", width), ("height", height)):
            if not value:
                raise InvalidInput(f"{field}: the number of pixels is missing, or 0", field=field)
        crs = self.get_query_argument("crs", "") or "CRS84"
        most = {"largest_side": self.geojobs.max_image_side, "most_pixels": self.geojobs.max_image_pixels}

        def render(opened: "Opened", renderer: "Renderer", resampling: str) -> bytes:
            from geojobs_lab.tiles import render_image

            return render_image(
                opened.file,
                variable,
                opened.selection,
                renderer,
                box,
                width,
                height,
                crs=crs,
                resampling=resampling,
                **most,
            )

        await self.draw(name, variable, render, "image", box, width, height, crs, reserved=_PLACE)

    def _box(self) -> tuple[float, float, float, float]:
        xmin, ymin, xmax, ymax = numbers(self, "bbox", 4)
        return xmin, ymin, xmax, ymax
