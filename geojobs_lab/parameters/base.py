"""What every parameter is: a name, what it accepts, and how it says so.

Owns the base class, the `Resolver` protocol and the wording of refusals. The kinds are the neighbours'
work (`plain`, `numeric`, `choices`, `times`, `places`, `features`, `arrays`, `datasets`, `nested`), their stored form
that of `stored`. Nothing here opens a file or imports numpy: the server checks inputs with it before a job exists.
"""

from __future__ import annotations

import copy
import math
import os
import sys
from collections.abc import Iterator, Mapping
from datetime import date
from enum import Enum
from typing import TYPE_CHECKING, Any, ClassVar, Final, NoReturn, Protocol, Self

from geojobs_lab.colors import Color
from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import ParameterNotValidError

if TYPE_CHECKING:
    import xarray as xr

_LONGEST_SHOWN = 80  # characters of a value that a message repeats


class Resolver(Protocol):
    """Turns a reference to published data into the data."""

    def raster(self, reference: ServiceReference) -> xr.DataArray:
        """Open the variable that `reference` points at."""

    def dataset(self, reference: ServiceReference) -> xr.Dataset:
        """Open all rasters of the service that `reference` points at."""


class _Missing:
    """The default that was not given (None may be one)."""

    def __repr__(self) -> str:
        return "<no default>"


MISSING: Final[Any] = _Missing()


class Parameter:
    """A named, self-describing input or output of a task.

    Parameters
    ----------
    name : str
        The keyword under which the task gets the value.
    required : bool
        Whether a call without the value is refused; a given `default` makes it not required.
    default : object
        The value of a call that does not give one. It has to be acceptable itself, or None.
    title, description : str, optional
        For people.
    unit : str, optional
        What the value is measured in, for people; an output raster without ``units`` gets it.

    Raises
    ------
    ParameterNotValidError
        The default is not acceptable.
    TypeError
        `name` is no text, or `required` neither True nor False.
    """

    id: ClassVar[str] = ""
    wanted: ClassVar[str] = "a value"  # completes the sentence "<name>: must be ..."
    accepts_null: ClassVar[bool] = False  # whether None is a value, instead of "not given"
    options: ClassVar[tuple[str, ...]] = ()  # keywords of a kind's own, which are attributes too
    documented: ClassVar[tuple[str, ...]] = ()  # those of them that the schema cannot say

    def __init__(
        self,
        name: str,
        required: bool = True,
        *,
        default: Any = MISSING,
        title: str | None = None,
        description: str | None = None,
        unit: str | None = None,
    ) -> None:
        if not isinstance(name, str) or not isinstance(required, bool):
            raise TypeError(
                f"{type(self).__name__} takes a name (a text) and required (True or False), "
                f"not {show(name)} and {show(required)}"
            )
        self.name = name
        self.has_default = default is not MISSING
        self.required = required and not self.has_default
        self.title = title
        self.description = description
        self.unit = unit
        self.default = None if default is MISSING or default is None else self._clean_default(default)

    def clean(self, value: Any) -> Any:
        """Return `value` as the task gets it, converted where that loses nothing; nothing is opened.

        Raises
        ------
        ParameterNotValidError
            Names the parameter, the value and what was wanted.
        """
        return value

    def expected(self) -> str:
        """Say what is accepted, as the end of the sentence "<name>: must be ..."."""
        return self.wanted

    def refuse(self, value: Any, why: object = "") -> NoReturn:
        """Raise the refusal of `value`; `why` is added where the value alone does not show it."""
        text = f"{self.name}: must be {self.expected()}, not {show(value)}{f': {why}' if why else ''}"
        raise ParameterNotValidError(text, parameter=self.name, value=value)

    def references(self, value: Any) -> Iterator[ServiceReference]:
        """Yield the references to published data in a cleaned value."""
        if isinstance(value, ServiceReference):
            yield value
        elif isinstance(value, list):
            for item in value:
                yield from self.references(item)

    def resolve(self, value: Any, resolver: Resolver) -> Any:
        """Return a cleaned value with its references replaced by what they point at."""
        if isinstance(value, ServiceReference):
            return resolver.raster(value)
        if isinstance(value, list) and any(self.references(value)):
            return [self.resolve(item, resolver) for item in value]
        return value

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output's value, put on the grid of `like` where it should be a raster and is a bare array."""
        return value

    def json_schema(self) -> dict[str, Any]:
        """Return the JSON Schema of the values, as REST clients send them."""
        schema = self._schema()
        for key in ("title", "description"):
            if getattr(self, key) is not None:
                schema[key] = getattr(self, key)
        if self.default is not None:
            schema["default"] = to_json(self.default)
        return schema

    def describe(self) -> dict[str, Any]:
        """Return the parameter's document of the REST contract."""
        return {
            "name": self.name,
            "type": self.id,
            "required": self.required,
            "default": to_json(self.default),
            "title": self.title,
            "description": self.description,
            "unit": self.unit,
            "schema": self.json_schema(),
            **{key: to_json(getattr(self, key)) for key in self.documented},
        }

    def to_stored(self) -> list[Any]:
        """Return ``[positional, keyword]`` of the stored form: all that the type id and the name do not say."""
        keyword: dict[str, Any] = {}
        if self.has_default:
            keyword["default"] = to_json(self.default)
        elif not self.required:
            keyword["required"] = False
        for key in ("title", "description", "unit", *self.options):
            if getattr(self, key) is not None:
                keyword[key] = to_json(getattr(self, key))
        return [self._positional(), keyword]

    def renamed(self, name: str) -> Self:
        """Return the same parameter under another name."""
        other = copy.copy(self)
        other.name = name
        return other

    def measured_in(self, unit: str | None) -> Self:
        """Return the same parameter with `unit`, unless it has one of its own."""
        other = copy.copy(self)
        other.unit = unit if self.unit is None else self.unit
        return other

    def _schema(self) -> dict[str, Any]:
        return {}

    def _positional(self) -> list[Any]:
        return []

    def _clean_default(self, default: Any) -> Any:
        cleaned = self.clean(default)
        if isinstance(cleaned, os.PathLike) or _is_open_data(cleaned):
            raise ParameterNotValidError(
                f"{self.name}: the default must have a JSON form, such as a reference, which {show(default)} has not",
                parameter=self.name,
                value=default,
            )
        return cleaned

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self) or not isinstance(other, Parameter):
            return NotImplemented
        return (self.name, self.to_stored()) == (other.name, other.to_stored())

    def __hash__(self) -> int:
        return hash((type(self), self.name))

    def __repr__(self) -> str:
        positional, keyword = self.to_stored()
        texts = [repr(item) for item in (*positional, self.name)] + [f"{k}={v!r}" for k, v in keyword.items()]
        return f"{type(self).__name__}({', '.join(texts)})"


def is_instance(value: Any, module: str, name: str) -> bool:
    """Tell whether `value` is a ``module.name``, without importing what nobody has imported yet."""
    kind = getattr(sys.modules.get(module), name, None)
    return kind is not None and isinstance(value, kind)


def unwrap(value: Any) -> Any:
    """Return the plain Python value of a numpy scalar or of an array without dimensions (None for a masked one).

    Anything else comes back as it is.
    """
    if getattr(value, "ndim", None) != 0 or not hasattr(value, "item"):
        return value
    if is_instance(value, "numpy.ma", "MaskedArray") and value.mask:
        return None  # its item() would be a number that nobody measured
    return value.item()


def limits(minimum: object, maximum: object) -> str:
    """Return the limits of a value as the words that follow "a number"; nothing where there are none."""
    if minimum is not None and maximum is not None:
        return f" from {minimum} to {maximum}"
    if minimum is not None:
        return f" not below {minimum}"
    return "" if maximum is None else f" not above {maximum}"


def show(value: Any) -> str:
    """Return a value as a message repeats it: short, and in the words of JSON."""
    if value is None or isinstance(value, bool):
        return {None: "null", True: "true", False: "false"}[value]
    shape = getattr(value, "shape", None)
    if isinstance(shape, tuple) and shape:
        return f"{type(value).__name__} of shape {shape}"
    if isinstance(value, ServiceReference):
        return repr(str(value))
    try:
        text = repr(value[: _LONGEST_SHOWN + 1] if isinstance(value, str | list | tuple) else value)
    except Exception:  # noqa: BLE001  nested too deeply, a number of too many digits, somebody's own class
        return f"a {type(value).__name__} that cannot be shown"
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= _LONGEST_SHOWN else f"{text[: _LONGEST_SHOWN - 1]}…"


def to_json(value: Any) -> Any:
    """Return a cleaned value as JSON has it: geometries as GeoJSON, missing elements of arrays as null."""
    match value:
        case ServiceReference():
            return str(value)
        case Color():
            return value.to_hex()
        case date():
            return value.isoformat()
        case Enum():
            return to_json(value.value)
        case list() | tuple():
            return [to_json(item) for item in value]
        case Mapping():
            return {key: to_json(item) for key, item in value.items()}
    if is_instance(value, "shapely", "Geometry"):
        from shapely.geometry import mapping

        return to_json(mapping(value))
    if is_instance(value, "pyproj", "CRS"):
        return _crs_text(value)
    if is_instance(value, "geopandas", "GeoDataFrame"):
        return _feature_collection(value)
    return _elements(value.tolist()) if hasattr(value, "tolist") else value


def _elements(value: Any) -> Any:
    if isinstance(value, list):
        return [_elements(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value


def _crs_text(crs: Any) -> str:
    """Return ``EPSG:3857`` where an authority's code means the same CRS, and WKT otherwise."""
    authority = crs.to_authority(min_confidence=100)
    text = ":".join(authority or ())
    return text if text and crs == type(crs)(text) else str(crs.to_wkt())


def _feature_collection(frame: Any) -> Any:
    """Return a GeoDataFrame as GeoJSON, in longitude and latitude as RFC 7946 wants it."""
    import json

    moved = frame if frame.crs is None else frame.to_crs("EPSG:4326")
    return json.loads(moved.to_json(default=str))


def _is_open_data(value: Any) -> bool:
    return any(
        is_instance(value, module, name)
        for module, name in (("xarray", "DataArray"), ("xarray", "Dataset"), ("netCDF4", "Dataset"))
    )
