"""The limits of a stretch as JSON gives them: values, percentiles or deviations, or what the data have.

Owns the options of a stretched renderer that go with ``colormap``; what the data have is asked for only where they do
not say.
"""

from collections.abc import Callable, Mapping
from typing import Any

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.distribution import (
    DEVIATIONS,
    PERCENTILES,
    Distribution,
    checked_deviations,
    checked_percentiles,
)
from geojobs_lab.renderers.stretches import LINEAR, LOG, STRETCHES
from geojobs_lab.renderers.values import real_number, shown

PERCENTILE, DEVIATION = "percentile", "standard-deviation"  # linear, with limits that the data give
LIMITS = ("colormap", "vmin", "vmax", "pmin", "pmax", "deviations")


def read_limits(
    stretch: Any, options: Mapping[str, Any], distribution: Callable[[], Distribution] | None
) -> tuple[str, float, float]:
    """Return the kind of stretch, where it begins and where it ends.

    Parameters
    ----------
    stretch : str
        One of `STRETCHES`, or ``"percentile"`` or ``"standard-deviation"``.
    options : Mapping
        `LIMITS`, None where they are left out.
    distribution : callable, optional
        Looks at the data.

    Raises
    ------
    RendererNotValid
        They are wrong, contradict each other, or need data where there are none to look at.
    """
    if not isinstance(stretch, str) or stretch not in (*STRETCHES, PERCENTILE, DEVIATION):
        known = ", ".join(map(repr, (*STRETCHES, PERCENTILE, DEVIATION)))
        raise RendererNotValid(
            f"renderer: stretch is {shown(stretch)}, not one of {known}", value=stretch, option="stretch"
        )
    _refuse_contradictions(stretch, options)
    kind = stretch if stretch in STRETCHES else LINEAR
    low, high = (
        None if options[name] is None else float(real_number(options[name], name)) for name in ("vmin", "vmax")
    )
    below, above = checked_percentiles(options["pmin"], options["pmax"])
    if stretch == PERCENTILE:
        below, above = checked_percentiles(
            PERCENTILES[0] if below is None else below, PERCENTILES[1] if above is None else above
        )
    deviations = options["deviations"]
    if deviations is not None or stretch == DEVIATION:
        deviations = checked_deviations(DEVIATIONS if deviations is None else deviations)
    if low is not None and high is not None:
        return kind, low, high
    if distribution is None:
        missing = "vmin" if low is None else "vmax"
        raise RendererNotValid(
            f"renderer: without data to look at the option colormap needs the option {missing}",
            value=options["colormap"],
            option=missing,
        )
    first, last = distribution().limits((below, above), deviations, positive=kind == LOG)
    if low is not None:  # whatever the data have, a ramp that was given one end does not turn about
        return kind, low, last if last > low else low
    if high is not None:
        return kind, first if first < high else high, high
    return kind, first, last


def _refuse_contradictions(stretch: str, options: Mapping[str, Any]) -> None:
    given = {name for name, value in options.items() if value is not None}
    for one, other in (("vmin", "pmin"), ("vmax", "pmax"), ("deviations", "pmin"), ("deviations", "pmax")):
        if {one, other} <= given:
            raise RendererNotValid(
                f"renderer: there are {one} and {other}: give one of them",
                value=[options[one], options[other]],
                option=one,
            )
    wrong = {PERCENTILE: {"deviations"}, DEVIATION: {"pmin", "pmax"}}.get(stretch, set()) & given
    for name in sorted(wrong):
        raise RendererNotValid(
            f"renderer: {name} does not go with the stretch {stretch!r}", value=options[name], option=name
        )
