"""The colours that a person asks for, as the server takes them.

What they mean is the server's and `renderers`' matter.
"""

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    from geojobs_lab.renderers import Renderer

    Style: TypeAlias = Renderer | Mapping[str, Any] | str

_COLORMAP = "viridis"  # where a stretch is given without one


def renderer_json(renderer: "Style | None") -> Mapping[str, Any] | None:
    """Return the JSON of a renderer, a colormap's name, or the options of a stretch; None is returned as it is."""
    if isinstance(renderer, str):
        renderer = {"colormap": renderer}
    if isinstance(renderer, Mapping):
        whole = not renderer or "type" in renderer or "colors" in renderer
        return renderer if whole else {"type": "stretched", "options": {"colormap": _COLORMAP, **renderer}}
    return None if renderer is None else renderer.to_json()


def renderer_query(renderer: "Style | None") -> dict[str, str]:
    """Return a renderer as a part of a query; nothing for None."""
    document = renderer_json(renderer)
    # Without spaces: some proxies refuse URLs of more than 8 kB.
    return {} if document is None else {"renderer": json.dumps(document, allow_nan=False, separators=(",", ":"))}
