"""How an array is cut into windows: along its memory, along the chunks of its file, or in squares.

A window is one slice, with start and stop, for each axis.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterator
from typing import Any, TypeAlias

import numpy.typing as npt

Window: TypeAlias = tuple[slice, ...]

LARGEST_CHUNK = 2**23  # cells of a file's chunk that is read as one: less of it would be inflated again and again


def view(array: npt.NDArray[Any], window: Window) -> npt.NDArray[Any]:
    """Return the part of an array in a window; also of one without dimensions as an array, to which can be written."""
    places: tuple[Any, ...] = (*window, ...)
    part: npt.NDArray[Any] = array[places]
    return part


def windows(shape: tuple[int, ...], at_once: int, *, turned: bool = False) -> Iterator[Window]:
    """Yield windows of about `at_once` cells that cover an array, in the order in which it is stored.

    Parameters
    ----------
    shape : tuple of int
    at_once : int
    turned : bool
        Whether windows that differ only in the first axis follow one another, where they are not larger than one step.
    """
    whole = tuple(slice(0, length) for length in shape)
    if math.prod(shape) <= at_once or not shape:
        yield whole
        return
    rows = at_once // max(1, math.prod(shape[1:]))
    if rows:
        for first in _pieces(shape[0], rows):
            yield (first, *whole[1:])
        return
    firsts, rests = list(_pieces(shape[0], 1)), list(windows(shape[1:], at_once))
    if turned:
        yield from ((first, *rest) for rest in rests for first in firsts)
    else:
        yield from ((first, *rest) for first in firsts for rest in rests)


def within(outer: Window, at_once: int, order: tuple[int, ...] | None) -> Iterator[Window]:
    """Yield windows of about `at_once` cells that cover a window.

    Parameters
    ----------
    outer : Window
    at_once : int
    order : tuple of int, or None
        The axes from the largest stride to the smallest; None for arrays of different orders, of which squares are cut.
    """
    shape = tuple(part.stop - part.start for part in outer)
    if math.prod(shape) <= at_once:
        yield outer
        return
    if order is None:
        pieces = squares(shape, at_once)
    else:
        turned = windows(tuple(shape[axis] for axis in order), at_once)
        back = [order.index(axis) for axis in range(len(order))]
        pieces = (tuple(piece[place] for place in back) for piece in turned)
    for piece in pieces:
        yield tuple(
            slice(start.start + part.start, start.start + part.stop) for start, part in zip(outer, piece, strict=True)
        )


def squares(shape: tuple[int, ...], at_once: int) -> Iterator[Window]:
    """Yield windows whose last two axes are about equally long."""
    side = max(1, math.isqrt(at_once))
    lengths = (1,) * (len(shape) - 2) + (side, max(1, at_once // side))
    yield from _product(shape, lengths[-len(shape) :], turned=False)


def along_chunks(shape: tuple[int, ...], at_once: int, chunks: tuple[int, ...], *, turned: bool) -> Iterator[Window]:
    """Yield windows of whole chunks and about `at_once` cells, of one chunk where that has more."""
    lengths = [min(chunk, length) or 1 for chunk, length in zip(chunks, shape, strict=True)]
    if math.prod(lengths) > LARGEST_CHUNK or not math.prod(shape):
        yield from windows(shape, at_once, turned=turned)
        return
    for axis in reversed(range(len(shape))):
        lengths[axis] *= max(1, at_once // math.prod(lengths))
        if lengths[axis] < shape[axis]:
            break
        lengths[axis] = shape[axis] or 1
    yield from _product(shape, tuple(lengths), turned=turned)


def _product(shape: tuple[int, ...], lengths: tuple[int, ...], *, turned: bool) -> Iterator[Window]:
    pieces = [list(_pieces(length, piece)) for length, piece in zip(shape, lengths, strict=True)]
    if not turned or not pieces:
        yield from itertools.product(*pieces)
        return
    for rest in itertools.product(*pieces[1:]):
        for first in pieces[0]:
            yield (first, *rest)


def _pieces(length: int, piece: int) -> Iterator[slice]:
    return (slice(start, min(start + piece, length)) for start in range(0, length, piece))
