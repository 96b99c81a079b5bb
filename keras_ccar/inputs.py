"""What Keras hands a loss, made ready for a loss that counts its samples."""

from keras import ops

# Masks travel beside tensors in a registry that Keras does not export.
from keras.src.backend import get_keras_mask, set_keras_mask


def gather_inputs(y_true, y_pred, sample_weight, loss_rank, dtype):
    """Bundles labels with which samples count, and aligns weights and masks.

    Keras passes the `call` of a loss neither masks nor sample weights. Both decide
    which samples are counted, so they travel with the labels.

    Args:
        y_true: labels.
        y_pred: predictions.
        sample_weight: weights of samples, of the losses' rank or lower, or None.
        loss_rank: function from the rank of predictions to that of the losses.
        dtype: dtype of the weights.

    Returns:
        A tuple of what to give `keras.losses.Loss.__call__`: a dict of "labels" and,
        where some sample may not count, "counted"; predictions; sample weights.
    """
    inputs = {"labels": ops.convert_to_tensor(y_true)}
    mask = get_keras_mask(y_pred)
    y_pred = ops.convert_to_tensor(y_pred)
    rank = loss_rank(len(y_pred.shape))
    counted = []
    if mask is not None:
        mask = _expand(ops.cast(mask, dtype), rank)
        # On a copy: other losses may read the mask of the same output.
        y_pred = ops.copy(y_pred)
        set_keras_mask(y_pred, mask)
        counted.append(mask)
    if sample_weight is not None:
        sample_weight = _expand(ops.convert_to_tensor(sample_weight, dtype), rank)
        counted.append(ops.cast(sample_weight != 0, dtype))
    if counted:
        inputs["counted"] = counted[0] if len(counted) == 1 else counted[0] * counted[1]
    return inputs, y_pred, sample_weight


def _expand(values, rank):
    """Adds trailing axes, so that values of samples broadcast over their losses."""
    while len(values.shape) < rank:
        values = ops.expand_dims(values, -1)
    return values
