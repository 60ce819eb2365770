"""The kinds whose values are shapely geometries, sent as GeoJSON."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from geojobs_lab.parameters.base import Parameter, show
from geojobs_lab.parameters.geojson import GEOMETRY_TYPES, read_geometry, read_members

if TYPE_CHECKING:
    from shapely.geometry.base import BaseGeometry


class FeatureParameter(Parameter):
    """Accepts a geometry: a shapely one, a GeoJSON geometry or feature, or the JSON text of one.

    A geometry knows no CRS: what its coordinates are in, the description has to say. GeoJSON is in longitude and
    latitude. Of a feature only the geometry is kept.

    Parameters
    ----------
    geometry_types : sequence of str, optional
        The only types that are accepted, such as ``["Polygon", "MultiPolygon"]``.

    Raises
    ------
    ValueError
        `geometry_types` holds something else than the types of GeoJSON.
    """

    id = "feature"
    options = ("geometry_types",)

    def __init__(
        self, name: str, required: bool = True, *, geometry_types: Sequence[str] | None = None, **common: Any
    ) -> None:
        types = None if geometry_types is None else list(geometry_types)
        if types is not None and (not types or not all(kind in GEOMETRY_TYPES for kind in types)):
            raise ValueError(f"{name}: the geometry types must be among {', '.join(GEOMETRY_TYPES)}: {show(types)}")
        self.geometry_types = types
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> Any:
        """Return the shapely geometry, or raise ParameterNotValidError."""
        try:
            geometry: BaseGeometry = read_geometry(value)
        except ValueError as error:
            self.refuse(value, error)
        if self.geometry_types is not None and geometry.geom_type not in self.geometry_types:
            self.refuse(value, f"it is a {geometry.geom_type}")
        return geometry

    def expected(self) -> str:
        """Say what is accepted, types included."""
        return f"a geometry or feature in GeoJSON{self._of_types()}, or a shapely geometry"

    def _of_types(self) -> str:
        return "" if self.geometry_types is None else f" ({' or '.join(self.geometry_types)})"

    def _schema(self) -> dict[str, Any]:
        types = [*(self.geometry_types or GEOMETRY_TYPES), "Feature"]
        return {"type": "object", "format": "geojson", "properties": {"type": {"enum": types}}, "required": ["type"]}


class FeatureCollectionParameter(FeatureParameter):
    """Accepts geometries: a GeoJSON feature or geometry collection, a list of what `FeatureParameter` accepts, or one.

    Parameters
    ----------
    geometry_types : sequence of str, optional
        The only types that are accepted.
    """

    id = "feature_collection"

    def clean(self, value: Any) -> list[Any]:
        """Return a list of shapely geometries; ParameterNotValidError says which item is wrong, as ``name[2]``."""
        try:
            members = read_members(value)
        except ValueError as error:
            self.refuse(value, error)
        return [self._item(f"{self.name}[{number}]").clean(member) for number, member in enumerate(members)]

    def expected(self) -> str:
        """Say what is accepted, types included."""
        return f"a list of geometries, or a collection in GeoJSON{self._of_types()}"

    def _item(self, name: str) -> FeatureParameter:
        return FeatureParameter(name, geometry_types=self.geometry_types)

    def _schema(self) -> dict[str, Any]:
        item = self._item("")._schema()
        types = [*item["properties"]["type"]["enum"], "FeatureCollection", "GeometryCollection"]
        properties = {"type": {"enum": list(dict.fromkeys(types))}}
        either = {"type": ["object", "array"], "format": "geojson"}
        return {**either, "properties": properties, "required": ["type"], "items": item}
