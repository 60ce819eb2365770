"""Functions of many cells that one pass over blocks computes together: counts, sums, moments and extremes.

Owns the way over the blocks, of all cells or along an axis; what is found in each is the matter of `moments`. The
result of nothing but missing cells is missing. Along an axis all steps of a part of the result are read before the next
part, so that memory is that of the result.
"""

from __future__ import annotations

import math
from collections.abc import Collection, Iterator

import numpy as np

from geojobs_lab.expressions import sources
from geojobs_lab.expressions.cells import Cells, Mask
from geojobs_lab.expressions.gathering import each_block, is_small, portions
from geojobs_lab.expressions.moments import Part, Wanted, found_in, together
from geojobs_lab.expressions.running import Turns, share_out, threads
from geojobs_lab.expressions.sources import Source
from geojobs_lab.expressions.windows import Window, along_chunks, windows, within
from geojobs_lab.expressions.workspace import Workspace

STREAMED = ("count", "max", "mean", "min", "std", "sum", "var")
"""The functions that need not see all cells at once."""

_LEAST_KEPT = 2**13  # cells of a result that are computed together: shorter runs of memory are slow to read


def stream(source: Source, functions: Collection[str], place: int | None) -> dict[str, Cells]:
    """Return several reductions of a source after reading it once.

    Parameters
    ----------
    source : Source
    functions : collection of str
        Of those in `STREAMED`.
    place : int or None
        The axis that goes, counted from 0; None for all of them.
    """
    if place is None or len(source.shape) == 1:
        return _of_all(source, functions)
    return _along(source, functions, place)


def _of_all(source: Source, functions: Collection[str]) -> dict[str, Cells]:
    wanted = Wanted(functions, source.dtype, alone=True)
    pieces = list(portions(source))
    found: list[list[Part]] = [[] for _ in pieces]  # in the order of the windows, whoever is first

    def block(number: int, window: Window, space: Workspace) -> None:
        cells = source.read(window, space)
        found[number].append(found_in(cells, None, wanted, space))
        if cells.spare:
            space.give(cells.data)

    each_block(source, block, pieces)
    parts = [part for parts in found for part in parts]
    whole = together(parts) if len(parts) > 1 else parts[0]
    return _finished(whole, functions, wanted)


def _finished(part: Part, functions: Collection[str], wanted: Wanted) -> dict[str, Cells]:
    results = {}
    for function in functions:
        data = np.array(part.result(function), wanted.dtypes[function])
        missing = np.asarray(part.count == 0) if function != "count" and wanted.count else None
        results[function] = Cells.of(data, missing)
    return results


def _along(source: Source, functions: Collection[str], place: int) -> dict[str, Cells]:
    wanted = Wanted(functions, source.dtype, alone=False)
    shape = source.shape[:place] + source.shape[place + 1 :]
    results = {function: np.empty(shape, wanted.dtypes[function]) for function in functions}
    marks: dict[str, Mask] = {}
    pieces, steps = _cut(source, shape, place)

    def work(turns: Turns) -> None:
        space = Workspace(source.at_once)
        for _, piece in turns:
            for kept, part in _parts_along(source, place, piece, steps, wanted, space):
                for function, cells in _finished(part, functions, wanted).items():
                    results[function][kept] = cells.data
                    if cells.marked is not None:
                        marks.setdefault(function, np.zeros(shape, bool))[kept] = cells.marked

    share_out(pieces, work, alone=is_small(source))
    return {function: Cells(data, marks.get(function)) for function, data in results.items()}


def _cut(source: Source, shape: tuple[int, ...], place: int) -> tuple[list[Window], int]:
    """Return windows of the result, and how many steps along the axis that goes are loaded together."""
    length = max(1, source.shape[place])
    if not source.elsewhere:
        least = 1 if source.order is not None and source.order[-1] == place else _LEAST_KEPT
        kept = min(source.at_once, max(least, source.at_once // length))
        if source.size >= 4 * source.at_once:
            kept = min(kept, max(1, -(-math.prod(shape) // threads())))
        return list(windows(shape, kept)), max(1, source.at_once // kept)
    at_once = sources._READ_AT_ONCE
    kept = min(at_once, max(at_once // length, 2 * source.at_once))
    if source.chunks is None:
        pieces = list(windows(shape, kept))
        along = 1
    else:
        chunks = source.chunks[:place] + source.chunks[place + 1 :]
        pieces, along = list(along_chunks(shape, kept, chunks, turned=False)), source.chunks[place]
    largest = max((math.prod(part.stop - part.start for part in piece) for piece in pieces), default=1)
    return pieces, max(along, at_once // max(1, largest) // along * along)


def _parts_along(
    source: Source, place: int, piece: Window, steps: int, wanted: Wanted, space: Workspace
) -> Iterator[tuple[Window, Part]]:
    length = source.shape[place]
    cells_at_once = max(1, source.at_once // max(1, min(steps, length)))
    inner = list(within(piece, cells_at_once, tuple(range(len(piece)))))
    found: dict[int, Part] = {}
    for start in range(0, length, steps) if length else (0,):
        along = slice(start, min(start + steps, length))
        space.loaded.clear()
        if source.elsewhere:
            source.load((*piece[:place], along, *piece[place:]), space)
        for number, kept in enumerate(inner):
            cells = source.read((*kept[:place], along, *kept[place:]), space)
            part = found_in(cells, place, wanted, space)
            if cells.spare:
                space.give(cells.data)
            if number in found:
                found[number].join(part)
            else:
                found[number] = part
    yield from ((kept, found[number]) for number, kept in enumerate(inner))
