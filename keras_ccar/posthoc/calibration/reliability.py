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


def bins_of(confidence: np.ndarray, bins: int = BINS) -> np.ndarray:
    """Returns the bin of each confidence; bin b holds `(b / bins, (b + 1) / bins]`."""
    return np.clip(np.ceil(confidence * bins).astype(int) - 1, 0, bins - 1)


def measure_reliability(
    confidence: np.ndarray, hits: np.ndarray, bins: int = BINS
) -> Reliability:
    """Sorts predictions into bins; the vectors are of `confidence_and_hits`."""
    bin_of = bins_of(confidence, bins)
    counts = np.bincount(bin_of, minlength=bins)
    divisor = np.where(counts, counts, np.nan)
    sums = (np.bincount(bin_of, part, bins) for part in (confidence, hits))
    mean_confidence, accuracy = (part / divisor for part in sums)
    return Reliability(mean_confidence, accuracy, counts)
