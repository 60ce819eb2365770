"""From what people name or hand over to a task that can be run, or one line that says why not.

A task class may take nothing to be made. Everything refused here is a mistake in somebody's configuration or
package, so each message is a single line that can stand in a log.
"""

import importlib
import inspect
from typing import Any

from geojobs_lab.errors import ConfigurationError
from geojobs_lab.parameters import Parameter
from geojobs_lab.parameters.base import show
from geojobs_lab.tasks.base import Task


def load_task(path: str) -> Task:
    """Return the task at a dotted path such as ``myapp.tasks.SomeTask``.

    Raises
    ------
    ConfigurationError
        Says in one line what is wrong: the path, its module's import, or what it leads to.
    """
    module_name, _, attribute = path.rpartition(".")
    if not module_name or not all(part.isidentifier() for part in path.split(".")):
        raise ConfigurationError(f"{path!r} is not a dotted path like 'package.module.SomeTask'", entry=path)
    module = _import(module_name, path)
    if not hasattr(module, attribute):
        raise ConfigurationError(f"{path!r}: the module {module_name!r} has no {attribute!r}", entry=path)
    return as_task(getattr(module, attribute), path)


def as_task(thing: Any, where: str) -> Task:
    """Return `thing`, a `Task` or a class of one, as a task whose definition holds.

    Raises
    ------
    ConfigurationError
        It is something else, or its parameters are not declared as they should be.
    """
    task = _make(thing, where) if inspect.isclass(thing) and issubclass(thing, Task) else thing
    if inspect.isfunction(task):
        raise ConfigurationError(f"{where!r} is a function, not a task: put @task on it", entry=where)
    if not isinstance(task, Task):
        raise ConfigurationError(
            f"{where!r} is not a task: it must be a Task class, a Task object or a function with @task, "
            f"not {'a module' if inspect.ismodule(task) else show(task)}",
            entry=where,
        )
    if type(task).execute is Task.execute:
        raise ConfigurationError(f"{where!r}: the task has no execute method", entry=where)
    for side in ("inputs", "outputs"):
        _check_parameters(getattr(task, side), side, where)
    return task


def one_line(error: BaseException) -> str:
    """Return an exception as ``Type: message`` on one line."""
    return f"{type(error).__name__}: {' '.join(str(error).split())}".rstrip(": ")


def _import(module_name: str, path: str) -> Any:
    try:
        return importlib.import_module(module_name)
    except ModuleNotFoundError as error:
        if error.name is not None and f"{module_name}.".startswith(f"{error.name}."):
            raise ConfigurationError(f"{path!r}: there is no module {error.name!r}", entry=path) from error
        raise _import_failed(module_name, path, error) from error
    except (Exception, SystemExit) as error:  # other people's module: anything may happen while it is imported
        raise _import_failed(module_name, path, error) from error


def _import_failed(module_name: str, path: str, error: BaseException) -> ConfigurationError:
    return ConfigurationError(f"{path!r}: importing {module_name!r} failed: {one_line(error)}", entry=path)


def _make(kind: type[Task], where: str) -> Task:
    try:
        return kind()
    except Exception as error:  # other people's __init__
        raise ConfigurationError(
            f"{where!r}: the task cannot be made without arguments: {one_line(error)}", entry=where
        ) from error


def _check_parameters(parameters: Any, side: str, where: str) -> None:
    if not isinstance(parameters, list | tuple):
        raise ConfigurationError(f"{where!r}: {side} must be a list of parameters, not {show(parameters)}", entry=where)
    names: set[str] = set()
    for parameter in parameters:
        if not isinstance(parameter, Parameter):
            raise ConfigurationError(f"{where!r}: {side} must hold parameters, not {show(parameter)}", entry=where)
        if not parameter.name or parameter.name in names:
            wrong = f"two of the name {parameter.name!r}" if parameter.name else "one without a name"
            raise ConfigurationError(f"{where!r}: among the {side} there is {wrong}", entry=where)
        names.add(parameter.name)
