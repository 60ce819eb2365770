"""Below ``services/<name>/variables/<variable>/``: what map clients have to know of a layer, and its legend.

All of it reads files and computes, so all of it is done in the application's threads, never on the event loop.
"""

from geojobs_lab_server.base import endpoint
from geojobs_lab_server.pictures import PNG, PictureHandler
from geojobs_lab_server.service_documents import tile_template
from geojobs_lab_server.view import View

_SVG = "image/svg+xml"


class _VariableHandler(PictureHandler):
    async def view(self, name: str, variable: str) -> View:
        service = await self.geojobs.catalogue.get(name)
        return View.of(self, service, variable, best_fit=self.geojobs.best_fit_time)


class TileJSONHandler(_VariableHandler):
    """``tilejson.json``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the TileJSON document."""
        view = await self.view(name, variable)
        url = tile_template(self.links, view.service, variable)
        catalogue = self.geojobs.catalogue

        def describe() -> object:
            from geojobs_lab.tiles import tilejson

            opened = view.open(catalogue)
            return tilejson(opened.title, opened.info.grid, [url])

        self.reply(await self.in_pool(describe))


class LegendHandler(_VariableHandler):
    """``legend.json``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the legend as a document."""
        view = await self.view(name, variable)
        catalogue = self.geojobs.catalogue

        def describe() -> object:
            opened = view.open(catalogue)
            return {"title": opened.title, **view.colours(catalogue).legend(opened.info.units)}

        self.reply(await self.in_pool(describe))


class LegendPictureHandler(_VariableHandler):
    """``legend.png``, ``legend.svg``."""

    @endpoint
    async def get(self, name: str, variable: str, form: str) -> None:
        """Answer with the legend as a picture."""
        view = await self.view(name, variable)
        content_type = PNG if form == "png" else _SVG
        if self.is_known(view, view.etag("legend", form), content_type):
            return
        catalogue = self.geojobs.catalogue

        def draw() -> bytes | str:
            from geojobs_lab.renderers import legend_png, legend_svg

            opened = view.open(catalogue)
            legend = legend_png if form == "png" else legend_svg
            return legend(view.colours(catalogue), opened.title, opened.info.units)

        self.finish(await self.in_pool(draw), set_content_type=content_type)
