"""How a notebook shows what the client gives back: live widgets where there are any, plain HTML and text everywhere.

The widgets are found by the entry points of the group ``geojobs_lab.displays``: ``job``, ``form``, ``map``, ``jobs``,
``services``. This room knows none of them.
"""

import logging
import sys
from collections.abc import Callable
from importlib.metadata import entry_points
from typing import Any

from geojobs_lab.errors import ClientError

_log = logging.getLogger(__name__)

GROUP = "geojobs_lab.displays"


def display(kind: str, *arguments: Any, **options: Any) -> Any:
    """Return the widget of a kind.

    Raises
    ------
    ClientError
        No package that is installed offers one.
    """
    for point in entry_points(group=GROUP, name=kind):
        return point.load()(*arguments, **options)
    raise ClientError(f"no installed package shows a {kind}: the entry point group {GROUP!r} is empty of it")


def bundle(thing: Any, live: Callable[[], Any] | None) -> dict[str, Any]:
    """Return the MIME bundle of an object: its text, its HTML, and in a kernel the view of its widget.

    The front end takes the widget where it can; a saved notebook without one still reads well.
    """
    shown: dict[str, Any] = {"text/plain": repr(thing), "text/html": thing._repr_html_()}
    if live is not None and "ipykernel" in sys.modules:
        try:
            widget = live()._repr_mimebundle_()
        except Exception as error:  # noqa: BLE001  a widget that cannot be made must not hide the object itself
            _log.warning("The widget cannot be shown: %s", error)
        else:
            view = widget[0] if isinstance(widget, tuple) else widget
            shown = {**shown, **view, "text/plain": repr(thing)}
    return shown
