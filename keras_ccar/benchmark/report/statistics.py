"""Statistics over runs: means, deviations, and differences paired by seed."""

from dataclasses import dataclass

import numpy as np
import pandas as pd
from scipy import stats

CONFIDENCE_LEVEL = 0.95
# Points that only rounding makes of numbers that are equal.
_ROUNDING = 1e-9


@dataclass(frozen=True)
class PairedDifference:
    """The mean over seeds of `method - baseline`, each seed against itself.

    Attributes:
        mean: mean difference, in points.
        low: lower end of the confidence interval; NaN where there is none: with
            fewer than two seeds, or where all differ by the very same amount, of
            which no spread can be estimated. No difference with any seed is none.
        high: upper end of it.
        seeds: number of seeds that both methods finished.
    """

    mean: float
    low: float
    high: float
    seeds: int

    @property
    def has_interval(self):
        """Whether the seeds allowed for an interval."""
        return not np.isnan(self.low)

    @property
    def includes_zero(self):
        """Whether the interval allows that there is no difference."""
        return self.low <= 0 <= self.high


def paired_difference(values, baseline):
    """Returns the paired difference between two methods, with a t interval.

    Args:
        values: dict or Series of one number a seed.
        baseline: the same of the method to compare with.

    Returns:
        A `PairedDifference` over the seeds that both have.
    """
    values = pd.Series(values, dtype="float64").dropna()
    baseline = pd.Series(baseline, dtype="float64").dropna()
    differences = (values - baseline).dropna().to_numpy()
    count = len(differences)
    if count == 0:
        return PairedDifference(np.nan, np.nan, np.nan, 0)
    mean = differences.mean()
    if count == 1:
        return PairedDifference(mean, np.nan, np.nan, 1)
    deviation = differences.std(ddof=1)
    if deviation < _ROUNDING:
        if abs(mean) < _ROUNDING:
            return PairedDifference(0.0, 0.0, 0.0, count)
        return PairedDifference(mean, np.nan, np.nan, count)
    quantile = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, count - 1)
    reach = quantile * deviation / np.sqrt(count)
    return PairedDifference(mean, mean - reach, mean + reach, count)


@dataclass(frozen=True)
class PairedRatio:
    """The ratio of two mean differences over the same seeds.

    Attributes:
        value: the ratio of the means.
        low: lower end of its confidence interval; NaN where there is none.
        high: upper end of it.
        seeds: number of seeds.
    """

    value: float
    low: float
    high: float
    seeds: int


def paired_ratio(part, whole):
    """Returns what share of one mean difference another one is.

    The interval is Fieller's (1954): every share `r` for which the mean of
    `part - r * whole` does not differ from zero by a t test. It has two ends only
    where the mean of `whole` itself differs from zero.

    Args:
        part: one difference a seed, a Series.
        whole: the same of the whole, by the same seeds.

    Returns:
        A `PairedShare`.
    """
    part = part.to_numpy(dtype="float64")
    whole = whole.to_numpy(dtype="float64")
    count = len(part)
    value = part.mean() / whole.mean() if whole.mean() else np.nan
    if count < 2:
        return PairedRatio(value, np.nan, np.nan, count)
    covariance = np.cov(part, whole) / count
    quantile = stats.t.ppf((1 + CONFIDENCE_LEVEL) / 2, count - 1)
    # (mean part - r mean whole)^2 <= t^2 var(part - r whole), quadratic in r.
    square = whole.mean() ** 2 - quantile**2 * covariance[1, 1]
    half = part.mean() * whole.mean() - quantile**2 * covariance[0, 1]
    constant = part.mean() ** 2 - quantile**2 * covariance[0, 0]
    if square <= 0:
        return PairedRatio(value, np.nan, np.nan, count)
    reach = np.sqrt(max(half**2 - square * constant, 0))
    return PairedRatio(value, (half - reach) / square, (half + reach) / square, count)


def mean_and_deviation(values):
    """Returns mean and sample standard deviation, NaN where there is none.

    Args:
        values: one number a seed; NaNs are left out.
    """
    values = np.asarray(values, dtype="float64")
    values = values[~np.isnan(values)]
    mean = values.mean() if values.size else np.nan
    deviation = values.std(ddof=1) if values.size > 1 else np.nan
    return float(mean), float(deviation)
