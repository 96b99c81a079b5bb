"""Brings what Keras hands a metric into one form: flat classes and weights."""

from keras import ops
from keras.src.backend import get_keras_mask  # JAX arrays carry no mask attribute

from keras_ccar.inputs import align_weights
from keras_ccar.labels import standardize_classes, standardize_labels


def classes_and_weights(
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
    labels, is_class, _ = standardize_classes(labels, classes)
    weights = ops.where(is_class, weights, float("nan"))
    return (
        ops.reshape(labels, (-1,)),
        ops.reshape(y_pred, (-1, classes)),
        ops.reshape(weights, (-1,)),
    )
