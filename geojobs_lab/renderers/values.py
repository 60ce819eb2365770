"""Numbers as people hand them over, and arrays as they are compared: each in its own type, nothing rounded."""

from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.errors import RendererNotValid

LARGEST = 1e300  # of a value with a colour: differences of two are finite
_LONGEST = 80  # characters of a value in a message


def number(value: Any, name: str, *, largest: float = LARGEST) -> int | float:
    """Return a number of any kind (Python's, numpy's, an array of one element) as Python's; NaN may be.

    Raises
    ------
    RendererNotValid
        It is no number, infinite, or larger than `largest`; the message says `name`.
    """
    if isinstance(value, int) and not isinstance(value, bool):
        found: int | float = value
    else:
        nothing = isinstance(value, list | tuple | str | bytes | dict) or np.ma.is_masked(value)
        array = np.asarray(None if nothing else value)
        if array.size != 1 or array.dtype.kind not in "iuf":
            raise RendererNotValid(f"renderer: {shown(value)} in {name} is not a number", value=value, option=name)
        found = array.reshape(()).item()
    if abs(found) > largest:
        raise RendererNotValid(
            f"renderer: {shown(found)} in {name} is not finite, or too large", value=value, option=name
        )
    return found


def real_number(value: Any, name: str, *, largest: float = LARGEST) -> int | float:
    """Return a number as `number` does, refusing NaN and what stands for it."""
    found = number(value, name, largest=largest)
    if found != found:  # math.isnan takes no whole number beyond floats
        raise RendererNotValid(f"renderer: {shown(value)} in {name} is not a number", value=value, option=name)
    return found


def shown(value: object) -> str:
    """Return a value as a message repeats it: not longer than a line, whatever it is."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # a whole number of thousands of digits; lists in lists without end
        text = f"a huge {type(value).__name__}"
    return text if len(text) <= _LONGEST else f"{text[: _LONGEST - 1]}…"


def plain(values: ArrayLike) -> tuple[NDArray[Any], NDArray[np.bool_] | None]:
    """Return values as an array of integers or floats, and its mask (None where there is none)."""
    masked = np.ma.getmaskarray(values) if isinstance(values, np.ma.MaskedArray) else None
    array = np.asarray(values)
    if array.dtype.kind == "b":
        array = array.view(np.uint8)
    elif array.dtype.kind not in "iuf":
        array = array.astype(np.float64)
    return array, masked


def clear_missing(
    rows: NDArray[np.uint8], array: NDArray[Any], masked: NDArray[np.bool_] | None, fill_value: float | None
) -> NDArray[np.uint8]:
    """Set rows of the palette to 0 where the array is NaN, masked, or equal to the fill value in its own type."""
    if array.dtype.kind == "f":
        np.multiply(rows, array == array, out=rows)  # NaN is what differs from itself
    if fill_value is not None:
        with np.errstate(over="ignore"):
            np.multiply(rows, array != fill_value, out=rows)
    if masked is not None:
        rows[masked] = 0
    return rows
