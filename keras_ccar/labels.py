"""Tells integer labels from distributions; every label error is raised here."""

import numpy as np
from keras import ops

from keras_ccar.checks import concrete_value


def standardize_labels(y_true, pred_shape, axis):
    """Brings labels to the shape of the per-sample loss, or of the logits.

    Args:
        y_true: tensor of integer labels `(...)` or `(..., 1)`, in any dtype, or of
            distributions `(..., K)`; the class axis stands where it does in the
            predictions.
        pred_shape: shape of the predictions, class axis last.
        axis: the class axis of the predictions, as the user gave it.

    Returns:
        A pair `(labels, is_sparse)`: labels `(...)` if sparse, distributions
        `(..., K)` with the class axis last if not.

    Raises:
        ValueError: if the shape fits neither form.
    """
    sample_shape, num_classes = tuple(pred_shape[:-1]), pred_shape[-1]
    try:
        shape = tuple(y_true.shape)
    except ValueError as error:  # a TensorFlow tensor of unknown rank
        raise ValueError(
            "`y_true` must have a known rank, for integer labels to be told from "
            "distributions. Received a tensor of unknown rank: give it a static shape, "
            "e.g. with `tf.ensure_shape`."
        ) from error
    if len(shape) == len(sample_shape) and _compatible(shape, sample_shape):
        return y_true, True
    if len(shape) == len(pred_shape):
        if axis not in (-1, len(shape) - 1):
            y_true = ops.moveaxis(y_true, axis, -1)
            shape = tuple(y_true.shape)
        if _compatible(shape[:-1], sample_shape):
            if shape[-1] == 1:
                return ops.squeeze(y_true, axis=-1), True
            if shape[-1] == num_classes:
                return y_true, False
    raise ValueError(
        "`y_true` must be integer labels of the shape of `y_pred` without its class "
        "axis (or with a class axis of size 1), or distributions of the shape of "
        f"`y_pred`. Received: y_true.shape={tuple(shape)}, "
        f"y_pred.shape={tuple(pred_shape)} (class axis last)"
    )


def check_sparse_values(labels, num_classes, ignore_class=None):
    """Raises a `ValueError` for known labels that are not classes."""
    values = concrete_value(labels)
    if values is None:
        return
    values = values.astype("float64")
    wrong = (values != np.floor(values)) | (values < 0) | (values >= num_classes)
    if ignore_class is not None:
        wrong &= values != ignore_class
    if wrong.any():
        raise ValueError(
            f"`y_true` must hold integer labels in [0, {num_classes}). Received "
            f"{values[wrong][:5].tolist()}. Labels to leave out can be given as "
            "`ignore_class`."
        )


def check_distribution_values(distributions):
    """Raises a `ValueError` for known label distributions that are not such."""
    values = concrete_value(distributions)
    if values is not None and not (values >= 0).all():
        raise ValueError(
            "`y_true` must hold label distributions: finite and at least 0. "
            f"Received {values[~(values >= 0)][:5].tolist()}"
        )


def check_probabilities(y_pred):
    """Raises a `ValueError` for known predictions that are not probabilities."""
    values = concrete_value(y_pred)
    if values is None or not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > 1 + 1e-3:  # rounding of half precision
        raise ValueError(
            "`y_pred` must hold probabilities in [0, 1] with from_logits=False. "
            f"Received values from {low:.4g} to {high:.4g}. If the model's outputs are "
            "logits (no softmax), pass `from_logits=True` to the loss."
        )


def _compatible(shape, expected):
    return len(shape) == len(expected) and all(
        a is None or b is None or a == b for a, b in zip(shape, expected, strict=True)
    )
