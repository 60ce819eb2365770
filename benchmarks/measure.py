"""Times and tables: what all benchmarks measure with, and how their figures are shown and kept."""

import gc
import statistics
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

Cell = str | float | None

_TURN = 0.02  # seconds


@dataclass(frozen=True, slots=True)
class Times:
    """How long calls took, in milliseconds."""

    ms: tuple[float, ...]

    def __post_init__(self) -> None:
        if not self.ms:
            raise ValueError("no call was measured")

    @property
    def p50(self) -> float:
        return statistics.median(self.ms)

    @property
    def p95(self) -> float:
        ordered = sorted(self.ms)
        return ordered[min(int(len(ordered) * 0.95), len(ordered) - 1)]

    @property
    def slowest(self) -> float:
        return max(self.ms)


@dataclass(frozen=True, slots=True)
class Table:
    """Figures under a title.

    Attributes
    ----------
    title, note : str
        What was measured, and how.
    columns : sequence of str
        The first heads the rows' names.
    rows : list
        A name and numbers each; None where there is nothing to say.
    """

    title: str
    note: str
    columns: Sequence[str]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)

    def add(self, *cells: Cell) -> None:
        """Append a row."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{self.title}: {len(cells)} cells for {len(self.columns)} columns: {cells!r}")
        self.rows.append(cells)

    def text(self) -> str:
        """Return the table for a terminal."""
        lines = [tuple(self.columns), *(tuple(map(_written, row)) for row in self.rows)]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        drawn = ["  ".join([line[0].ljust(widths[0]), *map(str.rjust, line[1:], widths[1:])]) for line in lines]
        drawn.insert(1, "-" * len(drawn[0]))
        return "\n".join([self.title, *(f"  {line}".rstrip() for line in drawn), f"  ({self.note})"])

    def to_json(self) -> dict[str, Any]:
        """Return the table as a document."""
        return asdict(self)


def bounded(most: int, *, least: int, seconds: float) -> Iterator[int]:
    """Count `most` rounds, fewer when they take longer than `seconds`, but `least` in any case."""
    end = time.perf_counter() + seconds
    for number in range(most):
        if number >= least and time.perf_counter() > end:
            return
        yield number


def in_turns(calls: Mapping[str, Callable[[], object]], *, rounds: int, seconds: float) -> dict[str, Times]:
    """Time calls in turns, so that what disturbs the machine disturbs all of them.

    Parameters
    ----------
    calls : Mapping
        Each is made once before it counts. In its turn it is made again and again for a fiftieth of a second: a short
        one that follows a long one would find the processor's caches full of the other's data.
    rounds : int
        Turns of each, at most.
    seconds : float
        After which no new round begins; the first three do.
    """
    for call in calls.values():
        call()
    taken: dict[str, list[float]] = {name: [] for name in calls}
    gc.collect()
    for _ in bounded(rounds, least=3, seconds=seconds):
        for name, call in calls.items():
            taken[name].extend(_turn(call))
    return {name: Times(tuple(ms)) for name, ms in taken.items()}


def _turn(call: Callable[[], object]) -> Iterator[float]:
    end = time.perf_counter() + _TURN
    while True:
        start = time.perf_counter()
        call()
        stop = time.perf_counter()
        yield (stop - start) * 1000
        if stop > end:
            return


def ratio(more: float, less: float) -> str:
    """Write how many times `less` is in `more`."""
    return f"{more / less:.1f} x"


def _written(cell: Cell) -> str:
    if cell is None:
        return ""
    if isinstance(cell, str):
        return cell
    return f"{cell:.0f}" if abs(cell) >= 100 else f"{cell:.3g}"
