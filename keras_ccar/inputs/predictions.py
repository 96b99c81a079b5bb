"""Checks predictions, and brings them to logits with the class axis last."""

from keras import ops

from keras_ccar.inputs.checks import eager_value
from keras_ccar.ops.numerics import safe_log


def class_axis(axis, shape):
    """Returns the class axis of predictions, counted from the first.

    Args:
        axis: as the user gave it.
        shape: shape of the predictions.

    Raises:
        ValueError: if there is no such axis.
    """
    rank = len(shape)
    if not -rank <= axis < rank:
        raise ValueError(
            "`axis` must be the class axis of `y_pred`, which has a rank of at least "
            f"2. Received: axis={axis}, y_pred.shape={tuple(shape)}"
        )
    return axis % rank


def check_num_classes(y_pred, prior):
    """Raises a `ValueError` unless predictions have the classes of the prior."""
    if len(y_pred.shape) < 2 or (prior and y_pred.shape[-1] != prior.num_classes):
        raise ValueError(
            "`class_counts` must have one entry for each class on the class axis of "
            "`y_pred`, which has a rank of at least 2. Received "
            f"{prior.num_classes if prior else 'no'} counts and y_pred.shape="
            f"{tuple(y_pred.shape)} (class axis last)."
        )
    if y_pred.shape[-1] == 1:
        raise ValueError(
            "`y_pred` must have two classes or more: the softmax of one is always 1. "
            f"Received y_pred.shape={tuple(y_pred.shape)} (class axis last). For one "
            "sigmoid output use `BinaryCCARLoss`."
        )


def check_probabilities(y_pred):
    """Raises a `ValueError` for known predictions that are not probabilities."""
    values = eager_value(y_pred)
    if values is None or not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > 1 + 1e-3:  # rounding of half precision
        raise ValueError(
            "`y_pred` must hold probabilities in [0, 1] with from_logits=False. "
            f"Received values from {low:.4g} to {high:.4g}. If the model's outputs are "
            "logits (no softmax), pass `from_logits=True` to the loss."
        )


def move_class_axis_last(y_pred, axis, dtype):
    """Returns predictions as a tensor of a dtype whose last axis is the classes."""
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    is_last = axis in (-1, len(y_pred.shape) - 1)
    return y_pred if is_last else ops.moveaxis(y_pred, axis, -1)


def to_logits(y_pred, from_logits):
    """Returns predictions as logits, with a check of probabilities that are known."""
    if from_logits:
        return y_pred
    check_probabilities(y_pred)
    return safe_log(y_pred)
