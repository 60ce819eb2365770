"""The kinds that hold other parameters: lists of one kind, and a choice among several kinds."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any, Self

from geojobs_lab.documents import ServiceReference
from geojobs_lab.errors import ParameterNotValidError
from geojobs_lab.parameters.base import Parameter, Resolver, show
from geojobs_lab.parameters.plain import check_sizes, is_sized, sizes

if TYPE_CHECKING:
    import xarray as xr


class ListParameter(Parameter):
    """Accepts a list whose items are all of one kind; a single item counts as a list of one.

    Parameters
    ----------
    item : Parameter
        What each item has to be; its own name does not matter and is mostly ``""``.
    min_items, max_items : int, optional
        The least and the greatest number of items.
    name, required, **common
        As for any `Parameter`.

    Raises
    ------
    TypeError
        `item` is no parameter.
    ValueError
        A number of items is no whole number from 0 on, or they cross.
    """

    id = "list"
    options = ("min_items", "max_items")

    def __init__(
        self,
        item: Parameter,
        name: str,
        required: bool = True,
        *,
        min_items: int | None = None,
        max_items: int | None = None,
        **common: Any,
    ) -> None:
        if not isinstance(item, Parameter):
            raise TypeError(f"{name}: ListParameter takes the parameter of its items first, not {show(item)}")
        check_sizes(name, min_items, max_items)
        self.item = item.measured_in(common.get("unit"))
        self.min_items = min_items
        self.max_items = max_items
        super().__init__(name, required, **common)

    def clean(self, value: Any) -> list[Any]:
        """Return a list of cleaned items; ParameterNotValidError says which item is wrong, as ``name[2]``."""
        items = self._clean_items(value)
        return items if is_sized(items, self.min_items, self.max_items) else self.refuse(value, f"it has {len(items)}")

    def expected(self) -> str:
        """Say what is accepted."""
        size = sizes(self.min_items, self.max_items, "item")
        return f"a list{f' of {size}' if size else ''}, each item {self.item.expected()}"

    def references(self, value: Any) -> Iterator[ServiceReference]:
        """Yield the references in all items."""
        for item in value or ():
            yield from self.item.references(item)

    def resolve(self, value: Any, resolver: Resolver) -> list[Any] | None:
        """Return the list with each item resolved as its kind does it; None, a default, stays."""
        return None if value is None else [self.item.resolve(item, resolver) for item in value]

    def measured_in(self, unit: str | None) -> Self:
        """Return the same list, its items in `unit` too, unless they have one of their own."""
        other = super().measured_in(unit)
        other.item = self.item.measured_in(unit)
        return other

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output's value with each item put on the grid of `like` where it needs one."""
        if isinstance(value, list | tuple | Iterator):
            return [self.item.place(item, like) for item in value]
        return self.item.place(value, like)

    def _clean_items(self, value: Any) -> list[Any]:
        if isinstance(value, list | tuple | set | frozenset | range | Iterator):
            return [self._clean_item(index, item) for index, item in enumerate(value)]
        try:
            return [self.item.clean(value)]
        except ParameterNotValidError:
            if getattr(value, "ndim", 0) and hasattr(value, "tolist"):
                return self._clean_items(value.tolist())
            self.refuse(value)

    def _clean_item(self, index: int, value: Any) -> Any:
        try:
            return self.item.clean(value)
        except ParameterNotValidError:
            # once more under a name that says where, so that long lists pay for it only when they are wrong
            return self.item.renamed(f"{self.name}[{index}]").clean(value)

    def _schema(self) -> dict[str, Any]:
        ends = {"minItems": self.min_items, "maxItems": self.max_items}
        return {"type": "array", "items": self.item.json_schema()} | {k: v for k, v in ends.items() if v is not None}

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
        kinds = tuple(alternatives)
        if not kinds or not all(isinstance(kind, Parameter) for kind in kinds):
            raise TypeError(f"{name}: MultipleParameter takes a list of parameters first, not {show(alternatives)}")
        self.alternatives = tuple(kind.measured_in(common.get("unit")) for kind in kinds)
        super().__init__(name, required, **common)

    @property
    def accepts_null(self) -> bool:  # type: ignore[override]  # a constant elsewhere, here up to the kinds
        """Tell whether one of the kinds takes null for a value."""
        return any(kind.accepts_null for kind in self.alternatives)

    def clean(self, value: Any) -> Any:
        """Return the value as the first kind that accepts it converts it, or raise ParameterNotValidError."""
        value = _held(value)
        for kind in self.alternatives:
            try:
                return kind.clean(value)
            except ParameterNotValidError:
                continue
        self.refuse(value)

    def expected(self) -> str:
        """Say what is accepted."""
        return ", or ".join(kind.expected() for kind in self.alternatives)

    def resolve(self, value: Any, resolver: Resolver) -> Any:
        """Return the value as the kind resolves it that has cleaned it."""
        kind = self._taking(value)
        return value if kind is None else kind.resolve(value, resolver)

    def measured_in(self, unit: str | None) -> Self:
        """Return the same choice, its kinds in `unit` too, unless they have one of their own."""
        other = super().measured_in(unit)
        other.alternatives = tuple(kind.measured_in(unit) for kind in self.alternatives)
        return other

    def place(self, value: Any, like: xr.DataArray | None) -> Any:
        """Return an output's value as the kind places it that takes it as it is, or as any can where none does."""
        value = _held(value)
        if (taking := self._taking(value)) is not None:
            return taking.place(value, like)
        for kind in self.alternatives:
            value = kind.place(value, like)
        return value

    def _taking(self, value: Any) -> Parameter | None:
        """Return the first kind that accepts `value`."""
        for kind in self.alternatives:
            try:
                kind.clean(value)
            except ParameterNotValidError:
                continue
            return kind
        return None

    def _schema(self) -> dict[str, Any]:
        return {"anyOf": [kind.json_schema() for kind in self.alternatives]}

    def _positional(self) -> list[Any]:
        return [[_pair(kind) for kind in self.alternatives]]


MultiParameter = MultipleParameter  # the older name


def _held(value: Any) -> Any:
    """Return a list of what an iterator gives, which it gives to the first kind only; anything else as it is."""
    return list(value) if isinstance(value, Iterator) else value


def _pair(parameter: Parameter) -> list[Any]:
    positional, keyword = parameter.to_stored()
    return [parameter.id, [[*positional, parameter.name], keyword]]
