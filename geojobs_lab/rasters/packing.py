"""Unpacking what a NetCDF variable stores into what it means, by the rules of CF and of the NetCDF Users Guide.

Beyond xarray, numbers outside of the valid range are missing, and so are those that were never written, even where the
file does not say so.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import netCDF4
import numpy as np
import numpy.typing as npt

Array = npt.NDArray[Any]


def unpacked_dtype(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the type of `unpack`'s answer: one for the whole variable, whatever a window holds.

    Packed numbers become floats of the width that CF asks for, integers that can be missing become float64,
    everything else stays, in the machine's byte order.
    """
    stored = _signed_or_not(stored, attributes)
    scale = [np.asarray(attributes[key]) for key in ("scale_factor", "add_offset") if key in attributes]
    if scale:
        widths = [value.dtype for value in scale if value.dtype.kind == "f"] or [np.dtype(np.float64)]
        small = stored.itemsize <= 2 or stored == np.float32
        return np.dtype(np.float32) if small and max(widths) <= np.dtype(np.float32) else np.dtype(np.float64)
    if stored.kind in "iu" and (_fills(stored, attributes) or _valid(stored, attributes) is not None):
        return np.dtype(np.float64)
    return stored


def unpack(stored: Array, attributes: Mapping[str, Any]) -> Array:
    """Return the values that stored numbers stand for, NaN where they are missing.

    Parameters
    ----------
    stored : ndarray
        As in the file: no mask, no scale applied.
    attributes : Mapping
        The variable's: ``_FillValue``, ``missing_value``, ``scale_factor``, ``add_offset``, ``_Unsigned``,
        ``valid_range``, ``valid_min``, ``valid_max``.
    """
    dtype = unpacked_dtype(stored.dtype, attributes)
    numbers = stored.view(_signed_or_not(stored.dtype, attributes)) if "_Unsigned" in attributes else stored
    missing = None
    for fill in _fills(numbers.dtype, {**attributes, **undeclared_fill(stored.dtype, attributes)}):
        if not np.isnan(fill):
            same = numbers == fill
            missing = same if missing is None else missing | same
    limits = _valid(stored.dtype, attributes)
    if limits is not None and not limits.unpacked:
        missing = limits.outside(numbers, missing)
    hidden = missing is not None and bool(missing.any())
    values = numbers.astype(dtype, copy=hidden)  # what is stored stays as it is
    if "scale_factor" in attributes:
        values = values * dtype.type(attributes["scale_factor"])
    if "add_offset" in attributes:
        values = values + dtype.type(attributes["add_offset"])
    if hidden:
        values[missing] = np.nan
    if limits is not None and limits.unpacked:
        outside = limits.outside(values, None)
        if outside.any():
            values = values.copy() if values is stored else values
            values[outside] = np.nan
    return values


@dataclass(frozen=True, slots=True)
class Packing:
    """How whole numbers stand for values: ``number * scale + offset``.

    Attributes
    ----------
    dtype : dtype
        Of the numbers.
    scale, offset : float
    missing : int or None
        The number that stands for no value; None where all have one.
    """

    dtype: np.dtype[Any]
    scale: float
    offset: float
    missing: int | None


def packing_of(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> Packing | None:
    """Return the packing of a variable, None where it is not one of whole numbers with one of them for missing ones.

    Those of 8 bytes have none: formats that know of packing take them for floats of as many.
    """
    dtype = _signed_or_not(stored, attributes)
    if dtype.kind not in "iu" or dtype.itemsize > 4:
        return None
    numbers = [np.asarray(attributes.get(key, other)) for key, other in (("scale_factor", 1.0), ("add_offset", 0.0))]
    if any(found.size != 1 or found.dtype.kind not in "iuf" or not np.isfinite(found).all() for found in numbers):
        return None
    fills = _fills(dtype, attributes)
    if not fills and _valid(stored, attributes) is not None:
        return None
    scale, offset = (float(found.reshape(())) for found in numbers)
    return Packing(dtype, scale, offset, int(fills[0]) if fills else None) if scale else None


def packed(stored: Array, attributes: Mapping[str, Any], packing: Packing) -> Array:
    """Return stored numbers with their sign, `packing.missing` wherever the value is missing."""
    numbers = stored.view(_signed_or_not(stored.dtype, attributes)) if "_Unsigned" in attributes else stored
    numbers = numbers.astype(packing.dtype)
    if packing.missing is not None:
        numbers[np.isnan(unpack(stored, attributes))] = packing.missing
    return numbers


@dataclass(frozen=True, slots=True)
class _Valid:
    """The least and the greatest valid number, of those that are stored or of those that they mean."""

    low: Any
    high: Any
    unpacked: bool

    def outside(self, numbers: Array, missing: npt.NDArray[np.bool_] | None) -> npt.NDArray[np.bool_]:
        """Tell which numbers are not valid, or missing already; NaN is neither."""
        found = np.zeros(numbers.shape, bool) if missing is None else missing
        if self.low is not None:
            found = found | (numbers < self.low)
        return found | (numbers > self.high) if self.high is not None else found


def _valid(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> _Valid | None:
    """Return the valid range, where one is declared that makes sense.

    It speaks of stored numbers, unless its type is that of the scale and wider than what is stored (NetCDF Users Guide,
    Attribute Conventions).
    """
    low, high = attributes.get("valid_min"), attributes.get("valid_max")
    both = attributes.get("valid_range")
    if both is not None and np.size(both) == 2:
        low, high = np.ravel(both)
    ends = [None if end is None else np.asarray(end) for end in (low, high)]
    known = [end for end in ends if end is not None]
    if not known or any(end.size != 1 or end.dtype.kind not in "iuf" or np.isnan(end).any() for end in known):
        return None
    scale = [np.asarray(attributes[key]).dtype for key in ("scale_factor", "add_offset") if key in attributes]
    dtype = known[0].dtype
    unpacked = bool(scale) and dtype == max(scale) and dtype > stored.newbyteorder("=")
    if not unpacked and dtype.kind in "iu" and dtype.itemsize == stored.itemsize:
        ends = [None if end is None else end.astype(_signed_or_not(stored, attributes)) for end in ends]
    low, high = (None if end is None else end.reshape(())[()] for end in ends)
    return None if low is not None and high is not None and low > high else _Valid(low, high, unpacked)


def undeclared_fill(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> dict[str, Any]:
    """Return ``_FillValue`` as it is where a file declares none: what NetCDF puts where nothing was written.

    For floats. Whether integers are missing so is in the file beside their attributes: `scan` looks there.
    """
    if stored.kind != "f" or "_FillValue" in attributes:
        return {}
    return {"_FillValue": stored.type(netCDF4.default_fillvals[f"f{stored.itemsize}"])}


def missing_number(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> Any:
    """Return the number that stands for missing data in a variable, 0 where nothing can be missing."""
    native = stored.newbyteorder("=")
    fills = _fills(native, {**attributes, **undeclared_fill(stored, attributes)})
    return fills[0] if fills else native.type(0)


def _fills(numbers: np.dtype[Any], attributes: Mapping[str, Any]) -> list[Any]:
    """Return the fills that numbers of a type can have, in that type.

    A float64 1e20 means the float32 nearest to it. Integers of one size are bits, signed or not; others have to be
    equal: a -999 fills no bytes.
    """
    fills = []
    for fill in (np.ravel(attributes[key]) for key in ("_FillValue", "missing_value") if key in attributes):
        if fill.dtype.kind not in "iuf":
            continue
        with np.errstate(over="ignore", invalid="ignore"):
            stored = fill.astype(numbers)
            is_bits = fill.dtype.kind in "iu" and fill.dtype.itemsize == numbers.itemsize
            there = np.full(fill.shape, numbers.kind == "f" or is_bits) | (stored.astype(fill.dtype) == fill)
        fills.extend(stored[there])
    return fills


def _signed_or_not(stored: np.dtype[Any], attributes: Mapping[str, Any]) -> np.dtype[Any]:
    """Return the stored type in native order, with the sign that NetCDF-3's ``_Unsigned`` gives it."""
    flag = str(attributes.get("_Unsigned", "")).lower()
    if stored.kind == "i" and flag == "true":
        return np.dtype(f"u{stored.itemsize}")
    if stored.kind == "u" and flag == "false":
        return np.dtype(f"i{stored.itemsize}")
    return stored.newbyteorder("=")
