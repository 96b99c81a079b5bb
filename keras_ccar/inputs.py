"""What Keras hands a loss, made ready for a loss that counts its samples."""

from keras import ops

# Masks travel beside tensors in a registry that Keras does not export.
from keras.src.backend import get_keras_mask, set_keras_mask


def gather_inputs(y_true, y_pred, sample_weight, loss_shape, dtype):
    """Bundles labels with which samples count, and aligns weights and masks.

    Keras passes the `call` of a loss neither masks nor sample weights. Both decide
    which samples are counted, so they travel with the labels.

    Args:
        y_true: labels.
        y_pred: predictions.
        sample_weight: weights of samples, or None; see `align_weights`.
        loss_shape: function from the shape of predictions to that of the losses.
        dtype: dtype of the weights.

    Returns:
        A tuple of what to give `keras.losses.Loss.__call__`: a dict of "labels" and,
        where some sample may not count, "counted"; predictions; sample weights.

    Raises:
        ValueError: if weights do not fit the losses.
    """
    inputs = {"labels": ops.convert_to_tensor(y_true)}
    mask = get_keras_mask(y_pred)
    y_pred = ops.convert_to_tensor(y_pred)
    shape = loss_shape(tuple(y_pred.shape))
    counted = []
    if mask is not None:
        mask = align_weights(ops.cast(mask, "bool"), shape)
        # On a copy: other losses may read the mask of the same output.
        y_pred = ops.copy(y_pred)
        set_keras_mask(y_pred, mask)
        counted.append(ops.cast(mask, dtype))
    if sample_weight is not None:
        sample_weight = ops.convert_to_tensor(sample_weight, dtype)
        sample_weight = align_weights(sample_weight, shape)
        counted.append(ops.cast(sample_weight != 0, dtype))
    if counted:
        inputs["counted"] = counted[0] if len(counted) == 1 else counted[0] * counted[1]
    return inputs, y_pred, sample_weight


def align_weights(weights, shape):
    """Gives weights or a mask the rank of what they weigh, ready to broadcast.

    Args:
        weights: tensor of one value a sample, or one a term; a last axis of 1 too many
            is dropped, as Keras does.
        shape: static shape of what is weighed.

    Raises:
        ValueError: if weights do not broadcast from the left.
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
            "`sample_weight` must broadcast to the labels from the left: one weight a "
            f"sample, or one a label. Received: sample_weight.shape={given}, shape of "
            f"the labels={tuple(shape)}"
        )
    while len(weights.shape) < len(shape):
        weights = ops.expand_dims(weights, -1)
    return weights
