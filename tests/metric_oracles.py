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


def f1(labels, y_pred, weights):
    """F1 of each class, NaN for classes that neither occur nor are predicted."""
    predicted, values = y_pred.argmax(-1), np.full(y_pred.shape[-1], np.nan)
    for k in range(y_pred.shape[-1]):
        found = weights[(predicted == k) & (labels == k)].sum()
        occur, said = weights[labels == k].sum(), weights[predicted == k].sum()
        if occur + said:
            values[k] = 2 * found / (occur + said)
    return values


def geometric_mean_of_known(values):
    values = values[~np.isnan(values)]
    return values.prod() ** (1 / values.size) if values.size else np.nan


def average_precision(is_yes, scores, weights):
    """The precision at each score, weighted by the recall that is gained there."""
    positives = weights[is_yes].sum()
    total, recall = 0.0, 0.0
    for score in np.unique(scores[weights != 0])[::-1] if positives else ():
        said = scores >= score
        found = weights[said & is_yes].sum()
        total += found / weights[said].sum() * (found / positives - recall)
        recall = found / positives
    return total if positives else np.nan


def shots(values, counts):
    """The mean of each group of classes that has one, and of all."""
    counts = np.array(counts)
    groups = {
        "many": counts > 100,
        "medium": (counts >= 20) & (counts <= 100),
        "few": counts < 20,
        "balanced": counts >= 0,
    }
    return {name: mean_of_known(values[of]) for name, of in groups.items() if of.any()}


def of_classes(name, labels, y_pred, weights=None, counts=None):
    """What a metric says of classes that exclude each other, from rows."""
    weights = np.ones(labels.shape) if weights is None else weights
    y_pred, weights = y_pred.astype("float64"), weights.astype("float64")
    if name == "ExpectedCalibrationError":
        return calibration_error(labels, y_pred, weights, 15)
    if name == "MacroF1":
        return mean_of_known(f1(labels, y_pred, weights))
    if name == "AveragePrecision":
        values = np.array(
            [
                average_precision(labels == k, y_pred[:, k], weights)
                for k in range(y_pred.shape[-1])
            ]
        )
        return values[1] if len(values) == 2 else mean_of_known(values)
    recalls = recall(labels, y_pred, weights)
    return {
        "PerClassRecall": lambda: recalls,
        "BalancedAccuracy": lambda: mean_of_known(recalls),
        "GeometricMean": lambda: geometric_mean_of_known(recalls),
        "ShotAccuracy": lambda: shots(recalls, counts),
    }[name]()


def of_column(name, labels, p, weights=None, counts=None, threshold=0.5):
    """The same of one column `(N, 1)` of yes or no."""
    p = p.astype("float64")
    if name in ("ExpectedCalibrationError", "AveragePrecision") or threshold == 0.5:
        both = np.concatenate([1 - p, p], -1)
    else:
        both = np.concatenate([p <= threshold, p > threshold], -1)
    return of_classes(name, labels.reshape(-1), both, weights, counts)


def of_labels(name, labels, p, weights=None, counts=None, threshold=0.5):
    """The same of K independent labels; all arguments are `(N, K)`."""
    p, num_labels = p.astype("float64"), p.shape[-1]
    weights = np.ones(p.shape) if weights is None else weights.astype("float64")
    if name == "ExpectedCalibrationError":
        return share_error(labels.ravel(), p.ravel(), weights.ravel(), 15)
    said = np.stack([p <= threshold, p > threshold], -1).astype("float64")
    if name == "AveragePrecision":
        return mean_of_known(
            np.array(
                [
                    average_precision(labels[:, k] == 1, p[:, k], weights[:, k])
                    for k in range(num_labels)
                ]
            )
        )
    of_each = f1 if name == "MacroF1" else recall
    values = np.array(
        [of_each(labels[:, k], said[:, k], weights[:, k]) for k in range(num_labels)]
    )
    if name in ("MacroF1", "PerClassRecall"):
        return mean_of_known(values[:, 1]) if name == "MacroF1" else values[:, 1]
    mean = geometric_mean_of_known if name == "GeometricMean" else mean_of_known
    means = np.array([mean(value) for value in values])
    return shots(means, counts) if name == "ShotAccuracy" else mean_of_known(means)


def share_error(is_yes, p, weights, bins):
    """The calibration error of probabilities of yes."""
    total = 0.0
    for b in range(bins):
        inside = (p > b / bins) | (b == 0)
        inside &= (p <= (b + 1) / bins) & (weights > 0)
        if inside.any():
            w = weights[inside]
            gap = np.average(is_yes[inside], weights=w) - np.average(
                p[inside], weights=w
            )
            total += w.sum() * abs(gap)
    return total / weights.sum() if weights.sum() else np.nan


ORACLES = {"classes": of_classes, "column": of_column, "labels": of_labels}


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
