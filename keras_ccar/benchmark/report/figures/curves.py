"""Accuracy and confidence in the course of training."""

from typing import Any

import numpy as np

from keras_ccar.benchmark.comparison import Comparison, RunEntry


def accuracy_curve(
    run: RunEntry, metric: str, last_epoch: int
) -> tuple[list[int], list[float]]:
    """Returns epochs, counted from 1, and the test accuracies in percent after them.

    The last one is the accuracy of the finished run.
    """
    tested = run.get("history", {}).get("test", [])
    points = [*tested, {"epoch": last_epoch, metric: run.get(metric)}]
    # A group without test examples has no accuracy.
    accuracies = [
        np.nan if point.get(metric) is None else point[metric] for point in points
    ]
    return [point["epoch"] for point in points], accuracies


def training_confidence(comparison: Comparison, method: str) -> dict[int, np.ndarray]:
    """Returns the mean confidence over all training examples in each epoch, by seed.

    Runs without statistics of the training are left out.
    """
    counts = np.array(comparison.dataset["class_counts"], dtype=float)
    return {
        run["seed"]: mean_over_examples(run["history"]["confidence"], counts)
        for run in runs_with_confidence(comparison, method)
    }


def runs_with_confidence(comparison: Comparison, method: str) -> list[RunEntry]:
    """Returns the finished runs of a method that kept the confidence of each epoch."""
    return [
        run
        for run in comparison.finished_runs(method)
        if run.get("history", {}).get("confidence")
    ]


def mean_over_examples(values: Any, counts: np.ndarray) -> np.ndarray:
    """Returns the mean over training examples of a statistic of their classes.

    `values` have shape `(epochs, K)`, with None or NaN for a class that no batch of the
    epoch held. `counts` are class counts, 0 for classes to leave out.
    """
    values = np.ma.masked_invalid(np.array(values, dtype=float))
    return np.ma.filled(np.ma.average(values, axis=1, weights=counts), np.nan)
