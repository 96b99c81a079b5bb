"""Scores and differences as tables of text, the header first."""

from typing import Any

import numpy as np

from keras_ccar.benchmark.comparison import METRICS, Comparison
from keras_ccar.benchmark.statistics.paired import (
    PairedDifference,
    mean_and_deviation,
    paired_difference,
)


def score_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per method: mean ± standard deviation of every metric."""
    finished = comparison.finished
    rows = [["method", "seeds", *METRICS.values(), "mean weight", "seconds"]]
    for method in comparison.methods:
        own = finished[finished["method"] == method["name"]]
        cells = [score_text(own[metric], digits) for metric in METRICS]
        # Mean weights are close to 1: with fewer digits they would all look alike.
        cells += [score_text(own["mean_weight"]), score_text(own["seconds"], digits)]
        rows.append([method["title"], str(len(own)), *cells])
    return rows


def difference_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per method: paired difference to cross-entropy of every metric.

    There are no rows without cross-entropy, or without another method.
    """
    titles = {method["name"]: method["title"] for method in comparison.methods}
    if titles.pop("ce", None) is None or not titles:
        return []
    rows = [["method", *METRICS.values()]]
    for name, title in titles.items():
        cells = []
        for metric in METRICS:
            ours, theirs = (comparison.by_seed(of, metric) for of in (name, "ce"))
            cells.append(difference_text(paired_difference(ours, theirs), digits))
        rows.append([title, *cells])
    return rows


def score_text(values: Any, digits: int = 2) -> str:
    """Returns mean ± standard deviation over seeds as text."""
    mean, deviation = mean_and_deviation(values)
    if np.isnan(mean):
        return "–"
    if np.isnan(deviation):
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def difference_text(difference: PairedDifference, digits: int = 2) -> str:
    """Returns a mean difference with its confidence interval as text."""
    if not difference.seeds:
        return "–"
    mean = format_signed(difference.mean, digits)
    if not difference.has_interval:
        return mean
    low = format_signed(difference.low, digits)
    return f"{mean} [{low}, {format_signed(difference.high, digits)}]"


def format_signed(value: float, digits: int = 2) -> str:
    """Returns a number with its sign, and a minus as wide as the plus."""
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")
