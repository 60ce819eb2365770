"""Where the boxes and the lines of a graph go on paper: layers from top to bottom, few crossings, straight lines.

Owns the geometry alone, in pixels with y downward; what a box is and how it looks is `drawing`'s business. The way is
the usual one for layered graphs (Sugiyama, Tagawa and Toda, 1981): layers by the longest path, places where a line
passes a layer, an order of each layer by the mean of its neighbours, and then positions as near to the neighbours as
the widths let them be.
"""

from bisect import bisect_right, insort
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Final, NamedTuple

_SWEEPS: Final = 12  # down and up in turn; the order hardly changes after the fourth
_SETTLING: Final = (
    21  # sweeps in which the positions settle; the last goes down, and centres boxes under what they need
)
_STRAIGHT: Final = (1.0, 2.0, 8.0)  # how much a line is kept upright, by how many of its ends are on its way
_BESIDE: Final = 20.0  # pixels between two boxes of a layer
_BETWEEN: Final = 40.0  # pixels between two layers
_LINE: Final = 8.0  # pixels that a line takes where it passes a layer


@dataclass(frozen=True, slots=True)
class Box:
    """A box to be placed; `ins` and `outs` say where lines meet its upper and lower edge, in pixels from its middle."""

    width: float
    height: float
    ins: tuple[float, ...] = ()
    outs: tuple[float, ...] = ()


class Edge(NamedTuple):
    """A line from a port at the lower edge of a box to one at the upper edge of another; ports count from the left."""

    source: str
    out: int
    target: str
    port: int


@dataclass(frozen=True, slots=True)
class Layout:
    """The left upper corners of the boxes, for each edge an SVG path and where it ends, and the size of the whole."""

    corners: Mapping[str, tuple[float, float]]
    paths: Sequence[str]
    tips: Sequence[tuple[float, float]]
    width: float
    height: float


def lay_out(boxes: Mapping[str, Box], edges: Sequence[Edge]) -> Layout:
    """Place the boxes of a graph that has no circles."""
    layers = _layers(boxes, edges)
    chains = [_chain(edge, layers) for edge in edges]
    sizes: dict[Hashable, Box] = {key: box for key, box in boxes.items()}  # noqa: C416  # the keys' type is wider
    sizes |= {place: Box(_LINE, 0.0, (0.0,), (0.0,)) for chain in chains for place in chain[1:-1]}
    links = _links(edges, chains, sizes)
    rows = _ordered(_rows(layers, chains), sizes, links)
    middles = _middles(rows, sizes, links)
    return _drawn(rows, boxes, sizes, middles, edges, chains)


class _Link(NamedTuple):
    """A piece of a line from one layer to the next; `out` and `port` are pixels from the middles of its ends."""

    source: Hashable
    out: float
    target: Hashable
    port: float


def _layers(boxes: Mapping[str, Box], edges: Sequence[Edge]) -> dict[str, int]:
    """Return the layer of each box: below all that it needs; what needs nothing stands just above its first user."""
    above: dict[str, dict[str, None]] = {key: {} for key in boxes}  # in the order of the edges, as a set would not be
    below: dict[str, dict[str, None]] = {key: {} for key in boxes}
    for edge in edges:
        above[edge.target][edge.source] = None
        below[edge.source][edge.target] = None
    layers: dict[str, int] = {}
    missing = {key: len(needed) for key, needed in above.items()}
    ready = [key for key in boxes if not missing[key]]
    for key in ready:  # which grows on the way
        layers[key] = max((layers[other] + 1 for other in above[key]), default=0)
        for other in below[key]:
            missing[other] -= 1
            if not missing[other]:
                ready.append(other)
    for key in boxes:
        if not above[key] and below[key]:
            layers[key] = min(layers[other] for other in below[key]) - 1
    return {key: layers[key] for key in boxes}


def _chain(edge: Edge, layers: Mapping[str, int]) -> list[Hashable]:
    """Return what a line goes through: its ends, and a place in each layer between; the lines of a port share them."""
    between = range(layers[edge.source] + 1, layers[edge.target])
    return [edge.source, *((edge.source, edge.out, layer) for layer in between), edge.target]


def _links(edges: Sequence[Edge], chains: Sequence[list[Hashable]], sizes: Mapping[Hashable, Box]) -> list[_Link]:
    found: dict[_Link, None] = {}
    for edge, chain in zip(edges, chains, strict=True):
        for source, target in pairwise(chain):
            out = sizes[source].outs[edge.out] if source == edge.source else 0.0
            port = sizes[target].ins[edge.port] if target == edge.target else 0.0
            found[_Link(source, out, target, port)] = None
    return list(found)


def _rows(layers: Mapping[str, int], chains: Sequence[list[Hashable]]) -> list[list[Hashable]]:
    rows: list[list[Hashable]] = [[] for _ in range(max(layers.values(), default=-1) + 1)]
    for key, layer in layers.items():
        rows[layer].append(key)
    for chain in chains:
        for layer, place in enumerate(chain[1:-1], layers[str(chain[0])] + 1):
            if place not in rows[layer]:
                rows[layer].append(place)
    return rows


def _ordered(rows: list[list[Hashable]], sizes: Mapping[Hashable, Box], links: Sequence[_Link]) -> list[list[Hashable]]:
    """Return the rows in the order, of those tried, in which the fewest lines cross."""
    best, fewest = rows, _crossings(rows, sizes, links)
    for sweep in range(_SWEEPS):
        if not fewest:
            break
        rows = _swept(rows, sizes, links, downward=sweep % 2 == 0)
        crossings = _crossings(rows, sizes, links)
        if crossings < fewest:
            best, fewest = rows, crossings
    return best


def _swept(
    rows: list[list[Hashable]], sizes: Mapping[Hashable, Box], links: Sequence[_Link], *, downward: bool
) -> list[list[Hashable]]:
    """Return the rows, each ordered by the means of where its boxes' lines come from in the row before it."""
    place = _places(rows)
    ends: dict[Hashable, list[tuple[Hashable, float]]] = defaultdict(list)
    for link in links:
        if downward:
            ends[link.target].append((link.source, _share(link.out, sizes[link.source])))
        else:
            ends[link.source].append((link.target, _share(link.port, sizes[link.target])))
    swept = list(rows)
    for number in range(len(rows)) if downward else reversed(range(len(rows))):
        means = {key: _mean([place[other] + share for other, share in ends[key]], place[key]) for key in rows[number]}
        swept[number] = sorted(rows[number], key=means.__getitem__)
        place |= {key: at for at, key in enumerate(swept[number])}
    return swept


def _crossings(rows: Sequence[list[Hashable]], sizes: Mapping[Hashable, Box], links: Sequence[_Link]) -> int:
    place = _places(rows)
    level = {key: number for number, row in enumerate(rows) for key in row}
    gaps: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for link in links:
        ends = (
            place[link.source] + _share(link.out, sizes[link.source]),
            (place[link.target] + _share(link.port, sizes[link.target])),
        )
        gaps[level[link.source]].append(ends)
    return sum(_inversions(end for _, end in sorted(gap)) for gap in gaps.values())


def _inversions(numbers: Iterable[float]) -> int:
    """Count the pairs that stand in the wrong order."""
    seen: list[float] = []
    count = 0
    for number in numbers:
        count += len(seen) - bisect_right(seen, number)
        insort(seen, number)
    return count


def _places(rows: Sequence[list[Hashable]]) -> dict[Hashable, int]:
    return {key: place for row in rows for place, key in enumerate(row)}


def _share(port: float, box: Box) -> float:
    """Return where a port is between a box's edges, -0.5 to 0.5."""
    return port / box.width if box.width else 0.0


def _middles(
    rows: Sequence[list[Hashable]], sizes: Mapping[Hashable, Box], links: Sequence[_Link]
) -> dict[Hashable, float]:
    """Return the x of each middle: near the ends of its lines, in the given order, without overlaps."""
    above: dict[Hashable, list[tuple[Hashable, float, float]]] = defaultdict(list)
    below: dict[Hashable, list[tuple[Hashable, float, float]]] = defaultdict(list)
    for link in links:
        weight = _STRAIGHT[isinstance(link.source, tuple) + isinstance(link.target, tuple)]
        above[link.target].append((link.source, link.out - link.port, weight))
        below[link.source].append((link.target, link.port - link.out, weight))
    middles: dict[Hashable, float] = {}
    for row in rows:
        widths = [sizes[key].width for key in row]
        middles |= zip(row, _apart([(0.0, 1.0)] * len(row), widths), strict=True)
    for sweep in range(_SETTLING):
        ends = below if sweep % 2 else above
        for row in reversed(rows) if sweep % 2 else rows:
            widths = [sizes[key].width for key in row]
            wanted = [_wish([(middles[o] + shift, w) for o, shift, w in ends[key]], middles[key]) for key in row]
            middles |= zip(row, _apart(wanted, widths), strict=True)
    left = min((middles[key] - sizes[key].width / 2 for key in middles), default=0.0)
    return {key: middle - left for key, middle in middles.items()}


def _wish(places: Sequence[tuple[float, float]], otherwise: float) -> tuple[float, float]:
    """Return the weighted mean of places, and its weight."""
    weight = sum(weight for _, weight in places)
    return (sum(place * weight for place, weight in places) / weight, weight) if places else (otherwise, 0.1)


def _apart(wanted: Sequence[tuple[float, float]], widths: Sequence[float]) -> list[float]:
    """Return the middles that lie nearest to those wanted (least squares) and leave room between the boxes.

    What would overlap is joined to a block, which lies at the weighted mean of what its members want: pooling of
    adjacent violators.
    """
    starts = [0.0]
    for one, next_one in pairwise(widths):
        starts.append(starts[-1] + (one + next_one) / 2 + _BESIDE)
    blocks: list[tuple[float, float, int]] = []  # weighted sum of the wishes, weight, members
    for (place, weight), start in zip(wanted, starts, strict=False):
        blocks.append(((place - start) * weight, weight, 1))
        while len(blocks) > 1 and blocks[-2][0] / blocks[-2][1] > blocks[-1][0] / blocks[-1][1]:
            last = blocks.pop()
            blocks[-1] = blocks[-1][0] + last[0], blocks[-1][1] + last[1], blocks[-1][2] + last[2]
    places = [total / weight for total, weight, count in blocks for _ in range(count)]
    return [place + start for place, start in zip(places, starts, strict=False)]


def _mean(numbers: Sequence[float], otherwise: float) -> float:
    return sum(numbers) / len(numbers) if numbers else otherwise


def _drawn(
    rows: Sequence[list[Hashable]],
    boxes: Mapping[str, Box],
    sizes: Mapping[Hashable, Box],
    middles: Mapping[Hashable, float],
    edges: Sequence[Edge],
    chains: Sequence[list[Hashable]],
) -> Layout:
    bands: dict[Hashable, tuple[float, float]] = {}  # upper and lower end of each one's row
    top = 0.0
    for row in rows:
        bottom = top + max(sizes[key].height for key in row)
        bands |= dict.fromkeys(row, (top, bottom))
        top = bottom + _BETWEEN
    corners = {key: (middles[key] - box.width / 2, (sum(bands[key]) - box.height) / 2) for key, box in boxes.items()}
    paths, tips = [], []
    for edge, chain in zip(edges, chains, strict=True):
        source, target = boxes[edge.source], boxes[edge.target]
        xs = [middles[key] for key in chain]
        xs[0] += source.outs[edge.out]
        xs[-1] += target.ins[edge.port]
        start, end = corners[edge.source][1] + source.height, corners[edge.target][1]
        paths.append(_path(xs, [bands[key] for key in chain], start, end))
        tips.append((xs[-1], end))
    width = max((middles[key] + sizes[key].width / 2 for key in middles), default=0.0)
    return Layout(corners, paths, tips, width, max(top - _BETWEEN, 0.0))


def _path(xs: Sequence[float], bands: Sequence[tuple[float, float]], start: float, end: float) -> str:
    """Return a line that is upright within the rows and bends between them."""
    parts = [f"M{xs[0]:.1f} {start:.1f}V{bands[0][1]:.1f}"]
    for x, next_x, (_, lower), (upper, next_lower) in zip(xs, xs[1:], bands, bands[1:], strict=False):
        middle = (lower + upper) / 2
        parts.append(f"C{x:.1f} {middle:.1f} {next_x:.1f} {middle:.1f} {next_x:.1f} {upper:.1f}V{next_lower:.1f}")
    last = parts.pop().rpartition("V")[0]
    return "".join([*parts, f"{last}V{end:.1f}"])
