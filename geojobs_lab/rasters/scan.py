"""Finding the rasters of an open NetCDF file: reads names, attributes and one-dimensional coordinates, no data.

Owns what CF's ``coordinates``, ``bounds`` and ``grid_mapping`` attributes lead to. Reading a window is
`rasterfile`'s work.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.axes import Coordinate, Role
from geojobs_lab.rasters.packing import unpack, unpacked_dtype
from geojobs_lab.rasters.placing import Place, parse_grid_mapping, place
from geojobs_lab.rasters.timeaxis import TimeAxis
from geojobs_lab.rasters.variables import VariableInfo


class Scan:
    """One look through a data set; the caller holds the lock.

    Attributes
    ----------
    variables : dict
        Name -> `VariableInfo` of each variable that lies on a grid.
    skipped : dict
        Name -> why it does not, of the other numeric variables that hold data.
    """

    def __init__(self, dataset: netCDF4.Dataset) -> None:
        self._variables = dataset.variables
        self._attributes = {name: _attributes(variable) for name, variable in self._variables.items()}
        self._coordinates: dict[str, Coordinate] = {}
        self._times: dict[str, TimeAxis] = {}
        self.variables: dict[str, VariableInfo] = {}
        self.skipped: dict[str, str] = {}
        helpers = set(self._helpers())
        for name, variable in self._variables.items():
            if name in helpers or not _is_numeric(variable) or not variable.dimensions:
                continue
            try:
                self.variables[name] = self._info(name)
            except RasterError as error:
                self.skipped[name] = str(error)

    def _helpers(self) -> Iterator[str]:
        """Yield the variables that only serve others: coordinates, bounds, mappings, mesh tables."""
        for name, attributes in self._attributes.items():
            if name in self._variables[name].dimensions or {"grid_mapping_name", "cf_role"} & attributes.keys():
                yield name
            yield from _words(attributes, "coordinates")
            yield from _words(attributes, "node_coordinates")
            yield from _words(attributes, "face_coordinates")
            yield from _words(attributes, "edge_coordinates")
            yield from _words(attributes, "bounds")
            yield from _words(attributes, "climatology")
            for mapping, _ in parse_grid_mapping(str(attributes.get("grid_mapping", ""))):
                yield mapping

    def _info(self, name: str) -> VariableInfo:
        variable, attributes = self._variables[name], self._attributes[name]
        if 0 in variable.shape:
            raise RasterError(f"its shape is {variable.shape}: it holds nothing")
        coordinates = {dim: found for dim in variable.dimensions if (found := self._along(dim, attributes))}
        where = self._place(name, coordinates)
        others = [dim for dim in variable.dimensions if dim not in (where.y, where.x, where.time)]
        return VariableInfo(
            name=name,
            units=_text(attributes, "units"),
            long_name=_text(attributes, "long_name"),
            standard_name=_text(attributes, "standard_name"),
            dtype=str(unpacked_dtype(variable.dtype, attributes)),
            dims=variable.dimensions,
            shape=variable.shape,
            grid=where.grid,
            time=self._time(where.time, coordinates),
            others={
                dim: _values(coordinates.get(dim), variable.shape[variable.dimensions.index(dim)]) for dim in others
            },
            other_units={
                dim: _text(coordinates[dim].attributes, "units") if dim in coordinates else None for dim in others
            },
            y_dim=where.y,
            x_dim=where.x,
            attributes=attributes,
        )

    def _place(self, name: str, coordinates: Mapping[str, Coordinate]) -> Place:
        variable, attributes = self._variables[name], self._attributes[name]
        mapping = _text(attributes, "grid_mapping")
        named = {
            found: self._attributes[found]
            for found, _ in parse_grid_mapping(mapping or "")
            if found in self._attributes
        }
        try:
            return place(variable.dimensions, variable.shape, coordinates, named, mapping)
        except RasterError:
            if {coordinate.role for coordinate in coordinates.values()} & {Role.LATITUDE, Role.Y}:
                raise
            if "mesh" in attributes:
                raise RasterError("it lies on an unstructured mesh, which is not supported") from None
            if any(
                len(self._variables[word].dimensions) == 2
                for word in _words(attributes, "coordinates")
                if word in self._variables
            ):
                raise RasterError(
                    "its latitude and longitude are two-dimensional, which is not supported yet"
                ) from None
            raise

    def _along(self, dim: str, attributes: Mapping[str, Any]) -> Coordinate | None:
        """Return the coordinate of a dimension: its own variable, or an auxiliary one that is a place or a time."""
        if dim in self._variables and self._variables[dim].dimensions == (dim,):
            return self._coordinate(dim)
        for word in _words(attributes, "coordinates"):
            if word in self._variables and self._variables[word].dimensions == (dim,):
                found = self._coordinate(word)
                if found.role is not Role.OTHER:
                    return found
        return None

    def _coordinate(self, name: str) -> Coordinate:
        if name not in self._coordinates:
            attributes = self._attributes[name]
            bounds = None
            for word in _words(attributes, "bounds"):
                if word in self._variables and self._variables[word].ndim == 2 and _is_numeric(self._variables[word]):
                    bounds = unpack(self._variables[word][:], self._attributes[word])
            self._coordinates[name] = Coordinate(name, self._read(name), attributes, bounds)
        return self._coordinates[name]

    def _read(self, name: str) -> npt.NDArray[Any]:
        variable = self._variables[name]
        values = np.asarray(variable[:])
        return unpack(values, self._attributes[name]) if _is_numeric(variable) else values

    def _time(self, dim: str | None, coordinates: Mapping[str, Coordinate]) -> TimeAxis | None:
        if dim is None:
            return None
        found = coordinates[dim]
        key = f"{dim} {found.name}"
        if key not in self._times:
            calendar = _text(found.attributes, "calendar") or "standard"
            self._times[key] = TimeAxis.from_numbers(dim, found.values, found.units, calendar)
        return self._times[key]


def _attributes(variable: "netCDF4.Variable[Any]") -> dict[str, Any]:
    return {name: variable.getncattr(name) for name in variable.ncattrs()}


def _is_numeric(variable: "netCDF4.Variable[Any]") -> bool:
    # A variable of rows of different lengths (VLType) gives the type of their elements as its dtype.
    is_plain = isinstance(variable.dtype, np.dtype) and not isinstance(variable.datatype, netCDF4.VLType)
    return is_plain and variable.dtype.kind in "iuf"


def _text(attributes: Mapping[str, Any], key: str) -> str | None:
    value = attributes.get(key)
    return value.strip() or None if isinstance(value, str) else None if value is None else str(value)


def _words(attributes: Mapping[str, Any], key: str) -> list[str]:
    return str(attributes.get(key, "")).split()


def _values(coordinate: Coordinate | None, count: int) -> npt.NDArray[Any]:
    return np.arange(count) if coordinate is None else coordinate.values
