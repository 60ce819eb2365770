"""Whether what one parameter gives can be what another takes, told from their kinds before there is a value.

Only what can never work does not fit: a raster is no number, a dictionary is none either. Where it is up to the value
(``"3"`` is a number, ``"three"`` is not) the kinds fit, and the run decides.
"""

from collections.abc import Mapping
from typing import Final

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.base import Parameter
from geojobs_lab.parameters.features import FeatureParameter
from geojobs_lab.parameters.nested import ListParameter, MultipleParameter
from geojobs_lab.parameters.numeric import NumberParameter

_NUMBERS: Final = frozenset({"number", "int", "float"})
_OF_NUMBER: Final = _NUMBERS | {"string", "bool", "choice", "crs"}
_OF_GEOJSON: Final = frozenset({"feature", "feature_collection", "feature_dataset"})

# Kind -> the kinds that its values may become. A kind that is not here may become anything.
_BECOMES: Final[Mapping[str, frozenset[str]]] = {
    "string": _OF_NUMBER | _OF_GEOJSON | {"date", "datetime", "bbox", "color"},
    **dict.fromkeys(_NUMBERS, _OF_NUMBER),
    "bool": frozenset({"bool", "choice"}),
    "dict": _OF_GEOJSON | {"dict", "crs"},
    "array": _OF_NUMBER | {"array", "raster", "bbox"},  # one without dimensions is a number
    "raster": frozenset({"raster", "array"}),
    "feature": frozenset({"feature", "feature_collection"}),
    "feature_collection": frozenset({"feature_collection"}),
    "feature_dataset": frozenset({"feature_dataset", "feature_collection"}),
    "raster_dataset": frozenset({"raster_dataset", "dict"}),  # an xarray.Dataset is a mapping
    "date": frozenset({"date", "datetime"}),
    "datetime": frozenset({"date", "datetime"}),
    "bbox": frozenset({"bbox", "array"}),
    "crs": frozenset({"crs"}),
    "color": frozenset({"color"}),
}
_KNOWN: Final = frozenset(_BECOMES) | {"choice"}

# Kind -> the kinds of items that a list must have to become one.
_OF_ITEMS: Final[Mapping[str, frozenset[str]]] = {
    "array": _NUMBERS | {"bool", "array", "raster", "bbox"},
    "bbox": _NUMBERS | {"string", "array"},
    "color": _NUMBERS,
    "feature_collection": frozenset({"feature", "dict", "string"}),
}

# Kind -> what its values are lists of.
_ITEMS: Final[Mapping[str, Parameter]] = {
    "bbox": NumberParameter(""),
    "feature_collection": FeatureParameter(""),
}


def fits(source: Parameter, target: Parameter) -> bool:
    """Tell whether some value that `source` gives may be accepted by `target`.

    Kinds that this module does not know fit everything.

    Parameters
    ----------
    source : Parameter
        What gives the value: an output of a task, or an input of a workflow.
    target : Parameter
        What takes it: an input of a task.
    """
    if isinstance(source, MultipleParameter):
        return any(fits(kind, target) for kind in source.alternatives)
    if isinstance(target, MultipleParameter):
        return any(fits(source, kind) for kind in target.alternatives)
    if "any" in (source.id, target.id):
        return True
    if isinstance(target, ListParameter):
        return _fits_list(source, target)
    if (choices := getattr(source, "choices", None)) is not None:
        return any(_accepts(target, choice) for choice in choices)
    if isinstance(source, ListParameter):
        return _becomes_of_list(source.item, target.id)
    return _becomes(source.id, target.id)


def _fits_list(source: Parameter, target: ListParameter) -> bool:
    """Tell whether `source` is a list of such items, or one of them: a single item counts as a list of one."""
    if isinstance(source, ListParameter):
        return fits(source.item, target.item)
    if source.id in _ITEMS:
        return fits(_ITEMS[source.id], target.item)
    return fits(source, target.item) or (source.id == "array" and fits(NumberParameter(""), target.item))


def _becomes_of_list(item: Parameter, target: str) -> bool:
    if isinstance(item, MultipleParameter):
        return any(_becomes_of_list(kind, target) for kind in item.alternatives)
    if isinstance(item, ListParameter):  # of lists: nothing but an array has several dimensions
        return target not in _KNOWN or (target == "array" and _becomes_of_list(item.item, target))
    return target not in _KNOWN or (target in _OF_ITEMS and (item.id in _OF_ITEMS[target] or item.id not in _KNOWN))


def _becomes(source: str, target: str) -> bool:
    return source not in _BECOMES or target not in _KNOWN or target in _BECOMES[source]


def _accepts(target: Parameter, value: object) -> bool:
    try:
        target.clean(value)
    except ParameterNotValidError:
        return False
    return True
