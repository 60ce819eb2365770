"""A variable as a table in CSV, a line for each cell that has a value, piece by piece."""

import csv
import io
from collections.abc import Iterator, Mapping

import numpy as np

from geojobs_lab.errors import TooLarge
from geojobs_lab.rasters.anygrid import SeparableGrid
from geojobs_lab.rasters.rasterfile import RasterFile
from geojobs_lab.rasters.variables import VariableInfo

MOST_LINES = 10_000_000  # some 400 MB
_PIECE = 50_000  # cells written at a time


class Table:
    """Cells as lines: ``time`` (where there is any), ``lat`` and ``lon`` or ``y`` and ``x``, and the value.

    Times are ISO texts in the file's own calendar, longitudes -180..180, y and x in the units of the CRS, all of the
    centres of cells. Cells without a value are left out.

    Parameters
    ----------
    file : RasterFile
    variable : str
    selection : Mapping
        As `VariableInfo.select` makes it.
    whole : bool
        All steps in time, and not the one that is selected.

    Raises
    ------
    TooLarge
        There are more than ten million cells.
    """

    def __init__(self, file: RasterFile, variable: str, selection: Mapping[str, int], *, whole: bool) -> None:
        self._file, self._info = file, file.variable(variable)
        ny, nx = self._info.grid.shape
        steps: list[int | None] = [None]
        if self._info.time is not None:
            count = len(self._info.time.stops)
            steps = [*range(count)] if whole else [selection.get(self._info.time.name, 0)]
        self._selections = [_at(self._info, selection, step) for step in steps]
        self._steps = steps
        if ny * nx * len(steps) > MOST_LINES:
            several = f" at each of {len(steps)} times" if len(steps) > 1 else ""
            hint = "choose one time, or the format nc" if several else "take the format nc or tif"
            raise TooLarge(
                f"format: csv takes {MOST_LINES} cells at most, and {self._info.name!r} has {ny * nx}{several}: {hint}"
            )

    def pieces(self) -> Iterator[bytes]:
        """Yield the text, the names of the columns first; UTF-8."""
        info = self._info
        places = ("y", "x") if isinstance(info.grid, SeparableGrid) and not info.grid.is_geographic else ("lat", "lon")
        head = io.StringIO()
        csv.writer(head, lineterminator="\n").writerow([*(["time"] if info.time else []), *places, info.name])
        yield head.getvalue().encode(errors="replace")
        ny, nx = info.grid.shape
        wide = min(nx, _PIECE)
        high = max(1, _PIECE // wide)
        for step, selection in zip(self._steps, self._selections, strict=True):
            time = f"{info.time.isos[step]}," if info.time is not None and step is not None else ""
            for top in range(0, ny, high):
                for left in range(0, nx, wide):
                    rows, cols = slice(top, min(top + high, ny)), slice(left, min(left + wide, nx))
                    yield self._lines(time, selection, rows, cols)

    def _lines(self, time: str, selection: Mapping[str, int], rows: slice, cols: slice) -> bytes:
        values = self._file.read(self._info.name, selection, rows, cols)
        row, col = np.nonzero(np.isfinite(values))
        texts = values[row, col].astype(str)  # the shortest that say the number
        grid = self._info.grid
        if isinstance(grid, SeparableGrid):
            xs, ys = grid.xs[cols], grid.ys[rows]
            across = _turned(xs) if grid.is_geographic else xs
            x, y = across.astype(str)[col], ys.astype(str)[row]
        else:
            lon, lat = grid.to_lonlat(*grid.centre(row + rows.start, col + cols.start))
            x, y = _turned(lon).astype(str), np.asarray(lat).astype(str)
        lines = map(",".join, zip(y.tolist(), x.tolist(), texts.tolist(), strict=True))
        return "".join([f"{time}{line}\n" for line in lines]).encode()


def _turned(
    longitudes: np.ndarray[tuple[int, ...], np.dtype[np.float64]],
) -> np.ndarray[tuple[int, ...], np.dtype[np.float64]]:
    """Return longitudes -180..180; those that are, as they are, to the last digit."""
    return np.where(np.abs(longitudes) <= 180, longitudes, (longitudes + 180) % 360 - 180)


def _at(info: VariableInfo, selection: Mapping[str, int], step: int | None) -> Mapping[str, int]:
    return selection if step is None or info.time is None else {**selection, info.time.name: step}
