"""Prepares the arguments of losses and metrics, and records which samples count."""

from collections.abc import Callable
from typing import Any

from keras import ops

from keras_ccar.inputs.checks import check_finite, to_numeric_tensor
from keras_ccar.inputs.labels import standardize_labels, to_class_indices
from keras_ccar.keras_internals import get_keras_mask, set_keras_mask

Shape = tuple[int | None, ...]


def pack_labels(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any,
    loss_shape: Callable[[Shape], Shape],
    dtype: str,
) -> tuple[dict[str, Any], Any, Any]:
    """Packs labels together with which samples count, and aligns weights and masks.

    Keras passes neither masks nor sample weights to the `call` of a loss. Both decide
    which samples count, so they travel with the labels.

    Args:
        y_true: labels.
        y_pred: predictions.
        sample_weight: weights of samples, or None; see `align_weights`.
        loss_shape: function from the shape of predictions to that of the losses.
        dtype: dtype of the weights.

    Returns:
        The arguments of `keras.losses.Loss.__call__`: a dict of "labels" and, where
        some samples may not count, "counted"; predictions; sample weights.
    """
    inputs = {"labels": to_numeric_tensor("y_true", y_true)}
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
    if counted:
        inputs["counted"] = counted[0] if len(counted) == 1 else counted[0] * counted[1]
    return inputs, y_pred, sample_weight


def unpack_labels(y_true: Any) -> tuple[Any, Any]:
    """Returns labels, and which samples count or None.

    `y_true` is the dict of `pack_labels`, or plain labels if `call` is used directly.
    """
    if isinstance(y_true, dict):
        return y_true["labels"], y_true.get("counted")
    return y_true, None


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


def flatten_samples(
    y_true: Any,
    y_pred: Any,
    sample_weight: Any = None,
    num_classes: int | None = None,
    ignore_class: int | None = None,
) -> tuple[Any, Any, Any]:
    """Flattens labels, predictions and weights to one row for each sample.

    Args:
        y_true: labels `(...)` or `(..., 1)` in any dtype, or distributions
            `(..., K)`, which are reduced to their most probable class.
        y_pred: predictions `(..., K)`. A mask that Keras attached to them is applied.
        sample_weight: weights or mask that broadcast to `(...)`, or None.
        num_classes: K, checked against `y_pred` if given.
        ignore_class: the label of samples to leave out, or None.

    Returns:
        A triple of int32 labels `(N,)`, float32 predictions `(N, K)` and float32
        weights `(N,)`. Samples that are left out have weight 0. A label that is not a
        class is an error, or has weight NaN in a compiled step, which cannot raise one.
    """
    mask = get_keras_mask(y_pred)
    y_pred = ops.cast(ops.convert_to_tensor(y_pred), "float32")
    y_true = ops.convert_to_tensor(y_true)
    if num_classes is not None and y_pred.shape[-1] != num_classes:
        raise ValueError(
            f"`y_pred` must have a last axis of {num_classes} classes, as the metric "
            f"has. Received: y_pred.shape={tuple(y_pred.shape)}"
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
    # Padding often has labels such as -1, so only labels that count are checked.
    labels = ops.where(weights == 0, 0, labels)
    classes = y_pred.shape[-1]
    labels, is_class, _ = to_class_indices(labels, classes)
    weights = ops.where(is_class, weights, float("nan"))
    return (
        ops.reshape(labels, (-1,)),
        ops.reshape(y_pred, (-1, classes)),
        ops.reshape(weights, (-1,)),
    )
