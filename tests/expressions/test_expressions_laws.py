"""Random expressions against an evaluation of their own: one cell after the other, in plain Python."""

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as npst

from geojobs_lab.expressions import Expression

SHAPE = (3, 4)
Cell = float | bool | None  # None: missing


@dataclass
class Written:
    """An expression as text, and what each of its cells should be."""

    text: str
    cells: list[Cell]


def number(value: float) -> Cell:
    return None if math.isnan(value) else value


def divided(a: float, b: float) -> float:
    if b:
        return a / b
    return math.nan if not a else math.copysign(math.inf, a) * math.copysign(1, b)


def guarded(function: Callable[..., Any]) -> Callable[..., Cell]:
    def apply(*cells: Cell) -> Cell:
        if None in [cell for cell in cells if cell is None]:
            return None
        return number(function(*cells))

    return apply


BINARY = {
    "+": lambda a, b: a + b,
    "-": lambda a, b: a - b,
    "*": lambda a, b: a * b,
    "/": divided,
    "<": lambda a, b: a < b,
    "<=": lambda a, b: a <= b,
    ">": lambda a, b: a > b,
    ">=": lambda a, b: a >= b,
    "==": lambda a, b: a == b,
    "!=": lambda a, b: a != b,
    "and": lambda a, b: bool(a) and bool(b),
    "&&": lambda a, b: bool(a) and bool(b),
    "or": lambda a, b: bool(a) or bool(b),
    "||": lambda a, b: bool(a) or bool(b),
}
UNARY = {"-({})": lambda a: -a, "not ({})": lambda a: not a, "abs({})": abs, "+({})": lambda a: a}
REDUCTIONS: dict[str, Callable[[list[float]], float]] = {
    "min": min,
    "max": max,
    "sum": math.fsum,
    "mean": lambda cells: math.fsum(cells) / len(cells),
    "median": lambda cells: float(np.median(cells)),
    "count": len,
}
TRUTHS = ("<", "<=", ">", ">=", "==", "!=", "and", "&&", "or", "||")

NUMBERS = st.sampled_from([-3.0, -1.5, -1.0, 0.0, 0.5, 1.0, 2.0, 4.0])
ARRAYS = npst.arrays(np.float64, SHAPE, elements=NUMBERS | st.just(math.nan))
MASKS = npst.arrays(np.bool_, SHAPE)


def trees(x: Any, y: Any) -> st.SearchStrategy[Written]:
    size = math.prod(SHAPE)
    given_x = [number(cell) for cell in x.ravel()]
    given_y = [None if cell is np.ma.masked else number(cell) for cell in y.ravel()]
    leaves = st.sampled_from([Written("x", given_x), Written("y", given_y)]) | NUMBERS.filter(lambda n: n >= 0).map(
        lambda n: Written(f"(x * 0 + {n!r})", [None if cell is None else n for cell in given_x])
    )

    @st.composite
    def binary(draw: Any, inner: st.SearchStrategy[Written]) -> Written:
        symbol, left, right = draw(st.sampled_from(sorted(BINARY))), draw(inner), draw(inner)
        function = guarded(BINARY[symbol])
        cells = [function(float_(a), float_(b)) for a, b in zip(left.cells, right.cells, strict=True)]
        sides = [f"float({side.text})" if symbol not in TRUTHS else f"({side.text})" for side in (left, right)]
        return Written(f"{sides[0]} {symbol} {sides[1]}", cells)

    @st.composite
    def unary(draw: Any, inner: st.SearchStrategy[Written]) -> Written:
        form, operand = draw(st.sampled_from(sorted(UNARY))), draw(inner)
        return Written(
            form.format(f"float({operand.text})"), [guarded(UNARY[form])(float_(cell)) for cell in operand.cells]
        )

    @st.composite
    def where(draw: Any, inner: st.SearchStrategy[Written]) -> Written:
        condition, yes, no = draw(inner), draw(inner), draw(inner)
        cells = [None if c is None else float_(a if c else b) for c, a, b in
                 zip(condition.cells, yes.cells, no.cells, strict=True)]  # fmt: skip
        return Written(f"where({condition.text}, float({yes.text}), float({no.text}))", cells)

    @st.composite
    def mask(draw: Any, inner: st.SearchStrategy[Written]) -> Written:
        operand, condition = draw(inner), draw(inner)
        cells = [None if c is None or c else a for a, c in zip(operand.cells, condition.cells, strict=True)]
        return Written(f"mask({operand.text}, {condition.text})", cells)

    @st.composite
    def reduced(draw: Any, inner: st.SearchStrategy[Written]) -> Written:
        name, operand = draw(st.sampled_from(sorted(REDUCTIONS))), draw(inner)
        present = [float_(cell) for cell in operand.cells if cell is not None]
        if not all(abs(cell) < 2**20 and cell * 2**20 % 1 == 0 for cell in present):
            return operand  # infinities are pinned elsewhere; and rounding would decide comparisons
        value = REDUCTIONS[name](present) if present or name == "count" else None  # type: ignore[arg-type]
        cells = [None if value is None or cell is None else value for cell in given_x]
        return Written(f"(x * 0 + {name}(float({operand.text})))", cells)

    tree = st.recursive(
        leaves, lambda inner: binary(inner) | unary(inner) | where(inner) | mask(inner) | reduced(inner), max_leaves=8
    )
    return tree.filter(lambda written: len(written.cells) == size)


def float_(cell: Cell) -> Cell:
    return None if cell is None else float(cell)


@given(st.data(), ARRAYS, ARRAYS, MASKS)
def test_a_random_expression_is_what_its_cells_are_one_by_one(data: Any, x: Any, y: Any, mask: Any) -> None:
    masked = np.ma.MaskedArray(y, mask)
    written = data.draw(trees(x, masked))
    result = Expression(written.text).evaluate({"x": x, "y": masked})
    missing = np.array([cell is None for cell in written.cells]).reshape(SHAPE)
    found = np.ma.getmaskarray(result) | np.isnan(np.ma.getdata(result).astype(float))
    np.testing.assert_array_equal(found, missing, err_msg=written.text)
    expected = np.array([0.0 if cell is None else cell for cell in written.cells]).reshape(SHAPE)
    np.testing.assert_allclose(
        np.where(missing, 0, np.ma.getdata(result)), expected, rtol=1e-9, atol=1e-9, err_msg=written.text
    )


@given(npst.arrays(st.sampled_from([np.int8, np.uint16, np.int64, np.float32, np.float64]),
                   npst.array_shapes(max_dims=3, max_side=6), elements=st.integers(0, 100)), st.data())  # fmt: skip
def test_reductions_are_numpys(array: Any, data: Any) -> None:
    axis = data.draw(st.sampled_from([None, *range(array.ndim)]))
    mask = data.draw(npst.arrays(np.bool_, array.shape))
    masked = np.ma.MaskedArray(array, mask)
    for name in ("min", "max", "sum", "mean", "std", "var", "median", "count"):
        text = f"{name}(x)" if axis is None else f"{name}(x, {axis})"
        found = Expression(text).evaluate({"x": masked})
        wide = np.ma.MaskedArray(array.astype(np.float64), mask)
        expected = np.ma.median(wide, axis) if name == "median" else getattr(wide, name)(axis=axis)
        assert np.shape(found) == np.shape(expected)
        np.testing.assert_allclose(
            np.ma.filled(np.ma.masked_invalid(np.ma.asarray(found, float)), -1),
            np.ma.filled(np.ma.asarray(expected, float), -1),
            rtol=1e-5, atol=1e-6, err_msg=text,
        )  # fmt: skip
