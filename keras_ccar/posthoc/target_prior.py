"""Warns where a model is corrected to another prior than that of the data."""

import warnings
from typing import Any

import numpy as np

from keras_ccar.frequencies import format_class_list
from keras_ccar.layers.logit_correction import LogitCorrection
from keras_ccar.posthoc.applied import applied_by
from keras_ccar.posthoc.predictions import Predictions

# The odds must differ by this factor, and the share by so many standard errors.
_SMALLEST_RATIO = 1.5
_ERRORS = 4


def warn_of_other_prior(
    model: Any, predictions: Predictions, name: str, advice: str
) -> None:
    """Warns if what is chosen would fit the prior of the data, not that of use.

    A correction says what that is by its `target_prior`. Balanced classes and labels
    are no prior of use, but a way to weigh classes: they pass.

    Args:
        model: the `keras.Model`, or an array of predictions, which passes.
        predictions: for the data, with labels.
        name: the name of the argument that holds the data.
        advice: what to do instead of resampling the data.
    """
    corrections = [
        layer
        for layer in applied_by(model)
        if isinstance(layer, LogitCorrection) and layer.moves_prior
    ]
    if not corrections or corrections[-1].target_prior is None:
        return
    target = _target(corrections[-1], predictions)
    is_balanced = np.allclose(target, 0.5 if predictions.are_labels else target[0])
    found, examples = _shares(predictions)
    clipped = np.clip(found, 0.5 / examples, 1 - 0.5 / examples)
    ratio = np.abs(np.log(clipped / (1 - clipped)) - np.log(target / (1 - target)))
    variance = np.maximum(clipped * (1 - clipped), target * (1 - target)) / examples
    is_other = ratio > np.log(_SMALLEST_RATIO)
    is_other &= np.abs(found - target) > _ERRORS * np.sqrt(variance)
    if is_balanced or not is_other.any():
        return
    what, words = "class frequencies", ("class", "classes")
    if predictions.are_labels:
        what, words = "shares of yes", ("label", "labels")
    worst = int(np.argmax(np.where(is_other, ratio, -1)))
    of_one = f" for {words[0]} {worst}" if is_other.sum() > 1 else ""
    warnings.warn(
        f"`{name}` has other {what} than the `target_prior` that `model` is corrected "
        f"to, for {format_class_list(is_other, *words)}: {found[worst]:.3g} instead of "
        f"{target[worst]:.3g}{of_one}. What is chosen on them fits the "
        f"{what} of `{name}`, and undoes the correction. {advice} Otherwise draw "
        f"`{name}` anew so that it has the `target_prior`.",
        stacklevel=3,
    )


def _target(layer: LogitCorrection, predictions: Predictions) -> np.ndarray:
    """Returns the prior of the columns that a correction puts in."""
    target = np.asarray(layer.target_prior, "float64")
    if not predictions.are_labels:
        # One share of yes stands for both classes of `[no, yes]`.
        return target if target.ndim else np.array([1 - target, target])
    if predictions.num_columns == 1 and target.shape == (2,):
        target = target[1:]  # [no, yes]
    return np.broadcast_to(target, (predictions.num_columns,))


def _shares(predictions: Predictions) -> tuple[np.ndarray, np.ndarray]:
    """Returns the share of each class, or of yes of each label, and of how many."""
    labels, num_columns = predictions.labels, predictions.num_columns
    if predictions.are_labels:
        examples = (~np.isnan(labels)).sum(axis=0)
        shares = np.nansum(labels, axis=0) / np.maximum(examples, 1)
        return shares, np.maximum(examples, 1)
    counts = np.bincount(labels, minlength=num_columns)
    return counts / len(labels), np.full(num_columns, len(labels))
