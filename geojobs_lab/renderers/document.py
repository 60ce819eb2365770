"""Renderers from their JSON form."""

from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from geojobs_lab.documents import load_json
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.classified import ClassifiedRenderer
from geojobs_lab.renderers.stretched import StretchedRenderer
from geojobs_lab.renderers.unique import UniqueRenderer
from geojobs_lab.renderers.values import shown

_KINDS: dict[str, type[StretchedRenderer | ClassifiedRenderer | UniqueRenderer]] = {
    kind.type: kind for kind in (StretchedRenderer, ClassifiedRenderer, UniqueRenderer)
}
_KEYS = ("type", "colors", "options")


def renderer_from_json(document: Mapping[str, Any] | str) -> Renderer:
    """Read a renderer.

    Parameters
    ----------
    document : mapping or str
        The JSON form, or its text::

            {"type": "stretched" | "classified" | "unique", "colors": [[value, "#rrggbb"], ...], "options": {...}}

        ``#rgb`` and ``#rrggbbaa`` are read too. Options, all of which may be left out, of every kind: ``fill_value``,
        ``background``, ``missing``; of a stretched one ``color_space``, "rgb" or "hsv"; of a classified or a unique
        one ``labels``. The value of a class's color is its upper limit, null for none. Instead of colors a stretched
        one may have the options ``colormap`` (a name of matplotlib's), ``vmin`` and ``vmax``.

    Raises
    ------
    RendererNotValid
        The message names what is wrong and its value.
    """
    if isinstance(document, str):
        return _from_text(document)
    if not isinstance(document, Mapping):
        raise RendererNotValid(f"renderer: {shown(document)} is not an object", value=document)
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise RendererNotValid(f"renderer: the type {shown(kind)} is not one of {', '.join(_KINDS)}", value=kind)
    for key, value in document.items():
        if key not in _KEYS:
            raise RendererNotValid(f"renderer: {shown(key)} is not one of {', '.join(_KEYS)}", value=value)
    return _KINDS[kind].from_json(document)


@lru_cache(maxsize=64)  # every tile of a map comes with the same text
def _from_text(text: str) -> Renderer:
    try:
        document = load_json(text)
    except ValueError as error:
        raise RendererNotValid(f"renderer: not JSON: {error}", value=text) from None
    if isinstance(document, str):
        raise RendererNotValid(f"renderer: {shown(document)} is not an object", value=document)
    return renderer_from_json(document)
