"""Arithmetic on rasters that keeps their place and their names right."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal

from geojobs_lab.errors import RasterError, RunError
from geojobs_lab.tasks import task

if TYPE_CHECKING:
    from geojobs_lab.rasters import Raster

# True of what was measured, not of a difference; readers mask what lies outside of a valid range.
_NOT_OF_A_DIFFERENCE = ("actual_range", "standard_name", "valid_max", "valid_min", "valid_range")

Method = Literal["nearest", "bilinear", "average", "mode"]


@task(name="raster:align", title="Rasters on one grid")
def align(rasters: list[Raster], to: Raster | None = None, method: Method = "nearest") -> list[Raster]:
    """Bring rasters onto one grid, so that they can be computed with cell by cell.

    Parameters
    ----------
    rasters : list of Raster
        Of any grids and CRS.
    to : Raster
        Whose grid they take; that of the first where it is left out.
    method : str
        nearest: the value at the new cell's centre; bilinear: interpolated between four cells; average and mode: the
        mean and the most frequent value of what lies in the new cell.

    Returns
    -------
    aligned : list of Raster
        The rasters in their order; missing where one does not reach.
    """
    from geojobs_lab.rasters.aligning import align as align_rasters

    return align_rasters(rasters, to=to, method=method)


@task(name="raster:subtract", title="Difference of two rasters")
def subtract(a: Raster, b: Raster, long_name: str | None = None, align: Method | None = None) -> Raster:
    """Subtract b from a, cell by cell, on one grid.

    Parameters
    ----------
    a : Raster
        What is subtracted from; lends the difference its attributes.
    b : Raster
        What is subtracted: the same grid, times and unit. Without a time axis it is subtracted from each step of a.
    long_name : str
        What the difference is called in legends.
    align : str
        How b is brought onto the grid of a where it has another; without it that is refused.

    Returns
    -------
    difference : Raster
        a minus b; missing where either is.
    """
    from geojobs_lab.rasters.calculating import calculate
    from geojobs_lab.rasters.placing import place_array

    here, there = place_array(a), place_array(b)
    layers, others = {*a.dims} - {here.y, here.x}, {*b.dims} - {there.y, there.x}
    if not (layers <= others or others <= layers):
        raise RasterError(f"a and b hold different layers: a {dict(a.sizes)}; b {dict(b.sizes)}")
    attributes = _attributes(a, b, long_name)
    difference: Raster = calculate("a - b", {"a": a, "b": b}, align=align).rename(a.name)
    difference.attrs = attributes
    return difference


def _attributes(a: Raster, b: Raster, long_name: str | None) -> dict[str, Any]:
    from geojobs_lab.rasters.calculating import CELSIUS

    units = a.attrs.get("units", b.attrs.get("units"))
    if b.attrs.get("units", units) != units:
        raise RunError(f"a is in {units!r} and b in {b.attrs['units']!r}: bring them to one unit first")
    attributes = {key: value for key, value in a.attrs.items() if key not in _NOT_OF_A_DIFFERENCE}
    if units is not None:
        attributes["units"] = "K" if str(units).lower() in CELSIUS else units
    if b.attrs.get("cell_methods") != a.attrs.get("cell_methods"):
        attributes.pop("cell_methods", None)  # two periods have been averaged, and neither is the difference's
    name = long_name or a.attrs.get("long_name")
    if name is None and "standard_name" in a.attrs:
        name = f"{a.attrs['standard_name'].replace('_', ' ')} difference"
    return attributes if name is None else {**attributes, "long_name": name}
