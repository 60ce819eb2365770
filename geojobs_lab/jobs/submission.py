"""Checking what somebody submits, before anything is written: cheap checks only, no raster is opened."""

import asyncio
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from geojobs_lab.documents import ServiceReference, dump_json, load_json
from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound
from geojobs_lab.parameters import ListParameter, MultipleParameter, Parameter, RasterDatasetParameter
from geojobs_lab.services import Service, ServiceCatalogue
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.tasks import Task

_SHOWN = 10  # service names that a refusal lists


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
    for asked in _asked(task, cleaned):
        try:
            service = await _find(asked, catalogue, best_fit_time=best_fit_time)
        except InvalidReference as error:
            name = f"{asked.name}: " if asked.name else ""
            raise InvalidReference(f"inputs: {name}{error}", value=error.value) from None
        services[service.name] = service
    return services


@dataclass(frozen=True, slots=True)
class _Asked:
    """A reference, the input that holds it (None: the workflow itself), and whether it may mean a whole service."""

    reference: ServiceReference
    name: str | None
    whole: bool


def _asked(task: Task, cleaned: Mapping[str, Any]) -> Iterator[_Asked]:
    given: set[ServiceReference] = set()
    for parameter in task.inputs:
        for reference in parameter.references(cleaned.get(parameter.name)):
            given.add(reference)
            yield _Asked(reference, parameter.name, _takes_datasets(parameter))
    extra = {
        reference: name
        for name, value in cleaned.items()
        for reference in (value if isinstance(value, list) else [value])
        if isinstance(reference, ServiceReference)
    }
    for reference in task.references(cleaned):
        if reference not in given:
            yield _Asked(reference, extra.get(reference), reference not in extra)


def _takes_datasets(parameter: Parameter) -> bool:
    match parameter:
        case ListParameter(item=item):
            return _takes_datasets(item)
        case MultipleParameter(alternatives=alternatives):
            return any(map(_takes_datasets, alternatives))
    return isinstance(parameter, RasterDatasetParameter)


async def _find(asked: _Asked, catalogue: ServiceCatalogue, *, best_fit_time: bool) -> Service:
    reference, text = asked.reference, str(asked.reference)
    try:
        service = await catalogue.get(reference.service)
    except NotFound:
        known = await _known(catalogue)
        raise InvalidReference(
            f"{text!r}: there is no service {reference.service!r}; there are {known}", value=text
        ) from None
    if service.state == "unavailable":
        raise InvalidReference(f"{text!r}: the service is unavailable: {service.reason}", value=text)
    if service.info is None:  # being looked into: the worker will find out
        return service
    variables = {variable["name"]: variable for variable in service.info["variables"]}
    if asked.whole and reference.variable is None and reference.time is None:
        return service
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
    if isinstance(reference.time, str) or (reference.time is not None and not best_fit_time):
        await asyncio.to_thread(_check_moment, axis, reference, best_fit_time)
    return service


def _check_moment(axis: Mapping[str, Any], reference: ServiceReference, best_fit: bool) -> None:
    """Refuse a time that the axis of a catalogue's document does not have, by the rule that the run goes by."""
    load_libraries()
    from geojobs_lab.rasters import TimeAxis
    from geojobs_lab.rasters.calendars import Moment

    calendar = axis["calendar"]
    stops = tuple(Moment.parse(stop["iso"], calendar).to_cftime(calendar) for stop in axis["stops"])
    try:
        TimeAxis(axis["dimension"], calendar, stops).index(reference.time, best_fit=best_fit)
    except InvalidInput as error:
        raise InvalidReference(f"{str(reference)!r}: {error}", value=str(reference)) from None


async def _known(catalogue: ServiceCatalogue) -> str:
    count, services = await catalogue.list(_SHOWN, 0)
    shown = ", ".join(repr(service.name) for service in services) or "none"
    return shown + (f" and {count - len(services)} more" if count > len(services) else "")


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
