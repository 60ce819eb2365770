"""Formulas that are written with the job: they mask, compute, and map and reduce lists of arrays.

The language is that of docs/expressions.md. A task finds its array's variable by itself: it is the one name in the
expression that is no extra input. Expressions are checked with the inputs, before a job exists.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import Any, ClassVar

from geojobs_lab.errors import ExpressionNotValid, ParameterNotValidError, RunError
from geojobs_lab.expressions import Expression
from geojobs_lab.expressions.lexer import shorten
from geojobs_lab.parameters import (
    BooleanParameter,
    ChoiceParameter,
    ListParameter,
    NdArrayParameter,
    Parameter,
    StringParameter,
)
from geojobs_lab.tasks import Task, track

_EXTRAS = "Extra inputs are variables of it: numbers, arrays, rasters."
_ALIGN = ChoiceParameter(
    "align",
    required=False,
    choices=("nearest", "bilinear", "average", "mode"),
    title="Alignment",
    description="How rasters of other grids are brought onto that of the first; without it they are refused.",
)
_ARRAY_IN = NdArrayParameter("array_in", title="Array", description="A raster, or an array.")
_ARRAYS_IN = ListParameter(NdArrayParameter(""), "arrays_in", title="Arrays", description="Rasters, or arrays.")


class ExpressionTask(Task):
    """A task that evaluates an expression with its extra inputs as variables."""

    allow_extra_args = True
    variables: ClassVar[int] = 1  # names in the expression that stand for the arrays
    given: ClassVar[tuple[str, ...]] = ("i",)  # names that are none of them, as in the older tasks

    def clean(self, inputs: Mapping[str, Any]) -> dict[str, Any]:
        """Return checked inputs; ParameterNotValidError also of an expression that cannot be evaluated."""
        cleaned = super().clean(inputs)
        self.check_call(cleaned, cleaned)
        return cleaned

    def check_call(self, given: Collection[str], literals: Mapping[str, Any]) -> None:
        """Raise ParameterNotValidError of an expression that cannot be evaluated with inputs of these names."""
        if "expression" in literals:
            declared = {parameter.name for parameter in self.inputs}
            self._names(literals["expression"], [name for name in given if name not in declared])

    def _names(self, text: str, extras: Collection[str]) -> tuple[str, ...]:
        """Return the expression's names for the arrays, in order of appearance."""
        try:
            names = Expression(text).names
        except ExpressionNotValid as error:
            raise ParameterNotValidError(f"expression: {error}", parameter="expression", value=text) from error
        names = tuple(name for name in names if name not in extras and name not in self.given)
        if len(names) != self.variables:
            count = "one variable" if self.variables == 1 else "two variables"
            besides = ", ".join(dict.fromkeys([*extras, *self.given]))
            found = ", ".join(names) or "none"
            raise ParameterNotValidError(
                f"expression: the expression must have exactly {count}{' besides ' * bool(besides)}{besides}; "
                f"found: {found} (in {shorten(text)!r})",
                parameter="expression",
                value=text,
            )
        return names


class MaskByExpression(ExpressionTask):
    """Mask the cells of an array for which an expression is true, such as ``abs(x - mean(x)) > 3 * std(x)``."""

    name = "raster:mask_by_expression"
    title = "Mask by an expression"
    inputs: Sequence[Parameter] = (
        _ARRAY_IN,
        StringParameter("expression", title="Expression", description=f"True where a cell is to be missing. {_EXTRAS}"),
        _ALIGN,
    )
    outputs = (
        NdArrayParameter("array_out", description="The array without these cells, and those where nobody can tell."),
    )

    def execute(self, /, *, array_in: Any, expression: str, align: str | None = None, **extras: Any) -> Any:
        """Return the array with more cells missing."""
        from geojobs_lab.rasters.calculating import calculate

        (name,) = self._names(expression, extras)
        return calculate(Expression(expression).masking(name), {name: array_in, **extras}, align=align)


class ApplyExpression(ExpressionTask):
    """Compute an expression of an array, such as ``(x - min(x)) / (max(x) - min(x))``."""

    name = "raster:apply_expression"
    title = "Apply an expression"
    inputs: Sequence[Parameter] = (
        _ARRAY_IN,
        StringParameter("expression", title="Expression", description=f"With one variable, the array. {_EXTRAS}"),
        _ALIGN,
    )
    outputs = (NdArrayParameter("array_out", description="The values of the expression."),)

    def execute(self, /, *, array_in: Any, expression: str, align: str | None = None, **extras: Any) -> Any:
        """Return the values of the expression."""
        (name,) = self._names(expression, extras)
        return _computed(expression, {name: array_in, **extras}, align)


class MapByExpression(ExpressionTask):
    """Compute an expression of each array of a list; ``i`` is the place in the list, from 0."""

    name = "raster:map_by_expression"
    title = "Map by an expression"
    inputs: Sequence[Parameter] = (
        _ARRAYS_IN,
        StringParameter(
            "expression", title="Expression", description=f"With one variable, the array, and perhaps i. {_EXTRAS}"
        ),
        _ALIGN,
        BooleanParameter(
            "generator", required=False, description="Accepted from older workflows; the result is a list always."
        ),
    )
    outputs = (
        ListParameter(NdArrayParameter(""), "arrays_out", description="The values of the expression for each array."),
    )

    def check_call(self, given: Collection[str], literals: Mapping[str, Any]) -> None:
        """Raise ParameterNotValidError also where ``i`` is given, which is the place in the list."""
        if "i" in given:
            raise ParameterNotValidError(
                "i: is the place in the list here, and cannot be given", parameter="i", value=literals.get("i")
            )
        super().check_call(given, literals)

    def execute(
        self,
        /,
        *,
        arrays_in: list[Any],
        expression: str,
        align: str | None = None,
        generator: bool | None = None,
        **extras: Any,
    ) -> list[Any]:
        """Return the values of the expression for each array."""
        (name,) = self._names(expression, extras)
        arrays = enumerate(track(arrays_in, "computing"))
        return [_computed(expression, {name: array, **extras, "i": i}, align) for i, array in arrays]


class ReduceByExpression(ExpressionTask):
    """Put a list of arrays together by an expression of two variables, such as ``x + y`` or ``where(y > x, y, x)``."""

    name = "raster:reduce_by_expression"
    title = "Reduce by an expression"
    variables = 2
    given = ()
    inputs: Sequence[Parameter] = (
        _ARRAYS_IN,
        StringParameter(
            "expression",
            title="Expression",
            description=f"Its first variable is the result so far, its second the next array. {_EXTRAS}",
        ),
        NdArrayParameter(
            "initial_array",
            required=False,
            title="Initial array",
            description="The result so far at the beginning; without it that is the first array.",
        ),
        _ALIGN,
    )
    outputs = (NdArrayParameter("array_out", description="The result after the last array."),)

    def execute(
        self,
        /,
        *,
        arrays_in: list[Any],
        expression: str,
        initial_array: Any = None,
        align: str | None = None,
        **extras: Any,
    ) -> Any:
        """Return the result after the last array."""
        so_far, following = self._names(expression, extras)
        arrays = arrays_in if initial_array is None else [initial_array, *arrays_in]
        if not arrays:
            raise RunError("arrays_in: there is nothing to reduce: the list is empty, and there is no initial_array")
        result = arrays[0]
        for array in track(arrays[1:], "reducing"):
            result = _computed(expression, {so_far: result, following: array, **extras}, align)
        return result


def _computed(expression: str, values: Mapping[str, Any], align: str | None) -> Any:
    """Return the values of an expression as an array, one without dimensions of a single value."""
    import numpy as np

    from geojobs_lab.rasters.calculating import calculate

    result = calculate(expression, values, align=align)
    return np.asarray(result) if isinstance(result, bool | int | float) else result
