"""The picture of a workflow in a notebook: its inputs, nodes and outputs as one SVG, in HTML.

Owns what is drawn and how it looks; where it goes is `layout`'s business. The colours are those of the notebook's
theme where it says them (Jupyter's CSS variables) and follow the text's colour elsewhere, so that the picture reads on
light and on dark. Everything that comes from a workflow is escaped, and nothing is a script.
"""

from bisect import bisect_right
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import accumulate
from typing import Any, Final
from unicodedata import east_asian_width

from geojobs_lab.documents import dump_json
from geojobs_lab.parameters import Parameter
from geojobs_lab.workflows.graph import FromInput, FromNode, Graph, Literal, Node
from geojobs_lab.workflows.layout import Box, Edge, Layout, lay_out

_ROW: Final = 17.0  # pixels from one line of a box to the next
_PADDING: Final = 12.0  # pixels between a box's edge and its text
_MARGIN: Final = 8.0  # pixels round the whole
_WIDEST: Final = 210.0  # pixels of a text; what is longer is cut, and whole in the tooltip
_MOST_LITERALS: Final = 5  # lines of a box; the tooltip has all
_LONGEST_SHOWN: Final = 500  # characters of a literal in the tooltip
_LEAST_SCALE: Final = 0.65  # of the natural size: below it texts are too small, and the picture scrolls instead

_TEXT = "var(--jp-ui-font-color1, currentColor)"
_FAMILY = "var(--jp-ui-font-family, system-ui, -apple-system, 'Segoe UI', Roboto, sans-serif)"
_LOOKS: Final = {  # of each kind of box: fill and edge
    "input": ("rgba(33, 150, 243, 0.16)", "rgba(33, 150, 243, 0.9)"),
    "node": ("rgba(127, 127, 127, 0.08)", "rgba(127, 127, 127, 0.75)"),
    "output": ("rgba(76, 175, 80, 0.18)", "rgba(67, 160, 71, 0.95)"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """A line of a box's text: what is muted in front, and what is not."""

    text: str
    muted: str = ""
    size: float = 12.0  # pixels
    bold: bool = False

    @property
    def width(self) -> float:
        return measure(self.muted + self.text, self.size) * (1.12 if self.bold else 1.0)


@dataclass(frozen=True, slots=True)
class _Card:
    """A box with what stands in it; `ins` and `outs` name its ports, `tooltip` says all."""

    kind: str
    lines: Sequence[_Line]
    tooltip: str
    ins: Sequence[str] = field(default_factory=tuple)
    outs: Sequence[str] = field(default_factory=tuple)
    shows_ins: bool = False
    shows_outs: bool = False

    def box(self) -> Box:
        """Return the box that holds the text, with its ports side by side."""
        strips = self.shows_ins + self.shows_outs
        texts = [line.width for line in self.lines]
        width = max(*texts, *(sum(_slots(names)) for names in (self.ins, self.outs))) + 2 * _PADDING
        height = len(self.lines) * _ROW + strips * _ROW + (10.0 if self.kind == "node" else 8.0)
        return Box(width, height, _ports(self.ins, width), _ports(self.outs, width))


def draw(graph: Graph, *, name: str, title: str | None, description: str | None) -> str:
    """Return the HTML of a workflow's picture, with its title above.

    Parameters
    ----------
    graph : Graph
        One that has been checked.
    name, title, description : str
        Of the workflow.
    """
    cards = dict(_cards(graph))
    edges = list(_edges(graph, cards))
    layout = lay_out({key: card.box() for key, card in cards.items()}, edges)
    heading = _escaped(title or name or "Workflow")
    known_as = f' <span style="font-weight: normal; opacity: 0.7">· {_escaped(name)}</span>' if title and name else ""
    parts = [f'<div style="font-weight: 600">{heading}{known_as}</div>']
    if description:
        parts.append(f'<div style="opacity: 0.75; max-width: 60em; margin-bottom: 4px">{_escaped(description)}</div>')
    parts.append(_svg(cards, layout, _summary(graph, name or title)))
    body = "".join(parts)
    return f'<div style="color: {_TEXT}; font-family: {_FAMILY}; overflow-x: auto">{body}</div>'


def _escaped(text: str) -> str:
    """Return a text that can stand in HTML and in XML: what cannot be printed becomes a blank."""
    return escape("".join(letter if letter.isprintable() or letter == "\n" else " " for letter in text))


def measure(text: str, size: float) -> float:
    """Return about how wide a text is in pixels, rather too wide: the font is the reader's."""
    return size * sum(_width(letter) for letter in text)


def _cards(graph: Graph) -> Iterator[tuple[str, _Card]]:
    for parameter in graph.inputs:
        line = _Line(_cut(parameter.name, 12.0), bold=True)
        yield f"input {parameter.name}", _Card("input", [line], _about("Input", parameter), outs=("",))
    for node in graph.nodes:
        yield f"node {node.id}", _node_card(node, graph)
    for parameter, (name, _) in zip(graph.outputs(), graph.results.items(), strict=True):
        line = _Line(_cut(name, 12.0), bold=True)
        yield f"output {name}", _Card("output", [line], _about("Output", parameter), ins=("",))


def _node_card(node: Node, graph: Graph) -> _Card:
    literals = [_Line(*_literal(name, value), size=11.0) for name, value in node.literals().items()]
    if len(literals) > _MOST_LITERALS:
        more = len(literals) - _MOST_LITERALS + 1
        literals[_MOST_LITERALS - 1 :] = [_Line("", f"and {more} more", size=11.0)]
    lines = [_Line(_cut(node.id, 12.0), bold=True), _Line("", _cut(node.task.label, 11.0), size=11.0), *literals]
    ins = [name for name in node.inputs if name not in node.literals()]
    outs = [parameter.name for parameter in node.task.outputs if _is_used(graph, FromNode(node.id, parameter.name))]
    several = len(node.task.outputs) > 1
    return _Card("node", lines, _about_node(node), ins, outs, shows_ins=len(ins) > 1, shows_outs=several)


def _edges(graph: Graph, cards: Mapping[str, _Card]) -> Iterator[Edge]:
    for node in graph.nodes:
        for port, name in enumerate(cards[f"node {node.id}"].ins):
            match node.inputs[name]:
                case FromInput(source):
                    yield Edge(f"input {source}", 0, f"node {node.id}", port)
                case FromNode() as place:
                    yield _edge_from(place, cards, f"node {node.id}", port)
    for name, place in graph.results.items():
        yield _edge_from(place, cards, f"output {name}", 0)


def _edge_from(place: FromNode, cards: Mapping[str, _Card], target: str, port: int) -> Edge:
    source = f"node {place.node}"
    return Edge(source, list(cards[source].outs).index(place.output), target, port)


def _is_used(graph: Graph, place: FromNode) -> bool:
    return place in graph.results.values() or any(place in node.inputs.values() for node in graph.nodes)


def _svg(cards: Mapping[str, _Card], layout: Layout, summary: str) -> str:
    width, height = layout.width + 2 * _MARGIN, layout.height + 2 * _MARGIN
    size = f"width: 100%; max-width: {width:.0f}px; min-width: {min(width, width * _LEAST_SCALE):.0f}px; height: auto"
    lines = "".join(layout.paths)
    tips = "".join(f"M{x - 4:.1f} {y - 8:.1f}h8L{x:.1f} {y:.1f}Z" for x, y in layout.tips)
    shapes = [_card_shape(cards[key], left, top) for key, (left, top) in layout.corners.items()]
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" role="img" aria-label="{_escaped(summary)}" '
        f'viewBox="{-_MARGIN:.0f} {-_MARGIN:.0f} {width:.0f} {height:.0f}" fill="currentColor" '
        f'style="display: block; {size}">'
        f'<path d="{lines}" fill="none" stroke="currentColor" stroke-width="1.3" opacity="0.6"/>'
        f'<path d="{tips}" opacity="0.8"/>{"".join(shapes)}</svg>'
    )


def _card_shape(card: _Card, left: float, top: float) -> str:
    box = card.box()
    fill, stroke = _LOOKS[card.kind]
    radius = 5.0 if card.kind == "node" else box.height / 2
    middle = left + box.width / 2
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{box.width:.1f}" height="{box.height:.1f}" rx="{radius:.1f}" '
        f'fill="{fill}" stroke="{stroke}" stroke-width="1.2"/>'
    ]
    if card.shows_ins:
        parts += _port_names(card.ins, box.ins, middle, top + 13.0)
    if card.shows_outs:
        parts += _port_names(card.outs, box.outs, middle, top + box.height - 6.0)
    baseline = top + (_ROW if card.shows_ins else 0.0) + 17.0
    for number, line in enumerate(card.lines):
        parts.append(_text(line, middle, baseline + number * _ROW))
    return f"<g><title>{_escaped(card.tooltip)}</title>{''.join(parts)}</g>"


def _port_names(names: Sequence[str], ports: Sequence[float], middle: float, y: float) -> Iterator[str]:
    return (
        _text(_Line("", _cut(name, 10.0), size=10.0), middle + port, y) for name, port in zip(names, ports, strict=True)
    )


def _text(line: _Line, x: float, y: float) -> str:
    weight = ' font-weight="600"' if line.bold else ""
    muted = f'<tspan opacity="0.7">{_escaped(line.muted)}</tspan>' if line.muted else ""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" font-size="{line.size:g}" text-anchor="middle"{weight} '
        f'style="white-space: pre">{muted}{_escaped(line.text)}</text>'
    )


def _slots(names: Sequence[str]) -> list[float]:
    """Return the width that each port takes of a box's edge."""
    return [max(measure(name, 10.0) + 10.0, 16.0) for name in names]


def _ports(names: Sequence[str], width: float) -> tuple[float, ...]:
    """Return the middles of the ports, spread over a box of this width, in pixels from its middle."""
    slots = _slots(names)
    room = (width - sum(slots)) / max(len(slots), 1)
    ends = accumulate(slot + room for slot in slots)
    return tuple(end - (slot + room) / 2 - width / 2 for end, slot in zip(ends, slots, strict=True))


def _literal(name: str, value: Any) -> tuple[str, str]:
    """Return a literal as it is shown, and its name."""
    named = f"{name} = "
    text = value if isinstance(value, str) and value else dump_json(value)
    return _cut(" ".join(text.split()), 11.0, _WIDEST - measure(named, 11.0)), named


def _about(side: str, parameter: Parameter) -> str:
    lines = [f"{side} {parameter.name}: {parameter.expected()}", parameter.title, parameter.description]
    return "\n".join(line for line in lines if line)


def _about_node(node: Node) -> str:
    lines = [f"Node {node.id}: {node.task.label}", node.task.title, node.task.description]
    for name, source in node.inputs.items():
        match source:
            case FromInput(origin):
                lines.append(f"{name}: input {origin}")
            case FromNode(origin, output):
                lines.append(f"{name}: {output} of {origin}")
            case Literal(value):
                lines.append(f"{name} = {dump_json(value)[:_LONGEST_SHOWN]}")
    return "\n".join(line for line in lines if line)


def _summary(graph: Graph, name: str | None) -> str:
    """Return the picture in words."""
    nodes = "; ".join(f"{node.id} ({node.task.label}){_after(node)}" for node in graph.order())
    inputs = ", ".join(parameter.name for parameter in graph.inputs) or "none"
    outputs = ", ".join(f"{name} of {place.node}" for name, place in graph.results.items())
    return f"Workflow {name or 'without a name'}. Inputs: {inputs}. Nodes: {nodes}. Outputs: {outputs}."


def _after(node: Node) -> str:
    needs = list(dict.fromkeys(node.needs()))
    return f" after {' and '.join(needs)}" if needs else ""


def _cut(text: str, size: float, widest: float = _WIDEST) -> str:
    """Return as much of a text as fits."""
    if measure(text, size) <= widest:
        return text
    room = widest - measure("…", size)
    ends = list(accumulate(measure(letter, size) for letter in text))
    return f"{text[: bisect_right(ends, room)]}…"


def _width(letter: str) -> float:
    """Return about how wide a letter is, in sizes of the font."""
    if east_asian_width(letter) in "WF":
        return 1.0
    if letter in " .,:;'|!ijlI()[]`":
        return 0.36
    return 0.95 if letter in "mwMW@%—…" else 0.74 if letter.isupper() else 0.6
