"""Names in hints that a module has imported for type checkers only, and classes of libraries that nobody has loaded.

With ``from __future__ import annotations`` a task's module needs not load xarray to say that an input is one: a name
that the module does not have is taken for what it is usually called.
"""

import sys
import types
from collections.abc import Mapping
from typing import Any

from geojobs_lab.parameters.geojson import GEOMETRY_TYPES

_CLASSES = {
    "numpy": ("ndarray",),
    "xarray": ("DataArray", "Dataset"),
    "geopandas": ("GeoDataFrame",),
    "pyproj": ("CRS",),
    "shapely": ("Geometry", *GEOMETRY_TYPES),
}
_ALIASES = {"numpy": "np", "xarray": "xr", "geopandas": "gpd"}

_MODULES = {
    module: types.SimpleNamespace(**{name: type(name, (), {"stands_for": (module, name)}) for name in names})
    for module, names in _CLASSES.items()
}
_NAMES: dict[str, Any] = {
    **{name: stand_in for module in _MODULES.values() for name, stand_in in vars(module).items()},
    **_MODULES,
    **{alias: _MODULES[module] for module, alias in _ALIASES.items()},
    "BaseGeometry": _MODULES["shapely"].Geometry,
    "Raster": _MODULES["xarray"].DataArray,
}


def stand_ins(names: Mapping[str, Any]) -> dict[str, Any]:
    """Return what stands for the well-known names that are not among `names`, those of a module."""
    return {name: stand_in for name, stand_in in _NAMES.items() if name not in names}


def is_from(module: str, name: str, hint: Any) -> bool:
    """Tell whether a hint is, or stands for, ``module.name``; nothing is imported to find out."""
    if getattr(hint, "stands_for", None) == (module, name):
        return True
    return vars(sys.modules.get(module, types)).get(name, is_from) is hint


def shapely_name(hint: Any) -> str | None:
    """Return the name of the shapely class that a hint is, or stands for; None where it is something else."""
    if any(is_from("shapely", name, hint) for name in _CLASSES["shapely"]):
        return str(hint.__name__)
    base = getattr(sys.modules.get("shapely"), "Geometry", None)
    return hint.__name__ if base is not None and isinstance(hint, type) and issubclass(hint, base) else None
