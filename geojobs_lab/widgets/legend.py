"""A legend document as a small box of HTML, in Jupyter's own colours."""

from collections.abc import Mapping
from html import escape
from typing import Any

_BOX = (
    "padding: 6px 10px; line-height: 1.35; font-size: 12px; "
    "color: var(--jp-ui-font-color1, #222); background: var(--jp-layout-color1, #fff)"
)
_SWATCH = "display: inline-block; width: 14px; height: 14px; margin-right: 6px; vertical-align: middle"


def legend_html(legend: Mapping[str, Any], title: str) -> str:
    """Return the box: title, unit, and the entries, the highest on top.

    Parameters
    ----------
    legend : Mapping
        As ``legend.json`` has it.
    title : str
        What is shown.
    """
    unit = f" ({escape(str(legend['unit']))})" if legend.get("unit") else ""
    rows = "".join(
        f'<div><span style="{_SWATCH}; background: {escape(entry["color"])}"></span>{escape(str(entry["label"]))}</div>'
        for entry in reversed(legend["entries"])
    )
    return f'<div style="{_BOX}"><div style="font-weight: 600">{escape(title)}{unit}</div>{rows}</div>'
