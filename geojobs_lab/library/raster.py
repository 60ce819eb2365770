"""Arithmetic on rasters that keeps their place and their names right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import RasterError, RunError
from geojobs_lab.tasks import task

if TYPE_CHECKING:
    from geojobs_lab.rasters import Raster

_CELSIUS = {"c", "°c", "celsius", "degc", "deg_c", "degree_c", "degreec", "degree_celsius", "degrees_celsius"}
# True of what was measured, not of a difference; readers mask what lies outside of a valid range.
_NOT_OF_A_DIFFERENCE = ("actual_range", "standard_name", "valid_max", "valid_min", "valid_range")


@task(name="raster:subtract", title="Difference of two rasters")
def subtract(a: Raster, b: Raster, long_name: str | None = None) -> Raster:
    """Subtract b from a, cell by cell, on one grid.

    Parameters
    ----------
    a : Raster
        What is subtracted from; lends the difference its attributes.
    b : Raster
        What is subtracted: the same grid and unit. Without a time axis it is subtracted from each step of a.
    long_name : str
        What the difference is called in legends.

    Returns
    -------
    difference : Raster
        a minus b; missing where either is.
    """
    from geojobs_lab.rasters.placing import place_array

    here, there = place_array(a), place_array(b)
    if not here.grid.same_as(there.grid):
        raise RasterError(f"a and b lie on different grids: a on {here.grid}; b on {there.grid}")
    a = a.transpose(..., here.y, here.x)
    b = b.transpose(..., there.y, there.x)
    if a.shape != b.shape and min(a.ndim, b.ndim) > 2:
        raise RasterError(f"a and b hold different layers: a {dict(a.sizes)}; b {dict(b.sizes)}")
    frame = a if a.ndim >= b.ndim else b
    difference = frame.copy(data=_minus(a.values, b.values)).rename(a.name)
    difference.attrs = _attributes(a, b, long_name)
    return difference


def _minus(a: Any, b: Any) -> Any:
    import numpy as np

    # Unsigned and small integers would wrap round.
    kind = np.result_type(a, b, np.int64 if np.result_type(a, b).kind in "iub" else a)
    return a.astype(kind) - b.astype(kind)


def _attributes(a: Raster, b: Raster, long_name: str | None) -> dict[str, Any]:
    units = a.attrs.get("units", b.attrs.get("units"))
    if b.attrs.get("units", units) != units:
        raise RunError(f"a is in {units!r} and b in {b.attrs['units']!r}: bring them to one unit first")
    attributes = {key: value for key, value in a.attrs.items() if key not in _NOT_OF_A_DIFFERENCE}
    if units is not None:
        attributes["units"] = "K" if str(units).lower() in _CELSIUS else units
    if b.attrs.get("cell_methods") != a.attrs.get("cell_methods"):
        attributes.pop("cell_methods", None)  # two periods have been averaged, and neither is the difference's
    name = long_name or a.attrs.get("long_name")
    if name is None and "standard_name" in a.attrs:
        name = f"{a.attrs['standard_name'].replace('_', ' ')} difference"
    return attributes if name is None else {**attributes, "long_name": name}
