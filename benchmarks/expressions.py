"""Expressions on large arrays and files, beside numpy alone and in blocks, numexpr, numba, dask, numpy.ma and ncdjango.

Times are taken in this process, those of ncdjango in a process of its own environment; peaks of memory in fresh ones.
"""

import importlib.util
import sys
import tempfile
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks import expression_cases as cases
from benchmarks.measure import Table, Times, in_turns, ratio
from benchmarks.ncdjango_peer import Ask, NotInstalled, child, interpreter

SIDE = 8000
_FILE_SIDE = 4000
_ROUNDS, _SECONDS = 7, 12.0
_MODULE = "benchmarks.expression_child"
_NEEDED = {"numexpr": "numexpr", "numba": "numba", "dask.array": "dask", "xarray + dask": "dask"}
_OURS, _THEIRS = "geojobs_lab", "ncdjango 1.5"


def measure() -> list[Table]:
    """Measure times and memory of each expression."""
    with tempfile.TemporaryDirectory(prefix="geojobs-bench-") as folder, ExitStack() as stack:
        ask = _ncdjango(stack, folder)
        with np.errstate(all="ignore"):
            tables = [_case(name, case, ask) for name, case in cases.CASES.items()]
        return [*tables, _file(Path(folder)), _small()]


def _ncdjango(stack: ExitStack, folder: str) -> Ask | None:
    try:
        return stack.enter_context(child(_MODULE, "ncdjango", folder, python=interpreter()))
    except NotInstalled as error:
        print(f"Without ncdjango: {error}", file=sys.stderr)
        return None


def _case(name: str, case: cases.Case, ask: Ask | None) -> Table:
    table = Table(
        f"{case.title}: {case.text}, n = {SIDE}, float32: ms, MB",
        "the ratios are of medians; 'given' writes into memory that is there already, all others, ours too, pay for "
        "new pages; memory is the peak beyond arrays and result",
        ("", "p50", "best", "to ours", "MB"),
    )
    values = case.arrays(SIDE)
    ways = {_OURS: cases.ours(case), **_installed(case.peers)}
    calls: dict[str, Callable[[], object]] = {way: partial(function, values) for way, function in ways.items()}
    memory = {way: _memory({"case": name, "way": way, "side": SIDE}) for way in ways}
    if ask is not None and case.in_ncdjango:
        question = {"case": name, "side": SIDE}
        calls[_THEIRS] = partial(ask, question)
        memory[_THEIRS] = ask(question)["bytes"] / 2**20
    _fill(table, in_turns(calls, rounds=_ROUNDS, seconds=_SECONDS), memory)
    return table


def _file(folder: Path) -> Table:
    table = Table(
        f"two bands of a deflated NetCDF file: (nir - red) / (nir + red), {_FILE_SIDE} x {_FILE_SIDE} float32: ms, MB",
        "opened, read and computed; memory is the peak beyond the result",
        ("", "p50", "best", "to ours", "MB"),
    )
    small, large = folder / "small.nc", folder / "large.nc"
    cases.write_file(small, 100)
    cases.write_file(large, _FILE_SIDE)
    ways = {_OURS: cases.our_file, **_installed(cases.FILE_PEERS)}
    calls: dict[str, Callable[[], object]] = {
        way: partial(function, {"path": str(large)}) for way, function in ways.items()
    }
    question = {"case": "file", "path": str(large), "small": str(small)}
    memory = {way: _memory({**question, "way": way}) for way in ways}
    _fill(table, in_turns(calls, rounds=_ROUNDS, seconds=_SECONDS), memory)
    return table


def _small() -> Table:
    table = Table(
        "arrays of 1000 float64: microseconds",
        "nothing is shared out among threads",
        ("", "geojobs_lab", "numpy"),
    )
    random = np.random.default_rng(0)
    values = {name: random.random(1000) for name in ("nir", "red")}
    with np.errstate(all="ignore"):
        for name in ("index", "anomaly", "where"):
            case = cases.CASES[name]
            calls: dict[str, Callable[[], object]] = {
                "ours": partial(cases.ours(case), values),
                "numpy": partial(case.peers["numpy"], values),
            }
            times = in_turns(calls, rounds=10, seconds=2)
            table.add(case.text, times["ours"].p50 * 1000, times["numpy"].p50 * 1000)
    return table


def _fill(table: Table, times: Mapping[str, Times], memory: Mapping[str, float]) -> None:
    for way, taken in times.items():
        table.add(way, taken.p50, min(taken.ms), ratio(taken.p50, times[_OURS].p50), memory[way])


def _installed(peers: Mapping[str, cases.Way]) -> dict[str, cases.Way]:
    return {way: function for way, function in peers.items() if _is_there(_NEEDED.get(way))}


def _is_there(package: str | None) -> bool:
    return package is None or importlib.util.find_spec(package) is not None


def _memory(question: dict[str, Any]) -> float:
    """Return the peak of memory of one way in a process of its own, in MB."""
    with child(_MODULE, "ours", "", python=Path(sys.executable)) as ask:
        megabytes: float = ask(question)["bytes"] / 2**20
        return megabytes
