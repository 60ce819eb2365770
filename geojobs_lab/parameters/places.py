"""The kinds whose values say where: boxes and coordinate reference systems. pyproj is loaded when a CRS is read."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, NamedTuple

from geojobs_lab.parameters.base import Parameter, is_instance, show, to_json, unwrap
from geojobs_lab.parameters.numeric import read_number

if TYPE_CHECKING:
    from pyproj import CRS

_LONLAT = ("EPSG:4326", "OGC:CRS84")  # texts for which pyproj need not be asked
_LONGEST_CRS = 100_000  # characters; the longest WKT of the EPSG register has a tenth of it


class BBox(NamedTuple):
    """A box along the axes of a CRS, in its units.

    Attributes
    ----------
    xmin, ymin, xmax, ymax : float
        West, south, east and north. In longitudes, `xmin` above `xmax` means a box across the date line.
    """

    xmin: float
    ymin: float
    xmax: float
    ymax: float


class BBoxParameter(Parameter):
    """Accepts a box of four numbers, west, south, east and north, or their text ``"5,45,15,55"``.

    Parameters
    ----------
    crs : CRS, str, int or dict, optional
        What the numbers are in; longitude and latitude (EPSG:4326, in this order) where it is left out. In a
        geographic CRS `xmin` may lie above `xmax`: across the date line.

    Raises
    ------
    ValueError
        `crs` is none.
    """

    id = "bbox"
    options = ("crs",)

    def __init__(self, name: str, required: bool = True, *, crs: Any = None, **common: Any) -> None:
        self.crs: str | None = crs
        self._is_geographic = crs is None or (isinstance(crs, str) and crs in _LONLAT)
        if not self._is_geographic:
            known = read_crs(crs)
            if known is None:
                raise ValueError(f"{name}: the crs must be {CRSParameter.wanted}, not {show(crs)}")
            self.crs = to_json(known)
            self._is_geographic = known.is_geographic
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> BBox:
        """Return the box, or raise ParameterNotValidError."""
        parts = value.split(",") if isinstance(value, str) else value
        if hasattr(parts, "tolist"):
            parts = parts.tolist()
        numbers = [read_number(part) for part in parts] if isinstance(parts, list | tuple) else []
        try:
            box = BBox(*(float(number) for number in numbers if number is not None))
        except (TypeError, OverflowError):  # not four; a number of hundreds of digits
            self.refuse(value)
        return box if len(numbers) == 4 and self._is_box(box) else self.refuse(value)

    def expected(self) -> str:
        """Say what is accepted."""
        crs = "EPSG:4326" if self.crs is None else self.crs.partition(",")[0]  # of a WKT its name
        sides = "" if self._is_geographic else "xmin below xmax and "
        degrees = "longitudes and latitudes in degrees, " if self._is_geographic else ""
        return f"a box [xmin, ymin, xmax, ymax] in {crs}, {degrees}{sides}ymin below ymax"

    def describe(self) -> dict[str, Any]:
        """Return the parameter's document, with its CRS."""
        return {**super().describe(), "crs": self.crs or "EPSG:4326"}

    def _is_box(self, box: BBox) -> bool:
        if not self._is_geographic:
            return box.xmin < box.xmax and box.ymin < box.ymax
        on_earth = all(-360 <= x <= 360 for x in (box.xmin, box.xmax)) and box.ymin >= -90 and box.ymax <= 90
        return on_earth and box.xmin != box.xmax and box.ymin < box.ymax

    def _schema(self) -> dict[str, Any]:
        return {"type": "array", "format": "bbox", "items": {"type": "number"}, "minItems": 4, "maxItems": 4}


class CRSParameter(Parameter):
    """Accepts a coordinate reference system: ``"EPSG:3857"``, ``3857``, WKT, PROJ text, PROJ JSON or a `pyproj.CRS`."""

    id = "crs"
    wanted = "a coordinate reference system: an EPSG code like 3857 or 'EPSG:3857', WKT, or PROJ JSON"

    def clean(self, value: Any) -> CRS:
        """Return the `pyproj.CRS`, or raise ParameterNotValidError."""
        crs = read_crs(value)
        return self.refuse(value) if crs is None else crs

    def _schema(self) -> dict[str, Any]:
        return {"type": ["string", "integer", "object"], "format": "crs"}


def read_crs(value: Any) -> CRS | None:
    """Return the CRS that a value means, or None where it means none."""
    if is_instance(value, "pyproj", "CRS"):
        known: CRS = value
        return known
    text = _crs_input(unwrap(value))
    if text is None:
        return None
    from pyproj import CRS
    from pyproj.exceptions import CRSError

    try:
        return CRS.from_user_input(text)
    except (CRSError, ValueError, TypeError, OverflowError, RecursionError):
        return None


def _crs_input(value: Any) -> Any:
    """Return what pyproj may read; PROJ's ``+init=`` names a file of the server and is not among it."""
    code = read_number(value)
    if isinstance(code, int | float):
        return int(code) if code == int(code) else None
    if isinstance(value, str):
        return value.strip() if "init=" not in value.replace(" ", "") and len(value) <= _LONGEST_CRS else None
    if isinstance(value, dict):
        return None if "init" in value else value
    return value.to_wkt() if is_instance(value, "rasterio.crs", "CRS") else None
