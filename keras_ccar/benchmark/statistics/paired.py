"""Statistics over runs: means, deviations, and differences paired by seed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE_LEVEL = 0.95
# Differences below this many points come from rounding alone.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PairedDifference:
    """The mean over seeds of `method - baseline`, each seed paired with itself.

    There is neither an interval nor a `p` with fewer than two seeds, nor if all seeds
    differ by the same amount, which leaves no spread to estimate: they are NaN then.
    `seeds` counts the seeds that both methods finished. `p` is that of the paired t
    test that the mean is zero.
    """

    mean: float
    seeds: int
    low: float = np.nan
    high: float = np.nan
    p: float = np.nan

    @property
    def has_interval(self) -> bool:
        """Whether there is a confidence interval."""
        return not np.isnan(self.low)

    @property
    def is_nothing(self) -> bool:
        """Whether the two have the same numbers in every seed."""
        return self.seeds > 0 and self.mean == 0 and not self.has_interval

    @property
    def includes_zero(self) -> bool:
        """Whether the interval includes zero: there may be no difference."""
        return self.low <= 0 <= self.high


def paired_difference(
    values: Mapping[int, float], baseline: Mapping[int, float]
) -> PairedDifference:
    """Returns the difference between two methods by seed, with Student's t interval."""
    ours, theirs = (pd.Series(of, dtype="float64") for of in (values, baseline))
    differences = (ours - theirs).dropna().to_numpy()
    count = len(differences)
    mean = differences.mean() if count else np.nan
    if count and np.abs(differences).max() < _ROUNDING:
        return PairedDifference(0.0, count)
    if count < 2 or differences.std(ddof=1) < _ROUNDING:
        return PairedDifference(mean, count)
    test = stats.ttest_1samp(differences, 0)
    interval = test.confidence_interval(CONFIDENCE_LEVEL)
    return PairedDifference(mean, count, interval.low, interval.high, test.pvalue)


def corrected_p_values(differences: Sequence[PairedDifference]) -> list[float]:
    """Returns the p of each difference, corrected by Holm (1979) for their number.

    A difference without a p has none, and does not count. Differences with the same
    numbers, as those of two methods that compute the same, count once.
    """
    counted = {found for found in differences if not np.isnan(found.p)}
    different = sorted(counted, key=lambda found: found.p)
    corrected: dict[PairedDifference, float] = {}
    largest = 0.0
    for rank, found in enumerate(different):
        largest = min(1.0, max(largest, (len(different) - rank) * found.p))
        corrected[found] = largest
    return [corrected.get(found, np.nan) for found in differences]


class PairedRatio(NamedTuple):
    """The ratio of two mean differences, and its interval: NaN if there is none."""

    value: float
    low: float = np.nan
    high: float = np.nan


def paired_ratio(part: Any, whole: Any) -> PairedRatio:
    """Returns the ratio of two mean differences, with Fieller's interval (1954).

    The interval holds every ratio `r` for which a t test does not tell the mean of
    `part - r * whole` from zero. It is bounded only if the mean of `whole` itself
    differs from zero. `part` and `whole` are Series over the same seeds.
    """
    part, whole = (of.to_numpy(dtype="float64") for of in (part, whole))
    count = len(part)
    value = part.mean() / whole.mean() if whole.mean() else np.nan
    if count < 2:
        return PairedRatio(value)
    covariance = np.cov(part, whole) / count
    quantile = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, count - 1)
    # (mean part - r mean whole)^2 <= t^2 var(part - r whole), quadratic in r.
    square = whole.mean() ** 2 - quantile**2 * covariance[1, 1]
    half = part.mean() * whole.mean() - quantile**2 * covariance[0, 1]
    constant = part.mean() ** 2 - quantile**2 * covariance[0, 0]
    if square <= 0:
        return PairedRatio(value)
    reach = np.sqrt(max(half**2 - square * constant, 0))
    return PairedRatio(value, (half - reach) / square, (half + reach) / square)


def mean_and_deviation(values: Any) -> tuple[float, float]:
    """Returns mean and sample standard deviation over seeds, without NaNs.

    Each is NaN if there are too few values.
    """
    values = pd.Series(values, dtype="float64")
    return float(values.mean()), float(values.std())
