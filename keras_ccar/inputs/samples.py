"""Prepares the arguments of losses, and records which samples count."""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_ccar.inputs.checks import check_finite, to_numeric_tensor
from keras_ccar.keras_internals import get_keras_mask, set_keras_mask

Shape = tuple[int | None, ...]


def prepare_samples(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    loss_shape: Callable[[Shape], Shape],
    dtype: str,
) -> tuple[Any, Any, Any, Any]:
    """Checks the arguments of a loss, and aligns weights and masks with its values.

    Args:
        y_true: labels.
        y_pred: predictions.
        sample_weight: weights of samples, or None; see `align_weights`.
        loss_shape: function from the shape of predictions to that of the losses.
        dtype: dtype of the weights.

    Returns:
        Labels; predictions; sample weights; and a tensor with 0 for the samples that a
        mask or a weight of 0 leaves out, None where all samples count.
    """
    y_true = to_numeric_tensor("y_true", y_true)
    mask = get_keras_mask(y_pred)
    is_computed = ops.is_tensor(y_pred)
    y_pred = to_numeric_tensor("y_pred", y_pred)
    if not is_computed:
        # NaN in a tensor, which a model computed, has to reach the loss, where Keras
        # looks for it.
        check_finite("y_pred", y_pred)
    shape = loss_shape(tuple(y_pred.shape))
    counted = []
    if mask is not None:
        mask = align_weights(ops.cast(mask, "bool"), shape, "mask")
        if tuple(mask.shape) != tuple(shape):
            # A mean by weight divides by the sum of the mask, as it is.
            whole = ops.ones(loss_shape(ops.shape(y_pred)), "bool")
            mask = ops.logical_and(mask, whole)
        # Other losses may read the mask of the same output, so set it on a copy.
        y_pred = ops.copy(y_pred)
        set_keras_mask(y_pred, mask)
        counted.append(ops.cast(mask, dtype))
    if sample_weight is not None:
        sample_weight = to_numeric_tensor("sample_weight", sample_weight, dtype)
        check_finite("sample_weight", sample_weight)
        # A new tensor of the full shape: on torch, Keras multiplies masks into it in
        # place.
        whole = ops.ones(loss_shape(ops.shape(y_pred)), dtype)
        sample_weight = align_weights(sample_weight, shape) * whole
        counted.append(ops.cast(sample_weight != 0, dtype))
    if len(counted) == 2:
        counted = [counted[0] * counted[1]]
    return y_true, y_pred, sample_weight, counted[0] if counted else None


def align_weights(weights: Any, shape: Shape, name: str = "sample_weight") -> Any:
    """Brings weights or a mask to the rank of what they weigh, ready to broadcast.

    Args:
        weights: tensor that broadcasts from the left. As in Keras, one more axis of
            size 1 at the end is dropped.
        shape: static shape of what is weighed.
        name: the name of the argument.
    """
    given = tuple(weights.shape)
    if len(given) == len(shape) + 1 and given[-1] == 1:
        weights = ops.squeeze(weights, axis=-1)
    fits = len(weights.shape) <= len(shape) and all(
        size in (1, None) or expected in (None, size)
        for size, expected in zip(weights.shape, shape, strict=False)
    )
    if not fits:
        raise ValueError(
            f"`{name}` must broadcast to the labels from the left: one value for each "
            f"sample or for each label. Received: {name}.shape={given}, shape of the "
            f"labels={tuple(shape)}"
        )
    while len(weights.shape) < len(shape):
        weights = ops.expand_dims(weights, -1)
    return weights
