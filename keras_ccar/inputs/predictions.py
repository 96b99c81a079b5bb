"""Checks predictions, and brings them to logits with the class axis last."""

from typing import Any

import numpy as np
from keras import ops

from keras_ccar.inputs.checks import eager_value
from keras_ccar.ops.numerics import safe_log

# Half precision rounds probabilities to just above 1.
LARGEST_PROBABILITY = 1 + 1e-3

# What an argument must do, and the unit that it has.
_CLASS_ARGUMENTS = {
    "class_counts": ("have one entry for each class on", "counts"),
    "num_classes": ("be the number of classes on", "classes"),
}


def class_axis(
    axis: int, shape: tuple[int | None, ...], predictions: str = "y_pred"
) -> int:
    """Returns the class axis of predictions of a shape, counted from the first axis."""
    rank = len(shape)
    if not -rank <= axis < rank:
        raise ValueError(
            f"`axis` must be the class axis of `{predictions}`, which has a rank of at "
            f"least 2. Received: axis={axis}, {predictions}.shape={tuple(shape)}"
        )
    return axis % rank


def check_num_classes(
    shape: tuple[int | None, ...],
    num_classes: int | None,
    axis: int = -1,
    argument: str = "class_counts",
    predictions: str = "y_pred",
    one_column: str = "",
    smallest: int = 2,
) -> None:
    """Raises a `ValueError` unless predictions have so many classes.

    Args:
        shape: static shape of the predictions.
        num_classes: K, or None for any.
        axis: the class axis of the predictions.
        argument: the argument that gives K: "class_counts" or "num_classes".
        predictions: the name of the argument that holds the predictions.
        one_column: what the error of a class axis of size 1 advises.
        smallest: the smallest number of classes: 2 if they exclude each other, or 1.
    """
    shape = tuple(shape)
    size = shape[class_axis(axis, shape, predictions)]
    received = f"{predictions}.shape={shape}, axis={axis}."
    is_matrix = f"`{predictions}`, which has a rank of at least 2"
    if len(shape) < 2 and num_classes is None:
        problem = f"`axis` must be the class axis of {is_matrix}. Received: {received}"
    elif len(shape) > 1 and size == 1 < smallest:
        problem = (
            f"`{predictions}` must have two classes or more: the softmax of one is "
            f"always 1. Received: {received} {one_column}"
        )
    elif len(shape) > 1 and size is None:
        problem = (
            f"`{predictions}` must have a class axis of a known size. Received: "
            f"{received} Give it a static shape, for example with `tf.ensure_shape`."
        )
    elif len(shape) < 2 or num_classes not in (None, size):
        must, unit = _CLASS_ARGUMENTS[argument]
        fitting = [i for i in range(1, len(shape)) if shape[i] == num_classes]
        hints = [f" If the classes are on axis {i}, pass `axis={i}`." for i in fitting]
        if len(shape) == 1:
            hints = [" Pass `p[:, None]` for one column `p`, `p[None]` for one row."]
        problem = (
            f"`{argument}` must {must} the class axis of {is_matrix}. Received: "
            f"{num_classes} {unit} and {received}{''.join(hints[:1])}"
        )
    else:
        return
    raise ValueError(problem)


def check_probabilities(y_pred: Any, predictions: str = "y_pred") -> None:
    """Raises a `ValueError` if eager predictions are not probabilities."""
    values = eager_value(y_pred)
    if values is None or not values.size:
        return
    # One NaN must not hide the other values.
    low, high = (of.reduce(values, axis=None) for of in (np.fmin, np.fmax))
    if low < 0 or high > LARGEST_PROBABILITY:
        raise ValueError(
            f"`{predictions}` must hold probabilities in [0, 1] with "
            f"from_logits=False. Received values from {low:.4g} to {high:.4g}. If the "
            "model outputs logits (it has no softmax or sigmoid), pass "
            "`from_logits=True`."
        )


def are_probabilities(y_pred: Any, axis: int = -1) -> Any:
    """Tells which rows of predictions, without their class axis, are in [0, 1]."""
    return ops.all(_is_probability(y_pred), axis=axis)


def _is_probability(y_pred: Any) -> Any:
    return (y_pred >= 0) & (y_pred <= LARGEST_PROBABILITY)


def move_class_axis_last(y_pred: Any, axis: int, dtype: str | None) -> Any:
    """Returns predictions as a tensor of a dtype, None for theirs, class axis last."""
    y_pred = ops.convert_to_tensor(y_pred, dtype=dtype)
    is_last = axis in (-1, len(y_pred.shape) - 1)
    return y_pred if is_last else ops.moveaxis(y_pred, axis, -1)


def probabilities_or_nan(y_pred: Any, predictions: str = "y_pred") -> Any:
    """Returns probabilities. Others are an error or, in a compiled step, NaN.

    `predictions` is the name of the argument that holds them.
    """
    check_probabilities(y_pred, predictions)
    return ops.where(_is_probability(y_pred), y_pred, float("nan"))


def to_logits(y_pred: Any, from_logits: bool) -> Any:
    """Returns predictions as logits."""
    return y_pred if from_logits else safe_log(probabilities_or_nan(y_pred))
