"""Expressions on rasters: dimensions meet by name, and the result knows its place, its CRS and its units.

Owns what becomes of coordinates and attributes; the cells are computed by `geojobs_lab.expressions`, which reads
lazy rasters block by block.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt
import xarray as xr

from geojobs_lab.errors import ExpressionFailed, RasterError
from geojobs_lab.expressions import Expression
from geojobs_lab.expressions.evaluation import Evaluation, Outcome
from geojobs_lab.expressions.functions import CONSTANTS
from geojobs_lab.expressions.sources import BlockSource, NamedArray, Window
from geojobs_lab.expressions.tree import Index, Name, Node, Operation, Reduction
from geojobs_lab.rasters.aligning import align as align_rasters
from geojobs_lab.rasters.aligning import same_grid
from geojobs_lab.rasters.placing import place_array

CELSIUS = {"c", "°c", "celsius", "degc", "deg_c", "degree_c", "degreec", "degree_celsius", "degrees_celsius"}
_ROUNDING = ("floor", "ceil", "int", "int8", "int16", "int32", "int64", "float", "float16", "float32", "float64")
_SAME_QUANTITY = ("positive", "mask", "clip", "where", *_ROUNDING)
_SAME_UNITS = (*_SAME_QUANTITY, "negative", "abs", "min", "max", "mean", "median", "percentile", "+", "-", "sum", "std")
_DIFFERENCES = ("-", "std")
_TOTALS = ("+", "sum")  # of temperatures in degrees Celsius they are none


def calculate(expression: str | Expression, values: Mapping[str, Any], *, align: str | None = None) -> Any:
    """Return the value of an expression in which rasters may occur.

    Rasters with rows and columns have to lie on one grid. Other dimensions meet by name: a raster without time meets
    each step of one with time; two time axes have to be the same one where they meet. Arrays without names meet the
    last dimensions. `x[0]` is a step of a raster's first dimension, in the order (time, others…, y, x).

    The result has the coordinates, and the CRS, of the rasters that went into it. A scalar coordinate in which two
    of them differ goes. A result that is still the quantity of one raster keeps its name and all its attributes: the
    raster itself, a step, ``mask``, ``clip``, ``where`` (numbers aside), rounding and types. Everything else gets the
    expression as its ``long_name``, the name where all rasters have one, and units only where they certainly stay:
    sums and differences of rasters of one unit, ``abs``, ``-x``, ``min max mean median percentile sum std``. Of
    degrees Celsius a difference or ``std`` is in K, and a sum has no unit.

    Parameters
    ----------
    expression : str or Expression
    values : Mapping
        As for `Expression.evaluate`; DataArrays too, also in lists and dictionaries. Lazy ones are read in blocks.
    align : str, optional
        How rasters are brought onto the grid of the first of `values`: a method of `rasters.aligning.align`.

    Returns
    -------
    DataArray, array or scalar
        A DataArray where dimensions of a raster are left. Missing is NaN: truth values and integers with missing
        cells are floats.

    Raises
    ------
    ExpressionNotValid, ExpressionFailed
        As `Expression`.
    RasterError
        The rasters lie on different grids, or other dimensions do not meet; both are described.
    InvalidInput
        There is no such method to align.
    """
    if not isinstance(expression, Expression):
        expression = Expression(expression)
    used = {name: _plain(value) for name, value in values.items() if name in expression.names or name in CONSTANTS}
    found = [raster for name, value in used.items() for raster in _rasters(value, name)]
    if not found:
        return expression.evaluate(values)
    order = _Order.of(found, align)
    ready = {name: order.prepare(value) for name, value in used.items()}
    evaluation = Evaluation(expression, {**values, **{name: order.sources(value) for name, value in ready.items()}})
    frame = _Frames(expression, ready, evaluation).of(expression.tree)
    outcome = evaluation.run(floats=True)
    if outcome.axes is None:
        return outcome.value
    return _as_raster(outcome, frame if isinstance(frame, _Frame) else _Frame({}, {}), order, expression)


def _plain(value: Any) -> Any:
    """Return a value with its containers as lists and dictionaries: a Dataset makes new DataArrays at each look."""
    if isinstance(value, Mapping):
        return {key: _plain(item) for key, item in value.items()}
    return [_plain(item) for item in value] if isinstance(value, list | tuple) else value


def _rasters(value: Any, label: str) -> Iterator[tuple[str, xr.DataArray]]:
    """Yield the rasters of a value, each with what an expression calls it, such as ``layers[2]``."""
    if isinstance(value, xr.DataArray):
        yield label, value
    elif isinstance(value, Mapping):
        for key, item in value.items():
            yield from _rasters(item, f"{label}[{key!r}]")
    elif isinstance(value, list | tuple):
        for index, item in enumerate(value):
            yield from _rasters(item, f"{label}[{index}]")


def _has_place(data: xr.DataArray) -> bool:
    try:
        place_array(data)
    except RasterError:
        return False
    return True


class _Raster(BlockSource):
    """The cells of a raster, read where its variable is."""

    def __init__(self, variable: xr.Variable, axes: tuple[int, ...]) -> None:
        self._variable = variable
        self.shape = variable.shape
        self.dtype = variable.dtype
        self.axes = axes
        self.chunks = _chunks(variable)

    def read(self, window: Window) -> npt.NDArray[Any]:
        return np.asarray(self._variable[window].values)


def _chunks(variable: xr.Variable) -> tuple[int, ...] | None:
    """Return the shape of the chunks in which a variable is stored, if it has not been changed since it was opened."""
    chunks, stored = variable.encoding.get("chunksizes"), variable.encoding.get("original_shape")
    if not chunks or not stored or len(chunks) != len(stored):
        return None
    steps = len(stored) - variable.ndim  # that were taken of the first dimensions
    same = steps >= 0 and tuple(stored[steps:]) == variable.shape
    return tuple(int(length) for length in chunks[steps:]) if same else None


@dataclass(frozen=True, slots=True)
class _Order:
    """The order of all dimensions, and the rasters as they come into it, by the identity of those given."""

    dims: tuple[str, ...]
    aligned: Mapping[int, xr.DataArray]
    names: frozenset[str | None]
    grid_mapping: str | None

    @classmethod
    def of(cls, labelled: Sequence[tuple[str, xr.DataArray]], method: str | None) -> _Order:
        rasters = [data for _, data in labelled]
        has_place = {id(data): _has_place(data) for data in rasters}
        placed = [data for data in rasters if has_place[id(data)]]
        if method is None:
            same_grid([data.rename(label) for label, data in labelled if has_place[id(data)]])
        onto = dict(zip(map(id, placed), align_rasters(placed, method=method or "nearest"), strict=True))
        aligned = {id(data): onto.get(id(data), data) for data in rasters}
        most_first = sorted(aligned.values(), key=lambda data: -data.ndim)
        dims = dict.fromkeys(str(dim) for data in most_first for dim in data.dims)
        last = [str(dim) for data in onto.values() for dim in data.dims[-2:]][:2]
        return cls(
            (*(dim for dim in dims if dim not in last), *last),
            aligned,
            frozenset(None if data.name is None else str(data.name) for data in rasters),
            next((data.encoding["grid_mapping"] for data in onto.values()), None),
        )

    def prepare(self, value: Any) -> Any:
        """Return a value with its rasters aligned, and their dimensions in order."""
        if isinstance(value, xr.DataArray):
            data = self.aligned[id(value)]
            return data.transpose(*(dim for dim in self.dims if dim in data.dims))
        if isinstance(value, dict):
            return {key: self.prepare(item) for key, item in value.items()}
        return [self.prepare(item) for item in value] if isinstance(value, list) else value

    def sources(self, value: Any) -> Any:
        """Return a prepared value with its rasters as the evaluation reads them."""
        if isinstance(value, xr.DataArray):
            if not value.ndim:
                return value.values
            axes = tuple(self.dims.index(str(dim)) - len(self.dims) for dim in value.dims)
            in_memory = value.variable._in_memory  # xarray has no public way to ask without reading
            return NamedArray(value.values, axes) if in_memory else _Raster(value.variable, axes)
        if isinstance(value, dict):
            return {key: self.sources(item) for key, item in value.items()}
        return [self.sources(item) for item in value] if isinstance(value, list) else value


@dataclass(frozen=True, slots=True)
class _Frame:
    """What a part of an expression is besides its cells.

    `like` is the raster whose quantity it still is; `units` are None where they are not known.
    """

    sizes: Mapping[str, int]
    coordinates: Mapping[str, xr.Variable]
    units: str | None = None
    like: xr.DataArray | None = None


_Framed: TypeAlias = "_Frame | Sequence[Any] | Mapping[Any, Any] | None"


class _Frames:
    """Finds the frame of each part of an expression, without reading cells."""

    def __init__(self, expression: Expression, values: Mapping[str, Any], evaluation: Evaluation) -> None:
        self._text = expression.text
        self._values = values
        self._evaluation = evaluation

    def of(self, node: Node) -> _Framed:
        """Return the frame of a part; a list or dictionary of rasters as it is; None of what is no raster."""
        match node:
            case Name(name=name):
                return _framed(self._values.get(name))
            case Index(operand=operand, index=index):
                return self._item(self.of(operand), index)
            case Reduction(function=function, operand=operand, axis=axis):
                return self._reduced(function, self.of(operand), axis)
            case Operation():
                return self._operation(node)
        return None

    def _item(self, framed: _Framed, index: Node) -> _Framed:
        if framed is None:
            return None
        if isinstance(framed, _Frame):
            first = next(iter(framed.sizes), None)
            place = self._evaluation.integer(index)
            return framed if first is None or place is None else _without(framed, first, place)
        key = self._evaluation.operand(index)
        try:
            return _framed(framed[key])  # type: ignore[index]
        except (LookupError, TypeError):
            return None  # the evaluation says why

    def _reduced(self, function: str, framed: _Framed, axis: Node | None) -> _Framed:
        if not isinstance(framed, _Frame):
            return None
        units = _units(function, [framed])
        if axis is None:
            return _Frame({}, {}, units)
        place = self._evaluation.integer(axis)
        dims = list(framed.sizes)
        if place is None or not -len(dims) <= place < len(dims):
            return None
        left = _without(framed, dims[place])
        return _Frame(left.sizes, left.coordinates, units)

    def _operation(self, node: Operation) -> _Framed:
        framed = [self.of(operand) for operand in node.operands]
        frames = [frame for frame in framed if isinstance(frame, _Frame)]
        if not frames:
            return None
        texts = [self._text[slice(*operand.span)] for operand in node.operands]
        sizes: dict[str, int] = {}
        for number, frame in enumerate(framed):
            if isinstance(frame, _Frame):
                for other in range(number):
                    _check_meeting((texts[other], framed[other]), (texts[number], frame))
                sizes |= frame.sizes
        measured = framed[1:] if node.operator == "where" else framed[:1] if node.operator == "mask" else framed
        units = _units(node.operator, measured)
        likes = {id(frame.like): frame.like for frame in measured if isinstance(frame, _Frame)}
        same = node.operator in _SAME_QUANTITY and len(likes) == 1
        return _Frame(sizes, _merged(frames, sizes), units, next(iter(likes.values())) if same else None)


def _framed(value: Any) -> _Framed:
    if isinstance(value, xr.DataArray):
        sizes = {str(dim): size for dim, size in value.sizes.items()}
        coordinates = {str(name): found.variable for name, found in value.coords.items()}
        units = value.attrs.get("units")
        return _Frame(sizes, coordinates, None if units is None else str(units), value)
    return value if isinstance(value, Mapping | list | tuple) else None


def _without(frame: _Frame, dim: str, step: int | None = None) -> _Frame:
    """Return the frame without a dimension: of one step of it, or of all steps together."""
    sizes = {name: size for name, size in frame.sizes.items() if name != dim}
    coordinates = dict(frame.coordinates)
    for name, found in frame.coordinates.items():
        if dim in found.dims:
            del coordinates[name]
            if step is not None and -frame.sizes[dim] <= step < frame.sizes[dim]:
                coordinates[name] = found.isel({dim: step})
    return _Frame(sizes, coordinates, frame.units, frame.like)


def _merged(frames: Sequence[_Frame], sizes: Mapping[str, int]) -> dict[str, xr.Variable]:
    """Return the coordinates of several frames; one that is a dimension's comes before a scalar of its name."""
    merged: dict[str, xr.Variable] = {}
    differing = set()
    for frame in frames:
        for name, found in frame.coordinates.items():
            known = merged.get(name)
            if known is None or (name in sizes and not known.ndim):
                merged[name] = found
            elif name not in sizes and not known.equals(found):  # type: ignore[no-untyped-call]  # xarray's own
                differing.add(name)
    return {name: found for name, found in merged.items() if name not in differing}


def _check_meeting(first: tuple[str, _Framed], second: tuple[str, _Framed]) -> None:
    (one, a), (other, b) = first, second
    if not isinstance(a, _Frame) or not isinstance(b, _Frame):
        return
    for dim in (dim for dim in a.sizes if dim in b.sizes):
        here, there = a.coordinates.get(dim), b.coordinates.get(dim)
        same = a.sizes[dim] == b.sizes[dim]
        if same and here is not None and there is not None:
            same = _same_values(here.values, there.values)
        if not same:
            raise RasterError(
                f"{one!r} and {other!r} do not meet in {dim!r}: {one!r} has {_described(a.sizes[dim], here)}; "
                f"{other!r} has {_described(b.sizes[dim], there)}"
            )


def _same_values(a: npt.NDArray[Any], b: npt.NDArray[Any]) -> bool:
    if a.dtype.kind == b.dtype.kind == "f" and a.dtype != b.dtype:
        a, b = a.astype(np.float32), b.astype(np.float32)
    try:
        return bool(np.array_equal(a, b))
    except TypeError:
        return False  # times of two calendars


def _described(size: int, coordinate: xr.Variable | None) -> str:
    if coordinate is None or not size:
        return f"{size} steps without a coordinate"
    calendar = getattr(coordinate.values.flat[0], "calendar", None)
    written = f" ({calendar})" if calendar else ""
    first, last = (str(value).removesuffix(".000000000") for value in coordinate.values[[0, -1]])
    return f"{size} from {first} to {last}{written}"


def _units(operator: str, framed: Sequence[_Framed]) -> str | None:
    """Return the units of a result that certainly has them."""
    frames = [frame for frame in framed if isinstance(frame, _Frame)]
    units = {frame.units for frame in frames}
    bare = len(frames) < len(framed) and operator in ("+", "-")  # a number of some unit
    if operator not in _SAME_UNITS or len(units) != 1 or bare:
        return None
    (unit,) = units
    if unit is None or unit.lower() not in CELSIUS or operator not in (*_DIFFERENCES, *_TOTALS):
        return unit
    return "K" if operator in _DIFFERENCES else None


def _as_raster(outcome: Outcome, frame: _Frame, order: _Order, expression: Expression) -> xr.DataArray:
    assert outcome.axes is not None
    if outcome.axes and -outcome.axes[0] > len(order.dims):
        raise ExpressionFailed(
            f"the result has the shape {outcome.value.shape}, more than the rasters' dimensions {order.dims}",
            expression=expression.text,
        )
    dims = tuple(order.dims[axis] for axis in outcome.axes)
    coordinates = {name: found for name, found in frame.coordinates.items() if set(found.dims) <= set(dims)}
    if frame.like is not None:
        name = frame.like.name
        attributes = {key: value for key, value in frame.like.attrs.items() if key != "actual_range"}
    else:
        name = next(iter(order.names)) if len(order.names) == 1 else None
        attributes = {"long_name": expression.text}
        if frame.units is not None:
            attributes["units"] = frame.units
    result = xr.DataArray(_with_nan(outcome.value), coordinates, dims, name, attributes)
    if order.grid_mapping in coordinates:
        result.encoding = {"grid_mapping": order.grid_mapping}
    return result


def _with_nan(array: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Return a plain array: xarray has no masks."""
    if not np.ma.is_masked(array):
        return np.asarray(np.ma.getdata(array))
    floats: npt.NDArray[Any] = array.astype(np.promote_types(array.dtype, np.float32))
    return np.asarray(np.ma.filled(floats, np.nan))
