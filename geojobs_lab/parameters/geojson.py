"""GeoJSON (RFC 7946) to shapely geometries, whatever somebody may have sent.

Every function raises ValueError, which says what is wrong, and nothing else. shapely and numpy are loaded when there
is something to read.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import load_json
from geojobs_lab.parameters.base import is_instance, show

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from shapely.geometry.base import BaseGeometry

GEOMETRY_TYPES = (
    "Point",
    "MultiPoint",
    "LineString",
    "MultiLineString",
    "Polygon",
    "MultiPolygon",
    "GeometryCollection",
)
_DEEPEST = 8  # collections in collections; RFC 7946 advises against any


def read_geometry(value: Any) -> BaseGeometry:
    """Return the geometry of a shapely object, of a GeoJSON geometry or feature, or of the JSON text of one.

    Raises
    ------
    ValueError
        It is none, or its coordinates are not finite numbers.
    """
    found = plain(value)
    if isinstance(found, Mapping) and found.get("type") == "Feature":
        found = plain(found.get("geometry"))
    return _checked(found) if is_instance(found, "shapely", "Geometry") else _build(found)


def read_members(value: Any) -> list[Any]:
    """Return the geometries and features that a collection or a list holds, unread; of a single one a list.

    Raises
    ------
    ValueError
        It is no JSON text, or a collection without its list.
    """
    if is_instance(value, "geopandas", "GeoDataFrame"):
        return list(value.geometry)
    if isinstance(value, list | tuple | Iterator):
        return list(value)
    if hasattr(value, "tolist") and getattr(value, "ndim", None) != 0:  # an array of geometries, a GeoSeries
        return list(value.tolist())
    found = plain(value)
    if isinstance(found, list):
        return found
    if is_instance(found, "shapely", "Geometry"):
        return list(found.geoms) if found.geom_type == "GeometryCollection" else [found]
    kind = found.get("type") if isinstance(found, Mapping) else None
    key = {"FeatureCollection": "features", "GeometryCollection": "geometries"}.get(str(kind))
    return [found] if key is None else _list(found.get(key), key)


def read_features(value: Any) -> list[Mapping[str, Any]]:
    """Return the features of a GeoJSON feature collection, or of its JSON text.

    Raises
    ------
    ValueError
        It is none, it says that it is in another CRS than RFC 7946 has, or one of its features is wrong.
    """
    found = plain(value)
    if not isinstance(found, Mapping) or found.get("type") != "FeatureCollection":
        raise ValueError("it is no FeatureCollection")
    _check_crs(found.get("crs"))
    features = _list(found.get("features"), "features")
    for number, feature in enumerate(features):
        try:
            _check_feature(feature)
        except ValueError as error:
            raise ValueError(f"features[{number}]: {error}") from None
    return features


def plain(value: Any) -> Any:
    """Return what a JSON text holds, and what others' geometries say of themselves; anything else as it is."""
    if isinstance(value, str):
        return load_json(value)
    if is_instance(value, "shapely", "Geometry"):
        return value
    return getattr(value, "__geo_interface__", value)


def _require(condition: bool, otherwise: str) -> None:
    if not condition:
        raise ValueError(otherwise)


def _check_feature(feature: Any) -> None:
    _require(isinstance(feature, Mapping) and feature.get("type") == "Feature", "it is no Feature")
    properties = feature.get("properties")
    _require(isinstance(properties, Mapping | None), f"its properties must be an object, not {show(properties)}")
    if feature.get("geometry") is not None:
        read_geometry(feature)


def _check_crs(crs: Any) -> None:
    """Refuse what GeoJSON's predecessor allowed: coordinates that are not longitudes and latitudes."""
    if crs is None:
        return
    properties = crs.get("properties") if isinstance(crs, Mapping) else None
    name = properties.get("name") if isinstance(properties, Mapping) else crs
    _require(
        str(name).upper().endswith(("CRS84", "EPSG:4326", "EPSG::4326")),
        f"GeoJSON is in longitude and latitude (RFC 7946), and its 'crs' says {show(name)}",
    )


def _list(value: Any, key: str) -> list[Any]:
    _require(isinstance(value, list | tuple), f"its {key!r} must be a list, not {show(value)}")
    return list(value)


def _checked(geometry: BaseGeometry) -> BaseGeometry:
    import numpy as np
    import shapely

    finite = np.isfinite(shapely.get_coordinates(geometry, include_z=bool(geometry.has_z))).all()
    _require(bool(finite), "its coordinates must be finite numbers")
    return shapely.LineString(geometry) if isinstance(geometry, shapely.LinearRing) else geometry


def _build(geometry: Any, depth: int = 0) -> BaseGeometry:
    import shapely

    _require(geometry is not None, "it has no geometry")
    _require(isinstance(geometry, Mapping), "it is no GeoJSON object")
    kind = geometry.get("type")
    _require(kind in GEOMETRY_TYPES, f"its type must be one of {', '.join(GEOMETRY_TYPES)}, not {show(kind)}")
    _require(depth <= _DEEPEST, "its collections are nested too deeply")
    try:
        if kind == "GeometryCollection":
            parts = _list(geometry.get("geometries"), "geometries")
            return shapely.GeometryCollection([_build(part, depth + 1) for part in parts])
        return _builders()[kind](_list(geometry.get("coordinates"), "coordinates"))
    except shapely.errors.ShapelyError as error:  # too few positions
        raise ValueError(str(error).strip().rpartition("Exception: ")[2]) from error


def _builders() -> dict[str, Callable[[list[Any]], BaseGeometry]]:
    import shapely

    def polygon(rings: list[Any]) -> shapely.Polygon:
        if not rings:
            return shapely.Polygon()
        shell, *holes = [_positions(ring) for ring in rings]
        return shapely.Polygon(shell, holes)

    return {
        "Point": lambda position: shapely.Point(*_positions([position] if position else [])),
        "MultiPoint": lambda positions: shapely.MultiPoint(_positions(positions)),
        "LineString": lambda positions: shapely.LineString(_positions(positions)),
        "MultiLineString": lambda lines: shapely.MultiLineString([_positions(line) for line in lines]),
        "Polygon": polygon,
        "MultiPolygon": lambda polygons: shapely.MultiPolygon([polygon(_list(one, "polygons")) for one in polygons]),
    }


def _positions(value: Any) -> npt.NDArray[np.float64]:
    """Return positions as an array (n, 2) or (n, 3); numbers beyond the third have no meaning."""
    import numpy as np

    if not value and isinstance(value, list | tuple):
        return np.empty((0, 2))
    try:
        array = np.array(value)
    except (ValueError, RecursionError):  # lists of different lengths, or too deep
        array = np.empty(0)
    are_numbers = array.ndim == 2 and array.shape[1] >= 2 and array.dtype.kind in "iuf"
    _require(are_numbers, f"its positions must be lists of two or three numbers each, not {show(value)}")
    array = array[:, :3].astype(float)
    _require(bool(np.isfinite(array).all()), "its coordinates must be finite numbers")
    return array
