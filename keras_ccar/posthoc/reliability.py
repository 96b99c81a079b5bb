"""How often predictions come true, by how sure they are."""

from typing import NamedTuple

import numpy as np

# As in `keras_ccar.metrics.ExpectedCalibrationError`.
BINS = 15


class Reliability(NamedTuple):
    """Predictions in bins of equal width.

    Attributes:
        confidence: the mean confidence of each bin, NaN of an empty one.
        accuracy: the share of each bin that came true, NaN of an empty one.
        counts: the predictions in each bin.
    """

    confidence: np.ndarray
    accuracy: np.ndarray
    counts: np.ndarray

    @property
    def error(self) -> float:
        """The expected calibration error, NaN without predictions."""
        if not self.counts.any():
            return float("nan")
        gaps = np.nan_to_num(np.abs(self.accuracy - self.confidence))
        return float(gaps @ self.counts / self.counts.sum())


def confidence_and_hits(
    probabilities: np.ndarray, labels: np.ndarray, are_labels: bool
) -> tuple[np.ndarray, np.ndarray]:
    """Returns how sure predictions are, and whether they came true.

    Args:
        probabilities: of shape `(N, K)`.
        labels: as in `Predictions`.
        are_labels: whether the columns are yes-or-no labels, whose confidence is the
            probability of yes; of classes it is that of the predicted one.

    Returns:
        Two vectors: one entry for each example or, of labels, for each answer given.
    """
    if are_labels:
        is_given = ~np.isnan(labels)
        return probabilities[is_given], labels[is_given]
    return probabilities.max(axis=1), probabilities.argmax(axis=1) == labels


def measure_reliability(confidence: np.ndarray, hits: np.ndarray) -> Reliability:
    """Sorts predictions into bins; the arguments are of `confidence_and_hits`."""
    bin_of = np.clip(np.ceil(confidence * BINS).astype(int) - 1, 0, BINS - 1)
    counts = np.bincount(bin_of, minlength=BINS)
    divisor = np.where(counts, counts, np.nan)
    sums = (np.bincount(bin_of, part, BINS) for part in (confidence, hits))
    mean_confidence, accuracy = (part / divisor for part in sums)
    return Reliability(mean_confidence, accuracy, counts)
