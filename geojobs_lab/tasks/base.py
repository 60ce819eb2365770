"""A task: named inputs, named outputs, and the work between them.

Owns the way of a call: check and convert the inputs, resolve references, execute, check and place the outputs. A
task is a definition and keeps nothing of a run, so one object runs many times, and at the same time in two places.
"""

from __future__ import annotations

import copy
import inspect
from collections.abc import Collection, Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import ParameterNotValidError, RasterError, RunError
from geojobs_lab.parameters import (
    AnyParameter,
    DictParameter,
    ListParameter,
    MultipleParameter,
    Parameter,
    ParameterCollection,
    RasterParameter,
)
from geojobs_lab.parameters.base import is_instance, show
from geojobs_lab.tasks.context import current_context
from geojobs_lab.tasks.docstrings import read_docstring
from geojobs_lab.tasks.showing import shown

if TYPE_CHECKING:
    import xarray as xr


class Task:
    """A piece of work with declared inputs and outputs; subclass it and write `execute`.

    Attributes
    ----------
    name : str
        Under which workflows and the registry know it, such as ``"climate:period_mean"``.
    title, description : str or None
        For people; the description is the first paragraph of the class's docstring where it is not given.
    inputs, outputs : sequence of Parameter
        What `execute` takes as keywords, and what it returns.
    allow_extra_args : bool
        Whether inputs that are not declared are passed on, unchecked, instead of refused. Among them a text that
        begins with ``service://``, and a list of such, is a reference to published data and comes as rasters.
    exposed : bool
        False for a task that takes paths of the server: its name alone is no job then, one has to be registered.
    """

    name: str = ""
    title: str | None = None
    description: str | None = None
    inputs: Sequence[Parameter] = ()
    outputs: Sequence[Parameter] = ()
    allow_extra_args: bool = False
    exposed: bool = True

    def __init_subclass__(cls, **keywords: Any) -> None:
        super().__init_subclass__(**keywords)
        if cls.__doc__ and "description" not in vars(cls):
            cls.description = read_docstring(cls.__doc__).summary or None

    @staticmethod
    def by_name(name: str) -> Task:
        """Return the task of an installed package that is registered under `name`.

        Raises
        ------
        NotFound
            Names what is known.
        """
        from geojobs_lab.tasks.registry import default_registry  # which holds tasks: it stands above this module

        return default_registry().get(name)

    def execute(self, /, *args: Any, **inputs: Any) -> Any:
        """Do the work, with the cleaned inputs as keywords.

        Returns
        -------
        object
            A mapping by output names, a tuple of as many values as outputs are declared, or the plain value of the
            first.
        """
        raise NotImplementedError(f"{self.label} has no execute(self, ...)")

    @property
    def label(self) -> str:
        """What messages call the task."""
        return self.name or type(self).__name__

    def __call__(self, /, *args: Any, **inputs: Any) -> ParameterCollection:
        """Run the task here and now, in the present `RunContext`; a notebook shows how far it is.

        Raises
        ------
        ParameterNotValidError
            An input is missing, unknown or not acceptable.
        RunError, RasterError
            `execute` returned what the outputs do not accept.
        TypeError
            There are positional arguments.
        """
        if args:
            keywords = ", ".join(f"{parameter.name}=…" for parameter in self.inputs)
            raise TypeError(f"{self.label} takes its inputs as keywords only: {self.label}({keywords})")
        cleaned = self.clean(inputs)
        with shown(self.title or self.label):
            resolved = self._resolve(cleaned)
            return self._collect(self.execute(**resolved), resolved)

    def clean(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked and converted inputs, defaults filled in; nothing is opened.

        None for an input that is not required counts as not given.

        Raises
        ------
        ParameterNotValidError
            Names what is missing, unknown or not acceptable.
        """
        if not isinstance(inputs, Mapping):
            raise ParameterNotValidError(f"inputs: must be an object by input names, not {show(inputs)}", value=inputs)
        self._refuse_unknown(inputs)
        missing = [parameter for parameter in self.inputs if parameter.required and parameter.name not in inputs]
        if missing:
            needs = "; ".join(f"{p.name}: is required and must be {p.expected()}" for p in missing)
            raise ParameterNotValidError(needs, parameter=missing[0].name)
        cleaned = {name: _extra(name, value).clean(value) for name, value in self._extras(inputs).items()}
        for parameter in self.inputs:
            value = inputs.get(parameter.name)
            given = value is not None or (parameter.name in inputs and parameter.accepts_null)
            if given or parameter.required:
                cleaned[parameter.name] = parameter.clean(value)
            elif parameter.has_default:
                cleaned[parameter.name] = copy.deepcopy(parameter.default)
        return cleaned

    def check_call(self, given: Collection[str], literals: Mapping[str, Any]) -> None:
        """Refuse what is wrong whatever the values that are not known yet; a workflow asks when it is loaded.

        Parameters
        ----------
        given : collection of str
            The names of all inputs that a call will have.
        literals : mapping of str to object
            Those of them that are known, cleaned each by its parameter.

        Raises
        ------
        ParameterNotValidError
            They cannot go together.
        """

    def references(self, cleaned: Mapping[str, Any]) -> Iterator[ServiceReference]:
        """Yield every reference that a run with these cleaned inputs will resolve."""
        for parameter in self.inputs:
            yield from parameter.references(cleaned.get(parameter.name))
        for name, value in self._extras(cleaned).items():
            yield from _extra(name, value).references(value)

    def describe(self) -> dict[str, Any]:
        """Return the task's document: name, title, description, inputs and outputs."""
        return {
            "name": self.name,
            "title": self.title,
            "description": self.description,
            "inputs": [parameter.describe() for parameter in self.inputs],
            "outputs": [parameter.describe() for parameter in self.outputs],
        }

    def __repr__(self) -> str:
        inputs = ", ".join(parameter.name for parameter in self.inputs)
        outputs = ", ".join(parameter.name for parameter in self.outputs)
        return f"<{type(self).__name__} {self.label!r}: ({inputs}) -> ({outputs})>"

    def _extras(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return the inputs that are not declared."""
        known = {parameter.name for parameter in self.inputs}
        return {name: value for name, value in inputs.items() if name not in known}

    def _refuse_unknown(self, inputs: Mapping[str, Any]) -> None:
        known = [parameter.name for parameter in self.inputs]
        unknown = list(self._extras(inputs))
        if not unknown:
            return
        if self.allow_extra_args:
            self._refuse_own_name(unknown, inputs)
            return
        meant = get_close_matches(str(unknown[0]), known, n=1)
        hint = f"did you mean {meant[0]!r}? " if meant else ""
        raise ParameterNotValidError(
            f"{unknown[0]}: there is no such input; {hint}{self.label} takes {', '.join(map(repr, known)) or 'none'}",
            parameter=str(unknown[0]),
            value=inputs[unknown[0]],
        )

    def _refuse_own_name(self, unknown: Collection[str], inputs: Mapping[str, Any]) -> None:
        """Refuse an input whose name is the one that `execute`, written without ``/``, has for the task itself."""
        function = getattr(self.execute, "__func__", None)
        first = next(iter(inspect.signature(function).parameters.values()), None) if function else None
        if first is not None and first.kind is first.POSITIONAL_OR_KEYWORD and first.name in unknown:
            raise ParameterNotValidError(
                f"{first.name}: no input of {self.label} can have this name, its execute({first.name}, ...) has it for "
                "the task itself",
                parameter=first.name,
                value=inputs[first.name],
            )

    def _resolve(self, cleaned: Mapping[str, Any]) -> dict[str, Any]:
        resolver = current_context().resolver
        by_name = {parameter.name: parameter for parameter in self.inputs}
        return {
            name: (by_name.get(name) or _extra(name, value)).resolve(value, resolver) for name, value in cleaned.items()
        }

    def _collect(self, result: Any, resolved: Mapping[str, Any]) -> ParameterCollection:
        outputs = ParameterCollection(self.outputs)
        returned = self._by_name(result)
        for parameter in self.outputs:
            value = returned.get(parameter.name)
            given = value is not None or (parameter.name in returned and parameter.accepts_null)
            if given or (parameter.required and parameter.name in returned):
                outputs[parameter.name] = self._place(parameter, value, resolved)
            elif parameter.required:
                raise RunError(f"{self.label} returned no {parameter.name!r}; it returned {_names(returned)}")
        return outputs

    def _by_name(self, result: Any) -> Mapping[str, Any]:
        if not self.outputs:
            return {}
        first = self.outputs[0]
        names = [parameter.name for parameter in self.outputs]
        if isinstance(result, tuple):
            result = self._from_tuple(result, names)
        if isinstance(result, ParameterCollection):
            return result
        if not isinstance(result, Mapping) or is_instance(result, "xarray", "Dataset"):  # which is a mapping too
            return {first.name: result}
        if result and all(name in names for name in result):
            return result
        if isinstance(first, AnyParameter | DictParameter | MultipleParameter):
            return {first.name: result}
        if not result and not any(parameter.required for parameter in self.outputs):
            return result
        raise RunError(f"{self.label} returned {_names(result)}; its outputs are {', '.join(map(repr, names))}")

    def _from_tuple(self, result: tuple[Any, ...], names: list[str]) -> Any:
        """Return a tuple of outputs by their names; where it is the value of one output, as it is."""
        fields = getattr(result, "_fields", ())
        if fields and all(name in names for name in fields):
            return dict(zip(fields, result, strict=True))
        if len(names) > 1 and len(result) == len(names):
            return dict(zip(names, result, strict=True))
        if sum(parameter.required for parameter in self.outputs) > 1:
            raise RunError(
                f"{self.label} returned {len(result)} values for its {len(names)} outputs {', '.join(map(repr, names))}"
            )
        return result

    def _place(self, parameter: Parameter, value: Any, resolved: Mapping[str, Any]) -> Any:
        rasters = _rasters(list(resolved.values()))
        try:
            placed = parameter.place(value, rasters[0] if len(rasters) == 1 else None)
            return parameter.resolve(parameter.clean(placed), current_context().resolver)
        except ParameterNotValidError as error:
            raise RunError(f"{self.label} returned a wrong output: {error}") from error
        except RecursionError:  # or it holds itself
            raise RunError(f"{self.label} returned {parameter.name!r} nested too deeply") from None
        except RasterError as error:
            raise RasterError(
                f"{self.label} returned {show(value)} for the output {parameter.name!r}, a raster, and had "
                f"{len(rasters)} raster inputs: {error}"
            ) from error


def _extra(name: str, value: Any) -> Parameter:
    """Return the parameter of an input that is not declared: references, and lists of them, are seen through."""
    items = value if isinstance(value, list) and value else [value]
    if not all(isinstance(item, ServiceReference) or ServiceReference.is_reference(item) for item in items):
        return AnyParameter(name)
    return ListParameter(RasterParameter(""), name) if isinstance(value, list) else RasterParameter(name)


def _rasters(value: Any) -> list[xr.DataArray]:
    if isinstance(value, list):
        return [raster for item in value for raster in _rasters(item)]
    return [value] if is_instance(value, "xarray", "DataArray") else []


def _names(returned: Mapping[str, Any]) -> str:
    return ", ".join(map(repr, returned)) or "nothing"
