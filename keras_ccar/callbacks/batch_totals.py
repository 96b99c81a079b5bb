"""What a batch adds to the statistics of each class."""

from typing import Any

from keras import ops

from keras_ccar.ops.exact_row_sums import sum_rows

# Columns of the totals.
COUNT, CONFIDENCE, WEIGHT, BELOW_PIVOT = range(4)


def batch_totals(
    mass: Any,
    confidence: Any,
    weight: Any,
    pivot: float,
    num_classes: int,
    labels: Any = None,
) -> tuple[Any, ...]:
    """Sums the terms of a batch by class.

    Args:
        mass: float tensor: how much each term counts.
        confidence: tensor of the same shape.
        weight: tensor that broadcasts to the same shape.
        pivot: confidence that separates hard terms from easy ones.
        num_classes: K.
        labels: int32 class of each term. None where the last axes are the classes, as
            with label distributions.

    Returns:
        float32 tensors of shape `(K, 4)` that add up to: for each class the number of
        samples, and the sums of their confidences, of their weights and of whether they
        are below the pivot.
    """
    mass, confidence, weight = (
        ops.cast(ops.stop_gradient(x), "float32") for x in (mass, confidence, weight)
    )
    below_pivot = ops.cast(confidence < pivot, mass.dtype)
    # In the order COUNT, CONFIDENCE, WEIGHT, BELOW_PIVOT.
    columns = [mass, mass * confidence, mass * weight, mass * below_pivot]
    if labels is not None:
        rows = ops.reshape(ops.stack(columns, axis=-1), (-1, 4))
        return sum_rows(rows, ops.reshape(labels, (-1,)), num_classes)
    sums = [sum_rows(ops.reshape(column, (-1, num_classes))) for column in columns]
    return tuple(ops.stack(parts, axis=-1) for parts in zip(*sums, strict=True))
