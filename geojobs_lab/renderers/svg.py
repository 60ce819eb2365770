"""The legend of a renderer as an SVG, written without a drawing library."""

from collections.abc import Iterator
from html import escape
from itertools import groupby

from geojobs_lab.colors import Color
from geojobs_lab.renderers.base import Renderer
from geojobs_lab.renderers.layout import WIDTH, Layout, Patch, Text, legend_layout

_INK = "#222222"
_CHEQUERED = (
    '<pattern id="chequered" width="8" height="8" patternUnits="userSpaceOnUse">'
    '<rect width="8" height="8" fill="#ffffff"/><path d="M4 0h4v4h-4zM0 4h4v4h-4z" fill="#cccccc"/></pattern>'
)


def legend_svg(renderer: Renderer, title: str | None = None, unit: str | None = None) -> str:
    """Draw a legend as `legend_png` does, as an SVG document.

    Colours are those of the tiles: a ramp is a row of rectangles, each of one colour.

    Parameters
    ----------
    renderer : Renderer
    title : str, optional
        What is shown; long ones are broken into lines.
    unit : str, optional
        The unit of the values.

    Returns
    -------
    str
        The text, 320 wide, on white, without script, style sheets or links.
    """
    layout = legend_layout(renderer, title, unit)
    return "\n".join(_lines(layout)) + "\n"


def _lines(layout: Layout) -> Iterator[str]:
    size = f"{WIDTH} {layout.height}"
    yield (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{layout.height}" viewBox="0 0 {size}" '
        f'role="img" font-family="sans-serif" fill="{_INK}">'
    )
    yield f"<title>{escape(layout.title) or 'Legend'}</title>"
    yield f"<defs>{_CHEQUERED}</defs>"
    yield f'<rect width="{WIDTH}" height="{layout.height}" fill="#ffffff"/>'
    for x, y, length in layout.ticks:
        yield f'<path d="M{x:.2f} {y}v{length}" stroke="{_INK}" stroke-width="0.6"/>'
    for patch in layout.patches:
        yield from _patch(patch)
    for text in layout.texts:
        yield _text(text)
    yield "</svg>"


def _patch(patch: Patch) -> Iterator[str]:
    left, width = patch.edges[0], patch.edges[-1] - patch.edges[0]
    place = f'x="{left:g}" y="{patch.y}" width="{width:g}" height="{patch.height}"'
    colors = [Color.from_hex(color) for color in patch.colors]
    if any(color.alpha < 255 for color in colors):
        yield f'<rect {place} fill="url(#chequered)"/>'
    yield '<g shape-rendering="crispEdges">'
    for color, group in groupby(zip(colors, patch.edges, patch.edges[1:], strict=False), key=lambda part: part[0]):
        parts = list(group)
        start, end = parts[0][1], parts[-1][2]
        yield (
            f'<rect x="{start:g}" y="{patch.y}" width="{end - start:g}" height="{patch.height}" '
            f'fill="{color.to_hex()[:7]}"{_opacity(color)}/>'
        )
    yield "</g>"
    yield f'<rect {place} fill="none" stroke="{_INK}" stroke-width="0.6"/>'


def _opacity(color: Color) -> str:
    return "" if color.alpha == 255 else f' fill-opacity="{color.alpha / 255:.4f}"'


def _text(text: Text) -> str:
    anchor = ' text-anchor="middle"' if text.centred else ""
    return f'<text x="{text.x:.2f}" y="{text.y:g}" font-size="{text.size:g}"{anchor}>{escape(text.words)}</text>'
