"""`@task`: a typed function becomes a task.

Inputs come from the signature, their kinds from the type hints, their descriptions from a numpy docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from enum import Enum
from functools import update_wrapper
from typing import Any, NotRequired, Required, get_args, get_origin, is_typeddict, overload

from geojobs_lab.parameters import BBox, Parameter
from geojobs_lab.parameters.base import is_instance
from geojobs_lab.tasks.base import Task
from geojobs_lab.tasks.docstrings import Docstring, read_docstring
from geojobs_lab.tasks.hints import parameter_from_hint, read_hints, wanted_enum, wants_ndarrays

_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
_OUTPUT = "result"  # the output's name where the docstring gives none


class FunctionTask(Task):
    """A task whose `execute` is a function; made by `task`.

    Attributes
    ----------
    function : callable
        The function as it was written.
    """

    def __init__(
        self,
        function: Callable[..., Any],
        *,
        name: str | None = None,
        title: str | None = None,
        description: str | None = None,
        outputs: Sequence[Parameter] | None = None,
        exposed: bool = True,
    ) -> None:
        if not inspect.isfunction(function) or inspect.iscoroutinefunction(function):
            raise TypeError(f"@task goes on a plain function, not on {function!r}")
        self.name = name or function.__name__
        docstring = read_docstring(function.__doc__)
        hints = read_hints(function, self.name)
        signature = inspect.signature(function)
        kinds = {parameter.kind for parameter in signature.parameters.values()}
        self.title = title
        self.description = description or docstring.summary or None
        self.exposed = exposed
        self.allow_extra_args = inspect.Parameter.VAR_KEYWORD in kinds
        self.inputs = _inputs(signature, hints, docstring, self.name)
        self.outputs = _outputs(hints, docstring, self.name) if outputs is None else tuple(outputs)
        self.function = function
        self._arrays = {name for name, hint in hints.items() if wants_ndarrays(hint)}
        self._enums = {name: kind for name, hint in hints.items() if (kind := wanted_enum(hint)) is not None}
        update_wrapper(self, function)

    def execute(self, /, *args: Any, **inputs: Any) -> Any:
        """Call the function; what it wants as ``numpy.ndarray`` or as member of an `Enum` comes as one."""
        arrays = {name: _as_arrays(value) for name, value in inputs.items() if name in self._arrays}
        members = {name: _as_members(inputs[name], kind) for name, kind in self._enums.items() if name in inputs}
        return self.function(**{**inputs, **arrays, **members})


@overload
def task(function: Callable[..., Any], /) -> FunctionTask: ...


@overload
def task(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    outputs: Sequence[Parameter] | None = None,
    exposed: bool = True,
) -> Callable[[Callable[..., Any]], FunctionTask]: ...


def task(function: Callable[..., Any] | None = None, /, **options: Any) -> Any:
    """Make a task of a typed function; it is then called with keywords and returns its outputs by name.

    Parameters
    ----------
    name : str, optional
        The task's name; the function's where it is left out.
    title, description : str, optional
        For people; the description is the first paragraph of the docstring where it is left out.
    outputs : sequence of Parameter, optional
        What the function returns. Where it is left out the return hint says it, and ``name : type`` in the
        docstring's Returns section (or else ``result``) is its name. For several values the hint is
        ``tuple[Raster, float]``, with as many names in that section, or a class of `NamedTuple` or `TypedDict`.
    exposed : bool
        False for a task that takes paths of the server: its name alone is no job then, one has to be registered.

    Raises
    ------
    TypeError
        The function has a type hint for which no parameter is known, or positional-only parameters.
    """
    if function is not None:
        return FunctionTask(function)
    return lambda function: FunctionTask(function, **options)


def _inputs(
    signature: inspect.Signature, hints: dict[str, Any], docstring: Docstring, label: str
) -> tuple[Parameter, ...]:
    inputs = []
    for name, parameter in signature.parameters.items():
        if parameter.kind is inspect.Parameter.VAR_KEYWORD:
            continue
        if parameter.kind not in _NAMED:
            raise TypeError(f"task {label!r}: inputs come as keywords, which {parameter} cannot take")
        common: dict[str, Any] = {"description": docstring.parameters.get(name)}
        if parameter.default is not inspect.Parameter.empty:
            common["default"] = parameter.default
        inputs.append(parameter_from_hint(hints.get(name, Any), name, label, **common))
    return tuple(inputs)


def _outputs(hints: dict[str, Any], docstring: Docstring, label: str) -> tuple[Parameter, ...]:
    hint = hints.get("return", Any)
    if hint is type(None):
        return ()
    if is_typeddict(hint) or (_is_named_tuple(hint) and hint is not BBox):
        return _outputs_of_class(hint, docstring, label)
    if get_origin(hint) is tuple and Ellipsis not in get_args(hint):
        return _outputs_of_tuple(get_args(hint), docstring, label)
    name, description = docstring.returned[0] if docstring.returned else (None, None)
    return (parameter_from_hint(hint, name or _OUTPUT, label, description=description),)


def _outputs_of_tuple(hints: tuple[Any, ...], docstring: Docstring, label: str) -> tuple[Parameter, ...]:
    names = {name for name, _ in docstring.returned if name is not None}
    if not len(names) == len(docstring.returned) == len(hints):
        raise TypeError(
            f"task {label!r}: it returns {len(hints)} values, so the Returns section of its docstring has to name "
            f"{len(hints)}, each as 'name : type', or outputs=[...] to be given"
        )
    return tuple(
        parameter_from_hint(hint, str(name), label, description=description)
        for hint, (name, description) in zip(hints, docstring.returned, strict=True)
    )


def _outputs_of_class(kind: Any, docstring: Docstring, label: str) -> tuple[Parameter, ...]:
    said = dict(read_docstring(kind.__doc__).parameters)
    said |= {name: text for name, text in docstring.returned if name is not None and text is not None}
    outputs = []
    for name, hint in read_hints(kind, label).items():
        bare = get_args(hint)[0] if get_origin(hint) in (Required, NotRequired) else hint
        optional = {"required": False} if name in getattr(kind, "__optional_keys__", ()) else {}
        outputs.append(parameter_from_hint(bare, name, label, description=said.get(name), **optional))
    return tuple(outputs)


def _is_named_tuple(hint: Any) -> bool:
    return isinstance(hint, type) and issubclass(hint, tuple) and hasattr(hint, "_fields")


def _as_arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_arrays(item) for item in value]
    return value.values if is_instance(value, "xarray", "DataArray") else value


def _as_members(value: Any, kind: type[Enum]) -> Any:
    if isinstance(value, list):
        return [_as_members(item, kind) for item in value]
    return None if value is None else kind(value)
