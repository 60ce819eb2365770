"""Two results in one place, with a divider to be pushed to and fro."""

from collections.abc import Mapping
from typing import Any, NoReturn

from ipyleaflet import SplitMapControl, TileLayer

from geojobs_lab.errors import Conflict
from geojobs_lab.renderers import Renderer
from geojobs_lab.widgets.layers import Result
from geojobs_lab.widgets.map import ResultMap


class SwipeMap(ResultMap):
    """Two results, one on each side of a divider.

    Parameters
    ----------
    left, right : Job, Service or str
        As for `ResultMap`.
    basemap, height
        As for `ResultMap`.
    variable : str, optional
        The variable, or the job's output, of both.
    renderer : Renderer or Mapping, optional
        The colours of both, so that they can be compared; each has its own when left out.

    Raises
    ------
    InvalidInput, JobFailed, JobRevoked
        As for `ResultMap`.
    """

    def __init__(
        self,
        left: Result,
        right: Result,
        *,
        basemap: TileLayer | Mapping[str, Any] | None = None,
        height: int = 480,
        variable: str | None = None,
        renderer: Renderer | Mapping[str, Any] | str | None = None,
    ) -> None:
        self._connect(left, right)
        found = [self._find(result, variable, renderer) for result in (left, right)]
        self._start(found[0][0].service.transport, basemap, height)
        sides = [
            [self._show(layer, side=side) for layer in layers]
            for side, layers in zip(("left", "right"), found, strict=True)
        ]
        self._look()
        self.add(self._keep(SplitMapControl(left_layer=sides[0], right_layer=sides[1])))

    def add_result(self, *args: Any, **kwargs: Any) -> NoReturn:
        """Refuse: there are two sides, and each has its result."""
        raise Conflict("a SwipeMap shows two results: make a ResultMap for more")
