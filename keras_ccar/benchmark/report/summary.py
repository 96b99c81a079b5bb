"""Scores and differences as tables of text."""

import numpy as np

from keras_ccar.benchmark.comparison import METRICS
from keras_ccar.benchmark.report.statistics import mean_and_deviation, paired_difference


def format_signed(value, digits=2):
    """Returns a number with its sign, and a minus that is as wide as the plus.

    Args:
        value: the number.
        digits: digits after the point.
    """
    return f"{value:+.{digits}f}".replace("-", "\N{MINUS SIGN}")


def score_rows(comparison, digits=2):
    """Returns the table of scores as text.

    Args:
        comparison: the `Comparison`.
        digits: digits after the point.

    Returns:
        A list of rows, the header first: a method a row, a metric a column, each
        cell mean ± standard deviation over seeds.
    """
    table = comparison.finished
    columns = [*METRICS, "mean_weight", "seconds"]
    header = ["method", "seeds", *METRICS.values(), "mean weight", "seconds"]
    rows = [header]
    for method in comparison.methods:
        own = table[table["method"] == method["name"]]
        # Weights are near 1: with fewer digits they would all look alike.
        cells = [
            score_text(own[column], 2 if column == "mean_weight" else digits)
            for column in columns
        ]
        rows.append([method["title"], str(len(own)), *cells])
    return rows


def difference_rows(comparison, baseline="ce", digits=2):
    """Returns the table of paired differences to a baseline as text.

    Args:
        comparison: the `Comparison`.
        baseline: name of the method to compare with.
        digits: digits after the point.

    Returns:
        A list of rows, the header first: a method a row, a metric a column, each
        cell the mean difference and its confidence interval. Empty if the baseline
        or anything to compare it with is missing.
    """
    names = [method["name"] for method in comparison.methods]
    if baseline not in names or len(names) < 2:
        return []
    rows = [["method", *METRICS.values()]]
    for method in comparison.methods:
        if method["name"] == baseline:
            continue
        cells = [
            difference_text(
                paired_difference(
                    comparison.by_seed(method["name"], metric),
                    comparison.by_seed(baseline, metric),
                ),
                digits,
            )
            for metric in METRICS
        ]
        rows.append([method["title"], *cells])
    return rows


def score_text(values, digits=2):
    """Returns mean ± standard deviation as text.

    Args:
        values: one number a seed; NaNs are left out.
        digits: digits after the point.
    """
    mean, deviation = mean_and_deviation(values)
    if np.isnan(mean):
        return "–"
    if np.isnan(deviation):
        return f"{mean:.{digits}f}"
    return f"{mean:.{digits}f} ± {deviation:.{digits}f}"


def difference_text(difference, digits=2):
    """Returns a difference and its confidence interval as text.

    Args:
        difference: a `PairedDifference`.
        digits: digits after the point.
    """
    if not difference.seeds:
        return "–"
    mean = format_signed(difference.mean, digits)
    if not difference.has_interval:
        return mean
    low, high = (
        format_signed(difference.low, digits),
        format_signed(difference.high, digits),
    )
    return f"{mean} [{low}, {high}]"
