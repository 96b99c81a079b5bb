"""Quotients and means that leave out what has no samples."""

from typing import Any

from keras import ops


def divide_or_nan(numerator: Any, denominator: Any) -> Any:
    """Returns quotients, NaN where the denominator is 0."""
    empty = denominator == 0
    return ops.where(
        empty, float("nan"), numerator / ops.where(empty, 1.0, denominator)
    )


def mean_of_known(values: Any, known: Any, axis: int | None = None) -> Any:
    """Returns the mean over an axis, or of all, of the values that are known.

    Args:
        values: float32 tensor.
        known: boolean tensor of its shape.
        axis: the axis of the mean, or None for all.

    Returns:
        The means; NaN where none is known.
    """
    total = ops.sum(ops.where(known, values, 0.0), axis=axis)
    return divide_or_nan(total, ops.sum(ops.cast(known, "float32"), axis=axis))
