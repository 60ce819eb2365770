"""`Field`: what a type hint alone cannot say of an input or output."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any


@dataclass(frozen=True, slots=True, kw_only=True)
class Field:
    """Limits, unit and words of a parameter, in its hint: ``Annotated[float, Field(minimum=0, unit="m")]``.

    What is left out is not limited. An option that the kind of the hint does not know is refused where the task is
    defined.

    Attributes
    ----------
    title, description : str
        For people; the description wins over the docstring's.
    unit : str
        What the value is measured in; of a list, its items. An output raster without ``units`` gets it.
    minimum, maximum : number, date or datetime
        The least and the greatest value.
    choices : sequence of str
        The only texts.
    min_length, max_length : int
        Characters of a text.
    pattern : str
        A regular expression that a text has to match.
    min_items, max_items : int
        Items of a list.
    geometry_types : sequence of str
        Of features, such as ``["Polygon", "MultiPolygon"]``.
    crs : str or int
        That of a `BBox`.
    """

    title: str | None = None
    description: str | None = None
    unit: str | None = None
    minimum: Any = None
    maximum: Any = None
    choices: Sequence[str] | None = None
    min_length: int | None = None
    max_length: int | None = None
    pattern: str | None = None
    min_items: int | None = None
    max_items: int | None = None
    geometry_types: Sequence[str] | None = None
    crs: str | int | None = None

    def options(self) -> dict[str, Any]:
        """Return what is given, as keywords of a parameter."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in given.items() if value is not None}
