"""The kinds that hold other parameters: lists of one kind, and a choice among several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.base import Parameter, show

if TYPE_CHECKING:
    import xarray as xr


class ListParameter(Parameter):
    """Accepts a list whose items are all of one kind; a single item counts as a list of one.

    Parameters
    ----------
    item : Parameter
        What each item has to be; its own name does not matter and is mostly ``""``.
    name, required, **common
        As for any `Parameter`.

    Raises
    ------
    TypeError
        `item` is no parameter.
    """

    id = "list"

    def __init__(self, item: Parameter, name: str, required: bool = True, **common: Any) -> None:
        if not isinstance(item, Parameter):
            raise TypeError(f"{name}: ListParameter takes the parameter of its items first, not {show(item)}")
        self.item = item
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> list[Any]:
        """Return a list of cleaned items; ParameterNotValidError says which item is wrong, as ``name[2]``."""
        if isinstance(value, list | tuple | set | frozenset | range | Iterator):
            return [self._clean_item(index, item) for index, item in enumerate(value)]
        try:
            return [self.item.clean(value)]
        except ParameterNotValidError:
            if getattr(value, "ndim", 0) and hasattr(value, "tolist"):
                return self.clean(value.tolist())
            self.refuse(value)

    def expected(self) -> str:
        """Say what is accepted."""
        return f"a list, each item {self.item.expected()}"

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output's value with each item put on the grid of `like` where it needs one."""
        if isinstance(value, list | tuple | Iterator):
            return [self.item.place(item, like) for item in value]
        return self.item.place(value, like)

    def _clean_item(self, index: int, value: Any) -> Any:
        try:
            return self.item.clean(value)
        except ParameterNotValidError:
            # once more under a name that says where, so that long lists pay for it only when they are wrong
            return self.item.renamed(f"{self.name}[{index}]").clean(value)

    def _schema(self) -> dict[str, Any]:
        return {"type": "array", "items": self.item.json_schema()}

    def _positional(self) -> list[Any]:
        return [_pair(self.item)]


class MultipleParameter(Parameter):
    """Accepts what one of several kinds accepts; the first that does converts the value.

    Parameters
    ----------
    alternatives : sequence of Parameter
        In the order in which they are tried; their own names do not matter.
    name, required, **common
        As for any `Parameter`.

    Raises
    ------
    TypeError
        There are no alternatives, or one of them is no parameter.
    """

    id = "multiple"

    def __init__(self, alternatives: Sequence[Parameter], name: str, required: bool = True, **common: Any) -> None:
        self.alternatives = tuple(alternatives)
        if not self.alternatives or not all(isinstance(kind, Parameter) for kind in self.alternatives):
            raise TypeError(f"{name}: MultipleParameter takes a list of parameters first, not {show(alternatives)}")
        super().__init__(name, required, **common)

    @property
    def accepts_null(self) -> bool:  # type: ignore[override]  # a constant elsewhere, here up to the kinds
        """Tell whether one of the kinds takes null for a value."""
        return any(kind.accepts_null for kind in self.alternatives)

    def clean(self, value: Any) -> Any:
        """Return the value as the first kind that accepts it converts it, or raise ParameterNotValidError."""
        for kind in self.alternatives:
            try:
                return kind.clean(value)
            except ParameterNotValidError:
                continue
        self.refuse(value)

    def expected(self) -> str:
        """Say what is accepted."""
        return ", or ".join(kind.expected() for kind in self.alternatives)

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output's value put on the grid of `like` where no kind takes it as it is."""
        try:
            self.clean(value)
        except ParameterNotValidError:
            for kind in self.alternatives:
                value = kind.place(value, like)
        return value

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.json_schema() for kind in self.alternatives]}

    def _positional(self) -> list[Any]:
        return [[_pair(kind) for kind in self.alternatives]]


MultiParameter = MultipleParameter  # the older name


def _pair(parameter: Parameter) -> list[Any]:
    positional, keyword = parameter.to_stored()
    return [parameter.id, [[*positional, parameter.name], keyword]]
