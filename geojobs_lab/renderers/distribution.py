"""What a renderer may want to know of the data: their range, mean and deviation, and a sample for percentiles.

Owns the limits of a stretch that are taken from the data. Reading the data is the work of whoever asks for a renderer.
"""

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from geojobs_lab.errors import RendererNotValid
from geojobs_lab.renderers.values import LARGEST, number, real_number, shown

if TYPE_CHECKING:
    from geojobs_lab.rasters import Summary

PERCENTILES = (2.0, 98.0)  # what a stretch between percentiles leaves out when none are given
DEVIATIONS = 2.0  # standard deviations about the mean when no number is given


@dataclass(frozen=True, slots=True, eq=False)
class Distribution:
    """How the finite values of a raster lie.

    Attributes
    ----------
    count : int
        How many there are; without any the numbers below are NaN.
    low, high, mean, std : float
        Least, greatest, mean, and standard deviation of the population.
    least_positive : float
        The least value above 0, NaN where there is none: where a logarithm begins.
    sample : array, (n,)
        All of them, or so many that percentiles can be told.
    """

    count: int
    low: float
    high: float
    mean: float
    std: float
    least_positive: float
    sample: NDArray[Any]

    @classmethod
    def of(cls, values: ArrayLike, fill_value: float | None = None) -> Self:
        """Look at the values of an array, those that are masked, not finite or equal to the fill value left out."""
        found = values.compressed() if isinstance(values, np.ma.MaskedArray) else np.asarray(values)
        kept = np.isfinite(found)
        if fill_value is not None:
            kept &= found != fill_value
        found = found[kept]
        if not found.size:
            return cls(0, math.nan, math.nan, math.nan, math.nan, math.nan, found.astype(np.float64))
        positive = found[found > 0]
        with np.errstate(over="ignore", invalid="ignore"):  # of the squares of numbers near the end of floats
            mean, std = float(found.mean(dtype=np.float64)), float(found.std(dtype=np.float64))
        return cls(
            count=found.size,
            low=float(found.min()),
            high=float(found.max()),
            mean=mean,
            std=std,
            least_positive=float(positive.min()) if positive.size else math.nan,
            sample=found,
        )

    @classmethod
    def from_summary(cls, summary: "Summary") -> Self:
        """Take what was found when a file was read."""
        if not summary.count:
            return cls.of(np.empty(0))
        return cls(
            count=summary.count,
            low=float(summary.low),
            high=float(summary.high),
            mean=summary.mean,
            std=summary.std,
            least_positive=summary.least_positive if math.isfinite(summary.least_positive) else math.nan,
            sample=summary.sample,
        )

    def percentile(self, percent: float, *, positive: bool = False) -> float:
        """Return a percentile of the sample, of its values above 0 where `positive`; NaN without any."""
        sample = self.sample[self.sample > 0] if positive else self.sample
        return float(np.percentile(sample, percent)) if sample.size else math.nan

    def limits(
        self,
        percentiles: tuple[float | None, float | None] = (None, None),
        deviations: float | None = None,
        *,
        positive: bool = False,
    ) -> tuple[float, float]:
        """Return where a stretch begins and ends.

        Parameters
        ----------
        percentiles : (float or None, float or None)
            Percent, 0..100; None is the least and the greatest value.
        deviations : float, optional
            So many standard deviations below and above the mean, but not beyond the range of the values.
        positive : bool
            Whether values above 0 count only.

        Returns
        -------
        tuple of float
            NaN where there are no values; not beyond what a renderer takes.
        """
        least = self.least_positive if positive else self.low
        greatest = self.high if not positive or self.high > 0 else math.nan
        if deviations is not None:
            least, greatest = (
                max(least, self.mean - deviations * self.std),
                min(greatest, self.mean + deviations * self.std),
            )
        below, above = percentiles
        if below is not None:
            least = self.percentile(below, positive=positive)
        if above is not None:
            greatest = self.percentile(above, positive=positive)
        low, high = np.clip([least, greatest], -LARGEST, LARGEST).tolist()
        return low, max(low, high)  # a mean far above a few positive values


def checked_percentiles(low: Any, high: Any) -> tuple[float | None, float | None]:
    """Return two percentiles, refusing those that do not rise within 0..100; None is left as it is."""
    first, last = (
        None if value is None else float(number(value, name)) for value, name in ((low, "pmin"), (high, "pmax"))
    )
    if not 0 <= (0 if first is None else first) < (100 if last is None else last) <= 100:
        raise RendererNotValid(
            f"renderer: the percentiles {shown(low)} and {shown(high)} do not rise within 0..100",
            value=(low, high),
            option="pmin" if low is not None else "pmax",
        )
    return first, last


def checked_deviations(value: Any) -> float:
    """Return a number of standard deviations above 0."""
    found = float(real_number(value, "deviations"))
    if not found > 0:
        raise RendererNotValid(
            f"renderer: {shown(value)} deviations, which is not above 0", value=value, option="deviations"
        )
    return found
