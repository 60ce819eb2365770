"""Exact places along the lines and columns of a picture, and the interpolation between them.

A picture is divided into squares of 3 x 3 exact places each: where those in the middles are not where their neighbours
say, the pixels between them cannot be interpolated. What the places are of is `positions`' matter.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[Any]
"""Single precision where that is enough."""
Flags = NDArray[np.bool_]

_ALLOWED = 0.5  # pixels that a square's middles may miss; with the middles as places the error is a quarter of that
_ROUNDING = 1e-6  # of a cell
_SAME = 0.01  # of the way from one place to the next: places that differ by less are the same


@dataclass(frozen=True, slots=True, eq=False)
class Lattice:
    """The exact places along one side of a picture, and how its pixels lie between them.

    Attributes
    ----------
    nodes : ndarray
        The pixels, not always whole, that go the exact way: two for each square, and the last one.
    gap : float
        Pixels between two of them.
    left, share : ndarray
        The node before each pixel, and how far it is on the way to the next.
    square : ndarray
        The square of each pixel.
    """

    nodes: Floats
    gap: float
    left: NDArray[np.intp]
    share: Floats
    square: NDArray[np.intp]

    @property
    def squares(self) -> int:
        """How many there are."""
        return len(self.nodes) // 2

    def spread(self, values: Floats, across: "Lattice") -> Floats:
        """Interpolate from the nodes to the pixels of a picture, of which this is the side from top to bottom."""
        with np.errstate(invalid="ignore", over="ignore"):
            lines = values[self.left]
            lines += (values[1:] - values[:-1])[self.left] * self.share[:, None]
            found = lines.take(across.left, axis=1)
            change = (lines[:, 1:] - lines[:, :-1]).take(across.left, axis=1)
            change *= across.share
            found += change
        return found


@lru_cache(maxsize=64)
def lattice(size: int, side: int) -> Lattice:
    """Return the lattice of a side of `size` pixels, with squares of at most `side`."""
    gaps = 2 * max(1, -(-size // side))
    nodes = np.linspace(0, max(size - 1, 1e-3), gaps + 1)  # a single pixel has some width too
    places = np.arange(size) / nodes[1]
    left = np.minimum(places.astype(np.intp), gaps - 1)
    return Lattice(nodes, float(nodes[1]), left, (places - left).astype(np.float32), left // 2)


def wrong_squares(rows: Floats, cols: Floats, gap_down: float, gap_across: float) -> Flags:
    """Tell in which squares the middles are not where their neighbours say, by more than is allowed, or unknown."""
    with np.errstate(invalid="ignore", over="ignore"):
        missed = np.hypot(_missed(rows), _missed(cols))
        down = np.hypot(rows[2::2] - rows[:-1:2], cols[2::2] - cols[:-1:2]) / (2 * gap_down)
        along = np.hypot(rows[:, 2::2] - rows[:, :-1:2], cols[:, 2::2] - cols[:, :-1:2]) / (2 * gap_across)
        # The pixel's longer side: a projection squeezes it at its edges.
        pixel = np.maximum(np.minimum(down[:, 2::2], down[:, :-1:2]), np.minimum(along[2::2], along[:-1:2]))
        fits: Flags = missed <= _ALLOWED * pixel + _ROUNDING
        return ~fits


def _missed(values: Floats) -> Floats:
    """Return for each square by how much the places between its corners miss the mean of their neighbours."""
    along = np.abs(values[::2, 1::2] - (values[::2, :-1:2] + values[::2, 2::2]) / 2)
    down = np.abs(values[1::2, ::2] - (values[:-1:2, ::2] + values[2::2, ::2]) / 2)
    corners = values[:-1:2, :-1:2] + values[:-1:2, 2::2] + values[2::2, :-1:2] + values[2::2, 2::2]
    middle = np.abs(values[1::2, 1::2] - corners / 4)
    most: Floats = np.maximum.reduce([middle, along[:-1], along[1:], down[:, :-1], down[:, 1:]])
    return most


def pixel_side(rows: Floats, cols: Floats, gap_down: float, gap_across: float) -> float:
    """Return the typical shorter side of a pixel, in cells."""
    with np.errstate(invalid="ignore", over="ignore"):
        down = np.hypot(rows[1:] - rows[:-1], cols[1:] - cols[:-1]) / gap_down
        across = np.hypot(rows[:, 1:] - rows[:, :-1], cols[:, 1:] - cols[:, :-1]) / gap_across
    return float(np.fmin(_median(down), _median(across)))


def usual_step(places: Floats, meant: Flags) -> float:
    """Return the typical distance from one place to the next, of those that are meant."""
    return _median(np.abs(places[1:] - places[:-1])[meant])


def _median(values: Floats) -> float:
    """Return the median of what is finite, NaN where nothing is; numpy's own takes ten times as long for so few."""
    known = np.sort(values[np.isfinite(values)], axis=None)
    return float(known[known.size // 2]) if known.size else np.nan


def is_separable(x: Floats, y: Floats) -> bool:
    """Tell whether x is the same all along each column and y all along each line, to a small part of a node's way."""
    with np.errstate(invalid="ignore"):
        apart_x, apart_y = np.abs(x[:, 1:] - x[:, :-1]).min(), np.abs(y[1:] - y[:-1]).min()
        return bool((np.ptp(x, axis=0) <= _SAME * apart_x).all() and (np.ptp(y, axis=1) <= _SAME * apart_y).all())


def extremes(values: Floats) -> tuple[Floats, Floats]:
    """Return the least and the greatest of the nine places of each square; NaN where one is unknown."""
    rows = values[:-1:2], values[1::2], values[2::2]
    low, high = np.minimum.reduce(rows), np.maximum.reduce(rows)
    return (
        np.minimum.reduce([low[:, :-1:2], low[:, 1::2], low[:, 2::2]]),
        np.maximum.reduce([high[:, :-1:2], high[:, 1::2], high[:, 2::2]]),
    )


def any_of(flags: Flags) -> Flags:
    """Tell for each square whether a flag is set at one of its nine places."""
    rows = flags[:-1:2] | flags[1::2] | flags[2::2]
    return np.asarray(rows[:, :-1:2] | rows[:, 1::2] | rows[:, 2::2])
