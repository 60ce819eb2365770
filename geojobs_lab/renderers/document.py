"""Renderers from their JSON form."""

from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from geojobs_lab.documents import load_json
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.classified import ClassifiedRenderer
from geojobs_lab.renderers.distribution import Distribution
from geojobs_lab.renderers.stretched import StretchedRenderer
from geojobs_lab.renderers.unique import UniqueRenderer
from geojobs_lab.renderers.values import shown

_LISTED: dict[str, type[ClassifiedRenderer | UniqueRenderer]] = {
    kind.type: kind for kind in (ClassifiedRenderer, UniqueRenderer)
}
_TYPES = (StretchedRenderer.type, *_LISTED)
_KEYS = ("type", "colors", "options")


def renderer_from_json(
    document: Mapping[str, Any] | str, distribution: Callable[[float | None], Distribution] | None = None
) -> Renderer:
    """Read a renderer.

    Parameters
    ----------
    document : mapping or str
        The JSON form, or its text::

            {"type": "stretched" | "classified" | "unique", "colors": [[value, "#rrggbb"], ...], "options": {...}}

        ``#rgb`` and ``#rrggbbaa`` are read too. Options, all of which may be left out, of every kind: ``fill_value``,
        ``background``, ``missing``; of a stretched one ``color_space``, "rgb" or "hsv", and ``stretch``, "linear",
        "log" or "sqrt"; of a classified or a unique one ``labels``. The value of a class's color is its upper limit,
        null for none.

        Instead of colors a stretched one may have the option ``colormap`` (a name of matplotlib's), with its limits
        ``vmin`` and ``vmax``. Those that are left out are taken from the data: the percentiles ``pmin`` and ``pmax``,
        ``deviations`` (standard deviations about the mean), or the whole range. The stretches "percentile" and
        "standard-deviation" are linear ones with the percentiles 2 and 98, or two deviations, where none are given.
    distribution : callable, optional
        Looks at the data, a fill value left out, where a stretch needs them.

    Raises
    ------
    RendererNotValid
        The message names what is wrong and its value.
    """
    if isinstance(document, str):
        return _from_text(document) if distribution is None else renderer_from_json(_document(document), distribution)
    if not isinstance(document, Mapping):
        raise RendererNotValid(f"renderer: {shown(document)} is not an object", value=document)
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _TYPES:
        raise RendererNotValid(f"renderer: the type {shown(kind)} is not one of {', '.join(_TYPES)}", value=kind)
    for key, value in document.items():
        if key not in _KEYS:
            raise RendererNotValid(f"renderer: {shown(key)} is not one of {', '.join(_KEYS)}", value=value)
    if kind == StretchedRenderer.type:
        return StretchedRenderer.from_json(document, distribution)
    return _LISTED[kind].from_json(document)


@lru_cache(maxsize=64)  # every tile of a map comes with the same text
def _from_text(text: str) -> Renderer:
    return renderer_from_json(_document(text))


def _document(text: str) -> Mapping[str, Any]:
    try:
        document = load_json(text)
    except ValueError as error:
        raise RendererNotValid(f"renderer: not JSON: {error}", value=text) from None
    if not isinstance(document, dict):
        raise RendererNotValid(f"renderer: {shown(document)} is not an object", value=document)
    return document
