"""Parameters from their stored form, ``[positional, keyword]`` under a type id; `Parameter.to_stored` writes it.

For ``list`` the first positional is ``[type id of the items, [their positional, their keyword]]``, for
``multiple`` a list of such pairs. The positional of a nested parameter ends with its name; that of the outer one
does not, the name stands beside it.
"""

from typing import Any

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.arrays import NdArrayParameter, RasterParameter
from geojobs_lab.parameters.base import Parameter, show
from geojobs_lab.parameters.choices import ChoiceParameter, ColorParameter
from geojobs_lab.parameters.datasets import FeatureDatasetParameter, RasterDatasetParameter
from geojobs_lab.parameters.features import FeatureCollectionParameter, FeatureParameter
from geojobs_lab.parameters.nested import ListParameter, MultipleParameter
from geojobs_lab.parameters.numeric import FloatParameter, IntParameter, NumberParameter
from geojobs_lab.parameters.places import BBoxParameter, CRSParameter
from geojobs_lab.parameters.plain import AnyParameter, BooleanParameter, DictParameter, StringParameter
from geojobs_lab.parameters.times import DateParameter, DateTimeParameter

_KINDS: dict[str, type[Parameter]] = {
    kind.id: kind
    for kind in (
        AnyParameter,
        MultipleParameter,
        ListParameter,
        StringParameter,
        NumberParameter,
        IntParameter,
        FloatParameter,
        BooleanParameter,
        DictParameter,
        NdArrayParameter,
        RasterParameter,
        FeatureParameter,
        FeatureCollectionParameter,
        RasterDatasetParameter,
        FeatureDatasetParameter,
        ChoiceParameter,
        DateParameter,
        DateTimeParameter,
        BBoxParameter,
        CRSParameter,
        ColorParameter,
    )
}


def parameter_from_stored(type_id: str, name: str, args: Any = None) -> Parameter:
    """Return the parameter that `args` of the stored form describe.

    Parameters
    ----------
    type_id : str
        Such as ``"list"``.
    name : str
        The parameter's name.
    args : list, optional
        ``[positional, keyword]``, without the name; empty or None where the kind needs nothing more.

    Raises
    ------
    ParameterNotValidError
        The type id is unknown, or its arguments are not those of the kind.
    """
    kind = _kind(type_id, name)
    positional, keyword = _split(args, name)
    leading = 1 if kind in (ListParameter, MultipleParameter) else 0
    if len(positional) != leading:
        raise _not_valid(name, f"{type_id!r} takes {leading} positional arguments, not {len(positional)}", args)
    return _construct(kind, [*positional, name], keyword, name)


def _nested(pair: Any, name: str) -> Parameter:
    if not isinstance(pair, list) or len(pair) != 2:
        raise _not_valid(name, f"wanted [type id, [positional, keyword]], not {show(pair)}", pair)
    kind = _kind(pair[0], name)
    positional, keyword = _split(pair[1], name)
    return _construct(kind, positional, keyword, name)


def _construct(kind: type[Parameter], positional: list[Any], keyword: dict[str, Any], name: str) -> Parameter:
    if kind is ListParameter and positional:
        positional = [_nested(positional[0], name), *positional[1:]]
    elif kind is MultipleParameter and positional:
        pairs = positional[0] if isinstance(positional[0], list) else [positional[0]]
        positional = [[_nested(pair, name) for pair in pairs], *positional[1:]]
    try:
        return kind(*positional, **keyword)
    except (TypeError, ValueError) as error:  # wrong names of arguments, limits that cross, a refused default
        raise _not_valid(
            name, f"{kind.id!r} cannot be made of {show([positional, keyword])}: {error}", keyword
        ) from error


def _kind(type_id: Any, name: str) -> type[Parameter]:
    kind = _KINDS.get(type_id) if isinstance(type_id, str) else None
    if kind is None:
        raise _not_valid(name, f"the type must be one of {', '.join(_KINDS)}, not {show(type_id)}", type_id)
    return kind


def _split(args: Any, name: str) -> tuple[list[Any], dict[str, Any]]:
    if args is None or args == []:
        return [], {}
    if isinstance(args, list) and len(args) == 2 and isinstance(args[0], list) and isinstance(args[1], dict):
        return args[0], args[1]
    raise _not_valid(name, f"the arguments must be [positional, keyword], not {show(args)}", args)


def _not_valid(name: str, text: str, value: Any) -> ParameterNotValidError:
    return ParameterNotValidError(f"{name}: {text}", parameter=name, value=value)
