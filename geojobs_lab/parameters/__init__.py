"""Typed, self-describing parameters: what a task takes and gives.

Owns checking and converting values, JSON Schema, and the stored form of `workflows.md`. Where data comes
from is left to a `Resolver`; nothing is opened and numpy is not imported until an array has to be made.
"""

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.arrays import NdArrayParameter, RasterParameter
from geojobs_lab.parameters.base import Parameter, Resolver
from geojobs_lab.parameters.collection import ParameterCollection
from geojobs_lab.parameters.nested import ListParameter, MultiParameter, MultipleParameter
from geojobs_lab.parameters.numeric import FloatParameter, IntParameter, NumberParameter
from geojobs_lab.parameters.plain import AnyParameter, BooleanParameter, DictParameter, StringParameter
from geojobs_lab.parameters.stored import parameter_from_stored

__all__ = [
    "AnyParameter",
    "BooleanParameter",
    "DictParameter",
    "FloatParameter",
    "IntParameter",
    "ListParameter",
    "MultiParameter",
    "MultipleParameter",
    "NdArrayParameter",
    "NumberParameter",
    "Parameter",
    "ParameterCollection",
    "ParameterNotValidError",
    "RasterParameter",
    "Resolver",
    "StringParameter",
    "parameter_from_stored",
]
