"""Prepares what losses and metrics are called with, and records which samples count."""

from keras import ops

from keras_ccar.inputs.checks import check_finite, to_numeric_tensor
from keras_ccar.inputs.labels import standardize_labels, to_class_indices

# Masks travel beside tensors in a registry that Keras does not export.
# Masks travel beside tensors in a registry that Keras does not export.
from keras_ccar.keras_internals import get_keras_mask, set_keras_mask


def pack_labels(y_true, y_pred, sample_weight, loss_shape, dtype):
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
        ValueError: for what is no tensor of numbers, for weights that do not fit the
            losses, and for numbers that are not finite: in known weights, and in
            predictions given as an array. A tensor is what a model computed: its NaN
            has to reach the loss, where Keras looks for it.
    """
    inputs = {"labels": to_numeric_tensor("y_true", y_true)}
    mask = get_keras_mask(y_pred)
    is_computed = ops.is_tensor(y_pred)
    y_pred = to_numeric_tensor("y_pred", y_pred)
    if not is_computed:
        check_finite("y_pred", y_pred)
    shape = loss_shape(tuple(y_pred.shape))
    counted = []
    if mask is not None:
        mask = align_weights(ops.cast(mask, "bool"), shape, "mask")
        # On a copy: other losses may read the mask of the same output.
        y_pred = ops.copy(y_pred)
        set_keras_mask(y_pred, mask)
        counted.append(ops.cast(mask, dtype))
    if sample_weight is not None:
        sample_weight = to_numeric_tensor("sample_weight", sample_weight, dtype)
        check_finite("sample_weight", sample_weight)
        # Of the whole shape, and not the caller's: on torch Keras multiplies masks into
        # them in place.
        whole = ops.ones(loss_shape(ops.shape(y_pred)), dtype)
        sample_weight = align_weights(sample_weight, shape) * whole
        counted.append(ops.cast(sample_weight != 0, dtype))
    if counted:
        inputs["counted"] = counted[0] if len(counted) == 1 else counted[0] * counted[1]
    return inputs, y_pred, sample_weight


def unpack_labels(y_true):
    """Returns labels, and which samples count or None, from what `call` is given.

    Args:
        y_true: what `gather_inputs` made, or plain labels.
    """
    if isinstance(y_true, dict):
        return y_true["labels"], y_true.get("counted")
    return y_true, None


def align_weights(weights, shape, name="sample_weight"):
    """Gives weights or a mask the rank of what they weigh, ready to broadcast.

    Args:
        weights: tensor of one value a sample, or one a term; a last axis of 1 too many
            is dropped, as Keras does.
        shape: static shape of what is weighed.
        name: what they are called, for the message.

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
            f"`{name}` must broadcast to the labels from the left: one value a sample, "
            f"or one a label. Received: {name}.shape={given}, shape of the labels="
            f"{tuple(shape)}"
        )
    while len(weights.shape) < len(shape):
        weights = ops.expand_dims(weights, -1)
    return weights


def flatten_samples(
    y_true, y_pred, sample_weight=None, num_classes=None, ignore_class=None
):
    """Flattens labels, predictions and weights to one row a sample.

    Args:
        y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
            `(..., K)`, of which the most probable class is the label.
        y_pred: float predictions `(..., K)`.
        sample_weight: weights or mask that broadcast to `(...)`, or None. A mask
            that Keras attached to `y_pred` is applied as well.
        num_classes: `K`, checked against `y_pred` if given.
        ignore_class: label of samples to leave out, or None.

    Returns:
        A triple of int32 labels `(N,)`, float32 predictions `(N, K)` and float32
        weights `(N,)`. Samples that are left out have weight 0. A label that is not
        a class has weight NaN, so that it cannot pass unnoticed through a compiled
        step; where values are known it is an error.

    Raises:
        ValueError: if the shapes do not fit, or a known label is not a class.
    """
    mask = get_keras_mask(y_pred)
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    y_true = ops.convert_to_tensor(y_true)
    if num_classes is not None and y_pred.shape[-1] != num_classes:
        raise ValueError(
            f"`y_pred` must have a last axis of {num_classes} classes, as many as the "
            f"metric was made for. Received: y_pred.shape={tuple(y_pred.shape)}"
        )
    labels, is_sparse = standardize_labels(y_true, y_pred.shape, axis=-1)
    labels = labels if is_sparse else ops.argmax(labels, axis=-1)

    weights = ops.ones_like(labels, dtype="float32")
    for factor in (sample_weight, mask):
        if factor is not None:
            factor = ops.cast(ops.convert_to_tensor(factor), "float32")
            weights = weights * align_weights(factor, labels.shape)
    if ignore_class is not None:
        weights = ops.where(labels == ignore_class, 0.0, weights)
    # Padding often holds labels such as -1; only labels that count are checked.
    labels = ops.where(weights == 0, 0, labels)
    classes = y_pred.shape[-1]
    labels, is_class, _ = to_class_indices(labels, classes)
    weights = ops.where(is_class, weights, float("nan"))
    return (
        ops.reshape(labels, (-1,)),
        ops.reshape(y_pred, (-1, classes)),
        ops.reshape(weights, (-1,)),
    )
