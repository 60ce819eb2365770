"""Tiles beside those of peers: each at zooms 0 to 8, cold and warm, in process and through HTTP, of growing rasters.

Owns what is measured and the tables; the rasters are `tiles_data`'s, how each peer draws its own module's, requests
`tiles_http`'s.
"""

import gc
import io
import statistics
import tempfile
import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path

import numpy as np
from PIL import Image

from benchmarks import children, ncdjango_peer, tiles_http, tiles_xpublish
from benchmarks.children import Ask, NotInstalled
from benchmarks.measure import Cell, Table, Times, bounded, ratio
from benchmarks.tiles_data import LARGE, MEDIUM, PROJECTED, SMALL, TILES, ZOOMS, Files, Raster, Tile, made, tiles_of
from benchmarks.tiles_ours import Ours
from benchmarks.tiles_peer import ChildPeer, LocalPeer, Peer
from benchmarks.tiles_rio import OnArray, OnCog

_OURS, _SEEN, _COG, _NCDJANGO = "geojobs_lab", "geojobs_lab, file seen before", "rio-tiler, COG", "ncdjango export"
_MOST_CELLS = 30_000_000  # below a tile, of who reads them all; it would take seconds, and several times their memory
_ROUNDS, _LEAST = 12, 3
_FEW = 5  # tiles of who takes long
_SECONDS = 4.0  # for one zoom of one raster; what rounds are there in any case may take longer
_OWN, _PEERS = 4.0, 1.5  # of it, who goes first and the others, each; a tile of each is measured in any case

Taken = dict[bool, dict[Tile, list[float]]]
"""Cold or not -> tile -> ms of each call."""


@dataclass(frozen=True, slots=True)
class _Contender:
    """A peer, and how much of it there is time for.

    Attributes
    ----------
    everything : bool
        It has no overviews, and reads all cells below a tile.
    tiles : int
        At most; they are the first of the same sample for all.
    seconds : float
        After which there are no more tiles of a zoom.
    """

    name: str
    open: Callable[[Files], Peer]
    everything: bool = False
    tiles: int = TILES
    seconds: float = _PEERS


@dataclass(slots=True)
class _Figures:
    """What was measured of one raster: zoom -> name -> times; and the share of pixels that agree with ours."""

    raster: Raster
    taken: dict[int, dict[str, Taken]] = field(default_factory=dict)
    agree: dict[int, dict[str, float]] = field(default_factory=dict)

    def times(self, zoom: int, name: str, *, cold: bool) -> Times | None:
        taken = self.taken[zoom].get(name)
        return None if taken is None else Times(tuple(ms for calls in taken[cold].values() for ms in calls))

    def ratio(self, zoom: int, name: str, *, cold: bool) -> float | None:
        """Return how many times as long as ours a peer takes, of the tiles that both have drawn: medians."""
        theirs, ours = self.taken[zoom].get(name), self.taken[zoom][_OURS][cold]
        if theirs is None:
            return None
        both = theirs[cold].keys() & ours.keys()
        their, own = (statistics.median([ms for tile in both for ms in taken[tile]]) for taken in (theirs[cold], ours))
        return their / own


def measure(*, large: bool, data: Path | None = None) -> list[Table]:
    """Measure all of it.

    Parameters
    ----------
    large : bool
        Whether there is a raster of 21600 x 43200 too.
    data : Path, optional
        Where the rasters are, or are made; below the temporary folder when left out.
    """
    folder = data or Path(tempfile.gettempdir()) / "geojobs-bench-data"
    rasters = [SMALL, MEDIUM, *([LARGE] if large else []), PROJECTED]
    files = {raster.name: made(raster, folder) for raster in rasters}
    with _contenders() as (contenders, missing), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # rio-tiler's, of poles and missing cells; showing them takes time
        figures = [_measured(files[raster.name], contenders) for raster in rasters]
    tables = [_table(found, contenders, cold=cold, missing=missing) for found in figures for cold in (False, True)]
    http = tiles_http.measure([files[raster.name] for raster in rasters if raster is not SMALL])
    return [*tables, _growth(figures), _agreement(figures, contenders), *http, _aims(figures, http)]


@contextmanager
def _contenders() -> Iterator[tuple[list[_Contender], list[str]]]:
    """Give who is measured, and why others are not."""
    found = [
        _Contender(_OURS, lambda files: LocalPeer(_OURS, Ours(files)), seconds=_OWN),
        _Contender(_SEEN, lambda files: LocalPeer(_SEEN, Ours(files, seen=True))),
        _Contender(_COG, lambda files: LocalPeer(_COG, OnCog(files))),
        _Contender(f"{_COG}, ZLEVEL=1", lambda files: LocalPeer("", OnCog(files, ZLEVEL=1))),
        _Contender("rio-tiler, array", lambda files: LocalPeer("", OnArray(files)), True, tiles=_FEW),
    ]
    missing = []
    with ExitStack() as stack:
        for name, python, module in (
            (tiles_xpublish.NAME, tiles_xpublish.interpreter, "benchmarks.tiles_xpublish"),
            (_NCDJANGO, ncdjango_peer.interpreter, "benchmarks.tiles_ncdjango"),
        ):
            try:
                ask = stack.enter_context(children.child(python(), module))
            except NotInstalled as error:
                missing.append(f"{name}: {error}")
            else:
                found.append(_Contender(name, partial(_child, name, ask), True, tiles=_FEW))
        yield found, missing


def _child(name: str, ask: Ask, files: Files) -> Peer:
    return ChildPeer(name, ask, files)


def _measured(files: Files, contenders: Sequence[_Contender]) -> _Figures:
    figures = _Figures(files.raster)
    peers = {contender.name: contender.open(files) for contender in contenders}
    for zoom in ZOOMS:
        tiles = tiles_of(files.raster, zoom)
        able = [one for one in contenders if not one.everything or files.raster.cells_of(zoom) <= _MOST_CELLS]
        figures.agree[zoom] = _agreeing({one.name: peers[one.name].picture(tiles[0]) for one in able})
        figures.taken[zoom] = _zoom(tiles, able, peers)
    return figures


def _zoom(tiles: Sequence[Tile], contenders: Sequence[_Contender], peers: Mapping[str, Peer]) -> dict[str, Taken]:
    """Time everyone in turns, so that what disturbs the machine disturbs all of them."""
    taken: dict[str, Taken] = {one.name: {True: {}, False: {}} for one in contenders}
    spent = {one.name: 0.0 for one in contenders}
    gc.collect()
    for _ in bounded(_ROUNDS, least=_LEAST, seconds=_SECONDS):
        for place, tile in enumerate(tiles):
            for one in contenders:
                if place < one.tiles and spent[one.name] < one.seconds:
                    for cold in (True, False):
                        calls = peers[one.name].turn(tile, cold=cold)
                        taken[one.name][cold].setdefault(tile, []).extend(calls)
                        spent[one.name] += sum(calls) / 1000
    return taken


def _agreeing(pictures: Mapping[str, bytes]) -> dict[str, float]:
    """Return of each picture the share of pixels that have data where ours has, and none where ours has none.

    Raises
    ------
    RuntimeError
        A picture is empty: nothing was drawn.
    """
    shown = {
        name: np.asarray(Image.open(io.BytesIO(png)).convert("RGBA"))[..., 3] > 0 for name, png in pictures.items()
    }
    for name, mask in shown.items():
        if not mask.any():
            raise RuntimeError(f"{name} has drawn an empty tile")
    return {name: float(np.mean(mask == shown[_OURS])) for name, mask in shown.items()}


def _table(figures: _Figures, contenders: Sequence[_Contender], *, cold: bool, missing: Sequence[str]) -> Table:
    raster, state = figures.raster, "cold" if cold else "warm"
    what = (
        "whoever draws has opened the file for it, and nothing of it is kept but by the system, and, where it says so, "
        "which rasters it holds and where they lie"
        if cold
        else "drawn again by who has just drawn it"
    )
    counts = ", ".join(f"{len(tiles_of(raster, zoom))} at zoom {zoom}" for zoom in ZOOMS)
    table = Table(
        f"Tiles of {_called(raster)}, {state}, in process: ms",
        f"256 x 256 PNG; {what}; the same tiles for all: {counts}, of which those without overviews draw the first "
        f"{_FEW} or fewer, and none below which there are more than {_MOST_CELLS / 1e6:.0f} million cells; ratios are "
        "of medians, of the tiles that both drew" + "".join(f"; {reason}" for reason in missing),
        ("", *(f"z{zoom}" for zoom in ZOOMS)),
    )
    for one in contenders:
        times = [figures.times(zoom, one.name, cold=cold) for zoom in ZOOMS]
        table.add(f"{one.name}, p50", *(None if found is None else found.p50 for found in times))
        table.add("  p95", *(None if found is None else found.p95 for found in times))
        if one.name != _OURS:
            ratios = [figures.ratio(zoom, one.name, cold=cold) for zoom in ZOOMS]
            table.add("  times ours", *(found and ratio(found, 1) for found in ratios))
    return table


def _growth(figures: Sequence[_Figures]) -> Table:
    """Compare our cost of the larger rasters with that of the smallest."""
    table = Table(
        "Growth of our cost with the raster: p50, beside the smallest",
        "aim: the large one at most 1.5 x",
        ("", *(f"z{zoom}" for zoom in ZOOMS)),
    )
    smallest, *others = [found for found in figures if found.raster.is_geographic]
    for found in others:
        for cold in (False, True):
            cells = [ratio(*(_p50(one, zoom, cold=cold) for one in (found, smallest))) for zoom in ZOOMS]
            table.add(f"{found.raster.name} / {smallest.raster.name}, {'cold' if cold else 'warm'}", *cells)
    return table


def _p50(figures: _Figures, zoom: int, name: str = _OURS, *, cold: bool) -> float:
    found = figures.times(zoom, name, cold=cold)
    assert found is not None
    return found.p50


def _agreement(figures: Sequence[_Figures], contenders: Sequence[_Contender]) -> Table:
    table = Table(
        "The pictures are of the same: % of pixels with data where ours has data, and without where ours has none",
        "the first tile of each zoom; means over thinned cells show more than the nearest cell does, most at zoom 0",
        ("", *(f"z{zoom}" for zoom in ZOOMS)),
    )
    for found in figures:
        for one in contenders[1:]:
            shares: list[Cell] = [found.agree[zoom].get(one.name) for zoom in ZOOMS]
            table.add(f"{found.raster.name}: {one.name}", *(share and f"{100 * float(share):.1f}" for share in shares))
    return table


def _aims(figures: Sequence[_Figures], http: Sequence[Table]) -> Table:
    """Set what was measured beside what we are after."""
    table = Table("Aims", "the worst of all zooms", ("", "aim", "measured", ""))

    def add(name: str, aim: float, measured: float, *, most: bool) -> None:
        met = measured <= aim if most else measured >= aim
        table.add(name, f"{'<=' if most else '>='} {aim:g}", measured, "met" if met else "not met")

    for found in figures:
        aim, name = 1.0 if found.raster.is_geographic else 1.5, found.raster.name
        add(f"{name}: warm p50, ms", aim, max(_p50(found, zoom, cold=False) for zoom in ZOOMS), most=True)
    last = [found for found in figures if found.raster.is_geographic][-1]
    for name in (_OURS, _SEEN):
        cold = max(_p50(last, zoom, name, cold=True) for zoom in ZOOMS)
        add(f"{last.raster.name}: {name}: cold p50, ms", 6, cold, most=True)
    growth = [_p50(last, zoom, cold=False) / _p50(figures[0], zoom, cold=False) for zoom in ZOOMS]
    add(f"{last.raster.name} / {figures[0].raster.name}, warm", 1.5, max(growth), most=True)
    for peer, aim in ((_COG, 15), (_NCDJANGO, 100)):
        for found in figures:
            ratios = [found.ratio(zoom, peer, cold=False) if peer in found.taken[zoom] else None for zoom in ZOOMS]
            if known := [one for one in ratios if one is not None]:
                add(f"{found.raster.name}: times faster than {peer}, warm", aim, min(known), most=False)
    for name, aim, measured in tiles_http.against_aims(http):
        add(name, aim, measured, most=False)
    return table


def _called(raster: Raster) -> str:
    ny, nx = raster.shape
    return f"{ny} x {nx} {raster.crs} float32 ({raster.name})"
