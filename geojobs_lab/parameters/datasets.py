"""The kinds whose values are whole datasets: several rasters that belong together, and features with attributes.

A path is accepted as an `os.PathLike` only, never as a text: what comes over REST cannot name a file of the server.
Cleaning opens nothing; `resolve` reads.
"""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import RunError
from geojobs_lab.parameters.arrays import read_reference
from geojobs_lab.parameters.base import Parameter, Resolver, is_instance, to_json
from geojobs_lab.parameters.geojson import plain, read_features, read_geometry

if TYPE_CHECKING:
    import geopandas as gpd
    import xarray as xr


class RasterDatasetParameter(Parameter):
    """Accepts rasters that belong together: an `xarray.Dataset`, a `netCDF4.Dataset`, a path, or a service.

    The task gets an `xarray.Dataset`. A reference is that to a whole service, ``service://name``. Of a file, variables
    come along that have no place on the Earth.
    """

    id = "raster_dataset"
    wanted = "a raster dataset: a service like 'service://name' (in Python an xarray.Dataset or a Path too)"

    def clean(self, value: Any) -> Any:
        """Return the dataset, the path or the `ServiceReference`, or raise ParameterNotValidError."""
        if is_instance(value, "xarray", "Dataset") or is_instance(value, "netCDF4", "Dataset"):
            return value
        if isinstance(value, os.PathLike):
            return value
        reference = read_reference(self, value)
        for part in ("variable", "time"):
            if getattr(reference, part) is not None:
                self.refuse(reference, f"the whole service is wanted, and a {part} is named")
        return reference

    def resolve(self, value: Any, resolver: Resolver) -> xr.Dataset:
        """Return the `xarray.Dataset` of a cleaned value.

        Raises
        ------
        RasterError
            A file cannot be read.
        ParameterNotValidError
            A `netCDF4.Dataset` is closed.
        """
        if isinstance(value, ServiceReference):
            return resolver.dataset(value)
        if is_instance(value, "netCDF4", "Dataset"):
            value = self._path_of(value)
        if isinstance(value, os.PathLike):
            from geojobs_lab.rasters.opening import open_raster_dataset

            return open_raster_dataset(value, unplaced=True)
        dataset: xr.Dataset = value
        return dataset

    def _path_of(self, dataset: Any) -> Path:
        try:
            return Path(dataset.filepath())
        except RuntimeError as error:
            self.refuse(dataset, f"it is closed ({error})")

    def _schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^service://[^:@]+$"}


class FeatureDatasetParameter(Parameter):
    """Accepts features with their attributes: a `geopandas.GeoDataFrame`, a GeoJSON feature collection, or a path.

    The task gets a GeoDataFrame; GeoJSON is in EPSG:4326, a file says what it is in. It needs the extra
    ``geojobs_lab[vector]``.
    """

    id = "feature_dataset"
    wanted = "a FeatureCollection in GeoJSON (in Python a geopandas.GeoDataFrame or a Path too)"

    def clean(self, value: Any) -> Any:
        """Return the GeoDataFrame, the path or the feature collection, or raise ParameterNotValidError."""
        if is_instance(value, "geopandas", "GeoDataFrame") or isinstance(value, os.PathLike):
            return value
        try:
            read_features(value)
        except ValueError as error:
            self.refuse(value, error)
        return to_json(plain(value))

    def resolve(self, value: Any, resolver: Resolver) -> gpd.GeoDataFrame:
        """Return the GeoDataFrame of a cleaned value.

        Raises
        ------
        RunError
            A file cannot be read, or geopandas is not installed.
        """
        if isinstance(value, os.PathLike):
            return self._read(value)
        return self._frame(value) if isinstance(value, Mapping) else value

    def _read(self, path: os.PathLike[str]) -> gpd.GeoDataFrame:
        gpd = self._geopandas()
        file = Path(path).name
        if not Path(path).exists():
            raise RunError(f"{self.name}: there is no file {file!r}")
        try:
            frame = gpd.read_file(path)
        except Exception as error:  # GDAL's, pyogrio's and fiona's have no common kind
            said = str(error).replace(str(path), file)
            raise RunError(f"{self.name}: {file!r} cannot be read as features: {said}") from error
        if not isinstance(frame, gpd.GeoDataFrame):
            raise RunError(f"{self.name}: {file!r} holds a table without geometries")
        return frame

    def _frame(self, collection: Mapping[str, Any]) -> gpd.GeoDataFrame:
        gpd = self._geopandas()
        features = collection["features"]
        geometries = [None if one.get("geometry") is None else read_geometry(one) for one in features]
        rows = [one.get("properties") or {} for one in features]
        table = {name: [row.get(name) for row in rows] for name in dict.fromkeys(key for row in rows for key in row)}
        table.pop("geometry", None)  # there can be one column of this name
        return gpd.GeoDataFrame(table, geometry=geometries, crs="EPSG:4326")

    def _geopandas(self) -> Any:
        try:
            import geopandas
        except ImportError as error:
            raise RunError(
                f"{self.name}: feature datasets need geopandas: pip install 'geojobs_lab[vector]'"
            ) from error
        return geopandas

    def _schema(self) -> dict[str, Any]:
        properties = {"type": {"enum": ["FeatureCollection"]}, "features": {"type": "array"}}
        return {"type": "object", "format": "geojson", "properties": properties, "required": ["type", "features"]}
