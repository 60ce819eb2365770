"""What our browser widgets have in common: their script and style, and the server that they ask by themselves.

The script in the page asks the Jupyter server directly (``static/server.js``), so that a widget moves and its buttons
work while the kernel is busy, and after it has gone. What the kernel knows is synced as traits, for pages that cannot
reach the server and for notebooks that are opened without one.
"""

from pathlib import Path
from typing import Any

import anywidget
import traitlets

from geojobs_lab.client.transport import Transport
from geojobs_lab.client.urls import PREFIX

_STATIC = Path(__file__).parent / "static"


def script(*names: str) -> str:
    """Return the module of a widget: the shared script, then its own files, the last of which has the export."""
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("server.js", *names))


def style(*names: str) -> str:
    """Return the shared style sheet and the widget's own."""
    return "\n".join((_STATIC / name).read_text(encoding="utf-8") for name in ("common.css", *names))


class ServerWidget(anywidget.AnyWidget):
    """A widget whose script asks the server.

    Attributes
    ----------
    rest : str
        The root-relative URL of the API, with a slash at the end: ``/user/x/geoprocessing/rest/``.
    """

    rest = traitlets.Unicode().tag(sync=True)

    def __init__(self, transport: Transport, **traits: Any) -> None:
        super().__init__(rest=transport.address.path + PREFIX, **traits)

    def _repr_mimebundle_(self, **options: Any) -> tuple[dict[str, Any], dict[str, Any]] | None:
        """Give the widget, and what a notebook shows where no kernel and no widgets are."""
        bundle = super()._repr_mimebundle_(**options)
        if bundle is None:  # it was given no view
            return None
        data, metadata = bundle
        html = self._saved_html()
        saved = {"text/plain": repr(self), **({"text/html": html} if html else {})}
        return {**data, **saved}, metadata

    def _saved_html(self) -> str:
        """Return the widget as it is now, as HTML without script or style."""
        return ""
