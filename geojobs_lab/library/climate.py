"""Climate statistics over a time axis, in whatever calendar it is written."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from geojobs_lab.errors import ParameterNotValidError, RunError
from geojobs_lab.tasks import task, track

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from geojobs_lab.rasters import Raster

_FIELDS = ("year", "month", "day", "hour", "minute", "second")
_RANGES = (range(-(10**9), 10**9), range(1, 13), range(1, 32), range(24), range(60), range(61))
_DATE = re.compile(r"([+-]?\d{4,})(?:-(\d\d)(?:-(\d\d)(?:[T ](\d\d)(?::(\d\d)(?::(\d\d)(?:\.\d+)?)?)?Z?)?)?)?")
_CELLS_AT_ONCE = 4_000_000  # numbers held of the period at one time: 32 MB as float64

Moment = tuple[int, ...]  # year, month, ... as far as they are known


@task(name="climate:period_mean", title="Mean over a period")
def period_mean(data: Raster, start: str, end: str) -> Raster:
    """Average a raster over the time steps of a period, each step counting alike.

    Parameters
    ----------
    data : Raster
        A raster with a time axis, in any calendar.
    start : str
        The first year, month, day or second of the period, such as 1961 or 1961-06.
    end : str
        The last one, included: 1990 means all of that year.

    Returns
    -------
    mean : Raster
        The mean of each cell over the steps that have a value there.
    """
    dim, moments = _time_axis(data)
    first, last = _read_moment("start", start), _read_moment("end", end)
    steps = [n for n, at in enumerate(moments) if at[: len(first)] >= first and at[: len(last)] <= last]
    if not steps:
        raise RunError(
            f"no time step of {data.name or 'the raster'} lies in {start} to {end}: its {len(moments)} steps "
            f"go from {_iso(min(moments))} to {_iso(max(moments))}"
        )
    mean = data.isel({dim: 0}, drop=True).copy(data=_mean(data, dim, steps))
    methods = f"{dim}: mean (comment: {len(steps)} steps from {start} to {end})"
    mean.attrs = {key: value for key, value in data.attrs.items() if key != "actual_range"}
    mean.attrs["cell_methods"] = f"{data.attrs.get('cell_methods', '')} {methods}".strip()
    return mean


def _time_axis(data: Raster) -> tuple[str, list[Moment]]:
    """Return the time dimension and its steps as calendar fields, which order alike in every calendar."""
    for coordinate in sorted(data.coords.values(), key=lambda coordinate: coordinate.name not in data.dims):
        if len(coordinate.dims) == 1 and _is_time(coordinate):
            fields = [getattr(coordinate.dt, field).values.tolist() for field in _FIELDS]
            return str(coordinate.dims[0]), list(zip(*fields, strict=True))
    raise ParameterNotValidError(
        f"data: must be a raster with a time axis, not one with {dict(data.sizes)} (a reference with a time after "
        "'@' leaves a single step)",
        parameter="data",
    )


def _is_time(coordinate: Raster) -> bool:
    if coordinate.dtype.kind == "O" and coordinate.size:
        return hasattr(coordinate.values.flat[0], "calendar")  # cftime
    return coordinate.dtype.kind == "M"


def _read_moment(parameter: str, text: str) -> Moment:
    match = _DATE.fullmatch(text.strip())
    moment = tuple(int(part) for part in match.groups() if part is not None) if match else ()
    if not moment or not all(part in allowed for part, allowed in zip(moment, _RANGES, strict=False)):
        raise ParameterNotValidError(
            f"{parameter}: must be a date like '1961', '1961-06' or '1961-06-30T12:00', not {text!r}",
            parameter=parameter,
            value=text,
        )
    return moment


def _iso(moment: Moment) -> str:
    return "-".join(f"{part:0{4 if place == 0 else 2}d}" for place, part in enumerate(moment[:3]))


def _mean(data: Raster, dim: str, steps: list[int]) -> npt.NDArray[np.floating[Any]]:
    """Average in float64, a few steps at a time, so that a long series is never in memory as a whole."""
    import numpy as np

    at_once = max(1, _CELLS_AT_ONCE * data.sizes[dim] // max(data.size, 1))
    blocks = [steps[begin : begin + at_once] for begin in range(0, len(steps), at_once)]
    series = data.transpose(dim, ...)
    total = np.zeros(series.shape[1:])
    count = np.zeros(series.shape[1:], dtype=np.int64)
    for block in track(blocks, "averaging"):
        values = series.isel({dim: block}).values
        present = ~np.isnan(values)
        total += np.sum(values, axis=0, where=present, dtype=np.float64)
        count += present.sum(axis=0)
    mean: npt.NDArray[np.floating[Any]] = np.full(total.shape, np.nan)
    np.divide(total, count, out=mean, where=count > 0)
    return mean.astype(data.dtype) if data.dtype.kind == "f" else mean
