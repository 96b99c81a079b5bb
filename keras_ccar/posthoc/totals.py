"""Scores over all classes, with bootstrap intervals."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.predictions import Predictions
from keras_ccar.posthoc.reliability import BINS, bins_of
from keras_ccar.posthoc.result import require_posthoc
from keras_ccar.posthoc.scores import (
    Decisions,
    decide,
    divide,
    group_alike,
    nan_mean,
    resampled_weights,
)

_COVERAGE = (2.5, 97.5)


def totals_table(
    predictions: Predictions,
    groups: dict[str, np.ndarray],
    are_one_question: bool,
    resamples: int,
    seed: int,
) -> Any:
    """Returns a DataFrame with `value`, `low` and `high` of each score.

    Args:
        predictions: of classes that exclude each other, or of labels.
        groups: which classes belong to each shot group.
        are_one_question: whether the two classes are the no and yes of one label.
        resamples: bootstrap resamples; see `resampled_weights`.
        seed: of the resamples.
    """
    totals = _Totals(predictions, groups, are_one_question)
    values = totals.measure(np.ones(len(predictions.labels)))
    drawn = [
        list(totals.measure(weights).values())
        for weights in resampled_weights(predictions.labels, resamples, seed)
    ]
    # A score of classes without examples is NaN in every resample.
    known = ~np.isnan(list(values.values()))
    bounds = np.full((2, len(values)), np.nan)
    bounds[:, known] = np.nanpercentile(np.array(drawn)[:, known], _COVERAGE, axis=0)
    return require_posthoc("pandas", "pandas").DataFrame(
        {"value": values.values(), "low": bounds[0], "high": bounds[1]},
        index=list(values),
    )


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
            labels[first], answers[first], predictions.num_columns
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

    def measure(self, weights: np.ndarray) -> dict[str, float]:
        """Returns all scores of examples that count so often, `(N,)`."""
        drawn = np.bincount(self._group_of, weights)
        examples = drawn @ self._known
        excess = (weights[:, None] * self._excess).ravel()
        gaps = np.bincount(self._bin_of, excess, BINS)
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
            "calibration_error": float(np.abs(gaps).sum() / examples.sum()),
            "log_loss": float(nan_mean(divide(weights @ self._losses, examples))),
        }
