"""A child that measures the peak of memory of one way, by a question each; ncdjango's interpreter runs it too.

``python -m benchmarks.expression_child ours|ncdjango FOLDER``
"""

import sys
from pathlib import Path
from typing import Any

from benchmarks import expression_cases as cases
from benchmarks.ncdjango_peer import answer, set_up

_SMALL = 64
_WARM = 2  # calls with small arrays: what is imported or compiled only once
_KEPT: dict[str, Any] = {}


def main() -> None:
    """Answer ``{"case", "way", "side"}``, or ``{"case": "file", "way", "path", "small"}``, with ``{"bytes"}``."""
    whose, folder = sys.argv[1:]
    if whose == "ncdjango":
        set_up(Path(folder))
    answer(_compute_there if whose == "ncdjango" else _measure)


def _compute_there(question: dict[str, Any]) -> dict[str, Any]:
    """Compute with ncdjango on arrays that are kept from one question to the next."""
    import numpy as np
    from ncdjango.geoprocessing.evaluation import Parser

    case = cases.CASES[question["case"]]
    if _KEPT.get("question") != question:
        arrays = case.arrays(question["side"])
        values = {name: np.ma.masked_invalid(array) for name, array in arrays.items()}
        _KEPT.update(question=question, values=values, parser=Parser())
    before = _reset()
    with np.errstate(all="ignore"):
        result = _KEPT["parser"].evaluate(case.text, _KEPT["values"])
    return {"bytes": _peak() - before - _size(result)}


def _measure(question: dict[str, Any]) -> dict[str, Any]:
    if question["case"] == "file":
        way = {"geojobs_lab": cases.our_file, **cases.FILE_PEERS}[question["way"]]
        small, large = {"path": question["small"]}, {"path": question["path"]}
    else:
        case = cases.CASES[question["case"]]
        way = {"geojobs_lab": cases.ours(case), **case.peers}[question["way"]]
        small, large = case.arrays(_SMALL), case.arrays(question["side"])
    for _ in range(_WARM):
        way(small)
    before = _reset()
    result = way(large)
    return {"bytes": _peak() - before - _size(result)}


def _size(result: Any) -> int:
    mask = getattr(result, "mask", None)
    return int(getattr(result, "nbytes", 0) + getattr(mask, "nbytes", 0))


def _reset() -> int:
    """Begin to look for a new peak, and return the memory in use."""
    Path("/proc/self/clear_refs").write_text("5", encoding="ascii")
    return _status("VmRSS")


def _peak() -> int:
    return _status("VmHWM")


def _status(name: str) -> int:
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith(name))


if __name__ == "__main__":
    main()
