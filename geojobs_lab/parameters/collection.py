"""Values by the names of their parameters, checked and converted as they come in."""

from collections.abc import Iterator, Mapping, MutableMapping, Sequence
from typing import Any

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.base import Parameter, show


class ParameterCollection(MutableMapping[str, Any]):
    """A dictionary of values, each cleaned by its parameter: what a task returns.

    Parameters
    ----------
    parameters : sequence of Parameter
        What may be set.
    values : mapping, optional
        Values to begin with.

    Raises
    ------
    ParameterNotValidError
        On setting a name that is no parameter's, or a value that its parameter refuses.
    """

    def __init__(self, parameters: Sequence[Parameter], values: Mapping[str, Any] | None = None) -> None:
        self.parameters = tuple(parameters)
        self.by_name = {parameter.name: parameter for parameter in self.parameters}
        self._values: dict[str, Any] = {}
        self.update(values or {})

    @property
    def is_complete(self) -> bool:
        """Tell whether every required parameter has a value."""
        return all(parameter.name in self._values for parameter in self.parameters if parameter.required)

    def format_args(self) -> dict[str, Any]:
        """Return the values as a plain dictionary."""
        return dict(self._values)

    def __setitem__(self, name: str, value: Any) -> None:
        if name not in self.by_name:
            known = ", ".join(map(repr, self.by_name)) or "none"
            raise ParameterNotValidError(f"{name}: there is no such parameter; there are: {known}", parameter=name)
        self._values[name] = self.by_name[name].clean(value)

    def __getitem__(self, name: str) -> Any:
        return self._values[name]

    def __delitem__(self, name: str) -> None:
        del self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        values = ", ".join(f"{name}={show(value)}" for name, value in self._values.items())
        return f"{type(self).__name__}({values})"
