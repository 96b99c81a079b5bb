"""Scores over all classes, with bootstrap intervals."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.by_class.scores import (
    Decisions,
    decide,
    divide,
    group_alike,
    nan_mean,
    resampled_weights,
)
from keras_ccar.posthoc.calibration.reliability import BINS, bins_of
from keras_ccar.posthoc.data.enough_examples import FEWEST_EXAMPLES
from keras_ccar.posthoc.data.predictions import Predictions
from keras_ccar.posthoc.result import require_posthoc

_COVERAGE = (2.5, 97.5)
_DEVIATIONS = 1.96  # of a normal distribution, on each side of the middle 95 %


def totals_table(
    predictions: Predictions,
    groups: dict[str, np.ndarray],
    are_one_question: bool,
    resamples: int,
    seed: int,
    units: np.ndarray,
) -> Any:
    """Returns a DataFrame with `value`, `low` and `high` of each score.

    Args:
        predictions: of classes that exclude each other, or of labels.
        groups: which classes belong to each shot group.
        are_one_question: whether the two classes are the no and yes of one label.
        resamples: bootstrap resamples; see `resampled_weights`.
        seed: of the resamples.
        units: the unit of each row; see `resampled_weights`.
    """
    totals = _Totals(predictions, groups, are_one_question)
    once = np.ones(len(predictions.labels))
    gaps = totals.gaps(once)
    values = totals.measure(once, gaps)
    labels = predictions.labels
    # The share of yes, on which calibration depends, varies only between rows.
    no_class = np.zeros(len(labels), "int64")
    of_rows = resampled_weights(no_class, resamples, seed, units)
    drawn, noise = [], []
    for weights in resampled_weights(labels, resamples, seed, units):
        of_resample = totals.gaps(next(of_rows))
        drawn.append(list(totals.measure(weights, of_resample).values()))
        noise.append(np.abs(of_resample - gaps).sum())
    # A score of classes without examples is NaN in every resample.
    known = ~np.isnan(list(values.values()))
    bounds = np.full((2, len(values)), np.nan)
    bounds[:, known] = np.nanpercentile(np.array(drawn)[:, known], _COVERAGE, axis=0)
    for name, variance in totals.unseen_variances().items():
        place = list(values).index(name)
        bounds[:, place] = _widen(values[name], bounds[:, place], variance)
    place = list(values).index("calibration_error")
    bounds[:, place] = _bounds_of_calibration_error(
        values["calibration_error"], np.array(drawn)[:, place], np.array(noise)
    )
    return require_posthoc("pandas", "pandas").DataFrame(
        {"value": values.values(), "low": bounds[0], "high": bounds[1]},
        index=list(values),
    )


def _widen(value: float, bounds: np.ndarray, variance: float) -> np.ndarray:
    """Returns bounds of a mean of recalls with a variance that no resample has."""
    if variance <= 0:
        return bounds
    reach = _DEVIATIONS * np.sqrt(variance)
    signs = np.array([-1, 1])
    return np.clip(value + signs * np.hypot(bounds - value, reach), 0, 1)


def unseen_variance(hits: np.ndarray, examples: np.ndarray) -> np.ndarray:
    """Returns by how much the recall of each class varies more than in resamples.

    A class with one example has the same recall in every resample, 0 or 1. So classes
    with few examples are taken to have the recall that they have together, whose
    variance is not smaller than the mean of theirs.

    Args:
        hits: the right answers of each class, `(K,)`.
        examples: the examples of each class, `(K,)`.

    Returns:
        What is added to the variances of the recalls, `(K,)`: 0 for classes with more
        examples, and for those without any. A part may be below 0, the mean seldom is.
    """
    are_few = (examples > 0) & (examples < FEWEST_EXAMPLES)
    # Two examples more, one of them right, so that a recall of 1 is not certain.
    recall = (hits[are_few].sum() + 1) / (examples[are_few].sum() + 2)
    own = divide(hits, examples)
    extra = divide(recall * (1 - recall) - own * (1 - own), examples)
    return np.where(are_few, extra, 0.0)


def _bounds_of_calibration_error(
    value: float, drawn: np.ndarray, noise: np.ndarray
) -> tuple[float, float]:
    """Returns the bounds of an error that chance can only make larger.

    An error is a sum of absolute gaps, so what chance adds to them has no sign. The
    resamples have more of it than the data, and the data more than the truth: the bias
    of the resamples is taken off the upper bound once, and off the lower one twice. The
    lower bound is 0 if a calibrated model has such an error by chance.

    Args:
        value: the error in the data.
        drawn: that in the resamples.
        noise: the sum of the absolute differences of the gaps in each resample to those
            in the data, which is the error that a calibrated model would have.
    """
    low, high = np.percentile(drawn, _COVERAGE)
    bias = max(float(drawn.mean()) - value, 0.0)
    is_chance = value <= np.percentile(noise, _COVERAGE[1])
    low = 0.0 if is_chance else max(float(low) - 2 * bias, 0.0)
    return min(low, value), max(float(high) - bias, value)


class _Totals:
    """What the scores are computed from, once for all resamples."""

    def __init__(
        self,
        predictions: Predictions,
        groups: dict[str, np.ndarray],
        are_one_question: bool,
    ) -> None:
        labels, are_labels = predictions.labels, predictions.are_labels
        answers = decide(predictions.logits, are_labels)
        probabilities = predictions.probabilities
        # What depends on labels and answers alone is measured on groups of examples.
        first, self._group_of = group_alike(labels, answers)
        self._decisions = Decisions(
            labels[first],
            answers[first],
            predictions.num_columns,
            np.bincount(self._group_of).astype("float64"),
        )
        self._groups = groups
        is_right = (labels == answers).astype("float64")
        if are_labels:
            known = ~np.isnan(labels)
            confidence, hits = probabilities, (labels == 1).astype("float64")
            of_truth = np.where(labels == 1, probabilities, 1 - probabilities)
        else:
            rows = np.arange(len(labels))
            known = np.ones((len(labels), 1), bool)
            is_right = is_right[:, None]
            confidence, hits = probabilities[rows, answers], is_right[:, 0]
            if are_one_question:
                # The confidence is mostly that of no, and says little of a rare yes.
                confidence, hits = probabilities[:, 1], (labels == 1).astype("float64")
            confidence, hits = confidence[:, None], hits[:, None]
            of_truth = probabilities[rows, labels][:, None]
        # As in scikit-learn, no probability is 0.
        clipped = np.maximum(of_truth, np.finfo("float64").eps)
        self._losses = np.where(known, -np.log(clipped), 0)
        self._bin_of = bins_of(confidence).ravel()
        self._excess = np.where(known, hits - confidence, 0)
        self._known = known[first].astype("float64")
        self._right = np.where(known, is_right, 0)[first].sum(axis=1)

    def gaps(self, weights: np.ndarray) -> np.ndarray:
        """Returns by how much each bin comes true more often than it was confident.

        The sizes of the gaps add up to the calibration error.
        """
        excess = (weights[:, None] * self._excess).ravel()
        answers = np.bincount(self._group_of, weights) @ self._known
        return np.bincount(self._bin_of, excess, BINS) / answers.sum()

    def unseen_variances(self) -> dict[str, float]:
        """Returns what the variances of the means over classes lack in resamples.

        The F1 of a class varies with its recall, and is taken to vary as much. That of
        a label varies in resamples of rows, which have its rare yes or lack it.
        """
        once = np.bincount(self._group_of).astype("float64")
        hits, examples = self._decisions.hits(once)
        if hits.ndim == 2:
            # The score of a label is the mean of its recalls of yes and of no.
            parts = map(unseen_variance, hits, examples)
            extra = sum(parts) / (examples > 0).sum(axis=0).clip(min=1) ** 2
        else:
            extra = unseen_variance(hits, examples)
        known = ~np.isnan(self._decisions.recalls(once))
        everyone = np.ones(len(extra), bool)
        members = {"balanced_accuracy": everyone, **self._groups}
        if hits.ndim == 1:
            members["macro_f1"] = everyone
        return {
            name: float(extra[of].sum() / max(known[of].sum(), 1) ** 2)
            for name, of in members.items()
        }

    def measure(self, weights: np.ndarray, gaps: np.ndarray) -> dict[str, float]:
        """Returns all scores of examples that count so often, `(N,)`, and of gaps."""
        drawn = np.bincount(self._group_of, weights)
        examples = drawn @ self._known
        recalls = self._decisions.recalls(drawn)
        score = self._decisions.score
        return {
            "accuracy": float(drawn @ self._right / examples.sum()),
            "balanced_accuracy": score("balanced_accuracy", drawn),
            "macro_f1": score("macro_f1", drawn),
            "geometric_mean": score("geometric_mean", drawn),
            **{
                name: float(nan_mean(recalls[members]))
                for name, members in self._groups.items()
            },
            "calibration_error": float(np.abs(gaps).sum()),
            "log_loss": float(nan_mean(divide(weights @ self._losses, examples))),
        }
