"""The corners of cells of which the centres are known, and perhaps bounds: a mesh on the unit sphere.

Owns which cells are neighbours: a jump in the coordinates (the gap between two scans, a row of missing
coordinates) parts them, so that no cell reaches across. Everything is done with points in space, where poles and the
date line are nothing special.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.anygrid import Floats, Indices

_JUMP = 3.0  # times as far as both neighbours on are: no neighbour
_JUMP_AT_EDGE = 10.0  # the same where there is a neighbour on one side only: at the limb of the Earth cells grow fast
_WRAPS = 0.9  # of the rows have to close for the columns to go round
_SAMPLE = 20_000  # cells that stand for all
_TRUSTED = 0.95  # of the centres have to lie within the cells' bounds

Bools = npt.NDArray[np.bool_]
Int32 = npt.NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Mesh:
    """Cells as quadrilaterals.

    Attributes
    ----------
    vertices : ndarray of float, (m, 3)
        Points of the unit sphere.
    corners : ndarray of int32, (n, 4)
        Of each cell the vertices at its (row, column) corners (0, 0), (0, 1), (1, 1), (1, 0).
    cells : ndarray of int, (n,)
        row * nx + column of each, ascending; cells without a place are left out.
    wraps : bool
        The last column is the neighbour of the first.
    """

    vertices: Floats
    corners: Int32
    cells: Indices
    wraps: bool

    @classmethod
    def of(cls, lon: Floats, lat: Floats, bounds: tuple[Floats, Floats] | None = None) -> Self:
        """Make the mesh.

        Parameters
        ----------
        lon, lat : ndarray of float, (ny, nx)
            Degrees, NaN where missing.
        bounds : tuple of ndarray, optional
            The longitudes and latitudes (ny, nx, 4) of the cells' corners, in any order that goes round and is the
            same for all cells. Cells that do not hold their centre are made from the centres instead.
        """
        centres = unit_vectors(lon, lat)
        links = _Links.of(centres)
        vertices, corners = _from_centres(centres, links)
        flat = corners.reshape(-1, 4)
        known = (flat >= 0).all(axis=1)
        if bounds is not None:
            given = _from_bounds(centres, links, unit_vectors(*bounds))
            if given is not None:
                own, there = given
                flat = np.where(there[:, None], np.arange(own.shape[0] * 4).reshape(-1, 4) + len(vertices), flat)
                vertices, known = np.concatenate([vertices, own.reshape(-1, 3)]), known | there
        cells = np.flatnonzero(known)
        return cls(vertices, flat[cells].astype(np.int32), cells, links.wraps)


def unit_vectors(lon: Floats, lat: Floats) -> Floats:
    """Return points (…, 3) of the unit sphere; NaN where there is no place."""
    with np.errstate(invalid="ignore"):
        there = np.isfinite(lon) & np.isfinite(lat) & (np.abs(lat) <= 90 + 1e-6)
    angle, height = np.radians(np.where(there, lon, np.nan)), np.radians(np.where(there, lat, np.nan))
    cos = np.cos(height)
    return np.stack([cos * np.cos(angle), cos * np.sin(angle), np.sin(height)], axis=-1)


@dataclass(frozen=True, slots=True)
class _Links:
    """Which cells are neighbours.

    Attributes
    ----------
    along : ndarray of bool, (ny, nx)
        (i, j) and (i, j + 1) are, the last column with the first where the columns go round.
    down : ndarray of bool, (ny, nx)
        (i, j) and (i + 1, j) are; the last row has none.
    """

    along: Bools
    down: Bools
    wraps: bool

    @classmethod
    def of(cls, centres: Floats) -> Self:
        wraps = _goes_round(centres)
        across = np.concatenate([centres, centres[:, :1]], axis=1) if wraps else centres
        along = _unbroken(_lengths(np.diff(across, axis=1)))
        down = _unbroken(_lengths(np.diff(centres, axis=0)).T).T
        ny, nx, _ = centres.shape
        return cls(
            along if wraps else np.concatenate([along, np.zeros((ny, 1), bool)], axis=1),
            np.concatenate([down, np.zeros((1, nx), bool)], axis=0),
            wraps,
        )


def _lengths(vectors: Floats) -> Floats:
    lengths: Floats = np.sqrt(np.einsum("...c,...c->...", vectors, vectors))
    return lengths


def _goes_round(centres: Floats) -> bool:
    """Tell whether the step from the last column to the first goes on like the steps before and after it."""
    if centres.shape[1] < 4:
        return False
    step, before, after = (
        centres[:, 0] - centres[:, -1],
        centres[:, -1] - centres[:, -2],
        centres[:, 1] - centres[:, 0],
    )
    with np.errstate(invalid="ignore"):
        longest = np.maximum(_lengths(before), _lengths(after))
        closes = (_lengths(step) <= 1.5 * longest) & (_lengths(step) > 0.25 * longest)
        closes &= (np.einsum("rc,rc->r", step, before) > 0) & (np.einsum("rc,rc->r", step, after) > 0)
    known = np.isfinite(longest) & np.isfinite(_lengths(step))
    return bool(known.any() and closes[known].mean() >= _WRAPS)


def _unbroken(lengths: Floats) -> Bools:
    """Tell which steps along the last axis are no jumps; steps of no length and to what is missing are none either."""
    before = np.concatenate([np.full((len(lengths), 1), np.nan), lengths[:, :-1]], axis=1)
    after = np.concatenate([lengths[:, 1:], np.full((len(lengths), 1), np.nan)], axis=1)
    alone = np.isnan(before) | np.isnan(after)
    longest = np.fmax(before, after)
    seen = lengths[lengths > 0]
    longest = np.where(np.isnan(longest), np.median(seen) if seen.size else np.nan, longest)
    with np.errstate(invalid="ignore"):
        steady: Bools = (lengths > 0) & (lengths <= np.where(alone, _JUMP_AT_EDGE, _JUMP) * longest)
    return steady


def _from_centres(centres: Floats, links: _Links) -> tuple[Floats, Int32]:
    """Return vertices and the corners (ny, nx, 4) of cells that meet halfway, -1 where nothing tells their size."""
    ny, nx, _ = centres.shape
    # The lattice of corners: (i, j) is the one before row i and column j.
    vertices = np.full((ny + 1, nx + 1, 3), np.nan)
    whole = np.zeros((ny + 1, nx + 1), bool)
    right = np.roll(centres, -1, axis=1)
    pairs = centres + right
    joined = links.along & np.roll(links.down, -1, axis=1) & links.down
    joined[:-1] &= links.along[1:]
    joined[-1] = False
    whole[1:, 1:] = joined
    vertices[1:-1, 1:] = pairs[:-1] + pairs[1:]
    if links.wraps:
        vertices[:, 0], whole[:, 0] = vertices[:, -1], whole[:, -1]
    else:
        whole[:, -1] = False
    with np.errstate(invalid="ignore", divide="ignore"):
        vertices /= _lengths(vertices)[..., None]
    lattice = np.arange((ny + 1) * (nx + 1), dtype=np.int32).reshape(ny + 1, nx + 1)
    corners = np.stack([lattice[:-1, :-1], lattice[:-1, 1:], lattice[1:, 1:], lattice[1:, :-1]], axis=-1)
    corners[np.isnan(centres[..., 0])] = -1
    own = _Torn.of(centres, links, whole)
    corners[own.rows, own.cols, own.numbers] = np.where(own.known, lattice.size + np.arange(own.rows.size), -1)
    return np.concatenate([vertices.reshape(-1, 3), own.points]), corners


_DIRECTIONS = ((-1, -1), (-1, 1), (1, 1), (1, -1))  # of corners 0..3, as rows and columns


@dataclass(frozen=True, slots=True)
class _Torn:
    """The corners that are not shared by four cells: each cell has its own, `numbers` 0..3 of (rows, cols)."""

    rows: Indices
    cols: Indices
    numbers: Indices
    points: Floats
    known: Bools

    @classmethod
    def of(cls, centres: Floats, links: _Links, whole: Bools) -> Self:
        ny, nx, _ = centres.shape
        y, x = np.nonzero(~whole)
        # The cells round each such corner: it is their corner 2, 3, 0, 1.
        rows = np.stack([y - 1, y - 1, y, y], axis=1)
        cols = np.stack([x - 1, x, x, x - 1], axis=1)
        if links.wraps:
            cols = np.where(cols < 0, nx - 1, cols)
        numbers = np.broadcast_to(np.array([2, 3, 0, 1]), rows.shape)
        there = (rows >= 0) & (rows < ny) & (cols >= 0) & (cols < nx)
        row, col = np.where(there, rows, 0), np.where(there, cols, 0)
        there &= np.isfinite(centres[row, col, 0])
        points = np.full((*rows.shape, 3), np.nan)
        points[there] = _outwards(centres, links, row[there], col[there], numbers[there])
        points = _meeting(points, links, row, col, there)
        points = points[there]
        return cls(row[there], col[there], numbers[there], points, np.isfinite(points[:, 0]))


def _outwards(centres: Floats, links: _Links, rows: Indices, cols: Indices, numbers: Indices) -> Floats:
    """Return where cells by themselves, from the steps to their neighbours, have their corner of a number."""
    down, along = np.array(_DIRECTIONS)[numbers].T
    here = centres[rows, cols]
    step_down = _step(centres, links.down, rows, cols, down, 0)
    step_along = _step(centres, links.along, rows, cols, along, 1)
    # A line of cells without neighbours beside it has square ones.
    turned = np.cross(here, step_along) * (down * along)[:, None]
    step_down = np.where(np.isnan(step_down), turned, step_down)
    turned = -np.cross(here, step_down) * (down * along)[:, None]
    step_along = np.where(np.isnan(step_along), turned, step_along)
    points = here + (step_down + step_along) / 2
    result: Floats = points / _lengths(points)[:, None]
    return result


def _step(centres: Floats, links: Bools, rows: Indices, cols: Indices, way: Indices, axis: int) -> Floats:
    """Return the steps (k, 3) to the next cell in the way (1 or -1) along an axis, or on from the one behind."""
    size = centres.shape[axis]

    def neighbour(way: Indices) -> tuple[Bools, Floats]:
        place = [rows, cols]
        place[axis] = (place[axis] + way) % size
        before = [rows, cols]
        before[axis] = np.where(way > 0, before[axis], place[axis])
        return links[before[0], before[1]], centres[place[0], place[1]]

    here = centres[rows, cols]
    ahead, there = neighbour(way)
    behind, last = neighbour(-way)
    reflected = 2 * np.einsum("kc,kc->k", here, last)[:, None] * here - last
    target = np.where(ahead[:, None], there, np.where(behind[:, None], reflected, np.nan))
    return target - here


def _meeting(points: Floats, links: _Links, rows: Indices, cols: Indices, there: Bools) -> Floats:
    """Let those of the four cells round a corner that are neighbours share one point, the mean of their own."""
    count = len(points)
    linked = np.zeros((count, 4, 4), bool)
    linked[:, range(4), range(4)] = there
    for one, other, which in ((0, 1, links.along), (3, 2, links.along), (0, 3, links.down), (1, 2, links.down)):
        both = there[:, one] & there[:, other] & which[rows[:, one], cols[:, one]]
        linked[:, one, other] = linked[:, other, one] = both
    for _ in range(2):
        linked |= np.einsum("kab,kbc->kac", linked, linked)
    known = np.isfinite(points[..., 0])
    weights = (linked & known[:, None, :]).astype(float)
    sums = np.einsum("kab,kbc->kac", weights, np.where(known[..., None], points, 0.0))
    with np.errstate(invalid="ignore", divide="ignore"):
        means: Floats = sums / _lengths(sums)[..., None]
    return means


def _from_bounds(centres: Floats, links: _Links, vertices: Floats) -> tuple[Floats, Bools] | None:
    """Return given vertices (ny * nx, 4, 3) in our order and which cells they hold for, or None if they are no good."""
    order = _order(centres, links, vertices)
    if order is None:
        return None
    own = vertices[:, :, order].reshape(-1, 4, 3)
    middle = centres.reshape(-1, 3)
    with np.errstate(invalid="ignore", divide="ignore"):
        sides = np.stack([_triple(middle, own[:, k], own[:, (k + 1) % 4]) for k in range(4)], axis=1)
        area = sides.sum(axis=1)
        holds = (sides / area[:, None] > -1e-3).all(axis=1)
    known = np.isfinite(middle[:, 0])
    return (own, holds) if known.any() and holds[known].mean() >= _TRUSTED else None


def _triple(p: Floats, a: Floats, b: Floats) -> Floats:
    volume: Floats = np.einsum("kc,kc->k", p, np.cross(a - p, b - p))
    return volume


def _order(centres: Floats, links: _Links, vertices: Floats) -> list[int] | None:
    """Return which of the given vertices are the corners 0..3, from where they lie about the centres."""
    right, below = np.roll(centres, -1, axis=1) - centres, np.roll(centres, -1, axis=0) - centres
    picked = np.flatnonzero((links.along & links.down & np.isfinite(vertices[..., 0]).all(axis=-1)).ravel())
    picked = picked[:: max(1, picked.size // _SAMPLE)]
    if not picked.size:
        return None
    axes = np.stack([right.reshape(-1, 3)[picked], below.reshape(-1, 3)[picked]], axis=-1)
    apart = (vertices - centres[:, :, None, :]).reshape(-1, 4, 3)[picked]
    shares = np.median(np.einsum("kac,kvc->kva", np.linalg.pinv(axes), apart), axis=0)
    found: dict[tuple[Any, ...], int] = {(int(np.sign(b)), int(np.sign(a))): k for k, (a, b) in enumerate(shares)}
    return [found[way] for way in _DIRECTIONS] if set(found) == set(_DIRECTIONS) else None
