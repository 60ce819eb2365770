"""Finding the cells of a mesh of quadrilaterals on the sphere that hold points, and where in the cells they are.

Owns the index `MeshLookup`. Cells are bounded by great circles, so neither the poles nor the date line are special.
Which corners a cell has is `corners`' work.
"""

from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.anygrid import WHOLE_TURN, Box, Floats, Indices

_SLACK = 0.02  # of a cell; a point in a sliver between neighbours that do not quite meet is in the nearest
_POINTS = 131_072  # looked up at a time; each costs some 400 bytes
_AT_POLE = 1e-7  # degrees; so near a pole a vertex has no longitude
_BEFORE_NEXT = 1e-9  # of a cell; positions stay in the cell that was found

Int32 = npt.NDArray[np.int32]


class MeshLookup:
    """An index of cells by longitude and latitude.

    Each bin of a table of longitudes and latitudes lists the cells whose box meets it. A point is tried against the
    cells of its bin only; on a mesh of even cells that are two or three.

    Parameters
    ----------
    vertices : ndarray of float, (m, 3)
        Points of the unit sphere.
    corners : ndarray of int, (n, 4)
        The vertices of each cell, round it: of its (row, column) the corners (0, 0), (0, 1), (1, 1), (1, 0).
    cells : ndarray of int, (n,)
        What `find` calls the cells, ascending; where two overlap, the lesser is meant.

    Attributes
    ----------
    bounds : tuple
        (west, south, east, north) in degrees; `east` may pass 180.
    """

    def __init__(self, vertices: Floats, corners: Int32, cells: Indices) -> None:
        self._cells = cells
        # Long arrays, one for each corner and each of x, y, z: what is done is done to many points at once.
        self._vertices = tuple(np.ascontiguousarray(part) for part in vertices.T)
        self._corners = tuple(np.ascontiguousarray(part) for part in corners.T)
        boxes = _Boxes.of(vertices[corners])
        self._boxes = boxes
        self.bounds = boxes.bounds
        self._west, self._south, east, north = boxes.bounds
        across = (east - self._west) / boxes.typical_width
        down = (north - self._south) / boxes.typical_height
        shrink = min(1.0, (2 * len(cells) / max(across * down, 1.0)) ** 0.5)
        self._nx, self._ny = max(1, int(across * shrink)), max(1, int(down * shrink))
        self._dx, self._dy = (east - self._west) / self._nx, (north - self._south) / self._ny
        self._starts, self._listed = self._filled(boxes)

    def _filled(self, boxes: "_Boxes") -> tuple[Indices, Int32]:
        """Return where each bin's list starts, (bins + 1,), and the lists one after the other."""
        first_col = np.floor((boxes.west - self._west) / self._dx).astype(np.int64)
        first_row = np.floor((boxes.south - self._south) / self._dy).astype(np.int64)
        cols = np.floor((boxes.east - self._west) / self._dx).astype(np.int64) - first_col + 1
        rows = np.minimum(np.floor((boxes.north - self._south) / self._dy).astype(np.int64), self._ny - 1)
        first_row = np.clip(first_row, 0, self._ny - 1)
        rows = np.maximum(rows - first_row + 1, 1)
        cols = np.clip(cols, 1, self._nx)
        counts = rows * cols
        listed = np.repeat(np.arange(len(counts), dtype=np.int32), counts)
        number = np.arange(len(listed)) - np.repeat(np.cumsum(counts) - counts, counts)
        row = first_row[listed] + number // cols[listed]
        col = (first_col[listed] + number % cols[listed]) % self._nx
        bins = row * self._nx + col
        starts = np.concatenate([[0], np.cumsum(np.bincount(bins, minlength=self._nx * self._ny))])
        return starts, listed[np.argsort(bins, kind="stable")]

    def find(self, lon: Floats, lat: Floats) -> tuple[Indices, Floats, Floats]:
        """Return the cells that hold points, -1 where there is none, and where in the cells.

        Parameters
        ----------
        lon, lat : ndarray of float, (k,)
            Degrees; NaN and infinities are in no cell.

        Returns
        -------
        cells : ndarray of int, (k,)
        down, along : ndarray of float, (k,)
            0..1, from the cell's first row (column) edge to the second; by the bilinear map of the cell's corners.
        """
        parts = [self._found(lon[at : at + _POINTS], lat[at : at + _POINTS]) for at in range(0, lon.size, _POINTS)]
        if not parts:
            return np.empty(0, np.intp), np.empty(0), np.empty(0)
        cells, down, along = (np.concatenate(part) for part in zip(*parts, strict=True))
        return cells, down, along

    def _found(self, lon: Floats, lat: Floats) -> tuple[Indices, Floats, Floats]:
        cells = np.full(lon.shape, -1, dtype=np.intp)
        down, along = np.full(lon.shape, np.nan), np.full(lon.shape, np.nan)
        points, candidates, lists = self._candidates(lon, lat)
        lon, lat = lon[points], lat[points]
        frame = _Frame.at(lon, lat)
        best = np.full(points.shape, -_SLACK / 2)
        chosen = np.full(points.shape, -1, dtype=np.intp)
        alive = np.arange(points.size)
        tried = 0
        while alive.size:
            candidate = self._listed[candidates[alive] + tried]
            near = self._boxes.hold(candidate, lon[alive], lat[alive])
            tested, candidate = alive[near], candidate[near]
            depth = _depth(*self._projected(frame, tested, candidate))
            better = depth > best[tested]
            here = tested[better]
            best[here], chosen[here] = depth[better], candidate[better]
            tried += 1
            alive = alive[(best[alive] < 0) & (lists[alive] > tried)]
        found = np.flatnonzero(chosen >= 0)
        at, chosen = points[found], chosen[found]
        cells[at] = self._cells[chosen]
        down[at], along[at] = _inverse_bilinear(*self._projected(frame, found, chosen))
        return cells, down, along

    def _projected(
        self, frame: "_Frame", points: Indices, cells: npt.NDArray[Any]
    ) -> tuple[list[Floats], list[Floats]]:
        """Return x, y (k,) of the four corners of cells in the planes of points, one cell for each."""
        frame = frame.of(points)
        x, y = [], []
        for corner in self._corners:
            vertex = corner.take(cells)
            along, up = frame.project(*(part.take(vertex) for part in self._vertices))
            x.append(along)
            y.append(up)
        return x, y

    def _candidates(self, lon: Floats, lat: Floats) -> tuple[Indices, Indices, Indices]:
        """Return the points in bins that list cells, where their lists start, and how long these are."""
        with np.errstate(invalid="ignore"):
            across = ((lon - self._west) % WHOLE_TURN) / self._dx
            up = (lat - self._south) / self._dy
            inside = (across < self._nx * (1 + 1e-12)) & (up >= 0) & (up <= self._ny)
        points = np.flatnonzero(inside)
        cols = np.minimum(across[points].astype(np.intp), self._nx - 1)
        rows = np.minimum(up[points].astype(np.intp), self._ny - 1)
        bins = rows * self._nx + cols
        starts = self._starts[bins]
        lengths = self._starts[bins + 1] - starts
        some = lengths > 0
        return points[some], starts[some], lengths[some]


@dataclass(frozen=True, slots=True)
class _Frame:
    """The tangent planes of the unit sphere at points: east, north and up, (k,) for each component."""

    east: tuple[Floats, Floats]
    north: tuple[Floats, Floats, Floats]
    up: tuple[Floats, Floats, Floats]

    @classmethod
    def at(cls, lon: Floats, lat: Floats) -> Self:
        angle, height = np.radians(lon), np.radians(lat)
        c, s, cos, sin = np.cos(angle), np.sin(angle), np.cos(height), np.sin(height)
        return cls((-s, c), (-sin * c, -sin * s, cos), (cos * c, cos * s, sin))

    def of(self, points: Indices) -> "_Frame":
        """Return the planes at some of the points."""
        if points.size == self.up[0].size:  # all of them, in order
            return self
        (ex, ey), (nx, ny, nz), (ux, uy, uz) = self.east, self.north, self.up
        return _Frame(
            (ex[points], ey[points]), (nx[points], ny[points], nz[points]), (ux[points], uy[points], uz[points])
        )

    def project(self, x: Floats, y: Floats, z: Floats) -> tuple[Floats, Floats]:
        """Return where places in space, one for each plane, lie in them, the points being at 0, 0; gnomonic.

        Great circles are straight lines there. What is on the other side of the Earth is NaN.
        """
        (ex, ey), (nx, ny, nz), (ux, uy, uz) = self.east, self.north, self.up
        height = x * ux + y * uy + z * uz
        height[height <= 0] = np.nan
        return (x * ex + y * ey) / height, (x * nx + y * ny + z * nz) / height


def _depth(x: list[Floats], y: list[Floats]) -> Floats:
    """Return how deep in quadrilaterals of four corners (k,) the origin lies.

    0 on the edge, 1/4 in the middle, negative outside: twice this is about the share of a cell that it misses.
    -1 for what encloses no area.
    """
    crosses = [x[k] * y[k - 3] - x[k - 3] * y[k] for k in range(4)]
    area = crosses[0] + crosses[1] + crosses[2] + crosses[3]
    with np.errstate(invalid="ignore", divide="ignore"):
        depth: Floats = np.where(
            area > 0,
            np.minimum(np.minimum(crosses[0], crosses[1]), np.minimum(crosses[2], crosses[3])),
            np.maximum(np.maximum(crosses[0], crosses[1]), np.maximum(crosses[2], crosses[3])),
        )
        depth = depth / area
    return np.where(np.isfinite(depth), depth, -1.0)


def _inverse_bilinear(x: list[Floats], y: list[Floats]) -> tuple[Floats, Floats]:
    """Return the shares (from corners 0, 1 to 3, 2; from 0, 3 to 1, 2) at which the bilinear map meets the origin."""
    x0, x1, x2, x3 = x
    y0, y1, y2, y3 = y
    ex, ey, fx, fy = x1 - x0, y1 - y0, x3 - x0, y3 - y0
    gx, gy = x0 - x1 + x2 - x3, y0 - y1 + y2 - y3
    a = gx * fy - gy * fx
    b = ex * fy - ey * fx - x0 * gy + y0 * gx
    c = -x0 * ey + y0 * ex
    with np.errstate(invalid="ignore", divide="ignore"):
        root = np.sqrt(np.maximum(b * b - 4 * a * c, 0))
        q = -0.5 * (b + np.copysign(root, b))
        near, far = c / q, q / a
        down = np.where(np.abs(near - 0.5) <= np.abs(np.where(np.isfinite(far), far, np.inf) - 0.5), near, far)
        dx, dy = ex + gx * down, ey + gy * down
        along = np.where(np.abs(dx) > np.abs(dy), (-x0 - fx * down) / dx, (-y0 - fy * down) / dy)
    return _share(down), _share(along)


def _share(values: Floats) -> Floats:
    return np.clip(np.where(np.isfinite(values), values, 0.5), 0.0, 1 - _BEFORE_NEXT)


@dataclass(frozen=True, slots=True)
class _Boxes:
    """The boxes of cells in degrees, (n,) each: `west` lies in one turn, `east` beyond it."""

    west: Floats
    south: Floats
    east: Floats
    north: Floats
    bounds: Box

    @classmethod
    def of(cls, corners: Floats) -> Self:
        """Take the boxes of cells with corners (n, 4, 3); those round a pole have all longitudes."""
        lat = np.degrees(np.arcsin(np.clip(corners[..., 2], -1, 1)))
        lon = np.degrees(np.arctan2(corners[..., 1], corners[..., 0]))
        for _ in range(3):  # a vertex at a pole has the longitude of the next one
            lon = np.where(np.abs(lat) > 90 - _AT_POLE, np.roll(lon, -1, axis=1), lon)
        steps = _half_turn(np.roll(lon, -1, axis=1) - lon)
        apart = np.cumsum(steps, axis=1)
        low, high = np.minimum(apart.min(axis=1), 0), np.maximum(apart.max(axis=1), 0)
        south, north = lat.min(axis=1), lat.max(axis=1)
        polar = (np.abs(apart[:, -1]) > WHOLE_TURN / 2) | (high - low >= WHOLE_TURN / 2)
        low, high = np.where(polar, 0, low), np.where(polar, WHOLE_TURN, high)
        width = high - low
        bulge = np.cos(np.radians(np.where(polar, 0, width) / 2))  # great circles leave the parallels of their ends
        with np.errstate(over="ignore"):
            north = np.where(north > 0, np.degrees(np.arctan(np.tan(np.radians(north)) / bulge)), north)
            south = np.where(south < 0, np.degrees(np.arctan(np.tan(np.radians(south)) / bulge)), south)
        middle = lat.mean(axis=1)
        north, south = np.where(polar & (middle > 0), 90, north), np.where(polar & (middle <= 0), -90, south)
        slack = _SLACK * width + 1e-9
        west, east = lon[:, 0] + low - slack, lon[:, 0] + high + slack
        tall = _SLACK * (north - south) + 1e-9
        south, north = np.maximum(south - tall, -90), np.minimum(north + tall, 90)
        start = _start(west, east)
        if start is None:
            west, east = np.where(polar, -180.0, west), np.where(polar, 180.0, east)
            shift = np.floor((west + 180) / WHOLE_TURN) * WHOLE_TURN
            bounds = (-180.0, float(south.min()), 180.0, float(north.max()))
            return cls(west - shift, south, east - shift, north, bounds)
        shift = np.floor((west - start) / WHOLE_TURN) * WHOLE_TURN
        west, east = west - shift, east - shift
        bounds = (float(west.min()), float(south.min()), float(east.max()), float(north.max()))
        return cls(west, south, east, north, bounds)

    def hold(self, cells: Int32, lon: Floats, lat: Floats) -> npt.NDArray[np.bool_]:
        """Tell which points lie in the boxes of cells, one cell for each."""
        west = self.west[cells]
        within = (lat >= self.south[cells]) & (lat <= self.north[cells])
        return within & ((lon - west) % WHOLE_TURN <= self.east[cells] - west)

    @property
    def typical_width(self) -> float:
        return max(float(np.median(self.east - self.west)), 1e-9)

    @property
    def typical_height(self) -> float:
        return max(float(np.median(self.north - self.south)), 1e-9)


def _half_turn(degrees: Any) -> Floats:
    turned: Floats = (degrees + 180.0) % WHOLE_TURN - 180.0
    return turned


def _start(west: Floats, east: Floats) -> float | None:
    """Return a longitude in the widest gap that no box meets, or None where there is no gap of a degree."""
    count = 720
    first = np.floor(west / WHOLE_TURN * count).astype(np.int64)
    length = np.floor(east / WHOLE_TURN * count).astype(np.int64) - first + 1
    if (length >= count).any():
        return None
    changes = np.bincount(first % count, minlength=2 * count + 1) - np.bincount(
        first % count + length, minlength=2 * count + 1
    )
    met = np.cumsum(changes)[: 2 * count].reshape(2, count).sum(axis=0) > 0
    if met.all():
        return None
    empty = np.flatnonzero(~np.concatenate([met, met]))
    runs = np.split(empty, np.flatnonzero(np.diff(empty) > 1) + 1)
    widest = max(runs, key=len)
    return float(widest[len(widest) // 2] + 0.5) / count * WHOLE_TURN
