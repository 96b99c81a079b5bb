"""Probabilities and logits of each class against the rest, from the rows of metrics."""

import math
from typing import Any

from keras import ops

from keras_ccar.inputs.flattened import Rows
from keras_ccar.inputs.predictions import are_probabilities, check_probabilities
from keras_ccar.ops.numerics import softmax


def class_probabilities(rows: Rows, from_logits: bool) -> tuple[Any, Any]:
    """Returns probabilities `(N, K)`, and the weights of the rows.

    Probabilities of classes that exclude each other are normalised. Predictions outside
    of [0, 1] although `from_logits` is False are an error, or have weight NaN in a
    compiled step.
    """
    if rows.is_independent:
        return (ops.sigmoid(rows.y_pred) if from_logits else rows.y_pred), rows.weights
    y_pred, weights = _checked(rows, from_logits)
    if from_logits:
        return softmax(y_pred), weights
    return y_pred / ops.sum(y_pred, axis=-1, keepdims=True), weights


def class_logits(rows: Rows, from_logits: bool) -> tuple[Any, Any]:
    """Returns the log-odds of each class `(N, K)`, and weights, as above.

    They are infinite for probabilities of 0 and 1, and keep apart probabilities that
    round to 1.
    """
    if rows.is_independent:
        if from_logits:
            return rows.y_pred, rows.weights
        return ops.log(rows.y_pred) - ops.log1p(-rows.y_pred), rows.weights
    y_pred, weights = _checked(rows, from_logits)
    if from_logits:
        # Keras refuses to reduce an empty batch without an initial value.
        largest = ops.max(y_pred, axis=-1, keepdims=True, initial=-math.inf)
        logs = y_pred - largest
        masses = ops.exp(logs)
    else:
        masses = y_pred
        logs = ops.log(masses)
    # The rest of the largest class is a sum of its own: a difference would round it.
    num_classes = masses.shape[-1]
    is_top = ops.one_hot(ops.argmax(masses, axis=-1), num_classes, dtype="bool")
    others = ops.where(is_top, -math.inf, logs)
    second = ops.max(others, axis=-1, keepdims=True, initial=-math.inf)
    # In units of the second class, or else the masses of all others may round to 0.
    unit = ops.where(second == -math.inf, 0.0, second)
    below = unit + ops.log(ops.sum(ops.exp(others - unit), axis=-1, keepdims=True))
    total = ops.sum(masses, axis=-1, keepdims=True)
    return logs - ops.where(is_top, below, ops.log(total - masses)), weights


def _checked(rows: Rows, from_logits: bool) -> tuple[Any, Any]:
    # The prediction of a sample of weight 0 may be anything, also NaN.
    y_pred = ops.where(ops.expand_dims(rows.weights == 0, -1), 1.0, rows.y_pred)
    if from_logits:
        return y_pred, rows.weights
    check_probabilities(y_pred)
    # A compiled step cannot raise an error.
    return y_pred, ops.where(are_probabilities(y_pred), rows.weights, float("nan"))
