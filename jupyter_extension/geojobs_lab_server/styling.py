"""The part of a query that says in which colours: a renderer's JSON, or a colormap with its limits.

Owns the names and their reading. A colormap and its limits become the JSON of a renderer; what it means is the
matter of `renderers`.
"""

from collections.abc import Mapping

from geojobs_lab.documents import dump_json
from geojobs_lab.errors import InvalidInput, RendererNotValid
from geojobs_lab_server.query import read_number

_TEXTS, _NUMBERS = ("colormap", "stretch"), ("vmin", "vmax", "pmin", "pmax", "deviations")
STYLE = ("renderer", *_TEXTS, *_NUMBERS)
_COLORMAP = "viridis"  # where a query names limits or a stretch and no colormap


def asked_renderer(query: Mapping[str, str]) -> str | None:
    """Return the JSON of the renderer that a query asks for; None where it asks for none.

    Raises
    ------
    InvalidInput
        What should be a number is none, or there is a renderer and something else.
    """
    given = {name: query[name] for name in STYLE if query.get(name)}
    renderer = given.pop("renderer", None)
    if not given:
        return renderer
    if renderer is not None:
        name = next(iter(given))
        raise InvalidInput(f"{name}: there is a renderer too: give one of them", field=name, value=given[name])
    options = {name: read_number(name, text) if name in _NUMBERS else text for name, text in given.items()}
    return dump_json({"type": "stretched", "options": {"colormap": _COLORMAP, **options}})


def named(error: RendererNotValid) -> InvalidInput:
    """Return the error of a renderer that was made of parts of a query, naming the part."""
    field = error.option if error.option in STYLE else _TEXTS[0]
    return InvalidInput(f"{field}: {str(error).removeprefix('renderer: ')}", field=field, value=error.value)
