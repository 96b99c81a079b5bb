"""The reduction of losses over the batch of all replicas."""

from typing import Any

from keras import ops

from keras_ccar.keras_internals import get_keras_mask
from keras_ccar.replicas import replica_count, share_of_sum


def reduce_over_replicas(
    losses: Any, y_pred: Any, sample_weight: Any, reduction: str
) -> Any:
    """Reduces losses as Keras does, but over the batch of all replicas.

    Keras divides by the number of samples of each replica. A sample would count for
    more on a replica where a mask, `ignore_class` or an incomplete batch leaves fewer.

    Args:
        losses: tensor with one loss for each sample of this replica. It may have a
            Keras mask.
        y_pred: the predictions, whose Keras mask broadcasts to the losses.
        sample_weight: tensor of the shape of the losses, or None.
        reduction: a reduction of Keras that adds the losses up.

    Returns:
        A scalar, on each of R replicas 1/R of the reduced losses. Keras adds up the
        gradients of the replicas, and takes the mean of R times their losses.
    """
    is_counted = ops.ones_like(losses)
    for mask in (get_keras_mask(y_pred), get_keras_mask(losses)):
        if mask is not None:
            is_counted = is_counted * ops.cast(mask, losses.dtype)
    weights = is_counted if sample_weight is None else is_counted * sample_weight
    total = ops.sum(losses * weights)
    if reduction == "sum":
        return share_of_sum(total)
    by_weight = reduction == "mean_with_sample_weight"
    number = ops.stop_gradient(ops.sum(weights if by_weight else is_counted))
    total, number = ops.unstack(share_of_sum(ops.stack([total, number])))
    return ops.divide_no_nan(total, number * replica_count())
