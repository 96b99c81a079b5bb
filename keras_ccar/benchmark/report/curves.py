"""Accuracy and confidence in the course of training."""

import numpy as np


def accuracy_curve(run, group, last_epoch):
    """Returns accuracy on the test set in the course of a training, and at its end.

    Args:
        run: a finished run of `results.json`.
        group: `"balanced"`, `"many"`, `"medium"` or `"few"`.
        last_epoch: number of epochs of the training.

    Returns:
        The epochs, counted from 1, and the accuracies in percent, two lists.
    """
    points = [*run["history"]["test"], {"epoch": last_epoch, group: run[group]}]
    return [point["epoch"] for point in points], [point[group] for point in points]


def training_confidence(comparison, method):
    """Returns the mean confidence over all training examples in each epoch.

    Args:
        comparison: the `Comparison`.
        method: name of the method.

    Returns:
        A dict from seed to an array `(epochs,)`, of the finished runs.
    """
    counts = np.array(comparison.dataset["class_counts"], dtype=float)
    return {
        run["seed"]: mean_over_examples(run["history"]["confidence"], counts)
        for run in comparison.run_entries
        if run["method"] == method and run["status"] == "finished"
    }


def mean_over_examples(values, counts):
    """Returns the mean over training examples of a statistic of their classes.

    Args:
        values: `(epochs, classes)`; None or NaN for a class that an epoch lacked.
        counts: examples of each class, 0 for those that shall not count.

    Returns:
        An array `(epochs,)`.
    """
    values = np.ma.masked_invalid(np.array(values, dtype=float))
    return np.ma.average(values, axis=1, weights=counts).filled(np.nan)
