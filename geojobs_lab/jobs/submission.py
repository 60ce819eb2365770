"""Checking what somebody submits, before anything is written: cheap checks only, no raster is opened."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from geojobs_lab.documents import ServiceReference, dump_json, load_json
from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound
from geojobs_lab.services import Service, ServiceCatalogue
from geojobs_lab.tasks import Task


@dataclass(frozen=True, slots=True)
class Inputs:
    """The inputs of a job: the text that its document repeats, and what the text says."""

    text: str
    values: Mapping[str, Any]


def read_inputs(inputs: object) -> Inputs:
    """Read the field `inputs`: a JSON text or an object; absent, null and empty mean no inputs.

    Raises
    ------
    InvalidInput
        It is no JSON, or no object.
    """
    if inputs is None or inputs == "":
        return Inputs("{}", {})
    if isinstance(inputs, str):
        try:
            values = load_json(inputs)
        except ValueError as error:
            raise InvalidInput(f"inputs: {_short(inputs)} is not JSON: {error}", value=inputs) from None
        if values is None:
            return Inputs("{}", {})
        text = inputs
    else:
        values, text = inputs, ""
    if not isinstance(values, Mapping):
        raise InvalidInput(f"inputs: expected a JSON object, got {_short(values)}", value=values)
    try:
        return Inputs(text or dump_json(values), values)
    except (TypeError, ValueError) as error:
        raise InvalidInput(f"inputs: {error}", value=values) from None


async def check_inputs(
    task: Task, values: Mapping[str, Any], catalogue: ServiceCatalogue, *, best_fit_time: bool
) -> Mapping[str, Service]:
    """Check input values against a task and the catalogue, and return the services that they refer to.

    Raises
    ------
    InvalidInput
        The message names the input, the value and what was wanted.
    """
    cleaned = task.clean(values)
    services: dict[str, Service] = {}
    given_in = {
        reference: parameter.name
        for parameter in task.inputs
        if parameter.name in cleaned
        for reference in parameter.references(cleaned[parameter.name])
    }
    for reference in task.references(cleaned):
        try:
            service = await _find(reference, catalogue, best_fit_time=best_fit_time)
        except InvalidReference as error:  # a workflow's own references stand in no input
            name = f"{given_in[reference]}: " if reference in given_in else ""
            raise InvalidReference(f"inputs: {name}{error}", value=error.value) from None
        services[service.name] = service
    return services


async def _find(reference: ServiceReference, catalogue: ServiceCatalogue, *, best_fit_time: bool) -> Service:
    text = str(reference)
    try:
        service = await catalogue.get(reference.service)
    except NotFound:
        raise InvalidReference(f"{text!r}: there is no service {reference.service!r}", value=text) from None
    if service.state == "unavailable":
        raise InvalidReference(f"{text!r}: the service is unavailable: {service.reason}", value=text)
    if service.info is None:  # being looked into: the worker will find out
        return service
    variables = {variable["name"]: variable for variable in service.info["variables"]}
    if reference.variable is None and len(variables) != 1:
        raise InvalidReference(f"{text!r}: name one of the variables {sorted(variables)}", value=text)
    name = reference.variable or next(iter(variables))
    if name not in variables:
        raise InvalidReference(
            f"{text!r}: the service has no variable {name!r}; it has {sorted(variables)}", value=text
        )
    axis = variables[name]["time"]
    if reference.time is not None and axis is None:
        raise InvalidReference(f"{text!r}: variable {name!r} has no time axis", value=text)
    if isinstance(reference.time, float) and not best_fit_time:
        stops = [stop["timestamp"] for stop in axis["stops"]]
        if reference.time not in stops:
            raise InvalidReference(f"{text!r}: no time step is exactly at {reference.time:.17g}", value=text)
    return service


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
