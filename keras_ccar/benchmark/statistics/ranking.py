"""Which method of a comparison is best, and which cannot be told from it."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import pandas as pd

from keras_ccar.benchmark.statistics.paired import (
    CONFIDENCE_LEVEL,
    PairedDifference,
    corrected_p_values,
    mean_and_deviation,
    paired_difference,
)


@dataclass(frozen=True)
class Best:
    """The best method of a comparison.

    Attributes:
        method: its name.
        title: what tables call it.
        metric: the column that decided.
        mean: its mean over seeds on `measured_on`; in percent, but for a log loss.
        seeds: number of its finished seeds.
        chosen_on: the split on which it has the best mean: "validation" if all methods
            were measured on it.
        measured_on: the split that `mean` is of. If it is `chosen_on` too, the choice
            flatters the mean.
        ties: names of the methods that cannot be said to be worse than it.

    Example:
    ```python
    from keras_ccar.benchmark import Comparison

    best = Comparison.read("runs/digits-lt").best()
    print(best.title, best.mean, best.ties)
    ```
    """

    method: str
    title: str
    metric: str
    mean: float
    seeds: int
    chosen_on: str
    measured_on: str
    ties: tuple[str, ...]


@dataclass(frozen=True)
class Standing:
    """The place of one method.

    Attributes:
        name: name of the method.
        scores: Series over seeds, of the split that is quoted.
        deciding: Series over seeds, of the split that decides.
        difference: to the baseline, None for the baseline itself or if there is none.
        p: its p, corrected for the number of methods.
    """

    name: str
    scores: pd.Series
    deciding: pd.Series
    difference: PairedDifference | None = None
    p: float = np.nan

    def differs(self, sign: int) -> bool:
        """Whether it is surely above (1) or below (-1) the baseline."""
        if self.difference is None:
            return False
        return is_significant(self.p) and self.difference.mean * sign > 0


def is_significant(p: float) -> bool:
    """Whether a p, which may be NaN, excludes that there is no difference."""
    return bool(p < 1 - CONFIDENCE_LEVEL)


def rank(
    scores: Mapping[str, pd.Series],
    deciding: Mapping[str, pd.Series],
    baseline: str,
    lower_is_better: bool = False,
) -> list[Standing]:
    """Returns the methods in order, the best first.

    Methods that lack seeds which others finished come after those that do not, and
    methods without a finished run at the end. The baseline comes first among equals.

    Args:
        scores: Series over seeds by method, of the split that is quoted.
        deciding: Series over seeds by method, of the split that decides.
        baseline: name of the method that the others are compared with.
        lower_is_better: whether the numbers are errors.
    """
    others = [name for name in scores if name != baseline]
    differences: dict[str, PairedDifference] = {}
    if baseline in scores:
        differences = {
            name: paired_difference(scores[name], scores[baseline]) for name in others
        }
    corrected = corrected_p_values(list(differences.values()))
    p_values = dict(zip(differences, corrected, strict=True))
    standings = [
        Standing(
            name,
            scores[name].dropna(),
            deciding[name].dropna(),
            differences.get(name),
            p_values.get(name, np.nan),
        )
        for name in scores
    ]
    most = max((len(standing.deciding) for standing in standings), default=0)
    sign = 1 if lower_is_better else -1

    def place(standing: Standing) -> tuple[int, float, bool]:
        seeds = len(standing.deciding)
        group = 2 if not seeds else int(seeds < most)
        # Means that differ by rounding alone are equal.
        mean = round(sign * standing.deciding.mean(), 9) if seeds else 0.0
        return group, mean, standing.name != baseline

    return sorted(standings, key=place)


def find_ties(
    best: Standing, standings: list[Standing], lower_is_better: bool = False
) -> tuple[str, ...]:
    """Returns the methods that cannot be said to be worse than the best, in order.

    The differences to the best are corrected for their number. About the baseline the
    difference of the best to it decides, so that both say the same.
    """
    others = [
        standing
        for standing in standings
        if standing is not best and len(standing.scores)
    ]
    differences = [paired_difference(best.scores, other.scores) for other in others]
    corrected = corrected_p_values(differences)
    sign = -1 if lower_is_better else 1
    ties = []
    for other, difference, p in zip(others, differences, corrected, strict=True):
        is_worse = is_significant(p) and sign * difference.mean > 0
        if other.difference is None and best.difference is not None:
            is_worse = best.differs(sign)
        if best.difference is None and other.difference is not None:
            is_worse = other.differs(-sign)
        if not is_worse:
            ties.append(other.name)
    return tuple(ties)


def summary_table(standings: list[Standing]) -> pd.DataFrame:
    """Returns a row per method, in order.

    `difference` is that to the baseline over the seeds of both, `low` and `high` are
    the ends of its interval, and `p` is corrected.
    """
    rows = []
    for standing in standings:
        mean, deviation = mean_and_deviation(standing.scores)
        difference = standing.difference or PairedDifference(np.nan, 0)
        rows.append(
            {
                "method": standing.name,
                "seeds": len(standing.scores),
                "mean": mean,
                "sd": deviation,
                "difference": difference.mean,
                "low": difference.low,
                "high": difference.high,
                "p": standing.p,
            }
        )
    return pd.DataFrame(rows)
