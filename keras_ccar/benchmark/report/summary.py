"""Scores, ranks, costs and differences as tables of text, the header first."""

from typing import Any

import numpy as np

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.sentences.wording import format_p, format_signed
from keras_ccar.benchmark.statistics.columns import describe_column
from keras_ccar.benchmark.statistics.paired import (
    PairedDifference,
    mean_and_deviation,
    paired_difference,
)

# Of what is no percentage, such as the log loss and Keras's metrics.
DIGITS_OF_NUMBERS = 4
# Two accuracies closer than this are equal but for the rounding of floats.
_ROUNDING = 1e-4


def shown_metrics(comparison: Comparison) -> dict[str, str]:
    """Returns the titles of the columns that tables show.

    On test data with as many examples of each class, top-1 and balanced accuracy are
    the same number, which stands once.
    """
    metrics = dict(comparison.metrics)
    if {"top1", "balanced"} <= metrics.keys():
        found = comparison.finished
        apart = (found["top1"] - found["balanced"]).abs()
        if len(found) and (apart < _ROUNDING).all():
            both = {"balanced": f"{metrics.pop('top1')} = {metrics.pop('balanced')}"}
            return both | metrics
    return metrics


def baseline_title(comparison: Comparison) -> str:
    """Returns the title of the baseline; "" if it is not among the methods."""
    titles = {method["name"]: method["title"] for method in comparison.methods}
    return titles.get(comparison.baseline, "")


def rank_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per method, the best first: score, difference to the baseline, p.

    There are no rows if no method has a finished run.
    """
    standings = comparison.ranking()
    titles = {method["name"]: method["title"] for method in comparison.methods}
    if not any(len(standing.scores) for standing in standings):
        return []
    metric = describe_column(comparison.metric, comparison.metrics).title
    is_apart = comparison.chosen_on != comparison.split
    header = ["method", "seeds", metric]
    if is_apart:
        header[2:] = [f"{metric}, {name}" for name in ("validation", "test")]
    against = baseline_title(comparison)
    if against:
        header += [f"to {against} [95 %]", "p (Holm)"]
    digits = digits_of(comparison, comparison.metric, digits)
    rows = [header]
    for standing in standings:
        row = [titles[standing.name], str(len(standing.scores))]
        if is_apart:
            row.append(score_text(standing.deciding, digits))
        row.append(score_text(standing.scores, digits))
        if against:
            difference = standing.difference
            text = "–" if difference is None else difference_text(difference, digits)
            row += [text, format_p(standing.p)]
        rows.append(row)
    return rows


def cost_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per metric: what the best method changes against the baseline.

    There are no rows if the best is the baseline, or one of them has no finished run.
    """
    try:
        best = comparison.best()
    except ValueError:
        return []
    baseline = comparison.baseline
    if best.method == baseline or not comparison.finished_runs(baseline):
        return []
    rows = [["", baseline_title(comparison), best.title, "difference [95 %]"]]
    for metric, title in shown_metrics(comparison).items():
        ours, theirs = (
            comparison.by_seed(name, metric) for name in (best.method, baseline)
        )
        shown = digits_of(comparison, metric, digits)
        cells = [score_text(theirs, shown), score_text(ours, shown)]
        difference = difference_text(paired_difference(ours, theirs), shown)
        rows.append([title, *cells, difference])
    return rows


def score_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per method: mean ± standard deviation of every metric."""
    finished = comparison.finished
    metrics = shown_metrics(comparison)
    has_weights = bool(finished["mean_weight"].notna().any())
    weight = ["mean weight"] if has_weights else []
    asked = comparison.user_metrics
    rows = [["method", "seeds", *metrics.values(), *asked, *weight, "seconds"]]
    for method in comparison.methods:
        name = method["name"]
        own = finished[finished["method"] == name]
        cells = [
            score_text(own[metric], digits_of(comparison, metric, digits))
            for metric in metrics
        ]
        cells += [
            score_text(own[metric], digits_of(comparison, metric)) for metric in asked
        ]
        if has_weights:
            # They are close to 1: with fewer digits they would all look alike.
            cells.append(score_text(own["mean_weight"]))
        cells.append(score_text(own["seconds"], digits))
        rows.append([method["title"], str(len(own)), *cells])
    return rows


def difference_rows(comparison: Comparison, digits: int = 2) -> list[list[str]]:
    """Returns a row per method: paired difference to the baseline of every metric.

    There are no rows without the baseline, or without another method.
    """
    titles = {method["name"]: method["title"] for method in comparison.methods}
    baseline = comparison.baseline
    if titles.pop(baseline, None) is None or not titles:
        return []
    metrics = shown_metrics(comparison)
    rows = [["method", *metrics.values()]]
    for name, title in titles.items():
        cells = []
        for metric in metrics:
            ours, theirs = (comparison.by_seed(of, metric) for of in (name, baseline))
            shown = digits_of(comparison, metric, digits)
            cells.append(difference_text(paired_difference(ours, theirs), shown))
        rows.append([title, *cells])
    return rows


def digits_of(comparison: Comparison, metric: str, digits: int = 2) -> int:
    """Returns how many decimals a metric is shown with, of percentages `digits`."""
    column = describe_column(metric, comparison.metrics)
    return digits if column.is_percent else DIGITS_OF_NUMBERS


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
    if difference.is_nothing:
        return "equal"
    mean = format_signed(difference.mean, digits)
    if not difference.has_interval:
        return mean
    low = format_signed(difference.low, digits)
    return f"{mean} [{low}, {format_signed(difference.high, digits)}]"
