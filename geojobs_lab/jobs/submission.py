"""Checking what somebody submits, before anything is written: cheap checks only, no raster is opened."""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from geojobs_lab.documents import ServiceReference, dump_json, load_json
from geojobs_lab.errors import InvalidInput, InvalidReference, NotFound
from geojobs_lab.jobs.lifecycle import Job
from geojobs_lab.parameters import ListParameter, MultipleParameter, Parameter, RasterDatasetParameter
from geojobs_lab.services import Service, ServiceCatalogue
from geojobs_lab.services.libraries import load_libraries
from geojobs_lab.tasks import Task
from geojobs_lab.threads import in_thread

_SHOWN = 10  # service names that a refusal lists
_HIGHEST = 1000  # priority
_KEY = "Idempotency-Key"
_LONGEST_KEY = 255  # characters


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


def read_priority(priority: object) -> int:
    """Read the field `priority`: a whole number, as a text too; None means 0.

    Raises
    ------
    InvalidInput
        It is none from -1000 to 1000.
    """
    if priority is None:
        return 0
    number = _number(priority)
    if number is None or number != int(number) or not -_HIGHEST <= number <= _HIGHEST:
        raise InvalidInput(
            f"priority: {_short(priority)} is not a whole number from {-_HIGHEST} to {_HIGHEST}",
            field="priority",
            value=priority,
        )
    return int(number)


def read_timeout(timeout: object) -> float | None:
    """Read the field `timeout`: seconds, as a text too; None means none.

    Raises
    ------
    InvalidInput
        It is no number greater than 0.
    """
    if timeout is None:
        return None
    number = _number(timeout)
    if number is None or number <= 0:
        raise InvalidInput(
            f"timeout: {_short(timeout)} is not a number of seconds greater than 0", field="timeout", value=timeout
        )
    return number


def read_key(key: object) -> str | None:
    """Read an ``Idempotency-Key``; None means none.

    Raises
    ------
    InvalidInput
        It is no text of 1 to 255 printable characters.
    """
    if key is None:
        return None
    if not isinstance(key, str) or not 1 <= len(key) <= _LONGEST_KEY or not key.isprintable():
        raise InvalidInput(
            f"{_KEY}: {_short(key)} is not a text of 1 to {_LONGEST_KEY} printable characters", field=_KEY, value=key
        )
    return key


def check_same(first: Job, job: object, inputs: Inputs) -> None:
    """See that a key that has come again has come with the same job.

    Raises
    ------
    InvalidInput
        It has not.
    """
    if first.job != job or (first.inputs != inputs.text and load_json(first.inputs) != inputs.values):
        raise InvalidInput(
            f"{_KEY}: {_short(first.key)} was used for job {first.uuid} already, whose job or inputs are others",
            field=_KEY,
            value=first.key,
        )


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
        await in_thread(_check_moment, axis, reference, best_fit_time)
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


def _number(value: object) -> float | None:
    """Return a finite number, given as one or as a text; None for anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _short(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 100 else text[:97] + "..."
