"""Finding the rasters of an open NetCDF file: reads names, attributes and coordinates, no data.

Owns what CF's ``coordinates``, ``bounds`` and ``grid_mapping`` attributes lead to. Reading a window is
`rasterfile`'s work.
"""

from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

from geojobs_lab.errors import RasterError
from geojobs_lab.rasters.anygrid import AnyGrid
from geojobs_lab.rasters.axes import Coordinate, Role
from geojobs_lab.rasters.gridmappings import parse_grid_mapping
from geojobs_lab.rasters.packing import unpack, unpacked_dtype
from geojobs_lab.rasters.placing import Place, place
from geojobs_lab.rasters.projections import tells_crs
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
        self._global = read_attributes(dataset)
        self._attributes = {name: _attributes(variable) for name, variable in self._variables.items()}
        self._coordinates: dict[str, Coordinate] = {}
        self._times: dict[str, TimeAxis] = {}
        self._grids: dict[tuple[Any, ...], AnyGrid] = {}
        self._used: set[str] = set()
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
        for name in self._used:  # coordinates that nothing calls so
            self.variables.pop(name, None)
            self.skipped.pop(name, None)
        places = [name for name in self.variables if self._role(name, by_name=False) in (Role.LATITUDE, Role.LONGITUDE)]
        if len(places) < len(self.variables):  # those of cells, beside axes that place them better
            for name in places:
                del self.variables[name]

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
            time=self._time(where.time, coordinates) or self._scalar_time(attributes),
            others={
                dim: _values(coordinates.get(dim), variable.shape[variable.dimensions.index(dim)]) for dim in others
            },
            other_units={
                dim: _text(coordinates[dim].attributes, "units") if dim in coordinates else None for dim in others
            },
            y_dim=where.y,
            x_dim=where.x,
            attributes=attributes,
            cells=where.cells,
        )

    def _place(self, name: str, coordinates: Mapping[str, Coordinate]) -> Place:
        variable, attributes = self._variables[name], self._attributes[name]
        mapping, named = self._mapping(name, {found.role for found in coordinates.values()})
        try:
            where = place(
                variable.dimensions,
                variable.shape,
                coordinates,
                named,
                mapping,
                lambda: self._cells(variable, attributes),
            )
        except RasterError:
            if "mesh" in attributes and not {found.role for found in coordinates.values()} & {Role.LATITUDE, Role.Y}:
                raise RasterError("it lies on an unstructured mesh, which is not supported") from None
            raise
        self._used.update(where.cells)
        # What is prepared for the grid of one variable is there for the others on it.
        axes = [coordinates[dim].name for dim in (where.y, where.x) if dim in coordinates]
        key = (where.y, where.x, *axes, mapping, *where.cells)
        return replace(where, grid=self._grids.setdefault(key, where.grid))

    def _mapping(self, name: str, roles: set[Role]) -> tuple[str | None, dict[str, Mapping[str, Any]]]:
        """Return a variable's ``grid_mapping``, and the attributes of the mappings in it.

        A variable without one, and not on longitudes and latitudes, takes the only one of the file, or what its own
        attributes or the file's say of a CRS.
        """
        mapping = _text(self._attributes[name], "grid_mapping")
        if mapping is not None:
            words = [found for found, _ in parse_grid_mapping(mapping) if found in self._attributes]
            return mapping, {word: self._attributes[word] for word in words}
        if {Role.LATITUDE, Role.LONGITUDE} <= roles:
            return None, {}
        spare = [
            word
            for word, found in self._attributes.items()
            if not self._variables[word].dimensions and ("grid_mapping_name" in found or tells_crs(found))
        ]
        if len(spare) == 1:
            return spare[0], {spare[0]: self._attributes[spare[0]]}
        for attributes in (self._attributes[name], self._global):
            if tells_crs(attributes):
                return name, {name: attributes}
        return None, {}

    def _cells(self, variable: "netCDF4.Variable[Any]", attributes: Mapping[str, Any]) -> list[Coordinate]:
        """Return the coordinates of a variable's cells, those that it names first."""
        named = [word for word in _words(attributes, "coordinates") if word in self._variables]
        others = [word for word in self._variables if word not in named and word != variable.name]
        return [
            self._coordinate(word) for word in named + others if self._is_of_cells(word, variable, named=word in named)
        ]

    def _is_of_cells(self, name: str, variable: "netCDF4.Variable[Any]", *, named: bool) -> bool:
        """Tell whether a variable is the latitude or longitude of cells, at each time (WRF) or at all times."""
        found = self._variables[name]
        if found.ndim not in ((2, 3) if named else (2,)) or not _is_numeric(found) or 0 in found.shape:
            return False
        if not set(found.dimensions) <= set(variable.dimensions):
            return False
        return self._role(name) in (Role.LATITUDE, Role.LONGITUDE)

    def _along(self, dim: str, attributes: Mapping[str, Any]) -> Coordinate | None:
        """Return the coordinate of a dimension: its own variable, or an auxiliary one that is a place or a time.

        An axis of time whose own numbers count from no date (XIOS writes such) is told by an auxiliary one. A dimension
        that has no variable, and of which nothing is said, is told by the only one along it that is a place or a time.
        """
        own = None
        if dim in self._variables and self._variables[dim].dimensions == (dim,):
            own = self._coordinate(dim)
            if own.role is not Role.TIME or own.holds_dates:
                return own
        for word in _words(attributes, "coordinates"):
            if word in self._variables and self._variables[word].dimensions == (dim,):
                found = self._coordinate(word)
                if found.role is not Role.OTHER:
                    return found
        if own is None and dim not in self._variables:
            along = [
                word
                for word, variable in self._variables.items()
                if variable.dimensions == (dim,) and _is_numeric(variable) and self._role(word) is not Role.OTHER
            ]
            if len(along) == 1:
                self._used.update(along)
                return self._coordinate(along[0])
        return own

    def _role(self, name: str, *, by_name: bool = True) -> Role:
        """Return the role of a variable of numbers, which are not read; with or without what its name tells."""
        numbers = np.empty(0, self._variables[name].dtype)
        return Coordinate(name if by_name else "", numbers, self._attributes[name]).role

    def _coordinate(self, name: str) -> Coordinate:
        if name not in self._coordinates:
            variable, attributes = self._variables[name], self._attributes[name]
            bounds = None
            for word in _words(attributes, "bounds"):
                found = self._variables.get(word)
                if found is not None and found.ndim == variable.ndim + 1 and _is_numeric(found):
                    bounds = unpack(np.asarray(found[:]), self._attributes[word])
            values, dims = self._read(name), variable.dimensions
            if values.ndim == 3:
                if not np.array_equal(values[0], values[-1], equal_nan=True):
                    raise RasterError(f"its {name!r} changes along {dims[0]!r}, which is not supported")
                values, dims, bounds = values[0], dims[1:], None
            self._coordinates[name] = Coordinate(name, values, attributes, bounds, dims)
        return self._coordinates[name]

    def _read(self, name: str) -> npt.NDArray[Any]:
        variable = self._variables[name]
        values = np.asarray(variable[...])
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

    def _scalar_time(self, attributes: Mapping[str, Any]) -> TimeAxis | None:
        """Return the only time of a variable without an axis of time, from a coordinate without dimensions."""
        for word in _words(attributes, "coordinates"):
            variable = self._variables.get(word)
            if variable is None or variable.dimensions or not _is_numeric(variable):
                continue
            found = self._attributes[word]
            units = str(found.get("units", ""))
            if " since " in units and found.get("standard_name", "time") == "time":
                values = np.atleast_1d(self._read(word))
                try:
                    return TimeAxis.from_numbers(word, values, units, _text(found, "calendar") or "standard")
                except RasterError:
                    return None  # it only tells, and tells nothing
        return None


def read_attributes(holder: "netCDF4.Dataset | netCDF4.Variable[Any]") -> dict[str, Any]:
    """Return the attributes of a data set or a variable, but those of a type that netCDF4 cannot read."""
    attributes = {}
    for name in holder.ncattrs():
        with suppress(KeyError):
            attributes[name] = holder.getncattr(name)
    return attributes


def _attributes(variable: "netCDF4.Variable[Any]") -> dict[str, Any]:
    """Return the attributes, and the fill value that integers have where none is declared.

    Bytes have none: all their numbers are meant. A variable can be written without filling, as ours are.
    """
    attributes = read_attributes(variable)
    if "_FillValue" not in attributes and _is_numeric(variable) and variable.dtype.kind in "iu":
        fill = variable.get_fill_value()
        if variable.dtype.itemsize > 1 and fill is not None and variable.dimensions:
            attributes["_FillValue"] = variable.dtype.newbyteorder("=").type(fill)
    return attributes


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
