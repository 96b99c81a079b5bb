"""What scaling does to log loss and calibration, by part of the columns."""

from typing import Any

import numpy as np

from keras_ccar.posthoc.calibration.reliability import (
    Reliability,
    confidence_and_hits,
    measure_reliability,
)
from keras_ccar.posthoc.calibration.scaling_fit import log_losses
from keras_ccar.posthoc.data.predictions import Predictions, to_probabilities


class Side:
    """Predictions before or after scaling.

    Args:
        predictions: whose labels and kind they have.
        logits: their logits, of shape `(N, K)`.
    """

    def __init__(self, predictions: Predictions, logits: np.ndarray) -> None:
        self._labels, self._are_labels = predictions.labels, predictions.are_labels
        self._probabilities = to_probabilities(logits, self._are_labels)
        self._predicted = self._probabilities.argmax(axis=1)
        self._losses = log_losses(logits, self._labels, self._are_labels)

    def losses(self, columns: np.ndarray) -> np.ndarray:
        """Returns the log losses of the examples of classes, or of labels."""
        if self._are_labels:
            losses = self._losses[:, columns]
            return losses[~np.isnan(losses)]
        return self._losses[columns[self._labels]]

    def reliability(self, columns: np.ndarray) -> Reliability:
        """Returns how often predictions of classes, or answers to labels, come true.

        Those of a class are the examples that are predicted to be of it. Among the
        examples that are of it, even the true probabilities are not as sure as right.
        """
        if self._are_labels:
            parts = self._probabilities[:, columns], self._labels[:, columns]
        else:
            is_of_scope = columns[self._predicted]
            parts = self._probabilities[is_of_scope], self._labels[is_of_scope]
        return measure_reliability(*confidence_and_hits(*parts, self._are_labels))


def compare_sides(
    scope: Any, temperature: float, columns: np.ndarray, before: Side, after: Side
) -> dict[str, Any]:
    """Returns a row of `Calibrated.curve`.

    Args:
        scope: the name of the row.
        temperature: that of the columns.
        columns: boolean of shape `(K,)`.
        before: the predictions of the model.
        after: those after scaling.
    """
    losses = [side.losses(columns) for side in (before, after)]
    means = [part.mean() if part.size else float("nan") for part in losses]
    errors = [side.reliability(columns).error for side in (before, after)]
    return {
        "scope": scope,
        "temperature": temperature,
        "examples": losses[0].size,
        "log_loss_before": means[0],
        "log_loss_after": means[1],
        "calibration_error_before": errors[0],
        "calibration_error_after": errors[1],
    }
