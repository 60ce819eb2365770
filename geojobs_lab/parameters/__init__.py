"""Typed, self-describing parameters: what a task takes and gives.

Owns checking and converting values, JSON Schema, and the stored form of `workflows.md`. Where data comes
from is left to a `Resolver`; nothing is opened and no library is loaded until a value needs it: numpy for an array,
shapely for a feature, pyproj for a CRS.
"""

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.arrays import NdArrayParameter, RasterParameter
from geojobs_lab.parameters.base import Parameter, Resolver
from geojobs_lab.parameters.choices import ChoiceParameter, ColorParameter
from geojobs_lab.parameters.collection import ParameterCollection
from geojobs_lab.parameters.datasets import FeatureDatasetParameter, RasterDatasetParameter
from geojobs_lab.parameters.features import FeatureCollectionParameter, FeatureParameter
from geojobs_lab.parameters.nested import ListParameter, MultiParameter, MultipleParameter
from geojobs_lab.parameters.numeric import FloatParameter, IntParameter, NumberParameter
from geojobs_lab.parameters.places import BBox, BBoxParameter, CRSParameter
from geojobs_lab.parameters.plain import AnyParameter, BooleanParameter, DictParameter, StringParameter
from geojobs_lab.parameters.stored import parameter_from_stored
from geojobs_lab.parameters.times import DateParameter, DateTimeParameter

__all__ = [
    "AnyParameter",
    "BBox",
    "BBoxParameter",
    "BooleanParameter",
    "CRSParameter",
    "ChoiceParameter",
    "ColorParameter",
    "DateParameter",
    "DateTimeParameter",
    "DictParameter",
    "FeatureCollectionParameter",
    "FeatureDatasetParameter",
    "FeatureParameter",
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
    "RasterDatasetParameter",
    "RasterParameter",
    "Resolver",
    "StringParameter",
    "parameter_from_stored",
]
