"""What every peer of the tile benchmark does: draw a tile, and let go of what it has kept.

A peer that can live with our packages is a `Drawer` in this process; another is one in a child process, which takes the
times itself and sends them: the conversation costs nothing that is measured. This module needs the standard library and
what `tiles_data` needs, as it is imported in all of those environments.

Warm: a tile is drawn again and again by whoever has drawn it before. Cold: whoever draws it has opened the file for it,
and what this process kept of files, pictures and grids is gone; what the system keeps of the file (the page cache) and
what is loaded with the libraries stays, for everyone.
"""

import base64
import time
from collections.abc import Callable
from typing import Any, Protocol

from benchmarks.children import Ask, answer
from benchmarks.tiles_data import Files, Tile

_CALLS = 4  # of a warm tile in its turn, after a first one that finds the processor's caches full of others' data
_LONG = 5.0  # ms; for what takes longer that makes no difference, and one call is enough


class Drawer(Protocol):
    """Draws the tiles of one raster."""

    def draw(self, tile: Tile) -> bytes:
        """Return a PNG of 256 x 256 pixels; opens what is not open."""
        ...

    def forget(self) -> None:
        """Close what is open, and drop what was kept of it."""
        ...


class Peer(Protocol):
    """Draws the tiles of one raster, and says how long it took."""

    name: str

    def picture(self, tile: Tile) -> bytes:
        """Return a PNG."""
        ...

    def turn(self, tile: Tile, *, cold: bool) -> list[float]:
        """Return how long it took to draw a tile, once cold or some times warm: ms."""
        ...


class LocalPeer:
    """A peer in this process."""

    def __init__(self, name: str, drawer: Drawer) -> None:
        self.name = name
        self._drawer = drawer

    def picture(self, tile: Tile) -> bytes:
        return self._drawer.draw(tile)

    def turn(self, tile: Tile, *, cold: bool) -> list[float]:
        return turn(self._drawer, tile, cold=cold)


class ChildPeer:
    """A peer that `serve` runs in a child process."""

    def __init__(self, name: str, ask: Ask, files: Files) -> None:
        self.name = name
        self._ask = ask
        ask({"open": files.to_json()})

    def picture(self, tile: Tile) -> bytes:
        return base64.b64decode(self._ask({"picture": tile})["png"])

    def turn(self, tile: Tile, *, cold: bool) -> list[float]:
        ms: list[float] = self._ask({"turn": tile, "cold": cold})["ms"]
        return ms


def serve(open_files: Callable[[Files], Drawer]) -> None:
    """Answer a `ChildPeer`: the main part of a child module."""
    drawers: list[Drawer] = []

    def reply(question: dict[str, Any]) -> dict[str, Any]:
        if "open" in question:
            drawers[:] = [open_files(Files.from_json(question["open"]))]
            return {}
        if "picture" in question:
            return {"png": base64.b64encode(drawers[0].draw(tuple(question["picture"]))).decode()}
        return {"ms": turn(drawers[0], tuple(question["turn"]), cold=question["cold"])}

    answer(reply)


def turn(drawer: Drawer, tile: Tile, *, cold: bool) -> list[float]:
    """Draw a tile, once cold or some times warm; see `Peer.turn`."""
    if cold:
        drawer.forget()
        return [_timed(drawer, tile)]
    first = _timed(drawer, tile)
    if first > _LONG:
        return [first]
    return [_timed(drawer, tile) for _ in range(_CALLS)]


def _timed(drawer: Drawer, tile: Tile) -> float:
    start = time.perf_counter()
    drawer.draw(tile)
    return (time.perf_counter() - start) * 1000
