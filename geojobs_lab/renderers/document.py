"""Renderers from their JSON form."""

from collections.abc import Mapping
from typing import Any

from geojobs_lab.documents import load_json
from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.stretched import StretchedRenderer

_KINDS = {kind.type: kind for kind in (StretchedRenderer,)}


def renderer_from_json(document: Mapping[str, Any] | str) -> Renderer:
    """Read a renderer.

    Parameters
    ----------
    document : mapping or str
        The JSON form, or its text: ``{"type": "stretched", "colors": [[value, "#rrggbb"], ...]}``, with or
        without ``"options": {"color_space": "rgb"}``.

    Raises
    ------
    RendererNotValid
        The message names what is wrong and its value.
    """
    if isinstance(document, str):
        try:
            document = load_json(document)
        except ValueError as error:
            raise RendererNotValid(f"renderer: not JSON: {error}", value=document) from None
    if not isinstance(document, Mapping):
        raise RendererNotValid(f"renderer: {document!r} is not an object", value=document)
    kind = document.get("type")
    if not isinstance(kind, str) or kind not in _KINDS:
        raise RendererNotValid(f"renderer: the type {kind!r} is not one of {', '.join(_KINDS)}", value=kind)
    return _KINDS[kind].from_json(document)
