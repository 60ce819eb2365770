"""`@task`: a typed function becomes a task.

Inputs come from the signature, their kinds from the type hints, their descriptions from a numpy docstring.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Sequence
from functools import update_wrapper
from typing import Any, overload

from geojobs_lab.parameters import AnyParameter, Parameter
from geojobs_lab.parameters.base import is_instance
from geojobs_lab.tasks.base import Task
from geojobs_lab.tasks.docstrings import Docstring, read_docstring
from geojobs_lab.tasks.hints import parameter_from_hint, read_hints, wants_ndarrays

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
        self.allow_extra_args = inspect.Parameter.VAR_KEYWORD in kinds
        self.inputs = _inputs(signature, hints, docstring, self.name)
        self.outputs = _outputs(hints, docstring, self.name) if outputs is None else tuple(outputs)
        self.function = function
        self._arrays = {name for name, hint in hints.items() if wants_ndarrays(hint)}
        update_wrapper(self, function)

    def execute(self, *args: Any, **inputs: Any) -> Any:
        """Call the function; what it wants as ``numpy.ndarray`` comes as one."""
        arrays = {name: _as_arrays(value) for name, value in inputs.items() if name in self._arrays}
        return self.function(**{**inputs, **arrays})


@overload
def task(function: Callable[..., Any], /) -> FunctionTask: ...


@overload
def task(
    *,
    name: str | None = None,
    title: str | None = None,
    description: str | None = None,
    outputs: Sequence[Parameter] | None = None,
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
        What the function returns, where that is more than one value or needs limits. Otherwise the return hint says
        it, and ``name : type`` in the docstring's Returns section (or else ``result``) is its name.

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
    name = docstring.returned_name or _OUTPUT
    if "return" not in hints:
        return (AnyParameter(name, description=docstring.returned),)
    if hints["return"] is type(None):
        return ()
    return (parameter_from_hint(hints["return"], name, label, description=docstring.returned),)


def _as_arrays(value: Any) -> Any:
    if isinstance(value, list):
        return [_as_arrays(item) for item in value]
    return value.values if is_instance(value, "xarray", "DataArray") else value
