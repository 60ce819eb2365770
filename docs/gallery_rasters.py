"""The files of the gallery: land and sea on each kind of grid, as NetCDF in the forms that people have.

They are written by netCDF4 itself, attribute by attribute, so that what the gallery shows went through the reader.
The land is that of the coastlines the gallery draws, so every cell on the wrong side of a line is a cell out of place.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import netCDF4
import numpy as np
import shapely
from numpy.typing import NDArray
from pyproj import CRS, Transformer

from geojobs_lab.plots.coastlines import coastlines

Floats = NDArray[np.float64]

_SEAS = [(-30.0, 0.0), (51.0, 42.0)]  # points of the ocean and of the Caspian Sea
_FRAME = [(-180, -90), (180, -90), (180, 90), (-180, 90), (-180, -90)]


@cache
def _land() -> Any:
    """Return the land as one prepared geometry: what the coastlines and the edge of the map enclose, less the seas."""
    lines = shapely.union_all([shapely.linestrings(line) for line in (*map(_to_the_edge, coastlines()), _FRAME)])
    faces = shapely.get_parts(shapely.polygonize([lines]))
    wet = np.any([shapely.contains_xy(faces, *sea) for sea in _SEAS], axis=0)
    land = shapely.union_all(faces[~wet])
    shapely.prepare(land)
    return land


def _to_the_edge(line: Floats) -> Floats:
    """Return a coastline whose ends reach the antimeridian, where it was cut just short of it."""
    if (line[0] == line[-1]).all():
        return line
    ends = [np.where(np.abs(end[0]) > 179.5, [math.copysign(180, end[0]), end[1]], end) for end in line[[0, -1]]]
    return np.vstack([ends[0], line, ends[1]])


def land_field(lon: Floats, lat: Floats) -> NDArray[np.float32]:
    """Return a smooth field on land in degrees Celsius, NaN at sea and off the Earth."""
    seen = np.isfinite(lon) & np.isfinite(lat)
    lon, lat = (np.where(seen, lon, 0) + 180) % 360 - 180, np.where(seen, lat, 0)
    field = 42 * np.cos(np.radians(lat)) ** 2 - 14 + 5 * np.sin(np.radians(3 * lon)) * np.cos(np.radians(2 * lat))
    return np.where(seen & shapely.contains_xy(_land(), lon, lat), field, np.nan).astype(np.float32)


@dataclass(frozen=True, slots=True)
class Layout:
    """How a file lays out its grid.

    Attributes
    ----------
    x, y : array
        Cell centres along the axes, in the axes' own units; or both two-dimensional: longitudes and latitudes.
    crs : CRS or None
        None: x and y are longitude and latitude.
    x_attributes, y_attributes, mapping : Mapping
        Attributes of the axes and of the grid mapping.
    factor : float
        From the axes' units to those of the CRS.
    x_first : bool
        The columns are the first dimension.
    packed : bool
        Stored as shorts with scale and offset.
    """

    x: Floats
    y: Floats
    crs: CRS | None = None
    x_attributes: Mapping[str, Any] | None = None
    y_attributes: Mapping[str, Any] | None = None
    mapping: Mapping[str, Any] | None = None
    factor: float = 1.0
    x_first: bool = False
    packed: bool = False

    @property
    def lonlat(self) -> tuple[Floats, Floats]:
        """Longitudes and latitudes of the cell centres, (ny, nx)."""
        x, y = (self.x, self.y) if self.x.ndim == 2 else np.meshgrid(self.x, self.y)
        if self.crs is None:
            return x, y
        turn = Transformer.from_crs(self.crs, "EPSG:4326", always_xy=True)
        lon, lat = turn.transform(x * self.factor, y * self.factor)
        return np.asarray(lon), np.asarray(lat)


def write(path: Path, layout: Layout) -> Path:
    """Write the land on a grid as variable ``data``."""
    field = land_field(*layout.lonlat)
    values = np.ma.masked_array(np.nan_to_num(field), np.isnan(field))
    flat = layout.x.ndim == 2
    with netCDF4.Dataset(path, "w", format="NETCDF3_64BIT_OFFSET" if layout.packed else "NETCDF4") as file:
        names = ("j", "i") if flat else ("y", "x")
        for name, size in zip(names, values.shape, strict=True):
            file.createDimension(name, size)
        _axis(file, "y", names if flat else names[:1], layout.y, layout.y_attributes, "latitude", "degrees_north")
        _axis(file, "x", names if flat else names[1:], layout.x, layout.x_attributes, "longitude", "degrees_east")
        data = file.createVariable(
            "data", "i2" if layout.packed else "f4", names[:: -1 if layout.x_first else 1], fill_value=-32768
        )
        data.units, data.long_name = "degC", "Field on land"
        if layout.packed:
            data.scale_factor, data.add_offset = 0.01, 10.0
        if flat:
            data.coordinates = "y x"
        if layout.mapping:
            file.createVariable("crs", "i4").setncatts(dict(layout.mapping))
            data.grid_mapping = "crs"
        data[:] = values.T if layout.x_first else values
    return path


def _axis(
    file: Any,
    name: str,
    dims: Sequence[str],
    values: Floats,
    attributes: Mapping[str, Any] | None,
    standard_name: str,
    units: str,
) -> None:
    axis = file.createVariable(name, "f8", tuple(dims))
    axis.setncatts(dict(attributes or {"standard_name": standard_name, "units": units}))
    axis[:] = values


def _projected(crs: CRS, x: Floats, y: Floats, *, drop: Sequence[str] = (), **more: Any) -> Layout:
    """Lay out a grid of a projection by its CF attributes alone, without those in `drop`."""
    mapping = {key: value for key, value in crs.to_cf().items() if key not in (*drop, "crs_wkt")}
    axes = [{"standard_name": f"projection_{axis}_coordinate", "units": "m", "axis": axis.upper()} for axis in "xy"]
    return Layout(x, y, crs, axes[0], axes[1], mapping, **more)


def _steps(first: float, last: float, count: int) -> Floats:
    """Return the centres of cells between two outer edges."""
    return first + (last - first) * (np.arange(count) + 0.5) / count


def _rotated() -> Layout:
    crs = CRS.from_cf(
        {
            "grid_mapping_name": "rotated_latitude_longitude",
            "grid_north_pole_latitude": 39.25,
            "grid_north_pole_longitude": -162.0,
        }
    )
    axes = [{"standard_name": f"grid_{name}", "units": "degrees"} for name in ("longitude", "latitude")]
    return Layout(_steps(-28.5, 18.5, 188), _steps(-23.5, 21.5, 180), crs, axes[0], axes[1], crs.to_cf())


def _geostationary() -> Layout:
    crs = CRS.from_proj4("+proj=geos +h=35785831 +lon_0=0 +sweep=y +ellps=WGS84")
    height = 35785831.0
    axes = [{"standard_name": f"projection_{axis}_angular_coordinate", "units": "radian"} for axis in "xy"]
    angles = _steps(-0.1518, 0.1518, 360)
    mapping = {key: value for key, value in crs.to_cf().items() if key != "crs_wkt"}
    return Layout(angles, angles[::-1], crs, axes[0], axes[1], mapping, factor=height)


def _swath() -> Layout:
    """Cross Africa and Europe as a satellite does: rows along the track, columns across it."""
    along, across = np.meshgrid(_steps(-50, 50, 260), _steps(-14, 14, 90), indexing="ij")
    slant = np.radians(14)
    lat = 18 + along * np.cos(slant) + across * np.sin(slant)
    lon = 15 + (across * np.cos(slant) - along * np.sin(slant)) / np.cos(np.radians(lat))
    return Layout(lon, lat)


def layouts() -> dict[str, Layout]:
    """Return the kinds of grid that are made: title -> layout."""
    conus = CRS.from_epsg(5070)
    europe = CRS.from_proj4("+proj=lcc +lat_0=52 +lon_0=10 +lat_1=35 +lat_2=65 +ellps=GRS80 +units=m")
    arctic = CRS.from_cf(
        {
            "grid_mapping_name": "polar_stereographic",
            "straight_vertical_longitude_from_pole": -45.0,
            "latitude_of_projection_origin": 90.0,
            "standard_parallel": 70.0,
        }
    )
    gauss = np.degrees(np.arcsin(np.polynomial.legendre.leggauss(94)[0]))[::-1]
    uneven = np.cumsum(np.concatenate([[-179.0], np.tile([1.0, 3.0, 2.0], 59), [2.0]]))
    return {
        "Latitude/longitude, -180..180": Layout(_steps(-180, 180, 360), _steps(90, -90, 180)),
        "0..360, south first, packed, (lon, lat)": Layout(
            _steps(0, 360, 360), _steps(-90, 90, 180), x_first=True, packed=True
        ),
        "Longitudes 20..380": Layout(_steps(20, 380, 360), _steps(-90, 90, 180)),
        "Gaussian latitudes, uneven longitudes": Layout(uneven[uneven < 180], gauss),
        "Rotated pole": _rotated(),
        "Polar stereographic": _projected(arctic, _steps(-3.85e6, 3.75e6, 304), _steps(5.85e6, -5.35e6, 448)),
        "Geostationary": _geostationary(),
        "Albers, without its false origin": _projected(
            conus, _steps(-2.4e6, 2.3e6, 235), _steps(3.2e6, 0.2e6, 150), drop=("false_easting", "false_northing")
        ),
        "Lambert conformal": _projected(europe, _steps(-2.4e6, 2.4e6, 240), _steps(-2.0e6, 2.6e6, 230)),
        "UTM 32": _projected(CRS.from_epsg(25832), _steps(1e5, 1e6, 225), _steps(6.9e6, 5.9e6, 250)),
        "Curvilinear: a swath": _swath(),
    }
