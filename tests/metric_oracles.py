"""Naive float64 versions of the metrics, and random data to compare them on."""

import keras
import numpy as np
from hypothesis import strategies as st


def recall(labels, y_pred, weights):
    predicted = y_pred.argmax(-1)
    recalls = np.full(y_pred.shape[-1], np.nan)
    for k in range(y_pred.shape[-1]):
        of_class = (labels == k) & (weights > 0)
        if of_class.any():
            hits = (predicted == labels)[of_class]
            recalls[k] = np.average(hits, weights=weights[of_class])
    return recalls


def mean_of_known(values):
    values = values[~np.isnan(values)]
    return values.mean() if values.size else np.nan


def calibration_error(labels, y_pred, weights, bins):
    confidence = y_pred.max(-1)
    hits = y_pred.argmax(-1) == labels
    total = 0.0
    for b in range(bins):
        low, high = b / bins, (b + 1) / bins
        inside = (confidence > low) & (confidence <= high) & (weights > 0)
        if inside.any():
            w = weights[inside]
            accuracy = np.average(hits[inside], weights=w)
            gap = abs(accuracy - np.average(confidence[inside], weights=w))
            total += w.sum() * gap
    return total / weights.sum() if weights.sum() else np.nan


@st.composite
def classified(draw, num_classes=4):
    """Labels, probabilities and weights: `(labels, y_pred, weights)`."""
    # Few sizes: JAX and TensorFlow compile each operation for each of them.
    samples = draw(st.sampled_from([1, 2, 9, 40]))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    labels = rng.integers(0, num_classes, samples)
    y_pred = rng.dirichlet(np.full(num_classes, 0.5), samples)
    y_pred = (y_pred + 1e-6) / (y_pred + 1e-6).sum(-1, keepdims=True)
    kind = draw(st.sampled_from(["ones", "mask", "fractions"]))
    weights = {
        "ones": np.ones(samples),
        "mask": rng.integers(0, 2, samples).astype(float),
        "fractions": rng.random(samples) + 0.1,
    }[kind]
    return labels, y_pred.astype("float32"), weights.astype("float32")


def to_float(result):
    """A metric's result as numpy, whatever its structure."""
    if isinstance(result, dict):
        return {key: to_float(value) for key, value in result.items()}
    return keras.ops.convert_to_numpy(result).astype("float64")
