"""Below ``services/<name>/variables/<variable>/``: the numbers of a layer, at a point and of all its cells."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from geojobs_lab.errors import InvalidInput, RendererNotValid
from geojobs_lab.services.files import version_key
from geojobs_lab.threads import in_thread
from geojobs_lab_server.base import Handler, endpoint
from geojobs_lab_server.query import number, whole_number
from geojobs_lab_server.view import View

if TYPE_CHECKING:
    from geojobs_lab_server.computing import Check, Document
    from geojobs_lab_server.view import Opened

_CLASSES = 5  # when a query does not say how many
_METHOD, _COLORMAP = "jenks", "viridis"


class _NumbersHandler(Handler):
    async def answer(
        self,
        name: str,
        variable: str,
        compute: "Callable[[Opened, Check], Document]",
        *what: object,
        reserved: tuple[str, ...] = (),
    ) -> None:
        """Answer with a document about what the query wants seen; `what` tells it from others of the same view."""
        catalogue = self.geojobs.catalogue
        service = await catalogue.get(name)
        view = View.of(self, service, variable, best_fit=self.geojobs.best_fit_time, reserved=reserved)
        # Not of the overviews, which may be made meanwhile: numbers are of the cells themselves.
        key = view.etag(*what, await in_thread(version_key, service))
        self.reply(await self.geojobs.computations.get(key, lambda check: compute(view.open(catalogue), check), self))


class ValueHandler(_NumbersHandler):
    """``value/``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the value of the cell at a point."""
        lon, lat = number(self, "lon"), number(self, "lat")
        catalogue = self.geojobs.catalogue
        service = await catalogue.get(name)
        view = View.of(self, service, variable, best_fit=self.geojobs.best_fit_time)

        def read() -> object:
            from geojobs_lab.rasters import value_at

            opened = view.open(catalogue)
            return value_at(opened.file, variable, opened.selection, lon, lat)

        self.reply(await self.in_pool(read))


class SeriesHandler(_NumbersHandler):
    """``series/``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with all values through time of the cell at a point."""
        lon, lat = number(self, "lon"), number(self, "lat")

        def read(opened: "Opened", check: "Check") -> "Document":
            from geojobs_lab.rasters import series_at

            return series_at(opened.file, variable, opened.selection, lon, lat, check=check)

        await self.answer(name, variable, read, "series", lon, lat)


class StatisticsHandler(_NumbersHandler):
    """``statistics/``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the statistics of the cells."""
        weights = self.get_query_argument("weights", "") or None
        if weights not in (None, "area"):
            raise InvalidInput(f"weights: {weights!r} is not 'area'", field="weights", value=weights)

        def compute(opened: "Opened", check: "Check") -> "Document":
            from geojobs_lab.rasters import statistics

            return statistics(opened.file, variable, opened.selection, weights=weights, check=check)

        await self.answer(name, variable, compute, "statistics", weights)


class UniqueHandler(_NumbersHandler):
    """``unique/``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with the different values of the cells."""

        def compute(opened: "Opened", check: "Check") -> "Document":
            from geojobs_lab.rasters import unique_values

            return unique_values(opened.file, variable, opened.selection, check=check)

        await self.answer(name, variable, compute, "unique")


class ClassifyHandler(_NumbersHandler):
    """``classify/``."""

    @endpoint
    async def get(self, name: str, variable: str) -> None:
        """Answer with class breaks of the cells, and the renderer that they make."""
        method = self.get_query_argument("method", "") or _METHOD
        colormap = self.get_query_argument("colormap", "") or _COLORMAP
        classes = whole_number(self, "classes", _CLASSES)

        def compute(opened: "Opened", check: "Check") -> "Document":
            from geojobs_lab.rasters import summarise
            from geojobs_lab.renderers import ClassifiedRenderer, Distribution, class_breaks

            try:
                # Refused before a large layer is read.
                class_breaks(Distribution.of([]), method, classes)
                ClassifiedRenderer.from_breaks([None], colormap)
                found = summarise(opened.file, variable, [opened.selection], check=check)
                values = Distribution.from_summary(found)
                breaks = class_breaks(values, method, classes, check=check)
                renderer = ClassifiedRenderer.from_breaks(breaks or [None], colormap)
            except RendererNotValid as error:
                field = error.option or "colormap"
                message = str(error).removeprefix("renderer: ")
                raise InvalidInput(f"{field}: {message}", field=field, value=error.value) from error
            return {
                "method": method,
                "breaks": breaks,
                "min": values.low if values.count else None,
                "count": values.count,
                "sample": values.sample.size,
                "unit": opened.info.units,
                "renderer": renderer.to_json(),
            }

        await self.answer(
            name, variable, compute, "classify", method, classes, colormap, reserved=("method", "classes")
        )
