"""How CCAR and cross-entropy went through their training, in sentences."""

import numpy as np

from keras_ccar.benchmark.comparison import Comparison
from keras_ccar.benchmark.report.figures.curves import (
    accuracy_curve,
    training_confidence,
)
from keras_ccar.benchmark.report.sentences.wording import describe_points, format_signed
from keras_ccar.benchmark.statistics.paired import paired_difference


def speed_of_training(comparison: Comparison, titles: dict[str, str]) -> list[str]:
    """Says when CCAR was as confident on the training data as cross-entropy became."""
    theirs = training_confidence(comparison, "ce")
    ours = training_confidence(comparison, "ccar")
    seeds = sorted(theirs.keys() & ours.keys())
    if not seeds:
        return []
    epochs = [np.flatnonzero(ours[seed] >= theirs[seed][-1]) for seed in seeds]
    reached = [found[0] + 1 for found in epochs if found.size]
    ours_last, theirs_last = (
        {seed: 100 * curves[seed][-1] for seed in seeds} for curves in (ours, theirs)
    )
    when = f", on average in epoch {np.mean(reached):.1f}" if reached else ""
    reference = np.mean(list(theirs_last.values()))
    return [
        "Speed of training: the mean confidence in the true class of a training "
        f"example, {reference:.2f} % under {titles['ce']} in the last of "
        f"{len(theirs[seeds[0]])} epochs, was reached by {titles['ccar']} with "
        f"{len(reached)} of {len(seeds)} seeds{when}; in the last epoch the two differ "
        f"by {describe_points(paired_difference(ours_last, theirs_last))}."
    ]


def second_half(comparison: Comparison, titles: dict[str, str]) -> list[str]:
    """Says how accuracy on the test set changed in the second half of the training.

    A loss that overfits loses there. The epochs are fixed beforehand: none is chosen by
    its accuracy.
    """
    ours, theirs = _changes(comparison, "ccar"), _changes(comparison, "ce")
    seeds = sorted(theirs.keys() & ours.keys())
    if not seeds:
        return []
    our_mean, their_mean = (
        format_signed(float(np.mean([changes[seed] for seed in seeds])))
        for changes in (ours, theirs)
    )
    return [
        "Second half of the training: in it, balanced accuracy on the test set changed "
        f"by {their_mean} points with {titles['ce']} and by {our_mean} with "
        f"{titles['ccar']}; the two differ by "
        f"{describe_points(paired_difference(ours, theirs))}."
    ]


def _changes(comparison: Comparison, method: str) -> dict[int, float]:
    """Returns the last balanced accuracy less that in mid-training, by seed."""
    last = comparison.recipe["epochs"]
    changes = {}
    for run in comparison.finished_runs(method):
        epochs, balanced = accuracy_curve(run, "balanced", last)
        middle = min(range(len(epochs)), key=lambda at: abs(epochs[at] - last / 2))
        if middle < len(epochs) - 1:
            changes[run["seed"]] = balanced[-1] - balanced[middle]
    return changes
