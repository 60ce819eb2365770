"""From a type hint to the parameter that accepts such values."""

import sys
import types
from collections.abc import Callable, Sequence
from typing import Any, Literal, Union, get_args, get_origin, get_type_hints

from geojobs_lab.parameters import (
    AnyParameter,
    BooleanParameter,
    DictParameter,
    FloatParameter,
    IntParameter,
    ListParameter,
    MultipleParameter,
    NdArrayParameter,
    NumberParameter,
    Parameter,
    RasterParameter,
    StringParameter,
)

_PLAIN: dict[Any, type[Parameter]] = {
    Any: AnyParameter,
    object: AnyParameter,
    bool: BooleanParameter,
    float: FloatParameter,
    int: IntParameter,
    str: StringParameter,
}
_UNIONS = (Union, types.UnionType)
_UNDERSTOOD = "int, float, str, bool, dict, list[...], numpy.ndarray, Raster, Literal['a', 'b'], X | Y, X | None, Any"


class _RasterName:
    """What the name ``Raster`` means in a hint where the module has imported it for type checkers only."""


def read_hints(function: Callable[..., Any], label: str) -> dict[str, Any]:
    """Return the hints of a function by parameter name, ``"return"`` among them.

    Raises
    ------
    TypeError
        A hint names something that is not there.
    """
    names = getattr(function, "__globals__", {})
    try:
        return get_type_hints(function, localns={} if "Raster" in names else {"Raster": _RasterName})
    except NameError as error:
        raise TypeError(f"task {label!r}: a type hint cannot be read: {error}") from error


def parameter_from_hint(hint: Any, name: str, label: str, **common: Any) -> Parameter:
    """Return a parameter called `name` for values of the type `hint`.

    Parameters
    ----------
    hint : type
        As `read_hints` returns it.
    name : str
        The parameter's name.
    label : str
        The task's name, for the refusal.
    **common
        Keywords of any `Parameter`.

    Raises
    ------
    TypeError
        No parameter is known for the hint.
    """
    origin, arguments = get_origin(hint), get_args(hint)
    if _is_ndarray(hint):
        return NdArrayParameter(name, **common)
    if _is_raster(hint):
        return RasterParameter(name, **common)
    if (origin or hint) in (list, Sequence):
        item = parameter_from_hint(arguments[0] if arguments else Any, "", label)
        return ListParameter(item, name, **common)
    if (origin or hint) is dict:
        return DictParameter(name, **common)
    if origin is Literal and all(isinstance(choice, str) for choice in arguments):
        return StringParameter(name, choices=arguments, **common)
    if origin in _UNIONS:
        return _from_union(arguments, name, label, **common)
    if isinstance(hint, type) and hint in _PLAIN:
        return _PLAIN[hint](name, **common)
    text = hint.__name__ if isinstance(hint, type) else hint
    raise TypeError(f"task {label!r}: {name or 'an item'} has the type hint {text}; understood are {_UNDERSTOOD}")


def wants_ndarrays(hint: Any) -> bool:
    """Tell whether a hint asks for ``numpy.ndarray``, or for a list of them, and not for a raster too."""
    parts = get_args(hint) if get_origin(hint) in (list, Sequence, *_UNIONS) else ()
    return _is_ndarray(hint) or (any(map(wants_ndarrays, parts)) and not any(map(_is_raster, parts)))


def _is_ndarray(hint: Any) -> bool:
    return _is_from("numpy", "ndarray", get_origin(hint) or hint)


def _from_union(arguments: tuple[Any, ...], name: str, label: str, **common: Any) -> Parameter:
    kinds = [kind for kind in arguments if kind is not types.NoneType]
    if len(kinds) < len(arguments):
        if common.get("default") is not None:
            raise TypeError(f"task {label!r}: {name} may be None, so its default has to be None: null means not given")
        common = {"default": None, **common}
    if len(kinds) == 1:
        return parameter_from_hint(kinds[0], name, label, **common)
    if set(kinds) == {int, float}:
        return NumberParameter(name, **common)
    return MultipleParameter([parameter_from_hint(kind, "", label) for kind in kinds], name, **common)


def _is_raster(hint: Any) -> bool:
    return hint is _RasterName or _is_from("xarray", "DataArray", hint)  # which is what Raster stands for


def _is_from(module: str, name: str, hint: Any) -> bool:
    # A hint can only be something of a module that is loaded already: nothing is imported to find out.
    return vars(sys.modules.get(module, types)).get(name, _is_from) is hint
