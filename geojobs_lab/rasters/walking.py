"""A layer piece by piece: in which order its cells are read, so that none is read twice and memory stays bounded."""

from collections.abc import Callable, Iterator, Mapping
from typing import Any, TypeAlias

import numpy as np
import numpy.typing as npt

from geojobs_lab.rasters.rasterfile import RasterFile

MOST_CELLS = 2_000_000  # read at a time (16 MB of float64), unless one chunk of the file has more

Check: TypeAlias = Callable[[], None]
"""Called between two reads; ends the work by raising something where it is not wanted any more."""


def go_on() -> None:
    """Check nothing."""


def windows(file: RasterFile, variable: str, *, factor: int = 1) -> list[tuple[slice, slice]]:
    """Return rows and columns that cover a layer, each of whole chunks of the file where it has any."""
    ny, nx = (-(-size // factor) for size in file.variable(variable).grid.shape)
    high, wide = file.chunks(variable, factor) or (1, nx)
    high, wide = min(high, ny), min(wide, nx)
    across = nx if high * nx <= MOST_CELLS else max(1, MOST_CELLS // (high * wide)) * wide
    down = max(1, MOST_CELLS // (high * across)) * high
    return [
        (slice(top, min(top + down, ny)), slice(left, min(left + across, nx)))
        for top in range(0, ny, down)
        for left in range(0, nx, across)
    ]


def blocks(
    file: RasterFile, variable: str, selection: Mapping[str, int], check: Check = go_on
) -> Iterator[tuple[slice, slice, npt.NDArray[Any]]]:
    """Yield rows, columns and values of a layer, all of it."""
    for rows, cols in windows(file, variable):
        check()
        yield rows, cols, file.read(variable, selection, rows, cols)


def known(values: npt.NDArray[Any], fill_value: float | None = None) -> npt.NDArray[Any]:
    """Return the values of an array, one-dimensional, that are finite and not the fill value."""
    flat = values.reshape(-1)
    if flat.dtype.kind == "f" and not (finite := np.isfinite(flat)).all():
        flat = flat[finite]
    if fill_value is not None:
        with np.errstate(over="ignore"):  # in a type that cannot hold it
            flat = flat[flat != fill_value]
    return flat
