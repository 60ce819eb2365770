"""The pixels of a picture: where their centres lie on the Earth.

A frame is a map tile, or any box in any CRS. Which cells of a raster its pixels fall into is `placing`'s work.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import ArrayLike, NDArray
from pyproj import CRS, Transformer
from pyproj.exceptions import ProjError

from geojobs_lab.errors import InvalidInput
from geojobs_lab.tiles.mercator import HALF_MAP, TILE_SIZE, check_tile, latitudes, longitudes

Floats = NDArray[np.float64]

LONLAT = "CRS84"
"""Longitude and latitude in degrees, in this order."""

_LONGEST = 40  # characters of a value in a message
_MERCATORS = (3857, 900913, 102100)


@dataclass(frozen=True, slots=True)
class Frame:
    """Pixels in lines and columns, the upper line first.

    Attributes
    ----------
    left, top : float
        The outer corner of the first pixel, in the frame's own plane: degrees, CRS units, or parts of the Web Mercator
        map from its upper left corner.
    right, bottom : float
        The opposite corner.
    shape : tuple of int
        (lines, columns) of the whole picture.
    lines, columns : slice
        Those that are meant: all, or a part.
    crs : str or CRS
        ``"mercator"``, ``"lonlat"``, or any other.
    """

    left: float
    top: float
    right: float
    bottom: float
    shape: tuple[int, int]
    lines: slice
    columns: slice
    crs: "str | CRS"

    @classmethod
    def of_tile(cls, z: int, x: int, y: int, scale: int = 1) -> "Frame":
        """Return the frame of a Web Mercator tile.

        Raises
        ------
        InvalidInput
            There is no such tile; the field is ``"tile"``.
        """
        check_tile(z, x, y, scale)
        count, size = 2**z, TILE_SIZE * scale
        all_of_it = slice(0, size)
        return cls(
            x / count, y / count, (x + 1) / count, (y + 1) / count, (size, size), all_of_it, all_of_it, "mercator"
        )

    @classmethod
    def of_box(cls, box: tuple[float, float, float, float], width: int, height: int, crs: str = LONLAT) -> "Frame":
        """Return the frame of a box.

        Parameters
        ----------
        box : tuple of float
            xmin, ymin, xmax, ymax, x towards the east and y towards the north, whatever order the CRS's own axes have.
        width, height : int
            Pixels.
        crs : str
            What PROJ knows: ``"EPSG:3857"``, WKT; ``"CRS84"`` and ``"EPSG:4326"`` are longitude and latitude in
            degrees.

        Raises
        ------
        InvalidInput
            The field is ``"bbox"`` or ``"crs"``.
        """
        xmin, ymin, xmax, ymax = box
        if not (all(map(math.isfinite, box)) and xmin < xmax and ymin < ymax):
            raise InvalidInput(
                f"bbox: {', '.join(f'{value:g}' for value in box)} is not xmin,ymin,xmax,ymax of a box",
                field="bbox",
                value=box,
            )
        plane = _plane(crs)
        left, top, right, bottom = xmin, ymax, xmax, ymin
        if plane == "mercator":
            left, right = ((value / HALF_MAP + 1) / 2 for value in (xmin, xmax))
            top, bottom = ((1 - value / HALF_MAP) / 2 for value in (ymax, ymin))
        return cls(left, top, right, bottom, (height, width), slice(0, height), slice(0, width), plane)

    @property
    def size(self) -> tuple[int, int]:
        """(lines, columns) of the part."""
        return self.lines.stop - self.lines.start, self.columns.stop - self.columns.start

    @property
    def key(self) -> tuple[object, ...]:
        """What tells the part from others."""
        lines, columns = self.lines, self.columns
        box = self.left, self.top, self.right, self.bottom
        return *box, self.shape, lines.start, lines.stop, columns.start, columns.stop, str(self.crs)

    @property
    def is_cylindrical(self) -> bool:
        """Whether columns are of one longitude and lines of one latitude."""
        return isinstance(self.crs, str)

    def parts(self, side: int) -> Iterator["Frame"]:
        """Yield parts of at most `side` lines and columns."""
        height, width = self.shape
        for top in range(0, height, side):
            for left in range(0, width, side):
                yield replace(
                    self, lines=slice(top, min(top + side, height)), columns=slice(left, min(left + side, width))
                )

    def lonlat(self, lines: ArrayLike, columns: ArrayLike) -> tuple[Floats, Floats]:
        """Return longitude and latitude of pixels' centres in degrees; not finite where there is none.

        `lines` and `columns` count from those of the part and need not be whole. On a cylindrical frame longitudes have
        the shape of `columns` and latitudes that of `lines`; on others they broadcast.
        """
        x, y = self.plane(lines, columns)
        if self.crs == "mercator":
            return longitudes(x), latitudes(y)
        if self.crs == "lonlat":
            return x, y
        x, y = np.broadcast_arrays(x, y)
        lon, lat = _to_lonlat(self.crs).transform(x, y)
        return np.asarray(lon), np.asarray(lat)

    def plane(self, lines: ArrayLike, columns: ArrayLike) -> tuple[Floats, Floats]:
        """Return x and y of pixels' centres in the frame's own plane."""
        height, width = self.shape
        across = (np.asarray(columns, dtype=np.float64) + (self.columns.start + 0.5)) / width
        down = (np.asarray(lines, dtype=np.float64) + (self.lines.start + 0.5)) / height
        return self.left + across * (self.right - self.left), self.top + down * (self.bottom - self.top)


@lru_cache(maxsize=64)
def _plane(text: str) -> "str | CRS":
    """Return how places in a CRS are found."""
    if text.upper() in (LONLAT, "OGC:CRS84", "EPSG:4326"):
        return "lonlat"
    try:
        crs = CRS.from_user_input(text)
        if crs.to_epsg() in _MERCATORS:
            return "mercator"
        if not (crs.is_geographic or crs.is_projected):
            raise InvalidInput(f"crs: {text[:_LONGEST]!r} is no CRS of maps", field="crs", value=text)
        _to_lonlat(crs)
    except (ProjError, ValueError):  # another planet; a NUL in it
        raise InvalidInput(f"crs: {text[:_LONGEST]!r} is not a CRS that PROJ knows", field="crs", value=text) from None
    return crs


@lru_cache(maxsize=64)
def _to_lonlat(crs: "str | CRS") -> Transformer:
    return Transformer.from_crs(crs, "EPSG:4326", always_xy=True)
