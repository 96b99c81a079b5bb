"""Checks predictions, and brings them to logits with the class axis last."""

from typing import Any

from keras import ops

from keras_ccar.inputs.checks import eager_value
from keras_ccar.ops.numerics import safe_log


def class_axis(axis: int, shape: tuple[int | None, ...]) -> int:
    """Returns the class axis of predictions of a shape, counted from the first axis."""
    rank = len(shape)
    if not -rank <= axis < rank:
        raise ValueError(
            "`axis` must be the class axis of `y_pred`, which has a rank of at least "
            f"2. Received: axis={axis}, y_pred.shape={tuple(shape)}"
        )
    return axis % rank


def check_num_classes(y_pred: Any, num_classes: int | None) -> None:
    """Raises a `ValueError` unless predictions have so many classes, at least two."""
    shape = tuple(y_pred.shape)
    if len(shape) < 2 or num_classes not in (None, shape[-1]):
        raise ValueError(
            "`class_counts` must have one entry for each class on the class axis of "
            "`y_pred`, which has a rank of at least 2. Received: "
            f"{'no' if num_classes is None else num_classes} counts and y_pred.shape="
            f"{shape} (class axis last)."
        )
    if shape[-1] == 1:
        raise ValueError(
            "`y_pred` must have two classes or more: the softmax of one is always 1. "
            f"Received: y_pred.shape={shape} (class axis last). For one sigmoid output "
            "use `BinaryCCARLoss`."
        )


def check_probabilities(y_pred: Any) -> None:
    """Raises a `ValueError` if eager predictions are not probabilities."""
    values = eager_value(y_pred)
    if values is None or not values.size:
        return
    low, high = values.min(), values.max()
    if low < 0 or high > 1 + 1e-3:  # rounding of half precision
        raise ValueError(
            "`y_pred` must hold probabilities in [0, 1] with from_logits=False. "
            f"Received values from {low:.4g} to {high:.4g}. If the model outputs "
            "logits (it has no softmax), pass `from_logits=True`."
        )


def move_class_axis_last(y_pred: Any, axis: int, dtype: str) -> Any:
    """Returns predictions as a tensor of a dtype, class axis last."""
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    is_last = axis in (-1, len(y_pred.shape) - 1)
    return y_pred if is_last else ops.moveaxis(y_pred, axis, -1)


def to_logits(y_pred: Any, from_logits: bool) -> Any:
    """Returns predictions as logits; checks probabilities that are eager."""
    if from_logits:
        return y_pred
    check_probabilities(y_pred)
    return safe_log(y_pred)
