"""From a type hint to the parameter that accepts such values."""

import sys
import types
from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from enum import Enum
from functools import reduce
from operator import or_
from typing import Annotated, Any, Literal, Union, get_args, get_origin, get_type_hints

from geojobs_lab.colors import Color
from geojobs_lab.parameters import (
    AnyParameter,
    BBox,
    BBoxParameter,
    BooleanParameter,
    ChoiceParameter,
    ColorParameter,
    CRSParameter,
    DateParameter,
    DateTimeParameter,
    DictParameter,
    FeatureCollectionParameter,
    FeatureDatasetParameter,
    FeatureParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    Parameter,
    RasterDatasetParameter,
    RasterParameter,
    StringParameter,
)
from geojobs_lab.parameters.geojson import GEOMETRY_TYPES
from geojobs_lab.tasks.fields import Field
from geojobs_lab.tasks.standins import is_from, shapely_name, stand_ins

_PLAIN: dict[Any, type[Parameter]] = {
    Any: AnyParameter,
    object: AnyParameter,
    bool: BooleanParameter,
    float: FloatParameter,
    int: IntParameter,
    str: StringParameter,
    date: DateParameter,
    datetime: DateTimeParameter,
    BBox: BBoxParameter,
    Color: ColorParameter,
}
_HEAVY: dict[tuple[str, str], type[Parameter]] = {  # of libraries that are not loaded to find out
    ("numpy", "ndarray"): NdArrayParameter,
    ("xarray", "DataArray"): RasterParameter,  # which is what Raster stands for
    ("xarray", "Dataset"): RasterDatasetParameter,
    ("geopandas", "GeoDataFrame"): FeatureDatasetParameter,
    ("pyproj", "CRS"): CRSParameter,
}
_UNIONS = (Union, types.UnionType)
_COMMON = ("title", "description", "unit")  # what Field gives to every kind
_UNDERSTOOD = (
    "int, float, str, bool, dict, list[...], date, datetime, numpy.ndarray, Raster, xarray.Dataset, shapely's "
    "geometries, geopandas.GeoDataFrame, pyproj.CRS, BBox, Color, an Enum of plain values, Literal['a', 2], X | Y, "
    "X | None, Any, and Annotated[X, Field(...)] of these"
)


def read_hints(thing: Any, label: str) -> dict[str, Any]:
    """Return the hints of a function by parameter name, ``"return"`` among them, or those of a class.

    Raises
    ------
    TypeError
        A hint names something that is not there.
    """
    names = getattr(thing, "__globals__", None) or vars(sys.modules.get(thing.__module__, types))
    try:
        return get_type_hints(thing, localns=stand_ins(names), include_extras=True)
    except (NameError, AttributeError) as error:
        raise TypeError(f"task {label!r}: a type hint cannot be read: {error}") from error


def parameter_from_hint(hint: Any, name: str, label: str, **keywords: Any) -> Parameter:
    """Return a parameter called `name` for values of the type `hint`.

    Parameters
    ----------
    hint : type
        As `read_hints` returns it.
    name : str
        The parameter's name.
    label : str
        The task's name, for the refusal.
    **keywords
        Of the parameter; what a `Field` in the hint says wins over them.

    Raises
    ------
    TypeError
        No parameter is known for the hint, or a `Field` has options that its kind does not know.
    """
    if get_origin(hint) is Annotated:
        for extra in hint.__metadata__:
            keywords |= extra.options() if isinstance(extra, Field) else {}
        return parameter_from_hint(hint.__origin__, name, label, **keywords)
    rest = _without_none(hint)
    if rest is not hint:
        return parameter_from_hint(rest, name, label, **_nullable(keywords, name, label))
    kind, leading, more = _kind_of(hint, name, label)
    _refuse_unknown(kind, name, label, keywords)
    return kind(*leading, name, **more, **keywords)


def wants_ndarrays(hint: Any) -> bool:
    """Tell whether a hint asks for ``numpy.ndarray``, or for a list of them, and not for a raster too."""
    parts = _parts(hint)
    wanted = is_from("numpy", "ndarray", get_origin(hint) or hint) or any(map(wants_ndarrays, parts))
    return wanted and not any(is_from("xarray", "DataArray", part) for part in parts)


def wanted_enum(hint: Any) -> type[Enum] | None:
    """Return the `Enum` whose members a hint asks for, or a list of them."""
    return hint if _is_enum(hint) else next(filter(None, map(wanted_enum, _parts(hint))), None)


def _parts(hint: Any) -> tuple[Any, ...]:
    origin = get_origin(hint)
    if origin is Annotated:
        return (hint.__origin__,)
    return get_args(hint) if origin in (list, Sequence, *_UNIONS) else ()


def _without_none(hint: Any) -> Any:
    origin, arguments = get_origin(hint), get_args(hint)
    if origin in _UNIONS and types.NoneType in arguments:
        return reduce(or_, (kind for kind in arguments if kind is not types.NoneType))
    if origin is Literal and None in arguments and len(arguments) > 1:
        return Literal[tuple(choice for choice in arguments if choice is not None)]
    return hint


def _nullable(keywords: dict[str, Any], name: str, label: str) -> dict[str, Any]:
    if keywords.get("default") is not None:
        raise TypeError(f"task {label!r}: {name} may be None, so its default has to be None: null means not given")
    return {**keywords, "default": None}


def _kind_of(hint: Any, name: str, label: str) -> tuple[Callable[..., Parameter], list[Any], dict[str, Any]]:
    """Return the class of a hint's parameter, and what it takes before the name and as keywords."""
    origin, arguments = get_origin(hint), get_args(hint)
    base = origin or hint
    geometries = _geometry_types(hint)
    if geometries is not None:
        return FeatureParameter, [], {"geometry_types": geometries or None}
    for heavy, kind in _HEAVY.items():
        if is_from(*heavy, base):
            return kind, [], {}
    if base in (list, Sequence):
        return _list_of(arguments[0] if arguments else Any, label)
    if base in (dict, Mapping):
        return DictParameter, [], {}
    if origin is Literal and all(type(choice) in (str, int, float, bool) for choice in arguments):
        return ChoiceParameter, [], {"choices": arguments}
    if origin in _UNIONS and set(arguments) == {int, float}:
        return NumberParameter, [], {}
    if origin in _UNIONS:
        return MultipleParameter, [[parameter_from_hint(kind, "", label) for kind in arguments]], {}
    if _is_enum(hint):
        return ChoiceParameter, [], {"choices": [member.value for member in hint]}
    if isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint], [], {}
    text = hint.__name__ if isinstance(hint, type) else hint
    raise TypeError(f"task {label!r}: {name or 'an item'} has the type hint {text}; understood are {_UNDERSTOOD}")


def _list_of(item: Any, label: str) -> tuple[Callable[..., Parameter], list[Any], dict[str, Any]]:
    geometries = _geometry_types(item)
    if geometries is not None:
        return FeatureCollectionParameter, [], {"geometry_types": geometries or None}
    return ListParameter, [parameter_from_hint(item, "", label)], {}


def _refuse_unknown(kind: Any, name: str, label: str, keywords: dict[str, Any]) -> None:
    known = (*kind.options, *_COMMON)
    for option in keywords:
        if option not in (*known, "default", "required"):
            raise TypeError(
                f"task {label!r}: {name or 'an item'} is of the kind {kind.id!r}, to which Field cannot give "
                f"{option!r}, but {', '.join(known)}"
            )


def _geometry_types(hint: Any) -> tuple[str, ...] | None:
    """Return the types of shapely geometries that a hint names, () for any, or None where it names something else."""
    if get_origin(hint) in _UNIONS:
        each = [_geometry_types(part) for part in get_args(hint)]
        known = [names for names in each if names is not None]
        if len(known) < len(each):
            return None
        return () if () in known else tuple(dict.fromkeys(name for names in known for name in names))
    name = shapely_name(hint)
    if name is None:
        return None
    return (name,) if name in GEOMETRY_TYPES else ()


def _is_enum(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, Enum)
